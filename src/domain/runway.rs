//! How fast quota goes, by successive reports, and when it will be gone. Not what is left (`usage`), nor a choice of keys.

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    key::Label,
    now::{add, since, until},
    snapshot::{KeyView, Skip, UsageView},
    usage::{Usage, Window, WindowKind},
};

/// Older readings say nothing of the present.
const MEMORY: Duration = Duration::from_secs(2 * 3_600);
/// Readings that are closer together say nothing of a pace.
const LEAST_SPAN: Duration = Duration::from_secs(60);
const READINGS_MAX: usize = 24;
/// A reading that is higher by more than this is of a new window; less is rounding.
const ROUNDING: f64 = 0.005;
const HOUR: f64 = 3_600.0;
/// What expires unused is worth a word from this share on, and when it does so within this time.
const WORTH_A_WORD: f64 = 0.1;
const SOON: Duration = Duration::from_secs(3 * 86_400);

/// What was left of each window, by the last reports.
#[derive(Debug, Clone, Default)]
pub(crate) struct Readings(Vec<(WindowKind, VecDeque<(Timestamp, f64)>)>);

/// How fast a window is used up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pace {
    pub(crate) kind: WindowKind,
    /// The share of the whole that goes in an hour; not below 0.
    pub(crate) per_hour: f64,
}

/// What is ahead, if all goes on as now.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Runway {
    /// The account that runs dry first, before its quota comes back.
    pub(crate) first: Option<(Label, Timestamp)>,
    /// When all are dry, as those that are left take over.
    pub(crate) all: Option<Timestamp>,
    /// When the first quota comes back.
    pub(crate) reset: Option<Timestamp>,
    /// Whether the pace of any quota is known.
    pub(crate) paced: bool,
    /// The largest share that will expire unused soon.
    pub(crate) unused: Option<(Label, f64, Timestamp)>,
}

impl Readings {
    pub(super) fn note(&mut self, usage: &Usage, at: Timestamp) {
        self.0.retain(|(kind, _)| usage.windows.iter().any(|window| window.kind == *kind));
        for window in &usage.windows {
            let Some(left) = window.left else { continue };
            let known = self.0.iter().position(|(kind, _)| *kind == window.kind);
            let place = known.unwrap_or_else(|| {
                self.0.push((window.kind.clone(), VecDeque::new()));
                self.0.len() - 1
            });
            let readings = &mut self.0[place].1;
            // A clock that was set back, or a window that began anew.
            if readings.back().is_some_and(|(last, before)| *last >= at || left > before + ROUNDING) {
                readings.clear();
            }
            readings.push_back((at, left));
            while readings.len() > READINGS_MAX || readings.front().is_some_and(|(first, _)| since(*first, at) > MEMORY)
            {
                readings.pop_front();
            }
        }
    }

    pub(super) fn paces(&self) -> Vec<Pace> {
        let pace = |(kind, readings): &(WindowKind, VecDeque<(Timestamp, f64)>)| {
            let ((first, before), (last, left)) = (readings.front()?, readings.back()?);
            let span = since(*first, *last);
            let per_hour = ((before - left) / (span.as_secs_f64() / HOUR)).max(0.0);
            (span >= LEAST_SPAN).then(|| Pace { kind: kind.clone(), per_hour })
        };
        self.0.iter().filter_map(pace).collect()
    }
}

/// When a window will be empty; `None` when that is not known, or not before it comes back. `at` is the report's time.
pub(crate) fn empty_at(window: &Window, paces: &[Pace], at: Timestamp) -> Option<Timestamp> {
    let pace = paces.iter().find(|pace| pace.kind == window.kind).filter(|pace| pace.per_hour > 0.0)?;
    let hours = window.left? / pace.per_hour;
    let empty = add(at, Duration::try_from_secs_f64(hours * HOUR).ok()?);
    window.resets_at.is_none_or(|reset| empty < reset).then_some(empty)
}

