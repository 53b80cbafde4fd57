//! Snappy's decompression.
//!
//! Source: google/snappy, format_description.txt.

/// Unpacks a block into `size` bytes; `None` where it is damaged or of another size.
pub(super) fn unpack(packed: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut input = packed;
    let mut said = 0u64;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = input.split_first()?;
        input = rest;
        said |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    if said != size as u64 {
        return None;
    }
    let mut out = Vec::new();
    out.try_reserve_exact(size).ok()?;
    let number =
        |bytes: &[u8]| bytes.iter().rev().fold(0usize, |value, &byte| value << 8 | usize::from(byte));
    while let Some((&tag, rest)) = input.split_first() {
        input = rest;
        let upper = usize::from(tag >> 2);
        let (len, back) = match tag & 3 {
            0 => {
                let more = upper.saturating_sub(59);
                let len = if more == 0 { upper } else { number(input.get(..more)?) };
                let len = len.checked_add(1)?;
                let literal = input.get(more..more.checked_add(len)?)?;
                input = &input[more + len..];
                if out.len() + len > size {
                    return None;
                }
                out.extend_from_slice(literal);
                continue;
            }
            1 => (4 + (upper & 7), (upper >> 3) << 8 | number(input.get(..1)?)),
            2 => (upper + 1, number(input.get(..2)?)),
            _ => (upper + 1, number(input.get(..4)?)),
        };
        input = &input[[0, 1, 2, 4][usize::from(tag & 3)]..];
        let from = out.len().checked_sub(back).filter(|_| back > 0)?;
        if out.len() + len > size {
            return None;
        }
        // A run may repeat what it has just written.
        for at in from..from + len {
            out.push(out[at]);
        }
    }
    (out.len() == size).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_copies() {
        // "abcd" and then, four back, eight of them.
        assert_eq!(
            unpack(&[12, 3 << 2, b'a', b'b', b'c', b'd', 4 << 2 | 1, 4], 12).unwrap(),
            b"abcdabcdabcd"
        );
        assert_eq!(
            unpack(&[12, 3 << 2, b'a', b'b', b'c', b'd', 4 << 2 | 1, 5], 12),
            None,
            "before the beginning"
        );
        assert_eq!(unpack(&[4, 3 << 2, b'a', b'b'], 4), None);
        assert_eq!(unpack(&[0], 0).unwrap(), b"");
    }
}
