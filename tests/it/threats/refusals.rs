//! Group G: what one key is refused another serves; and `Retry-After` in every form becomes a wait between a second and a
//! day.

use jiff::{SignedDuration, Timestamp};
use kmi_tui::demo::Behaviour;

use super::well;
use crate::support::proxy::{home, key, simulator};

#[tokio::test]
async fn what_one_key_is_refused_another_serves() {
    for status in [401, 402, 403, 429, 500, 502, 503, 529] {
        for (kind, body) in [
            ("application/json", "{\"error\":{\"message\":\"no\",\"type\":\"odd_error\"}}"),
            ("application/json", "{\"error\": 7}"),
            ("application/json", "[[[[["),
            ("text/html", "<html>no \u{1b}[2J</html>"),
            ("text/plain", ""),
        ] {
            let simulator = simulator(&["alpha", "beta"]).await;
            let head = format!("HTTP/1.1 {status} No\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n", body.len());
            simulator.set(&key("alpha"), Behaviour::Raw(format!("{head}\r\n{body}").into()));
            let mut proxy = home(&simulator, &["alpha", "beta"]).start().await;
            let answer = proxy.chat("hello", false).await;
            let served = (answer.status, answer.header("x-kmi-key"), answer.header("x-kmi-attempts"));
            // A server that broke down may have carried a POST out; 500 and 502 say nothing about that.
            assert_eq!(served, (200, Some("beta"), Some("2")), "{status} {body}: {}", answer.text());
            well(&mut proxy, &[], &format!("{status} {body}")).await;
        }
    }
}

#[tokio::test]
async fn retry_after_in_every_form_is_a_wait_between_a_second_and_a_day() {
    const DAY: i64 = 86_400;
    let far = "Fri, 31 Dec 9999 23:59:59 GMT";
    for (values, least, most) in [
        (&["0"][..], 1, 1),
        (&["-1"], 1, 1),
        (&["+5"], 5, 5),
        (&["5"], 5, 5),
        (&["1.5"], 1, 2),
        (&["1e9"], DAY, DAY),
        (&["86401"], DAY, DAY),
        (&["9223372036854775808"], DAY, DAY),
        (&["18446744073709551616"], DAY, DAY),
        (&["inf"], DAY, DAY),
        (&[far], DAY, DAY),
        (&["Sun, 06 Nov 1994 08:49:37 GMT"], 1, 1),
        (&["5", "60"], 60, 60),
        // What says nothing leaves the configured wait.
        (&[""], 300, 300),
        (&["soon"], 300, 300),
        (&["5s"], 300, 300),
        (&["5, 60"], 300, 300),
        (&["NaN"], 300, 300),
        (&["Mon, 99 Foo 2026 00:00:00 GMT"], 300, 300),
    ] {
        let simulator = simulator(&["alpha", "beta"]).await;
        let after: String = values.iter().map(|value| format!("Retry-After: {value}\r\n")).collect();
        let body = "{\"error\":{\"message\":\"slow down\",\"type\":\"rate_limit_error\"}}";
        let head = format!("HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\n{after}");
        let answer = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        simulator.script(&key("alpha"), [Behaviour::Raw(answer.into())]);
        let mut proxy = home(&simulator, &["alpha", "beta"]).start().await;
        let before = now();
        let answer = proxy.chat("hello", false).await;
        assert_eq!((answer.status, answer.header("x-kmi-key")), (200, Some("beta")), "{values:?}: {}", answer.text());
        let after = now();
        let state = proxy.state_where("the wait", |state| state["keys"]["alpha"]["exhausted_until"].is_string()).await;
        let until: Timestamp =
            state["keys"]["alpha"]["exhausted_until"].as_str().and_then(|at| at.parse().ok()).expect("a time");
        // The state knows whole seconds.
        let (earliest, latest) =
            (before + SignedDuration::from_secs(least - 1), after + SignedDuration::from_secs(most + 1));
        assert!((earliest..=latest).contains(&until), "{values:?}: {until} is not within {earliest} and {latest}");
        well(&mut proxy, &[], &format!("{values:?}")).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "what is written is compared with the clock of this machine")]
fn now() -> Timestamp {
    Timestamp::now()
}
