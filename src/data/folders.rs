//! Which class and which part of a set each picture belongs to: by the folders that it lies in, by a table, or by its name.
//!
//! The level below train, test and val is the class, or else the level below what all pictures have in common.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::input::wrong;
use super::labels::{Labels, stem};
use super::share::{Share, settle};
use crate::Result;

/// What became of each picture.
#[derive(Debug, PartialEq)]
pub(super) struct Grouping {
    /// That of the folder that holds all.
    pub name: Option<String>,
    pub classes: Vec<String>,
    /// In the order of the pictures; `None`: left out.
    pub places: Vec<Option<(Share, u16)>>,
    /// How the folders were read.
    pub how: String,
    /// Why pictures were left out, with their numbers.
    pub left_out: BTreeMap<&'static str, Vec<usize>>,
}

/// By this key names are in the order in which people count: "2" before "10".
pub(super) fn natural(text: &str) -> (Vec<(bool, usize, String)>, String) {
    let mut parts: Vec<(bool, usize, String)> = Vec::new();
    for letter in text.chars() {
        let word = !letter.is_ascii_digit();
        match parts.last_mut() {
            Some((last, _, part)) if *last == word => part.extend(letter.to_lowercase()),
            _ => parts.push((word, 0, letter.to_lowercase().collect())),
        }
    }
    for (_, length, digits) in parts.iter_mut().filter(|(word, ..)| !word) {
        *digits = digits.trim_start_matches('0').into();
        *length = digits.len();
    }
    (parts, text.into())
}

/// What cameras and screens call their pictures: no class.
const CAMERAS: [&str; 16] = [
    "img",
    "dsc",
    "dscn",
    "dscf",
    "pxl",
    "image",
    "images",
    "photo",
    "pict",
    "pic",
    "picture",
    "frame",
    "screenshot",
    "p",
    "mvimg",
    "sample",
];

/// The class that a picture's name tells: what is left without numbers.
fn class_in_name(path: &str) -> Option<String> {
    let name = stem(path).trim_matches(|letter: char| letter.is_ascii_digit() || " ._-()".contains(letter));
    let word = !name.is_empty() && !name.contains(|letter: char| letter.is_ascii_digit());
    (word && !CAMERAS.contains(&name.to_ascii_lowercase().as_str())).then(|| name.to_owned())
}

/// A table: its path and its text.
pub(super) type Table<'a> = (&'a str, &'a str);

const LOOSE: &str = "in no class folder";
const UNLABELLED: &str = "without a label";

/// Groups pictures by their paths.
///
/// # Errors
/// [`crate::Error::Data`] where there is no class, or only one.
pub(super) fn group(paths: &[&str], tables: &[Table]) -> Result<Grouping> {
    let folders: Vec<Vec<&str>> = paths
        .iter()
        .map(|path| path.rsplit_once('/').map_or_else(Vec::new, |(folder, _)| folder.split('/').collect()))
        .collect();
    let first = folders.first().cloned().unwrap_or_default();
    let common = folders.iter().fold(first.len(), |common, folder| {
        folder.iter().zip(&first).take(common).take_while(|(a, b)| a == b).count()
    });
    let root = &first[..common];
    let name = root.iter().rev().find(|part| Share::of(part).is_none()).map(|part| (*part).to_owned());
    let below: Vec<&[&str]> = folders.iter().map(|folder| &folder[common..]).collect();

    let children: HashSet<&str> = below.iter().filter_map(|below| below.first().copied()).collect();
    let shares: HashSet<Share> = children.iter().filter_map(|child| Share::of(child)).collect();
    let others = children.iter().any(|child| Share::of(child).is_none());
    let parted = shares.contains(&Share::Train) && (!others || shares.len() > 1);
    let share_of = |below: &[&str]| {
        if parted { below.first().and_then(|child| Share::of(child)) } else { Some(Share::Train) }
    };
    let class_of = |below: &[&str]| below.get(usize::from(parted)).map(|class| (*class).to_owned());

    // By folders first.
    let mut shares: Vec<Option<Share>> = below.iter().map(|below| share_of(below)).collect();
    let mut classes: Vec<Option<String>> = below.iter().map(|below| class_of(below)).collect();
    let known: HashSet<String> = trained(&shares, &classes);
    let mut how = String::new();
    if known.len() < 2 {
        classes.iter_mut().for_each(|class| *class = None);
        if by_table(paths, &mut shares, !parted, tables, &mut classes) {
            how = "labels from a table".into();
        } else if let Some(named) = by_name(paths, &shares) {
            classes = named;
            how = "classes from the names of the files".into();
        } else {
            return Err(no_classes(&root.join("/"), paths.len(), known));
        }
    } else {
        // Of the other parts what lies in no class of the training part: a table may know it.
        for (class, share) in classes.iter_mut().zip(&shares) {
            if *share != Some(Share::Train) && class.as_ref().is_some_and(|class| !known.contains(class)) {
                *class = None;
            }
        }
        by_table(paths, &mut shares, false, tables, &mut classes);
    }
    let known = trained(&shares, &classes);
    if known.len() < 2 {
        return Err(no_classes(&root.join("/"), paths.len(), known));
    }
    let mut names: Vec<String> = known.into_iter().collect();
    names.sort_by_cached_key(|name| natural(name));
    let numbers: HashMap<&str, u16> =
        names.iter().enumerate().map(|(i, name)| (name.as_str(), i as u16)).collect();
    let mut left_out: BTreeMap<&'static str, Vec<usize>> = BTreeMap::new();
    let mut places = Vec::with_capacity(paths.len());
    for (index, (class, share)) in classes.iter().zip(&shares).enumerate() {
        let number = class.as_ref().and_then(|class| numbers.get(class.as_str()));
        let place = share.zip(number.copied());
        if place.is_none() {
            let labelled = parted && share.is_some() || !how.is_empty();
            left_out.entry(if labelled { UNLABELLED } else { LOOSE }).or_default().push(index);
        }
        places.push(place);
    }
    let there: HashSet<Share> = places.iter().flatten().map(|(share, _)| *share).collect();
    settle(&mut places, &there);
    let parts = match (there.contains(&Share::Validation), there.contains(&Share::Test)) {
        (true, true) => Some("train and test as given, validation joins training"),
        (false, true) => Some("train and test as given"),
        (true, false) => Some("train as given, validation is the test set"),
        _ => None,
    };
    let how = [Some(how).filter(|how| !how.is_empty()), parts.map(String::from)];
    let how: Vec<String> = how.into_iter().flatten().collect();
    Ok(Grouping { name, classes: names, places, how: how.join("; "), left_out })
}

