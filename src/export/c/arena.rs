//! Where activations lie in memory: those that are never needed at the same time may share a place.

use crate::integer::Integer;

/// Places of values, in bytes.
pub(super) struct Arena {
    /// Of each value; the logits have none, and 0 here.
    pub offsets: Vec<usize>,
    /// Of all.
    pub bytes: usize,
}

/// Each value, in the order of steps, is put to the lowest place that is free from the step that computes it to the last
/// one that reads it.
pub(super) fn arena(integer: &Integer) -> Arena {
    let size = |value: usize| integer.values[value].shape.iter().product::<usize>();
    let read = |value: usize| {
        integer.steps.iter().rposition(|(_, inputs)| inputs.contains(&value)).map_or(0, |step| step + 1)
    };
    let mut offsets: Vec<usize> = Vec::new();
    let mut bytes = 0;
    for value in 0..integer.steps.len() {
        // Value `v` is computed by step `v - 1`, and read there no more where its own inputs are.
        let live = (0..value).filter(|earlier| read(*earlier) >= value);
        let mut taken: Vec<_> =
            live.map(|earlier| offsets[earlier]..offsets[earlier] + size(earlier)).collect();
        taken.sort_by_key(|place| place.start);
        let mut offset = 0;
        for place in taken {
            if offset + size(value) <= place.start {
                break;
            }
            offset = offset.max(place.end);
        }
        bytes = bytes.max(offset + size(value));
        offsets.push(offset);
    }
    offsets.push(0);
    Arena { offsets, bytes }
}
