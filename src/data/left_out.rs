//! What of a drop was not used, and why: in full, and in a few sentences.

use std::collections::BTreeMap;

/// A file that is not in the set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its path.
    pub path: String,
    /// What it is, or what is wrong with it.
    pub why: String,
    /// Its class, where it would have had one.
    pub class: Option<String>,
}

/// Names in a sentence.
const MOST_NAMED: usize = 3;
/// Sentences about kinds; what else there is is counted.
const MOST_SENTENCES: usize = 6;

/// A few names, and how many more.
pub(super) fn few<T: AsRef<str>>(names: &[T]) -> String {
    let shown: Vec<&str> = names.iter().take(MOST_NAMED).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(MOST_NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A sentence for each kind of file and class. `members` says how many files a class had.
pub(super) fn sentences(left: &[LeftOut], members: impl Fn(&str) -> usize) -> Vec<String> {
    let mut kinds: BTreeMap<(Option<&str>, &str), Vec<&str>> = BTreeMap::new();
    for LeftOut { path, why, class } in left {
        kinds.entry((class.as_deref(), why)).or_default().push(path.rsplit('/').next().unwrap_or(path));
    }
    let sentence = |((class, why), names): (&(Option<&str>, &str), &Vec<&str>)| match class {
        Some(class) if names.len() > 1 && names.len() == members(class) => {
            format!("{class}: all {} are {why}.", names.len())
        }
        Some(class) => format!("{class}: {} left out, {why} ({}).", names.len(), few(names)),
        None => format!("{} left out, {why} ({}).", names.len(), few(names)),
    };
    let mut said: Vec<String> = kinds.iter().take(MOST_SENTENCES).map(sentence).collect();
    let more: usize = kinds.values().skip(MOST_SENTENCES).map(Vec::len).sum();
    if more > 0 {
        said.push(format!("{more} more files left out."));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_a_class_is_said_in_one_sentence() {
        let of = |path: &str, why: &str, class: Option<&str>| LeftOut {
            path: path.into(),
            why: why.into(),
            class: class.map(String::from),
        };
        let mut left: Vec<LeftOut> = (0..12)
            .map(|i| of(&format!("pets/dogs/{i}.heic"), "HEIC, which this browser cannot read", Some("dogs")))
            .collect();
        left.push(of("pets/cats/1.jpg", "a web page", Some("cats")));
        left.push(of("pets/x.pdf", "a PDF document", None));
        assert_eq!(
            sentences(&left, |class| if class == "dogs" { 12 } else { 9 }),
            [
                "1 left out, a PDF document (x.pdf).",
                "cats: 1 left out, a web page (1.jpg).",
                "dogs: all 12 are HEIC, which this browser cannot read.",
            ]
        );
    }
}
