//! The one parser for every shape that `/usages` was seen in: counts, ratios, both mixed, and loose relatives.
//! What is odd becomes unknown; nothing here fails on a field.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{DAY, Usage, UsageFault, Window, WindowKind};
use crate::domain::{now::add, order, text};

type Object = Map<String, Value>;

/// Names of the current generation's pools.
const RATIOS: &[(&str, WindowKind)] = &[
    ("limit_5h", WindowKind::FiveHours),
    ("limit_7d", WindowKind::Week),
    ("limit_month_total", WindowKind::MonthTotal),
    ("limit_month_code", WindowKind::MonthCode),
];
const NAMES: &[&str] = &["name", "title", "scope"];
const RESET_AT: &[&str] = &["reset_at", "resetAt", "reset_time", "resetTime"];
const RESET_IN: &[&str] = &["reset_in", "resetIn", "ttl", "window"];
const EMAILS: &[&str] = &["email", "account_email", "user_email"];
/// Numbers above this are milliseconds since 1970, not seconds.
const MILLISECONDS_FROM: f64 = 1e11;
/// Windows kept of one answer.
const WINDOWS_MAX: usize = 24;

/// Reads an answer of `/usages`. `now` turns relative resets into moments.
pub(crate) fn parse(body: &[u8], now: Timestamp) -> Result<Usage, UsageFault> {
    if body.trim_ascii().is_empty() {
        return Ok(Usage::default());
    }
    let value: Value = serde_json::from_slice(body)
        .or_else(|_| serde_json::from_slice(&without_odd_numbers(body)))
        .map_err(|_| UsageFault::NotJson)?;
    let Value::Object(top) = value else { return Err(UsageFault::NotAnObject) };
    let mut windows = Windows::default();
    read_ratios(&top, now, &mut windows);
    read_weekly(&top, now, &mut windows);
    read_limits(&top, now, &mut windows);
    read_loose(&top, now, &mut windows);
    let mut windows = windows.0;
    order::sort_by_key(&mut windows, |window| window.kind.length());
    Ok(Usage {
        windows,
        user_id: user_id(&top),
        email: email(&top),
        parallel_limit: object(&top, "parallel").and_then(|parallel| number(parallel.get("limit"))).and_then(count),
    })
}

/// Some servers write numbers that JSON has not: NaN, Infinity, 1e400. They become `null`, which is unknown.
fn without_odd_numbers(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(body);
    let mut clean = String::with_capacity(text.len());
    for (is_string, part) in strings_and_rest(&text) {
        if is_string {
            clean.push_str(part);
            continue;
        }
        let is_word = |character: char| character.is_alphanumeric() || "+-.".contains(character);
        for word in part.split_inclusive(|character| !is_word(character)) {
            let (word, end) = word.split_at(word.trim_end_matches(|character| !is_word(character)).len());
            let odd = word.parse::<f64>().is_ok_and(|number| !number.is_finite());
            clean.push_str(if odd { "null" } else { word });
            clean.push_str(end);
        }
    }
    clean.into_bytes()
}

/// The text in pieces: whether a piece is a string with its quotes, and the piece.
fn strings_and_rest(text: &str) -> Vec<(bool, &str)> {
    let (mut pieces, mut start, mut inside, mut escaped) = (Vec::new(), 0, false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => {
                let end = if inside { at + 1 } else { at };
                pieces.push((inside, &text[start..end]));
                (start, inside) = (end, !inside);
            }
            _ => {}
        }
    }
    pieces.push((inside, &text[start..]));
    pieces
}

/// Windows by kind: two readings of one window become one, and the scarcer one is believed.
#[derive(Default)]
struct Windows(Vec<Window>);

impl Windows {
    fn add(&mut self, window: Window) {
        let full = self.0.len() >= WINDOWS_MAX;
        match self.0.iter_mut().find(|known| known.kind == window.kind) {
            Some(known) => merge(known, &window),
            None if full => {}
            None => self.0.push(window),
        }
    }
}

