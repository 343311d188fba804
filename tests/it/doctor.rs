//! The doctor from outside: what it sees with and without a running instance, what it changes when told to, and that it
//! changes nothing otherwise. Not each check's limits: those are beside the checks.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, channel},
    thread,
};

use serde_json::Value;

use crate::support::{
    proxy::{Home, home, key, simulator},
    schema,
};

/// Exit code and the report.
async fn doctor(home: &Home, more: &[&str]) -> (Option<i32>, Value) {
    let (code, said, errors) = home.run(&[&["doctor", "--json"], more].concat()).await;
    let report = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}{errors}"));
    (code, report)
}

/// Statuses and texts of one check.
fn check(report: &Value, id: &str) -> Vec<(String, String)> {
    let checks = report["checks"].as_array().expect("checks");
    let of = checks.iter().filter(|check| check["id"] == id);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    of.map(|check| (text(&check["status"]), text(&check["seen"]))).collect()
}

fn status(report: &Value, id: &str) -> Vec<String> {
    check(report, id).into_iter().map(|(status, _)| status).collect()
}

/// Everything below a folder, with mode and content.
fn tree(folder: &Path) -> BTreeSet<(PathBuf, u32, Vec<u8>)> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("listed").flatten() {
        let metadata = entry.metadata().expect("there");
        let content = if metadata.is_file() { fs::read(entry.path()).expect("read") } else { Vec::new() };
        found.insert((entry.path(), metadata.permissions().mode(), content));
        if metadata.is_dir() {
            found.append(&mut tree(&entry.path()));
        }
    }
    found
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}

/// A home whose files are as they should be.
fn closed(home: Home) -> Home {
    set_mode(&home.auths(), 0o700);
    for entry in fs::read_dir(home.auths()).expect("listed").flatten() {
        set_mode(&entry.path(), 0o600);
    }
    home
}

#[tokio::test]
async fn without_keys_it_fails_and_leaves_no_trace() {
    let simulator = simulator(&[]).await;
    let home = home(&simulator, &[]);
    let before = tree(home.folder.path());
    let (code, report) = doctor(&home, &[]).await;
    assert_eq!((code, &report["ok"]), (Some(1), &false.into()));
    assert_eq!(status(&report, "keys"), ["fail"]);
    for language in ["en", "ru"] {
        let (code, said, errors) = home.run(&["doctor", "--lang", language]).await;
        assert_eq!((code, errors.as_str()), (Some(1), ""));
        let keys = if language == "ru" { "✗ ошибка    Ключи" } else { "✗ fail  Keys" };
        assert!(said.contains(keys), "{said}");
        assert!(said.lines().all(|line| line.chars().count() <= 80) && !said.contains('\x1b'), "{said}");
    }
    assert_eq!(tree(home.folder.path()), before, "nothing was made or changed");
}

#[tokio::test]
async fn when_all_is_well_it_says_so_beside_an_instance_and_without_one() {
    let simulator = simulator(&["alpha", "beta"]).await;
    let home = closed(home(&simulator, &["alpha", "beta"]));
    let before = tree(home.folder.path());
    let (code, report) = doctor(&home, &[]).await;
    assert_eq!((code, &report["ok"]), (Some(0), &true.into()), "{report:#}");
    assert_eq!((&report["counts"]["warn"], &report["counts"]["fail"]), (&0.into(), &0.into()), "{report:#}");
    assert_eq!(status(&report, "instance"), ["info"]);
    assert_eq!(tree(home.folder.path()), before, "nothing was made or changed");
    let proxy = home.start().await;
    let (code, report) = doctor(&proxy.home, &[]).await;
    assert_eq!((code, &report["counts"]["warn"]), (Some(0), &0.into()), "{report:#}");
    let instance = check(&report, "instance").remove(0);
    assert!(instance.1.contains(&proxy.child.id().expect("it runs").to_string()), "{instance:?}");
    assert!(check(&report, "port")[0].1.contains(&proxy.address.to_string()), "{report:#}");
    assert_eq!(status(&report, "clock"), ["ok"]);
}

