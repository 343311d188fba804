//! `clients`: what to set in a client so that it talks to this proxy. The texts are in `assets/clients`.

use serde_json::{Map, Value, json};

use super::{Stop, USAGE, say, target};
use crate::{config::Config, domain::message::Message, i18n::Words};

/// Clients by name, and their settings with `{base}`, `{root}` and `{token}` to be filled in.
const CLIENTS: &[(&str, &str)] = &[
    ("kimi-cli", include_str!("../../assets/clients/kimi-cli.txt")),
    ("kimi-code", include_str!("../../assets/clients/kimi-code.txt")),
    ("claude-code", include_str!("../../assets/clients/claude-code.txt")),
    ("opencode", include_str!("../../assets/clients/opencode.txt")),
    ("openai", include_str!("../../assets/clients/openai.txt")),
    ("anthropic", include_str!("../../assets/clients/anthropic.txt")),
    ("curl", include_str!("../../assets/clients/curl.txt")),
];

/// Any text does where the proxy asks for no token.
pub(super) const NO_TOKEN: &str = "kmi-local";
/// Where a token would stand: the real one is in the settings, and is not printed.
const TOKEN: &str = "YOUR_KMI_PROXY_TOKEN";

/// Prints one client's settings, or all.
pub(super) async fn run(name: Option<&str>, as_json: bool, config: &Config, words: &Words) -> Result<(), Stop> {
    let base = address(config, words).await?;
    let token = if config.proxy.token.is_some() { TOKEN } else { NO_TOKEN };
    let wanted: Vec<(&str, String)> = CLIENTS
        .iter()
        .filter(|(client, _)| name.is_none_or(|name| name.eq_ignore_ascii_case(client)))
        .map(|(client, text)| (*client, filled(text, &base, token)))
        .collect();
    if wanted.is_empty() {
        let names: Vec<&str> = CLIENTS.iter().map(|(client, _)| *client).collect();
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

fn filled(text: &str, base: &str, token: &str) -> String {
    text.replace("{base}", base).replace("{root}", root(base)).replace("{token}", token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_filled_in_and_understood_by_its_client_s_format() {
        for (client, text) in CLIENTS {
            let filled = filled(text, "http://127.0.0.1:1/kmi-rotor/v1", NO_TOKEN);
            assert!(filled.contains("127.0.0.1:1/kmi-rotor") && filled.contains(NO_TOKEN), "{client}");
            for hole in ["{base}", "{root}", "{token}"] {
                assert!(!filled.contains(hole), "{client}: {hole}");
            }
            match *client {
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
