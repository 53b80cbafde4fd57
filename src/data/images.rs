//! A data set of one's own pictures.

use super::dataset::{Dataset, DatasetKind, IMAGE_BYTES, PLANE, Split};
use crate::random::{Purpose, below, stream};
use crate::{Error, Result};

/// Most classes of a set.
pub const MAX_CLASSES: usize = 1000;
/// Fewest images of a class: one to train on and one to test on.
pub const MIN_IMAGES: usize = 2;
/// One image of so many is held out for testing.
const HOLD_OUT: usize = 10;

/// Which of the own images are held out for testing: the same in every run on them.
pub const SEED: u64 = 1;

/// Makes a data set of `images`, `[n][3][SIDE][SIDE]` bytes, and the class of each image. A tenth of each class
/// (rounded down, but at least one image) is drawn from the seed and held out for testing; both splits keep the
/// order of the images. Those that are trained on stay where they are in memory.
///
/// # Errors
/// [`Error::Data`] for less than 2 or more than [`MAX_CLASSES`] classes, for bytes that are not whole images or not one
/// for each label, for a label without a class, for a class of fewer than 2 images, which is named, and where there is
/// no memory for the images that are held out.
pub fn from_planes(
    name: &str,
    classes: Vec<String>,
    mut images: Vec<u8>,
    mut labels: Vec<u16>,
    seed: u64,
) -> Result<Dataset> {
    let refuse = |expected: String, found: String| Err(Error::Data { file: name.into(), expected, found });
    if !(2..=MAX_CLASSES).contains(&classes.len()) {
        return refuse(format!("2 to {MAX_CLASSES} classes"), classes.len().to_string());
    }
    if images.len() != labels.len() * IMAGE_BYTES {
        let expected = format!("{} bytes for {} labels", labels.len() * IMAGE_BYTES, labels.len());
        return refuse(expected, format!("{} bytes", images.len()));
    }
    if let Some(image) = labels.iter().position(|&label| usize::from(label) >= classes.len()) {
        let found = format!("label {} of image {}", labels[image], image + 1);
        return refuse(format!("labels below {}", classes.len()), found);
    }
    let held_out = hold_out(name, &classes, &labels, seed)?;
    let count = held_out.iter().filter(|test| **test).count();
    let mut test = Split::default();
    test.try_reserve(name, count)?;
    let mut kept = 0;
    for (image, &held_out) in held_out.iter().enumerate() {
        let bytes = image * IMAGE_BYTES..(image + 1) * IMAGE_BYTES;
        if held_out {
            test.labels.push(labels[image]);
            test.images.extend_from_slice(&images[bytes]);
        } else {
            labels[kept] = labels[image];
            images.copy_within(bytes, kept * IMAGE_BYTES);
            kept += 1;
        }
    }
    labels.truncate(kept);
    images.truncate(kept * IMAGE_BYTES);
    let note = format!("{count} images, a tenth of each class, are held out for testing.");
    let mut dataset = Dataset::new(DatasetKind::Images, name, classes, Split { images, labels }, test)?;
    dataset.notes.push(note);
    Ok(dataset)
}

/// [`from_planes`] of `[n][SIDE][SIDE]` R G B bytes that lie elsewhere, `len` of them: `read(image, into)` copies those of an
/// image. Beside the data set there is then one image in memory.
///
/// # Errors
/// As [`from_planes`], and where there is no memory for the images.
pub fn from_pixels(
    name: &str,
    classes: Vec<String>,
    len: usize,
    labels: &[u16],
    seed: u64,
    mut read: impl FnMut(usize, &mut [u8]),
) -> Result<Dataset> {
    let mut all = Split::default();
    all.try_reserve(name, len / IMAGE_BYTES)?;
    let mut pixels = [0; IMAGE_BYTES];
    for image in 0..len / IMAGE_BYTES {
        read(image, &mut pixels);
        all.images.extend(planes(&pixels));
    }
    // What is no whole image is refused there.
    all.images.resize(len, 0);
    all.labels.extend_from_slice(labels);
    from_planes(name, classes, all.images, all.labels, seed)
}

/// Whether each image is held out.
fn hold_out(name: &str, classes: &[String], labels: &[u16], seed: u64) -> Result<Vec<bool>> {
    let mut members = vec![Vec::new(); classes.len()];
    for (image, &label) in labels.iter().enumerate() {
        members[usize::from(label)].push(image as u32);
    }
    let mut held_out = vec![false; labels.len()];
    for (class, (members, class_name)) in members.iter_mut().zip(classes).enumerate() {
        if members.len() < MIN_IMAGES {
            return Err(Error::Data {
                file: format!("{name}, class {class_name}"),
                expected: format!("at least {MIN_IMAGES} images"),
                found: members.len().to_string(),
            });
        }
        let mut rng = stream(seed, Purpose::HoldOut, class as u64);
        // The first places of a Fisher-Yates shuffle.
        for place in 0..(members.len() / HOLD_OUT).max(1) {
            let drawn = place + below(&mut rng, (members.len() - place) as u32) as usize;
            members.swap(place, drawn);
            held_out[members[place] as usize] = true;
        }
    }
    Ok(held_out)
}

