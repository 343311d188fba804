//! What is worth a person's attention away from the screen, and is said once: a key that is blocked, none left that can
//! serve, a quota that runs low. Not how it is said (`tui`, `cli`).

use std::{collections::HashSet, time::Duration};

use jiff::Timestamp;

use super::{
    key::Label,
    message::{Argument, Message},
    now::until,
    outcome::Cause,
    pool::skip_until,
    snapshot::{KeyView, Skip, UsageView},
    text,
    usage::WindowKind,
};

/// How a person is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The terminal rings.
    Bell,
    /// The terminal shows a notification, where it can.
    Terminal,
    /// This machine's desktop does.
    Desktop,
}

/// How, and below how many percent a quota is low.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Call {
    /// `None` = nobody is called.
    pub(crate) way: Option<Way>,
    /// 0 = never.
    pub(crate) percent: u8,
}

/// Longest text of one call.
const TEXT_MAX: usize = 300;

/// All that is said at once, in one line that commands no terminal and is no option of a program.
pub(crate) fn told(texts: impl Iterator<Item = String>) -> String {
    text::clean(&texts.collect::<Vec<_>>().join(" "), TEXT_MAX).trim_start_matches('-').to_owned()
}

/// All keys out for less than this is nothing to be called for.
const OUT_LEAST: Duration = Duration::from_secs(60);
/// So many at once are said one by one.
const SAID_MAX: usize = 3;

/// What was so when it was last looked at: what is still so is no news.
#[derive(Debug, Default)]
pub(crate) struct Alerts {
    /// Quota below this share is low; 0 = never.
    threshold: f64,
    so: Option<HashSet<Event>>,
}

/// What is so, and over when it is no longer so.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Event {
    Blocked(Label),
    AllOut,
    Low(Label, WindowKind),
}

impl Alerts {
    /// `percent`: below it a quota is low; 0 = never.
    pub(crate) fn below(percent: u8) -> Self {
        Self { threshold: f64::from(percent) / 100.0, so: None }
    }

    /// What became so since the last look. What the first look finds was so before.
    pub(crate) fn look(&mut self, keys: &[KeyView], now: Timestamp) -> Vec<Message> {
        let found = self.found(keys, now);
        let now = found.iter().map(|(event, _)| event.clone()).collect();
        let Some(before) = self.so.replace(now) else { return Vec::new() };
        let news = found.into_iter().filter(|(event, _)| !before.contains(event));
        let mut said: Vec<Message> = news.map(|(_, message)| message).collect();
        let more = said.len().saturating_sub(SAID_MAX);
        said.truncate(SAID_MAX);
        said.extend((more > 0).then(|| Message::new("alert-more").with("count", more)));
        said
    }

    fn found(&self, keys: &[KeyView], now: Timestamp) -> Vec<(Event, Message)> {
        let was_out = self.so.as_ref().is_some_and(|so| so.contains(&Event::AllOut));
        let of_keys = keys.iter().flat_map(|key| blocked(key).into_iter().chain(self.low(key)));
        all_out(keys, now, was_out).into_iter().chain(of_keys).collect()
    }

    /// Keys of one account share its quota: the first of them speaks for all.
    fn low(&self, key: &KeyView) -> Vec<(Event, Message)> {
        let UsageView::Known { usage, .. } = &key.usage else { return Vec::new() };
        if key.shares_account_with.iter().any(|other| *other < key.label) {
            return Vec::new();
        }
        let low = usage.windows.iter().filter_map(|window| {
            let left = window.left.filter(|left| *left < self.threshold)?;
            let message = Message::new("alert-quota")
                .with("label", &key.label)
                .with("left", whole_percent(left))
                .with("window", window_name(&window.kind));
            Some((Event::Low(key.label.clone(), window.kind.clone()), message))
        });
        low.collect()
    }
}

/// By the upstream; what a person blocks is no news to them.
fn blocked(key: &KeyView) -> Option<(Event, Message)> {
    let skip = key.skip.as_ref()?;
    let by_upstream = match skip {
        Skip::Unauthorized => true,
        Skip::Blocked { reason, .. } => Cause::from_code(reason).is_some(),
        _ => false,
    };
    let message = Message::new("alert-blocked").with("label", &key.label).with("why", skip.told());
    by_upstream.then(|| (Event::Blocked(key.label.clone()), message))
}

/// `was`: it lasts, also when its end is near.
fn all_out(keys: &[KeyView], now: Timestamp, was: bool) -> Option<(Event, Message)> {
    let used: Vec<&KeyView> = keys.iter().filter(|key| key.skip != Some(Skip::Disabled)).collect();
    let out = |key: &&KeyView| {
        matches!(
            key.skip,
            Some(Skip::Blocked { .. } | Skip::Unauthorized | Skip::CoolingDown { .. } | Skip::QuotaEmpty { .. })
        )
    };
    if used.is_empty() || !used.iter().all(out) {
        return None;
    }
    let back = used.iter().filter_map(|key| skip_until(key.skip.as_ref()?)).min();
    match back {
        Some(back) if !was && until(back, now) < OUT_LEAST => None,
        Some(back) => Some((Event::AllOut, Message::new("alert-all-out-until").with("until", back))),
        None => Some((Event::AllOut, Message::new("alert-all-out"))),
    }
}

/// Rounded down: none is none.
fn whole_percent(left: f64) -> i64 {
    (left.clamp(0.0, 1.0) * 100.0) as i64
}

