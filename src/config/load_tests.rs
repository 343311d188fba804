//! Settings from every layer, each test in a folder of its own.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use jiff::tz::TimeZone;
use tempfile::TempDir;

use super::*;
use crate::{
    config::{reload::needs_restart, settings::Kind, trust},
    domain::policy::Strategy,
    i18n::Words,
};

const SECRET: &str = "tok-0123456789-never-shown";

/// A home and a folder to stand in.
struct Place {
    folder: TempDir,
    environment: Environment,
    flags: Flags,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (cwd, home) = (folder.path().join("cwd"), folder.path().join("home"));
        for made in [&cwd, &home] {
            fs::create_dir(made).expect("made");
        }
        let environment = Environment { cwd, home: Some(home), ..Environment::default() };
        Self { folder, environment, flags: Flags::default() }
    }

    fn set(mut self, pairs: &[(&str, &str)]) -> Self {
        let owned = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.environment.variables.extend(owned);
        self
    }

    fn file(self, name: &str, lines: &str) -> Self {
        fs::write(self.environment.cwd.join(name), lines).expect("written");
        self
    }

    fn flags(mut self, flags: Flags) -> Self {
        self.flags = flags;
        self
    }

    fn load(&self) -> Result<Loaded, Vec<Problem>> {
        load(&self.flags, &self.environment)
    }

    fn loaded(&self) -> Loaded {
        self.load().expect("good settings")
    }

    /// The ids of what was told, warning or failure.
    fn told(&self) -> Vec<String> {
        let problems = self.load().map_or_else(|problems| problems, |loaded| loaded.warnings);
        problems.iter().map(|problem| problem.message.id.to_string()).collect()
    }

    fn fails(&self) -> bool {
        self.load().is_err()
    }

    fn home(&self) -> &Path {
        self.environment.home.as_deref().expect("a home")
    }
}

#[test]
fn nothing_set_gives_the_defaults_of_the_table() {
    let place = Place::new();
    let Loaded { config, warnings, origins, .. } = place.loaded();
    assert!(warnings.is_empty());
    assert!(origins.iter().all(|origin| origin.source == Source::Default));
    assert_eq!(config.policy, crate::domain::policy::Policy::default());
    assert_eq!(config.auths_dir, place.home().join(".kimi/_auths"));
    assert_eq!(config.state_dir, place.home().join(".kmi"));
    assert_eq!(config.listen.address.to_string(), "127.0.0.1:54123");
    assert_eq!(config.upstream.to_string(), "https://api.kimi.com/coding/v1");
    assert_eq!(config.proxy.max_body, 64 * 1024 * 1024);
    assert_eq!(
        (config.policy.affinity, config.policy.hold, config.policy.strategy),
        (None, None, Strategy::RoundRobin)
    );
    assert_eq!(config.trace_rotation.max_bytes, Some(5 * 1024 * 1024));
    assert_eq!((config.locale, config.audit_actor.as_str()), (Locale::English, "unknown"));
    assert!(!config.dry_run && config.enforce_permissions && config.write_kimi_config && config.auto_rotate_e2e);
    assert!(config.env_file.is_none());
}

#[test]
fn a_copied_sample_changes_nothing_and_is_not_scolded() {
    let copied = Place::new().file(".env", include_str!("../../assets/.env.example"));
    assert_eq!(copied.told(), [] as [&str; 0]);
}

/// For each setting, a value that is not its default.
const OTHERS: &[(&str, &str)] = &[
    ("KMI_ENV_PATH", "other.env"),
    ("KMI_AUTHS_DIR", "elsewhere"),
    ("KMI_STATE_DIR", "~/elsewhere"),
    ("KMI_PROXY_LISTEN", "[::1]:0"),
    ("KMI_PROXY_BASE_PATH", "/other"),
    ("KMI_UPSTREAM_BASE_URL", "http://127.0.0.1:9/v1"),
    ("KMI_UPSTREAM_ALLOWLIST", "api.example.test"),
    ("KMI_STRATEGY", "Least-Busy"),
    ("KMI_METRICS_LISTEN", "127.0.0.1:0"),
    ("KMI_NOTIFY", "Bell"),
    ("KMI_PROXY_TOKEN", SECRET),
    ("KMI_TIMEZONE", "+03:30"),
    ("KMI_LOCALE", "ru"),
    ("KMI_THEME", "light"),
    ("NO_COLOR", "anything"),
    ("KMI_AUDIT_ACTOR", "somebody"),
];

