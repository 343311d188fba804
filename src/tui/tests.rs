//! The dashboard as a whole: what each key does, what the screen looks like at every size, and what never happens.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use ratatui::{Terminal, backend::TestBackend, layout::Position};
use tokio::sync::{broadcast, mpsc, watch};
use tui_input::InputRequest;

use super::{
    action::{Action, Context, TABLE, Verb},
    app::{App, Effect, Overlay, update},
    countdown,
    errand::{Answer, Errand, Typed},
    fixtures,
    glyphs::Glyphs,
    keymap::Keymap,
    layout::Pane,
    mouse::Gesture,
    overlay::palette::Palette,
    screen,
    theme::{Depth, Themes},
    view::View,
    wording::CODES,
};
use crate::{
    domain::{
        command::{Command, Notice, Severity},
        key::Label,
        message::Message,
        snapshot::{Finding, Link, Mode, Remedy, Setup, Snapshot},
        trace::TraceRecord,
    },
    i18n::{Locale, Words},
};

fn words(locale: Locale) -> Words {
    Words::new(locale, TimeZone::UTC)
}

/// Every language, and one with longer words and gaps.
fn all_words() -> Vec<Words> {
    Locale::ALL.into_iter().map(words).chain([Words::pseudo()]).collect()
}

fn themes(color: bool) -> Themes {
    Themes::new(if color { Depth::True } else { Depth::Plain }, &[]).0
}

/// Presses a key as the loop does.
fn press(app: &mut App, snapshot: &Snapshot, code: KeyCode) -> Vec<Effect> {
    let event = Event::Key(KeyEvent::new(code, KeyModifiers::NONE));
    let Some(action) = app.keymap.action(&event, app.context()) else { return Vec::new() };
    let effects = update(app, action, snapshot);
    if effects == [Effect::OpenPalette] {
        app.overlay = Some(Overlay::Palette(Palette::open(&words(Locale::English))));
        return Vec::new();
    }
    effects
}

fn type_in(app: &mut App, snapshot: &Snapshot, text: &str) {
    for character in text.chars() {
        assert_eq!(press(app, snapshot, KeyCode::Char(character)), []);
    }
}

fn draw(app: &mut App, snapshot: &Snapshot, words: &Words, (width, height): (u16, u16), plain: bool) -> String {
    let (theme, glyphs) = (themes(!plain).theme(), Glyphs::of(plain));
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("in memory");
    let mut shown = screen::Shown::default();
    let view = View { app, snapshot, words, theme: &theme, glyphs: &glyphs, now: snapshot.at };
    terminal.draw(|frame| shown = screen::draw(frame, &view)).expect("in memory");
    (app.extent, app.spots) = (shown.extent, shown.spots);
    // The backend can't print a screen without columns.
    if width == 0 { String::new() } else { terminal.backend().to_string() }
}

fn keys(snapshot: &Snapshot, text: &str) -> (App, Vec<Effect>) {
    let mut app = App::new(fixtures::history());
    let effects = text.chars().flat_map(|character| press(&mut app, snapshot, KeyCode::Char(character))).collect();
    (app, effects)
}

#[test]
fn each_command_key_sends_its_command() {
    let normal = fixtures::normal();
    let label = |name: &str| Label::new(name);
    for (pressed, expected) in [
        ("r", Command::Rotate),
        ("jR", Command::RotateTo(label("beta"))),
        ("a", Command::AutoRotate(false)),
        ("jjjju", Command::Unblock(label("omega"))),
        ("h", Command::RefreshHealth),
        ("d", Command::RunDoctor),
        ("к", Command::Rotate),
    ] {
        assert_eq!(keys(&normal, pressed).1, [Effect::Send(expected)], "{pressed}");
    }
    assert_eq!(keys(&normal, "L").1, [Effect::SwitchLanguage]);
    assert_eq!(keys(&normal, "t").1, [Effect::SwitchTheme]);
    assert_eq!(keys(&normal, "d").0.focus, Pane::Doctor);
    assert_eq!(keys(&fixtures::empty(), "D").1, [Effect::Demo]);
    assert_eq!(keys(&fixtures::empty(), "iy").1, [Effect::Errand(Errand::ImportKeys)]);
    assert_eq!(keys(&fixtures::empty(), "in").1, []);
}

#[test]
fn what_is_not_possible_says_why_and_does_nothing() {
    let (normal, empty) = (fixtures::normal(), fixtures::empty());
    for (snapshot, pressed, reason) in [
        (&empty, "r", "why-no-keys"),
        (&empty, "b", "why-no-keys"),
        (&empty, "h", "why-no-keys"),
        (&empty, "a", "why-auto-rotate"),
        (&empty, "y", "why-nothing-to-copy"),
        (&empty, "f", "why-no-keys"),
        (&empty, "3f", "why-key-gone"),
        (&normal, "Y", "why-no-request"),
        (&normal, "5y", "why-nothing-to-copy"),
        (&normal, "2s", "why-not-sorted"),
        (&normal, "R", "why-active-already"),
        (&normal, "jjjjR", "why-blocked"),
        (&normal, "jjjjjR", "why-disabled"),
        (&normal, "u", "why-not-blocked"),
        (&normal, "D", "why-no-demo"),
    ] {
        let (app, effects) = keys(snapshot, pressed);
        assert_eq!((effects, app.toasts.messages()), (vec![], vec![reason]), "{pressed}");
    }
}

