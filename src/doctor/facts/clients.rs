//! Where programs of this person send their requests: variables of the environment, and files of the home folder. Only
//! scheme, host, port and path of an address are kept, and of a key only whether it fits.

use std::{fmt, path::Path};

use http::Uri;
use serde_json::Value;

use crate::{
    config::{Environment, client_files, content},
    domain::{key::Secret, text},
};

/// Longest path of an address that is shown.
const SHOWN_MAX: usize = 60;

/// A client's set-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::doctor) struct Client {
    pub(in crate::doctor) program: &'static str,
    /// The variable or file that says so.
    pub(in crate::doctor) place: String,
    pub(in crate::doctor) style: Style,
    /// `None` = what stands there is no address, or can't be read.
    pub(in crate::doctor) base: Option<Place>,
    pub(in crate::doctor) key: ClientKey,
}

/// What a client adds to its base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::doctor) enum Style {
    /// `/chat/completions`
    OpenAi,
    /// `/v1/messages`
    Anthropic,
}

/// What a client presents to the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::doctor) enum ClientKey {
    /// Nothing, and it needs something; the name of what to set.
    Missing(&'static str),
    /// The proxy wants its token, and this is another text.
    Wrong,
    Fits,
}

/// An address without what could be secret in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::doctor) struct Place {
    pub(in crate::doctor) scheme: String,
    pub(in crate::doctor) host: String,
    pub(in crate::doctor) port: u16,
    /// Without a slash at its end.
    pub(in crate::doctor) path: String,
}

impl Place {
    pub(in crate::doctor) fn read(text: &str) -> Option<Self> {
        let uri: Uri = text.trim().parse().ok()?;
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        let usual = match scheme.as_str() {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        Some(Self {
            host: uri.host()?.trim_matches(['[', ']']).to_ascii_lowercase(),
            port: uri.port_u16().unwrap_or(usual),
            path: uri.path().trim_end_matches('/').to_owned(),
            scheme,
        })
    }

    /// `host`, or `host:port` where the port is not the scheme's.
    pub(in crate::doctor) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match (self.scheme.as_str(), self.port) {
            ("http", 80) | ("https", 443) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority(), text::clean(&self.path, SHOWN_MAX))
    }
}

/// A program that takes its address from a variable, and its key from the first of these that is set; none = it has
/// logged in and presents what it was given.
struct Variable {
    program: &'static str,
    name: &'static str,
    style: Style,
    keys: &'static [&'static str],
}

const fn variable(program: &'static str, name: &'static str, style: Style, keys: &'static [&'static str]) -> Variable {
    Variable { program, name, style, keys }
}

const VARIABLES: &[Variable] = &[
    variable("kimi-cli", "KIMI_BASE_URL", Style::OpenAi, &["KIMI_API_KEY"]),
    variable("kimi-code", "KIMI_MODEL_BASE_URL", Style::OpenAi, &["KIMI_MODEL_API_KEY"]),
    variable("kimi-code", "KIMI_CODE_BASE_URL", Style::OpenAi, &[]),
    variable("Claude Code", CLAUDE, Style::Anthropic, CLAUDE_KEYS),
    variable("OpenAI SDK", "OPENAI_BASE_URL", Style::OpenAi, &["OPENAI_API_KEY"]),
];
const CLAUDE: &str = "ANTHROPIC_BASE_URL";
const CLAUDE_KEYS: &[&str] = &["ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"];

pub(super) fn look(environment: &Environment, token: Option<&Secret>) -> Vec<Client> {
    let mut clients: Vec<Client> = VARIABLES.iter().filter_map(|of| by_variable(of, environment, token)).collect();
    for (program, path) in client_files(environment) {
        clients.extend(by_providers(program, &path, environment, token));
    }
    let claude = environment.home.as_ref().map(|home| home.join(".claude/settings.json"));
    clients.extend(claude.and_then(|path| by_claude(&path, environment, token)));
    clients
}

