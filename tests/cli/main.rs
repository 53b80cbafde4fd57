//! The command line, as a user meets it: what it prints, what it leaves on the disk, and how it ends.

mod look;
mod saving;
mod support;
mod sweep;
mod train;