#[test]
fn a_running_request_is_cancelled_after_a_yes_and_sent_to_the_key_that_is_chosen() {
    let busy = fixtures::busy();
    let press_all = |app: &mut App, pressed: &str| -> Vec<Effect> {
        let code = |character| if character == '\n' { KeyCode::Enter } else { KeyCode::Char(character) };
        pressed.chars().flat_map(|character| press(app, &busy, code(character))).collect()
    };
    let held = &busy.running[2].request_id;
    let mut app = App::new(fixtures::history());
    // Those that wait stand first.
    assert_eq!(press_all(&mut app, "3kkkkkx"), []);
    assert_eq!((app.context(), press_all(&mut app, "n")), (Context::Confirming, vec![]));
    assert_eq!(press_all(&mut app, "xy"), [Effect::Send(Command::Cancel(held.clone()))]);
    // Also from its details.
    assert_eq!(press_all(&mut app, "\nX"), []);
    let sent = Command::SendTo { request_id: held.clone(), label: Label::new("beta") };
    assert_eq!((app.context(), press_all(&mut app, "j\n")), (Context::Choosing, vec![Effect::Send(sent)]));
    // The key that it has is not offered.
    let asking = &busy.running[1].request_id;
    let sent = Command::SendTo { request_id: asking.clone(), label: Label::new("beta") };
    assert_eq!(press_all(&mut app, "jjjX\n"), [Effect::Send(sent)]);
    for (pressed, reason) in
        [("3x", "why-ended"), ("3kkkX", "why-answering"), ("3kX", "why-reading"), ("x", "why-no-request")]
    {
        let mut app = App::new(fixtures::history());
        assert_eq!((press_all(&mut app, pressed), app.toasts.messages()), (vec![], vec![reason]), "{pressed}");
    }
}

#[test]
fn the_selection_stays_with_a_request_that_ends() {
    let (busy, normal) = (fixtures::busy(), fixtures::normal());
    let (mut app, _) = keys(&busy, "3kkk");
    let id = busy.running[0].request_id.clone();
    let selected = |app: &App, snapshot: &Snapshot| app.request(snapshot).map(|one| one.record().request_id.clone());
    assert_eq!(selected(&app, &busy), Some(id.clone()));
    app.trace.toggle_pause();
    app.trace.select_running(&id);
    press(&mut app, &busy, KeyCode::Enter);
    let record = TraceRecord { request_id: id.clone(), endpoint: "/ended".into(), ..fixtures::record() };
    update(&mut app, Action::Record(Arc::new(record)), &normal);
    let screen = draw(&mut app, &normal, &words(Locale::English), (80, 24), false);
    assert!(screen.contains("/ended"), "its details go on as a record:\n{screen}");
    press(&mut app, &normal, KeyCode::Esc);
    app.trace.follow();
    assert_eq!(selected(&app, &normal), Some(id), "the newest");
}

#[test]
fn auto_rotation_can_be_turned_off_even_where_it_is_not_allowed() {
    let setup = Arc::new(Setup { auto_rotate_allowed: false, ..fixtures::setup() });
    let snapshot = Snapshot { setup, ..fixtures::normal() };
    assert_eq!(keys(&snapshot, "a").1, [Effect::Send(Command::AutoRotate(false))]);
}

#[test]
fn blocking_asks_for_how_long_and_why() {
    let normal = fixtures::normal();
    let (mut app, effects) = keys(&normal, "jb");
    assert_eq!((effects, app.context()), (vec![], Context::Dialog));
    type_in(&mut app, &normal, "1q");
    assert_eq!(press(&mut app, &normal, KeyCode::Enter), []);
    assert_eq!(app.context(), Context::Dialog);
    press(&mut app, &normal, KeyCode::Backspace);
    type_in(&mut app, &normal, "h");
    press(&mut app, &normal, KeyCode::Tab);
    type_in(&mut app, &normal, "квота");
    let block =
        Command::Block {
            label: Label::new("beta"), span: Some(Duration::from_secs(3_600)), reason: "квота".into()
        };
    assert_eq!(press(&mut app, &normal, KeyCode::Enter), [Effect::Send(block)]);
    assert_eq!(app.context(), Context::Panes);
}

#[test]
fn panes_are_reached_by_number_and_by_tab() {
    let normal = fixtures::normal();
    let mut app = App::new(Vec::new());
    for (code, focus) in [
        (KeyCode::Char('3'), Pane::Trace),
        (KeyCode::Tab, Pane::Limits),
        (KeyCode::Tab, Pane::Doctor),
        (KeyCode::Tab, Pane::Keys),
        (KeyCode::BackTab, Pane::Doctor),
        (KeyCode::Char('2'), Pane::Quota),
    ] {
        press(&mut app, &normal, code);
        assert_eq!(app.focus, focus);
    }
}

#[test]
fn overlays_open_and_close() {
    let normal = fixtures::normal();
    let mut app = App::new(fixtures::history());
    for (code, context) in [
        (KeyCode::Char('?'), Context::Reading),
        (KeyCode::Char('?'), Context::Panes),
        (KeyCode::Enter, Context::Reading),
        (KeyCode::Enter, Context::Panes),
        (KeyCode::Char('b'), Context::Dialog),
        (KeyCode::Char('q'), Context::Dialog),
        (KeyCode::Esc, Context::Panes),
    ] {
        press(&mut app, &normal, code);
        assert_eq!(app.context(), context, "{code:?}");
    }
    press(&mut app, &normal, KeyCode::Char('z'));
    assert!(app.zoomed);
    press(&mut app, &normal, KeyCode::Esc);
    assert!(!app.zoomed);
}

#[test]
fn a_proxy_in_the_background_takes_over_where_that_can_be() {
    let normal = fixtures::normal();
    assert_eq!(keys(&normal, "Q").1, [Effect::Background]);
    assert_eq!(keys(&normal, "qb").1, [Effect::Background]);
    let setup = Arc::new(Setup { mode: Mode::Demo, ..fixtures::setup() });
    assert_eq!(keys(&Snapshot { setup, ..normal.clone() }, "Q").1, []);
    assert_eq!(keys(&Snapshot { link: Link::Attached, ..normal }, "Q").1, []);
}

#[test]
fn leaving_asks_while_requests_are_in_flight() {
    let (normal, idle) = (fixtures::normal(), fixtures::empty());
    assert_eq!(keys(&idle, "q").1, [Effect::Leave]);
    assert_eq!(keys(&normal, "q").1, []);
    assert_eq!(keys(&normal, "qq").1, [Effect::Leave]);
    let (mut app, _) = keys(&normal, "q");
    assert_eq!(press(&mut app, &normal, KeyCode::Enter), [Effect::Leave]);
    let (mut app, effects) = keys(&normal, "qw");
    assert_eq!(effects, []);
    assert_eq!(update(&mut app, Action::Snapshot, &normal), []);
    assert_eq!(update(&mut app, Action::Snapshot, &idle), [Effect::Leave]);
    let (mut app, _) = keys(&normal, "q");
    press(&mut app, &normal, KeyCode::Esc);
    assert_eq!(update(&mut app, Action::Snapshot, &idle), []);
}

