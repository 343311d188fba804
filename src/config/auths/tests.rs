//! Auth files in folders of their own: what becomes a key, what is skipped, and that no warning tells a secret.

use std::{os::unix::fs::symlink, process::Command};

use jiff::tz::TimeZone;
use tempfile::TempDir;

use super::*;
use crate::{
    config::{Flags, load},
    domain::message::Argument,
    i18n::{Locale, Words},
};

/// Stands in every file that is broken; no warning may hold it.
const SECRET: &str = "sk-never-shown-0123456789";

/// An auths folder in a made-up home.
struct Folder {
    root: TempDir,
    environment: Environment,
}

impl Folder {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let (cwd, home) = (root.path().join("cwd"), root.path().join("home"));
        fs::create_dir_all(cwd.join("_auths")).expect("made");
        fs::create_dir(&home).expect("made");
        Self { root, environment: Environment { cwd, home: Some(home), ..Environment::default() } }
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.environment.cwd.join("_auths").join(name)
    }

    /// Writes a file as its owner should: readable by nobody else.
    fn file(self, name: &str, contents: impl AsRef<[u8]>) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(&path, contents).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        self
    }

    fn config(&self) -> Config {
        load(&Flags::default(), &self.environment).expect("good settings").config
    }

    fn load(&self) -> Auths {
        self.load_again(&mut AuthFiles::default())
    }

    /// The keys and warnings. Whatever was read, no warning tells a secret, and each has words in every language.
    fn load_again(&self, files: &mut AuthFiles) -> Auths {
        let auths = files.load(&self.config(), &self.environment);
        assert!(!format!("{auths:?}").contains(SECRET), "{auths:?}");
        for locale in Locale::ALL {
            let words = Words::new(locale, TimeZone::UTC);
            for warning in &auths.warnings {
                assert!(!words.render(&warning.message).contains(SECRET));
            }
            assert_eq!(words.faults(), Vec::<String>::new());
        }
        auths
    }
}

impl Auths {
    fn labels(&self) -> Vec<&str> {
        self.keys.iter().map(|key| key.label.as_str()).collect()
    }

    /// The ids of the warnings.
    fn told(&self) -> Vec<&str> {
        self.warnings.iter().map(|warning| warning.message.id.as_ref()).collect()
    }

