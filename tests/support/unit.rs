//! The numbers of tests/golden: keyed by a name, uniform, the same bits everywhere and in Python.

/// `unit(name, i)` for i < count, in [-1, 1).
pub fn unit(name: &str, count: usize) -> Vec<f32> {
    bits(name, count).map(|z| (z >> 40) as f32 / (1 << 23) as f32 - 1.0).collect()
}

/// 64 bits each.
pub fn bits(name: &str, count: usize) -> impl Iterator<Item = u64> {
    let key = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (1..=count as u64).map(move |i| {
        let mut z = key.wrapping_add(i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}