fn trained(shares: &[Option<Share>], classes: &[Option<String>]) -> HashSet<String> {
    let of = shares.iter().zip(classes).filter(|(share, _)| **share == Some(Share::Train));
    of.filter_map(|(_, class)| class.clone()).collect()
}

fn no_classes(root: &str, pictures: usize, known: HashSet<String>) -> crate::Error {
    let file = if root.is_empty() { "pictures" } else { root };
    let expected = "one folder for each class, at least two, or a table of labels (CSV)";
    let found = match known.into_iter().next() {
        Some(class) => format!("one class only, {class}: {pictures} pictures"),
        None => format!("{pictures} pictures in one folder"),
    };
    wrong::<()>(file, expected, found).expect_err("it is an error")
}

/// Fills in what tables know of pictures without a class; whether they knew anything. Where they may, they part the set too.
fn by_table(
    paths: &[&str],
    shares: &mut [Option<Share>],
    may_part: bool,
    tables: &[Table],
    classes: &mut [Option<String>],
) -> bool {
    let mut used = false;
    for (table, text) in tables {
        let name = stem(table).to_ascii_lowercase();
        if name.contains("sample") || name.contains("submission") {
            continue;
        }
        // "trainLabels" is one word.
        let in_name =
            || ["train", "test", "val"].into_iter().find(|word| name.starts_with(word)).and_then(Share::of);
        let share =
            Share::in_name(&name).or_else(in_name).or_else(|| table.rsplit('/').skip(1).find_map(Share::of));
        let of = |wanted: &dyn Fn(Option<Share>) -> bool| -> Vec<usize> {
            (0..paths.len()).filter(|&at| classes[at].is_none() && wanted(shares[at])).collect()
        };
        let chosen = match share {
            Some(share) => of(&|of| of == Some(share)),
            // A test set may count anew from 1.
            None => {
                let trained: HashSet<&str> = (0..paths.len())
                    .filter(|&at| shares[at] == Some(Share::Train))
                    .map(|at| stem(paths[at]))
                    .collect();
                let mut chosen = of(&|of| of.is_some());
                chosen.retain(|&at| shares[at] == Some(Share::Train) || !trained.contains(stem(paths[at])));
                chosen
            }
        };
        let stems: HashSet<&str> = chosen.iter().map(|&at| stem(paths[at])).collect();
        let Some(labels) = Labels::read(text, &stems) else { continue };
        for at in chosen {
            if let Some(label) = labels.of.get(stem(paths[at])) {
                classes[at] = Some(label.clone());
                used = true;
                if let Some(share) = labels.shares.get(stem(paths[at])).filter(|_| may_part) {
                    shares[at] = Some(*share);
                }
            }
        }
    }
    used
}

