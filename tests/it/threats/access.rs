//! Group D: who is let in – `Host`, `Origin`, token. Refused before the body is read.

use super::{Scene, statuses, well};
use crate::support::proxy::{Home, key, until};

const TOKEN: &str = "a-token-of-some-length";

#[tokio::test]
async fn foreign_hosts_are_refused_and_this_machine_is_served() {
    let mut scene = Scene::new().await;
    let port = scene.proxy.address.port();
    for (host, expected) in [
        ("localhost", 200),
        ("LocalHost:PORT", 200),
        ("127.0.0.1", 200),
        ("127.0.0.1:PORT", 200),
        ("127.1.2.3:PORT", 200),
        ("[::1]:PORT", 200),
        ("[0:0:0:0:0:0:0:1]:PORT", 200),
        ("evil.test", 403),
        ("evil.test:PORT", 403),
        ("localhost.evil.test", 403),
        ("127.0.0.1.evil.test", 403),
        ("127.0.0.1.nip.io:PORT", 403),
        ("evillocalhost", 403),
        ("xn--lcalhost-55a", 403),
        ("2130706433:PORT", 403),
        ("0x7f.1:PORT", 403),
        ("0177.0.0.1:PORT", 403),
        ("127.1:PORT", 403),
        ("0.0.0.0:PORT", 403),
        ("0:PORT", 403),
        ("[::]:PORT", 403),
        ("[::ffff:10.0.0.1]:PORT", 403),
        ("169.254.169.254", 403),
        ("10.0.0.1:PORT", 403),
        ("user@localhost:PORT", 400),
        ("localhost@evil.test", 400),
        ("localhost:PORT@evil.test", 400),
        ("evil.test#localhost", 400),
        ("evil.test/localhost", 400),
        ("evil.test\\localhost", 400),
        ("localhost/x?", 400),
        ("localhost, evil.test", 400),
        ("localhost evil.test", 400),
        ("http://localhost", 400),
        ("[::1", 400),
        ("::1]", 400),
        ("[::1]x", 400),
        ("[localhost]", 400),
        ("localhost:", 400),
        ("localhost:x", 400),
        ("localhost:99999", 400),
        ("localhost:+80", 400),
        ("localhost:80:80", 400),
        ("", 400),
    ] {
        let host = host.replace("PORT", &port.to_string());
        let request = format!("GET /kmi-rotor/v1/models HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let (answer, seen) = scene.seen(scene.tell(&request)).await;
        assert_eq!(statuses(&answer), [expected], "{host}: {answer}");
        assert_eq!(seen.len(), usize::from(expected == 200), "{host}");
        scene.well(&host).await;
    }
}

#[tokio::test]
async fn pages_of_other_sites_get_nothing_and_no_leave() {
    let mut scene = Scene::new().await;
    for (headers, expected) in [
        ("Origin: https://evil.test", 403),
        ("Origin: null", 403),
        ("Origin: file://", 403),
        ("Origin: chrome-extension://abcdef", 403),
        ("Origin: http://localhost.evil.test", 403),
        ("Origin: http://evil.test?localhost", 403),
        ("Origin: http://localhost@evil.test", 403),
        ("Origin: http://127.0.0.1.evil.test:1", 403),
        ("Origin: http://0.0.0.0:1", 403),
        ("Origin: http://localhost http://evil.test", 403),
        ("Origin: http://localhost\r\nOrigin: https://evil.test", 403),
        ("Origin: ", 403),
        ("Sec-Fetch-Site: cross-site", 403),
        ("Sec-Fetch-Site: cross-site\r\nOrigin: http://localhost", 403),
        ("Sec-Fetch-Site: Cross-Site", 403),
        ("Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site", 403),
        ("Origin: http://localhost:3000", 200),
        ("Origin: https://127.0.0.1:3000", 200),
        ("Origin: http://[::1]:3000", 200),
        ("Sec-Fetch-Site: same-origin", 200),
        ("Sec-Fetch-Site: none", 200),
    ] {
        // Such as a form can send without asking first: the body that it announces never comes.
        for (method, rest) in [("POST", "echo"), ("GET", "models"), ("OPTIONS", "chat/completions")] {
            let length = if method == "POST" && expected == 403 { "Content-Length: 1000000\r\n" } else { "" };
            let head = format!("{method} /kmi-rotor/v1/{rest} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n");
            let preflight = "Access-Control-Request-Method: POST\r\nContent-Type: text/plain\r\n";
            let (answer, seen) = scene.seen(scene.tell(format!("{head}{length}{preflight}{headers}\r\n\r\n"))).await;
            let got = statuses(&answer);
            if expected == 403 {
                assert_eq!(got, [403], "{method} {headers}: {answer}");
                assert!(seen.is_empty(), "{method} {headers}");
            } else {
                assert!(got.len() == 1 && !matches!(got[0], 401 | 403), "{method} {headers}: {answer}");
            }
            let head = answer.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase();
            assert!(!head.contains("access-control-"), "{method} {headers}: {answer}");
        }
        scene.well(headers).await;
    }
}

#[tokio::test]
async fn only_the_right_token_opens_and_it_stays_here() {
    let mut scene = Scene::with(|home| home.set("KMI_PROXY_TOKEN", TOKEN)).await;
    let right = [("x-kmi-proxy-token", TOKEN)];
    for (headers, expected) in [
        ("", 401),
        ("Authorization: Bearer wrong", 401),
        ("Authorization: Bearer a-token-of-some-lengt", 401),
        ("Authorization: Bearer a-token-of-some-length-and-more", 401),
        ("Authorization: Bearer A-TOKEN-OF-SOME-LENGTH", 401),
        ("Authorization: a-token-of-some-length", 401),
        ("Authorization: Basic YS10b2tlbi1vZi1zb21lLWxlbmd0aA==", 401),
        ("Authorization: Bearer", 401),
        ("Authorization:", 401),
        ("X-Api-Key: ", 401),
        ("X-Api-Key: kmi-local", 401),
        ("Cookie: token=a-token-of-some-length", 401),
        ("X-Token: a-token-of-some-length", 401),
        ("Proxy-Authorization: Bearer a-token-of-some-length", 401),
        ("Authorization: Bearer a-token-of-some-length", 200),
        ("authorization: bEARER a-token-of-some-length", 200),
        ("X-Api-Key: a-token-of-some-length", 200),
        ("X-Kmi-Proxy-Token: a-token-of-some-length", 200),
        ("Authorization: Bearer wrong\r\nX-Kmi-Proxy-Token: a-token-of-some-length", 200),
    ] {
        // The announced body never comes: who waits for it has looked too late.
        let length = if expected == 401 { 1_000_000 } else { 0 };
        let post =
            format!("POST /kmi-rotor/v1/echo HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nContent-Length: {length}");
        let (answer, seen) = scene.seen(scene.tell(format!("{post}\r\n{headers}\r\n\r\n"))).await;
        assert_eq!(statuses(&answer), [expected], "{headers}: {answer}");
        assert_eq!(seen.len(), usize::from(expected == 200), "{headers}");
        for received in seen {
            assert!(received.headers.iter().all(|(_, value)| !value.contains(TOKEN)), "{headers}: {received:?}");
            assert_eq!(received.header("x-kmi-proxy-token"), None);
        }
        well(&mut scene.proxy, &right, headers).await;
    }
    for open in ["/healthz", "/readyz"] {
        let answer = scene.tell(format!("GET {open} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n")).await;
        assert_eq!(statuses(&answer), [200], "{open} is open, and says nothing secret");
        assert!(!answer.contains("alpha"), "{answer}");
    }
    // In the query it would be logged everywhere: it opens nothing.
    let answer = scene.proxy.get(&format!("/models?token={TOKEN}&key={TOKEN}")).await;
    assert_eq!((answer.status, answer.header("x-should-retry")), (401, Some("false")));
    let trace = scene.proxy.traced(1).await;
    assert!(trace.iter().any(|record| record["error_code"] == "unauthorized"));
    assert!(!serde_json::to_string(&trace).expect("text").contains(TOKEN), "the query is not recorded");
}

#[tokio::test]
async fn who_guesses_the_token_is_slowed_and_written_down() {
    let mut scene = Scene::with(|home| home.set("KMI_PROXY_TOKEN", TOKEN)).await;
    let guess = "GET /kmi-rotor/v1/models HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nX-Api-Key: wrong\r\n\r\n";
    // A few slips cost nothing, the next is answered late.
    for _ in 0..6 {
        assert_eq!(statuses(&scene.tell(guess).await), [401]);
    }
    let trace = scene.proxy.traced(6).await;
    let waits: Vec<u64> = trace.iter().filter_map(|record| record["latency_ms"].as_u64()).collect();
    assert_eq!((waits.len(), waits.last().is_some_and(|wait| *wait >= 1_000)), (6, true), "{waits:?}");
    // Each of the first is written down, with who it was and without what he said.
    let log = scene.proxy.home.state_dir().join("logs/kmi.log");
    let written = || std::fs::read_to_string(&log).ok().filter(|log| log.matches("proxy_unauthorized").count() >= 5);
    let log = until("the audit", written).await;
    assert!(log.contains("audit_event") && log.contains("127.0.0.1") && !log.contains("wrong\""), "{log}");
    well(&mut scene.proxy, &[("x-api-key", TOKEN)], "guesses").await;
}

#[tokio::test]
async fn beyond_loopback_every_lock_must_be_there() {
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        for set in [
            &[][..],
            &[("KMI_PROXY_ALLOW_REMOTE", "1")],
            &[("KMI_PROXY_TOKEN", TOKEN)],
            &[("KMI_PROXY_ALLOW_REMOTE", "1"), ("KMI_PROXY_TOKEN", TOKEN)],
            &[("KMI_PROXY_ALLOW_REMOTE", "1"), ("KMI_PROXY_TLS_TERMINATED", "1")],
            &[("KMI_PROXY_ALLOW_REMOTE", "1"), ("KMI_PROXY_TOKEN", "short"), ("KMI_PROXY_TLS_TERMINATED", "1")],
        ] {
            let home = Home::new().with_key("alpha").set("KMI_PROXY_LISTEN", listen);
            let home = set.iter().fold(home, |home, (name, value)| home.set(name, *value));
            let (code, said, errors) = home.run(&["--no-ui"]).await;
            assert_eq!(code, Some(2), "{listen} {set:?}: {said}{errors}");
            assert!(errors.contains("KMI_PROXY_"), "{listen} {set:?}: the reason is named: {errors}");
            assert!(!errors.contains(TOKEN) && !errors.contains(&key("alpha")), "{errors}");
        }
    }
}