fn merge(known: &mut Window, other: &Window) {
    let scarcer = match (known.left, other.left) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    known.left = scarcer;
    known.used = known.used.or(other.used);
    known.limit = known.limit.or(other.limit);
    known.resets_at = known.resets_at.or(other.resets_at);
}

/// `usages: {limit_5h: {used_ratio, reset_time}}`; the web API's `usages` is a list of legacy items.
fn read_ratios(top: &Object, now: Timestamp, windows: &mut Windows) {
    match top.get("usages") {
        Some(Value::Object(pools)) => {
            for (name, kind) in RATIOS {
                let Some(pool) = object(pools, name) else { continue };
                let left = number(pool.get("used_ratio")).map(|used| (1.0 - used).clamp(0.0, 1.0));
                windows.add(Window { kind: kind.clone(), left, used: None, limit: None, resets_at: reset(pool, now) });
            }
        }
        Some(Value::Array(items)) => {
            for item in items.iter().filter_map(Value::as_object) {
                if let Some(detail) = object(item, "detail") {
                    windows.add(counted(detail, WindowKind::Week, now));
                }
                read_limits(item, now, windows);
            }
        }
        _ => {}
    }
}

/// Legacy `usage`: the weekly window.
fn read_weekly(top: &Object, now: Timestamp, windows: &mut Windows) {
    if let Some(usage) = object(top, "usage") {
        windows.add(counted(usage, WindowKind::Week, now));
    }
}

/// Legacy `limits[]`: windows with a length, or at least a name.
fn read_limits(top: &Object, now: Timestamp, windows: &mut Windows) {
    let Some(Value::Array(limits)) = top.get("limits") else { return };
    for (position, item) in limits.iter().enumerate() {
        let Some(item) = item.as_object() else { continue };
        let detail = object(item, "detail").unwrap_or(item);
        let mut window = counted(detail, kind_of(item, detail, position), now);
        window.resets_at = window.resets_at.or_else(|| reset(item, now));
        windows.add(window);
    }
}

/// Old top-level forms: `remaining_percent`, `remaining`/`total`, also below `data`. Only where nothing better was said.
fn read_loose(top: &Object, now: Timestamp, windows: &mut Windows) {
    let data = object(top, "data");
    let percent = number(top.get("remaining_percent")).map(|percent| percent / 100.0);
    let share = [Some(top), data].into_iter().flatten().find_map(|object| {
        let remaining = ["remaining", "remaining_quota", "remain"].iter().find_map(|name| number(object.get(*name)))?;
        let total = number(object.get("total"))?;
        Some(if total > 0.0 { remaining / total } else { 0.0 })
    });
    if let Some(left) = percent.or(share) {
        let resets_at = reset(top, now);
        windows.add(Window {
            kind: WindowKind::Week,
            left: Some(left.clamp(0.0, 1.0)),
            used: None,
            limit: None,
            resets_at,
        });
    }
}

/// A window from counts. The upstream leaves out what is zero: `used` when nothing was used, `remaining` when nothing is left.
fn counted(detail: &Object, kind: WindowKind, now: Timestamp) -> Window {
    let limit = number(detail.get("limit")).filter(|limit| *limit > 0.0);
    let remaining = number(detail.get("remaining"));
    let said = number(detail.get("used"));
    let used = said.or_else(|| limit.zip(remaining).map(|(limit, remaining)| (limit - remaining).max(0.0)));
    let left = limit.zip(used).map(|(limit, used)| ((limit - used) / limit).clamp(0.0, 1.0));
    Window { kind, left, used, limit, resets_at: reset(detail, now) }
}

fn kind_of(item: &Object, detail: &Object, position: usize) -> WindowKind {
    let sources = [object(item, "window"), Some(item), Some(detail)];
    if let Some(span) = sources.into_iter().flatten().find_map(length) {
        return WindowKind::of_length(span);
    }
    let name = [item, detail].into_iter().find_map(|object| {
        NAMES.iter().find_map(|name| object.get(*name)).and_then(Value::as_str).filter(|name| !name.is_empty())
    });
    WindowKind::Named(name.map_or_else(|| format!("Limit #{}", position + 1), |name| text::clean(name, 40)))
}