/// Classes by the names of the training pictures, where every name tells one and each has several.
fn by_name(paths: &[&str], shares: &[Option<Share>]) -> Option<Vec<Option<String>>> {
    let classes: Vec<Option<String>> = paths.iter().map(|path| class_in_name(path)).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for (class, _) in classes.iter().zip(shares).filter(|(_, share)| **share == Some(Share::Train)) {
        *counts.entry(class.as_deref()?).or_default() += 1;
    }
    (counts.len() >= 2 && counts.values().all(|&count| count >= 2)).then_some(classes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The grouping of a list of paths as "path: share class", and how it was read.
    fn grouped(paths: &[&str], tables: &[Table]) -> (Vec<String>, String) {
        let grouping = group(paths, tables).unwrap();
        let line = |(path, place): (&&str, &Option<(Share, u16)>)| match place {
            Some((share, class)) => format!("{path}: {share:?} {}", grouping.classes[usize::from(*class)]),
            None => format!("{path}: -"),
        };
        (paths.iter().zip(&grouping.places).map(line).collect(), grouping.how)
    }

    #[test]
    fn the_level_below_the_parts_is_the_class() {
        let (lines, how) = grouped(
            &[
                "tiny/train/n1/images/a.JPEG",
                "tiny/train/n2/images/b.JPEG",
                "tiny/val/images/v0.JPEG",
                "tiny/val/images/v1.JPEG",
            ],
            &[("tiny/val/val_annotations.txt", "v0.JPEG\tn2\t0\t0\nv1.JPEG\tn1\t0\t0\n")],
        );
        assert_eq!(
            lines,
            [
                "tiny/train/n1/images/a.JPEG: Train n1",
                "tiny/train/n2/images/b.JPEG: Train n2",
                "tiny/val/images/v0.JPEG: Test n2",
                "tiny/val/images/v1.JPEG: Test n1",
            ]
        );
        assert_eq!(how, "train as given, validation is the test set");
        let (lines, _) = grouped(
            &["pets/cats/in/1.jpg", "pets/cats/out/1.jpg", "pets/dogs/in/1.jpg", "pets/cover.jpg"],
            &[],
        );
        assert_eq!(
            lines,
            [
                "pets/cats/in/1.jpg: Train cats",
                "pets/cats/out/1.jpg: Train cats",
                "pets/dogs/in/1.jpg: Train dogs",
                "pets/cover.jpg: -"
            ]
        );
    }

    #[test]
    fn all_three_parts() {
        let paths =
            ["s/train/a/1.png", "s/train/b/1.png", "s/val/a/1.png", "s/test/b/1.png", "s/test/c/1.png"];
        let (lines, how) = grouped(&paths, &[]);
        assert_eq!(
            lines.iter().map(|line| line.split(": ").nth(1).unwrap()).collect::<Vec<_>>(),
            ["Train a", "Train b", "Train a", "Test b", "-"]
        );
        assert_eq!(how, "train and test as given, validation joins training");
    }

    #[test]
    fn kaggle_counts_its_test_set_anew() {
        let labels = "id,label\n1,frog\n2,truck\n";
        let tables = [
            ("cifar-10/sampleSubmission.csv", "id,label\n1,cat\n2,cat\n"),
            ("cifar-10/trainLabels.csv", labels),
        ];
        let (lines, how) =
            grouped(&["cifar-10/train/1.png", "cifar-10/train/2.png", "cifar-10/test/1.png"], &tables);
        assert_eq!(
            lines,
            [
                "cifar-10/train/1.png: Train frog",
                "cifar-10/train/2.png: Train truck",
                "cifar-10/test/1.png: -"
            ]
        );
        assert_eq!(how, "labels from a table");
        let (lines, _) =
            grouped(&["c/train/1.png", "c/train/2.png", "c/test/1.png"], &[("c/labels.csv", labels)]);
        assert_eq!(lines[2], "c/test/1.png: -");
    }

    #[test]
    fn classes_in_names() {
        let (lines, how) =
            grouped(&["train/cat.1.jpg", "train/dog.1.jpg", "train/cat.2.jpg", "train/dog.2.jpg"], &[]);
        assert_eq!(lines[3], "train/dog.2.jpg: Train dog");
        assert_eq!(how, "classes from the names of the files");
        let message = group(&["a/IMG_1.jpg", "a/IMG_2.jpg", "a/DSC_1.jpg", "a/DSC_2.jpg"], &[])
            .unwrap_err()
            .to_string();
        assert!(message.ends_with("found 4 pictures in one folder"), "{message}");
        let message = group(&["set/cats/1.jpg", "set/2.jpg"], &[]).unwrap_err().to_string();
        assert!(message.ends_with("found one class only, cats: 2 pictures"), "{message}");
    }

    #[test]
    fn counted_as_people_do() {
        let mut names = vec!["10", "2", "b", "A", "a", "02", "class 10", "class 9"];
        names.sort_by_cached_key(|name| natural(name));
        assert_eq!(names, ["02", "2", "10", "A", "a", "b", "class 9", "class 10"]);
    }
}
