//! The one error type. Every message names the value that was wrong, what was expected and what was found.

/// What can go wrong because of a user's input; never a bug (those panic).
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// A data file could not be read as what its content or name announced.
    #[error("{file}: expected {expected}, found {found}")]
    Data {
        /// Name of the file, or of the member of an archive as `archive/member`.
        file: String,
        /// What a good file would hold there.
        expected: String,
        /// What this one holds.
        found: String,
    },
    /// More images than there is room for.
    #[error("{name}: expected at most {most} images, which is what there is room for, found {found}")]
    Room {
        /// Name of the data set.
        name: String,
        /// How many there is room for.
        most: usize,
        /// How many there are.
        found: usize,
    },
    /// A setting of a run has a value outside its range.
    #[error("{field}: expected {expected}, found {found}")]
    Config {
        /// Name of the setting, as in the URL.
        field: &'static str,
        /// The accepted values.
        expected: String,
        /// The value given.
        found: String,
    },
    /// A model's description does not fit together.
    #[error("layer {layer}: expected {expected}, found {found}")]
    Model {
        /// Index and type of the layer, as `3 (conv2d)`.
        layer: String,
        /// What the layer needs.
        expected: String,
        /// What it was given.
        found: String,
    },
    /// Training has left the finite numbers; the weights are those before the step.
    #[error(
        "step {step}: expected a finite loss and gradient, found loss {loss} and gradient norm {grad_norm}; \
         a lower learning rate, gradient clipping or more bits may help"
    )]
    Diverged {
        /// The step that was not taken, from 1.
        step: u64,
        /// Its loss.
        loss: f64,
        /// Its gradient norm.
        grad_norm: f64,
    },
}

/// Result with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