fn by_variable(of: &Variable, environment: &Environment, token: Option<&Secret>) -> Option<Client> {
    let base = environment.get(of.name)?;
    let key = match of.keys.first() {
        Some(first) => fit(of.keys.iter().find_map(|name| environment.get(name)), first, token),
        None if token.is_some() => ClientKey::Wrong,
        None => ClientKey::Fits,
    };
    Some(Client { program: of.program, place: of.name.to_owned(), style: of.style, base: Place::read(base), key })
}

/// The provider of the default model, as far as it says where requests go; nothing when it says nothing.
fn by_providers(
    program: &'static str,
    path: &Path,
    environment: &Environment,
    token: Option<&Secret>,
) -> Option<Client> {
    let shown = environment.shown(path);
    let client = |base, key| Client { program, place: shown.clone(), style: Style::OpenAi, base, key };
    let bytes = content::of_plain_file(path).ok()?;
    let Ok(text) = std::str::from_utf8(&bytes) else { return Some(client(None, ClientKey::Fits)) };
    // Never the parser's words: those quote the key.
    let Ok(table) = text.parse::<toml::Table>() else { return Some(client(None, ClientKey::Fits)) };
    let (_, provider) = chosen(&table)?;
    let of = |name: &str, variable: &str| {
        let own = provider.get(name).and_then(toml::Value::as_str).filter(|text| !text.is_empty());
        own.or_else(|| provider.get("env")?.get(variable)?.as_str())
    };
    let base = of("base_url", "KIMI_BASE_URL")?;
    let style = match provider.get("type").and_then(toml::Value::as_str) {
        Some("anthropic") => Style::Anthropic,
        _ => Style::OpenAi,
    };
    // A provider that is logged in to presents what its login gave it.
    let logged_in = provider.get("oauth").is_some();
    let key = if logged_in && token.is_none() {
        ClientKey::Fits
    } else {
        fit(of("api_key", "KIMI_API_KEY"), "api_key", token)
    };
    Some(Client { style, ..client(Place::read(base), key) })
}

/// The default model's provider; without a default the only one.
fn chosen(table: &toml::Table) -> Option<(&String, &toml::Table)> {
    let providers = table.get("providers")?.as_table()?;
    let model = table.get("default_model").and_then(toml::Value::as_str);
    let named = model.and_then(|model| table.get("models")?.get(model)?.get("provider")?.as_str());
    let found = match named {
        Some(name) => providers.iter().find(|(known, _)| *known == name),
        None => providers.iter().next().filter(|_| providers.len() == 1),
    };
    found.and_then(|(name, provider)| Some((name, provider.as_table()?)))
}

/// Claude Code keeps variables for itself in its settings.
fn by_claude(path: &Path, environment: &Environment, token: Option<&Secret>) -> Option<Client> {
    let bytes = content::of_plain_file(path).ok()?;
    let place = environment.shown(path);
    let client = |base, key| Client { program: "Claude Code", place, style: Style::Anthropic, base, key };
    let Ok(settings) = serde_json::from_slice::<Value>(&bytes) else { return Some(client(None, ClientKey::Fits)) };
    let variables = settings.get("env")?;
    let own = |name: &str| variables.get(name)?.as_str();
    let base = own(CLAUDE)?;
    let key = CLAUDE_KEYS.iter().find_map(|name| own(name).or_else(|| environment.get(name)));
    Some(client(Place::read(base), fit(key, CLAUDE_KEYS[0], token)))
}

