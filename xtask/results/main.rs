//! Prints docs/RESULTS.md's tables from the logs, and makes runs: `cargo xtask results`.

mod log;
mod networks;
mod rerun;
mod rows;
mod sums;
mod table;

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use rows::Results;

/// Where a table stands in a document: behind the first line with its name, up to the next with its end.
const MARKS: [&str; 2] = ["<!-- results: ", "<!-- end -->"];
/// Documents with tables.
const DOCUMENTS: [&str; 2] = ["docs/RESULTS.md", "README.md"];

/// What the page is told: of each recipe what it reached, and of the trained networks that come with it.
const PAGE: [(&str, Make); 2] = [
    ("www/reference/recipes.json", table::recipes),
    ("www/networks/index.json", |root, _| networks::index(root)),
];
/// What brings tables up to date.
const WRITE: &str = "cargo xtask results --write";

/// Makes a text of what lies below the project's root.
type Make = fn(&Path, &Results) -> Result<String, String>;

/// Every table by its name.
const TABLES: [(&str, Make); 8] = [
    ("rows", table::rows),
    ("reached", table::reached),
    ("ablation", table::ablation),
    ("schemes", table::schemes),
    ("budgets", table::budgets),
    ("references", table::references),
    ("arithmetic", table::arithmetic),
    ("trials", table::trials),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let results = Results::read(root)?;
    match arguments {
        [] => {
            sums::check(root, &results)?;
            for (file, make) in PAGE {
                let told = fs::read_to_string(root.join(file)).map_err(|error| format!("{file}: {error}"))?;
                if told != make(root, &results)? {
                    return Err(format!("{file}: expected other figures, found an old file; {WRITE}"));
                }
            }
            for name in TABLES.map(|(name, _)| name) {
                println!("{}", table(root, &results, name)?);
            }
            documents(root, &results, false)
        }
        ["--write"] => {
            sums::write(root, &results)?;
            for (file, make) in PAGE {
                let told = make(root, &results)?;
                fs::write(root.join(file), told).map_err(|error| format!("{file}: {error}"))?;
            }
            documents(root, &results, true)
        }
        ["--rerun", name, "--data", data, "--at-once", runs] => {
            let runs = runs.parse().map_err(|error| format!("--at-once {runs}: {error}"))?;
            rerun::rerun(root, &results, name, Path::new(data), runs)
        }
        _ => Err("expected nothing, --write, or --rerun ROW --data PATH --at-once RUNS".into()),
    }
}

fn table(root: &Path, results: &Results, name: &str) -> Result<String, String> {
    let Some((_, make)) = TABLES.iter().find(|(known, _)| *known == name) else {
        let names = TABLES.map(|(name, _)| name).join(", ");
        return Err(format!("results: expected {names}, found {name}"));
    };
    make(root, results)
}

/// Holds the tables of the documents against the logs, or writes them.
fn documents(root: &Path, results: &Results, write: bool) -> Result<(), String> {
    for document in DOCUMENTS {
        let path = root.join(document);
        let text = fs::read_to_string(&path).map_err(|error| format!("{document}: {error}"))?;
        let new = filled(&text, |name| table(root, results, name))
            .map_err(|problem| format!("{document}: {problem}"))?;
        if write {
            fs::write(&path, new).map_err(|error| format!("{document}: {error}"))?;
        } else if new != text {
            return Err(format!("{document}: expected the tables of the logs, found others; {WRITE}"));
        }
    }
    Ok(())
}

/// A document with its tables put in.
fn filled(text: &str, table: impl Fn(&str) -> Result<String, String>) -> Result<String, String> {
    let mut new = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(MARKS[0]) {
        let (name, after) = after.split_once(" -->\n").ok_or("expected a table's name")?;
        let (_, after) = after.split_once(MARKS[1]).ok_or_else(|| format!("expected the end of {name}"))?;
        new += &format!("{before}{}{name} -->\n{}{}", MARKS[0], table(name)?, MARKS[1]);
        rest = after;
    }
    Ok(new + rest)
}

#[cfg(test)]
mod tests {
    #[test]
    fn logs_have_their_hashes_and_documents_the_tables_of_the_logs() {
        super::run(&[]).unwrap();
    }
}
