//! What optimizers read: a gradient that is stored, or one that is made a stretch at a time where it is read.

/// A gradient that follows from much less than its own size. Storing it would cost a pass that writes it and two that
/// read it.
pub trait Derived: Send + Sync {
    /// How many values it has.
    fn count(&self) -> usize;

    /// Writes the values from number `start` on.
    fn fill(&self, start: usize, out: &mut [f32]);

    /// Of all values, in an order that the number of threads does not change.
    fn sum_of_squares(&self) -> f64;

    /// Bytes of what it follows from.
    fn bytes(&self) -> usize;
}

/// The gradient of a parameter.
#[derive(Clone, Copy)]
pub enum Gradient<'a> {
    /// These values.
    Stored(&'a [f32]),
    /// Those that this makes.
    Derived(&'a dyn Derived),
}

impl Gradient<'_> {
    /// How many values it has.
    pub fn count(&self) -> usize {
        match self {
            Self::Stored(values) => values.len(),
            Self::Derived(derived) => derived.count(),
        }
    }

    /// The values from number `start` on, as many as `room` holds, in which they may be made.
    #[inline(always)]
    pub fn stretch<'b>(&'b self, start: usize, room: &'b mut [f32]) -> &'b [f32] {
        match self {
            Self::Stored(values) => &values[start..][..room.len()],
            Self::Derived(derived) => {
                derived.fill(start, room);
                room
            }
        }
    }

    /// All values, for those whom a pass more does not hurt.
    pub fn to_vec(&self) -> Vec<f32> {
        let mut values = vec![0.0; self.count()];
        match self {
            Self::Stored(stored) => values.copy_from_slice(stored),
            Self::Derived(derived) => derived.fill(0, &mut values),
        }
        values
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Stored(values) => size_of_val(*values),
            Self::Derived(derived) => derived.bytes(),
        }
    }
}

/// So many zeros.
pub struct Zeros(pub usize);

impl Derived for Zeros {
    fn count(&self) -> usize {
        self.0
    }

    fn fill(&self, _: usize, out: &mut [f32]) {
        out.fill(0.0);
    }

    fn sum_of_squares(&self) -> f64 {
        0.0
    }

    fn bytes(&self) -> usize {
        0
    }
}
