//! Settings read twice: what came anew, what is kept, what has to wait, and that no secret is told.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use tempfile::TempDir;

use super::*;
use crate::config::load;

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
        Self {
            folder,
            environment: Environment { cwd, home: Some(home), ..Environment::default() },
            flags: Flags::default(),
        }
    }

    fn env(&self) -> PathBuf {
        self.environment.cwd.join(".env")
    }

    fn write(&self, lines: impl AsRef<[u8]>) {
        fs::write(self.env(), lines).expect("written");
    }

    fn load(&self) -> Loaded {
        load(&self.flags, &self.environment).expect("good settings")
    }

    fn reload(&self, before: &Loaded) -> Result<Loaded, Vec<Problem>> {
        reload(&self.flags, &self.environment, before)
    }

    /// Every file below, with its content.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let folders = [self.folder.path().to_owned(), self.environment.cwd.clone(), self.folder.path().join("home")];
        let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).expect("listed"));
        let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        files.sort();
        files.into_iter().map(|path| (path.clone(), fs::read(&path).unwrap_or_default())).collect()
    }
}

fn ids(problems: &[Problem]) -> Vec<&str> {
    problems.iter().map(|problem| problem.message.id.as_ref()).collect()
}

#[test]
fn files_are_read_anew_and_nothing_is_left_behind() {
    let place = Place::new();
    let mut loaded = place.load();
    for retries in [1, 2, 7] {
        place.write(format!("KMI_PROXY_RETRY_MAX={retries}\n"));
        let files = place.files();
        loaded = place.reload(&loaded).expect("good settings");
        assert_eq!(loaded.config.policy.retry_max, retries);
        assert_eq!(loaded.config.env_file, Some(place.env()));
        assert_eq!(place.files(), files);
    }
    fs::remove_file(place.env()).expect("removed");
    loaded = place.reload(&loaded).expect("good settings");
    assert_eq!((loaded.config.policy.retry_max, loaded.config.env_file), (0, None), "a file that is gone says nothing");
}

#[test]
fn a_wrong_value_and_an_unreadable_file_fail_and_change_nothing() {
    for (lines, id) in [
        (b"KMI_PROXY_RETRY_MAX=many\n".as_slice(), "config-not-number"),
        (b"KMI_PROXY_RETRY_MAX=3\n\xff", "config-env-broken"),
        (&[b'#'; (1 << 20) + 1], "config-env-large"),
    ] {
        let place = Place::new();
        place.write("KMI_PROXY_RETRY_MAX=2\n");
        let loaded = place.load();
        place.write(lines);
        let problems = place.reload(&loaded).expect_err("not now");
        assert_eq!(ids(&problems), [id]);
        assert_eq!(problems[0].severity, Severity::Fail);
    }
    let place = Place::new();
    place.write(b"\xff");
    let loaded = place.load();
    assert_eq!(ids(&place.reload(&loaded).expect("as before").warnings), ["config-env-broken"], "it never had a say");
}

#[test]
fn what_came_out_of_a_pipe_is_kept() {
    let mut place = Place::new();
    let pipe = place.environment.cwd.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    place.flags.env_file = Some("pipe".into());
    let writer = {
        let pipe = pipe.clone();
        std::thread::spawn(move || fs::write(pipe, "KMI_PROXY_TOKEN=tok-in-a-pipe\nKMI_PROXY_RETRY_MAX=4\n"))
    };
    let loaded = place.load();
    writer.join().expect("no panic").expect("written");
    assert!(!format!("{loaded:?}").contains("tok-in"));
    let again = place.reload(&loaded).expect("not waited for");
    fs::remove_file(pipe).expect("removed");
    let again = place.reload(&again).expect("kept");
    assert_eq!(again.config.policy.retry_max, 4);
    assert_eq!(needs_restart(&loaded, &again), []);
}

#[test]
fn a_named_file_that_is_gone_or_became_a_pipe_fails_at_once() {
    let mut place = Place::new();
    place.write("KMI_PROXY_RETRY_MAX=4\n");
    place.flags.env_file = Some(".env".into());
    let loaded = place.load();
    fs::remove_file(place.env()).expect("removed");
    assert_eq!(ids(&place.reload(&loaded).expect_err("gone")), ["config-env-missing"]);
    assert!(std::process::Command::new("mkfifo").arg(place.env()).status().expect("mkfifo").success());
    assert_eq!(ids(&place.reload(&loaded).expect_err("no file")), ["config-env-unreadable"]);
}

