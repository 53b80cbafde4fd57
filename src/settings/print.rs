//! The table for people, docs/SETTINGS.md, and for the page, pkg/registry.js.

use std::fmt::Write as _;

use super::{Kind, SETTINGS, Setting, When, registry};
use crate::recipes::RECIPES;
use crate::registry::Entry;

/// pkg/registry.js: what the page reads before the engine is there.
pub fn javascript() -> String {
    let mut text = String::from(
        "/** The settings and their menus, printed by `cargo xtask build` from src/settings/table.rs. */\n",
    );
    let registry = registry();
    let rows = registry["settings"].as_array().expect("a list of rows");
    text += "export const settings = [\n";
    for row in rows {
        let _ = writeln!(text, "  {row},");
    }
    let _ = writeln!(text, "];\nexport const defaults = {};", registry["defaults"]);
    let menus = [
        ("weightLayers", "Of each model the layers with weights."),
        ("skips", "Of each model the outputs that pass layers by: of that layer, to behind that one."),
        ("targets", "What a trained network can be exported to."),
        ("recipes", "Sets of settings that train well: keys and values as the address has them."),
        ("sensitivities", "Ways to find out how much layers mind losing bits."),
        ("budgets", "What bits may cost is counted in these; a name stands behind an amount."),
        ("calibrations", "How the range of activations is chosen after training."),
    ];
    for (name, about) in menus {
        let _ = writeln!(text, "/** {about} */\nexport const {name} = {};", registry[name]);
    }
    text
}

/// docs/SETTINGS.md.
pub fn markdown() -> String {
    let mut text = String::from(HEAD);
    let mut groups: Vec<&str> = Vec::new();
    for row in SETTINGS {
        if !groups.contains(&row.group) {
            groups.push(row.group);
        }
    }
    for group in groups {
        let _ = write!(text, "\n## {}\n\n", heading(group));
        text += "| key | | values | default | race | fork |\n| --- | --- | --- | --- | --- | --- |\n";
        for row in SETTINGS.iter().filter(|row| row.group == group) {
            line(&mut text, row);
        }
    }
    let menus: Vec<&Setting> = SETTINGS.iter().filter(|row| row.choices().is_some()).collect();
    text += "\n# Menus\n";
    for row in menus {
        let schemes = match row.kind {
            Kind::Schemes(menu) => menu(),
            _ => Vec::new(),
        };
        let shared = schemes.iter().any(|scheme| !scheme.granularities.is_empty());
        let (head, rule) = match (schemes.is_empty(), shared) {
            (true, _) => ("", ""),
            (false, false) => (" bits |", " --- |"),
            (false, true) => (" bits | one scale for |", " --- | --- |"),
        };
        let _ = write!(
            text,
            "\n## {}: `{}`\n\n| value | | |{head}\n| --- | --- | --- |{rule}\n",
            row.label, row.key
        );
        for entry in row.choices().unwrap_or_default() {
            let former = row.renamed.iter().filter(|(_, now)| *now == entry.name);
            let once = former.map(|(former, _)| format!(", once `{former}`")).collect::<String>();
            let _ =
                write!(text, "| `{}`{once} | {} | {} |", entry.name, cell(entry.label), cell(entry.about));
            if let Some(scheme) = schemes.iter().find(|scheme| scheme.entry.name == entry.name) {
                let bits: Vec<String> = scheme.bits.iter().map(u8::to_string).collect();
                let _ = write!(text, " {} |", bits.join(", "));
                if shared {
                    let _ = write!(text, " {} |", scheme.granularities.join(", "));
                }
            }
            text += "\n";
        }
    }
    text += "\n# Recipes\n\nSets of settings that train well: `recipe=NAME` in the address, `--recipe NAME` on the command line. What else is named\ngoes before them. What they reach: [RESULTS.md](RESULTS.md).\n\n| recipe | | settings |\n| --- | --- | --- |\n";
    for recipe in RECIPES.iter() {
        let Entry { name, about, .. } = recipe.entry;
        let settings: Vec<_> = recipe.settings().map(|(key, text)| format!("`{key}={text}`")).collect();
        let _ = writeln!(text, "| `{name}` | {about} | {} |", settings.join(" "));
    }
    text
}

