//! Ctrl-C, and the request to end that other programs send.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::problem::{Problem, Result};

/// Whether the user wants an end.
pub struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// Listens from now on. A second signal ends the program at once.
    ///
    /// # Errors
    /// Where the system does not allow it.
    pub fn watch() -> Result<Self> {
        let (seen, again) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal arms the second.
            flag::register_conditional_shutdown(signal, 128 + signal, again.clone())
                .and_then(|_| flag::register(signal, again.clone()))
                .and_then(|_| flag::register_usize(signal, seen.clone(), signal as usize))
                .map_err(|error| Problem::failed(format!("signals: {error}")))?;
        }
        Ok(Self(seen))
    }

    /// The exit code of the signal that came.
    pub fn code(&self) -> Option<u8> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            signal => Some(128 + signal as u8),
        }
    }
}
