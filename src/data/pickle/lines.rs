//! Texts of protocol 0, which are lines.

use super::object::{Result, fail};

/// What Python's `repr` of a byte string says: quotes and escapes.
pub(super) fn string(line: &[u8]) -> Result<Vec<u8>> {
    let inside = match line {
        [b'\'', inside @ .., b'\''] | [b'"', inside @ .., b'"'] => inside,
        _ => return fail("a string in quotes", "one without"),
    };
    let mut bytes = Vec::with_capacity(inside.len());
    let mut rest = inside;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let Some((&escape, behind)) = rest.split_first() else {
            return fail("an escape", "a backslash alone");
        };
        rest = behind;
        bytes.push(match escape {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'x' => {
                let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
                let Some(value) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
                    return fail("two hexadecimal digits", "others");
                };
                rest = &rest[2..];
                value
            }
            other => other,
        });
    }
    Ok(bytes)
}

/// The first 256 characters as they are, the others as `\uXXXX`; as UTF-8.
pub(super) fn unicode(line: &[u8]) -> Result<Vec<u8>> {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        let digits = match (byte, rest.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => {
                text.push(char::from(byte));
                continue;
            }
        };
        let code = rest.get(1..=digits).and_then(|digits| std::str::from_utf8(digits).ok());
        let letter = code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
        let Some(letter) = letter else { return fail("a character", "an escape of none") };
        text.push(letter);
        rest = &rest[digits + 1..];
    }
    Ok(text.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read() {
        assert_eq!(string(br"'a\x00\n\'\\'").unwrap(), b"a\0\n'\\");
        assert_eq!(string(b"\"it's\"").unwrap(), b"it's");
        assert!(string(b"'").is_err() && string(br"'\x0'").is_err());
        assert_eq!(unicode(b"a\\u000a\xff").unwrap(), "a\n\u{ff}".as_bytes());
        assert!(unicode(b"\\ud800").is_err() && unicode(b"\\u1").is_err());
    }
}
