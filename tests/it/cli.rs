//! The commands that scripts and people type: answers and exit codes, files that they change, and what they never show.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Stdio};

use serde_json::Value;
use tokio::io::AsyncWriteExt;

use crate::support::{
    proxy::{Home, home, key, simulator, until},
    schema::fits,
};

/// Runs with this text on stdin: exit code, stdout, stderr.
async fn typed(home: &Home, arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut child = home.command(arguments).stdin(Stdio::piped()).spawn().expect("it runs");
    let mut stdin = child.stdin.take().expect("piped");
    // One that does not want it may be gone already.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = child.wait_with_output().await.expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

async fn json(home: &Home, arguments: &[&str]) -> (Option<i32>, Value) {
    let (code, said, errors) = home.run(arguments).await;
    (code, serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}{errors}")))
}

#[tokio::test]
async fn every_answer_in_json_is_as_its_schema_says() {
    let simulator = simulator(&["alpha", "beta"]).await;
    let home = home(&simulator, &["alpha", "beta"]).set("KMI_AUTO_ROTATE_ALLOWED", "1");
    for running in [false, true] {
        let proxy = if running { Some(home.beside().start().await) } else { None };
        for (arguments, schema, code) in [
            (&["block", "beta", "--for", "1h", "--json"][..], "command", 0),
            (&["status", "--json"], "status", 0),
            (&["keys", "--json"], "keys", 0),
            (&["keys", "list", "--json"], "keys", 0),
            (&["health", "--json"], "health", 1),
            (&["unblock", "--all", "--json"], "command", 0),
            (&["health", "--current", "--json"], "health", 0),
            (&["rotate", "--json"], "command", 0),
            (&["rotate", "--to", "nobody", "--json"], "command", 1),
            (&["auto-rotate", "on", "--json"], "command", 0),
            (&["rotate", "off", "--json"], "command", 0),
            (&["rehearse", "--spent", "alpha", "-n", "3", "--json"], "rehearse", 0),
            (&["clients", "--json"], "clients", 0),
            (&["e2e", "-n", "6", "--json"], "e2e", 0),
            (&["keys", "disable", "beta", "--json"], "command", 0),
            (&["keys", "enable", "beta", "--json"], "command", 0),
        ] {
            let (found, value) = json(&home, arguments).await;
            assert_eq!(found, Some(code), "{arguments:?}: {value:#}");
            fits(&value, schema);
            assert!(!value.to_string().contains(&key("alpha")), "{arguments:?}");
        }
        drop(proxy);
    }
}

#[tokio::test]
async fn a_key_is_added_switched_and_taken_out_while_the_proxy_runs() {
    let simulator = simulator(&["alpha", "beta"]).await;
    let proxy = home(&simulator, &["alpha"]).start().await;
    let home = &proxy.home;
    let secret = key("beta");
    let (code, said, errors) = typed(home, &["keys", "add", "beta", "--priority", "9"], &format!("{secret}\n")).await;
    assert_eq!(code, Some(0), "{errors}");
    assert!(!said.contains(&secret));
    let file = home.auths().join("beta.env");
    assert_eq!(fs::metadata(&file).expect("written").permissions().mode() & 0o777, 0o600);
    home.run(&["rotate", "--to", "beta"]).await;
    assert_eq!(proxy.chat("hello", false).await.header("x-kmi-key"), Some("beta"), "it serves at once");

    assert_eq!(home.run(&["keys", "disable", "beta"]).await.0, Some(0));
    assert_eq!(proxy.chat("hello", false).await.header("x-kmi-key"), Some("alpha"));
    assert_eq!(home.run(&["keys", "enable", "beta"]).await.0, Some(0));
    assert_eq!(fs::read_to_string(&file).expect("there").lines().count(), 3, "as it was written");

    let (code, _, errors) = home.run(&["keys", "remove", "beta"]).await;
    assert_eq!(code, Some(1), "nobody can be asked: {errors}");
    assert_eq!(home.run(&["keys", "remove", "beta", "--yes"]).await.0, Some(0));
    assert!(!file.exists() && home.auths().join("beta.env.removed").exists(), "nothing is lost");
    let (_, keys) = json(home, &["keys", "--json"]).await;
    assert_eq!(keys.as_array().map(Vec::len), Some(1), "{keys:#}");
}

#[tokio::test]
async fn what_is_no_good_key_is_refused_and_never_shown() {
    let simulator = simulator(&["alpha"]).await;
    let home = home(&simulator, &["alpha"]);
    let unknown = "sk-kimi-unknown-to-all-0123456789";
    for (arguments, input, code, word) in [
        (&["keys", "add", "beta"][..], unknown, 1, "401"),
        (&["keys", "add", "beta"], "", 2, "empty"),
        (&["keys", "add", "beta"], "sk with blanks", 2, "blank"),
        (&["keys", "add", "alpha"], unknown, 2, "already"),
        (&["keys", "add", "gamma"], &key("alpha"), 2, "as alpha"),
        (&["keys", "add", "../up"], unknown, 2, "../up"),
        (&["keys", "add", "beta", "--base-url", "https://evil.example/v1"], unknown, 2, "evil.example"),
        (&["keys", "disable", "nobody"], "", 1, "nobody"),
    ] {
        let (found, said, errors) = typed(&home, arguments, input).await;
        assert_eq!(found, Some(code), "{arguments:?}: {said}{errors}");
        assert!(errors.contains(word), "{arguments:?}: {errors}");
        assert!(input.is_empty() || !errors.contains(input) && !said.contains(input), "{arguments:?}");
    }
    assert_eq!(fs::read_dir(home.auths()).expect("there").count(), 1, "nothing was written");
}

#[tokio::test]
async fn another_program_s_file_is_not_changed() {
    let simulator = simulator(&["alpha"]).await;
    let toml = format!("[providers.kimi-for-coding]\ntype = \"kimi\"\napi_key = \"{}\"\n", key("alpha"));
    let home = home(&simulator, &[]).with_auth("mine.toml", &toml);
    for command in ["disable", "remove"] {
        let (code, _, errors) = home.run(&["keys", command, "mine"]).await;
        assert_eq!(code, Some(1));
        assert!(errors.contains("mine.toml"), "{errors}");
    }
    assert_eq!(fs::read_to_string(home.auths().join("mine.toml")).expect("there"), toml);
}

#[tokio::test]
async fn a_rotation_follows_in_kimi_s_own_file_and_keeps_the_rest() {
    let simulator = simulator(&["alpha", "beta"]).await;
    let home = home(&simulator, &["alpha", "beta"]);
    let folder = home.folder.path().join(".kimi");
    fs::create_dir(&folder).expect("made");
    let file = folder.join("config.toml");
    let before = "# mine\n[providers.kimi-for-coding]\ntype = \"kimi\"\napi_key = \"sk-old\" # old\nextra = 1\n";
    fs::write(&file, before).expect("written");
    assert_eq!(home.run(&["rotate", "--to", "beta"]).await.0, Some(0));
    let after = fs::read_to_string(&file).expect("there");
    assert!(after.contains(&key("beta")) && after.contains("# mine") && after.contains("extra = 1"), "{after}");
    assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    let copies = || fs::read_dir(&folder).expect("there").flatten().filter(|entry| entry.path() != file).count();
    assert_eq!(copies(), 1, "the file as it was");
    home.run(&["rotate", "--to", "alpha"]).await;
    assert_eq!(copies(), 1, "our own key needs no copy");
    let home = home.set("KMI_WRITE_CONFIG", "0");
    home.run(&["rotate", "--to", "beta"]).await;
    assert!(fs::read_to_string(&file).expect("there").contains(&key("alpha")), "left alone when told so");
}

#[tokio::test]
async fn e2e_stops_what_it_started_and_fails_when_a_key_gets_nothing() {
    let simulator = simulator(&["alpha", "beta"]).await;
    let home = home(&simulator, &["alpha", "beta"]).set("KMI_AUTO_ROTATE_ALLOWED", "1");
    let (code, outcome) = json(&home, &["e2e", "-n", "10", "--json"]).await;
    assert_eq!((code, &outcome["keys"]["alpha"], &outcome["keys"]["beta"]), (Some(0), &5.into(), &5.into()));
    assert_eq!(home.run(&["proxy-stop"]).await.0, Some(1), "it has stopped what it started");
    let (_, status) = json(&home, &["status", "--json"]).await;
    assert_eq!(status["rotation"]["auto_rotate"], false, "as it was before");
    let (code, outcome) = json(&home, &["e2e", "-n", "4", "--endpoint", "/nowhere", "--json"]).await;
    assert_eq!((code, &outcome["ok"], &outcome["errors"]), (Some(1), &false.into(), &4.into()));
    let forbidden = home.set("KMI_AUTO_ROTATE_ALLOWED", "0");
    let (code, _, errors) = forbidden.run(&["e2e"]).await;
    assert_eq!(code, Some(1));
    assert!(errors.contains("KMI_AUTO_ROTATE_ALLOWED"), "{errors}");
}

#[tokio::test]
async fn the_kimi_client_gets_its_arguments_its_variables_and_its_exit_code() {
    let simulator = simulator(&["alpha"]).await;
    let home = home(&simulator, &["alpha"]).set("KMI_PROXY_TOKEN", "a-token-of-enough-length");
    let bin = home.folder.path().join("bin");
    fs::create_dir(&bin).expect("made");
    let home = home.set("PATH", bin.display().to_string());
    let (code, _, errors) = home.run(&["kimi"]).await;
    assert_eq!(code, Some(1));
    assert!(errors.contains("no program called kimi"), "{errors}");
    for (version, address, token) in [
        ("kimi, version 1.49.0", "KIMI_BASE_URL", "KIMI_API_KEY"),
        ("2.1.0", "KIMI_MODEL_BASE_URL", "KIMI_MODEL_API_KEY"),
    ] {
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && {{ echo '{version}'; exit; }}\nfor a in \"$@\"; do echo \"<$a>\"; done\n\
             echo \"address ${address}\"\necho \"token ${token}\"\necho \"ours ${{KMI_PROXY_TOKEN-none}}\"\nexit 7\n"
        );
        fs::write(bin.join("kimi"), script).expect("written");
        fs::set_permissions(bin.join("kimi"), fs::Permissions::from_mode(0o700)).expect("set");
        let (code, said, errors) = home.run(&["kimi", "--help", "--", "-p", "two words"]).await;
        assert_eq!(code, Some(7), "{errors}");
        assert!(said.starts_with("<--help>\n<-->\n<-p>\n<two words>\naddress http://127.0.0.1:"), "{said}");
        assert!(said.contains("token a-token-of-enough-length") && said.contains("ours none"), "{said}");
    }
    assert_eq!(home.run(&["proxy-stop"]).await.0, Some(0), "it was started for the client and is left running");
}

