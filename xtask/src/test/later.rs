//! Something that is found, or installed, once: when it is first asked for, or in the background before that.

use anyhow::{Result, anyhow};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};

pub struct Later<T> {
    find: fn() -> Result<T>,
    /// Held while somebody waits, so that others do too.
    started: Mutex<Option<JoinHandle<Result<T>>>>,
    found: OnceLock<T>,
}

impl<T: Send + 'static> Later<T> {
    pub fn new(find: fn() -> Result<T>) -> Later<T> {
        Later { find, started: Mutex::new(None), found: OnceLock::new() }
    }

    /// Begins to look for it in a thread of its own.
    pub fn start(&self) {
        *self.started.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::spawn(self.find));
    }

    /// Waits for it. What could not be found is looked for again when it is asked for again.
    pub fn get(&self) -> Result<&T> {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = self.found.get() {
            return Ok(found);
        }
        let found = match started.take() {
            Some(thread) => thread.join().map_err(|_| anyhow!("the search for it panicked"))??,
            None => (self.find)()?,
        };
        Ok(self.found.get_or_init(|| found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn it_is_looked_for_once_and_again_after_a_failure() {
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        let later = Later::new(|| match CALLS.fetch_add(1, Ordering::Relaxed) {
            0 => Err(anyhow!("not yet")),
            call => Ok(call),
        });
        later.start();
        assert!(later.get().is_err());
        assert_eq!(later.get().unwrap(), &1);
        assert_eq!(later.get().unwrap(), &1);
    }
}
