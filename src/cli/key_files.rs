//! Keys as files: one is added, taken over from another program, put out of use, taken away. Not who asks for it: the
//! command line (`keys`, `init`) or the dashboard (`errands`).

use std::{
    collections::HashSet,
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::{
    config::{Config, Elsewhere, Environment, Held, edit, elsewhere, free_label},
    domain::{
        base_url::BaseUrl,
        key::{Key, Label, Secret},
        message::Message,
        pool::CheckFaultKind,
    },
    engine,
    store::{atomic, permissions},
    upstream::{Timeouts, Upstream},
};

/// Why nothing was changed.
#[derive(Debug)]
pub(super) struct Refusal {
    /// Whether what was asked for was wrong, and not what stands in its way.
    pub(super) asked_wrong: bool,
    pub(super) message: Message,
}

impl Refusal {
    const fn asked_wrong(message: Message) -> Self {
        Self { asked_wrong: true, message }
    }

    const fn in_the_way(message: Message) -> Self {
        Self { asked_wrong: false, message }
    }
}

/// A key to be added.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) label: &'a str,
    pub(super) base_url: Option<&'a str>,
    pub(super) email: Option<&'a str>,
    pub(super) priority: Option<i64>,
    /// Taken without asking its upstream.
    pub(super) unchecked: bool,
}

/// Everything but the key itself is right: who types the key is not made to do so in vain.
pub(super) fn may_add(wanted: &Wanted<'_>, config: &Config, keys: &[Key]) -> Result<Option<BaseUrl>, Refusal> {
    let label = wanted.label;
    if !edit::can_be_file(label) {
        return Err(Refusal::asked_wrong(Message::new("key-label-odd").with("label", label)));
    }
    if keys.iter().any(|key| key.label.as_str() == label) {
        return Err(Refusal::asked_wrong(Message::new("key-label-taken").with("label", label)));
    }
    let Some(text) = wanted.base_url else { return Ok(None) };
    match BaseUrl::parse(text).ok().filter(|base| config.allowlist.allows(base)) {
        None => Err(Refusal::asked_wrong(Message::new("key-base-url").with("value", text))),
        allowed => Ok(allowed),
    }
}

/// Adds a key whose upstream knows it.
pub(super) async fn add(
    wanted: &Wanted<'_>,
    typed: Zeroizing<String>,
    config: &Config,
    keys: &[Key],
) -> Result<Message, Refusal> {
    let base = may_add(wanted, config, keys)?;
    let label = wanted.label;
    let secret = Secret::new(typed.trim())
        .map_err(|fault| Refusal::asked_wrong(Message::new("key-odd").with("fault", fault.to_string())))?;
    drop(typed);
    if let Some(same) = keys.iter().find(|key| key.secret.expose() == secret.expose()) {
        return Err(Refusal::asked_wrong(Message::new("key-there").with("label", &same.label)));
    }
    let key = Key {
        label: Label::new(label),
        secret: secret.clone(),
        base: base.clone().unwrap_or_else(|| config.upstream.clone()),
        priority: wanted.priority.unwrap_or_default(),
        disabled: false,
        email: wanted.email.map(str::to_owned),
        source: format!("{label}.env"),
    };
    if !wanted.unchecked && !config.dry_run {
        check(&key, config).await?;
    }
    let draft =
        edit::Draft { label, secret: &secret, base: base.as_ref(), priority: wanted.priority, email: wanted.email };
    let path = config.auths_dir.join(&key.source);
    create(&path, &edit::content(&draft), config.enforce_permissions).map_err(|error| failed(&path, &error))?;
    Ok(Message::new("key-added").with("label", label).with("path", path.display().to_string()))
}