#[tokio::test]
async fn a_report_holds_no_secret_even_where_one_was_left_in_the_log() {
    let simulator = simulator(&["alpha"]).await;
    let proxy = home(&simulator, &["alpha"]).start().await;
    proxy.chat("the words of a prompt", false).await;
    proxy.traced(1).await;
    let log = proxy.home.state_dir().join("logs/kmi.log");
    let mut text = fs::read_to_string(&log).expect("there");
    text.push_str(&format!("{{\"message\":\"{}\"}}\n", key("alpha")));
    fs::write(&log, text).expect("written");
    let path = proxy.home.folder.path().join("report.md");
    let name = path.display().to_string();
    let (code, said, errors) = proxy.home.run(&["report", "--output", &name]).await;
    assert_eq!(code, Some(0), "{errors}");
    assert!(said.contains("1 secret was found"), "{said}");
    let report = fs::read_to_string(&path).expect("written");
    assert!(!report.contains(&key("alpha")) && !report.contains("the words of"), "{report}");
    assert!(
        report.contains("\"endpoint\": \"/chat/completions\"") && report.contains("KMI_UPSTREAM_BASE_URL"),
        "{report}"
    );
    assert_eq!(proxy.home.run(&["report", "--output", &name]).await.0, Some(1), "nothing is overwritten");
    // What the test itself put there goes, before somebody takes it for the program's.
    fs::remove_file(&log).expect("removed");
}