fn fit(key: Option<&str>, name: &'static str, token: Option<&Secret>) -> ClientKey {
    match (key, token) {
        (None | Some(""), _) => ClientKey::Missing(name),
        (Some(key), Some(token)) if key.trim() != token.expose() => ClientKey::Wrong,
        (Some(_), _) => ClientKey::Fits,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn environment(variables: &[(&str, &str)]) -> (tempfile::TempDir, Environment) {
        let home = tempfile::tempdir().expect("temp");
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let environment =
            Environment { variables, cwd: home.path().to_owned(), home: Some(home.path().to_owned()), program: None };
        (home, environment)
    }

    fn told(clients: &[Client]) -> Vec<String> {
        let base = |client: &Client| client.base.as_ref().map_or_else(|| "?".to_owned(), Place::to_string);
        let line = |client: &Client| {
            format!("{} {} {} {:?} {:?}", client.program, client.place, base(client), client.style, client.key)
        };
        clients.iter().map(line).collect()
    }

    #[test]
    fn an_address_is_shown_without_what_could_be_secret() {
        for (text, expected) in [
            ("http://127.0.0.1:54123/kmi-rotor/v1/", Some("http://127.0.0.1:54123/kmi-rotor/v1")),
            ("HTTPS://API.Kimi.com:443/coding/v1?key=sk-1#x", Some("https://api.kimi.com/coding/v1")),
            ("https://user:sk-secret@api.kimi.com/", Some("https://api.kimi.com")),
            ("http://[::1]:9", Some("http://[::1]:9")),
            ("sk-a-key-in-the-wrong-place", None),
            ("ftp://host/", None),
            ("", None),
        ] {
            assert_eq!(Place::read(text).map(|place| place.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn variables_are_read_with_their_keys() {
        let (_home, environment) = environment(&[
            ("KIMI_BASE_URL", "http://127.0.0.1:1/v1"),
            ("ANTHROPIC_BASE_URL", "http://127.0.0.1:1"),
            ("ANTHROPIC_API_KEY", "the-token"),
            ("OPENAI_BASE_URL", "nonsense"),
            ("OPENAI_API_KEY", "another"),
        ]);
        let token = Secret::new("the-token").expect("valid");
        assert_eq!(
            told(&look(&environment, Some(&token))),
            [
                "kimi-cli KIMI_BASE_URL http://127.0.0.1:1/v1 OpenAi Missing(\"KIMI_API_KEY\")",
                "Claude Code ANTHROPIC_BASE_URL http://127.0.0.1:1 Anthropic Fits",
                "OpenAI SDK OPENAI_BASE_URL ? OpenAi Wrong",
            ]
        );
        assert!(told(&look(&environment, None))[2].ends_with("Fits"), "without a token any key will do");
    }

    #[test]
    fn files_of_the_home_are_read_and_never_quoted() {
        let (home, environment) = environment(&[("KIMI_CODE_HOME", "moved")]);
        let write = |path: &str, text: &str| {
            let path = home.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, text).expect("written");
        };
        assert_eq!(look(&environment, None), Vec::new());
        write(
            ".kimi/config.toml",
            "default_model = \"m\"\n[models.m]\nprovider = \"b\"\n[providers.a]\nbase_url = \"http://a/v1\"\n\
             [providers.b]\nbase_url = \"http://b/v1\"\napi_key = \"x\"\n",
        );
        write("moved/config.toml", "[providers.a]\ntype = \"anthropic\"\nenv = { KIMI_BASE_URL = \"http://c\" }\n");
        write(".claude/settings.json", r#"{"env": {"ANTHROPIC_BASE_URL": "http://d", "ANTHROPIC_AUTH_TOKEN": "x"}}"#);
        assert_eq!(
            told(&look(&environment, None)),
            [
                "kimi-cli ~/.kimi/config.toml http://b/v1 OpenAi Fits",
                "kimi-code ~/moved/config.toml http://c Anthropic Missing(\"api_key\")",
                "Claude Code ~/.claude/settings.json http://d Anthropic Fits",
            ]
        );
        write(".kimi/config.toml", "api_key = sk-secret");
        write("moved/config.toml", "[providers.\"managed:kimi-code\"]\noauth = { key = \"k\" }\n");
        write(".claude/settings.json", "{\"model\": \"opus\"}");
        assert_eq!(told(&look(&environment, None)), ["kimi-cli ~/.kimi/config.toml ? OpenAi Fits"]);
    }
}
