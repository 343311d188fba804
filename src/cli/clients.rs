//! `clients`: what to set in a client so that it talks to this proxy. The settings are in `assets/clients`, what
//! is said of them in `i18n`.

use serde_json::{Map, Value, json};

use super::{Stop, USAGE, say, target};
use crate::{
    config::Config,
    domain::message::Message,
    i18n::{Locale, Words},
};

/// What is known of a client.
struct Client {
    name: &'static str,
    /// Where its settings go, in the person's words; a Fluent id.
    remark: &'static str,
    /// What begins a remark in them.
    mark: &'static str,
    /// Its settings with `{base}`, `{root}` and `{token}` to be filled in.
    text: &'static str,
}

const fn client(name: &'static str, remark: &'static str, mark: &'static str, text: &'static str) -> Client {
    Client { name, remark, mark, text }
}

const CLIENTS: &[Client] = &[
    client("kimi-cli", "client-kimi-cli", "#", include_str!("../../assets/clients/kimi-cli.txt")),
    client("kimi-code", "client-kimi-code", "#", include_str!("../../assets/clients/kimi-code.txt")),
    client("claude-code", "client-claude-code", "#", include_str!("../../assets/clients/claude-code.txt")),
    client("opencode", "client-opencode", "//", include_str!("../../assets/clients/opencode.txt")),
    client("openai", "client-openai", "#", include_str!("../../assets/clients/openai.txt")),
    client("anthropic", "client-anthropic", "#", include_str!("../../assets/clients/anthropic.txt")),
    client("curl", "client-curl", "#", include_str!("../../assets/clients/curl.txt")),
];

/// Any text does where the proxy asks for no token.
pub(super) const NO_TOKEN: &str = "kmi-local";
/// Where a token would stand: the real one is in the settings, and is not printed.
const TOKEN: &str = "YOUR_KMI_PROXY_TOKEN";

/// Prints one client's settings, or all.
pub(super) async fn run(name: Option<&str>, as_json: bool, config: &Config, words: &Words) -> Result<(), Stop> {
    let base = address(config, words).await?;
    let token = if config.proxy.token.is_some() { TOKEN } else { NO_TOKEN };
    // Programs are told in English.
    let english = Words::new(Locale::English, config.zone.clone());
    let spoken = if as_json { &english } else { words };
    let wanted: Vec<(&str, String)> = CLIENTS
        .iter()
        .filter(|client| name.is_none_or(|name| name.eq_ignore_ascii_case(client.name)))
        .map(|client| (client.name, client.filled(&base, token, spoken)))
        .collect();
    if wanted.is_empty() {
        let names: Vec<&str> = CLIENTS.iter().map(|client| client.name).collect();
        let message = Message::new("clients-unknown").with("name", name.unwrap_or_default());
        return Err(Stop { code: USAGE, text: words.render(&message.with("names", names.join(", "))) });
    }
    if as_json {
        let texts: Map<String, Value> =
            wanted.into_iter().map(|(client, text)| (client.to_owned(), Value::String(text))).collect();
        say(&format!("{:#}", json!({"base_url": base, "root_url": root(&base), "settings": texts})));
        return Ok(());
    }
    for (number, (client, text)) in wanted.iter().enumerate() {
        if wanted.len() > 1 {
            say(&format!("{}--- {client}", if number > 0 { "\n" } else { "" }));
        }
        say(text.trim_end());
    }
    Ok(())
}

/// Where the running instance is reached, else where one would be.
pub(super) async fn address(config: &Config, words: &Words) -> Result<String, Stop> {
    Ok(match target::running(config, words).await? {
        Some(mut client) => {
            let snapshot = client.snapshot().await.map_err(|error| Stop::failed(words.render(&error.message())))?;
            snapshot.setup.address.clone()
        }
        None => super::run::setup(config, super::run::Kind::Live, config.listen.address).address.clone(),
    })
}

/// The address without `/v1`: Anthropic's clients add it themselves.
pub(super) fn root(base: &str) -> &str {
    base.strip_suffix("/v1").unwrap_or(base)
}

impl Client {
    /// Its settings for this address, below a remark that says where they go.
    fn filled(&self, base: &str, token: &str, words: &Words) -> String {
        let remark = words.render(&Message::new(self.remark).with("base", base).with("token", token));
        let remark: String = remark.lines().map(|line| format!("{} {line}\n", self.mark)).collect();
        remark + &self.text.replace("{base}", base).replace("{root}", root(base)).replace("{token}", token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_filled_in_and_understood_by_its_client_s_format() {
        for (client, locale) in CLIENTS.iter().flat_map(|client| Locale::ALL.map(|locale| (client, locale))) {
            let words = Words::new(locale, jiff::tz::TimeZone::UTC);
            let (name, filled) = (client.name, client.filled("http://127.0.0.1:1/kmi-rotor/v1", NO_TOKEN, &words));
            assert_eq!(words.faults(), Vec::<String>::new(), "{name}");
            assert!(filled.contains("127.0.0.1:1/kmi-rotor") && filled.contains(NO_TOKEN), "{name}");
            for hole in ["{base}", "{root}", "{token}"] {
                assert!(!filled.contains(hole), "{name}: {hole}");
            }
            match name {
                "kimi-cli" | "kimi-code" => drop(filled.parse::<toml::Table>().expect("TOML")),
                "opencode" => {
                    let json: String = filled.lines().filter(|line| !line.starts_with("//")).collect();
                    drop(serde_json::from_str::<Value>(&json).expect("JSON"));
                }
                _ => {}
            }
        }
    }
}