#[tokio::test]
async fn completions_and_the_manual_know_every_command() {
    let home = Home::new();
    let (code, help, _) = home.run(&["--help"]).await;
    assert_eq!(code, Some(0));
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.len() > 15, "{commands:?}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, script, _) = home.run(&["completions", shell]).await;
        assert_eq!(code, Some(0));
        assert!(commands.iter().all(|command| script.contains(command)), "{shell}");
    }
    let (code, page, _) = home.run(&["man", "--lang", "ru"]).await;
    assert_eq!(code, Some(0));
    assert!(page.contains(".TH kmi-tui 1") && page.contains("Ключи"), "{page}");
    let folder = home.folder.path().join("man");
    assert_eq!(home.run(&["man", "--dir", &folder.display().to_string()]).await.0, Some(0));
    for command in commands {
        assert!(folder.join(format!("kmi-tui-{command}.1")).exists(), "{command}");
    }
    assert!(!home.state_dir().exists(), "none of it makes a state folder");
}

#[tokio::test]
async fn two_that_start_at_once_do_not_share_a_folder() {
    let simulator = simulator(&["alpha"]).await;
    let home = home(&simulator, &["alpha"]);
    let starts = (0..4).map(|_| home.run(&["proxy"]));
    let ended = futures_util::future::join_all(starts).await;
    let good = ended.iter().filter(|(code, _, _)| *code == Some(0)).count();
    assert!(good >= 1, "{ended:?}");
    let (_, status) = json(&home, &["status", "--json"]).await;
    assert_eq!(status["proxy"]["pids"].as_array().map(Vec::len), Some(1), "{status:#}");
    assert_eq!(home.run(&["proxy-stop"]).await.0, Some(0));
    let gone = || (!Path::new(&home.state_dir()).join("kmi.pid").exists()).then_some(());
    until("the only one to be gone", gone).await;
    assert_eq!(home.run(&["proxy-stop"]).await.0, Some(1), "there was one");
}