#[tokio::test]
async fn what_keeps_the_proxy_from_starting_is_named() {
    let simulator = simulator(&["alpha"]).await;
    let open = home(&simulator, &["alpha"]).set("KMI_PROXY_LISTEN", "0.0.0.0:0");
    let (code, report) = doctor(&open, &[]).await;
    assert_eq!(code, Some(1));
    assert_eq!((status(&report, "bind"), status(&report, "token")), (vec!["fail".into()], vec!["fail".into()]));
    assert!(check(&report, "token")[0].1.contains("KMI_PROXY_TOKEN"), "{report:#}");

    let taken = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let held = home(&simulator, &["alpha"]).set("KMI_PROXY_LISTEN", &address);
    let (code, report) = doctor(&held, &[]).await;
    let port = check(&report, "port").remove(0);
    assert_eq!((code, port.0.as_str()), (Some(1), "fail"));
    assert!(port.1.contains(&address) && port.1.contains(&std::process::id().to_string()), "{port:?}");

    let nonsense = home(&simulator, &["alpha"]).set("KMI_TIMEZONE", "Mars/Olympus");
    let (code, report) = doctor(&nonsense, &["--clear-blocklist"]).await;
    assert_eq!((code, status(&report, "settings")), (Some(1), vec!["fail".to_owned()]));
    let action = &report["actions"][0];
    assert_eq!((&action["id"], &action["carried_out"]), (&"clear_blocklist".into(), &false.into()));
}

/// An upstream whose clock stands still, and what it is asked on each connection.
fn old_fashioned() -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("bound");
    let (tell, told) = channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 4096];
            let read = stream.read(&mut head).unwrap_or_default();
            let _ = tell.send(String::from_utf8_lossy(&head[..read]).into_owned());
            let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
        }
    });
    (address, told)
}

#[tokio::test]
async fn a_dead_upstream_and_a_wrong_clock_are_told() {
    let closed = TcpListener::bind(("127.0.0.1", 0)).expect("a port").local_addr().expect("bound");
    let home = Home::new().set("KMI_UPSTREAM_BASE_URL", format!("http://{closed}/v1")).with_key("alpha");
    let (code, report) = doctor(&home, &[]).await;
    assert_eq!(
        (code, status(&report, "upstream"), status(&report, "clock")),
        (Some(1), vec!["fail".to_owned()], vec!["info".to_owned()])
    );
    let (_, report) = doctor(&home.set("KMI_DRY_RUN", "1"), &[]).await;
    assert_eq!(status(&report, "upstream"), ["info"], "in a dry run nobody is asked");

    let (old, asked) = old_fashioned();
    let home = Home::new().set("KMI_UPSTREAM_BASE_URL", format!("http://{old}/v1")).with_key("alpha");
    let (code, report) = doctor(&home, &[]).await;
    assert_eq!((code, status(&report, "upstream")), (Some(1), vec!["ok".to_owned()]));
    assert_eq!(status(&report, "clock"), ["fail"], "{report:#}");
    let asked: Vec<String> = asked.try_iter().filter(|asked| !asked.is_empty()).collect();
    assert_eq!(asked.len(), 1, "it is asked once: {asked:?}");
    assert!(!asked[0].contains(&key("alpha")) && !asked[0].to_lowercase().contains("authorization"), "{asked:?}");
}

#[tokio::test]
async fn open_files_are_named_and_closed_when_told_to() {
    let simulator = simulator(&["alpha"]).await;
    let home = closed(home(&simulator, &["alpha"]));
    let (file, outside) = (home.auths().join("alpha.env"), home.folder.path().join("outside"));
    set_mode(&file, 0o644);
    fs::write(&outside, "KMI_API_KEY=\n").expect("written");
    set_mode(&outside, 0o644);
    symlink(&outside, home.auths().join("link.env")).expect("linked");
    let (code, report) = doctor(&home, &[]).await;
    assert_eq!((code, status(&report, "permissions")), (Some(0), vec!["warn".to_owned()]));
    assert!(check(&report, "permissions")[0].1.contains("alpha.env (644)"), "{report:#}");
    assert_eq!(mode(&file), 0o644, "looking changes nothing");
    let (_, report) = doctor(&home, &["--fix"]).await;
    let action = &report["actions"][0];
    assert_eq!((&action["id"], &action["done"], &action["left"]), (&"fix_permissions".into(), &1.into(), &1.into()));
    assert_eq!([mode(&file), mode(&outside)], [0o600, 0o644], "a link is not followed");
    let (_, said, _) = home.run(&["doctor", "--fix"]).await;
    assert!(said.starts_with("Closed 0 paths to others, 1 left as they were.\n"), "{said}");
}