#[test]
fn space_holds_the_trace_and_counts_what_is_new() {
    let normal = fixtures::normal();
    let (mut app, _) = keys(&normal, "3 ");
    update(&mut app, Action::Record(Arc::new(fixtures::record())), &normal);
    assert!(draw(&mut app, &normal, &words(Locale::English), (80, 24), false).contains("+1 new"));
    press(&mut app, &normal, KeyCode::Char(' '));
    assert_eq!((app.trace.paused(), app.trace.waiting()), (false, 0));
}

#[test]
fn a_filter_is_typed_applied_kept_and_cleared() {
    let normal = fixtures::normal();
    let (mut app, _) = keys(&normal, "/");
    assert_eq!((app.focus, app.context()), (Pane::Trace, Context::Filter));
    type_in(&mut app, &normal, "key:beta");
    let meant = app.trace.shown().len();
    assert!(meant > 0 && meant < app.trace.all());
    assert!(app.trace.shown().iter().all(|record| record.key == Some(Label::new("beta"))));
    type_in(&mut app, &normal, " q:");
    assert_eq!(app.trace.line(), "key:beta q", "what can't be read leaves the last that could");
    let screen = draw(&mut app, &normal, &words(Locale::English), (80, 24), false);
    assert!(screen.contains("there is no such field"), "{screen}");
    press(&mut app, &normal, KeyCode::Backspace);
    press(&mut app, &normal, KeyCode::Backspace);
    press(&mut app, &normal, KeyCode::Enter);
    assert_eq!((app.context(), app.trace.line(), app.trace.shown().len()), (Context::Panes, "key:beta", meant));
    let screen = draw(&mut app, &normal, &words(Locale::English), (80, 24), false);
    assert!(screen.contains(&format!("key:beta  {meant} of {}", app.trace.all())), "{screen}");
    press(&mut app, &normal, KeyCode::Char('/'));
    press(&mut app, &normal, KeyCode::Esc);
    assert_eq!((app.context(), app.trace.line(), app.trace.shown().len()), (Context::Panes, "", app.trace.all()));
}

#[test]
fn the_selected_row_is_copied_and_said() {
    let normal = fixtures::normal();
    let id = fixtures::history().last().expect("a request").request_id.clone();
    // In the quota pane keys of one account stand together.
    for (pressed, copied, said) in [
        ("2jy", "spare", "copied-label"),
        ("jy", "beta", "copied-label"),
        ("2jjy", "beta", "copied-label"),
        ("3y", id.as_str(), "copied-request-id"),
    ] {
        let (app, effects) = keys(&normal, pressed);
        assert_eq!((effects, app.toasts.messages()), (vec![Effect::Copy(copied.into())], vec![said]), "{pressed}");
    }
    let (app, effects) = keys(&normal, "3Y");
    assert!(matches!(&effects[..], [Effect::Copy(text)] if text.starts_with("curl -X ") && text.contains("$KMI_KEY")));
    assert_eq!(app.toasts.messages(), ["copied-curl"]);
}

#[test]
fn a_key_leads_to_its_requests_and_a_request_to_its_key() {
    let normal = fixtures::normal();
    let (mut app, _) = keys(&normal, "jf");
    assert_eq!((app.focus, app.trace.line()), (Pane::Trace, "key:beta"));
    assert!(app.trace.shown().iter().all(|record| record.key == Some(Label::new("beta"))));
    press(&mut app, &normal, KeyCode::Char('1'));
    press(&mut app, &normal, KeyCode::Home);
    for code in ['3', 'f'] {
        press(&mut app, &normal, KeyCode::Char(code));
    }
    assert_eq!((app.focus, app.key_row(&normal)), (Pane::Keys, 1));
}

#[test]
fn sorting_keeps_the_selection_and_moves_by_what_is_seen() {
    let normal = fixtures::normal();
    let (mut app, _) = keys(&normal, "jsss");
    let selected = |app: &App| app.selected_key(&normal).map(|key| key.label.as_str().to_owned());
    assert_eq!(selected(&app).as_deref(), Some("beta"));
    let screen = draw(&mut app, &normal, &words(Locale::English), (80, 24), false);
    assert!(screen.contains("↓err%"), "{screen}");
    press(&mut app, &normal, KeyCode::Home);
    assert_eq!(selected(&app).as_deref(), Some("omega"));
    ["s", "s"].iter().for_each(|_| drop(press(&mut app, &normal, KeyCode::Char('s'))));
    assert_eq!((app.key_line(&normal), app.key_row(&normal)), (4, 4));
}

#[test]
fn what_was_done_is_taken_back_and_the_toast_says_how() {
    let normal = fixtures::normal();
    let (mut app, effects) = keys(&normal, "jR");
    assert_eq!(effects, [Effect::Send(Command::RotateTo(Label::new("beta")))]);
    let notice = Notice {
        number: 900,
        at: normal.at,
        severity: Severity::Ok,
        message: Message::new("notice-blocked").with("label", "beta"),
    };
    update(&mut app, Action::Snapshot, &Snapshot { notices: vec![notice], ..normal.clone() });
    assert_eq!(app.toasts.messages(), ["toast-undo"]);
    let undo = Event::Key(KeyEvent::new(KeyCode::Char('z'), KeyModifiers::CONTROL));
    let action = app.keymap.action(&undo, app.context()).expect("it does something");
    assert_eq!(update(&mut app, action.clone(), &normal), [Effect::Send(Command::RotateTo(Label::new("alpha")))]);
    assert_eq!(update(&mut app, action, &normal), [], "once");
}

