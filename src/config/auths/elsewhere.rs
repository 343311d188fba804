//! Keys that this person's other programs hold: providers of kimi-cli and kimi-code, and the old tool's folders. Read, never
//! written; what becomes of them is decided by whoever asked.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{AuthFiles, account, file};
use crate::{
    config::{Allowlist, Config, Environment, client_files},
    domain::{
        base_url::{BaseUrl, is_loopback},
        key::{Key, Secret},
        message::Message,
        text,
    },
};

/// What a provider of Kimi's calls its kind; without one it is Kimi's too.
const KIMI: &str = "kimi";
/// Kinds that speak as the open platform does: taken when their host is Kimi's or Moonshot's.
const ALIKE: &[&str] = &["openai", "openai_legacy", "openai_responses"];

/// Keys by place, and what of those places could not be used.
#[derive(Debug, Default)]
pub(crate) struct Elsewhere {
    pub(crate) keys: Vec<Held>,
    pub(crate) warnings: Vec<Message>,
}

/// A key, and the file or folder that it was found in, as it is shown.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) key: Key,
    pub(crate) place: String,
}

/// Looks through these folders of auth files and files of providers; without any, through the other programs' usual ones.
/// Labels may repeat.
pub(crate) fn elsewhere(named: &[PathBuf], config: &Config, environment: &Environment) -> Elsewhere {
    let mut all = Elsewhere::default();
    for path in named.iter().map(|path| environment.cwd.join(path)) {
        if path.is_dir() {
            all.take_folder(&path, config, environment);
        } else if path.is_file() {
            let program = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            all.take_providers(&program, &path, config, environment);
        } else {
            all.warnings.push(file::Fault::Gone.message().with("file", environment.shown(&path)));
        }
    }
    if named.is_empty() {
        for (program, path) in client_files(environment) {
            all.take_providers(program, &path, config, environment);
        }
        for folder in old_folders(config, environment) {
            all.take_folder(&folder, config, environment);
        }
    }
    all
}

/// Folders that the old tool reads its keys from, but for the one that is in use here.
fn old_folders(config: &Config, environment: &Environment) -> Vec<PathBuf> {
    let near = Some(environment.cwd.join("_auths"));
    let of_home = environment.home.as_ref().map(|home| home.join(".kimi/_auths"));
    let same = |folder: &Path| folder.canonicalize().ok() == config.auths_dir.canonicalize().ok();
    let mut folders: Vec<PathBuf> =
        [near, of_home].into_iter().flatten().filter(|folder| folder.is_dir() && !same(folder)).collect();
    folders.dedup();
    folders
}

impl Elsewhere {
    fn take_folder(&mut self, folder: &Path, config: &Config, environment: &Environment) {
        let there = Config { auths_dir: folder.to_owned(), ..config.clone() };
        let auths = AuthFiles::default().load(&there, environment);
        let place = environment.shown(folder);
        self.warnings.extend(auths.warnings.into_iter().map(|problem| problem.message));
        self.keys.extend(auths.keys.into_iter().map(|key| Held { key, place: place.clone() }));
    }

    fn take_providers(&mut self, program: &str, path: &Path, config: &Config, environment: &Environment) {
        let place = environment.shown(path);
        let providers = match file::providers(path) {
            Ok(providers) => providers,
            Err(file::Fault::Gone | file::Fault::Empty) => return,
            Err(fault) => return self.warnings.push(fault.message().with("file", place)),
        };
        for (name, provider) in &providers {
            match key(program, name, provider, config) {
                Ok(Some(key)) => self.keys.push(Held { key, place: place.clone() }),
                Ok(None) => {}
                Err(message) => self.warnings.push(message.with("file", place.clone())),
            }
        }
    }
}

