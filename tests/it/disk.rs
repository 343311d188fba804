//! Disks that are full, closed, slow or gone, files that somebody spoilt, and sudden ends: no request waits or fails for
//! them, what is not written is told, and nothing that was there is lost.

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::support::{
    proxy::{Home, Proxy, home, key, simulator, until},
    sudden_end::{LABELS, sudden_ends},
};

/// `status --json`, from the running instance.
async fn not_written(home: &Home) -> Value {
    let (code, said, errors) = home.run(&["status", "--json"]).await;
    assert_eq!(code, Some(0), "{errors}");
    serde_json::from_str::<Value>(&said).expect("JSON")["not_written"].clone()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("set");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").mode() & 0o777
}

/// Ten requests are served while nothing can be written, which is told everywhere; when it can, all is made up for.
async fn nothing_can_be_written(proxy: &Proxy, stop_writing: impl FnOnce(), write_again: impl FnOnce()) {
    assert_eq!(proxy.chat("before", false).await.status, 200);
    proxy.traced(1).await;
    let kept = proxy.state_where("the count", |state| state["keys"]["alpha"]["request_count"] == 1).await;
    stop_writing();
    for _ in 0..10 {
        assert_eq!(proxy.chat("hello", false).await.status, 200);
    }
    assert_eq!(proxy.home.run(&["block", "beta", "--reason", "mine"]).await.0, Some(0), "a person is answered too");
    let mut told = not_written(&proxy.home).await;
    while told["waiting_records"] != 10 || told["failed_saves"] == 0 {
        told = not_written(&proxy.home).await;
    }
    assert_eq!(told["lost_records"], 0, "{told}");
    let (_, said, _) = proxy.home.run(&["status"]).await;
    assert!(said.contains("10 records wait"), "{said}");
    let (code, said, _) = proxy.home.run(&["doctor", "--json"]).await;
    let report: Value = serde_json::from_str(&said).expect("JSON");
    let failed = |id: &str| {
        let checks = report["checks"].as_array().expect("a list").iter();
        checks.filter(|check| check["id"] == id).any(|check| check["status"] == "fail")
    };
    assert!(code == Some(1) && failed("state") && failed("trace"), "{said}");
    write_again();
    assert_eq!(proxy.traced(11).await.len(), 11, "each once");
    let now = proxy.state_where("the rest", |state| state["keys"]["alpha"]["request_count"] == 11).await;
    assert_eq!(
        (&kept["keys"]["alpha"]["request_count"], &now["keys"]["beta"]["blocked_reason"]),
        (&json!(1), &json!("mine"))
    );
    let mut told = not_written(&proxy.home).await;
    while told["failed_saves"] != 0 {
        told = not_written(&proxy.home).await;
    }
    assert_eq!(told["waiting_records"], 0);
    let log = proxy.home.state_dir().join("logs/kmi.log");
    let again = || fs::read_to_string(&log).ok().filter(|text| text.contains("trace_is_written_again"));
    let log = until("the log to go on", again).await;
    assert!(log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{log}");
    assert_eq!(log.matches("trace_write_failed").count(), 1, "said once, not for each try: {log}");
}

/// The limit on the size of files stands for a full disk: it needs no root, and can be lifted again.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_costs_no_request_and_what_waits_is_written_later() {
    use rustix::process::{Resource, Rlimit, prlimit};
    let simulator = simulator(&["alpha", "beta"]).await;
    let proxy = home(&simulator, &["alpha", "beta"]).start().await;
    let pid = proxy.pid();
    let limit = |current| {
        let _before = prlimit(Some(pid), Resource::Fsize, Rlimit { current, maximum: None }).expect("set");
    };
    nothing_can_be_written(&proxy, || limit(Some(0)), || limit(None)).await;
}

#[tokio::test]
async fn a_folder_that_is_closed_while_it_runs_costs_no_request() {
    let simulator = simulator(&["alpha", "beta"]).await;
    let proxy = home(&simulator, &["alpha", "beta"]).of_an_ordinary_user().start().await;
    let folder = proxy.home.state_dir();
    let close = || {
        set_mode(&folder.join("trace/trace.jsonl"), 0o400);
        // Commands still reach the socket in it.
        set_mode(&folder, 0o500);
    };
    let open = || {
        set_mode(&folder, 0o700);
        set_mode(&folder.join("trace/trace.jsonl"), 0o600);
    };
    nothing_can_be_written(&proxy, close, open).await;
}