/// The upstream knows the key.
async fn check(key: &Key, config: &Config) -> Result<(), Refusal> {
    let timeouts = Timeouts { connect: config.proxy.connect_timeout, head: config.proxy.head_timeout };
    let upstream = Upstream::new(timeouts)
        .map_err(|error| Refusal::in_the_way(Message::new("key-unchecked").with("error", error.to_string())))?;
    let Err(fault) = upstream.fetch_usage(key, engine::wall()).await else { return Ok(()) };
    let told = match fault.kind {
        CheckFaultKind::Host => "key-unreached",
        CheckFaultKind::Unauthorized | CheckFaultKind::Answer => "key-refused",
    };
    Err(Refusal::in_the_way(Message::new(told).with("host", key.base.host()).with("fault", fault.text)))
}

/// Keys that other programs of this person hold (kimi-cli, kimi-code, the old tool; or those at `named` places alone) and that
/// are not among `keys` yet, under labels that are free and can be files' names; and what of those programs' files could not
/// be used. Changes nothing.
pub(super) fn to_import(named: &[PathBuf], config: &Config, environment: &Environment, keys: &[Key]) -> Elsewhere {
    let mut all = elsewhere(named, config, environment);
    let mut secrets: HashSet<String> = keys.iter().map(|key| key.secret.expose().to_owned()).collect();
    let mut labels: HashSet<Label> = keys.iter().map(|key| key.label.clone()).collect();
    all.keys.retain(|held| secrets.insert(held.key.secret.expose().to_owned()));
    for Held { key, .. } in &mut all.keys {
        key.label = free_label(&Label::new(&file_name(key.label.as_str())), &labels);
        key.source = format!("{}.env", key.label);
        labels.insert(key.label.clone());
    }
    all
}

/// Copies these keys into auth files of our own. No file that is there is touched, and no other program's.
pub(super) fn import(held: &[Held], config: &Config) -> Result<Message, Refusal> {
    for Held { key, .. } in held {
        let draft = edit::Draft {
            label: key.label.as_str(),
            secret: &key.secret,
            base: Some(&key.base).filter(|base| **base != config.upstream),
            priority: Some(key.priority).filter(|priority| *priority != 0),
            email: key.email.as_deref(),
        };
        let content = edit::switched(&edit::content(&draft), key.disabled);
        let path = config.auths_dir.join(&key.source);
        create(&path, &content, config.enforce_permissions).map_err(|error| failed(&path, &error))?;
    }
    let labels: Vec<&str> = held.iter().map(|held| held.key.label.as_str()).collect();
    let id = if held.is_empty() { "keys-imported-none" } else { "keys-imported" };
    let folder = config.auths_dir.display().to_string();
    Ok(Message::new(id).with("count", held.len()).with("labels", labels.join(", ")).with("path", folder))
}

/// A label without what file names should not hold.
fn file_name(label: &str) -> String {
    let fits = |character: char| character.is_alphanumeric() || matches!(character, '.' | '_' | '-');
    let name: String = label.chars().map(|character| if fits(character) { character } else { '-' }).collect();
    let name = name.trim_start_matches(['.', '-']);
    if name.is_empty() { "key".to_owned() } else { name.to_owned() }
}

/// A file that was not there before, private from the first byte.
fn create(path: &Path, content: &str, enforce: bool) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        permissions::private_folder(folder, enforce)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()
}

/// Puts the file aside under a name that is not read: nothing that was typed once is lost.
pub(super) fn remove(label: &str, config: &Config, keys: &[Key]) -> Result<Message, Refusal> {
    let path = file_of(label, config, keys)?;
    let mut aside = path.clone().into_os_string();
    aside.push(".removed");
    let aside = PathBuf::from(aside);
    fs::rename(&path, &aside).map_err(|error| failed(&path, &error))?;
    Ok(Message::new("key-removed").with("label", label).with("path", aside.display().to_string()))
}

/// Puts a key out of use, or back into it.
pub(super) fn switch(label: &str, disabled: bool, config: &Config, keys: &[Key]) -> Result<Message, Refusal> {
    let path = file_of(label, config, keys)?;
    let content = fs::read_to_string(&path).map_err(|error| failed(&path, &error))?;
    let after = edit::switched(&content, disabled);
    if after != content {
        atomic::write(&path, after.as_bytes()).map_err(|error| failed(&path, &error))?;
    }
    Ok(Message::new(if disabled { "key-disabled" } else { "key-enabled" }).with("label", label))
}

