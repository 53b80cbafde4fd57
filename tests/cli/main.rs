//! The command line, as a user meets it: what it prints, what it leaves on the disk, and how it ends.

mod look;
#[path = "../support/pictures.rs"]
mod pictures;
mod saving;
mod support;
mod sweep;
mod train;
