//! What a file is by its first bytes, and what to do with those that are not read.

/// Bytes that tell: a block of tar.
pub(super) const HEAD: usize = 512;

/// What a file is by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Gzip,
    Zip,
    Tar,
    Pickle,
    Npy,
    Idx,
    Mat,
    Parquet,
    /// A picture; the name of its format.
    Picture(&'static str),
    /// Known, and not read: what it is, and what to do.
    Foreign(&'static str, &'static str),
    /// Letters alone.
    Text,
    Empty,
    Other,
}

/// What marks pages of our own: www/share/report.js.
const OWN_PAGES: &str = "<meta name=\"generator\" content=\"nibble\">";

/// Pixels of a picture that is decoded: more would take gigabytes.
const MOST_PIXELS: u64 = 120_000_000;

const UNPACK: &str = "unpack it and drop the folder, or pack it as .zip or .tar.gz";

/// Beginnings that leave no doubt.
const BEGINNINGS: &[(&[u8], Content)] = &[
    (b"\x1f\x8b\x08", Content::Gzip),
    (b"PK\x03\x04", Content::Zip),
    (b"PK\x05\x06", Content::Zip),
    (b"\x93NUMPY", Content::Npy),
    (b"PAR1", Content::Parquet),
    (b"MATLAB 5.0 MAT-file", Content::Mat),
    (b"\x89PNG\r\n\x1a\n", Content::Picture("PNG")),
    (b"\xff\xd8\xff", Content::Picture("JPEG")),
    (b"GIF8", Content::Picture("GIF")),
    (b"BM", Content::Picture("BMP")),
    (b"II*\0", Content::Picture("TIFF")),
    (b"MM\0*", Content::Picture("TIFF")),
    (b"\xff\x0a", Content::Picture("JPEG XL")),
    (b"\0\0\0\x0cJXL ", Content::Picture("JPEG XL")),
    (b"8BPS", Content::Picture("Photoshop")),
    (b"P5", Content::Picture("PGM")),
    (b"P6", Content::Picture("PPM")),
    (b"BZh", Content::Foreign("a bzip2 archive", UNPACK)),
    (b"\xfd7zXZ\0", Content::Foreign("an xz archive", UNPACK)),
    (b"7z\xbc\xaf\x27\x1c", Content::Foreign("a 7-Zip archive", UNPACK)),
    (b"Rar!", Content::Foreign("a RAR archive", UNPACK)),
    (b"\x28\xb5\x2f\xfd", Content::Foreign("a Zstandard archive", UNPACK)),
    (
        b"MATLAB 7.3 MAT-file",
        Content::Foreign("a MATLAB 7.3 file (HDF5)", "save it in MATLAB with the option -v7"),
    ),
    (
        b"\x89HDF\r\n\x1a\n",
        Content::Foreign("an HDF5 file", "save its arrays with numpy.savez and drop the .npz"),
    ),
    (b"ARROW1", Content::Foreign("an Arrow file", "save it as Parquet (dataset.to_parquet)")),
    (
        b"version https://git-lfs.github.com",
        Content::Foreign(
            "a Git LFS pointer, not the file itself",
            "fetch it with git lfs pull, or download it in the browser",
        ),
    ),
    (b"%PDF", Content::Foreign("a PDF document", "export its pictures as PNG or JPEG")),
];

