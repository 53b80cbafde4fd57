//! The page's addresses.

/// The settings of an address in its order, decoded: what stands between `?` and `#`, or all of a bare query.
pub fn pairs(address: &str) -> Vec<(String, String)> {
    let address = address.split('#').next().unwrap_or_default();
    let query = match address.split_once('?') {
        Some((_, query)) => query,
        None if address.contains("://") => "",
        None => address,
    };
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
