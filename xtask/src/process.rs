//! Running other programs: every failure names the command line that failed.

use anyhow::{Context, Result, bail};
use std::env;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// The command line as it would be typed, without the environment.
pub fn line(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        let _ = write!(text, " {}", argument.to_string_lossy());
    }
    text
}

/// Runs it with the terminal's streams.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start `{}`", line(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", line(command));
    }
    Ok(())
}

/// Runs it in silence; what it printed is shown only when it fails. Returns its standard output.
pub fn quiet(command: &mut Command) -> Result<String> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot start `{}`", line(command)))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed ({})\n{}{}", line(command), output.status, stdout, stderr.trim_end());
    }
    Ok(stdout)
}

/// How a command run by [`tee`] ended, and everything it wrote to its standard output.
pub struct Outcome {
    /// None: it was still running at the limit and was ended.
    pub status: Option<ExitStatus>,
    pub stdout: String,
}

impl Outcome {
    /// It ended in time and well.
    pub fn success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }
}

/// Runs it, showing its standard output as it comes and keeping a copy; ends it after `limit`.
pub fn tee(command: &mut Command, limit: Duration) -> Result<Outcome> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", line(command)))?;
    let (sender, receiver) = mpsc::channel();
    let mut reader = BufReader::new(child.stdout.take().expect("stdout is piped"));
    thread::spawn(move || {
        let mut bytes = Vec::new();
        while matches!(reader.read_until(b'\n', &mut bytes), Ok(count) if count > 0) {
            if sender.send(String::from_utf8_lossy(&bytes).into_owned()).is_err() {
                break;
            }
            bytes.clear();
        }
    });
    let end = Instant::now() + limit;
    let mut stdout = String::new();
    loop {
        match receiver.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(text) => {
                print!("{text}");
                stdout.push_str(&text);
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                eprintln!("`{}` still runs after {} s: ending it", line(command), limit.as_secs());
                // A polite signal first: test runners then close the browsers that they started.
                let _ = Command::new("kill").arg(child.id().to_string()).status();
                thread::sleep(Duration::from_secs(5));
                let _ = child.kill();
                let _ = child.wait();
                return Ok(Outcome { status: None, stdout });
            }
        }
    }
    let status = child.wait().with_context(|| format!("cannot wait for `{}`", line(command)))?;
    Ok(Outcome { status: Some(status), stdout })
}

/// The first program of that name on the PATH.
pub fn find(program: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders)
        .flat_map(|folder| [folder.join(program), folder.join(format!("{program}.exe"))])
        .find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    }
    #[cfg(not(unix))]
    {
        path.is_file()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_its_command_line_and_shows_what_was_said() {
        let error = quiet(Command::new("sh").args(["-c", "echo why >&2; exit 3"])).unwrap_err().to_string();
        assert!(error.contains("sh -c") && error.contains("why") && error.contains('3'), "{error}");
        let error = run(&mut Command::new("no-such-program-here")).unwrap_err().to_string();
        assert!(error.contains("no-such-program-here"), "{error}");
    }

    #[test]
    fn tee_keeps_the_output_and_ends_what_takes_too_long() {
        let outcome =
            tee(Command::new("sh").args(["-c", "echo one; echo two"]), Duration::from_secs(20)).unwrap();
        assert!(outcome.success());
        assert_eq!(outcome.stdout, "one\ntwo\n");
        let outcome = tee(Command::new("sleep").arg("600"), Duration::from_millis(50)).unwrap();
        assert!(!outcome.success() && outcome.status.is_none());
    }

    #[test]
    fn find_looks_for_programs_only() {
        assert!(find("sh").is_some());
        assert!(find("no-such-program-here").is_none());
    }
}
