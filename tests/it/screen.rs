//! The dashboard in a terminal, as a person has it: keys pressed, the screen read, and the terminal that is left behind.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
};

use kmi_tui::demo::Behaviour;
use rustix::process::Signal;

use crate::support::{
    proxy::{EndsBackground, Home, Proxy, home, key, simulator},
    terminal::{Shown, Terminal},
};

const LARGE: (u16, u16) = (120, 40);
const SMALL: (u16, u16) = (80, 24);

/// The terminal is as it was before.
fn is_sane(left: &Shown) {
    assert!(!left.alternate && !left.cursor_hidden && !left.mouse, "{left:?}");
}

/// A client's request that runs until it is let go.
async fn running_request(address: &str) -> crate::support::client::Raw {
    let body = r#"{"model":"kimi-for-coding","stream":true,"messages":[{"role":"user","content":"tell me a story"}]}"#;
    let mut raw = crate::support::client::Raw::open(address.parse().expect("an address")).await;
    let head = "POST /kmi-rotor/v1/chat/completions HTTP/1.1\r\ncontent-type: application/json\r\n";
    raw.send(format!("{head}host: {address}\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await;
    raw
}

/// Where the dashboard says that its proxy listens.
fn address(shown: &Shown) -> String {
    let rest = shown.text.split("http://").nth(1).expect("an address");
    rest.split('/').next().expect("an address").to_owned()
}

#[tokio::test]
async fn a_dashboard_beside_a_proxy_leaves_it_running_and_finds_the_next_one() {
    let simulator = simulator(&["alpha", "beta"]).await;
    let proxy = home(&simulator, &["alpha", "beta"]).start().await;
    let pid = proxy.child.id().expect("it runs");
    let mut screen = Terminal::open(&proxy.home, &[], LARGE);
    screen.until_text(&format!("attached to pid {pid}")).await;
    assert_eq!(proxy.get("/models").await.status, 200);
    screen.until_text("/models").await;
    screen.press("jR").await;
    screen.until_text("Active key").await;
    screen.press("q").await;
    let (code, left) = screen.ended().await;
    assert_eq!(code, Some(0));
    is_sane(&left);
    assert_eq!(proxy.get("/models").await.status, 200, "it goes on");

    let mut screen = Terminal::open(&proxy.home, &[], SMALL);
    screen.until_text(&format!("attached to pid {pid}")).await;
    let beside = proxy.home.beside();
    let Proxy { mut child, .. } = proxy;
    child.kill().await.expect("killed");
    screen.until_text("not heard any more").await;
    let next = beside.start().await;
    screen.until_text(&format!("attached to pid {}", next.child.id().expect("it runs"))).await;
    screen.press("q").await;
    assert_eq!(screen.ended().await.0, Some(0));
}

#[tokio::test]
async fn a_person_can_rotate_block_pause_switch_and_resize() {
    let simulator = simulator(&["alpha", "beta"]).await;
    let home = home(&simulator, &["alpha", "beta"]);
    let mut screen = Terminal::open(&home, &[], LARGE);
    screen.until_text("Limits").await;
    screen.press("r").await;
    screen.until_text("Active key is now beta").await;
    screen.press("b").await;
    screen.until_text("For how long").await;
    // The field is filled in already.
    screen.press("\x155x\r").await;
    screen.until_text("is no span of time").await;
    screen.press("\x151h\tholiday\r").await;
    screen.until_text("holiday").await;
    screen.press("u").await;
    screen.until_text("is unblocked").await;
    let proxy = address(&screen.until_text("http://").await).parse().expect("an address");
    let answer = crate::support::client::request(proxy, "GET", "/kmi-rotor/v1/models", &[], b"").await;
    assert_eq!(answer.status, 200);
    screen.press("/status:4xx").await;
    screen.until_text("0 of 1").await;
    screen.press("\x15path:/mod kye:x").await;
    screen.until_text("there is no such field").await;
    // Without its last word it can be read again.
    screen.press("\x17\r").await;
    screen.until("the request", |shown| shown.text.contains("1 of 1") && shown.text.contains("/models")).await;
    screen.press("y").await;
    screen.until_text("Copied the request id").await;
    screen.press("/\x1b").await;
    screen.until("the filter to go", |shown| !shown.text.contains("1 of 1")).await;
    screen.press("3 ").await;
    screen.until_text("paused").await;
    screen.press("L").await;
    screen.until_text("Ключи").await;
    // A Russian layout: the key of `L`.
    screen.press("Д").await;
    screen.until_text("Keys").await;
    screen.press("t").await;
    screen.until_text("Theme: light").await;
    for size in [SMALL, (40, 12), (20, 5), (3, 1), LARGE] {
        screen.resize(size);
        screen.until("the new size", |shown| !shown.text.is_empty()).await;
    }
    screen.until_text("Limits").await;
    screen.press(":curl").await;
    screen.until_text("as a curl command").await;
    screen.press("\r").await;
    screen.until_text("Copied as curl").await;
    screen.press("?").await;
    screen.until_text("rotate to the selected key").await;
    screen.press("\x1b").await;
    screen.until("help to go", |shown| !shown.text.contains("rotate to the selected key")).await;
    screen.press("q").await;
    let (code, left) = screen.ended().await;
    assert_eq!(code, Some(0));
    is_sane(&left);
}

#[tokio::test]
async fn keys_are_added_put_out_of_use_and_closed_to_others_from_the_dashboard() {
    let simulator = simulator(&["alpha", "work"]).await;
    let home = home(&simulator, &["alpha"]);
    let file = home.auths().join("work.env");
    let mut screen = Terminal::open(&home, &[], LARGE);
    screen.until_text("1 of 1 ready").await;
    screen.press("nwork\tsk-nobody-knows-this-key\r").await;
    screen.until_text("Nothing was written").await;
    assert!(!file.exists());
    screen.press(&format!("\u{15}{}\r", key("work"))).await;
    screen.until_text("2 of 2 ready").await;
    assert_eq!(fs::metadata(&file).expect("written").mode() & 0o777, 0o600);
    screen.press("je").await;
    screen.until_text("1 of 2 ready").await;
    // Ctrl-Z.
    screen.press("\u{1a}").await;
    screen.until_text("2 of 2 ready").await;
    fs::set_permissions(home.auths(), fs::Permissions::from_mode(0o755)).expect("set");
    screen.press("5d").await;
    screen.until_text(" 1 problem ").await;
    screen.press("Fy").await;
    screen.until_text("Closed ").await;
    assert_eq!(fs::metadata(home.auths()).expect("there").mode() & 0o777, 0o700);
    screen.press("S").await;
    screen.until_text("The screen was kept").await;
    let kept: Vec<_> = fs::read_dir(home.state_dir().join("screens")).expect("made").collect();
    assert_eq!(kept.len(), 3);
    screen.press("q").await;
    assert_eq!(screen.ended().await.0, Some(0));
}

#[tokio::test]
async fn leaving_while_a_request_runs_asks_and_can_wait() {
    let simulator = simulator(&["alpha"]).await;
    simulator.set(&key("alpha"), Behaviour::Gated);
    let home = home(&simulator, &["alpha"]);
    let mut screen = Terminal::open(&home, &[], SMALL);
    let shown = screen.until_text("http://").await;
    let mut raw = running_request(&address(&shown)).await;
    simulator.release(1);
    raw.read_until("data: ").await;
    screen.until_text("1 in flight").await;
    screen.press("q").await;
    screen.until_text("1 request is in flight").await;
    screen.press("\x1b").await;
    screen.until("the question to go", |shown| !shown.text.contains("request is in flight")).await;
    screen.press("qw").await;
    simulator.release(10_000);
    raw.read_until("[DONE]").await;
    let (code, left) = screen.ended().await;
    assert_eq!(code, Some(0));
    is_sane(&left);
}

#[tokio::test]
async fn a_running_request_is_sent_to_another_key_and_one_is_cancelled() {
    let simulator = simulator(&["alpha", "beta"]).await;
    simulator.set(&key("alpha"), Behaviour::Held);
    let home = home(&simulator, &["alpha", "beta"]);
    let mut screen = Terminal::open(&home, &[], LARGE);
    let proxy = address(&screen.until_text("http://").await);
    let mut raw = running_request(&proxy).await;
    let asked =
        |shown: &Shown| shown.text.lines().any(|line| line.contains("/chat/completions") && line.contains("asked"));
    screen.until("the request", asked).await;
    screen.press("3gX").await;
    screen.until_text("Go on with which key?").await;
    screen.press("j\r").await;
    screen.until_text("goes on with beta").await;
    raw.read_until("[DONE]").await;
    screen.until("its record", |shown| shown.text.contains("200") && !asked(shown)).await;

    let mut raw = running_request(&proxy).await;
    screen.until("the next one", asked).await;
    // Running ones are above the newest that has ended.
    screen.press("gkx").await;
    screen.until_text("End POST /chat/completions?").await;
    screen.press("\x1b").await;
    screen.until("the question to go", |shown| !shown.text.contains("Sure?")).await;
    screen.press("x\r").await;
    screen.until_text("was ended").await;
    raw.read_until("\"cancelled\"").await;
    // Until the screen knows that nothing runs any more, it asks first.
    screen.until_text("0 in flight").await;
    screen.press("q").await;
    assert_eq!(screen.ended().await.0, Some(0));
}

#[tokio::test]
async fn a_proxy_goes_on_in_the_background_when_its_dashboard_is_left() {
    let simulator = simulator(&["alpha"]).await;
    let home = home(&simulator, &["alpha"]);
    let mut screen = Terminal::open(&home, &[], SMALL);
    let shown = screen.until_text("http://").await;
    let home = EndsBackground(home);
    screen.press("Q").await;
    let (code, left) = screen.ended().await;
    assert_eq!(code, Some(0), "{}", left.text);
    is_sane(&left);
    let address = address(&shown).parse().expect("an address");
    let answer = crate::support::client::request(address, "GET", "/kmi-rotor/v1/models", &[], b"").await;
    assert_eq!(answer.status, 200);
    assert_eq!(home.run(&["proxy-stop"]).await.0, Some(0));
}

#[tokio::test]
async fn whatever_ends_it_leaves_a_sane_terminal() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let home = Home::new().with_key("alpha").set("KMI_DRY_RUN", "1");
        let mut screen = Terminal::open(&home, &[], SMALL);
        screen.until_text("http://").await;
        screen.signal(signal);
        let (code, left) = screen.ended().await;
        assert!(code.is_some(), "{signal:?}: it ends by itself");
        is_sane(&left);
        assert!(home.pid().is_none(), "{signal:?}: the folder is free");
    }
}