#[test]
fn a_key_is_added_unseen_and_what_was_typed_is_kept_until_it_is_taken() {
    let normal = fixtures::normal();
    let (mut app, _) = keys(&normal, "nwork");
    assert_eq!(press(&mut app, &normal, KeyCode::Enter), [], "without a key");
    update(&mut app, Action::Paste(" sk-a-secret-that-nobody-sees\n".into()), &normal);
    let screen = draw(&mut app, &normal, &words(Locale::English), (80, 24), false);
    assert!(screen.contains("work") && screen.contains("•••••") && !screen.contains("nobody"), "{screen}");
    let typed = |text: &str| Typed(text.to_owned().into());
    let add = |text| [Effect::Errand(Errand::AddKey { label: "work".into(), typed: typed(text) })];
    let effects = press(&mut app, &normal, KeyCode::Enter);
    assert!(!format!("{effects:?} {:?}", app.overlay).contains("nobody"));
    assert_eq!(effects, add("sk-a-secret-that-nobody-sees"));
    assert_eq!(press(&mut app, &normal, KeyCode::Enter), [], "it is asked about already");
    let answer = |said| Action::Answer(Answer { of_new_key: true, said });
    update(&mut app, answer(Err(Message::new("why-no-keys"))), &normal);
    type_in(&mut app, &normal, "!");
    assert_eq!(press(&mut app, &normal, KeyCode::Enter), add("sk-a-secret-that-nobody-sees!"));
    update(&mut app, answer(Ok(Message::new("why-no-keys"))), &normal);
    assert_eq!((app.context(), app.toasts.messages()), (Context::Panes, vec!["why-no-keys"]));
}

#[test]
fn a_key_is_put_out_of_use_and_back_but_not_the_demo_s() {
    let normal = fixtures::normal();
    let switch = |disabled| Effect::Errand(Errand::SwitchKey { label: Label::new("beta"), disabled });
    let (mut app, effects) = keys(&normal, "je");
    assert_eq!(effects, [switch(true)]);
    let said = Ok(Message::new("key-disabled").with("label", "beta"));
    update(&mut app, Action::Answer(Answer { of_new_key: false, said }), &normal);
    assert_eq!(app.toasts.messages(), ["toast-undo"]);
    assert_eq!(update(&mut app, Action::Run(Verb::Undo), &normal), [switch(false)]);
    let demo = Snapshot { setup: Arc::new(Setup { mode: Mode::Demo, ..(*normal.setup).clone() }), ..normal };
    for pressed in ["je", "n"] {
        let (app, effects) = keys(&demo, pressed);
        assert_eq!((effects, app.toasts.messages()), (vec![], vec!["why-files-demo"]), "{pressed}");
    }
}

#[test]
fn what_can_be_mended_is_mended_after_a_yes() {
    let normal = fixtures::normal();
    let found = |remedy| {
        let findings = normal.findings.iter().map(|finding| Finding { remedy, ..finding.clone() });
        Snapshot { findings: findings.collect::<Vec<_>>().into(), ..normal.clone() }
    };
    for (remedy, effect) in [
        (Remedy::ClearBlocklist, Effect::Send(Command::UnblockAll)),
        (Remedy::RecheckKeys, Effect::Send(Command::RefreshHealth)),
        (Remedy::FixPermissions, Effect::Errand(Errand::FixPermissions)),
    ] {
        let snapshot = found(Some(remedy));
        let (mut app, effects) = keys(&snapshot, "5F");
        assert_eq!((effects, app.context()), (vec![], Context::Confirming), "{remedy:?}");
        assert_eq!(press(&mut app, &snapshot, KeyCode::Enter), [effect]);
        assert_eq!(keys(&snapshot, "5Fn").1, [], "no is no");
    }
    let (app, _) = keys(&found(None), "5F");
    assert_eq!(app.toasts.messages(), ["why-no-fix"]);
}

#[test]
fn the_palette_runs_what_is_found_and_says_why_not() {
    let normal = fixtures::normal();
    let (mut app, _) = keys(&normal, "j:to the sel");
    assert_eq!(app.context(), Context::Palette);
    let to_beta = Effect::Send(Command::RotateTo(Label::new("beta")));
    assert_eq!(press(&mut app, &normal, KeyCode::Enter), [to_beta]);
    assert_eq!(app.context(), Context::Panes);
    let (mut app, _) = keys(&normal, ":unblock");
    assert_eq!(press(&mut app, &normal, KeyCode::Enter), []);
    assert_eq!(app.toasts.messages(), ["why-not-blocked"]);
    let (mut app, _) = keys(&normal, ":qzzz");
    assert_eq!(press(&mut app, &normal, KeyCode::Enter), [], "there is no such action");
    assert_eq!(press(&mut app, &normal, KeyCode::Esc), []);
    let (mut app, _) = keys(&normal, "?:trace");
    assert_eq!(press(&mut app, &normal, KeyCode::Down), []);
    assert_eq!(app.context(), Context::Palette);
}

#[test]
fn the_help_is_searched_and_shown_whole_again() {
    let normal = fixtures::normal();
    let (mut app, _) = keys(&normal, "?/unbl");
    let screen = |app: &mut App| draw(app, &normal, &words(Locale::English), (80, 24), false);
    let found = screen(&mut app);
    assert!(found.contains("unblock the selected key") && !found.contains("rotate to the best"), "{found}");
    press(&mut app, &normal, KeyCode::Enter);
    assert_eq!(app.context(), Context::Reading);
    assert!(!screen(&mut app).contains("rotate to the best"));
    press(&mut app, &normal, KeyCode::Char('/'));
    press(&mut app, &normal, KeyCode::Esc);
    assert!(screen(&mut app).contains("rotate to the best"));
}

#[test]
fn from_afar_too_it_is_seen_that_nothing_is_sent() {
    let mut far = Snapshot { link: Link::Attached, ..fixtures::normal() };
    Arc::make_mut(&mut far.setup).mode = Mode::DryRun;
    let screen = draw(&mut App::new(Vec::new()), &far, &words(Locale::English), (120, 40), false);
    assert!(screen.contains("dry run · attached to pid 4242"), "{screen}");
}