impl Content {
    /// By the first [`HEAD`] bytes, or all where there are fewer, and the size where it is known.
    pub fn of(head: &[u8], size: Option<u64>) -> Self {
        if head.is_empty() {
            return Self::Empty;
        }
        if is_tar(head) {
            return Self::Tar;
        }
        if let Some((_, content)) = BEGINNINGS.iter().find(|(beginning, _)| head.starts_with(beginning)) {
            let short = head.starts_with(b"BM") || head.starts_with(b"P5") || head.starts_with(b"P6");
            if !short || is_short_picture(head) {
                return *content;
            }
        }
        match head {
            [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand.get(..4) {
                Some(b"avif" | b"avis") => Self::Picture("AVIF"),
                Some(b"heic" | b"heix" | b"hevc" | b"mif1" | b"msf1" | b"heim") => Self::Picture("HEIC"),
                _ => Self::Foreign("a video", "save some of its frames as pictures"),
            },
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Self::Picture("WebP"),
            _ if is_idx(head, size) => Self::Idx,
            _ if is_pickle(head) => Self::Pickle,
            _ => text(head),
        }
    }

    /// What it looks like and what to do, for a file that cannot be used.
    pub fn describe(self, head: &[u8]) -> String {
        match self {
            Self::Gzip | Self::Zip | Self::Tar => "an archive inside an archive".into(),
            Self::Pickle => "a pickle without images and labels".into(),
            Self::Npy | Self::Idx => "an array alone".into(),
            Self::Mat => "a MATLAB file".into(),
            Self::Parquet => "a Parquet table".into(),
            Self::Picture(format) => format!("a {format} picture"),
            Self::Foreign(what, todo) => format!("{what}: {todo}"),
            Self::Text => {
                format!("a text that begins with \"{}\"", head[..head.len().min(12)].escape_ascii())
            }
            Self::Empty => "an empty file".into(),
            Self::Other => {
                format!("a file that begins with \"{}\"", head[..head.len().min(8)].escape_ascii())
            }
        }
    }
}

/// Two letters alone are no beginning of a picture: what follows must be one too.
fn is_short_picture(head: &[u8]) -> bool {
    match head {
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => true,
        [b'P', _, space, ..] => space.is_ascii_whitespace(),
        _ => false,
    }
}

/// Whether it is a block with tar's checksum; that of zeros, the end of an archive, is none.
fn is_tar(head: &[u8]) -> bool {
    let Ok(block) = <&[u8; HEAD]>::try_from(head) else { return false };
    super::archive::tar::has_checksum(block)
}

/// Zeros, a type, the number of dimensions, then these, as large as the file.
fn is_idx(head: &[u8], size: Option<u64>) -> bool {
    let Some(header) = super::arrays::idx::header(head) else { return false };
    size.is_none_or(|size| size == header.bytes)
}

/// Protocol 2 and later say so; earlier ones begin with what people pickle: a dictionary, a list, a tuple.
fn is_pickle(head: &[u8]) -> bool {
    matches!(head, [0x80, 2..=5, ..] | [b'}' | b']', b'q', _, ..])
        || matches!(head, [b'(', b'd' | b'l', b'p', b'0'..=b'9', ..])
        || matches!(head, [b'(' | b'c', b'c' | b'n', b'n' | b'u', ..])
        || head.starts_with(b"ccollections\n")
}

fn text(head: &[u8]) -> Content {
    let start = String::from_utf8_lossy(head).trim_start().to_ascii_lowercase();
    if start.starts_with('{') && start.contains("\"nibble-runs/") {
        return Content::Foreign(
            "runs that Share has saved, not images",
            "the link in it has their settings",
        );
    }
    if start.starts_with("<!doctype html") || start.starts_with("<html") {
        if start.contains(OWN_PAGES) {
            return Content::Foreign(
                "a report of runs, not images",
                "open it in a browser: its link has their settings",
            );
        }
        let todo = "a sign-in or error page was saved in place of the file: download it again";
        return Content::Foreign("a web page", todo);
    }
    if start.starts_with("<svg") || (start.starts_with("<?xml") && start.contains("<svg")) {
        return Content::Picture("SVG");
    }
    let letters = head.iter().all(|&byte| byte >= 0x20 || matches!(byte, b'\t' | b'\n' | b'\r'));
    if letters { Content::Text } else { Content::Other }
}

/// Whether a picture says in its first 512 bytes that it has more pixels than are decoded. These are the formats that pack a large one
/// into few bytes.
pub fn is_too_large(head: &[u8]) -> bool {
    let at = |place: usize, bytes: usize| head.get(place..place + bytes);
    let little = |place: usize, bytes: usize| {
        at(place, bytes).map(|bytes| bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte)))
    };
    let big = |place: usize| {
        at(place, 4).map(|bytes| bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)))
    };
    let sides = match head {
        [0x89, b'P', b'N', b'G', ..] => big(16).zip(big(20)),
        [b'G', b'I', b'F', b'8', ..] => little(6, 2).zip(little(8, 2)),
        [b'B', b'M', ..] => {
            little(18, 4).zip(little(22, 4).map(|height| u64::from((height as u32 as i32).unsigned_abs())))
        }
        [b'R', b'I', b'F', b'F', ..] => match at(12, 4) {
            Some(b"VP8X") => little(24, 3).zip(little(27, 3)).map(|(width, height)| (width + 1, height + 1)),
            Some(b"VP8L") => little(21, 4).map(|bits| (1 + (bits & 0x3fff), 1 + (bits >> 14 & 0x3fff))),
            _ => None,
        },
        _ => None,
    };
    sides.is_some_and(|(width, height)| width.saturating_mul(height) > MOST_PIXELS)
}

/// What is said of one.
pub(super) fn too_large() -> String {
    format!("larger than {} million pixels", MOST_PIXELS / 1_000_000)
}

