//! JSON in ASCII, as the old tool writes it: a file that no terminal, however odd its text, can be painted by.

use std::fmt::Write;

use serde::Serialize;

/// One line.
pub(super) fn line(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value).map(escaped)
}

/// One line, onto what is there.
pub(super) fn push(out: &mut Vec<u8>, value: &impl Serialize) -> serde_json::Result<()> {
    let start = out.len();
    serde_json::to_writer(&mut *out, value)?;
    if !is_plain(&out[start..]) {
        let json = String::from_utf8_lossy(&out.split_off(start)).into_owned();
        out.extend_from_slice(escaped(json).as_bytes());
    }
    Ok(())
}

/// The same for a text: most need no escapes, and are copied as they are.
pub(super) fn push_text(out: &mut Vec<u8>, text: &str) {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if text.as_bytes().iter().all(plain) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        // A text can always be written.
        out.extend_from_slice(line(&text).unwrap_or_default().as_bytes());
    }
}

/// Indented by two.
pub(crate) fn pretty(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string_pretty(value).map(escaped)
}

/// Outside of strings JSON is ASCII, so whatever is not can be escaped where it stands.
fn escaped(json: String) -> String {
    if is_plain(json.as_bytes()) {
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

/// Looks at all of it without a stop, which is many bytes at a time.
fn is_plain(json: &[u8]) -> bool {
    !json.iter().fold(false, |odd, byte| odd | !byte.is_ascii() | (*byte == 0x7f))
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

    #[test]
    fn what_is_pushed_is_what_a_line_is() {
        for text in ["", "plain text", "a\"b\\c", "tab\t", "ключ 😀", "\u{7f}", "~ !"] {
            let (mut pushed, mut texts) = (b"[".to_vec(), b"[".to_vec());
            push(&mut pushed, &text).expect("a string");
            push_text(&mut texts, text);
            let expected = format!("[{}", line(&text).expect("a string"));
            assert_eq!((pushed, texts), (expected.clone().into_bytes(), expected.into_bytes()));
        }
    }
}