#[tokio::test]
async fn a_terminal_that_is_closed_ends_it() {
    let home = Home::new().with_key("alpha").set("KMI_DRY_RUN", "1");
    let mut screen = Terminal::open(&home, &[], SMALL);
    screen.until_text("http://").await;
    let status = screen.close().await;
    assert!(status.code().is_some(), "by itself, not killed: {status:?}");
    assert!(home.pid().is_none(), "the folder is free");
}

#[tokio::test]
async fn a_terminal_that_reads_nothing_holds_nobody_up() {
    let simulator = simulator(&["alpha"]).await;
    let home = home(&simulator, &["alpha"]);
    let mut screen = Terminal::open(&home, &[], LARGE);
    let proxy = address(&screen.until_text("http://").await).parse().expect("an address");
    let get = async |path: &str| {
        let path = format!("/kmi-rotor/v1{path}");
        crate::support::client::request(proxy, "GET", &path, &[], b"").await.status
    };
    screen.press("3z").await;
    screen.hold(true);
    for round in 0..60 {
        // Each draws everything anew, until the terminal takes no more.
        screen.resize(if round % 2 == 0 { (200, 60) } else { (198, 59) });
        assert_eq!(get("/models").await, 200);
    }
    assert_eq!(get("/me").await, 200);
    screen.hold(false);
    screen.resize(LARGE);
    screen.until("the newest request", |shown| shown.text.contains("/me")).await;
    screen.hold(true);
    for round in 0..60 {
        screen.resize(if round % 2 == 0 { (200, 60) } else { (198, 59) });
        assert_eq!(get("/models").await, 200);
    }
    screen.signal(Signal::TERM);
    assert!(screen.ends_unread().await.is_some(), "it ends by itself");
    assert!(home.pid().is_none(), "the folder is free");
}

#[tokio::test]
async fn it_stands_still_when_it_is_told_to_and_finds_its_terminal_again() {
    let home = Home::new().with_key("alpha").set("KMI_DRY_RUN", "1");
    let mut screen = Terminal::open(&home, &[], SMALL);
    screen.until_text("http://").await;
    screen.signal(Signal::TSTP);
    is_sane(&screen.until("the terminal to be free", |shown| !shown.alternate && !shown.cursor_hidden).await);
    screen.stands_still().await;
    screen.signal(Signal::CONT);
    screen.until("the dashboard", |shown| shown.alternate && shown.text.contains("http://")).await;
    screen.press("L").await;
    screen.until_text("Ключи").await;
    screen.press("q").await;
    let (code, left) = screen.ended().await;
    assert_eq!(code, Some(0));
    is_sane(&left);
}
