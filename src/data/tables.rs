//! A set of Parquet tables: pictures in one column, labels in another.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use super::folders::natural;
use super::input::wrong;
use super::parquet::{About, Cell, Column, Kind, Table};
use super::pictures::{Places, Slot, most};
use super::recognise::Content;
use super::share::{Share, settle};
use super::source::Source;
use crate::Result;

/// Names of columns of labels, those that are taken before others first.
const LABELS: [&str; 8] =
    ["fine_label", "label", "labels", "class", "category", "target", "fine_labels", "coarse_label"];

/// The pictures of tables, in their order.
pub(super) struct Tables {
    /// Of each table its pictures.
    columns: std::vec::IntoIter<Column>,
    column: Option<Column>,
    /// Slots by the number of the row, through all tables.
    slots: HashMap<usize, usize>,
    row: usize,
}

/// A label of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Label {
    Number(i64),
    Name(String),
}

impl Tables {
    /// Reads the labels, and makes room for the pictures.
    ///
    /// # Errors
    /// [`crate::Error::Data`] where a table has no column of pictures or none of labels, and as [`Places::new`].
    pub fn plan(
        name: &str,
        files: Vec<(String, Rc<dyn Source>)>,
        room: Option<usize>,
        sample: Option<usize>,
    ) -> Result<(Self, Places)> {
        let (mut columns, mut rows, mut names) = (Vec::new(), Vec::new(), None);
        for (file, source) in files {
            let table = Table::open(&file, source)?;
            let pictures = pictures(&file, &table)?;
            let (label, classes) = labels(&file, &table)?;
            names = names.or(classes);
            // Of folders above it, or of its own name: "plain_text/train/0000.parquet", "train-00000-of-00001.parquet".
            let share = file.rsplit('/').find_map(Share::in_name);
            let mut values = table.column(label);
            let mut count = 0;
            while let Some(cell) = values.next()? {
                let label = match cell {
                    Cell::Int(value) => Some(Label::Number(value)),
                    Cell::Bytes(text) => Some(Label::Name(String::from_utf8_lossy(&text).into_owned())),
                    Cell::None => None,
                };
                count += 1;
                if count > table.rows || rows.len() > 100 * most(None) {
                    return wrong(&file, format!("{} rows", table.rows), "more labels");
                }
                rows.push(
                    label.map(|label| {
                        (share.unwrap_or(Share::Train), (label, format!("{file}, row {count}")))
                    }),
                );
            }
            if count != table.rows {
                return wrong(&file, format!("{} labels, one a row", table.rows), count.to_string());
            }
            columns.push(table.column(pictures));
        }
        let there: HashSet<Share> = rows.iter().flatten().map(|(share, _)| *share).collect();
        settle(&mut rows, &there);
        let labels: BTreeSet<&Label> = rows.iter().flatten().map(|(_, (label, _))| label).collect();
        let (classes, numbers) = classes(labels, names);
        let slots: Vec<Slot> = rows
            .iter()
            .enumerate()
            .filter_map(|(at, row)| {
                let (share, (label, path)) = row.as_ref()?;
                Some(Slot { path: path.clone(), share: *share, class: *numbers.get(label)?, at })
            })
            .collect();
        let how = if there.len() > 1 { "train and test as given" } else { "" };
        let places = Places::new(name.into(), classes, how.into(), slots, room, sample)?;
        let slots = places.slots().iter().enumerate().map(|(slot, of)| (of.at, slot)).collect();
        Ok((Self { columns: columns.into_iter(), column: None, slots, row: 0 }, places))
    }

    /// The next picture: its slot and its bytes.
    ///
    /// # Errors
    /// [`crate::Error::Data`] where a table is damaged.
    pub fn next(&mut self) -> Result<Option<(usize, Vec<u8>)>> {
        loop {
            let Some(column) = &mut self.column else {
                self.column = self.columns.next();
                if self.column.is_none() {
                    return Ok(None);
                }
                continue;
            };
            match column.next()? {
                None => self.column = None,
                Some(cell) => {
                    let slot = self.slots.remove(&self.row);
                    self.row += 1;
                    if let (Some(slot), Cell::Bytes(bytes)) = (slot, cell) {
                        return Ok(Some((slot, bytes.to_vec())));
                    }
                }
            }
        }
    }
}

/// The column of pictures: by the first value that is one.
fn pictures<'a>(file: &str, table: &'a Table) -> Result<&'a About> {
    for about in table.columns.iter().filter(|about| about.kind == Kind::Bytes) {
        let mut column = table.column(about);
        let first = loop {
            match column.next()? {
                Some(Cell::None) => {}
                other => break other,
            }
        };
        if let Some(Cell::Bytes(bytes)) = first
            && matches!(Content::of(&bytes[..bytes.len().min(64)], None), Content::Picture(_))
        {
            return Ok(about);
        }
    }
    let names: Vec<&str> = table.columns.iter().map(|about| about.path.as_str()).collect();
    wrong(file, "a column of pictures (PNG or JPEG)", format!("columns {}", names.join(", ")))
}

/// The column of labels, and the names of their classes where the table has them.
fn labels<'a>(file: &str, table: &'a Table) -> Result<(&'a About, Option<Vec<String>>)> {
    let named = |about: &&About| LABELS.iter().position(|name| *name == about.path);
    let of_classes = |about: &&About| table.classes.iter().any(|(column, _)| *column == about.path);
    let usable = || table.columns.iter().filter(|about| about.kind != Kind::Bool);
    let found = usable().filter(|about| named(about).is_some()).min_by_key(named);
    let Some(about) = found.or_else(|| usable().find(of_classes)) else {
        let names: Vec<&str> = table.columns.iter().map(|about| about.path.as_str()).collect();
        return wrong(file, "a column of labels, called label", format!("columns {}", names.join(", ")));
    };
    let names =
        table.classes.iter().find(|(column, _)| *column == about.path).map(|(_, names)| names.clone());
    Ok((about, names))
}

/// Names of the classes, and the number of each label. Labels below zero are those of unlabelled rows.
fn classes(labels: BTreeSet<&Label>, names: Option<Vec<String>>) -> (Vec<String>, HashMap<Label, u16>) {
    let named = names.filter(|names| {
        labels.iter().all(|label| matches!(label, Label::Number(value) if *value < names.len() as i64))
    });
    if let Some(names) = named {
        let number = |label: &&Label| match label {
            Label::Number(value) => Some(((*label).clone(), u16::try_from(*value).ok()?)),
            Label::Name(_) => None,
        };
        let numbers = labels.iter().filter_map(number).collect();
        return (names, numbers);
    }
    let mut labels: Vec<&Label> =
        labels.into_iter().filter(|label| !matches!(label, Label::Number(..0))).collect();
    let text = |label: &Label| match label {
        Label::Number(value) => value.to_string(),
        Label::Name(name) => name.clone(),
    };
    labels.sort_by_cached_key(|label| natural(&text(label)));
    let numbers = labels.iter().enumerate().map(|(at, label)| ((*label).clone(), at as u16)).collect();
    (labels.into_iter().map(text).collect(), numbers)
}