#[tokio::test]
async fn blocks_are_cleared_by_the_instance_or_on_the_files() {
    let simulator = simulator(&["alpha", "beta"]).await;
    let proxy = home(&simulator, &["alpha", "beta"]).start().await;
    assert_eq!(proxy.home.run(&["block", "alpha"]).await.0, Some(0));
    let (_, report) = doctor(&proxy.home, &[]).await;
    assert_eq!(status(&report, "keys"), ["ok", "warn"]);
    let (code, report) = doctor(&proxy.home, &["--clear-blocklist"]).await;
    let action = &report["actions"][0];
    assert_eq!((code, &action["done"], &action["left"]), (Some(0), &1.into(), &0.into()));
    assert_eq!(status(&report, "keys"), ["ok"]);
    drop(proxy);

    let home = home(&simulator, &["alpha", "beta"]);
    for label in ["alpha", "beta"] {
        assert_eq!(home.run(&["block", label]).await.0, Some(0));
    }
    let (code, report) = doctor(&home, &[]).await;
    assert_eq!((code, status(&report, "keys")), (Some(1), vec!["fail".to_owned(), "warn".to_owned()]));
    let (code, said, _) = home.run(&["doctor", "--clear-blocklist"]).await;
    assert!(said.starts_with("Unblocked 2 keys, 0 still blocked.\n"), "{said}");
    assert_eq!(code, Some(0), "the exit code is that of what is left: {said}");
    assert_eq!(status(&doctor(&home, &[]).await.1, "keys"), ["ok"], "and it stays so");
}

#[tokio::test]
async fn keys_are_asked_about_now_and_in_a_dry_run_not() {
    let simulator = simulator(&["alpha", "beta"]).await;
    let home = home(&simulator, &["alpha", "beta"]).with_key("stranger");
    let (_, report) = doctor(&home, &["--recheck-keys"]).await;
    let action = &report["actions"][0];
    assert_eq!((&action["done"], &action["left"]), (&3.into(), &1.into()), "{report:#}");
    assert_eq!(status(&report, "usage"), ["ok", "warn"]);
    let dry = home.set("KMI_DRY_RUN", "1");
    let (_, report) = doctor(&dry, &["--recheck-keys"]).await;
    let action = &report["actions"][0];
    assert_eq!((&action["done"], &action["carried_out"]), (&0.into(), &true.into()));
    assert!(action["message"].as_str().is_some_and(|said| said.contains("dry run")), "{action}");
    let proxy = dry.set("KMI_DRY_RUN", "0").start().await;
    let (_, report) = doctor(&proxy.home, &["--recheck-keys", "--clear-blocklist", "--fix"]).await;
    let ids: Vec<&str> =
        report["actions"].as_array().expect("actions").iter().filter_map(|a| a["id"].as_str()).collect();
    assert_eq!(ids, ["clear_blocklist", "recheck_keys", "fix_permissions"]);
    assert_eq!((&report["actions"][1]["done"], &report["actions"][1]["left"]), (&3.into(), &1.into()));
}

#[tokio::test]
async fn clients_are_found_and_no_secret_is_said() {
    const TOKEN: &str = "tok-0123456789abcdef-client";
    let simulator = simulator(&["alpha"]).await;
    let home = home(&simulator, &["alpha"])
        .set("KMI_PROXY_TOKEN", TOKEN)
        .set("ANTHROPIC_BASE_URL", "https://user:sk-in-the-address@api.kimi.com/coding?key=sk-in-the-query")
        .set("ANTHROPIC_API_KEY", "sk-of-the-client");
    let folder = home.folder.path().join(".kimi-code");
    fs::create_dir(&folder).expect("made");
    fs::write(
        folder.join("config.toml"),
        "[providers.x]\nbase_url = \"http://127.0.0.1:9/v1\"\napi_key = \"sk-of-kimi\"",
    )
    .expect("written");
    let proxy = home.start().await;
    for arguments in [&["doctor"][..], &["doctor", "--lang", "ru"], &["doctor", "--json"]] {
        let (_, said, errors) = proxy.home.run(arguments).await;
        for secret in [TOKEN, &key("alpha"), "sk-in", "sk-of"] {
            assert!(!said.contains(secret) && !errors.contains(secret), "{secret}: {said}{errors}");
        }
        assert!(said.contains("https://api.kimi.com/coding") && said.contains(".kimi-code/config.toml"), "{said}");
    }
    let (_, report) = doctor(&proxy.home, &[]).await;
    assert_eq!(status(&report, "clients"), ["warn", "warn"], "{report:#}");
}

#[tokio::test]
async fn the_json_is_as_its_schema_says() {
    let simulator = simulator(&["alpha"]).await;
    let (_, report) = doctor(&home(&simulator, &["alpha"]), &["--fix"]).await;
    schema::fits(&report, "doctor");
}
