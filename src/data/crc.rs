//! CRC-32 as gzip and PNG have it, sixteen bytes at a time.
//!
//! The crate `crc32fast` does the same with tables that are part of every module: 16 KB that nothing packs. They are made of
//! the polynomial in less time than a visitor waits for one of them.

use std::sync::LazyLock;

const POLYNOMIAL: u32 = 0xedb8_8320;
const BLOCK: usize = 16;

/// What a byte does to the sum, followed by 0 to 15 others.
static TABLES: LazyLock<[[u32; 256]; BLOCK]> = LazyLock::new(|| {
    let mut tables = [[0; 256]; BLOCK];
    for byte in 0..=255u8 {
        let mut sum = u32::from(byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ ((sum & 1) * POLYNOMIAL);
        }
        tables[0][usize::from(byte)] = sum;
    }
    for followed in 1..BLOCK {
        for byte in 0..256 {
            let sum = tables[followed - 1][byte];
            tables[followed][byte] = (sum >> 8) ^ tables[0][(sum & 255) as usize];
        }
    }
    tables
});

/// The sum of what it has been given.
pub struct Crc32(u32);

impl Crc32 {
    pub fn new() -> Self {
        Self(!0)
    }

    pub fn update(&mut self, bytes: &[u8]) {
        let tables = &*TABLES;
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        for block in blocks {
            let mut block = *block;
            for (byte, sum) in block.iter_mut().zip(self.0.to_le_bytes()) {
                *byte ^= sum;
            }
            self.0 = (0..BLOCK).fold(0, |sum, at| sum ^ tables[BLOCK - 1 - at][usize::from(block[at])]);
        }
        for byte in rest {
            self.0 = (self.0 >> 8) ^ tables[0][usize::from(self.0 as u8 ^ byte)];
        }
    }

    pub fn finish(self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_gzip() {
        let bytes: Vec<u8> = (0..1000u32).map(|i| (i * i / 7) as u8).collect();
        for (start, middle, end) in [(0, 0, 0), (0, 3, 9), (5, 5, 21), (1, 18, 999), (0, 500, 1000)] {
            let mut sum = Crc32::new();
            sum.update(&bytes[start..middle]);
            sum.update(&bytes[middle..end]);
            assert_eq!(sum.finish(), crc32fast::hash(&bytes[start..end]), "{start}..{middle}..{end}");
        }
    }
}
