//! One page in one file that classifies pictures offline: the packed network in base64, and an interpreter.

use super::{Artifact, Network, Target, card, safetensors};
use crate::registry::{Entry, told};

pub(super) const TARGET: Target = Target {
    entry: Entry {
        name: "html",
        label: told("Page of one file"),
        about: told(
            "A page that classifies pictures, drawings and camera images offline, with the network inside",
        ),
    },
    engine: false,
    images: false,
    whole: false,
    needs: "a browser",
    run: "python3 -m webbrowser -t \"file://$(realpath '{file}')\"",
    write: |network| Ok(Artifact::file("html", "text/html", page(network).into_bytes())),
};

const PAGE: &str = include_str!("page.html");
/// The page's modules, the ones without imports first. Pictures are cut and shrunk as the training page does it.
const SCRIPTS: [&str; 3] =
    [include_str!("network.js"), include_str!("../../../www/images/square.js"), include_str!("page.js")];

fn page(network: &Network) -> String {
    let packed = safetensors::bytes(network);
    let row = |(label, fact): (&str, String)| {
        format!("<tr><th scope=\"row\">{label}</th><td>{}</td></tr>\n", card::escaped(&fact))
    };
    let card: String = card::facts(network).into_iter().map(row).collect();
    // Modules in one: what they import is there already.
    let imports = |line: &&str| !line.starts_with("import ");
    let script: String = SCRIPTS
        .iter()
        .flat_map(|script| script.lines())
        .filter(imports)
        .fold(String::new(), |text, line| text + line + "\n");
    let size = format!("{} bytes of weights and all else that it needs.", packed.len());
    PAGE.replace("{{card}}", &card)
        .replace("{{size}}", &size)
        .replace("{{script}}", &script)
        .replace("{{network}}", &base64(&packed))
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let bits =
            three.iter().enumerate().fold(0u32, |bits, (i, byte)| bits | u32::from(*byte) << (16 - 8 * i));
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= three.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648, section 10.
    #[test]
    fn base64_is_that_of_the_rfc() {
        let texts = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|text| base64(text.as_bytes()));
        assert_eq!(texts, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }
}