#[tokio::test]
async fn a_folder_that_is_taken_away_and_put_back_is_written_to_again() {
    let simulator = simulator(&["alpha"]).await;
    let proxy = home(&simulator, &["alpha"]).start().await;
    assert_eq!(proxy.chat("before", false).await.status, 200);
    proxy.traced(1).await;
    let (folder, away) = (proxy.home.state_dir(), proxy.home.folder.path().join("away"));
    fs::rename(&folder, &away).expect("moved");
    for _ in 0..3 {
        assert_eq!(proxy.chat("hello", false).await.status, 200);
    }
    fs::rename(&away, &folder).expect("moved back");
    proxy.traced(4).await;
    proxy.state_where("the count", |state| state["keys"]["alpha"]["request_count"] == 4).await;
    let log = folder.join("logs/kmi.log");
    until("the log", || fs::read_to_string(&log).ok().filter(|text| text.matches("proxy_request").count() == 4)).await;
}

/// A mount of its own; gone with this.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where the system lets nobody mount one.
    fn mount(at: &Path) -> Option<Self> {
        fs::create_dir_all(at).expect("made");
        let mount = ["-t", "tmpfs", "-o", "size=64k,mode=700", "kmi-test"];
        let mounted = std::process::Command::new("mount").args(mount).arg(at).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(at.to_owned()))
    }
}

