//! Anything in any order, as the loop meets it: the dashboard stays whole, and what is secret stays unseen.

use std::sync::Arc;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use proptest::prelude::*;

use super::{
    Dashboard,
    action::{Action, Verb},
    drawn, fixtures,
    tests::dashboard,
};
use crate::domain::{snapshot::Snapshot, trace::TraceRecord};

/// Typed where a key is asked for, and nowhere else.
const SECRET: &str = "sk-storm-4f2a9c81d7";

/// What may come next.
#[derive(Debug, Clone)]
enum Next {
    Key(KeyCode, KeyModifiers),
    Paste(String),
    Mouse(MouseEventKind, u16, u16),
    Resize(u16, u16),
    Snapshot(usize),
    Record(u16),
    Missed(u64),
    Language,
    Theme,
    /// The secret is typed, as far as a key can be added now.
    NewKey,
}

fn any_next() -> impl Strategy<Value = Next> {
    let letter = prop_oneof![prop::char::range(' ', '~'), prop::char::range('а', 'я'), any::<char>()];
    let code = prop_oneof![
        6 => letter.prop_map(KeyCode::Char),
        3 => prop::sample::select(vec![
            KeyCode::Esc, KeyCode::Enter, KeyCode::Tab, KeyCode::BackTab, KeyCode::Up, KeyCode::Down, KeyCode::Home,
            KeyCode::End, KeyCode::PageUp, KeyCode::PageDown, KeyCode::Left, KeyCode::Right, KeyCode::Backspace,
            KeyCode::Delete, KeyCode::Null, KeyCode::F(5),
        ]),
    ];
    let modifiers = prop_oneof![
        4 => Just(KeyModifiers::NONE),
        1 => any::<u8>().prop_map(KeyModifiers::from_bits_truncate),
    ];
    let mouse = prop::sample::select(vec![
        MouseEventKind::Down(MouseButton::Left),
        MouseEventKind::Drag(MouseButton::Left),
        MouseEventKind::ScrollDown,
        MouseEventKind::ScrollUp,
        MouseEventKind::Moved,
    ]);
    prop_oneof![
        12 => (code, modifiers).prop_map(|(code, modifiers)| Next::Key(code, modifiers)),
        1 => any::<String>().prop_map(Next::Paste),
        2 => (mouse, any::<u16>(), 0..90_u16).prop_map(|(kind, column, row)| Next::Mouse(kind, column % 260, row)),
        2 => (0..251_u16, 0..81_u16).prop_map(|(columns, rows)| Next::Resize(columns, rows)),
        2 => (0..3_usize).prop_map(Next::Snapshot),
        3 => any::<u16>().prop_map(Next::Record),
        1 => any::<u32>().prop_map(|count| Next::Missed(count.into())),
        1 => Just(Next::Language),
        1 => Just(Next::Theme),
        1 => Just(Next::NewKey),
    ]
}

/// A dashboard with what it may be told.
struct Storm {
    dashboard: Dashboard,
    snapshots: [Arc<Snapshot>; 3],
    size: (u16, u16),
}

impl Storm {
    fn meet(&mut self, next: Next) {
        let dashboard = &mut self.dashboard;
        match next {
            Next::Key(code, modifiers) => drop(dashboard.press(&Event::Key(KeyEvent::new(code, modifiers)))),
            Next::Paste(text) => drop(dashboard.press(&Event::Paste(text))),
            Next::Mouse(kind, column, row) => {
                let modifiers = KeyModifiers::NONE;
                dashboard.press(&Event::Mouse(MouseEvent { kind, column, row, modifiers }));
            }
            Next::Resize(columns, rows) => {
                self.size = (columns, rows);
                dashboard.press(&Event::Resize(columns, rows));
            }
            Next::Snapshot(at) => {
                dashboard.snapshot = self.snapshots[at].clone();
                dashboard.act(Action::Snapshot);
            }
            Next::Record(number) => {
                let record = TraceRecord { request_id: number.to_string(), ..fixtures::record() };
                dashboard.act(Action::Record(Arc::new(record)));
            }
            Next::Missed(count) => drop(dashboard.act(Action::Missed(count))),
            Next::Language => drop(dashboard.act(Action::Run(Verb::Language))),
            Next::Theme => drop(dashboard.act(Action::Run(Verb::Theme))),
            Next::NewKey => {
                dashboard.act(Action::Run(Verb::Close));
                dashboard.act(Action::Run(Verb::AddKey));
                if dashboard.app.context().takes_text() {
                    dashboard.press(&Event::Paste("work".to_owned()));
                    dashboard.act(Action::Run(Verb::NextField));
                    dashboard.press(&Event::Paste(SECRET.to_owned()));
                }
            }
        }
    }

    /// The screen's cells in their order.
    fn seen(&self) -> String {
        let buffer = drawn(&self.dashboard.view(), self.size.0, self.size.1);
        buffer.content().iter().map(ratatui::buffer::Cell::symbol).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_comes_in_any_order_breaks_the_dashboard(
        all in prop::collection::vec(any_next(), 1..60),
        size in (0..140_u16, 0..50_u16),
    ) {
        let snapshots = [fixtures::empty(), fixtures::normal(), fixtures::alarm()].map(Arc::new);
        let (dashboard, ..) = dashboard(fixtures::normal());
        let mut storm = Storm { dashboard, snapshots, size };
        let last = all.len() - 1;
        for (at, next) in all.into_iter().enumerate() {
            storm.meet(next);
            let (app, snapshot) = (&storm.dashboard.app, &storm.dashboard.snapshot);
            prop_assert!(app.key_row(snapshot) < snapshot.keys.len().max(1));
            prop_assert!(app.trace.row() < app.trace.shown().len().max(1));
            prop_assert!(app.finding_row(snapshot) < snapshot.findings.len().max(1));
            if at == last || at % 12 == 0 {
                let seen = storm.seen();
                prop_assert!(!seen.contains(&SECRET[3..]), "{seen}");
            }
        }
        prop_assert_eq!(storm.dashboard.words.faults(), Vec::<String>::new());
    }
}
