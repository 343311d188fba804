//! A person is called through the desktop: once for what has become so, off the requests' way, without a secret.

use std::{fs, os::unix::fs::PermissionsExt};

use kmi_tui::demo::{Behaviour, Refusal};

use crate::support::proxy::{home, key, simulator, until};

#[tokio::test]
async fn a_person_is_called_once_for_each_event() {
    let simulator = simulator(&["alpha", "beta"]).await;
    let home = home(&simulator, &["alpha", "beta"]);
    let programs = home.folder.path().join("programs");
    fs::create_dir(&programs).expect("made");
    for name in ["notify-send", "osascript"] {
        let program = programs.join(name);
        // The last argument is the text.
        fs::write(&program, "#!/bin/sh\nfor text; do :; done\nprintf '%s\\n' \"$text\" >> \"$HOME/called\"\n")
            .expect("written");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("runs");
    }
    let called = home.folder.path().join("called");
    let path = format!("{}:/usr/bin:/bin", programs.display());
    let proxy = home.set("PATH", path).set("KMI_NOTIFY", "desktop").start().await;
    let lines = |count: usize| {
        let text = fs::read_to_string(&called).unwrap_or_default();
        Some(text.lines().map(str::to_owned).collect::<Vec<_>>()).filter(|lines| lines.len() >= count)
    };

    simulator.set(&key("alpha"), Behaviour::Refuse(Refusal::PaymentRequired));
    assert_eq!(proxy.chat("hello", false).await.header("x-kmi-key"), Some("beta"));
    let first = until("the block to be told", || lines(1)).await;
    assert!(first[0].starts_with("alpha is blocked: ") && first.len() == 1, "{first:?}");

    simulator.set(&key("beta"), Behaviour::Refuse(Refusal::QuotaWeek));
    assert_eq!(proxy.chat("hello", false).await.status, 403);
    let both = until("that no key is left to be told", || lines(2)).await;
    assert!(both[1].starts_with("No key can serve") && both.len() == 2, "{both:?}");
    assert!(!both.concat().contains("sk-kimi"), "{both:?}");
}
