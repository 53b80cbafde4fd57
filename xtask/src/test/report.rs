//! The summary of `cargo xtask test`: how many checks of each suite ended how, and how long it took.

use anyhow::Result;
use std::ops::AddAssign;
use std::time::{Duration, Instant};

/// How many checks of a suite ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Count {
    pub passed: usize,
    pub failed: usize,
    pub not_run: usize,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Count) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.not_run += other.not_run;
    }
}

/// One line of the summary.
struct Line {
    name: String,
    count: Count,
    time: Duration,
    note: String,
}

/// The summary.
#[derive(Default)]
pub struct Report(Vec<Line>);

impl Report {
    /// Runs a suite; one that stops with an error, or adds no line, has a failure.
    pub fn suite(&mut self, name: &str, body: impl FnOnce(&mut Report) -> Result<()>) {
        let (lines, start) = (self.0.len(), Instant::now());
        let note = match body(self) {
            Err(error) => format!("{error:#}"),
            Ok(()) if self.0.len() == lines => "it ran nothing".into(),
            Ok(()) => return,
        };
        eprintln!("{name}: {note}");
        self.line(name, Count { failed: 1, ..Count::default() }, start, note);
    }

    /// Adds the lines of another.
    pub fn append(&mut self, mut other: Report) {
        self.0.append(&mut other.0);
    }

    /// Runs a part of a suite and adds its line. Where nothing ran, or the command failed without a failed
    /// test, that is a failure of its own.
    pub fn part(&mut self, name: &str, body: impl FnOnce() -> Result<(Count, bool)>) {
        let start = Instant::now();
        match body() {
            Ok((mut count, success)) => {
                let mut note = String::new();
                if count.failed == 0 && (!success || count.passed == 0) {
                    count.failed = 1;
                    note = if success { "it ran nothing".into() } else { "the command failed".into() };
                }
                self.line(name, count, start, note);
            }
            Err(error) => {
                eprintln!("{name}: {error:#}");
                self.line(name, Count { failed: 1, ..Count::default() }, start, format!("{error:#}"));
            }
        }
    }

    /// Adds to what the summary says of the last line.
    pub fn note(&mut self, text: &str) {
        if let Some(line) = self.0.last_mut() {
            line.note = [line.note.as_str(), text].join(" ").trim().to_string();
        }
    }

    fn line(&mut self, name: &str, count: Count, start: Instant, note: String) {
        let note = note.lines().next().unwrap_or("").to_string();
        self.0.push(Line { name: name.into(), count, time: start.elapsed(), note });
    }

    pub fn total(&self) -> Count {
        self.0.iter().fold(Count::default(), |mut total, line| {
            total += line.count;
            total
        })
    }

    pub fn print(&self) {
        println!();
        for Line { name, count, time, note } in &self.0 {
            let mut text = format!("{name:<24}{:>5} passed {:>4} failed", count.passed, count.failed);
            if count.not_run > 0 {
                text += &format!(" {:>4} not run", count.not_run);
            }
            text += &format!(" {:>5} s  {note}", time.as_secs());
            println!("{}", text.trim_end());
        }
        let Count { passed, failed, .. } = self.total();
        println!("\n{passed} passed, {failed} failed");
    }
}

/// Adds up lines like `test result: ok. 3 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out`.
pub fn count_rust(text: &str) -> Count {
    let mut count = Count::default();
    for totals in text.lines().filter_map(|line| line.trim().strip_prefix("test result: ")) {
        let number = |what: &str| {
            let words: Vec<&str> = totals.split([' ', ';', '.']).filter(|word| !word.is_empty()).collect();
            let at = words.iter().position(|word| *word == what)?;
            words.get(at.checked_sub(1)?)?.parse().ok()
        };
        count += Count {
            passed: number("passed").unwrap_or(0),
            failed: number("failed").unwrap_or(0),
            not_run: number("ignored").unwrap_or(0),
        };
    }
    count
}

/// Reads the totals that node's test runner ends its TAP with; None when there are none.
pub fn count_tap(text: &str) -> Option<Count> {
    let total = |what: &str| {
        text.lines()
            .rev()
            .find_map(|line| line.strip_prefix(&format!("# {what} "))?.trim().parse::<usize>().ok())
    };
    Some(Count {
        passed: total("pass")?,
        failed: total("fail")? + total("cancelled")?,
        not_run: total("skipped")? + total("todo")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    #[test]
    fn rust_totals_are_added_up() {
        let text = "running 3 tests\ntest a ... ok\n\
            test result: ok. 3 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.1s\n\
            test result: FAILED. 4 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n\
            test result: ok. 5 passed; 0 failed; 1 ignored; 0 filtered out\n";
        assert_eq!(count_rust(text), Count { passed: 12, failed: 1, not_run: 3 });
        assert_eq!(count_rust("error: could not compile"), Count::default());
    }

    #[test]
    fn tap_totals_are_read() {
        let text = "TAP version 13\n# Subtest: a\nok 1 - a\n1..1\n# tests 5\n# suites 0\n# pass 3\n# fail 1\n\
            # cancelled 0\n# skipped 1\n# todo 0\n# duration_ms 7.1\n";
        assert_eq!(count_tap(text), Some(Count { passed: 3, failed: 1, not_run: 1 }));
        assert_eq!(count_tap("TAP version 13\n"), None);
    }

    #[test]
    fn a_suite_that_ran_nothing_or_stopped_has_failed() {
        let mut report = Report::default();
        report.suite("empty", |_| Ok(()));
        report.suite("broken", |_| bail!("no tool"));
        report.suite("parts", |report| {
            report.part("nothing", || Ok((Count::default(), true)));
            report.part("died", || Ok((Count { passed: 2, ..Count::default() }, false)));
            report.part("good", || Ok((Count { passed: 4, ..Count::default() }, true)));
            report.part("bad", || Ok((Count { passed: 1, failed: 2, not_run: 3 }, false)));
            Ok(())
        });
        assert_eq!(report.total(), Count { passed: 7, failed: 6, not_run: 3 });
        assert_eq!(report.0[0].note, "it ran nothing");
        assert_eq!(report.0[3].note, "the command failed");
        report.note("said beside it");
        assert_eq!(report.0[5].note, "said beside it");
        report.0.truncate(4);
        report.note("and why");
        assert_eq!(report.0[3].note, "the command failed and why");
    }
}