#[tokio::test]
async fn commands_are_answered_under_load_and_no_request_suffers() {
    let simulator = simulator(&["alpha", "beta"]).await;
    let proxy = home(&simulator, &["alpha", "beta"]).start().await;
    let load = async {
        for _ in 0..40 {
            let answers = (0..5).map(|_| proxy.get("/models"));
            for answer in futures_util::future::join_all(answers).await {
                assert_eq!(answer.status, 200);
            }
        }
    };
    let commands = async {
        for round in 0..6 {
            let to = if round % 2 == 0 { "beta" } else { "alpha" };
            assert_eq!(proxy.home.run(&["rotate", "--to", to]).await.0, Some(0));
            let (_, status) = json(&proxy.home, &["status", "--json"]).await;
            assert_eq!(status["active_key"], to);
        }
    };
    tokio::join!(load, commands);
    proxy
        .state_where("every request to be counted", |state| {
            let count = |label: &str| state["keys"][label]["request_count"].as_u64().unwrap_or_default();
            count("alpha") + count("beta") == 200
        })
        .await;
}

#[tokio::test]
async fn the_screen_is_kept_in_every_form_and_language() {
    let simulator = simulator(&["alpha", "beta"]).await;
    let proxy = home(&simulator, &["alpha", "beta"]).start().await;
    let home = &proxy.home;
    let (code, alone, errors) = Home::new().run(&["screenshot"]).await;
    assert_eq!((code, alone.as_str()), (Some(1), ""), "{errors}");
    assert!(errors.contains("--demo"), "{errors}");
    let (code, _, errors) = home.run(&["screenshot", "--size", "12", "--pane", "sky", "--format", "png"]).await;
    assert_eq!(code, Some(2));
    assert!(["“12”", "“sky”", "“png”"].iter().all(|value| errors.contains(value)), "{errors}");
    assert_eq!(proxy.get("/models").await.status, 200);
    for (lang, word) in [("en", "Keys"), ("ru", "Ключи")] {
        for format in ["text", "ansi", "svg"] {
            let arguments = ["screenshot", "--lang", lang, "--size", "80x24", "--format", format];
            let (code, said, errors) = home.run(&arguments).await;
            assert_eq!(code, Some(0), "{errors}");
            assert!(said.contains(word) && said.contains("alpha") && said.contains("beta"), "{format}: {said}");
            assert!(!said.contains(&key("alpha")), "{format}");
            assert_eq!(said.contains('\u{1b}'), format == "ansi");
            assert!(format != "text" || said.lines().count() == 24, "{said}");
        }
    }
    let file = home.folder.path().join("screen.svg");
    let (code, said, _) = home.run(&["screenshot", "-o", file.to_str().expect("UTF-8")]).await;
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(fs::read_to_string(&file).expect("written").starts_with("<svg"));
    let (code, _, errors) = home.run(&["screenshot", "-o", "/nonexistent/screen.svg"]).await;
    assert_eq!(code, Some(1));
    assert!(errors.contains("/nonexistent/screen.svg"), "{errors}");
}

