//! Two 4-bit levels to a byte.

/// The levels that fit into 4 bits of two's complement.
pub const LEVELS: std::ops::RangeInclusive<i8> = -8..=7;

/// Packs levels two to a byte, the first of each pair in the low nibble, in two's complement; an odd last one leaves
/// the high nibble 0.
///
/// # Panics
/// If a level is outside [`LEVELS`].
pub fn pack_int4(levels: &[i8]) -> Vec<u8> {
    pack(levels.iter().map(|level| {
        assert!(LEVELS.contains(level), "level {level} in 4 bits");
        *level as u8 & 0xf
    }))
}

/// Packs codes below 16 two to a byte, as [`pack_int4`] does levels.
pub fn pack(mut codes: impl ExactSizeIterator<Item = u8>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(codes.len().div_ceil(2));
    while let Some(low) = codes.next() {
        bytes.push(low | codes.next().unwrap_or(0) << 4);
    }
    bytes
}

/// The code at `index` of those packed into `bytes`.
#[inline(always)]
pub fn code(bytes: &[u8], index: usize) -> u8 {
    bytes[index / 2] >> (index % 2 * 4) & 0xf
}

/// The low nibble of a byte as a level.
#[inline(always)]
pub fn low(byte: u8) -> i8 {
    (byte << 4) as i8 >> 4
}

/// The high nibble of a byte as a level.
#[inline(always)]
pub fn high(byte: u8) -> i8 {
    byte as i8 >> 4
}

/// The level at `index` of those packed into `bytes`.
#[inline(always)]
pub fn level(bytes: &[u8], index: usize) -> i8 {
    let byte = bytes[index / 2];
    if index.is_multiple_of(2) { low(byte) } else { high(byte) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_low_nibble_comes_first() {
        assert_eq!(pack_int4(&[1, 2, -1, -7, 7]), [0x21, 0x9f, 0x07]);
        assert!(pack_int4(&[]).is_empty());
    }

    #[test]
    #[should_panic(expected = "level 8 in 4 bits")]
    fn a_level_too_large_is_refused() {
        pack_int4(&[0, 8]);
    }

    proptest! {
        #[test]
        fn packing_keeps_every_level(levels in proptest::collection::vec(-8i8..=7, 0..300)) {
            let bytes = pack_int4(&levels);
            prop_assert_eq!(bytes.len(), levels.len().div_ceil(2));
            for (i, expected) in levels.iter().enumerate() {
                prop_assert_eq!(level(&bytes, i), *expected);
                prop_assert_eq!(code(&bytes, i), *expected as u8 & 0xf);
            }
            if levels.len() % 2 == 1 {
                prop_assert_eq!(bytes[bytes.len() - 1] >> 4, 0);
            }
        }

        #[test]
        fn every_byte_unpacks_and_packs_to_itself(byte: u8) {
            prop_assert_eq!(pack_int4(&[low(byte), high(byte)]), [byte]);
        }
    }
}
