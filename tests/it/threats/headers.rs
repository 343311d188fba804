//! Group C: which headers pass, in both directions, as they are seen on the wire.

use kmi_tui::demo::Behaviour;

use super::{Scene, statuses};
use crate::support::proxy::key;

const GET: &str = "GET /kmi-rotor/v1/echo HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n";

#[tokio::test]
async fn the_clients_own_headers_end_here() {
    let mut scene = Scene::new().await;
    for header in [
        "Authorization: Bearer client",
        "Authorization: Basic dXNlcjpwYXNz",
        "authorization: Bearer client",
        "X-Api-Key: client",
        "Cookie: session=client",
        "Cookie2: client",
        "X-Kmi-Proxy-Token: client",
        "Proxy-Authorization: Basic client",
        "Proxy-Connection: client",
        "Proxy-Client-IP: client",
        "Keep-Alive: timeout=5, client",
        "TE: trailers, client",
        "Trailer: client",
        "Upgrade: client",
        "HTTP2-Settings: client",
        "Forwarded: for=client",
        "X-Forwarded-For: client",
        "X-Forwarded-Host: client",
        "X-Forwarded-Proto: client",
        "X-Forwarded-Port: client",
        "X-Forwarded-Server: client",
        "X-Real-IP: client",
        "Via: 1.1 client",
        "Origin: http://localhost:3000",
    ] {
        let name = header.split(':').next().expect("a name");
        let (answer, seen) = scene.seen(scene.tell(format!("{GET}{header}\r\n\r\n"))).await;
        assert_eq!(statuses(&answer), [200], "{header}: {answer}");
        let [received] = &seen[..] else { panic!("{header}: {seen:?}") };
        let leaked = received.headers.iter().find(|(_, value)| value.contains("client") || value.contains("localhost"));
        assert_eq!(leaked, None, "{header}");
        let credential = matches!(&*name.to_ascii_lowercase(), "authorization" | "x-api-key");
        assert!(received.header(name).is_none() || credential, "{header}: {received:?}");
        // The name itself does not leave either, nor do those of the connection.
        for gone in ["connection", "keep-alive", "te", "upgrade", "via", "x-forwarded-for", "forwarded"] {
            assert_eq!(received.header(gone), None, "{header}");
        }
        scene.well(header).await;
    }
}

#[tokio::test]
async fn connection_strips_what_is_the_clients_and_nothing_of_ours() {
    let mut scene = Scene::new().await;
    for listed in [
        "authorization, host, content-length",
        "Authorization",
        "x-api-key, authorization",
        "content-length, transfer-encoding",
        "host\r\nConnection: authorization",
        ",,, authorization ,;, \"x\"",
        "close, content-type, x-private",
    ] {
        let post = "POST /kmi-rotor/v1/echo HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nContent-Length: 2\r\n";
        let rest = "X-Private: client\r\nX-Public: 1\r\nAuthorization: Bearer client\r\n";
        let (answer, seen) = scene.seen(scene.tell(format!("{post}{rest}Connection: {listed}\r\n\r\n{{}}"))).await;
        assert_eq!(statuses(&answer), [200], "{listed}: {answer}");
        let [received] = &seen[..] else { panic!("{listed}: {seen:?}") };
        let credentials: Vec<_> =
            received.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("authorization")).collect();
        assert_eq!(credentials.len(), 1, "{listed}: {received:?}");
        assert_eq!(received.header("authorization"), Some(&*format!("Bearer {}", key("alpha"))), "{listed}");
        assert_eq!(received.header("host"), Some(&*scene.simulator.address().to_string()), "{listed}");
        assert_eq!((received.header("content-length"), &received.body[..]), (Some("2"), &b"{}"[..]), "{listed}");
        assert_eq!(received.header("x-public"), Some("1"), "{listed}");
        if listed.contains("x-private") {
            assert_eq!(received.header("x-private"), None, "{listed}");
        }
        scene.well(listed).await;
    }
}

#[tokio::test]
async fn of_several_credentials_one_leaves() {
    let mut scene = Scene::new().await;
    for sent in [
        "Authorization: Bearer one\r\nAuthorization: Bearer two\r\n",
        "X-Api-Key: one\r\nX-Api-Key: two\r\n",
        "Authorization: Bearer one\r\nX-Api-Key: two\r\n",
        "X-Kmi-Proxy-Token: one\r\nX-Api-Key: two\r\n",
        "Authorization: one\r\n",
        "",
    ] {
        let (answer, seen) = scene.seen(scene.tell(format!("{GET}{sent}\r\n"))).await;
        assert_eq!(statuses(&answer), [200], "{sent}");
        let [received] = &seen[..] else { panic!("{sent}: {seen:?}") };
        let is_credential =
            |name: &str| ["authorization", "x-api-key"].iter().any(|one| name.eq_ignore_ascii_case(one));
        let credentials: Vec<_> = received.headers.iter().filter(|(name, _)| is_credential(name)).collect();
        assert_eq!(credentials.len(), 1, "{sent}: {credentials:?}");
        assert!(credentials[0].1.ends_with(&key("alpha")), "{sent}: {credentials:?}");
        scene.well(sent).await;
    }
}

#[tokio::test]
async fn the_upstreams_connection_headers_and_leave_for_web_pages_end_here() {
    let mut scene = Scene::new().await;
    for header in [
        "Connection: keep-alive, x-listed",
        "Keep-Alive: timeout=5",
        "Proxy-Authenticate: Basic",
        "Proxy-Connection: keep-alive",
        "Trailer: x-trailer",
        "Upgrade: h2c",
        "X-Listed: 1\r\nConnection: x-listed",
        "Access-Control-Allow-Origin: *",
        "Access-Control-Allow-Credentials: true",
        "access-control-allow-headers: *",
        "Access-Control-Expose-Headers: *",
        "Access-Control-Allow-Private-Network: true",
    ] {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nX-Kept: 1\r\n";
        let answer = format!("{head}{header}\r\n\r\nok");
        scene.simulator.script(&key("alpha"), [Behaviour::Raw(answer.into())]);
        let answer = scene.proxy.get("/echo").await;
        assert_eq!((answer.status, &answer.body[..]), (200, &b"ok"[..]), "{header}");
        let names: Vec<&str> = answer.headers.keys().map(String::as_str).collect();
        for gone in ["keep-alive", "trailer", "upgrade", "x-listed"] {
            assert!(!names.contains(&gone), "{header}: {names:?}");
        }
        assert!(
            !names.iter().any(|name| name.starts_with("access-control-") || name.starts_with("proxy-")),
            "{names:?}"
        );
        assert_eq!(answer.header("connection"), Some("close"), "ours, since the client asked for it: {header}");
        assert_eq!(answer.header("x-kept"), Some("1"), "{header}");
        scene.well(header).await;
    }
}

#[tokio::test]
async fn an_upgrade_of_the_upstream_is_no_tunnel() {
    let scene = Scene::new().await;
    let switched = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nsecrets";
    scene.simulator.script(&key("alpha"), [Behaviour::Raw(switched.into())]);
    let get = "GET /kmi-rotor/v1/echo HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    let close = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\nConnection: close\r\n\r\nfree bytes";
    let answer = scene.tell(format!("{get}{close}")).await;
    assert_eq!(statuses(&answer), [502], "{answer}");
    assert!(!answer.contains("secrets"), "{answer}");
}
