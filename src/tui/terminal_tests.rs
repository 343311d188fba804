//! The terminal after a panic: this test program again, in a terminal of its own.

use std::{
    io::{ErrorKind, Read as _},
    num::NonZeroU16,
    os::fd::AsFd,
};

use super::terminal::Guard;

const NAME: &str = "tui::terminal_tests::a_dashboard_that_panics";

#[test]
#[ignore = "it panics: the next one runs it"]
fn a_dashboard_that_panics() {
    let mut guard = Guard::take().expect("a terminal");
    guard.draw(|frame| frame.render_widget("dashboard", frame.area())).expect("drawn");
    panic!("a made-up fault");
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_says_why() {
    let (mut pty, pts) = pty_process::blocking::open().expect("a terminal");
    pty.resize(pty_process::Size::new(24, 80)).expect("sized");
    let program = std::env::current_exe().expect("it runs");
    let mut child = pty_process::blocking::Command::new(program)
        .args(["--exact", NAME, "--ignored", "--nocapture", "--test-threads=1"])
        .env("RUST_BACKTRACE", "0")
        .spawn(pts)
        .expect("it starts");
    let (mut said, mut bytes) = (Vec::new(), [0; 4096]);
    loop {
        match pty.read(&mut bytes) {
            Ok(count) if count > 0 => said.extend_from_slice(&bytes[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Its end.
            _ => break,
        }
    }
    assert!(!child.wait().expect("it ends").success());
    let side = |length| NonZeroU16::new(length).expect("not empty");
    let mut screen = vt100::Parser::new(side(24), side(80), 0);
    screen.process(&said);
    let (left, modes) = (screen.screen(), rustix::termios::tcgetattr(pty.as_fd()).expect("asked"));
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("\u{1b}[?1049h") && said.contains("dashboard"), "{said:?}");
    assert!(!left.alternate_screen() && !left.hide_cursor(), "{said:?}");
    assert!(modes.local_modes.contains(rustix::termios::LocalModes::ECHO | rustix::termios::LocalModes::ICANON));
    assert!(left.contents().contains("a made-up fault"), "{}", left.contents());
}
