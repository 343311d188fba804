//! One auth file in any of its formats. Errors carry a place and a fixed reason, never the parser's words: those quote the key.

use std::{io::ErrorKind, path::Path};

use serde_json::{Map, Value};

use super::account::{EMAIL_FIELDS, email_in};
use crate::{
    config::{
        content,
        dotenv::{self, DotenvFault},
        settings,
    },
    domain::{base_url::BaseUrlFault, key::SecretFault, message::Message, text},
};

/// Providers of a file, in the order of preference; else the first that has a key.
const PREFERRED: &[&str] = &["managed:kimi-code", "kimi-for-coding", "moonshot-ai"];

/// The longest odd value that a warning quotes.
const QUOTED_MAX: usize = 24;

/// What a file says about its key.
#[derive(Default)]
pub(super) struct Found {
    pub(super) api_key: String,
    pub(super) base_url: Option<String>,
    pub(super) label: Option<String>,
    pub(super) priority: i64,
    pub(super) disabled: bool,
    pub(super) email: Option<String>,
    /// Fields that were not understood and fell back to their defaults.
    pub(super) odd: Vec<Message>,
}

/// Why a file gives no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// There is no such file, or a link leads nowhere.
    Gone,
    Unreadable,
    TooLarge,
    NotUtf8,
    Syntax {
        line: usize,
    },
    /// Nothing but blanks: a file that is about to be written.
    Empty,
    NoKey,
    Secret(SecretFault),
    BaseUrl(BaseUrlFault),
}

impl Fault {
    pub(super) fn message(self) -> Message {
        match self {
            Self::Gone | Self::Unreadable => Message::new("auth-unreadable"),
            Self::TooLarge => Message::new("auth-too-large"),
            Self::NotUtf8 => Message::new("auth-not-utf8"),
            Self::Syntax { line } => Message::new("auth-syntax").with("line", line),
            Self::Empty | Self::NoKey => Message::new("auth-no-key"),
            Self::Secret(SecretFault::Empty) => Message::new("auth-no-key"),
            Self::Secret(SecretFault::TooLong) => Message::new("auth-key-too-long"),
            Self::Secret(SecretFault::Character) => Message::new("auth-key-character"),
            Self::BaseUrl(BaseUrlFault::Scheme) => Message::new("auth-url-scheme"),
            Self::BaseUrl(BaseUrlFault::UserInfo) => Message::new("auth-url-user"),
            Self::BaseUrl(BaseUrlFault::Syntax | BaseUrlFault::NoHost | BaseUrlFault::Query) => {
                Message::new("auth-url")
            }
        }
    }

    /// Why the file can't be judged now, for the end of a sentence; `None` when it can, and gives no key.
    pub(super) fn passing(self) -> Option<Message> {
        match self {
            Self::Unreadable => Some(Message::new("auth-now-unreadable")),
            Self::TooLarge => Some(Message::new("auth-now-too-large")),
            Self::NotUtf8 => Some(Message::new("auth-now-not-utf8")),
            Self::Syntax { line } => Some(Message::new("auth-now-syntax").with("line", line)),
            Self::Empty => Some(Message::new("auth-now-empty")),
            Self::Gone | Self::NoKey | Self::Secret(_) | Self::BaseUrl(_) => None,
        }
    }
}

#[derive(Clone, Copy)]
pub(super) enum Format {
    Env,
    Toml,
    Json,
}

