//! What a key is: its secret, its label, where it is sent. Not its health or counters (`pool`), nor its file (`config`).

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::base_url::BaseUrl;

/// Longest secret that is believed to be one.
const SECRET_MAX: usize = 4096;

/// An API key or token. It can't print, compare or serialize itself; `expose` is the one way out.
#[derive(Clone)]
pub(crate) struct Secret(Arc<Zeroizing<String>>);

/// Why a text can't be a secret. Never holds the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SecretFault {
    #[error("it is empty")]
    Empty,
    #[error("it is longer than {SECRET_MAX} characters")]
    TooLong,
    #[error("it holds a blank, a control or a non-ASCII character")]
    Character,
}

impl Secret {
    /// Takes printable ASCII without blanks, so that a secret can never break out of a header.
    pub(crate) fn new(text: &str) -> Result<Self, SecretFault> {
        match text {
            "" => Err(SecretFault::Empty),
            _ if text.len() > SECRET_MAX => Err(SecretFault::TooLong),
            _ if !text.bytes().all(|byte| byte.is_ascii_graphic()) => Err(SecretFault::Character),
            _ => Ok(Self(Arc::new(Zeroizing::new(text.to_owned())))),
        }
    }

    /// The secret itself. Every call is a place to review.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// What a person may see: four characters at either end, nothing of a short one.
    pub(crate) fn masked(&self) -> String {
        let text = self.expose();
        match (text.get(..4), text.get(text.len().saturating_sub(4)..)) {
            (Some(head), Some(tail)) if text.len() >= 16 => format!("{head}***{tail}"),
            _ => "***".to_owned(),
        }
    }

    /// First 12 hex digits of the SHA-256, as the old tool's trace has it.
    pub(crate) fn hash(&self) -> String {
        let digest = Sha256::digest(self.expose().as_bytes());
        digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// The name of a key, unique in a pool: printable, at most 64 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Label(Arc<str>);

impl Label {
    /// Takes text that has been cleaned for people already (`text::clean`).
    pub(crate) fn new(text: &str) -> Self {
        Self(text.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Identity of a key while the program runs: kept across reloads as long as the secret is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct KeyId(pub(crate) u32);

/// One API key as its auth file describes it.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) label: Label,
    pub(crate) secret: Secret,
    /// Where this key, and only this key's requests, are sent.
    pub(crate) base: BaseUrl,
    /// Higher first.
    pub(crate) priority: i64,
    pub(crate) disabled: bool,
    pub(crate) email: Option<String>,
    /// The auth file's name below the auths folder, for people.
    pub(crate) source: String,
}

/// A key for tests: its secret is unlike any other text.
#[cfg(test)]
pub(crate) fn sample(label: &str, base: &str) -> Key {
    Key {
        label: Label::new(label),
        secret: Secret::new(&format!("sk-test-{label}-0123456789")).expect("valid"),
        base: BaseUrl::parse(base).expect("valid"),
        priority: 0,
        disabled: false,
        email: None,
        source: format!("{label}.env"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_its_ends_only_when_it_is_long() {
        let masked = |text| Secret::new(text).expect("valid").masked();
        assert_eq!(masked("sk-kimi-0123456789abcdef"), "sk-k***cdef");
        assert_eq!(masked("sk-345678"), "***");
    }

    #[test]
    fn a_secret_hashes_as_in_the_old_trace_and_never_prints() {
        let secret = Secret::new("sk-a").expect("valid");
        assert_eq!(secret.hash(), "a4a6d307ad00");
        assert_eq!(format!("{secret:?}"), "Secret(***)");
    }

    #[test]
    fn what_could_break_a_header_is_no_secret() {
        for (text, fault) in [
            ("", SecretFault::Empty),
            ("sk a", SecretFault::Character),
            ("sk-\r\nx: y", SecretFault::Character),
            ("sk-ключ", SecretFault::Character),
        ] {
            assert_eq!(Secret::new(text).err(), Some(fault), "{text:?}");
        }
        assert_eq!(Secret::new(&"x".repeat(SECRET_MAX + 1)).err(), Some(SecretFault::TooLong));
    }
}
