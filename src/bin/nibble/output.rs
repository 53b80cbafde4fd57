//! The file that a run is saved to.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use nibble::RunConfig;
use nibble::checkpoint::{self, History, SUFFIX};
use nibble::run::Run;

use crate::problem::{Problem, Result};

/// Where a run is saved.
pub struct Output {
    path: PathBuf,
    /// Beside it, so that the rename stays within a file system.
    part: PathBuf,
}

impl Output {
    /// A file that a new run may have.
    ///
    /// # Errors
    /// Where there is one of that name already, unless it may be overwritten; as [`Output::same`].
    pub fn new(path: PathBuf, overwrite: bool) -> Result<Self> {
        if path.is_file() && !overwrite {
            let (path, expected) = (path.display(), "a name that no file has, or --force to overwrite it");
            return Err(Problem::failed(format!(
                "{path}: expected {expected}, found a file, which may be another run (--resume goes on with it)"
            )));
        }
        Self::same(path)
    }

    /// The file of the run itself.
    ///
    /// # Errors
    /// Where there is a folder or a device of that name, in whose place the rename would put a file.
    pub fn same(path: PathBuf) -> Result<Self> {
        if path.exists() && !path.is_file() {
            return Err(Problem::data(&path, "a file to save to", "a folder or a device"));
        }
        // A link stays one.
        let path = fs::canonicalize(&path).unwrap_or(path);
        let mut part = OsString::from(&path);
        part.push(".part");
        Ok(Self { part: part.into(), path })
    }

    /// Saves a run. Whenever the machine stops, there is a whole file of that name: the new one, or the one before.
    ///
    /// # Errors
    /// Where it cannot be written; the file before is as it was.
    pub fn save(&self, run: &mut Run, history: &History) -> Result<()> {
        self.write(run, history).map_err(|error| {
            let _ = fs::remove_file(&self.part);
            Problem::failed(format!("{}: expected to save the run there, found {error}", self.path.display()))
        })
    }

    fn write(&self, run: &mut Run, history: &History) -> io::Result<()> {
        let mut file = BufWriter::new(File::create(&self.part)?);
        checkpoint::write(run, history, &mut file)?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&self.part, &self.path)?;
        sync_folder(&self.path)
    }
}

/// After a rename: only then does the new name survive a power failure.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// The name of a run's file, unless the user gives one: `vgg4bit-4-bit.nibble.safetensors`.
pub fn default_name(config: &RunConfig) -> PathBuf {
    let precision = match &*config.quantizer {
        "none" => "fp32".into(),
        _ => format!("{}-bit", config.bits.all),
    };
    format!("{}-{precision}{SUFFIX}", config.model).into()
}