#[test]
fn every_setting_has_a_home_in_the_config() {
    let plain = Place::new().file("other.env", "").file("a.pem", "").file("b.pem", "");
    let old = plain.loaded();
    let before = format!("{:?}", old.config);
    for setting in
        SETTINGS.iter().filter(|setting| !setting.name.starts_with("KMI_PROXY_TLS_") || setting.kind == Kind::Switch)
    {
        let other = OTHERS.iter().find(|(name, _)| *name == setting.name).map(|(_, other)| *other);
        let other = other.unwrap_or_else(|| match (setting.kind, setting.default) {
            (Kind::Switch, "0") => "1",
            (Kind::Switch, _) => "0",
            (Kind::Number(..), "7") => "8",
            (Kind::Number(..), _) => "7",
            _ => panic!("{} needs a line above", setting.name),
        });
        let mut place = Place { folder: tempfile::tempdir().expect("a folder"), ..copy(&plain) };
        place.environment.variables.insert(setting.name.to_owned(), other.to_owned());
        let new = place.loaded();
        let after = format!("{:?}", new.config);
        assert_ne!(before, after, "{} changes nothing", setting.name);
        assert!(!after.contains(SECRET));
        // Which `.env` is read can't change while the program runs.
        if setting.name != "KMI_ENV_PATH" {
            let reloaded = format!("{:?}", old.config.reloaded(&new.config));
            assert_eq!(&reloaded, if setting.live { &after } else { &before }, "{}", setting.name);
        }
        let waiting = needs_restart(&old, &new);
        assert_eq!(waiting.len(), usize::from(!setting.live), "{}", setting.name);
        speaks(&waiting);
    }
    let both = copy(&plain).set(&[("KMI_PROXY_TLS_CERT", "a.pem"), ("KMI_PROXY_TLS_KEY", "b.pem")]);
    assert!(both.loaded().config.proxy.tls.is_some_and(|files| files.key.ends_with("cwd/b.pem")));
}

fn copy(place: &Place) -> Place {
    Place {
        folder: tempfile::tempdir().expect("a folder"),
        environment: place.environment.clone(),
        flags: place.flags.clone(),
    }
}

#[test]
fn the_highest_layer_wins_and_empty_is_unset() {
    let backups = |place: &Place| place.loaded().config.log_rotation.backups;
    let place = Place::new();
    assert_eq!(backups(&place), 3);
    let place = place.file(".env", "KMI_LOG_BACKUPS=4\n");
    assert_eq!(backups(&place), 4);
    assert_eq!(place.loaded().config.env_file, Some(place.environment.cwd.join(".env")));
    let place = place.set(&[("KMI_LOG_BACKUPS", "")]);
    assert_eq!(backups(&place), 4, "empty is unset");
    let place = place.set(&[("KMI_LOG_BACKUPS", "5")]);
    assert_eq!(backups(&place), 5);
    let place = place.file("named.env", "KMI_LOG_BACKUPS=6\nKMI_LOCALE=ru\n").set(&[("KMI_ENV_PATH", "named.env")]);
    assert_eq!(backups(&place), 6);
    let place = place.file("flag.env", "KMI_LOG_BACKUPS=8\nKMI_LOCALE=ru\nKMI_PROXY_LISTEN=127.0.0.1:1\n");
    let place = place.flags(Flags {
        env_file: Some("flag.env".into()),
        lang: Some("en".into()),
        listen: Some("127.0.0.1:2".into()),
        ..Flags::default()
    });
    let loaded = place.loaded();
    assert_eq!((loaded.config.log_rotation.backups, loaded.config.listen.address.port()), (8, 2));
    assert_eq!(loaded.config.locale, Locale::English);
    let source = |name| loaded.origins.iter().find(|origin| origin.name == name).map(|origin| origin.source.clone());
    assert_eq!(source("KMI_PROXY_LISTEN"), Some(Source::Flag("--listen")));
    assert_eq!(source("KMI_LOG_BACKUPS"), Some(Source::File(place.environment.cwd.join("flag.env"))));
}

#[test]
fn a_named_file_must_exist() {
    let flags = Flags { env_file: Some("missing.env".into()), ..Flags::default() };
    for place in [Place::new().flags(flags), Place::new().set(&[("KMI_ENV_PATH", "~/missing.env")])] {
        assert!(place.fails());
        assert_eq!(place.told(), ["config-env-missing"]);
    }
}

