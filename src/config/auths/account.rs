//! Whose key it is: its label and its account's e-mail, from what a file happens to say. Pure.

use std::{ffi::OsStr, path::Path};

use super::hide;
use crate::domain::{
    key::{Label, Secret},
    text,
};

/// Fields that name an e-mail, in this order.
pub(super) const EMAIL_FIELDS: &[&str] = &["email", "account_email", "user_email", "login_email", "user", "account"];

const LABEL_MAX: usize = 64;

/// The label: what the file names, else its stem, without a trailing `config`; else the whole file name. Holds no key.
pub(super) fn label(named: Option<&str>, path: &Path, secret: &Secret) -> Label {
    let name = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let choices = [named.unwrap_or_default().to_owned(), name(path.file_stem()), name(path.file_name())];
    let shown = choices.iter().map(|choice| {
        let clean = text::clean(choice, choice.len());
        text::clean(&hide::secret(&without_config(&clean), secret), LABEL_MAX)
    });
    Label::new(&shown.into_iter().find(|label| !label.is_empty()).unwrap_or_default())
}

/// The label of a further key of that name, within the limit too.
pub(super) fn numbered(label: &Label, number: u32) -> Label {
    let ending = format!("-{number}");
    let kept = LABEL_MAX.saturating_sub(ending.len());
    let head: String = label.as_str().chars().take(kept).collect();
    Label::new(&format!("{}{ending}", head.trim_end()))
}

fn without_config(label: &str) -> String {
    let label = label.trim();
    let cut = label.len().saturating_sub("config".len());
    let short = match label.get(cut..) {
        Some(end) if end.eq_ignore_ascii_case("config") => &label[..cut],
        _ => label,
    };
    let short = short.trim_end_matches(['_', '-']);
    if short.is_empty() { label.to_owned() } else { short.to_owned() }
}

/// The first thing in a text that looks like an e-mail address.
pub(super) fn email_in(text: &str) -> Option<String> {
    let local = |c: char| c.is_ascii_alphanumeric() || "._%+-".contains(c);
    let domain = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    text.match_indices('@').find_map(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + 1..]);
        let start =
            before.rfind(|c| !local(c)).map_or(0, |end| end + before[end..].chars().next().map_or(1, char::len_utf8));
        let end = after.find(|c| !domain(c)).unwrap_or(after.len());
        let host = after[..end].trim_end_matches(['.', '-']);
        let top = host.rsplit_once('.').map(|(_, top)| top)?;
        let fine = start < at && top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_alphabetic());
        fine.then(|| format!("{}@{host}", &before[start..]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_from_the_name_or_the_file() {
        for (named, file, expected) in [
            (None, "alpha_config.toml", "alpha"),
            (None, "sub/kimi-config.toml", "kimi"),
            (None, "trail__.env", "trail"),
            (None, "config.toml", "config"),
            (None, "kimiConfig.toml", "kimi"),
            (None, "jb.json.bak", "jb.json"),
            (Some("  Мой ключ "), "x.env", "Мой ключ"),
            (Some("a\u{1b}[2Jb"), "x.env", "ab"),
            (Some(""), "x.env", "x"),
            (Some("\u{202e}"), "x_config.env", "x"),
            (None, "\u{202e}.env", ".env"),
        ] {
            let secret = Secret::new("sk-1").expect("valid");
            assert_eq!(label(named, Path::new(file), &secret).as_str(), expected, "{named:?} {file}");
        }
    }

    #[test]
    fn addresses_are_found_in_text() {
        for (text, expected) in [
            ("mail: me+x@example.com!", Some("me+x@example.com")),
            ("a@b", None),
            ("@example.com", None),
            ("x@y.z and то@пусто ok@mail.example.org.", Some("ok@mail.example.org")),
            ("", None),
        ] {
            assert_eq!(email_in(text).as_deref(), expected, "{text}");
        }
    }
}
