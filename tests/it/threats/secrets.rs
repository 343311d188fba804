//! Group I: keys stay where they are. Beside what stands here, everything that any test of this binary has the program
//! write – state, logs, trace, outputs, screens, answers on the control socket – is searched for test keys in every
//! disguise when the test ends (`tests/support/secrets.rs`).

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use kmi_tui::demo::Refusal;
use serde_json::json;

use super::{Scene, well};
use crate::support::{
    proxy::{Home, home, key, simulator, until},
    raw_upstream::{Act, RawUpstream, Reads},
    secrets,
};

#[tokio::test]
async fn whatever_is_asked_no_key_is_told() {
    let labels = ["alpha", "beta"];
    let simulator = simulator(&labels).await;
    simulator.set(&key("alpha"), Refusal::UnauthorizedEchoingKey);
    let broken = format!("[providers.x]\napi_key = \"{}\" x\n", key("gamma"));
    let listed = format!("{{\"providers\": {{\"x\": [\"{}\"]}}}}", key("delta"));
    let home = home(&simulator, &labels).with_auth("broken.toml", &broken).with_auth("broken.json", &listed);
    let mut proxy = home.with_auth("broken.env", &format!("KMI_API_KEY=\"{}\nx", key("epsilon"))).start().await;
    // A client that sends a key of ours where keys do not belong, and one in its prompt.
    let stray = key("beta");
    let rest = format!("/models?key={stray}&q={}", stray.replace('-', "%2D"));
    proxy.request("GET", &rest, &[("user-agent", "probe"), ("x-stray", &stray)], b"").await;
    assert_eq!(proxy.chat("hello", true).await.status, 200);
    proxy.traced(2).await;
    for arguments in [
        &["status"][..],
        &["status", "--json"],
        &["health"],
        &["health", "--json"],
        &["keys", "list"],
        &["keys", "list", "--json"],
        &["doctor"],
        &["doctor", "--json"],
        &["trace"],
        &["trace", "--json"],
        &["trace", "--csv"],
        &["trace", "--summary"],
        &["clients"],
        &["proxy-logs", "--app", "-n", "1000"],
        &["rehearse"],
        &["screenshot"],
        &["report", "--output", "state/report.md"],
        &["block", "alpha", "--reason", "mine"],
        &["unblock", "alpha"],
        &["rotate", "--to", "beta"],
        &["--help"],
        &["no-such-command"],
    ] {
        let (_, said, errors) = proxy.home.run(arguments).await;
        assert!(!(said + &errors).is_empty(), "{arguments:?} says something");
    }
    for wish in [json!({"do": "snapshot"}), json!({"do": "nothing"}), json!({"do": "command", "command": &stray[..9]})]
    {
        proxy.control(&wish).await;
    }
    well(&mut proxy, &[], "all that can be asked").await;
}

#[tokio::test]
async fn the_environments_proxies_divert_nothing() {
    let mut elsewhere = RawUpstream::start(Reads::Head, vec![vec![Act::Close]]).await;
    let mut scene = Scene::with(|home| {
        let address = format!("http://{}", elsewhere.address);
        let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        let home = names.iter().fold(home, |home, name| home.set(name, address.clone()));
        home.with_auth(
            "secure.env",
            "KMI_API_KEY=sk-kimi-test-secure-0123456789abcdef\nKMI_UPSTREAM_BASE_URL=https://127.0.0.1:9/v1\n",
        )
        .set("NO_PROXY", "")
    })
    .await;
    for _ in 0..3 {
        assert_eq!(scene.proxy.get("/models").await.status, 200);
    }
    scene.proxy.home.run(&["health"]).await;
    scene.well("proxies of the environment").await;
    assert_eq!(elsewhere.until("nothing", |_| true).await.connections, 0, "nobody went there");
}

