//! Numbers of texts.

/// The number that a text says, the nearest that an `f64` can be.
#[cfg(not(target_arch = "wasm32"))]
pub fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// The same as JavaScript reads it: std's own way has tables of 10 KB, which every visitor would wait for.
#[cfg(target_arch = "wasm32")]
pub fn number(text: &str) -> Option<f64> {
    // Other texts, some of which are numbers to JavaScript: none at all, `0x10`, spaces.
    let decimal = |byte| matches!(byte, b'0'..=b'9' | b'.' | b'+' | b'-' | b'e' | b'E');
    let is_decimal = !text.is_empty() && text.bytes().all(decimal);
    let number = is_decimal.then(|| wasm_bindgen::JsValue::from_str(text).unchecked_into_f64());
    number.filter(|number| !number.is_nan())
}
