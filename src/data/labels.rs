//! Tables of labels: a row a picture, as Kaggle and others give them.

use std::collections::{HashMap, HashSet};

use super::share::Share;

/// Names of columns that hold classes, the surest first.
const NAMES: [&str; 9] =
    ["label", "labels", "class", "class_name", "category", "target", "breed", "species", "name"];

/// Labels of pictures by their names without folders and endings.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Labels {
    pub of: HashMap<String, String>,
    /// Which part of the set each picture is of, where a column tells it of all.
    pub shares: HashMap<String, Share>,
}

/// A picture's name without folders and ending.
pub(super) fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Rows of a table whose fields commas, semicolons, tabs or else blanks part; quotes hold what parts.
fn rows(text: &str) -> Vec<Vec<String>> {
    let first = text.lines().next().unwrap_or("");
    let parts = ['\t', ',', ';', ' '];
    let part = parts.into_iter().find(|&part| first.contains(part)).unwrap_or(',');
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => field.extend(letters.next()),
            '"' => quoted = !quoted,
            '\r' => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            letter if letter == part && !quoted => row.push(std::mem::take(&mut field)),
            letter => field.push(letter),
        }
    }
    if !field.is_empty() || !row.is_empty() {
        row.push(field);
        rows.push(row);
    }
    rows
}

impl Labels {
    /// The labels that a table has for these pictures (their stems); `None` where it has none for most of its rows.
    pub fn read(text: &str, pictures: &HashSet<&str>) -> Option<Self> {
        let rows = rows(text.trim_start_matches('\u{feff}'));
        let width = rows.first()?.len();
        let body = &rows[1..];
        let named = |row: &Vec<String>, column: usize| {
            row.get(column).is_some_and(|name| pictures.contains(stem(name.trim())))
        };
        let column = (0..width).find(|&column| {
            let known = rows.iter().filter(|row| named(row, column)).count();
            // One row is the header.
            known > 0 && 2 * known >= body.len()
        })?;
        let header: Vec<String> = rows[0].iter().map(|name| name.trim().to_ascii_lowercase()).collect();
        // A table may have no header.
        let bare = named(&rows[0], column);
        let distinct = |at: usize| body.iter().filter_map(|row| row.get(at)).collect::<HashSet<_>>().len();
        let by_name = NAMES.iter().find_map(|name| header.iter().position(|known| known == name));
        let others =
            || (0..width).filter(|&at| at != column && (1..body.len().max(2)).contains(&distinct(at)));
        let label = by_name.filter(|&at| at != column && !bare).or_else(|| others().next())?;
        let body = if bare { &rows[..] } else { body };
        let pairs = body.iter().filter_map(|row| {
            let (name, label) = (row.get(column)?.trim(), row.get(label)?.trim());
            (!label.is_empty()).then(|| (stem(name).to_owned(), label.to_owned()))
        });
        // A column with "train" and "test".
        let shares = (0..width).filter(|&at| at != column && at != label).find_map(|at| {
            let share = |row: &Vec<String>| {
                Some((stem(row.get(column)?.trim()).to_owned(), Share::of(row.get(at)?.trim())?))
            };
            let shares: Option<HashMap<String, Share>> = body.iter().map(share).collect();
            shares.filter(|shares| shares.values().any(|share| *share == Share::Train))
        });
        Some(Self { of: pairs.collect(), shares: shares.unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_as_people_have_them() {
        let pictures = HashSet::from(["1", "2", "a b"]);
        let read = |text: &str| {
            let mut of: Vec<_> = Labels::read(text, &pictures)?.of.into_iter().collect();
            of.sort();
            Some(of.iter().map(|(name, label)| format!("{name}={label}")).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(read("id,label\n1,cat\n2,dog\n").as_deref(), Some("1=cat 2=dog"));
        assert_eq!(
            read("\u{feff}breed;file\r\n\"pug; old\";\"a b.jpg\"\r\n").as_deref(),
            Some("a b=pug; old")
        );
        assert_eq!(read("1.JPEG\tn01\t0\n2.JPEG\tn02\t0\n").as_deref(), Some("1=n01 2=n02"));
        assert_eq!(read("id,label\n7,cat\n8,dog\n"), None);
        assert_eq!(read("a readme"), None);
        let shares = |text: &str| Labels::read(text, &pictures).unwrap().shares;
        let parted = shares("id,label,split\n1,cat,train\n2,dog,test\n");
        assert_eq!((parted["1"], parted["2"]), (Share::Train, Share::Test));
        assert!(shares("id,label,split\n1,cat,train\n2,dog,later\n").is_empty());
    }
}
