//! Finds test keys in what the program put out, in any disguise: plain, in base64, in hex, escaped for a URL or for JSON.
//! Whatever any test has the program write goes through here; which places may hold a key is said by the callers.

use std::{fs, path::Path};

/// Every test key ends with this; a masked one does not hold it.
const MARK: &str = "0123456789abcdef";

/// How a key can look.
fn disguises() -> Vec<String> {
    let each = |how: fn(u8) -> String| MARK.bytes().map(how).collect::<String>();
    let mut all = vec![
        MARK.to_owned(),
        MARK.to_uppercase(),
        each(|byte| format!("{byte:02x}")),
        each(|byte| format!("%{byte:02x}")),
        each(|byte| format!("\\u{byte:04x}")),
        each(|byte| format!("\\x{byte:02x}")),
    ];
    // What of it is sure in base64, wherever in the text it begins.
    all.extend((0..3).map(|before| {
        let whole = base64(&[vec![0; before], MARK.as_bytes().to_vec()].concat());
        let sure = whole.len() * 6 / 8 * 8 / 6 - 2;
        whole[(before * 8).div_ceil(6)..sure].to_owned()
    }));
    all
}

/// The disguise in which a test key stands in these bytes.
pub(crate) fn leak(bytes: &[u8]) -> Option<String> {
    disguises().into_iter().find(|disguise| memchr::memmem::find(bytes, disguise.as_bytes()).is_some())
}

/// No test key is in what this put out.
pub(crate) fn none_in(what: &str, bytes: &[u8]) {
    if let Some(disguise) = leak(bytes) {
        panic!("{what} tells a key, as {disguise:?}: {}", String::from_utf8_lossy(bytes));
    }
}

/// No test key is in any file below this folder.
pub(crate) fn none_below(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            none_below(&path);
        } else if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            none_in(&path.display().to_string(), &fs::read(&path).unwrap_or_default());
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for at in 0..=three.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * at) & 63) as usize]));
        }
    }
    text
}

#[test]
fn a_key_in_any_disguise_would_be_found() {
    let key = super::proxy::key("alpha");
    for before in ["", "x", "xy"] {
        assert!(leak(base64(format!("{before}Bearer {key}\n").as_bytes()).as_bytes()).is_some(), "{before}");
    }
    let escaped: String = key.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let in_json: String = key.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    let in_hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
    for text in [&key, &key.to_uppercase(), &escaped, &in_json, &in_hex] {
        assert!(leak(format!("before {text} behind").as_bytes()).is_some(), "{text}");
    }
    assert_eq!(base64(b"any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw");
    assert_eq!(leak(b"sk-k***cdef and 0123456789"), None);
}