#[test]
fn all_errors_come_at_once_and_name_no_secret() {
    let place = Place::new().set(&[
        ("KMI_DRY_RUN", "sk-wrong-line"),
        ("KMI_PROXY_MAX_RPS", "sk-wrong-line"),
        ("KMI_STRATEGY", "sk-wrong-line"),
        ("KMI_PROXY_LISTEN", "sk-wrong-line"),
        ("KMI_PROXY_BASE_PATH", "sk-wrong-line"),
        ("KMI_UPSTREAM_BASE_URL", "https://user:sk-wrong-line@api.kimi.com"),
        ("KMI_TIMEZONE", "sk-wrong-line"),
        ("KMI_LOCALE", "sk-wrong-line"),
        ("KMI_PROXY_TOKEN", "sk-wrong-line with blanks"),
        ("KMI_PROXY_TLS_CERT", "missing.pem"),
        ("KMI_DRYRUN", "1"),
    ]);
    let problems = place.load().expect_err("wrong");
    let shown = format!("{problems:?}");
    assert!(!shown.contains("sk-wrong-line"), "{shown}");
    let ids: BTreeSet<&str> = problems.iter().map(|problem| problem.message.id.as_ref()).collect();
    let expected = [
        "config-not-switch",
        "config-not-number",
        "config-not-word",
        "config-listen",
        "config-base-path",
        "config-upstream",
        "config-zone",
        "config-locale",
        "config-token",
        "config-tls-missing",
        "config-tls-half",
        "config-unknown-near",
    ];
    assert_eq!(ids, expected.into());
    speaks(&problems);
}

/// Every problem has words in every language.
fn speaks(problems: &[Problem]) {
    for locale in Locale::ALL {
        let words = Words::new(locale, TimeZone::UTC);
        for problem in problems {
            assert!(!words.render(&problem.message).is_empty());
        }
        assert_eq!(words.faults(), Vec::<String>::new());
    }
}

#[test]
fn wrong_values_are_named_with_their_rule() {
    for (name, value, id) in [
        ("KMI_DRY_RUN", "ture", "config-not-switch"),
        ("KMI_PROXY_RETRY_MAX", "-1", "config-not-number"),
        ("KMI_PROXY_MAX_CONNECTIONS", "0", "config-not-number"),
        ("KMI_STRATEGY", "random", "config-not-word"),
        ("KMI_PROXY_LISTEN", "example.test:1", "config-listen"),
        ("KMI_UPSTREAM_BASE_URL", "http://api.kimi.com", "config-upstream"),
        ("KMI_UPSTREAM_BASE_URL", "https://evil.test/v1", "config-upstream-not-allowed"),
        ("KMI_TIMEZONE", "MSK+3", "config-zone"),
        ("KMI_LOCALE", "tlh", "config-locale"),
    ] {
        let place = Place::new().set(&[(name, value)]);
        assert!(place.fails(), "{name}={value}");
        assert_eq!(place.told(), [id], "{name}={value}");
        speaks(&place.load().expect_err("wrong"));
    }
}

#[test]
fn odd_settings_only_warn() {
    for (name, value, id) in [
        ("KMI_DRYRUN", "1", "config-unknown-near"),
        ("KMI_ENTIRELY_ELSE_WHAT", "1", "config-unknown"),
        ("KMI_USAGE_CACHE_SECONDS", "60", "config-refresh-raised"),
    ] {
        let place = Place::new().set(&[(name, value)]);
        assert_eq!(place.told(), [id], "{name}");
        let loaded = place.loaded();
        speaks(&loaded.warnings);
        assert!(loaded.config.policy.checks.refresh >= Some(Duration::from_secs(300)));
    }
    let known =
        Place::new().set(&[("KMI_API_KEY", SECRET), ("KMI_SHOW_SOURCE", "1"), ("KMI_USAGE_CACHE_SECONDS", "0")]);
    assert_eq!(known.told(), [] as [&str; 0]);
    assert_eq!(known.loaded().config.policy.checks.refresh, None);
    let inside = Place::new().file(".env", "KMI_ENV_PATH=other.env\nno assignment\n");
    assert_eq!(inside.told(), ["config-env-lines", "config-not-in-file"]);
    speaks(&inside.loaded().warnings);
}

