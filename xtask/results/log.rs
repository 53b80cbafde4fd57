//! The log of a run: lines of JSON, as the commands of `cargo nibble` print them, or `cargo xtask bench epochs`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

/// What a log tells.
#[derive(Debug, Default)]
pub struct Log {
    /// Of each epoch: accuracy of training and of the test, in percent.
    pub epochs: Vec<[f64; 2]>,
    /// Seconds that the epochs took.
    pub seconds: f64,
    /// Whether the run came to its end.
    pub finished: bool,
    /// Percent of the test set after all epochs, which a run that kept images aside did not see meanwhile.
    pub tested: Option<f64>,
    /// Percent of test images, each seen mirrored too.
    pub mirrored: Option<f64>,
    /// Name of the data set.
    pub data: String,
    /// Number of its training images.
    pub images: u64,
    /// The settings by their keys, where they are told.
    pub settings: BTreeMap<String, String>,
    /// Of a run in the page, how many epochs it is to have.
    wanted: Option<u64>,
    /// SHA-256 of the file that it was saved to.
    pub checkpoint: Option<String>,
    /// Processor, threads and arithmetic.
    pub machine: Option<String>,
}

impl Log {
    /// # Errors
    /// A sentence, where it cannot be read or a line is none of a log.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut log = Self::default();
        for (number, line) in text.lines().enumerate() {
            log.add(line)
                .ok_or_else(|| format!("{}, line {}: no line of a log", path.display(), number + 1))?;
        }
        Ok(log)
    }

    fn add(&mut self, line: &str) -> Option<()> {
        let line: Value = serde_json::from_str(line).ok()?;
        let percent = |name: &str| Some(100.0 * line[name].as_f64()?);
        // Those of the page have no kind.
        let kind =
            line["kind"].as_str().or_else(|| line["epoch"].as_u64().map(|_| "epoch")).unwrap_or("page");
        match kind {
            "epoch" => {
                self.epochs.push([percent("trainAccuracy")?, percent("testAccuracy")?]);
                self.seconds += line["wallSecs"].as_f64().or(line["secs"].as_f64())?;
                self.finished |= Some(self.epochs.len() as u64) == self.wanted;
            }
            "page" => {
                self.wanted = line["config"]["epochs"].as_u64();
                self.data = line["data"]["name"].as_str()?.into();
                self.machine = Some(format!("{}, {}", line["browser"].as_str()?, line["engine"].as_str()?));
            }
            "finished" => self.finished = true,
            "checkpoint" => {
                self.data = line["data"]["name"].as_str()?.into();
                self.checkpoint = line["sha256"].as_str().map(String::from);
                self.machine = line["machine"].as_str().map(String::from);
                let texts = line["settings"].as_object()?.iter();
                let texts = texts.map(|(key, text)| Some((key.clone(), text.as_str()?.to_owned())));
                self.settings = texts.collect::<Option<_>>()?;
                self.images = line["data"]["images"][0].as_u64()?;
            }
            "evaluation" if line["mirrored"].as_bool()? => self.mirrored = Some(percent("accuracy")?),
            "evaluation" => self.tested = Some(percent("accuracy")?),
            "interrupted" | "sensitivity" | "assignment" | "bits" => {}
            _ => return None,
        }
        Some(())
    }

    /// Percent of test images after the last epoch, or of the images kept aside.
    pub fn accuracy(&self) -> Option<f64> {
        self.epochs.last().filter(|_| self.finished).map(|[_, test]| *test)
    }
}

/// SHA-256 of a file.
///
/// # Errors
/// A sentence, where it cannot be read.
pub fn sha256(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}