/// `duration` and `timeUnit`: `TIME_UNIT_MINUTE`, `MINUTE`, `minute`.
fn length(object: &Object) -> Option<Duration> {
    let duration = number(object.get("duration")).filter(|duration| (1.0..1e6).contains(duration))?;
    let unit = object.get("timeUnit").or_else(|| object.get("time_unit"))?.as_str()?.to_ascii_uppercase();
    let units = [("SECOND", 1), ("MINUTE", 60), ("HOUR", 3_600), ("DAY", DAY), ("WEEK", 7 * DAY), ("MONTH", 30 * DAY)];
    let (_, seconds) = units.into_iter().find(|(name, _)| unit.contains(name))?;
    Some(Duration::from_secs_f64(duration).saturating_mul(u32::try_from(seconds).unwrap_or(u32::MAX)))
}

fn reset(object: &Object, now: Timestamp) -> Option<Timestamp> {
    let at = RESET_AT.iter().find_map(|name| object.get(*name)).and_then(moment);
    at.or_else(|| {
        let seconds = RESET_IN.iter().find_map(|name| number(object.get(*name)))?;
        (0.0..1e9).contains(&seconds).then(|| add(now, Duration::from_secs_f64(seconds)))
    })
}

/// RFC 3339, or a number of seconds or milliseconds since 1970.
fn moment(value: &Value) -> Option<Timestamp> {
    if let Some(moment) = value.as_str().and_then(|text| text.parse().ok()) {
        return Some(moment);
    }
    let number = number(Some(value)).filter(|number| *number > 0.0)?;
    let seconds = if number > MILLISECONDS_FROM { number / 1_000.0 } else { number };
    // Saturates; what a timestamp can't hold is no moment.
    Timestamp::from_second(seconds as i64).ok()
}

/// A finite number, also as text.
fn number(value: Option<&Value>) -> Option<f64> {
    let number = match value? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

fn count(number: f64) -> Option<u32> {
    (1.0..1e6).contains(&number).then_some(number as u32)
}

fn object<'a>(parent: &'a Object, name: &str) -> Option<&'a Object> {
    parent.get(name)?.as_object()
}

fn user_id(top: &Object) -> Option<String> {
    let id = object(top, "user")?.get("userId")?.as_str()?;
    Some(text::clean(id, 64)).filter(|id| !id.is_empty())
}