/// Files below a folder that others of this machine could read, write or list.
fn open_to_others(folder: &Path) -> Vec<String> {
    let mut open = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let facts = entry.metadata().expect("facts");
        if facts.mode() & 0o077 != 0 {
            open.push(format!("{:o} {}", facts.mode(), entry.path().display()));
        }
        if facts.is_dir() {
            open.extend(open_to_others(&entry.path()));
        }
    }
    open
}

#[tokio::test]
async fn what_is_made_is_private_whatever_the_umask() {
    let simulator = simulator(&["alpha"]).await;
    let mut proxy = home(&simulator, &["alpha"]).start_in("umask 000").await;
    assert_eq!(proxy.chat("hello", true).await.status, 200);
    proxy.traced(1).await;
    proxy.state_where("the count", |state| state["keys"]["alpha"]["request_count"] == 1).await;
    proxy.home.run(&["screenshot", "--output", "state/screen.txt"]).await;
    let state = proxy.home.state_dir();
    assert_eq!(fs::metadata(&state).expect("there").mode() & 0o777, 0o700);
    assert_eq!(open_to_others(&state), [""; 0], "0700 and 0600 and nothing else");
    well(&mut proxy, &[], "umask 000").await;
}

#[tokio::test]
async fn nobody_sees_keys_from_outside_the_process() {
    let mut scene = Scene::with(Home::of_an_ordinary_user).await;
    let process = Path::new("/proc").join(scene.proxy.child.id().expect("it runs").to_string());
    let Ok(limits) = fs::read_to_string(process.join("limits")) else {
        eprintln!("skipped: this system has no /proc");
        return;
    };
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "no core file: {core}");
    secrets::none_in("its command line", &fs::read(process.join("cmdline")).expect("read"));
    for file in ["environ", "mem", "maps"] {
        let path = process.join(file);
        // The system gives what nobody may look at to root, who may look at everything.
        let is_root_s = fs::metadata(&path).is_ok_and(|facts| facts.uid() == 0);
        let is_closed = rustix::process::getuid().is_root() || fs::File::open(&path).is_err();
        assert!(is_root_s && is_closed, "{file} can be read by others of the same user");
    }
    scene.well("a look from outside").await;
}

#[tokio::test]
async fn programs_that_it_starts_are_given_no_key() {
    let simulator = simulator(&["alpha"]).await;
    let home = home(&simulator, &["alpha"]).set("KMI_PROXY_TOKEN", "a-token-of-enough-length");
    let bin = home.folder.path().join("bin");
    fs::create_dir(&bin).expect("made");
    // Its variables, its arguments, and its open files as far as the system tells them.
    let script = "#!/bin/sh\n[ \"$1\" = --version ] && { echo 2.1.0; exit; }\nexport -p\necho \"$@\"\nwhile read -r line; do echo \"$line\"; done < /proc/$$/environ\n";
    fs::write(bin.join("kimi"), script).expect("written");
    fs::set_permissions(bin.join("kimi"), std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("set");
    let home = home.set("PATH", bin.display().to_string());
    let (code, said, errors) = home.run(&["kimi", "-p", "hello"]).await;
    assert!(code.is_some() && said.contains("KIMI_MODEL_BASE_URL"), "{said}{errors}");
    assert_eq!(home.run(&["proxy-stop"]).await.0, Some(0));
    // What it would print if it had one is found by `run`, as with every command of every test.
    assert!(secrets::leak(key("alpha").as_bytes()).is_some());
}

#[tokio::test]
async fn a_state_folder_that_is_open_to_all_is_closed() {
    let home = Home::new().with_key("alpha");
    let state = home.state_dir();
    fs::create_dir_all(state.join("trace")).expect("made");
    for folder in [state.join("trace"), state.clone()] {
        fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("set");
    }
    let proxy = home.start().await;
    until("it to be closed", || Some(open_to_others(&state)).filter(Vec::is_empty)).await;
    assert_eq!(fs::metadata(&state).expect("there").mode() & 0o777, 0o700, "{}", proxy.said());
}
