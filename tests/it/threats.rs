//! Bytes that a hostile neighbour sends: refused, and nothing goes upstream. Each row is a case with its expected answer.

use crate::support::{
    client::Raw,
    proxy::{Proxy, home, key, simulator},
};

/// The status of the first answer to these bytes, 0 when the connection was closed without one.
async fn answer_to(proxy: &Proxy, request: &str) -> u16 {
    let mut raw = Raw::open(proxy.address).await;
    raw.send(request.replace("HOST", &proxy.address.to_string())).await;
    raw.read_to_end().await;
    raw.text().split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
}

/// Whether a plain request is still answered.
async fn alive(proxy: &Proxy) -> bool {
    proxy.get("/models").await.status == 200
}

#[tokio::test]
async fn framing_that_two_parsers_could_read_differently_is_refused() {
    let simulator = simulator(&["alpha"]).await;
    let proxy = home(&simulator, &["alpha"]).start().await;
    let post = "POST /kmi-rotor/v1/echo HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n";
    for rest in [
        "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "Content-Length: +2\r\n\r\nab",
        "Content-Length: 0x2\r\n\r\nab",
        "Content-Length: \r\n\r\n",
        "Content-Length: 18446744073709551616\r\n\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n+2\r\nab\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nab\r\n0\r\n\r\n",
        "X-Bad: a\u{0}b\r\n\r\n",
        "X-Folded: a\r\n b\r\n\r\n",
        "no colon\r\n\r\n",
    ] {
        let sent = simulator.requests().len();
        let status = answer_to(&proxy, &format!("{post}{rest}")).await;
        assert_eq!(status, 400, "{rest:?}");
        assert_eq!(simulator.requests().len(), sent, "{rest:?} went upstream");
    }
    for request in
        ["GET / HTTP/0.9\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}", "garbage\r\n\r\n"]
    {
        let status = answer_to(&proxy, request).await;
        assert!(matches!(status, 0 | 400 | 404 | 405 | 505), "{request:?}: {status}");
    }
    assert!(alive(&proxy).await);
}

#[tokio::test]
async fn no_target_leads_anywhere_else() {
    let simulator = simulator(&["alpha"]).await;
    let proxy = home(&simulator, &["alpha"]).start().await;
    for line in [
        "GET http://evil.test/kmi-rotor/v1/models",
        "GET //evil.test/kmi-rotor/v1/models",
        "GET /kmi-rotor/v1@127.0.0.1:9/models",
        "GET /kmi-rotor/v1.evil.test/models",
        "GET /kmi-rotor/v1//evil.test/models",
        "GET /kmi-rotor/v1/../admin",
        "GET /kmi-rotor/v1/%2e%2e/admin",
        "GET /kmi-rotor/v1/..%5cadmin",
        "GET /kmi-rotor/V1/models",
        "GET file:///etc/passwd",
        "CONNECT evil.test:443",
        "OPTIONS *",
        "TRACE /kmi-rotor/v1/models",
    ] {
        let status = answer_to(&proxy, &format!("{line} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n")).await;
        assert!((400..500).contains(&status), "{line}: {status}");
    }
    let long = "a".repeat(70_000);
    let status = answer_to(&proxy, &format!("GET /kmi-rotor/v1/{long} HTTP/1.1\r\nHost: HOST\r\n\r\n")).await;
    assert!(matches!(status, 400 | 414 | 431), "{status}");
    assert_eq!(simulator.requests().len(), 0);
    assert!(alive(&proxy).await);
}

#[tokio::test]
async fn a_wrong_token_is_not_tried_again() {
    let simulator = simulator(&["alpha"]).await;
    let proxy = home(&simulator, &["alpha"]).set("KMI_PROXY_TOKEN", "a-token-of-some-length").start().await;
    let answer = proxy.request("GET", "/models", &[("x-api-key", "wrong")], b"").await;
    assert_eq!((answer.status, answer.header("x-should-retry")), (401, Some("false")));
}

#[tokio::test]
async fn web_pages_and_strangers_are_turned_away_before_the_body_is_read() {
    let simulator = simulator(&["alpha"]).await;
    let proxy = home(&simulator, &["alpha"]).set("KMI_PROXY_TOKEN", "a-token-of-some-length").start().await;
    for (headers, expected) in [
        ("Host: evil.test\r\n", 403),
        ("Host: HOST\r\nHost: HOST\r\n", 400),
        ("", 400),
        ("Host: HOST\r\nOrigin: https://evil.test\r\n", 403),
        ("Host: HOST\r\nOrigin: null\r\n", 403),
        ("Host: HOST\r\nSec-Fetch-Site: cross-site\r\n", 403),
        ("Host: HOST\r\nAuthorization: Bearer wrong\r\n", 401),
    ] {
        // The announced body never comes: who waits for it has looked too late.
        let request = format!("POST /kmi-rotor/v1/echo HTTP/1.1\r\n{headers}Content-Length: 1000000\r\n\r\n");
        assert_eq!(answer_to(&proxy, &request).await, expected, "{headers:?}");
    }
    assert_eq!(simulator.requests().len(), 0);
    let right = [("x-kmi-proxy-token", "a-token-of-some-length")];
    assert_eq!(proxy.request("GET", "/models", &right, b"").await.status, 200);
    let received = simulator.requests().pop().expect("one");
    assert_eq!(received.header("x-kmi-proxy-token"), None);
    assert_eq!(received.header("authorization"), Some(&*format!("Bearer {}", key("alpha"))));
    let trace = proxy.traced(8).await;
    assert_eq!(trace.iter().filter(|record| record["error_code"] == "unauthorized").count(), 1);
}

#[tokio::test]
async fn bodies_beyond_the_limit_are_refused_and_expectations_met() {
    let simulator = simulator(&["alpha"]).await;
    let proxy = home(&simulator, &["alpha"]).set("KMI_PROXY_MAX_BODY_MB", "1").start().await;
    let post = "POST /kmi-rotor/v1/echo HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n";
    assert_eq!(answer_to(&proxy, &format!("{post}Content-Length: 1099511627776\r\n\r\n")).await, 413);
    let chunk = format!("{:x}\r\n{}\r\n", 1 << 20, "a".repeat(1 << 20));
    let chunked = format!("{post}Transfer-Encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n");
    assert_eq!(answer_to(&proxy, &chunked).await, 413);
    assert_eq!(simulator.requests().len(), 0);
    let mut raw = Raw::open(proxy.address).await;
    let head =
        format!("{post}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n").replace("HOST", &proxy.address.to_string());
    raw.send(head).await;
    raw.read_until("100 Continue").await;
    raw.send("{}").await;
    raw.read_until("HTTP/1.1 200").await;
    assert_eq!(&simulator.requests().pop().expect("one").body[..], b"{}");
}