    fn argument(&self, name: &str) -> Option<&Argument> {
        let mut arguments = self.warnings.iter().flat_map(|warning| &warning.message.arguments);
        arguments.find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

#[test]
fn every_format_gives_its_key() {
    let env = "export KMI_API_KEY='sk-one' # mine\r\nKMI_KEY_LABEL=\"first\"\r\nKMI_KEY_PRIORITY= 7 \r\nKMI_KEY_DISABLED=Yes\r\n\
               KMI_UPSTREAM_BASE_URL=https://api.moonshot.ai/v1/\r\nEMAIL=c@example.org\r\nKMI_EMAIL=b@example.org\r\n";
    let toml = "[providers.moonshot-ai]\napi_key = 'sk-one'\nbase_url = 'https://api.moonshot.ai/v1'\nemail = 'b@example.org'\n";
    let json = r#"{"providers": {"x": {"api_key": "sk-one", "base_url": "https://api.moonshot.ai/v1", "user": "b@example.org"}}}"#;
    let with_mark = |text: &str| format!("\u{feff}{text}");
    for (file, contents, label, priority, disabled) in [
        ("a.env", env.to_owned(), "first", 7, true),
        ("a.ENV", with_mark(env), "first", 7, true),
        (
            ".hidden.env",
            "KMI_API_KEY=sk-one\nKMI_UPSTREAM_BASE_URL=https://api.moonshot.ai/v1\nuser=b@example.org".to_owned(),
            ".hidden",
            0,
            false,
        ),
        ("alpha_config.toml", toml.to_owned(), "alpha", 0, false),
        ("team/alpha.toml", with_mark(toml), "alpha", 0, false),
        ("jb.json", json.to_owned(), "jb", 0, false),
        ("jb.json.bak", with_mark(json), "jb.json", 0, false),
    ] {
        let auths = Folder::new().file(file, contents).load();
        assert_eq!(auths.told(), [] as [&str; 0], "{file}");
        let [key] = auths.keys.as_slice() else { panic!("{file}: {auths:?}") };
        assert_eq!(
            (key.label.as_str(), key.secret.expose(), key.priority, key.disabled),
            (label, "sk-one", priority, disabled),
            "{file}"
        );
        assert_eq!(key.base.to_string(), "https://api.moonshot.ai/v1", "{file}");
        assert_eq!((key.email.as_deref(), key.source.as_str()), (Some("b@example.org"), file), "{file}");
    }
}

#[test]
fn the_known_providers_come_first_then_the_files_order() {
    let provider =
        |name: &str| format!("[providers.\"{name}\"]\napi_key = \"sk-{name}\"\n").replace("sk-managed:", "sk-");
    for (names, expected) in [
        (&["zulu", "alpha"][..], "sk-zulu"),
        (&["alpha", "moonshot-ai"], "sk-moonshot-ai"),
        (&["moonshot-ai", "kimi-for-coding"], "sk-kimi-for-coding"),
        (&["kimi-for-coding", "moonshot-ai", "managed:kimi-code"], "sk-kimi-code"),
    ] {
        let toml: String = names.iter().map(|name| provider(name)).collect();
        let json =
            names.iter().map(|name| format!("\"{name}\": {{\"api_key\": \"sk-{}\"}}", name.replace("managed:", "")));
        let json = format!("{{\"providers\": {{{}}}}}", json.collect::<Vec<_>>().join(", "));
        for (file, contents) in [("a.toml", &toml), ("a.json", &json)] {
            let auths = Folder::new().file(file, contents).load();
            assert_eq!(auths.keys[0].secret.expose(), expected, "{file} {names:?}");
        }
    }
    let keyless = "[providers.'managed:kimi-code']\napi_key = ''\n[providers.other]\napi_key = 'sk-other'\n";
    assert_eq!(Folder::new().file("a.toml", keyless).load().keys[0].secret.expose(), "sk-other");
    let quoted = "['providers.x']\napi_key = 'sk-new'\n[providers.x]\napi_key = 'sk-old'\n";
    assert_eq!(Folder::new().file("a.toml", quoted).load().keys[0].secret.expose(), "sk-new");
}

#[test]
fn a_key_without_a_base_url_goes_to_the_configured_upstream() {
    let folder = Folder::new().file("a.env", "KMI_API_KEY=sk-one\nKMI_UPSTREAM_BASE_URL=\n");
    assert_eq!(folder.load().keys[0].base.to_string(), "https://api.kimi.com/coding/v1");
    let folder = folder.set("KMI_UPSTREAM_BASE_URL", "http://127.0.0.1:9/v1");
    assert_eq!(folder.load().keys[0].base.to_string(), "http://127.0.0.1:9/v1");
}

#[test]
fn what_can_not_be_used_is_named_and_the_rest_still_loads() {
    let key_at = |url: &str| format!("KMI_API_KEY={SECRET}\nKMI_UPSTREAM_BASE_URL={url}\n").into_bytes();
    let cases: Vec<(&str, Vec<u8>, &str, Option<i64>)> = vec![
        ("b.env", b"KMI_KEY_LABEL=x\n".to_vec(), "auth-no-key", None),
        ("b.env", b"KMI_API_KEY=\n".to_vec(), "auth-no-key", None),
        ("b.env", Vec::new(), "auth-no-key", None),
        ("b.env", b"KMI_KEY_LABEL='open".to_vec(), "auth-syntax", Some(1)),
        ("b.env", format!("# mine\nKMI_API_KEY='{SECRET}\n").into_bytes(), "auth-syntax", Some(2)),
        ("b.env", format!("KMI_API_KEY={SECRET} and more\n").into_bytes(), "auth-key-character", None),
        ("b.env", format!("KMI_API_KEY={SECRET}ключ\n").into_bytes(), "auth-key-character", None),
        ("b.env", format!("KMI_API_KEY={}\n", SECRET.repeat(200)).into_bytes(), "auth-key-too-long", None),
        ("b.env", [format!("KMI_API_KEY={SECRET}").as_bytes(), b"\xff\n"].concat(), "auth-not-utf8", None),
        (
            "b.env",
            [format!("KMI_API_KEY={SECRET}\n#").into_bytes(), vec![b'x'; 1 << 20]].concat(),
            "auth-too-large",
            None,
        ),
        ("b.env", key_at("https://evil.test/v1"), "auth-host-not-allowed", None),
        ("b.env", key_at("https://api.kimi.com.evil.test"), "auth-host-not-allowed", None),
        ("b.env", key_at("http://api.kimi.com"), "auth-url-scheme", None),
        ("b.env", key_at(&format!("https://me:{SECRET}@api.kimi.com")), "auth-url-user", None),
        ("b.env", key_at("api.kimi.com"), "auth-url", None),
        ("b.toml", format!("a = 1\n[providers.x]\napi_key = \"{SECRET}\n").into_bytes(), "auth-syntax", Some(3)),
        ("b.toml", format!("api_key = \"{SECRET}\"\n").into_bytes(), "auth-no-key", None),
        ("b.toml", [format!("#{SECRET}").as_bytes(), b"\xff"].concat(), "auth-not-utf8", None),
        ("b.toml", format!("providers = \"{SECRET}\"\n").into_bytes(), "auth-no-key", None),
        (
            "b.json",
            format!("{{\"providers\": {{\n\"x\": {{\"api_key\": {SECRET}}}}}}}").into_bytes(),
            "auth-syntax",
            Some(2),
        ),
        ("b.json", format!("{{\"api_key\": \"{SECRET}\"}}").into_bytes(), "auth-no-key", None),
        ("b.json", b"{\"providers\": {\"x\": {\"api_key\": null}}}".to_vec(), "auth-no-key", None),
        ("b.json", format!("{{\"providers\": {{\"x\": \"{SECRET}\"}}}}").into_bytes(), "auth-no-key", None),
        ("b.json", format!("{{\"providers\": \n\n {{\"x\": \"{SECRET}\" ]}}}}").into_bytes(), "auth-syntax", Some(3)),
        ("b.toml", format!("x = 1\napi_key = \"{SECRET}\" trailing").into_bytes(), "auth-syntax", Some(2)),
        ("b.json", format!("[\"{SECRET}\"]").into_bytes(), "auth-no-key", None),
        ("b.json", [format!("{{\"a\": \"{SECRET}").as_bytes(), b"\xff\"}"].concat(), "auth-not-utf8", None),
        ("b.json", "[".repeat(100_000).into_bytes(), "auth-syntax", Some(1)),
        ("b.json.bak", b"{".to_vec(), "auth-syntax", Some(1)),
    ];
    for (file, contents, id, line) in cases {
        let shown = String::from_utf8_lossy(&contents).chars().take(80).collect::<String>();
        let folder =
            Folder::new().file("a.env", "KMI_API_KEY=sk-a").file(file, contents).file("c.env", "KMI_API_KEY=sk-c");
        let auths = folder.load();
        assert_eq!(auths.told(), [id], "{file}: {shown}");
        assert_eq!(auths.labels(), ["a", "c"], "{file}: {shown}");
        assert_eq!(auths.warnings[0].file, Some(folder.path(file)), "{shown}");
        assert_eq!(auths.argument("file"), Some(&Argument::Text(file.to_owned())), "{shown}");
        assert_eq!(auths.argument("line"), line.map(Argument::Number).as_ref(), "{shown}");
    }
}

#[test]
fn what_is_no_plain_file_is_never_waited_for() {
    let folder = Folder::new().file("a.env", "KMI_API_KEY=sk-a");
    let made = Command::new("mkfifo").arg(folder.path("pipe.env")).status().expect("mkfifo");
    assert!(made.success());
    symlink("/dev/zero", folder.path("zero.env")).expect("linked");
    symlink(folder.path("gone"), folder.path("vanished.env")).expect("linked");
    let auths = folder.load();
    assert_eq!(auths.labels(), ["a"]);
    assert_eq!(auths.told(), ["auth-unreadable"; 3]);
}

#[test]
fn a_link_to_a_file_counts_as_the_file() {
    let folder = Folder::new().file("deep/deeper/a.env", "KMI_API_KEY=sk-a");
    assert_eq!(folder.load().labels(), [] as [&str; 0], "only one level of folders is read");
    symlink(folder.path("deep/deeper/a.env"), folder.path("linked.env")).expect("linked");
    assert_eq!(folder.load().labels(), ["linked"]);
}

#[test]
fn names_of_other_kinds_are_left_alone() {
    let mut folder = Folder::new();
    for name in [".env", "x.env.local", "x.txt", "x", "env", "x.yaml"] {
        folder = folder.file(name, format!("KMI_API_KEY={SECRET}"));
    }
    let auths = folder.load();
    assert_eq!((auths.labels(), auths.told()), (vec![], vec![]));
}

#[test]
fn keys_are_sorted_by_priority_then_label() {
    let auths = Folder::new()
        .file("1.env", "KMI_API_KEY=sk-1\nKMI_KEY_LABEL=bravo")
        .file("2.env", "KMI_API_KEY=sk-2\nKMI_KEY_LABEL=Alpha")
        .file("3.env", "KMI_API_KEY=sk-3\nKMI_KEY_LABEL=zulu\nKMI_KEY_PRIORITY=5")
        .file("4.env", "KMI_API_KEY=sk-4\nKMI_KEY_LABEL=aaa\nKMI_KEY_PRIORITY=-1")
        .load();
    assert_eq!(auths.labels(), ["zulu", "Alpha", "bravo", "aaa"]);
}

#[test]
fn the_same_key_is_kept_once_and_the_first_file_wins() {
    let auths = Folder::new()
        .file("a.env", format!("KMI_API_KEY={SECRET}"))
        .file("b.env", format!("KMI_API_KEY={SECRET}\nKMI_KEY_PRIORITY=9"))
        .load();
    assert_eq!((auths.labels(), auths.told()), (vec!["a"], vec!["auth-same-key"]));
    assert_eq!(auths.argument("first"), Some(&Argument::Text("a.env".to_owned())));
}

#[test]
fn the_same_label_is_given_once() {
    let auths = Folder::new()
        .file("1/alpha.env", "KMI_API_KEY=sk-1")
        .file("2/alpha.env", "KMI_API_KEY=sk-2")
        .file("3/alpha.env", "KMI_API_KEY=sk-3")
        .file("4.env", "KMI_API_KEY=sk-4\nKMI_KEY_LABEL=alpha-2")
        .load();
    let given: Vec<_> = auths.keys.iter().map(|key| (key.secret.expose(), key.label.as_str())).collect();
    assert_eq!(given, [("sk-1", "alpha"), ("sk-4", "alpha-2"), ("sk-2", "alpha-3"), ("sk-3", "alpha-4")]);
    assert_eq!(auths.told(), ["auth-same-label"; 2]);
}

#[test]
fn long_labels_stay_within_their_limit_and_apart() {
    let long = "ы".repeat(80);
    let auths = Folder::new()
        .file("1.env", format!("KMI_API_KEY=sk-1\nKMI_KEY_LABEL={long}"))
        .file("2.env", format!("KMI_API_KEY=sk-2\nKMI_KEY_LABEL={long}x"))
        .load();
    let labels = auths.labels();
    assert!(labels[0] != labels[1] && labels.iter().all(|label| label.chars().count() <= 64), "{labels:?}");
}

#[test]
fn labels_hold_no_controls() {
    let auths = Folder::new().file("a.env", "KMI_API_KEY=sk-1\nKMI_KEY_LABEL=\"a\\r\\nx: y\u{1b}[2J\u{202e}é\"").load();
    assert_eq!(auths.labels(), ["a x: yé"]);
}

#[test]
fn odd_fields_fall_back_with_a_warning_that_names_the_value() {
    for (line, id, value) in [
        ("KMI_KEY_PRIORITY=2.5", "auth-priority", "2.5"),
        ("KMI_KEY_PRIORITY=99999999999999999999", "auth-priority", "99999999999999999999"),
        ("KMI_KEY_DISABLED=ture", "auth-disabled", "ture"),
    ] {
        let auths = Folder::new().file("a.env", format!("KMI_API_KEY=sk-1\n{line}\n")).load();
        assert_eq!(
            (auths.told(), auths.argument("value")),
            (vec![id], Some(&Argument::Text(value.to_owned()))),
            "{line}"
        );
        assert_eq!((auths.keys[0].priority, auths.keys[0].disabled), (0, false), "{line}");
    }
}

#[test]
fn a_key_in_the_wrong_line_is_not_named() {
    for name in ["KMI_KEY_PRIORITY", "KMI_KEY_DISABLED"] {
        let auths = Folder::new().file("a.env", format!("KMI_API_KEY=sk-1\n{name}={SECRET}\n")).load();
        assert_eq!(auths.warnings.len(), 1, "{name}");
    }
}

#[test]
fn bad_lines_beside_a_key_are_one_warning() {
    let lines = format!("KMI_API_KEY=sk-1\n{}", format!("{SECRET} is no line\n").repeat(1000));
    let auths = Folder::new().file("a.env", lines).load();
    assert_eq!((auths.labels(), auths.warnings.len()), (vec!["a"], 1));
    assert_eq!(auths.argument("line"), Some(&Argument::Number(2)));
}

#[test]
fn variables_expand_from_the_file_then_the_environment() {
    let folder = Folder::new().set("MY_KEY", "sk-mine").set("LABEL", "outer");
    let auths = folder.file("a.env", "LABEL=inner\nKMI_API_KEY=${MY_KEY}\nKMI_KEY_LABEL=${LABEL}-${NONE:-x}").load();
    assert_eq!((auths.keys[0].secret.expose(), auths.labels()), ("sk-mine", vec!["inner-x"]));
}

#[test]
fn an_address_is_found_but_never_in_the_key() {
    for (file, contents, expected) in [
        ("a.env", "KMI_API_KEY=sk-1\nEMAIL=c@x.org\nKMI_EMAIL=b@x.org\nKMI_ACCOUNT_EMAIL=a@x.org", Some("a@x.org")),
        ("a.env", "KMI_API_KEY=sk-1\nOWNER=me <o@x.org>", Some("o@x.org")),
        ("me@x.org.env", "KMI_API_KEY=sk-1", Some("me@x.org")),
        ("a.env", "KMI_API_KEY=sk-part@of.key", None),
        ("a.toml", "owner = 'o@x.org'\n[providers.x]\napi_key = 'sk-1'\nuser = 'u@x.org'", Some("u@x.org")),
        ("a.toml", "[a.b]\nc = 'deep@x.org'\n[providers.x]\napi_key = 'sk-1'", Some("deep@x.org")),
        ("a.json", r#"{"providers": {"x": {"api_key": "sk-part@of.key"}}}"#, None),
        (
            "a.json",
            r#"{"user": "u@x.org", "providers": {"x": {"api_key": "sk-1", "note": "n@x.org"}}}"#,
            Some("n@x.org"),
        ),
    ] {
        let auths = Folder::new().file(file, contents).load();
        assert_eq!(auths.keys[0].email.as_deref(), expected, "{file} {contents}");
    }
}

#[test]
fn a_file_that_others_can_read_is_named_and_left_as_it_is() {
    let folder = Folder::new().file("a.env", "KMI_API_KEY=sk-1");
    fs::set_permissions(folder.path("a.env"), fs::Permissions::from_mode(0o644)).expect("set");
    let auths = folder.load();
    assert_eq!((auths.labels(), auths.told()), (vec!["a"], vec!["auth-open-to-others"]));
    let mode = fs::metadata(folder.path("a.env")).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
}

#[test]
fn a_folder_that_is_none_gives_no_keys_and_says_where_they_go() {
    let folder = Folder::new();
    let auths = folder.root.path().join("other");
    let folder = folder.set("KMI_AUTHS_DIR", &auths.display().to_string());
    assert_eq!(folder.load().told(), ["auth-folder-missing"]);
    fs::write(&auths, SECRET).expect("written");
    let told = folder.load();
    assert_eq!((told.told(), told.keys.len()), (vec!["auth-folder-is-file"], 0));
    assert_eq!(told.warnings[0].file.as_deref(), Some(auths.as_path()));
}

#[test]
fn a_key_in_a_label_or_a_files_name_is_masked() {
    let inner = &SECRET[3..];
    for (file, contents) in [
        ("a.env", format!("KMI_API_KEY={SECRET}\nKMI_KEY_LABEL=${{KMI_API_KEY}}")),
        ("a.env", format!("KMI_API_KEY={SECRET}\nKMI_KEY_LABEL='mine: {SECRET}'")),
        ("a.env", format!("KMI_API_KEY=alpha\nKMI_KEY_LABEL={SECRET}")),
        ("a.env", format!("KMI_API_KEY={inner}\nKMI_KEY_LABEL={inner}")),
        ("sk-never-shown-0123456789.env", format!("KMI_API_KEY={SECRET}")),
        ("my_sk-never-shown-0123456789.toml", format!("[providers.x]\napi_key = '{SECRET}'")),
    ] {
        let auths = Folder::new().file(file, &contents).load();
        let [key] = auths.keys.as_slice() else { panic!("{file} {contents}: {auths:?}") };
        assert!(key.label.as_str().contains("***"), "{file} {contents}: {}", key.label);
        assert!(!format!("{key:?}").contains(inner), "{file} {contents}");
    }
    let plain = Folder::new().file("task-force-of-the-year-2026.env", "KMI_API_KEY=sk-1").load();
    assert_eq!(plain.labels(), ["task-force-of-the-year-2026"], "no key at all");
}

#[test]
fn an_address_that_is_part_of_the_key_is_none() {
    let auths = Folder::new().file("a.env", "KMI_API_KEY=sk-part@of.key\nCOPY=${KMI_API_KEY}").load();
    assert_eq!(auths.keys[0].email, None);
}

#[test]
fn long_names_are_told_by_their_whole_path() {
    let (one, two) = (format!("{}/a.env", "d".repeat(200)), format!("{}/b.env", "d".repeat(200)));
    let folder = Folder::new().file(&one, "KMI_API_KEY=sk-1").file(&two, "KMI_API_KEY=sk-1");
    let auths = folder.load();
    assert_eq!((auths.labels(), auths.told()), (vec!["a"], vec!["auth-same-key"]));
    assert_eq!(auths.warnings[0].file, Some(folder.path(&two)));
}

const OTHER: &str = "KMI_API_KEY=sk-other";

/// What the first of two files holds after a good start.
fn started(name: &str, contents: impl AsRef<[u8]>) -> (Folder, AuthFiles) {
    let folder = Folder::new().file(name, contents).file("z.env", OTHER);
    let mut files = AuthFiles::default();
    let auths = folder.load_again(&mut files);
    assert_eq!((auths.keys.len(), auths.told()), (2, vec![]));
    (folder, files)
}

#[test]
fn a_file_that_can_not_be_judged_now_keeps_its_key() {
    let toml = format!("[providers.x]\napi_key = '{SECRET}'\n");
    let json = format!("{{\"providers\": {{\"x\": {{\"api_key\": \"{SECRET}\"}}}}}}");
    let env = format!("KMI_KEY_LABEL=mine\nKMI_KEY_PRIORITY=3\nKMI_API_KEY={SECRET}\n");
    let broken: &[(&str, &str, &[u8], &str)] = &[
        ("a.env", &env, b"", "auth-now-empty"),
        ("a.env", &env, b" \r\n", "auth-now-empty"),
        ("a.env", &env, b"KMI_KEY_LABEL=mine\nKMI_KEY_PRI", "auth-no-key"),
        ("a.env", &env, b"KMI_KEY_LABEL='mi", "auth-now-syntax"),
        ("a.env", &env, b"\0\0\0\0", "auth-now-syntax"),
        ("a.env", &env, b"KMI_API_KEY=sk-\xff", "auth-now-not-utf8"),
        ("a.env", &env, &[b'#'; (1 << 20) + 1], "auth-now-too-large"),
        ("b/a.toml", &toml, b"[providers.x]\napi_key = 'sk-", "auth-now-syntax"),
        ("b/a.toml", &toml, b"", "auth-now-empty"),
        ("a.json", &json, b"", "auth-now-empty"),
        ("a.json", &json, &json.as_bytes()[..20], "auth-now-syntax"),
    ];
    for (name, good, bad, reason) in broken {
        let (folder, mut files) = started(name, good);
        let before = folder.load_again(&mut files);
        let folder = folder.file(name, bad);
        if *reason == "auth-no-key" {
            // It can be read, and says that there is no key.
            assert_eq!((folder.load_again(&mut files).labels(), folder.load().told()), (vec!["z"], vec![*reason]));
            continue;
        }
        for _ in 0..2 {
            let auths = folder.load_again(&mut files);
            assert_eq!(auths.told(), ["auth-kept"], "{name} {reason}");
            let Some(Argument::Message(told)) = auths.argument("reason") else { panic!("{name}: {auths:?}") };
            assert_eq!((told.id.as_ref(), auths.warnings[0].file.clone()), (*reason, Some(folder.path(name))));
            assert_eq!(format!("{:?}", auths.keys), format!("{:?}", before.keys), "{name} {reason}");
            assert!(auths.keys.iter().any(|key| key.secret.expose() == SECRET));
        }
        assert_eq!(folder.load().labels(), ["z"], "who comes later knows nothing of it");
        let folder = folder.file(name, good.replace(SECRET, "sk-new"));
        let auths = folder.load_again(&mut files);
        assert!(auths.told().is_empty() && auths.keys.iter().any(|key| key.secret.expose() == "sk-new"), "{name}");
    }
}

#[test]
fn a_file_that_may_not_be_read_keeps_its_key() {
    let (folder, mut files) = started("a.env", format!("KMI_API_KEY={SECRET}"));
    // No user may read a pipe as a file, not even root, whom permissions do not stop.
    fs::remove_file(folder.path("a.env")).expect("removed");
    assert!(Command::new("mkfifo").arg(folder.path("a.env")).status().expect("mkfifo").success());
    let auths = folder.load_again(&mut files);
    assert_eq!((auths.labels(), auths.told()), (vec!["a", "z"], vec!["auth-kept"]));

    for name in ["b.env", "team/b.env"] {
        let (folder, mut files) = started(name, format!("KMI_API_KEY={SECRET}"));
        let locked = [folder.path(name), folder.path(name).parent().expect("a folder").to_owned()];
        for path in locked {
            let mode = fs::metadata(&path).expect("there").permissions();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o0)).expect("set");
            let auths = folder.load_again(&mut files);
            fs::set_permissions(&path, mode).expect("set");
            assert_eq!(auths.labels(), ["b", "z"], "{name} behind {}", path.display());
        }
        assert_eq!(folder.load_again(&mut files).told(), [] as [&str; 0]);
    }
}

#[test]
fn a_file_that_is_gone_loses_its_key() {
    for name in ["a.env", "team/a.env"] {
        let key = || format!("KMI_API_KEY={SECRET}");
        let (folder, mut files) = started(name, key());
        fs::remove_file(folder.path(name)).expect("removed");
        let auths = folder.load_again(&mut files);
        assert_eq!((auths.labels(), auths.told()), (vec!["z"], vec![]), "{name}");
        let folder = folder.file(name, "");
        assert_eq!(folder.load_again(&mut files).told(), ["auth-no-key"], "{name}: it is not remembered");

        let (folder, mut files) = started(name, key());
        fs::rename(folder.path(name), folder.path("b.env")).expect("renamed");
        assert_eq!(folder.load_again(&mut files).labels(), ["b", "z"]);

        let (folder, mut files) = started(name, key());
        fs::remove_file(folder.path(name)).expect("removed");
        fs::create_dir(folder.path(name)).expect("made");
        assert_eq!(folder.load_again(&mut files).labels(), ["z"], "a folder is no file");
    }
}

#[test]
fn a_folder_that_is_gone_takes_its_keys_along() {
    let (folder, mut files) = started("team/a.env", format!("KMI_API_KEY={SECRET}"));
    fs::remove_dir_all(folder.path("team")).expect("removed");
    assert_eq!(folder.load_again(&mut files).labels(), ["z"]);
    let config = folder.config();
    fs::remove_dir_all(folder.path("")).expect("removed");
    let auths = files.load(&config, &folder.environment);
    assert_eq!((auths.labels(), auths.told()), (vec![], vec!["auth-folder-missing"]));
    fs::write(folder.environment.cwd.join("_auths"), SECRET).expect("written");
    let auths = files.load(&config, &folder.environment);
    assert_eq!((auths.labels(), auths.told()), (vec![], vec!["auth-folder-is-file"]));
}

#[test]
fn what_a_file_says_clearly_counts_at_once() {
    for (contents, id) in [
        (format!("KMI_API_KEY={SECRET}\nKMI_UPSTREAM_BASE_URL=https://evil.test/v1"), "auth-host-not-allowed"),
        (format!("KMI_API_KEY={SECRET} and more"), "auth-key-character"),
        ("KMI_KEY_LABEL=mine".to_owned(), "auth-no-key"),
        ("KMI_API_KEY=".to_owned(), "auth-no-key"),
    ] {
        let (folder, mut files) = started("a.env", format!("KMI_API_KEY={SECRET}"));
        let folder = folder.file("a.env", &contents);
        let auths = folder.load_again(&mut files);
        assert_eq!((auths.labels(), auths.told()), (vec!["z"], vec![id]), "{contents}");
        let folder = folder.file("a.env", "");
        assert_eq!(folder.load_again(&mut files).labels(), ["z"], "{contents}: the older key is forgotten");
    }
}

#[test]
fn a_kept_key_is_held_to_the_settings_of_now() {
    let own = format!("KMI_API_KEY={SECRET}\nKMI_UPSTREAM_BASE_URL=https://own.test/v1\n");
    let folder = Folder::new().set("KMI_UPSTREAM_ALLOWLIST", "own.test").file("a.env", own).file("z.env", OTHER);
    let mut files = AuthFiles::default();
    assert_eq!(folder.load_again(&mut files).labels(), ["a", "z"]);
    let folder = folder.file("a.env", "").file("z.env", "");
    let folder = folder.set("KMI_UPSTREAM_BASE_URL", "http://127.0.0.1:9/v1");
    let bases = |auths: &Auths| auths.keys.iter().map(|key| key.base.to_string()).collect::<Vec<_>>();
    assert_eq!(bases(&folder.load_again(&mut files)), ["https://own.test/v1", "http://127.0.0.1:9/v1"]);
    let auths = folder.set("KMI_UPSTREAM_ALLOWLIST", "").load_again(&mut files);
    assert_eq!((auths.labels(), auths.told()), (vec!["z"], vec!["auth-host-not-allowed", "auth-kept"]));
}

#[test]
fn another_folder_starts_anew() {
    let (folder, mut files) = started("a.env", format!("KMI_API_KEY={SECRET}"));
    let folder = folder.file("a.env", "").file("../other/b.env", OTHER);
    let elsewhere = folder.environment.cwd.join("other").display().to_string();
    let folder = folder.set("KMI_AUTHS_DIR", &elsewhere);
    assert_eq!(folder.load_again(&mut files).labels(), ["b"]);
    let folder = folder.set("KMI_AUTHS_DIR", "");
    assert_eq!(folder.load_again(&mut files).labels(), ["z"]);
}

#[test]
fn a_kept_key_is_compared_with_the_others_as_ever() {
    let (folder, mut files) = started("a.env", format!("KMI_API_KEY={SECRET}"));
    let folder = folder.file("a.env", format!("KMI_API_KEY={SECRET}\nKMI_KEY_LABEL=z"));
    assert_eq!(folder.load_again(&mut files).labels(), ["z", "z-2"]);
    let folder = folder.file("a.env", "").file("b.env", format!("KMI_API_KEY={SECRET}"));
    let auths = folder.load_again(&mut files);
    assert_eq!(
        (auths.labels(), auths.told()),
        (vec!["z", "z-2"], vec!["auth-kept", "auth-same-key", "auth-same-label"])
    );
}

proptest::proptest! {
    #[test]
    fn no_spoilt_file_breaks_it_or_tells_its_secret(
        name in proptest::sample::select(vec!["a.env", "b.toml", "c.json", "d.json.bak", "e/f.env"]),
        content in crate::spoil::spoilt(&[
            "export KMI_API_KEY='sk-never-shown-0123456789' # mine\nKMI_KEY_LABEL=\"first\"\nKMI_KEY_PRIORITY=7\nKMI_KEY_DISABLED=no\nEMAIL=a@example.org\n",
            "[providers.moonshot-ai]\napi_key = \"sk-never-shown-0123456789\"\nbase_url = \"https://api.moonshot.ai/v1\"\n",
            "{\"providers\": {\"x\": {\"api_key\": \"sk-never-shown-0123456789\", \"base_url\": \"https://api.moonshot.ai/v1\"}}}",
        ]),
    ) {
        // Loading itself looks for the secret in all that is said.
        let auths = Folder::new().file(name, content).load();
        proptest::prop_assert!(auths.keys.len() <= 1 && auths.keys.iter().all(|key| !key.label.as_str().is_empty()));
    }
}
