//! Named choices: what a registry's entries are called, in menus, addresses, files and parametrised tests.

use serde::Serialize;

use crate::{Error, Result};

/// A named choice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// The name in the address and in [`crate::RunConfig`].
    pub name: &'static str,
    /// What a menu shows.
    pub label: &'static str,
    /// One sentence on what it is.
    pub about: &'static str,
}

/// Finds `name` among named values.
///
/// # Errors
/// [`Error::Config`] that lists the accepted names.
pub(crate) fn find_named<T>(
    field: &'static str,
    name: &str,
    all: &'static [T],
    entry: impl Fn(&T) -> &Entry,
) -> Result<&'static T> {
    all.iter().find(|item| entry(item).name == name).ok_or_else(|| Error::Config {
        field,
        expected: names(all.iter().map(entry)),
        found: name.into(),
    })
}

/// The names of some entries, as messages list them.
pub(crate) fn names<'a>(entries: impl Iterator<Item = &'a Entry>) -> String {
    entries.map(|entry| entry.name).collect::<Vec<_>>().join(", ")
}