/// What is ahead for keys of these accounts; keys that are out for other reasons than quota do not count.
pub(crate) fn runway(keys: &[KeyView], now: Timestamp) -> Runway {
    let mut runway = Runway::default();
    // Shares of whole windows, and shares in an hour.
    let (mut left, mut going) = (0.0, 0.0);
    let mut seen: Vec<&Label> = Vec::new();
    for key in keys.iter().filter(|key| !is_out(key)) {
        let again = key.shares_account_with.iter().any(|other| seen.contains(&other));
        seen.push(&key.label);
        let (UsageView::Known { at, usage } | UsageView::Failed { at, usage: Some(usage), .. }) = &key.usage else {
            continue;
        };
        if again {
            continue;
        }
        runway.paced |= !key.pace.is_empty();
        let resets = usage.windows.iter().filter_map(|window| window.resets_at).filter(|reset| *reset > now);
        runway.reset = runway.reset.into_iter().chain(resets).min();
        // One that is dry already only waits for its reset.
        if usage.tightest(now).and_then(|window| window.left).is_some_and(|left| left <= 0.0) {
            continue;
        }
        let ends = usage.windows.iter().filter_map(|window| Some((empty_at(window, &key.pace, *at)?, window)));
        let binding = ends.min_by_key(|(end, _)| *end);
        if let Some((end, _)) = binding
            && runway.first.as_ref().is_none_or(|(_, first)| end < *first)
        {
            runway.first = Some((key.label.clone(), end));
        }
        if let Some(window) = binding.map(|(_, window)| window).or_else(|| usage.tightest(now)) {
            left += window.left_at(now).unwrap_or_default();
            going += key.pace.iter().find(|pace| pace.kind == window.kind).map_or(0.0, |pace| pace.per_hour);
        }
        runway.unused = runway.unused.into_iter().chain(unused(key, usage, now)).max_by(|a, b| a.1.total_cmp(&b.1));
    }
    if runway.first.is_some() && going > 0.0 {
        runway.all = Duration::try_from_secs_f64(left / going * HOUR).ok().map(|span| add(now, span));
    }
    runway
}

/// A week's quota of which much will be left when it ends.
fn unused(key: &KeyView, usage: &Usage, now: Timestamp) -> Option<(Label, f64, Timestamp)> {
    let window = usage.windows.iter().find(|window| window.kind == WindowKind::Week)?;
    let pace = key.pace.iter().find(|pace| pace.kind == WindowKind::Week)?;
    let reset = window.resets_at.filter(|reset| *reset > now && until(*reset, now) <= SOON)?;
    let share = window.left_at(now)? - pace.per_hour * until(reset, now).as_secs_f64() / HOUR;
    (share >= WORTH_A_WORD).then(|| (key.label.clone(), share, reset))
}