/// The provider's key, if it holds one that is Kimi's or Moonshot's: neither a login, nor the address of a proxy here, nor
/// another company's.
fn key(program: &str, name: &str, provider: &Value, config: &Config) -> Result<Option<Key>, Message> {
    let of = |field: &str, variable: &str| {
        let own = file::string(provider, field);
        let inner = || provider.get("env").map(|env| file::string(env, variable)).unwrap_or_default();
        if own.is_empty() { inner() } else { own }
    };
    let (api_key, base_url) = (of("api_key", "KIMI_API_KEY"), of("base_url", "KIMI_BASE_URL"));
    let kind = file::string(provider, "type");
    let is_kimi = kind.is_empty() || kind == KIMI;
    let logged_in = provider.get("oauth").is_some_and(|oauth| !oauth.is_null());
    if api_key.is_empty() || logged_in || !(is_kimi || ALIKE.contains(&kind.as_str()) && !base_url.is_empty()) {
        return Ok(None);
    }
    let base = match base_url.as_str() {
        "" => config.upstream.clone(),
        typed => BaseUrl::parse(typed).map_err(|fault| file::Fault::BaseUrl(fault).message())?,
    };
    if is_loopback(&base.host()) && base != config.upstream {
        return Ok(None);
    }
    if !is_kimi && !Allowlist::default().allows(&base) {
        return Ok(None);
    }
    if !config.allowlist.allows(&base) {
        return Err(Message::new("auth-host-not-allowed").with("host", base.host()));
    }
    let secret = Secret::new(&api_key).map_err(|fault| file::Fault::Secret(fault).message())?;
    let named = Some(name.rsplit(':').next().unwrap_or(name)).filter(|name| !name.trim().is_empty());
    let label = account::label(named, Path::new(program), &secret);
    let source = text::clean(program, 120);
    Ok(Some(Key { label, secret, base, priority: 0, disabled: false, email: None, source }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{Flags, load};

    fn place() -> (tempfile::TempDir, Environment) {
        let folder = tempfile::tempdir().expect("temp");
        let (cwd, home) = (folder.path().join("work"), folder.path().join("home"));
        for made in [&cwd, &home.join(".kimi/_auths"), &home.join(".kimi-code")] {
            fs::create_dir_all(made).expect("made");
        }
        let variables = [("KMI_AUTHS_DIR".to_owned(), home.join("keys").display().to_string())].into();
        (folder, Environment { variables, cwd, home: Some(home), program: None })
    }

    fn found(environment: &Environment) -> (Vec<String>, Vec<String>) {
        found_in(&[], environment)
    }

    fn found_in(named: &[PathBuf], environment: &Environment) -> (Vec<String>, Vec<String>) {
        let config = load(&Flags::default(), environment).expect("settings").config;
        let all = elsewhere(named, &config, environment);
        let line = |found: &Held| {
            format!("{} {} {} {}", found.place, found.key.label, found.key.base, found.key.secret.expose())
        };
        (all.keys.iter().map(line).collect(), all.warnings.iter().map(|message| message.id.to_string()).collect())
    }

    #[test]
    fn providers_of_kimi_are_found_and_no_others() {
        let (_folder, environment) = place();
        let home = environment.home.clone().expect("a home");
        assert_eq!(found(&environment), (vec![], vec![]));
        fs::write(
            home.join(".kimi/config.toml"),
            r#"
[providers.kimi-for-coding]
type = "kimi"
base_url = "https://api.kimi.com/coding/v1"
api_key = "sk-plan"
[providers."managed:kimi-code"]
type = "kimi"
api_key = ""
oauth = { storage = "file", key = "oauth/kimi-code" }
[providers.kmi-rotor]
type = "kimi"
base_url = "http://127.0.0.1:54123/kmi-rotor/v1"
api_key = "kmi-local"
[providers.claude]
type = "anthropic"
base_url = "https://api.anthropic.com"
api_key = "sk-ant"
[providers.openai]
type = "openai_legacy"
api_key = "sk-openai"
[providers.other]
type = "openai_legacy"
base_url = "https://api.other.test/v1"
api_key = "sk-other"
[providers.platform]
type = "openai_legacy"
base_url = "https://api.moonshot.ai/v1"
api_key = "sk-platform"
[providers.strange]
base_url = "https://evil.test/v1"
api_key = "sk-strange"
"#,
        )
        .expect("written");
        fs::write(
            home.join(".kimi-code/config.toml"),
            "[providers.\"managed:mine\"]\ntype = \"kimi\"\nenv = { KIMI_API_KEY = \"sk-env\", KIMI_BASE_URL = \"https://api.moonshot.cn/v1\" }\n",
        )
        .expect("written");
        assert_eq!(
            found(&environment),
            (
                vec![
                    "~/.kimi/config.toml kimi-for-coding https://api.kimi.com/coding/v1 sk-plan".to_owned(),
                    "~/.kimi/config.toml platform https://api.moonshot.ai/v1 sk-platform".to_owned(),
                    "~/.kimi-code/config.toml mine https://api.moonshot.cn/v1 sk-env".to_owned(),
                ],
                vec!["auth-host-not-allowed".to_owned()]
            )
        );
    }

    #[test]
    fn the_old_tools_folders_are_read_unless_they_are_ours_already() {
        let (_folder, mut environment) = place();
        let old = environment.home.clone().expect("a home").join(".kimi/_auths");
        fs::write(old.join("alpha.env"), "KMI_API_KEY=sk-a\nKMI_KEY_LABEL=alpha\n").expect("written");
        fs::write(old.join("broken.toml"), "api_key = sk-secret").expect("written");
        let (keys, warnings) = found(&environment);
        assert_eq!(keys, ["~/.kimi/_auths alpha https://api.kimi.com/coding/v1 sk-a"]);
        assert!(warnings.contains(&"auth-syntax".to_owned()), "{warnings:?}");
        environment.variables.clear();
        assert_eq!(found(&environment), (vec![], vec![]));
        let mine = environment.cwd.join("mine.toml");
        fs::write(mine, "[providers.own]\napi_key = \"sk-own\"\n").expect("written");
        let named = [old, "mine.toml".into(), "nowhere".into()];
        let (keys, warnings) = found_in(&named, &environment);
        assert_eq!(keys.len(), 2, "{keys:?}");
        assert!(
            keys.iter().any(|key| key.ends_with("mine.toml own https://api.kimi.com/coding/v1 sk-own")),
            "{keys:?}"
        );
        assert!(warnings.contains(&"auth-unreadable".to_owned()), "{warnings:?}");
    }

    #[test]
    fn a_file_that_is_broken_is_named_and_not_quoted() {
        let (_folder, environment) = place();
        let path = environment.home.clone().expect("a home").join(".kimi/config.toml");
        fs::write(path, "[providers.a]\napi_key = sk-secret\n").expect("written");
        assert_eq!(found(&environment), (vec![], vec!["auth-syntax".to_owned()]));
    }
}