impl Format {
    /// `None` when the name says that it is none of ours.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "env" => Some(Self::Env),
            "toml" => Some(Self::Toml),
            "json" | "bak" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Reads a file; `None` when its name says that it is none of ours.
pub(super) fn read(path: &Path, lookup: &dyn Fn(&str) -> Option<String>) -> Option<Result<Found, Fault>> {
    let format = Format::of(path)?;
    let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Some(content(path).and_then(|bytes| {
        let mut found = match format {
            Format::Env => from_env(&bytes, lookup),
            Format::Toml => from_toml(&bytes),
            Format::Json => from_json(&bytes),
        }
        .map_err(|fault| if bytes.trim_ascii().is_empty() { Fault::Empty } else { fault })?;
        if found.api_key.trim().is_empty() {
            return Err(Fault::NoKey);
        }
        found.email = found.email.or_else(|| email_in(file_name.rsplit_once('.').map_or("", |(stem, _)| stem)));
        found.email = found.email.map(|email| text::clean(&email, 80));
        Ok(found)
    }))
}

fn content(path: &Path) -> Result<Vec<u8>, Fault> {
    content::of_plain_file(path).map_err(|error| match error.kind() {
        ErrorKind::FileTooLarge => Fault::TooLarge,
        ErrorKind::NotFound | ErrorKind::NotADirectory => Fault::Gone,
        _ => Fault::Unreadable,
    })
}

fn from_env(bytes: &[u8], lookup: &dyn Fn(&str) -> Option<String>) -> Result<Found, Fault> {
    let parsed = dotenv::parse(bytes, lookup).map_err(|fault| match fault {
        DotenvFault::TooLarge => Fault::TooLarge,
        DotenvFault::NotUtf8 => Fault::NotUtf8,
    })?;
    let get = |name: &str| {
        let found = parsed.values.iter().rev().find(|(known, _)| known == name)?;
        found.1.clone().filter(|value| !value.trim().is_empty())
    };
    let Some(api_key) = get("KMI_API_KEY") else {
        return Err(parsed.bad_lines.first().map_or(Fault::NoKey, |line| Fault::Syntax { line: *line }));
    };
    let bad = parsed.bad_lines.len();
    let bad_lines = |first: &usize| Message::new("auth-bad-lines").with("line", *first).with("count", bad);
    let mut odd: Vec<Message> = parsed.bad_lines.first().map(bad_lines).into_iter().collect();
    let named = ["KMI_ACCOUNT_EMAIL", "KMI_EMAIL", "EMAIL"].into_iter().find_map(get);
    let open = || parsed.values.iter().filter(|(name, _)| !holds_secret(name));
    let any = || open().find_map(|(_, value)| email_in(value.as_deref()?));
    let email = named.and_then(|text| email_in(&text)).or_else(any);
    let priority = typed(get("KMI_KEY_PRIORITY"), "auth-priority", &mut odd, |text| text.parse().ok());
    let disabled = typed(get("KMI_KEY_DISABLED"), "auth-disabled", &mut odd, settings::switch);
    Ok(Found {
        api_key,
        base_url: get("KMI_UPSTREAM_BASE_URL"),
        label: get("KMI_KEY_LABEL"),
        priority,
        disabled,
        email,
        odd,
    })
}

/// A field of a type, or its default with a warning that quotes the value, if it is too short to be a key.
fn typed<T: Default>(
    text: Option<String>,
    id: &'static str,
    odd: &mut Vec<Message>,
    read: impl Fn(&str) -> Option<T>,
) -> T {
    let Some(text) = text else { return T::default() };
    read(text.trim()).unwrap_or_else(|| {
        let value = if text.chars().count() > QUOTED_MAX { "…".to_owned() } else { settings::shown(&text) };
        odd.push(Message::new(id).with("value", value));
        T::default()
    })
}

fn from_toml(bytes: &[u8]) -> Result<Found, Fault> {
    let document = toml_document(bytes)?;
    from_providers(&document, &toml_providers(&document))
}

/// The providers of another program's TOML file, by name. They hold keys.
pub(super) fn providers(path: &Path) -> Result<Vec<(String, Value)>, Fault> {
    Ok(toml_providers(&toml_document(&content(path)?)?))
}

fn toml_document(bytes: &[u8]) -> Result<Value, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::NotUtf8)?;
    let text = text.trim_start_matches('\u{feff}');
    let document: toml::Table = toml::from_str(text).map_err(|error| Fault::Syntax {
        line: error.span().and_then(|span| text.get(..span.start)).map_or(1, |before| before.matches('\n').count() + 1),
    })?;
    serde_json::to_value(document).map_err(|_| Fault::Syntax { line: 1 })
}

fn toml_providers(document: &Value) -> Vec<(String, Value)> {
    let mut providers = providers_of(document);
    // `["providers.name"]`, a quoted top-level table, is how some hand-written files name a provider.
    for (name, value) in document.as_object().into_iter().flatten() {
        if let Some(name) = name.strip_prefix("providers.") {
            let name = name.trim_matches(['"', '\'']).to_owned();
            providers.retain(|(known, _)| *known != name);
            providers.push((name, value.clone()));
        }
    }
    providers
}

fn from_json(bytes: &[u8]) -> Result<Found, Fault> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|_| Fault::NotUtf8)?;
    let document: Value = serde_json::from_slice(bytes).map_err(|error| Fault::Syntax { line: error.line() })?;
    let providers = providers_of(&document);
    from_providers(&document, &providers)
}

fn providers_of(document: &Value) -> Vec<(String, Value)> {
    let providers = document.get("providers").and_then(Value::as_object);
    providers.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn from_providers(document: &Value, providers: &[(String, Value)]) -> Result<Found, Fault> {
    let has_key = |provider: &&(String, Value)| !string(&provider.1, "api_key").is_empty();
    let preferred = PREFERRED.iter().find_map(|name| providers.iter().filter(has_key).find(|(known, _)| known == name));
    let (_, provider) = preferred.or_else(|| providers.iter().find(has_key)).ok_or(Fault::NoKey)?;
    let base_url = Some(string(provider, "base_url")).filter(|url| !url.is_empty());
    let email = email_of(provider).or_else(|| email_of(document)).or_else(|| email_anywhere(document, 0));
    Ok(Found { api_key: string(provider, "api_key"), base_url, email, ..Found::default() })
}

/// A text field; `null`, numbers and tables are none.
pub(super) fn string(object: &Value, name: &str) -> String {
    object.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_owned()
}

/// Fields whose text may be shown.
fn open_fields(fields: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    fields.iter().filter(|(name, _)| !holds_secret(name)).map(|(_, value)| value)
}

/// A key or token may look like an address, and an address is shown.
fn holds_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["key", "token", "secret", "password"].iter().any(|word| name.contains(word))
}

fn email_of(object: &Value) -> Option<String> {
    let named = EMAIL_FIELDS.iter().find_map(|name| email_in(object.get(name)?.as_str()?));
    named.or_else(|| open_fields(object.as_object()?).find_map(|value| email_in(value.as_str()?)))
}

fn email_anywhere(value: &Value, depth: usize) -> Option<String> {
    match value {
        Value::String(text) => email_in(text),
        Value::Object(fields) if depth < 16 => open_fields(fields).find_map(|inner| email_anywhere(inner, depth + 1)),
        Value::Array(items) if depth < 16 => items.iter().find_map(|inner| email_anywhere(inner, depth + 1)),
        _ => None,
    }
}
