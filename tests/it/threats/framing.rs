//! Group A: requests that two parsers could frame differently. Refused with nothing sent on, or read in the one way that
//! the standard allows and sent on once, framed anew.

use super::{Scene, shown, statuses};
use crate::support::client::Raw;

/// What may come of a row.
#[derive(Clone, Copy)]
enum Expected {
    /// 400, 501 or 505, or an end without a word; nothing goes upstream.
    Refused,
    /// One request goes upstream, with this body, and the connection ends.
    Once(&'static str),
}
use Expected::{Once, Refused};

const POST: &str = "POST /kmi-rotor/v1/echo HTTP/1.1\r\nHost: HOST\r\n";
/// What somebody hides behind a request.
const HIDDEN: &str = "GET /kmi-rotor/v1/hidden HTTP/1.1\r\nHost: HOST\r\n\r\n";

async fn hold(scene: &mut Scene, rows: impl IntoIterator<Item = (String, Expected)>) {
    for (request, expected) in rows {
        let (answer, seen) = scene.seen(scene.tell(&request)).await;
        let row = shown(&request);
        let bodies: Vec<_> = seen.iter().map(|one| String::from_utf8_lossy(&one.body).into_owned()).collect();
        let hidden = seen.iter().any(|one| one.target.contains("hidden"));
        assert!(!hidden, "{row}: what was hidden went upstream");
        match expected {
            Refused => {
                assert!(seen.is_empty(), "{row} went upstream: {seen:?}");
                let refused = |status: &u16| matches!(status, 400 | 431 | 501 | 505);
                assert!(statuses(&answer).iter().all(refused), "{row}: {answer}");
                assert!(statuses(&answer).len() <= 1, "{row}: {answer}");
            }
            Once(body) => {
                assert_eq!(bodies, [body], "{row}: {answer}");
                assert_eq!(statuses(&answer), [200], "{row}: {answer}");
                let length = seen[0].header("content-length").map(str::to_owned);
                assert!(length.is_none_or(|length| length == body.len().to_string()), "{row}: {seen:?}");
                assert_eq!(seen[0].header("transfer-encoding"), None, "{row}: framed anew");
            }
        }
        scene.well(&request).await;
    }
}

#[tokio::test]
async fn framing_that_two_parsers_could_read_differently_is_refused() {
    let mut scene = Scene::new().await;
    let rows = [
        ("Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", Refused),
        ("Connection: close\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab", Once("ab")),
        ("Content-Length: 2, 2\r\n\r\nab", Refused),
        ("Content-Length: 2, 3\r\n\r\nab", Refused),
        ("Content-Length: 2,\r\n\r\nab", Refused),
        ("Content-Length: +2\r\n\r\nab", Refused),
        ("Content-Length: -2\r\n\r\nab", Refused),
        ("Content-Length: 0x2\r\n\r\nab", Refused),
        ("Content-Length: 1_0\r\n\r\nabcdefghij", Refused),
        ("Content-Length: 2 2\r\n\r\nab", Refused),
        ("Content-Length: 2.0\r\n\r\nab", Refused),
        ("Content-Length: two\r\n\r\nab", Refused),
        ("Content-Length: \r\n\r\n", Refused),
        ("Content-Length: 18446744073709551616\r\n\r\n", Refused),
        ("Content-Length: 99999999999999999999999999\r\n\r\n", Refused),
        ("Content-Length : 2\r\n\r\nab", Refused),
        ("Content-Length\t: 2\r\n\r\nab", Refused),
        ("Content Length: 2\r\n\r\nab", Refused),
        ("Connection: close\r\nContent-Length: 0002\r\n\r\nab", Once("ab")),
        ("Connection: close\r\nContent-Length:\t2 \r\n\r\nab", Once("ab")),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Refused),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", Refused),
        ("Transfer-Encoding: identity\r\n\r\n", Refused),
        ("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", Refused),
        ("Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n", Refused),
        ("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", Refused),
        ("Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", Refused),
        ("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", Refused),
        ("Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", Refused),
        ("Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n", Refused),
        ("Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", Refused),
        ("Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", Refused),
        ("Transfer-Encoding: \r\n\r\n0\r\n\r\n", Refused),
        ("Transfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n", Refused),
        ("Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", Refused),
        ("Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", Refused),
        ("Transfer-Encoding\r\n: chunked\r\n\r\n0\r\n\r\n", Refused),
        (" Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Refused),
        ("Connection: close\r\ntransfer-encoding: CHUNKED\r\n\r\n2\r\nab\r\n0\r\n\r\n", Once("ab")),
    ];
    hold(&mut scene, rows.map(|(rest, expected)| (format!("{POST}{rest}"), expected))).await;
}

#[tokio::test]
async fn what_is_hidden_behind_a_body_never_goes_upstream() {
    let mut scene = Scene::new().await;
    // Both framings at once: the standard's reading is chunked, and the connection ends after it.
    let both = [
        "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 500\r\n\r\n0\r\n\r\n",
    ];
    hold(&mut scene, both.map(|rest| (format!("{POST}{rest}{HIDDEN}"), Once("")))).await;
    for length in ["1\r\nContent-Length: 99", "0\r\nContent-Length: 40", "0,40", "+0", "-1"] {
        hold(&mut scene, [(format!("{POST}Content-Length: {length}\r\n\r\n{HIDDEN}"), Refused)]).await;
    }
    for coding in ["xchunked", "identity", "gzip, chunked", "chunked\r\nTransfer-Encoding: x"] {
        hold(&mut scene, [(format!("{POST}Transfer-Encoding: {coding}\r\n\r\n0\r\n\r\n{HIDDEN}"), Refused)]).await;
    }
    let old = "POST /kmi-rotor/v1/echo HTTP/1.0\r\nHost: HOST\r\n";
    for rest in ["", "Connection: keep-alive\r\n", "Content-Length: 5\r\n"] {
        let request = format!("{old}{rest}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}");
        hold(&mut scene, [(request, Refused)]).await;
    }
    // Some answers need no body: it is not read, and not taken for a request either.
    for target in ["/healthz", "/readyz", "/kmi-rotor/v1"] {
        for framing in ["Content-Length: 500\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n99\r\n"] {
            let request = format!("GET {target} HTTP/1.1\r\nHost: HOST\r\n{framing}{HIDDEN}");
            let (answer, seen) = scene.seen(scene.tell(&request)).await;
            assert!(seen.is_empty() && statuses(&answer) == [200], "{target}: {seen:?}: {answer}");
        }
    }
}

#[tokio::test]
async fn chunks_are_read_strictly() {
    let mut scene = Scene::new().await;
    let extension = format!("2;{}\r\nab\r\n0\r\n\r\n", "x".repeat(20_000));
    let trailers = format!("0\r\n{}\r\n", "X-Trailer: a\r\n".repeat(10_000));
    let rows = [
        ("0x2\r\nab\r\n0\r\n\r\n", Refused),
        ("+2\r\nab\r\n0\r\n\r\n", Refused),
        ("-2\r\nab\r\n0\r\n\r\n", Refused),
        ("0_2\r\nab\r\n0\r\n\r\n", Refused),
        ("2 2\r\nab\r\n0\r\n\r\n", Refused),
        ("g\r\nab\r\n0\r\n\r\n", Refused),
        ("\r\nab\r\n0\r\n\r\n", Refused),
        (";x\r\nab\r\n0\r\n\r\n", Refused),
        ("fffffffffffffffff\r\nab\r\n0\r\n\r\n", Refused),
        ("10000000000000002\r\nab\r\n0\r\n\r\n", Refused),
        ("2\r\nabc\r\n0\r\n\r\n", Refused),
        ("2\r\nab0\r\n\r\n", Refused),
        ("2\nab\n0\n\n", Refused),
        ("2\rab\r0\r\r", Refused),
        ("2;x\ny\r\nab\r\n0\r\n\r\n", Refused),
        ("2;x\ry\r\nab\r\n0\r\n\r\n", Refused),
        (&*extension, Refused),
        (&*trailers, Refused),
        ("0\r\nno colon\r\n\r\n", Refused),
        ("0\r\nX-Bad : a\r\n\r\n", Refused),
    ];
    hold(
        &mut scene,
        rows.map(|(rest, expected)| (format!("{POST}Transfer-Encoding: chunked\r\n\r\n{rest}"), expected)),
    )
    .await;
    let fine = [
        ("2;name=value;\"quoted\"\r\nab\r\n0\r\n\r\n", Once("ab")),
        ("0002\r\nab\r\n000\r\n\r\n", Once("ab")),
        ("1\r\na\r\n1\r\nb\r\n0\r\n\r\n", Once("ab")),
        ("2\r\nab\r\n0\r\nAuthorization: Bearer x\r\nContent-Length: 99\r\nX-Trailer: a\r\n\r\n", Once("ab")),
    ];
    let close = "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    hold(&mut scene, fine.map(|(rest, expected)| (format!("{POST}{close}{rest}"), expected))).await;
    for received in scene.simulator.requests() {
        assert_eq!(received.header("x-trailer"), None, "trailers end here");
        assert_ne!(received.header("authorization"), Some("Bearer x"));
    }
}

#[tokio::test]
async fn heads_that_are_none_are_refused() {
    let mut scene = Scene::new().await;
    let get = "GET /kmi-rotor/v1/echo HTTP/1.1\r\nHost: HOST\r\n";
    for rest in [
        "X-Folded: a\r\n b\r\n\r\n",
        "X-Folded: a\r\n\tb\r\n\r\n",
        "X-Bare: a\rb\r\n\r\n",
        "X-Nul: a\u{0}b\r\n\r\n",
        "X-Escape: a\u{1b}[2Jb\r\n\r\n",
        "X-Delete: a\u{7f}b\r\n\r\n",
        "no colon\r\n\r\n",
        ": no name\r\n\r\n",
        "X Space: a\r\n\r\n",
        "X(Bracket): a\r\n\r\n",
        "X-\u{e9}: a\r\n\r\n",
        "X-Nul\u{0}: a\r\n\r\n",
    ] {
        hold(&mut scene, [(format!("{get}{rest}"), Refused)]).await;
    }
    for request in [
        "GET / HTTP/0.9\r\n\r\n",
        "GET /kmi-rotor/v1/echo\r\n\r\n",
        "GET /kmi-rotor/v1/echo HTTP/1.1\r\n Host: HOST\r\n\r\n",
        "GET /kmi-rotor/v1/echo HTTP/1.2\r\nHost: HOST\r\n\r\n",
        "GET /kmi-rotor/v1/echo HTTP/2.0\r\nHost: HOST\r\n\r\n",
        "GET /kmi-rotor/v1/echo http/1.1\r\nHost: HOST\r\n\r\n",
        "GET /kmi-rotor/v1/echo HTTP/1.1x\r\nHost: HOST\r\n\r\n",
        "GET /kmi-rotor/v1/a b HTTP/1.1\r\nHost: HOST\r\n\r\n",
        "GET\t/kmi-rotor/v1/echo\tHTTP/1.1\r\nHost: HOST\r\n\r\n",
        "G\u{0}T /kmi-rotor/v1/echo HTTP/1.1\r\nHost: HOST\r\n\r\n",
        "GET /kmi-rotor/v1/\u{0} HTTP/1.1\r\nHost: HOST\r\n\r\n",
        "GET /kmi-rotor/v1/echo HTTP/1.1\r\n\r\n",
        "GET /kmi-rotor/v1/echo HTTP/1.1\r\nHost: HOST\r\nHost: HOST\r\n\r\n",
        "GET /kmi-rotor/v1/echo HTTP/1.1\r\nHost: HOST\r\nHost: evil.test\r\n\r\n",
        "GET /kmi-rotor/v1/echo HTTP/1.1\r\nHost: HOST, evil.test\r\n\r\n",
        "GET /kmi-rotor/v1/echo HTTP/1.1\r\nHost:\r\n\r\n",
        "GET /kmi-rotor/v1/echo HTTP/1.0\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}",
        "SSH-2.0-OpenSSH_9.9\r\n",
        "*1\r\n$4\r\nPING\r\n",
        "garbage\r\n\r\n",
    ] {
        hold(&mut scene, [(request.to_owned(), Refused)]).await;
    }
    // Line feeds alone end lines too; what comes of it is one request like any other.
    let bare = "POST /kmi-rotor/v1/echo HTTP/1.1\nHost: HOST\nConnection: close\nContent-Length: 2\n\nab";
    hold(&mut scene, [(bare.to_owned(), Once("ab"))]).await;
}

#[tokio::test]
async fn requests_behind_one_another_are_answered_in_order() {
    let mut scene = Scene::new().await;
    let mut raw = Raw::open(scene.proxy.address).await;
    let host = scene.proxy.address;
    let mut requests = String::new();
    for (rest, close) in [("files/no", ""), ("models", ""), ("files/no", ""), ("models", "Connection: close\r\n")] {
        requests.push_str(&format!("GET /kmi-rotor/v1/{rest} HTTP/1.1\r\nHost: {host}\r\n{close}\r\n"));
    }
    raw.send(requests).await;
    raw.read_to_end().await;
    assert_eq!(statuses(&raw.text()), [404, 200, 404, 200], "{}", raw.text());
    scene.well("pipelining").await;
}

#[tokio::test]
async fn what_comes_behind_an_upgrade_stays_here() {
    let mut scene = Scene::new().await;
    for upgrade in
        ["websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13", "h2c\r\nHTTP2-Settings: AAAA", "x"]
    {
        let get = "GET /kmi-rotor/v1/models HTTP/1.1\r\nHost: HOST\r\nConnection: close, Upgrade, HTTP2-Settings\r\n";
        let (answer, seen) = scene.seen(scene.tell(format!("{get}Upgrade: {upgrade}\r\n\r\n{HIDDEN}"))).await;
        assert_eq!(statuses(&answer), [200], "{upgrade}: an answer like any other: {answer}");
        assert_eq!(seen.len(), 1, "{upgrade}");
        for gone in ["upgrade", "connection", "http2-settings"] {
            assert_eq!(seen[0].header(gone), None, "{upgrade}");
        }
        scene.well(upgrade).await;
    }
}