fn email(top: &Object) -> Option<String> {
    let places = [Some(top), object(top, "data"), object(top, "account"), object(top, "user")];
    places.into_iter().flatten().find_map(|place| {
        let text = EMAILS.iter().find_map(|name| place.get(*name))?.as_str()?.trim();
        (text.contains('@') && text.contains('.')).then(|| text::clean(text, 80))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> Timestamp {
        "2026-01-05T00:00:00Z".parse().expect("valid")
    }

    fn read(body: &str) -> Usage {
        parse(body.as_bytes(), now()).expect(body)
    }

    fn code(kind: &WindowKind) -> String {
        match kind {
            WindowKind::FiveHours => "5h".to_owned(),
            WindowKind::Week => "7d".to_owned(),
            WindowKind::MonthTotal => "month".to_owned(),
            WindowKind::MonthCode => "month-code".to_owned(),
            WindowKind::Named(name) => name.clone(),
            WindowKind::Every(span) => format!("{}d", span.as_secs() / DAY),
        }
    }

    /// Each window's code and percent left, `?` when unknown.
    fn shares(body: &str) -> String {
        let share = |window: &Window| match window.left {
            Some(left) => format!("{}={}", code(&window.kind), (left * 10_000.0).round() / 100.0),
            None => format!("{}=?", code(&window.kind)),
        };
        read(body).windows.iter().map(share).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_shape_that_was_seen_is_read() {
        for (body, expected) in [
            (
                r#"{"usage":{"limit":"2048","used":"214","remaining":"1834","resetTime":"2026-01-09T15:23:13.716839300Z"},"limits":[{"window":{"duration":300,"timeUnit":"TIME_UNIT_MINUTE"},"detail":{"limit":"200","used":"139","remaining":"61","resetTime":"2026-01-06T13:33:02.717479433Z"}}]}"#,
                "5h=30.5 7d=89.55",
            ),
            (
                r#"{"usage":{"limit":"100","used":"99","remaining":"1"},"limits":[{"window":{"duration":300,"timeUnit":"TIME_UNIT_MINUTE"},"detail":{"limit":"100","used":"100"}}]}"#,
                "5h=0 7d=1",
            ),
            (
                r#"{"limits":[{"window":{"duration":300,"timeUnit":"TIME_UNIT_MINUTE"},"detail":{"limit":"100","remaining":"97"}}],"usages":{"limit_5h":{"used_ratio":0.03},"limit_month_total":{"used_ratio":0.0338},"limit_month_code":{"used_ratio":0}}}"#,
                "5h=97 month=96.62 month-code=100",
            ),
            (r#"{"usages":{"limit_5h":{"used_ratio":"0.30"},"limit_7d":{"used_ratio":0.889023}}}"#, "5h=70 7d=11.1"),
            (r#"{"usages":{"limit_5h":{"reset_time":"2026-09-16T20:00:00Z"}}}"#, "5h=?"),
            (
                r#"{"usage":{"name":"Weekly limit","used":40,"limit":1000},"limits":[{"title":"Daily cap","used":2,"limit":20,"duration":24,"timeUnit":"HOUR","resetTime":1784336400},{"detail":{"used":25,"limit":100,"resetIn":3600},"window":{"duration":"300","timeUnit":"MINUTE"}}]}"#,
                "5h=75 1d=90 7d=96",
            ),
            (
                r#"{"usages":[{"scope":"FEATURE_CODING","detail":{"limit":"100","used":"20"},"limits":[{"window":{"duration":5,"timeUnit":"hour"},"detail":{"limit":"10","used":"1"}}]}]}"#,
                "5h=90 7d=80",
            ),
            (r#"{"limits":[{"name":"Odd","used":1,"limit":4},{}]}"#, "Odd=75 Limit #2=?"),
            (r#"{"usage":{"limit":100,"used":150}}"#, "7d=0"),
            (r#"{"usage":{"limit":100,"used":10,"remaining":50}}"#, "7d=90"),
            (r#"{"usage":{"limit":100}}"#, "7d=?"),
            (r#"{"remaining_percent":10,"usage":{"limit":100,"used":50}}"#, "7d=10"),
            (r#"{"remaining_percent":"25%"}"#, ""),
            (r#"{"data":{"remain":3,"total":4}}"#, "7d=75"),
            (r#"{"remaining":5,"total":0}"#, "7d=0"),
            (r#"{"usage":[1,2],"limits":{"a":1},"usages":7}"#, ""),
            (r#"{"usages":{"limit_5h":{"used_ratio":"NaN"},"limit_7d":{"used_ratio":"inf"}}}"#, "5h=? 7d=?"),
            (r#"{"usage":{"limit":1e400,"used":1}}"#, "7d=?"),
            (r#"{"remaining_percent":NaN,"usage":{"limit":100,"used":-Infinity,"name":"NaN, \"Infinity"}}"#, "7d=?"),
            (r#"{"usages":{"limit_5h":{"used_ratio":Infinity},"limit_7d":{"used_ratio":0.25}}}"#, "5h=? 7d=75"),
            ("{}", ""),
            ("", ""),
        ] {
            assert_eq!(shares(body), expected, "{body}");
        }
    }

    #[test]
    fn resets_are_moments_whatever_their_form() {
        for (reset, expected) in [
            (r#""resetTime":"2026-01-09T15:23:13.716839300Z""#, "2026-01-09T15:23:13.7168393Z"),
            (r#""reset_at":1784336400"#, "2026-07-18T01:00:00Z"),
            (r#""resetAt":1784336400000"#, "2026-07-18T01:00:00Z"),
            (r#""resetIn":3600"#, "2026-01-05T01:00:00Z"),
            (r#""ttl":"60""#, "2026-01-05T00:01:00Z"),
        ] {
            let usage = read(&format!(r#"{{"usage":{{"limit":1,"used":0,{reset}}}}}"#));
            assert_eq!(usage.windows[0].resets_at.map(|at| at.to_string()).as_deref(), Some(expected), "{reset}");
        }
        for odd in [
            r#""resetTime":"soon""#,
            r#""resetIn":-1"#,
            r#""resetIn":1e300"#,
            r#""reset_at":1e300"#,
            r#""reset_at":null"#,
        ] {
            assert_eq!(
                read(&format!(r#"{{"usage":{{"limit":1,"used":0,{odd}}}}}"#)).windows[0].resets_at,
                None,
                "{odd}"
            );
        }
    }

    #[test]
    fn the_account_is_read_too() {
        let usage = read(r#"{"user":{"userId":"d0aa","email":"a@example.com"},"parallel":{"limit":"20"}}"#);
        assert_eq!(usage.user_id.as_deref(), Some("d0aa"));
        assert_eq!(usage.email.as_deref(), Some("a@example.com"));
        assert_eq!(usage.parallel_limit, Some(20));
        assert_eq!(read(r#"{"parallel":{"limit":-1}}"#).parallel_limit, None);
    }

    #[test]
    fn what_is_no_object_is_said_so() {
        assert_eq!(parse(b"[1]", now()), Err(UsageFault::NotAnObject));
        assert_eq!(parse(b"<html>", now()), Err(UsageFault::NotJson));
        assert_eq!(parse("[".repeat(100_000).as_bytes(), now()), Err(UsageFault::NotJson));
    }

    #[test]
    fn the_tightest_window_is_one_that_still_runs() {
        let usage = read(
            r#"{"usages":{"limit_5h":{"used_ratio":1,"reset_time":"2026-01-05T01:00:00Z"},"limit_7d":{"used_ratio":0.5}}}"#,
        );
        assert_eq!(usage.tightest(now()).map(|window| window.kind.clone()), Some(WindowKind::FiveHours));
        let later = add(now(), Duration::from_secs(3_600));
        assert_eq!(usage.tightest(later).map(|window| window.kind.clone()), Some(WindowKind::Week));
    }

    proptest! {
        #[test]
        fn no_answer_breaks_it(body in "[\\[\\]{}:,\"0-9a-zA-Z_.eE+-]{0,200}") {
            if let Ok(usage) = parse(body.as_bytes(), now()) {
                prop_assert!(usage.windows.iter().filter_map(|window| window.left).all(|left| (0.0..=1.0).contains(&left)));
            }
        }
    }

    proptest! {
        #[test]
        fn no_spoilt_answer_breaks_it_or_the_bounds(body in crate::spoil::spoilt(&[
            r#"{"usage":{"limit":"2048","used":"214","remaining":"1834","resetTime":"2026-01-09T15:23:13.716839300Z"},"limits":[{"window":{"duration":300,"timeUnit":"TIME_UNIT_MINUTE"},"detail":{"limit":"200","used":"139","remaining":"61","resetTime":"2026-01-06T13:33:02.717479433Z"}}]}"#,
            r#"{"usages":{"limit_5h":{"used_ratio":1,"reset_time":"2026-01-05T01:00:00Z"},"limit_7d":{"used_ratio":0.5}}}"#,
        ])) {
            if let Ok(usage) = parse(&body, now()) {
                let mut shares = usage.windows.iter().filter_map(|window| window.left);
                prop_assert!(shares.all(|left| (0.0..=1.0).contains(&left)));
                usage.tightest(now());
            }
        }
    }
}