#[test]
fn a_remote_address_needs_all_of_its_locks() {
    const REMOTE: (&str, &str) = ("KMI_PROXY_LISTEN", "0.0.0.0:0");
    const ALLOW: (&str, &str) = ("KMI_PROXY_ALLOW_REMOTE", "1");
    const TOKEN: (&str, &str) = ("KMI_PROXY_TOKEN", SECRET);
    const OPEN: (&str, &str) = ("KMI_PROXY_REQUIRE_TLS", "0");
    // A warning: the key's file can be read by others.
    const KEY_OPEN: &str = "config-tls-key-open";
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
    let cases: &[Case<'_>] = &[
        (&[REMOTE], &["config-remote", "config-remote-token", "config-remote-tls"]),
        (&[REMOTE, ALLOW], &["config-remote-token", "config-remote-tls"]),
        (&[REMOTE, ALLOW, TOKEN], &["config-remote-tls"]),
        (&[REMOTE, ALLOW, ("KMI_PROXY_TOKEN", "fifteen-letters"), OPEN], &["config-remote-token"]),
        (&[REMOTE, TOKEN, OPEN], &["config-remote"]),
        (&[REMOTE, ALLOW, TOKEN, OPEN], &[]),
        (&[REMOTE, ALLOW, TOKEN, ("KMI_PROXY_TLS_TERMINATED", "1")], &[]),
        (&[REMOTE, ALLOW, TOKEN, ("KMI_PROXY_TLS_CERT", "a.pem"), ("KMI_PROXY_TLS_KEY", "a.pem")], &[KEY_OPEN]),
        (&[("KMI_PROXY_LISTEN", "127.9.9.9:0")], &[]),
        (&[("KMI_METRICS_LISTEN", "127.0.0.1:9464")], &[]),
        (&[("KMI_METRICS_LISTEN", "9464")], &["config-listen"]),
        (&[("KMI_METRICS_LISTEN", "0.0.0.0:9464")], &["config-remote"]),
        (&[("KMI_METRICS_LISTEN", "0.0.0.0:9464"), ALLOW], &[]),
    ];
    for (pairs, expected) in cases {
        let place = Place::new().file("a.pem", "").set(pairs);
        assert_eq!(place.told(), *expected, "{pairs:?}");
        assert_eq!(place.fails(), expected.iter().any(|id| *id != KEY_OPEN));
        let loaded = place.load();
        assert!(!format!("{loaded:?}").contains(SECRET));
        loaded.err().into_iter().for_each(|problems| speaks(&problems));
    }
}

#[test]
fn a_strangers_file_cannot_move_keys_until_it_is_trusted() {
    let lines = format!(
        "KMI_UPSTREAM_ALLOWLIST=*\nKMI_UPSTREAM_BASE_URL=https://evil.test/v1\nKMI_AUTHS_DIR=theirs\nKMI_STATE_DIR=.\n\
         KMI_PROXY_LISTEN=0.0.0.0:1\nKMI_PROXY_ALLOW_REMOTE=1\nKMI_PROXY_REQUIRE_TLS=0\nKMI_PROXY_TOKEN={SECRET}\nKMI_LOG_BACKUPS=9\n"
    );
    let place = Place::new().file(".env", &lines);
    let loaded = place.loaded();
    assert_eq!(place.told(), ["config-untrusted"]);
    speaks(&loaded.warnings);
    let shown = format!("{:?}", loaded.warnings);
    for name in ["KMI_UPSTREAM_BASE_URL", "KMI_PROXY_LISTEN", "KMI_PROXY_TOKEN", "KMI_STATE_DIR"] {
        assert!(shown.contains(name), "{name}");
    }
    assert!(!shown.contains(SECRET));
    assert_eq!(loaded.config.log_rotation.backups, 9, "its other settings apply");
    assert_eq!(loaded.config.upstream.host(), "api.kimi.com");
    assert!(loaded.config.listen.is_loopback() && loaded.config.proxy.token.is_none());

    trust(&place.environment.cwd.join(".env"), &place.home().join(".kmi")).expect("trusted");
    let loaded = place.loaded();
    assert!(loaded.warnings.is_empty());
    assert_eq!(loaded.config.upstream.host(), "evil.test");
    assert!(loaded.config.auths_dir.ends_with("cwd/theirs") && !loaded.config.listen.is_loopback());
    let token = loaded.origins.iter().find(|origin| origin.name == "KMI_PROXY_TOKEN").expect("listed");
    assert_eq!(token.value, "***");

    let changed = place.file(".env", "KMI_AUTHS_DIR=others\n");
    assert_eq!(changed.told(), ["config-untrusted"], "another content is another file");
    let loopback = changed.file(".env", "KMI_PROXY_LISTEN=[::1]:7\n");
    assert_eq!(loopback.loaded().config.listen.address.port(), 7, "a loopback address is nobody's harm");
}