const HEAD: &str = "\
<!-- Printed by `cargo xtask build` from src/settings/table.rs; a test compares. -->
# Settings

Every setting of a run by its key: in the page's address (`?bits=3&tanh=0`), in a lesson's `settings`, in `race=`. What
an address does not name is at its default. *race*: two runs side by side may differ in it, and in several at once
(`race=bits:3`, `race=quantizer:lsq+granularity:channel`). *fork*: a copy of a run may go on with another value.
";

/// What a group is called. Those of the page's fixed places have short names in the table.
fn heading(group: &str) -> &str {
    match group {
        "top" => "The run",
        "method" => "Method",
        "data" => "Data",
        "seed" => "Seed",
        "engine" => "Engine",
        other => other,
    }
}

fn line(text: &mut String, row: &Setting) {
    let mark = |yes: bool| if yes { "yes" } else { "" };
    let mut about = row.label.to_string();
    if !row.hint.is_empty() {
        let _ = write!(about, ". {}", row.hint);
    }
    match row.applies {
        When::Always => {}
        When::Is(key, values) => {
            let _ = write!(about, " Where `{key}` is {}.", either(values));
        }
        When::Not(key, values) => {
            let _ = write!(about, " Where `{key}` is not {}.", either(values));
        }
        When::By(by, key, found) => {
            let pairs = When::pairs(by, found);
            let always = |value: &&str| pairs.iter().all(|(_, of)| of.contains(value));
            let first = pairs.iter().take(1).flat_map(|(_, of)| of.clone());
            let common: Vec<_> = first.filter(always).collect();
            let _ = write!(about, " Where `{key}` is {}", either(&common.join("|")));
            for (value, of) in &pairs {
                let more: Vec<_> = of.iter().copied().filter(|value| !common.contains(value)).collect();
                if !more.is_empty() {
                    let _ = write!(about, ", or, with `{by}` at `{value}`, {}", either(&more.join("|")));
                }
            }
            about.push('.');
        }
    }
    if row.since != Setting::ROW.since {
        let _ = write!(about, " Since {}.", row.since);
    }
    let aliases = row.aliases.iter().map(|alias| format!(", once `{alias}`")).collect::<String>();
    let _ = writeln!(
        text,
        "| `{}`{aliases} | {} | {} | `{}` | {} | {} |",
        row.key,
        cell(&about),
        cell(&values(row)),
        row.format(&row.default_value()),
        mark(!row.races.is_empty()),
        mark(row.forks && row.field.is_some()),
    );
}

fn either(values: &str) -> String {
    values.split('|').map(|value| format!("`{value}`")).collect::<Vec<_>>().join(" or ")
}

fn values(row: &Setting) -> String {
    match row.kind {
        Kind::Switch => "`1` or `0`".into(),
        Kind::Integer { .. } => format!("whole, {}", row.expected()),
        Kind::Number { .. } => row.expected(),
        Kind::Bits { .. } => {
            format!("{}; `4,conv1:8` is 4 but for one layer", row.expected())
        }
        Kind::Choice(_) | Kind::Schemes(_) => {
            let names = row.choices().unwrap_or_default();
            names.iter().map(|entry| format!("`{}`", entry.name)).collect::<Vec<_>>().join(", ")
        }
        Kind::Auto { max } => format!("`auto`, or whole, 1 to {max}"),
        Kind::Layers => "`LAYER.KEY:VALUE`, parted by commas".into(),
        Kind::Text => "text".into(),
    }
}

/// Text that stands in one cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_row_is_printed() {
        let (page, docs) = (javascript(), markdown());
        for row in SETTINGS {
            assert!(page.contains(&format!("\"key\":\"{}\"", row.key)), "{}", row.key);
            assert!(docs.contains(&format!("| `{}`", row.key)), "{}", row.key);
        }
        for recipe in RECIPES.iter() {
            assert!(docs.contains(&format!("| `{}` |", recipe.entry.name)), "{}", recipe.entry.name);
        }
        assert!(!docs.contains("||"), "{docs}");
        // The module is JSON but for its two names.
        let list = page.split("export const settings = ").nth(1).unwrap().split(";\n").next().unwrap();
        let rows: Value = serde_json::from_str(&list.replace(",\n]", "\n]")).unwrap();
        assert_eq!(rows, registry()["settings"]);
    }
}