#[tokio::test]
async fn a_picture_has_the_chosen_theme_and_faults_of_a_theme_are_told_at_once() {
    let simulator = simulator(&["alpha"]).await;
    let proxy = home(&simulator, &["alpha"]).start().await;
    let home = &proxy.home;
    let folder = home.state_dir().join("themes");
    fs::create_dir(&folder).expect("made");
    fs::write(folder.join("dusk.toml"), "base = 'light'\nbackground = '#010203'\nok = { fg = '#040506' }\n")
        .expect("written");
    let picture = async |theme: &str| {
        let (code, said, errors) = home.run(&["screenshot", "--format", "svg", "--theme", theme]).await;
        assert_eq!(code, Some(0), "{errors}");
        (said, errors)
    };
    for (theme, background) in [("auto", "#16181d"), ("light", "#fbfaf7"), ("dusk", "#010203")] {
        let (said, errors) = picture(theme).await;
        assert!(said.contains(&format!("fill=\"{background}\"")), "{theme}: {said}");
        assert_eq!(errors, "", "{theme}");
    }
    let (_, ansi, _) = home.run(&["screenshot", "--format", "ansi", "--theme", "dusk", "--no-color"]).await;
    assert!(ansi.contains('\u{1b}') && !ansi.contains("38;"), "{ansi}");

    fs::write(folder.join("dusk.toml"), "base = 'light'\nok = { fg = 'gren' }\nbad = { bold = 2 }\n").expect("written");
    let (said, errors) = picture("dusk").await;
    assert!(said.contains("fill=\"#fbfaf7\""), "its base goes on: {said}");
    let told: Vec<&str> = errors.lines().collect();
    assert_eq!(told.len(), 2, "{errors}");
    for (told, place) in told.iter().zip(["dusk.toml, line 2: \"gren\"", "dusk.toml, line 3: \"2\""]) {
        assert!(told.contains(place), "{told}");
    }
    let (_, errors) = picture("drak").await;
    assert!(errors.contains("\"drak\"") && errors.contains("high-contrast") && errors.contains("dusk"), "{errors}");
}