fn window_name(kind: &WindowKind) -> Argument {
    match kind {
        WindowKind::FiveHours => Message::new("window-five-hours").into(),
        WindowKind::Week => Message::new("window-week").into(),
        WindowKind::MonthTotal => Message::new("window-month").into(),
        WindowKind::MonthCode => Message::new("window-month-code").into(),
        WindowKind::Every(span) => (*span).into(),
        WindowKind::Named(name) => name.as_str().into(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::ToSpan;

    use super::*;
    use crate::domain::{
        key::sample,
        now::Now,
        policy::Policy,
        pool::{Memory, Pool},
        usage::{Usage, Window},
    };

    fn at() -> Timestamp {
        "2026-02-02T12:00:00Z".parse().expect("valid")
    }

    fn key(label: &str, skip: Option<Skip>, left: Option<f64>) -> KeyView {
        let now = Now { wall: at(), steady: Duration::ZERO };
        let keys = vec![sample(label, "https://a.test/v1")];
        let view = Pool::new(Policy::default(), keys, &Memory::default(), now).views(now).remove(0);
        let window = Window { kind: WindowKind::Week, left, used: None, limit: None, resets_at: None };
        let usage = UsageView::Known { at: at(), usage: Arc::new(Usage { windows: vec![window], ..Usage::default() }) };
        KeyView { skip, usage, ..view }
    }

    fn ids(alerts: &mut Alerts, keys: &[KeyView]) -> Vec<String> {
        alerts.look(keys, at()).iter().map(|message| message.id.to_string()).collect()
    }

    fn resting(seconds: i64) -> Option<Skip> {
        Some(Skip::CoolingDown { cause: "quota_week".into(), until: at() + seconds.seconds() })
    }

    fn nothing() -> Vec<String> {
        Vec::new()
    }

    #[test]
    fn what_was_so_at_first_is_no_news_and_what_lasts_is_said_once() {
        let mut alerts = Alerts::below(10);
        let blocked = || Some(Skip::Blocked { reason: "payment_required".into(), until: None });
        assert_eq!(ids(&mut alerts, &[key("a", Some(Skip::Unauthorized), None), key("b", None, None)]), nothing());
        assert_eq!(ids(&mut alerts, &[key("a", None, None), key("b", None, None)]), nothing());
        for expected in [vec!["alert-blocked".to_owned()], nothing()] {
            assert_eq!(ids(&mut alerts, &[key("a", blocked(), None), key("b", None, None)]), expected);
        }
        let by_hand = Some(Skip::Blocked { reason: "holiday".into(), until: None });
        assert_eq!(ids(&mut alerts, &[key("a", None, None), key("b", by_hand, None)]), nothing());
        let again = ids(&mut alerts, &[key("a", Some(Skip::Unauthorized), None), key("b", None, None)]);
        assert_eq!(again, ["alert-blocked"], "another time is another event");
    }

    #[test]
    fn a_quota_is_low_once_until_it_is_back() {
        let mut alerts = Alerts::below(10);
        let steps: [(f64, &[&str]); 6] =
            [(0.5, &[]), (0.1, &[]), (0.09, &["alert-quota"]), (0.02, &[]), (1.0, &[]), (0.05, &["alert-quota"])];
        for (left, expected) in steps {
            assert_eq!(ids(&mut alerts, &[key("a", None, Some(left))]), expected, "{left}");
        }
        let mut never = Alerts::below(0);
        ids(&mut never, &[key("a", None, Some(1.0))]);
        assert_eq!(ids(&mut never, &[key("a", None, Some(0.0))]), nothing());
        let mut twins = Alerts::below(10);
        let twins_at = |left| {
            let twin = KeyView { shares_account_with: vec![Label::new("a")], ..key("b", None, Some(left)) };
            vec![key("a", None, Some(left)), twin]
        };
        ids(&mut twins, &twins_at(1.0));
        assert_eq!(ids(&mut twins, &twins_at(0.05)), ["alert-quota"], "one account, one quota");
    }

    #[test]
    fn all_keys_out_is_said_when_it_lasts() {
        let mut alerts = Alerts::below(10);
        let two = |first, second| vec![key("a", first, None), key("b", second, None)];
        let disabled = || Some(Skip::Disabled);
        assert_eq!(ids(&mut alerts, &two(None, disabled())), nothing());
        assert_eq!(ids(&mut alerts, &two(resting(30), disabled())), nothing(), "over in a moment");
        assert_eq!(ids(&mut alerts, &two(resting(300), disabled())), ["alert-all-out-until"]);
        assert_eq!(ids(&mut alerts, &two(resting(30), disabled())), nothing());
        assert_eq!(ids(&mut alerts, &two(resting(300), disabled())), nothing(), "it went on");
        assert_eq!(ids(&mut alerts, &two(None, disabled())), nothing());
        let expected = ["alert-all-out", "alert-blocked", "alert-blocked"];
        assert_eq!(ids(&mut alerts, &two(Some(Skip::Unauthorized), Some(Skip::Unauthorized))), expected);
        assert_eq!(ids(&mut Alerts::below(10), &[]), nothing());
    }

    #[test]
    fn many_at_once_are_summed_up() {
        let mut alerts = Alerts::below(10);
        let many = |skip: Option<Skip>| -> Vec<_> {
            (0..9).map(|number| key(&number.to_string(), skip.clone(), None)).collect()
        };
        ids(&mut alerts, &many(None));
        let said = ids(&mut alerts, &many(Some(Skip::Unauthorized)));
        assert_eq!(said, ["alert-all-out", "alert-blocked", "alert-blocked", "alert-more"]);
    }
}