/// The bytes of an image of R G B pixels, plane by plane.
fn planes(pixels: &[u8; IMAGE_BYTES]) -> impl ExactSizeIterator<Item = u8> {
    (0..IMAGE_BYTES).map(|i| pixels[i % PLANE * 3 + i / PLANE])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|class| format!("class {class}")).collect()
    }

    /// An image whose bytes tell its number and their place.
    fn image(number: usize) -> Vec<u8> {
        (0..IMAGE_BYTES).map(|i| (number * 31 + i * 7 + i / 251) as u8).collect()
    }

    fn from_bytes(classes: Vec<String>, pixels: &[u8], labels: &[u16], seed: u64) -> Result<Dataset> {
        let read = |image: usize, into: &mut [u8]| {
            into.copy_from_slice(&pixels[image * IMAGE_BYTES..][..IMAGE_BYTES])
        };
        from_pixels("mine", classes, pixels.len(), labels, seed, read)
    }

    fn build(labels: &[u16], classes: usize, seed: u64) -> Result<Dataset> {
        let pixels: Vec<u8> = (0..labels.len()).flat_map(image).collect();
        from_bytes(names(classes), &pixels, labels, seed)
    }

    #[test]
    fn a_tenth_of_each_class_is_held_out_and_no_image_is_lost() {
        // 2 of class 0, 25 of class 1, 19 of class 2, mixed.
        let mut labels = [vec![1; 25], vec![0; 2], vec![2; 19]].concat();
        labels.swap(3, 30);
        labels.swap(26, 45);
        let set = build(&labels, 3, 7).unwrap();
        let count = |split: &Split, class| split.labels.iter().filter(|label| **label == class).count();
        assert_eq!([0, 1, 2].map(|class| count(&set.test, class)), [1, 2, 1]);
        assert_eq!([0, 1, 2].map(|class| count(&set.train, class)), [1, 23, 18]);
        let mut seen = Vec::new();
        for split in [&set.train, &set.test] {
            let mut last = None;
            for i in 0..split.len() {
                let rgba = split.rgba(i);
                let number = (0..labels.len())
                    .find(|&number| {
                        let pixels = image(number);
                        rgba.chunks_exact(4).zip(pixels.chunks_exact(3)).all(|(a, b)| a[..3] == *b)
                    })
                    .expect("one of the images, pixel by pixel");
                assert_eq!(split.label(i), labels[number]);
                assert!(last < Some(number), "in the order of the images");
                last = Some(number);
                seen.push(number);
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..labels.len()).collect::<Vec<_>>());
        assert_eq!(set.notes, ["4 images, a tenth of each class, are held out for testing."]);
        assert_eq!(serde_json::to_value(set.info()).unwrap()["kind"], "images");
    }

    #[test]
    fn the_seed_decides_which_images_are_held_out() {
        let labels: Vec<u16> = (0..60).map(|i| i % 2).collect();
        let fingerprint = |seed| build(&labels, 2, seed).unwrap().fingerprint().to_owned();
        assert_eq!(fingerprint(1), fingerprint(1));
        assert_ne!(fingerprint(1), fingerprint(2));
    }

    /// Computed once: a change of it would hold out other images of the sets that people have kept.
    #[test]
    fn the_same_images_are_held_out_as_ever() {
        let labels: Vec<u16> = (0..60).map(|i| i * i % 3 % 2).collect();
        let pixels: Vec<u8> = (0..60 * IMAGE_BYTES).map(|i| (i * 31 + i / 251) as u8).collect();
        let set = from_bytes(names(2), &pixels, &labels, 1).unwrap();
        assert_eq!(set.fingerprint(), "d73f4632");
    }

    #[test]
    fn a_thousand_classes_are_told_apart() {
        let labels: Vec<u16> = (0..2000).map(|i| i / 2).collect();
        let set = build(&labels, 1000, 1).unwrap();
        assert_eq!(set.train.labels, (0..1000).collect::<Vec<u16>>());
        assert_eq!(set.train.labels, set.test.labels);
        let mut other = set.clone();
        // The same in its lower byte.
        (other.train.labels[256], other.train.labels[0]) = (0, 256);
        let other = Dataset::new(other.kind, "other", other.classes, other.train, other.test).unwrap();
        assert_ne!(set.fingerprint(), other.fingerprint());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let message = |labels: &[u16], classes| build(labels, classes, 1).unwrap_err().to_string();
        assert_eq!(message(&[0, 0, 1], 2), "mine, class class 1: expected at least 2 images, found 1");
        assert_eq!(message(&[0, 0], 1), "mine: expected 2 to 1000 classes, found 1");
        assert_eq!(message(&[0, 0], 1001), "mine: expected 2 to 1000 classes, found 1001");
        assert_eq!(message(&[0, 0, 1, 1, 2], 2), "mine: expected labels below 2, found label 2 of image 5");
        let short = from_bytes(names(2), &[0; 5000], &[0, 0, 1, 1], 1).unwrap_err().to_string();
        assert_eq!(short, "mine: expected 12288 bytes for 4 labels, found 5000 bytes");
    }
}
