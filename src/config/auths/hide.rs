//! Keys that stand where a name should: masked before a label or a path is shown. Not how a `Secret` hides itself (`domain::key`).

use crate::domain::key::Secret;

/// Shorter than any real key, longer than most names that begin alike.
const KEY_MIN: usize = 24;

/// Shorter secrets are part of ordinary words.
const SECRET_MIN: usize = 16;

/// The text without `secret` and without what looks like another key.
pub(super) fn secret(text: &str, secret: &Secret) -> String {
    let exposed = secret.expose();
    if text == exposed || exposed.len() >= SECRET_MIN {
        keys(&text.replace(exposed, &secret.masked()))
    } else {
        keys(text)
    }
}

/// The text without what looks like a key: `sk-…`, long, with a digit.
pub(super) fn keys(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (start, _) in text.match_indices("sk-") {
        let inside_a_word = text[..start].ends_with(|before: char| before.is_ascii_alphanumeric());
        if start < done || inside_a_word {
            continue;
        }
        let length = text[start..].find(|character| !is_of_key(character)).unwrap_or(text.len() - start);
        let word = &text[start..start + length];
        if length >= KEY_MIN && word.bytes().any(|byte| byte.is_ascii_digit()) {
            out.push_str(&text[done..start]);
            out.push_str(&Secret::new(word).map_or_else(|_| "***".to_owned(), |key| key.masked()));
            done = start + length;
        }
    }
    out.push_str(&text[done..]);
    out
}

fn is_of_key(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-_".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_key_is_masked_and_names_stay() {
        for (text, expected) in [
            ("sk-kimi-0123456789abcdefgh", "sk-k***efgh"),
            ("mine: sk-kimi-0123456789abcdefgh!", "mine: sk-k***efgh!"),
            ("a/my_sk-kimi-0123456789abcdefgh.env", "a/my_sk-k***efgh.env"),
            ("sk-aaaaaaaaaaaaaaaaaaaa-1 sk-bbbbbbbbbbbbbbbbbbbb-2", "sk-a***aa-1 sk-b***bb-2"),
            ("sk-short-1", "sk-short-1"),
            ("sk-a-name-of-many-words-but-no-number", "sk-a-name-of-many-words-but-no-number"),
            ("task-force-of-the-year-2026", "task-force-of-the-year-2026"),
            ("ключ sk-", "ключ sk-"),
        ] {
            assert_eq!(keys(text), expected);
        }
    }

    #[test]
    fn the_files_own_secret_is_masked_whatever_it_looks_like() {
        for (text, own, expected) in [
            ("my 0123456789abcdef key", "0123456789abcdef", "my 0123***cdef key"),
            ("alpha", "alpha", "***"),
            ("alpha", "a", "alpha"),
        ] {
            assert_eq!(secret(text, &Secret::new(own).expect("valid")), expected);
        }
    }
}