#[test]
fn the_auths_folder_near_by_comes_first() {
    let place = Place::new();
    fs::create_dir(place.environment.cwd.join("_auths")).expect("made");
    assert_eq!(place.loaded().config.auths_dir, place.environment.cwd.join("_auths"));
    let homeless = Place::new();
    let environment = Environment { home: None, ..homeless.environment.clone() };
    let problems = load(&Flags::default(), &environment).expect_err("no state folder");
    assert_eq!(problems.len(), 1);
    speaks(&problems);
    let flags = Flags { state_dir: Some(homeless.folder.path().join("state")), ..Flags::default() };
    assert_eq!(load(&flags, &environment).expect("loaded").config.auths_dir, environment.cwd.join("_auths"));
}

#[test]
fn the_language_is_guessed_before_anything_is_read() {
    for (lang, pairs, expected) in [
        (None, &[][..], Locale::English),
        (Some("ru"), &[("KMI_LOCALE", "en")], Locale::Russian),
        (Some("tlh"), &[("KMI_LOCALE", "ru_RU.UTF-8")], Locale::Russian),
        (None, &[("LANG", "ru_RU.UTF-8")], Locale::Russian),
        (None, &[("LANG", "ru_RU.UTF-8"), ("LC_ALL", "C")], Locale::English),
        (None, &[("LC_MESSAGES", "ru"), ("LANG", "en_GB")], Locale::Russian),
        (None, &[("LC_ALL", ""), ("LANG", "ru")], Locale::Russian),
    ] {
        let place = Place::new().set(pairs);
        let flags = Flags { lang: lang.map(str::to_owned), ..Flags::default() };
        assert_eq!(locale_guess(&flags, &place.environment), expected, "{lang:?} {pairs:?}");
        if lang.is_none() {
            assert_eq!(place.loaded().config.locale, expected, "{pairs:?}");
        }
    }
}

#[test]
fn a_broken_env_file_is_named_without_its_text() {
    let place = Place::new();
    fs::write(place.environment.cwd.join(".env"), [b"KMI_PROXY_TOKEN=tok-broken\xff\xfe\n".as_slice()].concat())
        .expect("written");
    let loaded = place.loaded();
    assert_eq!(place.told(), ["config-env-broken"]);
    assert_eq!(
        loaded.warnings.first().and_then(|problem| problem.file.clone()),
        Some(place.environment.cwd.join(".env"))
    );
    assert!(!format!("{:?}", loaded.warnings).contains("tok-broken"));
    let named = place.set(&[("KMI_ENV_PATH", ".env")]);
    assert!(named.fails());
}

#[test]
fn a_strangers_file_does_not_learn_the_environment() {
    let place = Place::new().set(&[("OTHER_SECRET", SECRET)]);
    let place = place.file(".env", "OWN=mine\nKMI_AUDIT_ACTOR=${OTHER_SECRET}${OWN}\n");
    assert_eq!(place.loaded().config.audit_actor, "mine");
    trust(&place.environment.cwd.join(".env"), &place.home().join(".kmi")).expect("trusted");
    assert_eq!(place.loaded().config.audit_actor, format!("{SECRET}mine"));
}

#[test]
fn a_file_without_end_is_not_read_to_its_end() {
    let named = |file: &str| Place::new().flags(Flags { env_file: Some(file.into()), ..Flags::default() });
    assert_eq!(named("/dev/zero").told(), ["config-env-large"]);
    assert_eq!(named("/").told(), ["config-env-unreadable"]);
    let place = Place::new();
    let pipe = place.environment.cwd.join(".env");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    assert_eq!(place.told(), [] as [&str; 0], "a pipe called .env is not waited for");
    assert!(trust(&pipe, place.home()).is_err());
    let large = Place::new().file(".env", &"#".repeat((1 << 20) + 1));
    assert_eq!(large.told(), ["config-env-large"]);
    speaks(&large.loaded().warnings);
}