#[test]
fn the_settings_tell_value_and_origin_and_are_searched() {
    let normal = fixtures::normal();
    let (mut app, _) = keys(&normal, "o");
    let screen = |app: &mut App| draw(app, &normal, &words(Locale::English), (120, 40), false);
    let shown = screen(&mut app);
    for text in [
        "KMI_PROXY_LISTEN",
        "127.0.0.1:54123",
        "--listen",
        "/home/ann/code/project/.env",
        "needs a restart",
        "comes from",
    ] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    "/token".chars().for_each(|letter| drop(press(&mut app, &normal, KeyCode::Char(letter))));
    let found = screen(&mut app);
    assert!(found.contains("KMI_PROXY_TOKEN") && !found.contains("KMI_PROXY_LISTEN"), "{found}");
    press(&mut app, &normal, KeyCode::Enter);
    press(&mut app, &normal, KeyCode::Char('o'));
    assert_eq!(app.context(), Context::Panes);
    let (mut app, _) = keys(&fixtures::empty(), "o?");
    assert!(screen(&mut app).contains("rotate to the best key"), "one sheet makes way for another");
}

#[test]
fn escape_clears_a_kept_filter_before_the_zoom() {
    let normal = fixtures::normal();
    let (mut app, _) = keys(&normal, "z/x");
    press(&mut app, &normal, KeyCode::Enter);
    press(&mut app, &normal, KeyCode::Esc);
    assert!(app.zoomed && app.trace.line().is_empty());
    press(&mut app, &normal, KeyCode::Esc);
    assert!(!app.zoomed);
}

#[test]
fn what_is_new_is_counted_by_the_filter_and_home_follows_again() {
    let normal = fixtures::normal();
    let (mut app, _) = keys(&normal, "/key:beta");
    press(&mut app, &normal, KeyCode::Enter);
    press(&mut app, &normal, KeyCode::Down);
    let selected = app.trace.selected().cloned();
    for key in ["beta", "alpha", "beta"] {
        let record = TraceRecord { key: Some(Label::new(key)), ..fixtures::record() };
        update(&mut app, Action::Record(Arc::new(record)), &normal);
    }
    assert_eq!((app.trace.paused(), app.trace.waiting()), (true, 2));
    assert_eq!(app.trace.selected().cloned(), selected);
    press(&mut app, &normal, KeyCode::Char('g'));
    assert_eq!((app.trace.paused(), app.trace.waiting(), app.trace.row()), (false, 0, 0));
}

#[test]
fn the_selected_key_stays_selected_when_its_row_changes() {
    let mut snapshot = fixtures::normal();
    let (app, _) = keys(&snapshot, "jj");
    snapshot.keys.rotate_left(1);
    assert_eq!(app.selected_key(&snapshot).map(|key| key.label.as_str()), Some("work-main"));
    snapshot.keys.retain(|key| key.label.as_str() != "work-main");
    assert_eq!(app.selected_key(&snapshot).map(|key| key.label.as_str()), Some("alpha"));
}

#[test]
fn home_end_and_pages_stay_inside() {
    let normal = fixtures::normal();
    let (mut app, _) = keys(&normal, "3");
    draw(&mut app, &normal, &words(Locale::English), (80, 24), false);
    for (code, row) in [
        (KeyCode::End, 19),
        (KeyCode::PageUp, 13),
        (KeyCode::PageUp, 7),
        (KeyCode::PageUp, 1),
        (KeyCode::PageUp, 0),
        (KeyCode::Home, 0),
    ] {
        press(&mut app, &normal, code);
        assert_eq!(app.trace.row(), row, "{code:?}");
    }
}

#[test]
fn a_click_selects_one_more_opens_and_the_wheel_moves() {
    let normal = fixtures::normal();
    let mut app = App::new(fixtures::history());
    // Where a text stands, as the terminal would report it.
    let find = |app: &mut App, text: &str| {
        let screen = draw(app, &normal, &words(Locale::English), (80, 24), false);
        let row = screen.lines().position(|line| line.contains(text)).unwrap_or_else(|| panic!("{text}: {screen}"));
        let column =
            screen.lines().nth(row).and_then(|line| line.split(text).next()).map_or(0, |left| left.chars().count());
        // The first column is the quotation mark of the dump.
        Position::new(u16::try_from(column - 1).expect("small"), u16::try_from(row).expect("small"))
    };
    let mut point = |gesture, text: &str| {
        let at = find(&mut app, text);
        update(&mut app, Action::Pointed(gesture, at), &normal);
        (app.focus, app.selected_key(&normal).map(|key| key.label.to_string()), app.overlay.is_some())
    };
    let key = |label: &str| Some(label.to_owned());
    assert_eq!(point(Gesture::Click, "work-main   9%"), (Pane::Keys, key("work-main"), false));
    assert_eq!(point(Gesture::Wheel(Verb::Down), "beta  "), (Pane::Keys, key("delta"), false));
    assert_eq!(point(Gesture::Click, "2 Quota"), (Pane::Quota, key("delta"), false));
    assert_eq!(point(Gesture::Click, "+spare"), (Pane::Quota, key("spare"), false));
    assert_eq!(point(Gesture::Click, "+spare"), (Pane::Quota, key("spare"), true));
    assert_eq!(
        point(Gesture::Click, "week ━━━╌╌╌╌╌  40%"),
        (Pane::Quota, key("spare"), true),
        "not through what is open"
    );
    update(&mut app, Action::Run(Verb::Close), &normal);
    update(&mut app, Action::Run(Verb::Focus(Pane::Trace)), &normal);
    let at = find(&mut app, "14:09:49");
    update(&mut app, Action::Pointed(Gesture::Click, at), &normal);
    assert_eq!((app.trace.row(), app.trace.paused()), (3, true));
    assert_eq!([keys(&normal, "m").0.mouse, keys(&normal, "mm").0.mouse], [true, false]);
}