#[test]
fn a_change_that_has_to_wait_is_told_once_and_only_while_it_lasts() {
    let place = Place::new();
    place.write("KMI_LOG_BACKUPS=3\nKMI_DRY_RUN=off\nKMI_STRATEGY=priority\n");
    let old = place.load();
    for (lines, expected) in [
        ("KMI_LOG_BACKUPS=4\nKMI_DRY_RUN=1\nKMI_STRATEGY=least-busy\n", &["KMI_DRY_RUN", "KMI_LOG_BACKUPS"][..]),
        ("KMI_LOG_BACKUPS= 0_3\nKMI_STRATEGY=round-robin\n", &[]),
        ("KMI_DRY_RUN=No\n", &[]),
        ("KMI_AUDIT_ACTOR=a@example.org\n", &["KMI_AUDIT_ACTOR"]),
    ] {
        place.write(lines);
        let new = place.reload(&old).expect("good settings");
        let waiting = needs_restart(&old, &new);
        let told = waiting.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>();
        let expected: Vec<Message> =
            expected.iter().map(|name| Message::new("config-needs-restart").with("name", *name)).collect();
        assert_eq!(told, expected, "{lines}");
        assert!(waiting.iter().all(|problem| problem.file.as_ref() == Some(&place.env())), "{lines}");
    }
}

#[test]
fn what_is_in_force_is_told_with_where_it_comes_from_and_no_secret() {
    let mut place = Place::new();
    place.flags.env_file = Some(place.env());
    place.write("KMI_PROXY_TOKEN=tok-long-enough-for-a-test\nKMI_HOLD_SECONDS=5\nKMI_SHUTDOWN_SECONDS=7\n");
    let started = place.load();
    place.write("KMI_PROXY_TOKEN=tok-long-enough-for-a-test\nKMI_HOLD_SECONDS=6\nKMI_SHUTDOWN_SECONDS=8\n");
    let views = in_force(&started, &place.reload(&started).expect("good settings"));
    let file = SettingOrigin::File(place.env().display().to_string());
    let found = |name: &str| views.iter().find(|view| view.name == name).cloned().expect("listed");
    for (name, value, live, waits) in [
        ("KMI_HOLD_SECONDS", "6", true, false),
        ("KMI_SHUTDOWN_SECONDS", "7", false, true),
        ("KMI_PROXY_TOKEN", "***", false, false),
    ] {
        let expected =
            SettingView { name: name.to_owned(), value: value.to_owned(), origin: file.clone(), live, waits };
        assert_eq!(found(name), expected);
    }
    assert_eq!((found("KMI_LOCALE").value, found("KMI_LOCALE").origin), ("en".to_owned(), SettingOrigin::Default));
    assert!(!format!("{views:?}").contains("tok-long"));
}

#[test]
fn a_changed_secret_is_seen_and_never_told() {
    let mut place = Place::new();
    place.flags.env_file = Some(".env".into());
    place.write("KMI_PROXY_TOKEN=tok-one-0123456789\n");
    let old = place.load();
    place.write("KMI_PROXY_TOKEN=tok-two-0123456789\n");
    let new = place.reload(&old).expect("good settings");
    let waiting = needs_restart(&old, &new);
    assert_eq!(ids(&waiting), ["config-needs-restart"]);
    let shown = format!("{old:?} {new:?} {waiting:?}");
    assert!(!shown.contains("tok-one") && !shown.contains("tok-two"));
}

#[test]
fn an_env_file_that_may_not_be_read_now_keeps_what_it_said() {
    let place = Place::new();
    place.write("KMI_PROXY_RETRY_MAX=2\n");
    let loaded = place.load();
    fs::set_permissions(place.env(), fs::Permissions::from_mode(0o0)).expect("set");
    // Whoever runs this as root may read it all the same.
    match place.reload(&loaded) {
        Ok(again) => assert_eq!(again.config.policy.retry_max, 2),
        Err(problems) => assert_eq!(ids(&problems), ["config-env-denied"]),
    }
}