fn is_out(key: &KeyView) -> bool {
    matches!(key.skip, Some(Skip::Disabled | Skip::Unauthorized | Skip::Blocked { .. }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{
        snapshot::{Counters, RateView, Status},
        trace::Tokens,
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).expect("in range")
    }

    fn window(kind: WindowKind, left: f64, resets: i64) -> Window {
        Window { kind, left: Some(left), used: None, limit: None, resets_at: Some(at(resets)) }
    }

    fn usage(left: f64, resets: i64) -> Usage {
        Usage { windows: vec![window(WindowKind::FiveHours, left, resets)], ..Usage::default() }
    }

    fn paced(reports: &[(i64, f64)]) -> Vec<f64> {
        let mut readings = Readings::default();
        for (seconds, left) in reports {
            readings.note(&usage(*left, 20_000), at(*seconds));
        }
        readings.paces().iter().map(|pace| (pace.per_hour * 1000.0).round() / 1000.0).collect()
    }

    #[test]
    fn a_pace_comes_of_reports_of_one_window() {
        assert_eq!(paced(&[(0, 0.9)]), Vec::<f64>::new(), "one report is no pace");
        assert_eq!(paced(&[(0, 0.9), (30, 0.8)]), Vec::<f64>::new(), "too close together");
        assert_eq!(paced(&[(0, 0.9), (1800, 0.8)]), [0.2]);
        assert_eq!(paced(&[(0, 0.9), (600, 0.9)]), [0.0], "nothing goes");
        assert_eq!(paced(&[(0, 0.1), (600, 1.0), (2400, 0.9)]), [0.2], "it came back meanwhile");
        assert_eq!(paced(&[(600, 0.9), (0, 0.8), (1800, 0.7)]), [0.2], "the clock was set back");
        assert_eq!(paced(&[(0, 1.0), (7200, 0.5), (14_400, 0.4)]), [0.05], "what was long ago does not count");
    }

    #[test]
    fn it_is_empty_before_it_comes_back_or_not_at_all() {
        let pace = [Pace { kind: WindowKind::FiveHours, per_hour: 0.5 }];
        let window = |left, resets| window(WindowKind::FiveHours, left, resets);
        assert_eq!(empty_at(&window(0.5, 7_200), &pace, at(0)), Some(at(3_600)));
        assert_eq!(empty_at(&window(0.5, 3_000), &pace, at(0)), None, "it lasts");
        assert_eq!(empty_at(&window(0.5, 7_200), &[], at(0)), None);
        let slow = [Pace { kind: WindowKind::FiveHours, per_hour: 1e-300 }];
        assert_eq!(empty_at(&window(1.0, 7_200), &slow, at(0)), None, "not in any time that can be told");
    }

    fn key(label: &str, windows: Vec<Window>, per_hour: f64) -> KeyView {
        let pace = windows.iter().map(|window| Pace { kind: window.kind.clone(), per_hour }).collect();
        let usage = UsageView::Known { at: at(0), usage: Usage { windows, ..Usage::default() }.into() };
        KeyView {
            label: Label::new(label),
            masked: String::new(),
            source: String::new(),
            email: None,
            host: String::new(),
            priority: 0,
            active: false,
            status: Status::Healthy,
            skip: None,
            in_flight: 0,
            requests: 0,
            counters: Counters::default(),
            last_used: None,
            usage,
            pace,
            rate: RateView::default(),
            tokens: Tokens::default(),
            shares_account_with: Vec::new(),
            contradiction: None,
        }
    }

    #[test]
    fn the_first_the_last_and_what_expires() {
        let five = |left, resets| window(WindowKind::FiveHours, left, resets);
        let alpha = key("alpha", vec![five(0.25, 9_000)], 0.5);
        let beta = key("beta", vec![five(1.0, 8_000), window(WindowKind::Week, 0.9, 36_000)], 0.05);
        let dry = key("dry", vec![five(0.0, 9_500)], 0.5);
        let out = KeyView { skip: Some(Skip::Disabled), ..key("out", vec![five(1.0, 10)], 9.0) };
        let twin =
            KeyView { shares_account_with: vec![Label::new("alpha")], ..key("twin", vec![five(0.25, 9_000)], 0.5) };
        let found = runway(&[dry, alpha, beta, out, twin], at(0));
        assert_eq!(found.first, Some((Label::new("alpha"), at(1_800))));
        assert_eq!(found.reset, Some(at(8_000)));
        // 0.25 and 0.9 of a window are left, 0.55 go in an hour.
        assert_eq!(found.all.map(|all| since(at(0), all).as_secs()), Some(7_527));
        let (label, share, when) = found.unused.expect("most of the week");
        assert_eq!((label.as_str(), when), ("beta", at(36_000)));
        assert!((share - 0.4).abs() < 1e-9, "{share}");
        assert_eq!(runway(&[], at(0)), Runway::default());
    }

    proptest! {
        #[test]
        fn no_report_breaks_it(reports in prop::collection::vec((-1_000_000_000_i64..1_000_000_000, 0.0..=1.0_f64), 0..40)) {
            let mut readings = Readings::default();
            for (seconds, left) in reports {
                let now = at(seconds);
                readings.note(&usage(left, 20_000), now);
                let paces = readings.paces();
                prop_assert!(paces.iter().all(|pace| pace.per_hour >= 0.0 && pace.per_hour.is_finite()));
                let empty = empty_at(&usage(left, 20_000).windows[0], &paces, now);
                prop_assert!(empty.is_none_or(|empty| empty >= now && empty < at(20_000)));
            }
        }
    }
}
