//! Named choices: what a registry's entries are called, in menus, addresses, files and parametrised tests.

use std::sync::{PoisonError, RwLock};

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

/// A text for people alone. The page has it from pkg/registry.js, so that its builds carry none but that of the exports,
/// which write it into files.
pub(crate) const fn told(text: &'static str) -> &'static str {
    if cfg!(all(target_arch = "wasm32", not(feature = "exports"))) { "" } else { text }
}

/// What a [`Registry`] holds.
pub trait Named {
    /// By which it is found.
    fn name(&self) -> &'static str;
}

/// Things of one kind by their names: those that the engine brings, and those that a program adds before it uses them.
pub struct Registry<T: 'static> {
    /// The setting that chooses among them, for messages.
    field: &'static str,
    own: &'static [T],
    added: RwLock<Vec<&'static T>>,
}

impl<T: Named> Registry<T> {
    /// One with the engine's own.
    pub const fn new(field: &'static str, own: &'static [T]) -> Self {
        Self { field, own, added: RwLock::new(Vec::new()) }
    }

    /// All, the engine's own first.
    pub fn iter(&self) -> impl Iterator<Item = &'static T> {
        (0..).map_while(|at| self.get(at))
    }

    fn get(&self, at: usize) -> Option<&'static T> {
        self.own.get(at).or_else(|| {
            let added = self.added.read().unwrap_or_else(PoisonError::into_inner);
            added.get(at - self.own.len()).copied()
        })
    }

    /// The one of that name.
    ///
    /// # Errors
    /// [`Error::Config`] that lists the accepted names.
    pub fn find(&self, name: &str) -> Result<&'static T> {
        let at = position(self.field, &|at| self.get(at).map(Named::name), name)?;
        Ok(self.get(at).expect("what is there stays"))
    }

    /// Adds one, for the whole process.
    ///
    /// # Errors
    /// [`Error::Config`] where there is one of that name.
    pub fn add(&self, item: &'static T) -> Result<()> {
        if self.find(item.name()).is_ok() {
            let expected = "a name of its own".into();
            return Err(Error::Config { field: self.field, expected, found: item.name().into() });
        }
        self.added.write().unwrap_or_else(PoisonError::into_inner).push(item);
        Ok(())
    }
}

/// Where a name stands among those that `nth` gives until there is none; compiled once for all registries.
fn position(field: &'static str, nth: &dyn Fn(usize) -> Option<&'static str>, name: &str) -> Result<usize> {
    let known = || (0..).map_while(nth);
    known().position(|known| known == name).ok_or_else(|| Error::Config {
        field,
        expected: known().collect::<Vec<_>>().join(", "),
        found: name.into(),
    })
}

/// The names of some entries, as messages list them.
pub(crate) fn names<'a>(entries: impl Iterator<Item = &'a Entry>) -> String {
    entries.map(|entry| entry.name).collect::<Vec<_>>().join(", ")
}
