//! kimi-cli's own `~/.kimi/config.toml`: a manual rotation puts the key and its address there, and leaves the rest as it
//! is. Not this program's settings (`config`).

use std::{fs, io};

use toml_edit::{DocumentMut, Item, TableLike, value};

use super::Stop;
use crate::{
    config::{Config, Environment},
    domain::{
        base_url::{BaseUrl, is_loopback},
        key::Key,
        message::Message,
    },
    engine,
    i18n::Words,
    store::{atomic, audit},
};

/// Providers that are Kimi's own, in the order of preference.
const PROVIDERS: &[&str] = &["kimi-for-coding", "moonshot-ai"];

/// Puts one of the keys into the file, if there is one that wants it; the answer tells what was done.
pub(super) fn write(
    keys: &[Key],
    key: &Key,
    config: &Config,
    environment: &Environment,
    words: &Words,
) -> Result<Option<Message>, Stop> {
    let Some(path) = environment.home.as_ref().map(|home| home.join(".kimi/config.toml")) else { return Ok(None) };
    let said = |id| Message::new(id).with("path", path.display().to_string());
    let before = match fs::read_to_string(&path) {
        Ok(before) => before,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(Stop::failed(words.render(&said("rotated-config-failed").with("error", error.to_string()))));
        }
    };
    // The parser's own words could quote a key.
    let Ok(document) = before.parse::<DocumentMut>() else {
        return Err(Stop::failed(words.render(&said("rotated-config-broken"))));
    };
    let Some(merged) = merge(document, keys, key) else { return Ok(None) };
    if merged.text == before {
        return Ok(None);
    }
    // A key that is in an auth file too is not lost with the old file, and needs no copy at each rotation.
    let backup = (!merged.replaced_ours).then(|| atomic::backup_of(&path, engine::wall()));
    let written = backup
        .as_ref()
        .map_or(Ok(()), |backup| atomic::write(backup, before.as_bytes()))
        .and_then(|()| atomic::write(&path, merged.text.as_bytes()));
    written
        .map_err(|error| Stop::failed(words.render(&said("rotated-config-failed").with("error", error.to_string()))))?;
    audit("config_written", &config.audit_actor, Some(&key.label));
    let message = said(if backup.is_some() { "rotated-config-written-first" } else { "rotated-config-written" });
    let backup = backup.unwrap_or_default().display().to_string();
    Ok(Some(message.with("label", &key.label).with("backup", backup)))
}

/// The file with the key in it.
struct Merged {
    text: String,
    /// The key that it held is one of ours.
    replaced_ours: bool,
}

/// Puts the key into its provider; `None` when no provider wants it: one that talks to a proxy of this machine, one that
/// logs in by itself, or another company's.
fn merge(mut document: DocumentMut, keys: &[Key], key: &Key) -> Option<Merged> {
    let providers = document.get_mut("providers")?.as_table_like_mut()?;
    let wants = |provider: &Item| provider.as_table_like().is_some_and(|provider| is_keyed(provider, keys));
    let names: Vec<String> =
        providers.iter().filter(|(_, item)| wants(item)).map(|(name, _)| name.to_owned()).collect();
    let preferred =
        PROVIDERS.iter().find(|name| names.iter().any(|found| found == *name)).map(|name| (*name).to_owned());
    let name = preferred.or_else(|| names.into_iter().next())?;
    let provider = providers.get_mut(&name)?.as_table_like_mut()?;
    let old = provider.get("api_key").and_then(Item::as_str).unwrap_or_default();
    let replaced_ours = keys.iter().any(|key| key.secret.expose() == old);
    set(provider, "api_key", key.secret.expose());
    set(provider, "base_url", &key.base.to_string());
    Some(Merged { text: document.to_string(), replaced_ours })
}

/// A provider of Kimi's that holds a key and talks to its host itself.
fn is_keyed(provider: &dyn TableLike, keys: &[Key]) -> bool {
    let is_upstream = |base: &BaseUrl| keys.iter().any(|key| key.base == *base);
    let text = |name: &str| provider.get(name).and_then(Item::as_str);
    let has_key = text("api_key").is_some_and(|key| !key.is_empty()) && provider.get("oauth").is_none();
    let base = text("base_url").and_then(|url| BaseUrl::parse(url).ok());
    let is_kimi = text("type").is_none_or(|kind| kind == "kimi");
    has_key && is_kimi && base.is_none_or(|base| !is_loopback(&base.host()) || is_upstream(&base))
}

/// Keeps what stands around the value: comments and blanks.
fn set(provider: &mut dyn TableLike, name: &str, text: &str) {
    let decor = provider.get(name).and_then(Item::as_value).map(|old| old.decor().clone());
    let mut item = value(text);
    if let (Some(decor), Some(value)) = (decor, item.as_value_mut()) {
        *value.decor_mut() = decor;
    }
    provider.insert(name, item);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::key::sample;

    fn after(before: &str) -> Option<String> {
        let key = sample("alpha", "https://api.moonshot.ai/v1");
        merge(before.parse().expect("TOML"), std::slice::from_ref(&key), &key).map(|merged| {
            assert_eq!(merged.replaced_ours, before.contains(key.secret.expose()));
            merged.text
        })
    }

    #[test]
    fn only_the_key_and_its_address_change() {
        let before = "# mine\ndefault_model = \"k\" # why\n\n[providers.other]\ntype = \"openai_legacy\"\napi_key = \"sk-o\"\n\n[providers.kimi-for-coding]\ntype = \"kimi\"\nbase_url = \"https://api.kimi.com/coding/v1\" # here\napi_key = \"sk-old\"\ncustom = 1\n\n[models.k]\nprovider = \"kimi-for-coding\"\n";
        let expected = before
            .replace("https://api.kimi.com/coding/v1", "https://api.moonshot.ai/v1")
            .replace("sk-old", "sk-test-alpha-0123456789");
        assert_eq!(after(before).as_deref(), Some(expected.as_str()));
        assert_eq!(after(&expected).as_deref(), Some(expected.as_str()), "and nothing the second time");
    }

    #[test]
    fn a_provider_that_does_not_want_a_key_is_left_alone() {
        for before in [
            "",
            "[providers.kmi-rotor]\ntype = \"kimi\"\nbase_url = \"http://127.0.0.1:54123/kmi-rotor/v1\"\napi_key = \"kmi-local\"\n",
            "[providers.\"managed:kimi-code\"]\napi_key = \"\"\noauth = { storage = \"file\", key = \"k\" }\n",
            "[providers.a]\ntype = \"anthropic\"\napi_key = \"sk\"\n",
            "providers = 3\n",
        ] {
            assert_eq!(after(before), None, "{before}");
        }
    }
}