/// Endings of pictures, and the format that they announce. Those of which some browser decodes none are here too: they are
/// told, not passed over.
const ENDINGS: &[(&str, &str)] = &[
    ("png", "PNG"),
    ("jpg", "JPEG"),
    ("jpeg", "JPEG"),
    ("jpe", "JPEG"),
    ("jfif", "JPEG"),
    ("webp", "WebP"),
    ("gif", "GIF"),
    ("bmp", "BMP"),
    ("avif", "AVIF"),
    ("svg", "SVG"),
    ("heic", "HEIC"),
    ("heif", "HEIC"),
    ("tif", "TIFF"),
    ("tiff", "TIFF"),
    ("jxl", "JPEG XL"),
    ("ppm", "PPM"),
    ("pgm", "PGM"),
    ("pnm", "PPM"),
    ("psd", "Photoshop"),
    ("dng", "raw"),
    ("cr2", "raw"),
    ("nef", "raw"),
    ("arw", "raw"),
    ("ico", "icon"),
];

/// The format of a picture by the ending of its name.
pub(super) fn picture_by_name(path: &str) -> Option<&'static str> {
    let ending = path.rsplit_once('.')?.1.to_ascii_lowercase();
    ENDINGS.iter().find(|(known, _)| *known == ending).map(|(_, format)| *format)
}

/// What systems and programs leave in every folder: hidden files and folders, thumbnails, what tar of old wrote beside its
/// members.
pub(super) fn is_passed_over(path: &str) -> bool {
    let known = |part: &str| {
        part.starts_with('.') && part != "." && part != ".."
            || part.starts_with("PaxHeader")
            || matches!(part, "__MACOSX" | "@eaDir" | "$RECYCLE.BIN")
            || part.eq_ignore_ascii_case("thumbs.db")
            || part.eq_ignore_ascii_case("desktop.ini")
    };
    path.split('/').any(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_tells() {
        let of = |head: &[u8]| Content::of(head, Some(head.len() as u64));
        assert_eq!(of(b""), Content::Empty);
        assert_eq!(of(b"\x1f\x8b\x08..."), Content::Gzip);
        assert_eq!(of(b"\0\0\0\x18ftypheic"), Content::Picture("HEIC"));
        assert_eq!(of(b"\0\0\x08\x01\0\0\0\x03abc"), Content::Idx);
        assert_eq!(of(b"\0\0\x08\x01\0\0\0\x03abcd"), Content::Other, "not as large as it says");
        assert_eq!(of(b"(dp0\nS'data'\n"), Content::Pickle);
        assert_eq!(of(b"}q\0(X\x04\0\0\0data"), Content::Pickle);
        assert_eq!(of(b"BMW and others"), Content::Text);
        assert_eq!(
            of(b"  <!DOCTYPE html><html>").describe(b""),
            "a web page: a sign-in or error page was saved in place of the file: download it again"
        );
        assert_eq!(of(b"<svg viewBox='0 0 1 1'/>"), Content::Picture("SVG"));
        assert!(matches!(of(b"version https://git-lfs.github.com/spec/v1"), Content::Foreign(..)));
    }

    #[test]
    fn too_many_pixels_are_seen_in_the_first_bytes() {
        let png = |side: u32| {
            [b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".as_slice(), &side.to_be_bytes(), &side.to_be_bytes()].concat()
        };
        assert!(is_too_large(&png(20_000)) && is_too_large(&png(u32::MAX)) && !is_too_large(&png(8000)));
        assert!(!is_too_large(&png(20_000)[..20]), "cut off");
        assert!(is_too_large(b"GIF89a\xff\xff\xff\xff") && !is_too_large(b"GIF89a\x20\0\x20\0"));
        let webp = |chunk: &[u8]| [b"RIFF\0\0\0\0WEBP".as_slice(), chunk].concat();
        assert!(is_too_large(&webp(b"VP8X\x0a\0\0\0\0\0\0\0\xff\x3f\0\xff\x3f\0")));
        assert!(is_too_large(&webp(b"VP8L\x0a\0\0\0\x2f\xff\xff\xff\x0f")));
        assert!(!is_too_large(&webp(b"VP8L\x0a\0\0\0\x2f\x1f\xc0\x07\0")));
        let bmp = |height: i32| {
            [[b'B', b'M'].as_slice(), &[0; 16], &20_000u32.to_le_bytes(), &height.to_le_bytes()].concat()
        };
        assert!(is_too_large(&bmp(-20_000)) && !is_too_large(&bmp(32)));
    }

    #[test]
    fn names_that_are_passed_over() {
        for path in [
            "a/.DS_Store",
            "a/.ipynb_checkpoints/1.jpg",
            "__MACOSX/a/1.jpg",
            "a/@eaDir/b.jpg",
            "Thumbs.db",
            "b/PaxHeaders.12/1.jpg",
        ] {
            assert!(is_passed_over(path), "{path}");
        }
        for path in ["a/b.jpg", "./a.png", "PaxMan/1.jpg"] {
            assert!(!is_passed_over(path), "{path}");
        }
        assert_eq!(picture_by_name("a/B.JPEG"), Some("JPEG"));
        assert_eq!(picture_by_name("a.jpg/b"), None);
    }
}