impl SmallDisk {
    fn grow(&self) {
        let grown = std::process::Command::new("mount").args(["-o", "remount,size=16m"]).arg(&self.0).output();
        assert!(grown.expect("it runs").status.success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("--lazy").arg(&self.0).output();
    }
}

#[tokio::test]
async fn a_small_disk_fills_up_and_loses_nothing_that_was_there() {
    let simulator = simulator(&["alpha"]).await;
    let home = home(&simulator, &["alpha"]);
    let Some(disk) = SmallDisk::mount(&home.state_dir()) else {
        return eprintln!("SKIPPED: only root can mount a small disk");
    };
    let proxy = home.start().await;
    assert_eq!(proxy.chat("first", false).await.status, 200);
    proxy.state_where("the count", |state| state["keys"]["alpha"]["request_count"] == 1).await;
    proxy.traced(1).await;
    for _ in 0..200 {
        assert_eq!(proxy.get("/models").await.status, 200);
    }
    let told = not_written(&proxy.home).await;
    assert!(told["waiting_records"].as_u64() > Some(0) && told["lost_records"] == 0, "{told}");
    assert!(proxy.state().is_object() && !proxy.trace().is_empty(), "what was there is there");
    let trace = fs::read_to_string(proxy.home.state_dir().join("trace/trace.jsonl")).expect("there");
    assert!(trace.ends_with('\n'), "no half line");
    disk.grow();
    proxy.traced(201).await;
    proxy.state_where("the count", |state| state["keys"]["alpha"]["request_count"] == 201).await;
}

#[tokio::test]
async fn it_starts_on_a_full_disk() {
    let simulator = simulator(&["alpha"]).await;
    let home = home(&simulator, &["alpha"]);
    let Some(disk) = SmallDisk::mount(&home.state_dir()) else {
        return eprintln!("SKIPPED: only root can mount a small disk");
    };
    fs::write(home.state_dir().join("junk"), [1; 1 << 20]).expect_err("it is full");
    let proxy = home.start().await;
    assert_eq!(proxy.chat("hello", false).await.status, 200);
    disk.grow();
    proxy.traced(1).await;
}

#[tokio::test]
async fn a_folder_that_cant_be_written_is_named_at_the_start() {
    let simulator = simulator(&["alpha"]).await;
    let home = home(&simulator, &["alpha"]);
    fs::create_dir(home.state_dir()).expect("made");
    let home = home.of_an_ordinary_user();
    set_mode(&home.state_dir(), 0o500);
    let (code, _, errors) = home.run(&["--no-ui"]).await;
    set_mode(&home.state_dir(), 0o700);
    let named = errors.contains(&home.state_dir().join("kmi.lock").display().to_string());
    assert!(code == Some(1) && named, "{code:?}: {errors}");
    assert_eq!(fs::read_dir(home.state_dir()).expect("there").count(), 0);
}

#[tokio::test]
async fn a_command_whose_change_cant_be_saved_fails() {
    let simulator = simulator(&["alpha"]).await;
    let home = home(&simulator, &["alpha"]).of_an_ordinary_user();
    assert_eq!(home.run(&["block", "alpha", "--reason", "one"]).await.0, Some(0));
    set_mode(&home.state_dir(), 0o500);
    let (code, said, errors) = home.run(&["block", "alpha", "--reason", "two"]).await;
    let (looks, status, _) = home.run(&["status"]).await;
    set_mode(&home.state_dir(), 0o700);
    assert!(code == Some(1) && errors.contains("could not be saved") && said.is_empty(), "{code:?}: {said}{errors}");
    assert!(looks == Some(0) && status.contains("alpha"), "to look is possible: {status}");
    let text = fs::read_to_string(home.state_dir().join("state.json")).expect("there");
    assert!(text.contains("\"one\"") && !text.contains("\"two\""), "{text}");
}

#[tokio::test]
async fn a_state_that_is_none_is_set_aside_whole() {
    let simulator = simulator(&["alpha"]).await;
    let deep = "[".repeat(200_000);
    let large = format!("{{\"keys\": \"{}\"}}", "x".repeat(30 << 20));
    let contents: [(&str, &[u8]); 9] = [
        ("empty", b""),
        ("NULs", &[0; 4096]),
        ("cut", b"{\"schema_version\": 1, \"keys\": {\"alpha\": {\"request_c"),
        ("an array", b"[]"),
        ("null", b"null"),
        ("no JSON", b"active_index = 3"),
        ("not UTF-8", b"{\"keys\": \"\xff\xfe\"}"),
        ("deep", deep.as_bytes()),
        ("30 MB", large.as_bytes()),
    ];
    for (name, content) in contents {
        let home = home(&simulator, &["alpha"]);
        fs::create_dir(home.state_dir()).expect("made");
        fs::write(home.state_dir().join("state.json"), content).expect("written");
        let proxy = home.start().await;
        assert_eq!(proxy.chat("hello", false).await.status, 200, "{name}");
        proxy.state_where("a new state", |state| state["keys"]["alpha"]["request_count"] == 1).await;
        let files = fs::read_dir(proxy.home.state_dir()).expect("there").flatten().map(|entry| entry.path());
        let aside: Vec<_> = files.filter(|path| path.to_string_lossy().contains("state.json.corrupt.")).collect();
        assert_eq!(aside.len(), 1, "{name}: {aside:?}");
        assert!(fs::read(&aside[0]).expect("there") == content, "{name}: it is kept as it was");
    }
}

#[tokio::test]
async fn what_is_odd_in_a_state_is_passed_over_and_the_rest_counts() {
    let simulator = simulator(&["alpha", "beta"]).await;
    let contents = [
        (
            "wrong types",
            r#"{"schema_version":[],"active_index":{},"auto_rotate":"maybe","keys":{"alpha":{"request_count":"many","error_429":-1},"beta":{"request_count":7}}}"#,
        ),
        (
            "out of range",
            r#"{"schema_version":1,"active_index":99,"rotation_index":18446744073709551615,"keys":{"alpha":{"error_429":4294967296,"request_count":1e99},"beta":{"request_count":7}}}"#,
        ),
        (
            "bad times",
            r#"{"last_health_refresh":"yesterday","keys":{"alpha":{"exhausted_until":"9999-99-99T99:99:99Z","blocked_until":"-262144-01-01T00:00:00Z","last_used":5},"beta":{"request_count":7}}}"#,
        ),
        ("a newer version", r#"{"schema_version":99,"keys":{"beta":{"request_count":7}},"later":{"a":[1]}}"#),
        ("a byte order mark", "\u{feff}{\"keys\":{\"beta\":{\"request_count\":7}}}"),
    ];
    for (name, content) in contents {
        let home = home(&simulator, &["alpha", "beta"]);
        fs::create_dir(home.state_dir()).expect("made");
        fs::write(home.state_dir().join("state.json"), content).expect("written");
        let proxy = home.start().await;
        assert_eq!(proxy.chat("hello", false).await.status, 200, "{name}");
        let used = |state: &Value| state["keys"]["alpha"]["last_used"].is_string();
        let state = proxy.state_where("the request", used).await;
        assert_eq!(state["keys"]["beta"]["request_count"], 7, "{name}: {state}");
        assert!(!name.contains("newer") || state["later"]["a"][0] == 1, "{name}: {state}");
    }
}

#[tokio::test]
async fn links_are_followed_pipes_are_not_waited_for_and_open_folders_are_closed() {
    let simulator = simulator(&["alpha"]).await;
    let home = home(&simulator, &["alpha"]);
    let (folder, real) = (home.state_dir(), home.folder.path().join("elsewhere.json"));
    fs::create_dir(&folder).expect("made");
    set_mode(&folder, 0o777);
    fs::write(&real, r#"{"keys":{"alpha":{"request_count":7}}}"#).expect("written");
    symlink(&real, folder.join("state.json")).expect("linked");
    let mut proxy = home.start().await;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(proxy.chat("hello", false).await.status, 200);
    proxy.state_where("the count", |state| state["keys"]["alpha"]["request_count"] == 8).await;
    assert!(fs::symlink_metadata(folder.join("state.json")).expect("there").is_symlink(), "the link stays one");
    assert!(fs::read_to_string(&real).expect("there").contains("\"request_count\": 8"), "and its file is written");
    proxy.child.kill().await.expect("killed");
    fs::remove_file(folder.join("state.json")).expect("removed");
    let pipe = std::process::Command::new("mkfifo").arg(folder.join("state.json")).status().expect("it runs");
    assert!(pipe.success());
    let proxy = proxy.home.start().await;
    assert_eq!(proxy.chat("hello", false).await.status, 200);
    proxy.state_where("a new state", |state| state["keys"]["alpha"]["request_count"] == 1).await;
}

#[tokio::test]
async fn what_a_dead_instance_left_is_in_nobodys_way() {
    let simulator = simulator(&["alpha"]).await;
    let home = home(&simulator, &["alpha"]);
    let folder = home.state_dir();
    fs::create_dir(&folder).expect("made");
    // The pid of one that lives and is none of ours, a lock that nobody holds, a socket without anybody behind it.
    fs::write(folder.join("kmi.pid"), "1").expect("written");
    for name in ["kmi.lock", "state.json.lock", ".kmi-tmp-left"] {
        fs::write(folder.join(name), "").expect("written");
    }
    drop(std::os::unix::net::UnixListener::bind(folder.join("kmi.sock")).expect("bound"));
    let (code, said, errors) = home.run(&["status", "--json"]).await;
    let status: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((code, &status["proxy"]["running"]), (Some(0), &false.into()), "{errors}");
    let proxy = home.start().await;
    assert_eq!(proxy.home.pid(), Some(proxy.pid()));
    assert!(!folder.join(".kmi-tmp-left").exists());
    assert_eq!(proxy.home.run(&["block", "alpha"]).await.0, Some(0), "the socket is its own");
}

#[tokio::test]
async fn a_lock_that_another_program_holds_keeps_no_request_waiting() {
    let simulator = simulator(&["alpha"]).await;
    let proxy = home(&simulator, &["alpha"]).start().await;
    let held = ["state.json.lock", "trace/trace.jsonl.lock"].map(|name| {
        let file = File::options().create(true).append(true).open(proxy.home.state_dir().join(name)).expect("opened");
        file.lock().expect("free, sooner or later");
        file
    });
    for _ in 0..20 {
        assert_eq!(proxy.chat("hello", false).await.status, 200);
    }
    let told = proxy.home.run(&["block", "alpha", "--reason", "mine"]).await;
    assert_eq!(told.0, Some(0), "a person is answered: {}", told.2);
    assert!(proxy.trace().is_empty() && proxy.state() == Value::Null, "nothing is written past a lock");
    drop(held);
    proxy.traced(20).await;
    let state = proxy.state_where("the count", |state| state["keys"]["alpha"]["request_count"] == 20).await;
    assert_eq!(state["keys"]["alpha"]["blocked_reason"], "mine");
}

#[tokio::test]
async fn sudden_ends_lose_nothing_that_was_answered() {
    let simulator = simulator(&LABELS).await;
    let seen = sudden_ends(&simulator, home(&simulator, &LABELS), 6, 7).await;
    assert_eq!(seen.faults, Vec::<String>::new(), "{seen:?}");
    assert!(seen.ends == 6 && seen.commands > 0 && seen.served > 0 && seen.traced > 0, "{seen:?}");
}

#[tokio::test]
async fn auth_files_that_are_renamed_written_slowly_or_replaced_with_their_folder_cost_no_request() {
    let simulator = simulator(&["alpha", "beta", "gamma"]).await;
    let proxy = home(&simulator, &["alpha"]).start().await;
    assert_eq!(proxy.chat("hello", false).await.status, 200);
    let auths = proxy.home.auths();
    let counted = |label: &'static str, count: u64| move |state: &Value| state["keys"][label]["request_count"] == count;
    proxy.state_where("the count", counted("alpha", 1)).await;
    fs::rename(auths.join("alpha.env"), auths.join("renamed.env")).expect("renamed");
    proxy.state_where("its history under the new name", counted("renamed", 1)).await;
    // Letter by letter, with requests in between: half a key that is taken for one costs a turn, not the request.
    fs::write(auths.join("other.env"), format!("KMI_API_KEY={}\n", key("beta"))).expect("written");
    let known = |state: &Value| state["keys"]["other"].is_object();
    proxy.state_where("the other key", known).await;
    let text = format!("KMI_API_KEY={}\n", key("alpha"));
    for end in 1..=text.len() {
        fs::write(auths.join("renamed.env"), &text[..end]).expect("written");
        if end % 8 == 0 {
            assert_eq!(proxy.chat("hello", false).await.status, 200, "at {end}");
        }
    }
    let fresh = proxy.home.folder.path().join("fresh");
    fs::create_dir(&fresh).expect("made");
    fs::write(fresh.join("gamma.env"), format!("KMI_API_KEY={}\n", key("gamma"))).expect("written");
    fs::rename(&auths, proxy.home.folder.path().join("old")).expect("moved");
    fs::rename(&fresh, &auths).expect("moved");
    let replaced = async { while proxy.chat("hello", false).await.header("x-kmi-key") != Some("gamma") {} };
    tokio::time::timeout(std::time::Duration::from_secs(20), replaced).await.expect("the new folder counts");
}
