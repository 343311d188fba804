//! JSON in ASCII, as the old tool writes it: a file that no terminal, however odd its text, can be painted by.

use std::fmt::Write;

use serde::Serialize;

/// One line.
pub(super) fn line(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value).map(escaped)
}

/// Indented by two.
pub(crate) fn pretty(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string_pretty(value).map(escaped)
}

/// Outside of strings JSON is ASCII, so whatever is not can be escaped where it stands.
fn escaped(json: String) -> String {
    let plain = |byte: &u8| byte.is_ascii() && *byte != 0x7f;
    if json.as_bytes().iter().all(plain) {
        return json;
    }
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() && character != '\u{7f}' {
            out.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a string can't fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_ascii_is_escaped_and_reads_back() {
        let text = "ключ 😀 \u{202e}\u{9b}\u{7f}\u{1b}\n";
        let json = line(&text).expect("a string");
        assert!(json.is_ascii() && !json.contains(['\u{7f}', '\u{1b}', '\n']), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).expect("valid"), text);
        assert!(json.contains("\\ud83d\\ude00"), "{json}");
    }
}
