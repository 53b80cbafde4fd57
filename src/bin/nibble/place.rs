//! Files that are there as a whole or not at all.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::process;

use clap::{Arg, ArgAction, value_parser};

use crate::problem::{Problem, Result};

const PART: &str = ".part";

/// Where a command writes.
pub fn out(help: &'static str) -> Arg {
    Arg::new("out").long("out").value_name("FILE").value_parser(value_parser!(PathBuf)).help(help)
}

/// Has [`Place::new`] take the name of a file that is there; `which` files these are.
pub fn force(which: &str) -> Arg {
    Arg::new("force").long("force").action(ArgAction::SetTrue).help(format!("Overwrite {which}"))
}

/// Where a file is written, again and again. Whenever the machine stops, there is a whole file of that name: the new one,
/// or the one before.
pub struct Place(PathBuf);

impl Place {
    /// One that no file has.
    ///
    /// # Errors
    /// Where there is a file of that name already, unless it may be overwritten; as [`Place::same`]. `way` is another way
    /// for the user, if there is one.
    pub fn new(path: &Path, overwrite: bool, way: &str) -> Result<Self> {
        if path.is_file() && !overwrite {
            let expected = "a name that no file has, or --force to overwrite it";
            return Err(Problem::data(path, expected, format!("a file{way}")));
        }
        Self::same(path)
    }

    /// One whose file is replaced, if there is one.
    ///
    /// # Errors
    /// Where there is a folder or a device of that name, in whose place the rename would put a file.
    pub fn same(path: &Path) -> Result<Self> {
        if path.exists() && !path.is_file() {
            return Err(Problem::data(path, "a file to save to", "a folder or a device"));
        }
        // A link stays one.
        let place = Self(fs::canonicalize(path).unwrap_or_else(|_| path.into()));
        place.clean();
        Ok(place)
    }

    /// Writes the file; `what` it is, for the message.
    ///
    /// # Errors
    /// Where it cannot be written; the file before is as it was.
    pub fn write(
        &self,
        what: &str,
        write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    ) -> Result<()> {
        let written = self.part().and_then(|(part, file)| {
            self.through(&part, file, write).inspect_err(|_| {
                let _ = fs::remove_file(&part);
            })
        });
        written.map_err(|error| Problem::data(&self.0, format_args!("to save {what} there"), error))
    }

    fn through(
        &self,
        part: &Path,
        file: File,
        write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut out = BufWriter::new(file);
        write(&mut out)?;
        // Open, and so locked, until it has its name.
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        fs::rename(part, &self.0)?;
        sync_folder(self.folder())
    }

    /// A file of this process alone, beside the one that it will be, so that the rename stays within a file system. It is
    /// locked while it is written: what is not locked was left behind.
    fn part(&self) -> io::Result<(PathBuf, File)> {
        // A process of another machine that shares the folder may have the same number.
        for number in u64::from(process::id()).. {
            let mut part = OsString::from(&self.0);
            part.push(format!(".{number}{PART}"));
            match File::create_new(&part) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(file) => {
                    // Where there are no locks, nothing is taken for left behind either.
                    let _ = file.lock();
                    let part = PathBuf::from(part);
                    // Before it was locked, somebody may have cleaned up.
                    if part.exists() {
                        return Ok((part, file));
                    }
                }
            }
        }
        unreachable!("there are more numbers than files")
    }

    /// Removes what processes that were killed have left behind.
    fn clean(&self) {
        let of_this = |name: &OsStr| {
            let number = name.to_str()?.strip_prefix(self.0.file_name()?.to_str()?)?;
            let number = number.strip_prefix('.')?.strip_suffix(PART)?;
            (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(())
        };
        for entry in fs::read_dir(self.folder()).into_iter().flatten().flatten() {
            if of_this(&entry.file_name()).is_some()
                && let Ok(file) = File::open(entry.path())
                && file.try_lock().is_ok()
            {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn folder(&self) -> &Path {
        let folder = self.0.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.unwrap_or(Path::new("."))
    }
}

/// After a rename: only then does the new name survive a power failure.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
