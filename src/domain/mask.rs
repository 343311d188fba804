//! Taking out what must not be seen: the key in an answer, ids of the upstream's accounts in error texts.

use memchr::memmem;

const STARS: &str = "***";
/// Ids that the upstream puts into its error texts, and keys.
const ID_PREFIXES: &[&str] = &["org-", "proj-", "ak-", "sk-"];

/// `org-…`, `proj-…`, `ak-…` and `sk-…` become `org-***` and so on; words that only hold such letters stay.
pub(crate) fn mask_ids(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(word_at) = rest.find(is_id_character) {
        let (before, from_word) = rest.split_at(word_at);
        let (word, after) = from_word.split_at(from_word.find(|c| !is_id_character(c)).unwrap_or(from_word.len()));
        masked.push_str(before);
        match ID_PREFIXES.iter().find(|prefix| word.len() > prefix.len() && word.starts_with(**prefix)) {
            Some(prefix) => {
                masked.push_str(prefix);
                masked.push_str(STARS);
            }
            None => masked.push_str(word),
        }
        rest = after;
    }
    masked.push_str(rest);
    masked
}

/// The bytes with every occurrence of the secret masked; `None` when it does not occur.
pub(crate) fn mask_secret(bytes: &[u8], secret: &[u8]) -> Option<Vec<u8>> {
    // JSON may write a slash as `\/`.
    let escaped = String::from_utf8_lossy(secret).replace('/', "\\/");
    let once = replace(bytes, secret);
    let twice =
        if escaped.as_bytes() == secret { None } else { replace(once.as_deref().unwrap_or(bytes), escaped.as_bytes()) };
    twice.or(once)
}

fn replace(bytes: &[u8], secret: &[u8]) -> Option<Vec<u8>> {
    if secret.is_empty() {
        return None;
    }
    let mut found = memmem::find_iter(bytes, secret).peekable();
    found.peek()?;
    let mut masked = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for at in found {
        masked.extend_from_slice(&bytes[from..at]);
        masked.extend_from_slice(STARS.as_bytes());
        from = at + secret.len();
    }
    masked.extend_from_slice(&bytes[from..]);
    Some(masked)
}

fn is_id_character(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_masked_and_words_stay() {
        for (text, expected) in [
            ("Your account org-1a2b<ak-3c4d> request reached", "Your account org-***<ak-***> request reached"),
            ("task-force and break-ak-x stay", "task-force and break-ak-x stay"),
            ("proj-9 (sk-kimi-abc)", "proj-*** (sk-***)"),
            ("org- is no id", "org- is no id"),
            ("", ""),
            ("ключ sk-1", "ключ sk-***"),
        ] {
            assert_eq!(mask_ids(text), expected);
        }
    }

    #[test]
    fn a_secret_is_masked_wherever_it_stands() {
        assert_eq!(mask_secret(b"a key b key", b"key").as_deref(), Some(&b"a *** b ***"[..]));
        assert_eq!(mask_secret(br#"{"k":"a\/b"} a/b"#, b"a/b").as_deref(), Some(&br#"{"k":"***"} ***"#[..]));
        assert_eq!(mask_secret(b"nothing", b"key"), None);
        assert_eq!(mask_secret(b"nothing", b""), None);
    }
}