#[test]
fn time_moves_the_screen_only_while_something_counts() {
    let (normal, empty) = (fixtures::normal(), fixtures::empty());
    let app = App::new(Vec::new());
    assert_eq!(countdown::stays_true(&app, &normal, normal.at), Duration::from_secs(1));
    assert_eq!(countdown::stays_true(&app, &empty, empty.at), Duration::from_secs(55));
}

/// What there may be to show, with its requests.
fn scenes() -> [(&'static str, Snapshot, Vec<Arc<TraceRecord>>); 4] {
    [
        ("empty", fixtures::empty(), Vec::new()),
        ("normal", fixtures::normal(), fixtures::history()),
        ("busy", fixtures::busy(), fixtures::history()),
        ("alarm", fixtures::alarm(), fixtures::hostile()),
    ]
}

#[test]
fn the_screen_looks_as_it_should() {
    for locale in Locale::ALL {
        let words = words(locale);
        for (name, snapshot, history) in scenes() {
            let mut app = App::new(history);
            for size in [(80, 24), (120, 40), (200, 60)] {
                let screen = draw(&mut app, &snapshot, &words, size, false);
                insta::assert_snapshot!(format!("{name}-{}x{}-{}", size.0, size.1, locale.tag()), screen);
            }
            // Those of a normal day are below, one by one.
            if name != "normal" && name != "busy" {
                let panes = [Pane::Quota, Pane::Limits, Pane::Doctor].map(|pane| {
                    app.focus = pane;
                    draw(&mut app, &snapshot, &words, (80, 24), false)
                });
                insta::assert_snapshot!(format!("{name}-panes-{}", locale.tag()), panes.concat());
            }
        }
        let tag = locale.tag();
        for (name, pressed) in [
            ("help", "?"),
            ("block", "jb5x\n"),
            ("key", "jjjj\n"),
            ("request", "3jjjjj\n"),
            ("quit", "q"),
            ("quota", "2"),
            ("quota-zoomed", "2jz"),
            ("limits", "4"),
            ("doctor", "5"),
            ("sorted", "ssss"),
            ("copied", "3Y"),
            ("filter", "/key:beta\n"),
            ("help-search", "?/key"),
            ("settings", "o"),
            ("tokens", "T"),
            ("filter-fault", "/key:beta >2 kye:x"),
        ] {
            let normal = fixtures::normal();
            let mut app = App::new(fixtures::history());
            for character in pressed.chars() {
                let code = if character == '\n' { KeyCode::Enter } else { KeyCode::Char(character) };
                press(&mut app, &normal, code);
            }
            insta::assert_snapshot!(format!("{name}-{tag}"), draw(&mut app, &normal, &words, (80, 24), false));
        }
        for (name, pressed) in [("held", "3kkkkk\n"), ("asking", "3kk\n"), ("pick-key", "3kkkkkX"), ("cancel", "3kkkx")]
        {
            let busy = fixtures::busy();
            for size in [(80, 24), (120, 40)] {
                let mut app = App::new(fixtures::history());
                for character in pressed.chars() {
                    let code = if character == '\n' { KeyCode::Enter } else { KeyCode::Char(character) };
                    press(&mut app, &busy, code);
                }
                let screen = draw(&mut app, &busy, &words, size, false);
                insta::assert_snapshot!(format!("{name}-{}x{}-{tag}", size.0, size.1), screen);
            }
        }
        let mut app = App::new(fixtures::history());
        let mut palette = Palette::open(&words);
        "ro".chars().for_each(|letter| palette.edit(InputRequest::InsertChar(letter)));
        app.overlay = Some(Overlay::Palette(palette));
        insta::assert_snapshot!(format!("palette-{tag}"), draw(&mut app, &fixtures::normal(), &words, (80, 24), false));
        let mut app = App::new(fixtures::hostile());
        update(&mut app, Action::Snapshot, &fixtures::alarm());
        insta::assert_snapshot!(format!("alarm-{tag}"), draw(&mut app, &fixtures::alarm(), &words, (120, 40), true));
    }
}

#[test]
fn every_size_is_drawn_without_a_panic_or_a_missing_word() {
    let scenes = scenes();
    let widths = (0..=34).chain([50, 69, 70, 80, 109, 110, 120, 132]);
    let heights: Vec<u16> = (0..=13).chain([17, 18, 24, 30, 33, 34, 43]).collect();
    for words in all_words() {
        for width in widths.clone() {
            for height in &heights {
                for (at, (_, snapshot, history)) in scenes.iter().enumerate() {
                    let mut app = App::new(history.clone());
                    app.focus = Pane::ALL[usize::from(width + height) % 5];
                    update(&mut app, Action::Snapshot, snapshot);
                    draw(&mut app, snapshot, &words, (width, *height), at == 3);
                }
            }
        }
        assert_eq!(words.faults(), Vec::<String>::new());
    }
}

#[test]
fn every_width_and_every_height_is_drawn_in_one_view_after_the_other() {
    let views = [
        "", "z", "2z", "3z", "4z", "5z", "?", "?/key", "o", ":", ":ro", "b", "n", "1\n", "3\n", "5\n", "/x kye:x",
        "5F", "3 ", "q", "3kkkkk\n", "3kkkkkX", "3kx",
    ];
    let scenes = scenes();
    let sizes = (0..=250).flat_map(|width| [(width, 24), (width, 80)]).chain((0..=80).map(|height| (120, height)));
    let words = Locale::ALL.map(words);
    for (at, size) in sizes.enumerate() {
        // Neighbours are drawn in other views, scenes and languages, so that all meet.
        let (_, snapshot, history) = &scenes[at % scenes.len()];
        let mut app = App::new(history.clone());
        for character in views[at * 7 % views.len()].chars() {
            let code = if character == '\n' { KeyCode::Enter } else { KeyCode::Char(character) };
            press(&mut app, snapshot, code);
        }
        draw(&mut app, snapshot, &words[at / views.len() % words.len()], size, at % 5 == 0);
    }
    for words in words {
        assert_eq!(words.faults(), Vec::<String>::new());
    }
}

#[test]
fn every_overlay_is_drawn_at_every_size() {
    for words in all_words() {
        for (snapshot, history) in [(fixtures::busy(), fixtures::history()), (fixtures::alarm(), fixtures::hostile())] {
            for pressed in [
                "?", "o", "b", "q", "qw", "1\n", "3\n", "5\n", "2jj\n", "/x kye:x", "3k\n", "3kkkkk\n", "3kkkkkX",
                "3kx",
            ] {
                let mut app = App::new(history.clone());
                for character in pressed.chars() {
                    let code = if character == '\n' { KeyCode::Enter } else { KeyCode::Char(character) };
                    press(&mut app, &snapshot, code);
                }
                assert!(app.overlay.is_some(), "{pressed}");
                for size in [(0, 0), (1, 1), (5, 3), (30, 7), (31, 9), (40, 12), (80, 24), (132, 43)] {
                    draw(&mut app, &snapshot, &words, size, false);
                }
            }
        }
        assert_eq!(words.faults(), Vec::<String>::new());
    }
}

#[test]
fn a_third_language_needs_nothing_but_its_words() {
    let mut app = App::new(fixtures::history());
    let words = Words::pseudo();
    for size in [(80, 24), (120, 40)] {
        let screen = draw(&mut app, &fixtures::normal(), &words, size, false);
        assert!(screen.matches("éè").count() > 10, "{screen}");
    }
    assert_eq!(words.faults(), Vec::<String>::new());
}

#[test]
fn in_ascii_nothing_else_is_shown() {
    let normal = fixtures::normal();
    for pressed in ["", "?", "o", "b", "b5x\n", "n", "q", "1\n", "2", "3\n", "4", "5"] {
        let mut app = App::new(fixtures::history());
        for character in pressed.chars() {
            press(&mut app, &normal, if character == '\n' { KeyCode::Enter } else { KeyCode::Char(character) });
        }
        let screen = draw(&mut app, &normal, &words(Locale::English), (120, 40), true);
        // A language is offered in its own words.
        let rest = screen.replace("русский", "");
        assert!(rest.is_ascii(), "{pressed}: {rest}");
    }
}

#[test]
fn nothing_hostile_reaches_the_screen() {
    let mut app = App::new(fixtures::hostile());
    let alarm = fixtures::alarm();
    update(&mut app, Action::Snapshot, &alarm);
    for pressed in ["", "3", "\n", "q3kkkkk\n"] {
        pressed.chars().for_each(|character| {
            press(&mut app, &alarm, if character == '\n' { KeyCode::Enter } else { KeyCode::Char(character) });
        });
        let screen = draw(&mut app, &alarm, &words(Locale::English), (132, 43), false);
        let found: BTreeSet<_> = screen
            .chars()
            .filter(|character| *character != '\n' && crate::domain::text::is_unsafe(*character))
            .collect();
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn every_reason_cause_and_word_is_there_in_every_language() {
    let reasons = [
        "why-no-key-tried",
        "why-no-keys",
        "why-nothing-selected",
        "why-disabled",
        "why-blocked",
        "why-active-already",
        "why-not-blocked",
    ];
    for locale in Locale::ALL {
        let words = words(locale);
        for id in reasons {
            words.render(&Message::new(id).with("label", "alpha"));
        }
        CODES.iter().for_each(|(_, id)| drop(words.text(id)));
        crate::domain::outcome::NAMES.iter().for_each(|(_, _, id)| drop(words.text(id)));
        assert_eq!(words.faults(), Vec::<String>::new());
    }
}

#[test]
fn at_80_columns_nothing_that_matters_is_cut() {
    let normal = fixtures::normal();
    for locale in Locale::ALL {
        let words = words(locale);
        let screen = draw(&mut App::new(fixtures::history()), &normal, &words, (80, 24), false);
        for text in [
            words.text("header-auto-on"),
            words.text("status-blocked"),
            words.text("cause-payment"),
            words.text("do-help"),
            words.text("do-quit"),
            "52:10".to_owned(),
            normal.setup.address.clone(),
        ] {
            assert!(screen.contains(&text), "{text} is missing:\n{screen}");
        }
    }
}

/// The loop's own things, fed by hand.
pub(super) fn dashboard(
    snapshot: Snapshot,
) -> (super::Dashboard, watch::Sender<Arc<Snapshot>>, broadcast::Sender<Arc<TraceRecord>>, Commands) {
    let (snapshots, snapshots_in) = watch::channel(Arc::new(snapshot));
    let (records, records_in) = broadcast::channel(4);
    let (commands, commands_in) = mpsc::unbounded_channel();
    let feed = super::Feed {
        snapshots: snapshots_in,
        history: fixtures::history(),
        records: records_in,
        missed: mpsc::unbounded_channel().1,
        commands,
        errands: mpsc::unbounded_channel().0,
        answers: mpsc::unbounded_channel().1,
        background: Arc::default(),
    };
    let motion = super::Motion { frame: Duration::from_millis(33), reduced: false };
    let look = super::Look {
        themes: themes(true),
        keymap: Keymap::default(),
        faults: Vec::new(),
        motion,
        ascii: false,
        call: Default::default(),
    };
    (super::Dashboard::new(feed, words(Locale::English), look), snapshots, records, commands_in)
}

pub(super) type Commands = mpsc::UnboundedReceiver<Command>;

#[tokio::test]
async fn the_loop_performs_effects() {
    let (mut dashboard, _snapshots, _records, mut commands) = dashboard(fixtures::normal());
    assert!(!dashboard.act(Action::Run(Verb::Rotate)));
    assert_eq!(commands.try_recv(), Ok(Command::Rotate));
    assert!(!dashboard.act(Action::Run(Verb::Language)));
    assert_eq!(dashboard.words.locale(), Locale::Russian);
    let before = dashboard.theme.clone();
    assert!(!dashboard.act(Action::Run(Verb::Theme)));
    assert_ne!(dashboard.theme, before);
    assert!(!dashboard.act(Action::Run(Verb::Theme)));
    let said = dashboard.app.toasts.messages();
    assert_eq!(said.iter().filter(|id| **id == "theme-now").count(), 1, "the last one alone: {said:?}");
    drop(commands);
    assert!(!dashboard.act(Action::Run(Verb::Rotate)), "a closed engine is no reason to leave");
    assert!(dashboard.act(Action::Run(Verb::StopNow)));
}

#[tokio::test]
async fn the_loop_hears_snapshots_records_and_their_end() {
    let (mut dashboard, snapshots, records, _commands) = dashboard(fixtures::normal());
    dashboard.due = None;
    let (terminal, mut events) = mpsc::unbounded_channel();
    snapshots.send_replace(Arc::new(fixtures::empty()));
    assert!(matches!(dashboard.next(&mut events).await, super::Happened::News(Action::Snapshot)));
    assert!(dashboard.snapshot.keys.is_empty());
    for _ in 0..6 {
        records.send(Arc::new(fixtures::record())).expect("received");
    }
    assert!(matches!(dashboard.next(&mut events).await, super::Happened::News(Action::Missed(2))));
    assert!(matches!(dashboard.next(&mut events).await, super::Happened::News(Action::Record(_))));
    drop((snapshots, records));
    while dashboard.snapshots_open || dashboard.records_open {
        assert!(matches!(dashboard.next(&mut events).await, super::Happened::News(_)));
    }
    drop(terminal);
    assert!(matches!(dashboard.next(&mut events).await, super::Happened::TerminalGone));
}

#[tokio::test]
async fn what_comes_while_a_frame_is_due_is_in_it() {
    let (mut dashboard, snapshots, records, _commands) = dashboard(fixtures::normal());
    let (_terminal, mut events) = mpsc::unbounded_channel();
    assert!(matches!(dashboard.next(&mut events).await, super::Happened::Draw), "the first one is due at once");
    let before = dashboard.app.trace.all();
    for _ in 0..6 {
        records.send(Arc::new(fixtures::record())).expect("received");
    }
    snapshots.send_replace(Arc::new(fixtures::empty()));
    assert!(!dashboard.catch_up());
    assert_eq!((dashboard.app.trace.all(), dashboard.app.trace.missed()), (before + 4, 2));
    assert!(dashboard.snapshot.keys.is_empty());
    // A frame that is on its way holds up the next one, and no more.
    dashboard.painting = true;
    snapshots.send_replace(Arc::new(fixtures::normal()));
    tokio::time::pause();
    assert!(tokio::time::timeout(Duration::from_secs(60), dashboard.next(&mut events)).await.is_err());
    tokio::time::resume();
    dashboard.painting = false;
    assert!(matches!(dashboard.next(&mut events).await, super::Happened::Draw));
}

fn any_action() -> impl Strategy<Value = Action> {
    let verb = (0..TABLE.len()).prop_map(|row| Action::Run(TABLE[row].verb));
    prop_oneof![
        8 => verb,
        2 => any::<char>().prop_map(|typed| Action::Edit(InputRequest::InsertChar(typed))),
        1 => any::<String>().prop_map(Action::Paste),
        1 => Just(Action::Run(Verb::Filter)),
        1 => prop::sample::select(vec!["key:beta", " status:4xx", "\"", "-", ">1s"]).prop_map(|text| Action::Paste(text.into())),
        1 => Just(Action::Snapshot),
        1 => (0_u16..140, 0_u16..50).prop_map(|(x, y)| Action::Pointed(Gesture::Click, Position::new(x, y))),
        1 => (0_u16..140, 0_u16..50).prop_map(|(x, y)| Action::Pointed(Gesture::Wheel(Verb::Down), Position::new(x, y))),
        2 => any::<u16>().prop_map(|number| {
            Action::Record(Arc::new(TraceRecord { request_id: number.to_string(), ..fixtures::record() }))
        }),
        1 => any::<u32>().prop_map(|count| Action::Missed(u64::from(count))),
        1 => any::<u32>().prop_map(|seconds| Action::Tick(Duration::from_secs(u64::from(seconds)))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_actions_breaks_the_dashboard(
        actions in prop::collection::vec((any_action(), 0_usize..3), 0..60),
        width in 0_u16..140,
        height in 0_u16..50,
    ) {
        let snapshots = [fixtures::empty(), fixtures::busy(), fixtures::alarm()];
        let words = words(Locale::Russian);
        let mut app = App::new(fixtures::history());
        for (at, (action, snapshot)) in actions.into_iter().enumerate() {
            let snapshot = &snapshots[snapshot];
            update(&mut app, action, snapshot);
            prop_assert!(app.key_row(snapshot) < snapshot.keys.len().max(1));
            prop_assert!(app.key_line(snapshot) < snapshot.keys.len().max(1));
            let running = app.running(snapshot);
            let rows = running.len() + app.trace.shown().len();
            prop_assert!(app.request_row(&running) < rows.max(1));
            prop_assert!(app.trace.row() < app.trace.shown().len().max(1));
            prop_assert!(app.trace.shown().len() <= app.trace.all());
            prop_assert!(app.finding_row(snapshot) < snapshot.findings.len().max(1));
            if at % 16 == 0 {
                draw(&mut app, snapshot, &words, (width, height), false);
            }
        }
        prop_assert!(words.faults().is_empty());
    }

    #[test]
    fn while_a_dialog_is_open_no_letter_is_a_command(text in "[a-zA-Zа-яА-Я0-9 ?/]{0,20}") {
        let normal = fixtures::normal();
        for (opens, context) in [("b", Context::Dialog), ("/", Context::Filter)] {
            let (mut app, _) = keys(&normal, opens);
            for character in text.chars() {
                prop_assert_eq!(press(&mut app, &normal, KeyCode::Char(character)), vec![]);
            }
            prop_assert_eq!(app.context(), context);
        }
    }
}

#[test]
fn only_a_dialog_takes_text() {
    let normal = fixtures::normal();
    let mut app = App::new(Vec::new());
    let effects = update(&mut app, Action::Paste("q".into()), &normal);
    assert_eq!((effects, app.context()), (vec![], Context::Panes));
    assert!(TABLE.iter().any(|row| row.verb == Verb::Close));
}
