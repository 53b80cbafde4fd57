//! From the bytes of a pixel to what a network reads.

/// Stored channels of a batch: R, G, B and a zero, so that a pixel fills a SIMD register.
pub const BATCH_CHANNELS: usize = 4;

/// `(pixel / 255 - mean) / std` for every byte and channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalize {
    mean: [f32; 3],
    std: [f32; 3],
    table: [[f32; 256]; 3],
}

impl Normalize {
    /// The table for a mean and a standard deviation, R G B in 0..1.
    pub fn new(mean: [f32; 3], std: [f32; 3]) -> Self {
        let channel = |c: usize| std::array::from_fn(|byte| (byte as f32 / 255.0 - mean[c]) / std[c]);
        Self { mean, std, table: std::array::from_fn(channel) }
    }

    /// Mean and standard deviation, R G B in 0..1.
    pub fn figures(&self) -> [[f32; 3]; 2] {
        [self.mean, self.std]
    }

    /// A pixel as it is stored in a batch: three normalised channels and a zero.
    pub fn pixel(&self, rgb: [u8; 3]) -> [f32; BATCH_CHANNELS] {
        let [r, g, b] = rgb.map(usize::from);
        [self.table[0][r], self.table[1][g], self.table[2][b], 0.0]
    }

    /// The pixels of pictures, R G B A; they count as opaque.
    pub fn pixels(&self, rgba: &[u8]) -> impl Iterator<Item = [f32; BATCH_CHANNELS]> {
        rgba.as_chunks::<4>().0.iter().map(|[r, g, b, _]| self.pixel([*r, *g, *b]))
    }
}