/// The `.env` auth file of a label. Other formats are other programs' files, and not ours to change.
pub(super) fn file_of(label: &str, config: &Config, keys: &[Key]) -> Result<PathBuf, Refusal> {
    let key = keys.iter().find(|key| key.label.as_str() == label);
    let key = key.ok_or_else(|| Refusal::in_the_way(Message::new("key-unknown").with("label", label)))?;
    let path = config.auths_dir.join(&key.source);
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("env")) && path.is_file() {
        return Ok(path);
    }
    let foreign = Message::new("key-file-foreign").with("label", label).with("path", path.display().to_string());
    Err(Refusal::in_the_way(foreign))
}

fn failed(path: &Path, error: &io::Error) -> Refusal {
    let id = if error.kind() == io::ErrorKind::AlreadyExists { "key-file-there" } else { "key-file-failed" };
    Refusal::in_the_way(Message::new(id).with("path", path.display().to_string()).with("error", error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::{
        config::{AuthFiles, Flags, load},
        domain::key::sample,
    };

    #[test]
    fn what_other_programs_hold_is_copied_once_and_privately() {
        let folder = tempfile::tempdir().expect("temp");
        let (home, auths) = (folder.path().join("home"), folder.path().join("keys"));
        let old = home.join(".kimi/_auths");
        fs::create_dir_all(&old).expect("made");
        for (name, content) in [
            (
                ".kimi/config.toml",
                "[providers.\"managed:plan b\"]\napi_key = \"sk-b\"\nbase_url = \"https://api.moonshot.ai/v1\"\n",
            ),
            (
                ".kimi/_auths/alpha.env",
                "KMI_API_KEY=sk-new\nKMI_KEY_PRIORITY=3\nKMI_KEY_DISABLED=1\nEMAIL=ann@a.test\n",
            ),
            (".kimi/_auths/have.env", "KMI_API_KEY=sk-test-alpha-0123456789\n"),
        ] {
            fs::write(home.join(name), content).expect("written");
        }
        let variables = [("KMI_AUTHS_DIR".to_owned(), auths.display().to_string())].into();
        let environment =
            Environment { variables, cwd: folder.path().to_owned(), home: Some(home.clone()), program: None };
        let config = load(&Flags::default(), &environment).expect("settings").config;
        let ours = [sample("alpha", "https://api.kimi.com/coding/v1")];

        let found = to_import(&[], &config, &environment, &ours);
        assert!(!auths.exists(), "looking changes nothing");
        let message = import(&found.keys, &config).expect("imported");
        assert_eq!(message.id, "keys-imported");
        let keys = AuthFiles::default().load(&config, &environment).keys;
        let line = |key: &Key| format!("{} {} {} {} {:?}", key.label, key.base, key.priority, key.disabled, key.email);
        assert_eq!(
            keys.iter().map(line).collect::<Vec<_>>(),
            [
                "alpha-2 https://api.kimi.com/coding/v1 3 true Some(\"ann@a.test\")",
                "plan-b https://api.moonshot.ai/v1 0 false None"
            ]
        );
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&auths), mode(&auths.join("plan-b.env"))), (0o700, 0o600));
        let rest = to_import(&[], &config, &environment, &[&keys[..], &ours[..]].concat()).keys;
        assert!(rest.is_empty(), "nothing is taken over twice: {rest:?}");
        assert_eq!(import(&rest, &config).expect("nothing to do").id, "keys-imported-none");
    }

    #[test]
    fn a_label_becomes_a_file_name() {
        for (label, expected) in
            [("alpha", "alpha"), ("a b/c", "a-b-c"), ("работа", "работа"), ("../up", "up"), ("…", "key")]
        {
            assert_eq!(file_name(label), expected);
        }
    }
}
