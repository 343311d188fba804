//! Group F: an upstream that answers as none should. The client is told soon and in JSON, or sees a cut where a stream was
//! cut; a POST that may have been executed is sent once; the next request gets its own answer.

use std::sync::Arc;

use futures_util::StreamExt;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{io::AsyncWriteExt, net::TcpListener};
use tokio_rustls::TlsAcceptor;

use super::{Scene, statuses, well};
use crate::support::{
    client::{Answer, Raw},
    proxy::{Home, Proxy, home, key, simulator},
    raw_upstream::{Act, RawUpstream, Reads},
};

/// What the client of a POST sees.
#[derive(Debug, Clone, Copy)]
enum Sees {
    /// An error of ours that names the upstream.
    Told(u16),
    /// A good head and a body that visibly breaks off.
    Cut,
    /// This body, whole.
    Whole(&'static str),
    /// The upstream's own error.
    Status(u16),
}
use Sees::{Cut, Status, Told, Whole};

fn alpha_at(base: &str) -> String {
    format!("KMI_API_KEY={}\nKMI_UPSTREAM_BASE_URL={base}\n", key("alpha"))
}

/// `alpha` at a raw upstream, `beta` at the simulator; waits are short.
fn two_keys(simulator: &kmi_tui::demo::Simulator, base: &str) -> Home {
    home(simulator, &["beta"])
        .with_auth("alpha.env", &alpha_at(base))
        .set("KMI_PROXY_CONNECT_TIMEOUT_SECONDS", "1")
        .set("KMI_PROXY_HEAD_TIMEOUT_SECONDS", "4")
        .set("KMI_PROXY_IDLE_TIMEOUT_SECONDS", "1")
}

fn check(row: &str, sees: Sees, answer: &Answer) {
    let seen = format!("{row}: {} {:?} {}", answer.status, answer.headers, answer.text());
    match sees {
        Told(status) => {
            assert_eq!(answer.status, status, "{seen}");
            assert_eq!(answer.json()["error"]["fault"], "upstream", "{seen}");
        }
        Cut => assert!(answer.status == 200 && !answer.complete, "{seen}"),
        Whole(body) => assert!(answer.status == 200 && answer.complete && answer.text() == body, "{seen}"),
        Status(status) => assert_eq!(answer.status, status, "{seen}"),
    }
    assert!(!answer.text().contains("hidden"), "{seen}");
}

/// One row: a POST that meets the fault, and a GET that another key may serve.
async fn hold(row: &'static str, script: Vec<Act>, sees: Sees) {
    let simulator = simulator(&["beta"]).await;
    let upstream = RawUpstream::start(Reads::Whole, vec![script]).await;
    let mut proxy = two_keys(&simulator, &upstream.base_url()).start().await;
    let answer = proxy.request("POST", "/x", &[("content-type", "text/plain")], b"hello").await;
    check(row, sees, &answer);
    let happened = upstream.happened();
    assert_eq!(happened.requests.len(), 1, "{row}: it may have been executed");
    assert_eq!(simulator.requests().len(), 0, "{row}: it may have been executed");
    if let Status(_) = sees {
        // Relayed, whoever asks: to see the other key serve, this one must be out of the way.
        proxy.home.run(&["block", "alpha"]).await;
    }
    well(&mut proxy, &[], row).await;
}

const PLAIN: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";

#[tokio::test]
async fn whatever_an_upstream_answers_the_client_is_told_or_sees_a_cut() {
    let long = |count: usize| "X-Long: y\r\n".repeat(count);
    let text = |rest: &str| vec![Act::send(format!("{PLAIN}{rest}")), Act::Close];
    let raw = |bytes: &[u8]| vec![Act::send(bytes), Act::Close];
    let rows: Vec<(&'static str, Vec<Act>, Sees)> = vec![
        ("closed", vec![Act::Close], Told(502)),
        ("reset", vec![Act::Reset], Told(502)),
        ("silent", vec![Act::Wait], Told(504)),
        ("garbage", raw(b"\0\xff\x1b[2Jgarbage\r\n\r\n"), Told(502)),
        ("another protocol", raw(b"SSH-2.0-OpenSSH_9.9\r\n"), Told(502)),
        ("HTTP/2", raw(b"HTTP/2 200 OK\r\n\r\n"), Told(502)),
        ("HTTP/0.9", raw(b"<html>hello</html>"), Told(502)),
        ("half a head", raw(b"HTTP/1.1 200 OK\r\nContent-Le"), Told(502)),
        ("half a head and silence", vec![Act::send("HTTP/1.1 200 OK\r\nX: "), Act::Wait], Told(504)),
        ("status 099", raw(b"HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\nok"), Told(502)),
        ("status 1000", raw(b"HTTP/1.1 1000 Odd\r\nContent-Length: 2\r\n\r\nok"), Told(502)),
        ("no status", raw(b"HTTP/1.1 OK\r\nContent-Length: 2\r\n\r\nok"), Told(502)),
        ("two lengths", text("Content-Length: 2\r\nContent-Length: 40\r\n\r\nok"), Told(502)),
        ("a list of lengths", text("Content-Length: 2, 3\r\n\r\nok"), Told(502)),
        ("no number", text("Content-Length: foo\r\n\r\nok"), Told(502)),
        ("a negative length", text("Content-Length: -1\r\n\r\nok"), Told(502)),
        ("a signed length", text("Content-Length: +2\r\n\r\nok"), Told(502)),
        ("a huge length", text("Content-Length: 18446744073709551616\r\n\r\nok"), Told(502)),
        (
            "both framings",
            text("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
            Told(502),
        ),
        ("an unknown coding", text("Transfer-Encoding: gzip\r\n\r\nok"), Told(502)),
        ("two codings", text("Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"), Told(502)),
        ("chunked twice", text("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), Told(502)),
        ("identity", text("Transfer-Encoding: identity\r\n\r\nok"), Told(502)),
        ("NUL in a header", text("X-Bad: a\0b\r\nContent-Length: 2\r\n\r\nok"), Told(502)),
        ("CR in a header", text("X-Bad: a\rb\r\nContent-Length: 2\r\n\r\nok"), Told(502)),
        ("a header without a name", text(": a\r\nContent-Length: 2\r\n\r\nok"), Told(502)),
        ("300 headers", raw(format!("{PLAIN}{}Content-Length: 2\r\n\r\nok", long(300)).as_bytes()), Told(502)),
        ("a head of 600 kB", raw(format!("{PLAIN}X: {}\r\n\r\n", "y".repeat(600_000)).as_bytes()), Told(502)),
        ("an endless header", vec![Act::send(format!("{PLAIN}X: ")), Act::Endless(vec![b'y'; 4096])], Told(502)),
        ("endless headers", vec![Act::send(PLAIN), Act::Endless(long(50).into_bytes())], Told(502)),
        (
            "hints for ever",
            vec![Act::Endless(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".repeat(100))],
            Told(502),
        ),
        ("switched protocols", raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nhidden"), Told(502)),
        (
            "a hint first",
            raw(format!("HTTP/1.1 103 Early Hints\r\n\r\n{PLAIN}Content-Length: 2\r\n\r\nok").as_bytes()),
            Whole("ok"),
        ),
        (
            "continue first",
            raw(format!("HTTP/1.1 100 Continue\r\n\r\n{PLAIN}Content-Length: 2\r\n\r\nok").as_bytes()),
            Whole("ok"),
        ),
        ("an interim answer alone", raw(b"HTTP/1.1 100 Continue\r\n\r\n"), Told(502)),
        ("byte by byte", vec![Act::Drip(format!("{PLAIN}Content-Length: 2\r\n\r\nok").into_bytes())], Whole("ok")),
        ("HTTP/1.0 until the end", raw(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nok"), Whole("ok")),
        ("no length until the end", text("\r\nok"), Whole("ok")),
        ("line feeds alone", raw(b"HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 2\n\nok"), Whole("ok")),
        ("cut in the body", text("Content-Length: 20\r\n\r\nok"), Cut),
        ("cut before the body", text("Content-Length: 20\r\n\r\n"), Cut),
        ("cut between chunks", text("Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"), Cut),
        ("cut in a chunk", text("Transfer-Encoding: chunked\r\n\r\n20\r\nok"), Cut),
        ("cut before the last line", text("Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"), Cut),
        ("a bad chunk size", text("Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n"), Cut),
        ("a signed chunk size", text("Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n+1\r\nx\r\n0\r\n\r\n"), Cut),
        ("a chunk too long", text("Transfer-Encoding: chunked\r\n\r\n2\r\nok!\r\n0\r\n\r\n"), Cut),
        (
            "a chunk size beyond 64 bits",
            text("Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n10000000000000001\r\n"),
            Cut,
        ),
        ("reset in the body", vec![Act::send(format!("{PLAIN}Content-Length: 20\r\n\r\nok")), Act::Reset], Cut),
        ("silence in the body", vec![Act::send(format!("{PLAIN}Content-Length: 20\r\n\r\nok")), Act::Wait], Cut),
        (
            "silence between chunks",
            vec![Act::send(format!("{PLAIN}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")), Act::Wait],
            Cut,
        ),
        ("an error that is cut", raw(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 20\r\n\r\n{}"), Told(502)),
        ("an error of its own", raw(b"HTTP/1.1 422 Odd\r\nContent-Length: 2\r\n\r\n{}"), Status(422)),
    ];
    let count = rows.len();
    assert!(count > 50);
    futures_util::stream::iter(rows)
        .for_each_concurrent(4, async |(row, script, sees)| {
            assert!(tokio::spawn(hold(row, script, sees)).await.is_ok(), "{row}");
        })
        .await;
}

#[tokio::test]
async fn the_next_request_gets_its_own_answer() {
    let own = format!("{PLAIN}Content-Length: 3\r\n\r\nown");
    let hidden = format!("{PLAIN}Content-Length: 6\r\n\r\nhidden");
    for (row, first, status) in [
        ("bytes behind an answer", format!("{PLAIN}Content-Length: 2\r\n\r\nok{hidden}"), 200),
        (
            "bytes behind the last chunk",
            format!("{PLAIN}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n{hidden}"),
            200,
        ),
        ("a 204 with a body", format!("HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\n{hidden}"), 204),
        ("a 304 with a body", format!("HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\n{hidden}"), 304),
        ("two answers at once", format!("{PLAIN}Content-Length: 2\r\n\r\nok{hidden}{hidden}"), 200),
        ("garbage behind an answer", format!("{PLAIN}Content-Length: 2\r\n\r\nok\r\n\r\nhidden"), 200),
    ] {
        let scripts = vec![vec![Act::send(first)], vec![Act::send(own.clone())]];
        let upstream = RawUpstream::start(Reads::Whole, scripts).await;
        let simulator = simulator(&["beta"]).await;
        let mut proxy = two_keys(&simulator, &upstream.base_url()).start().await;
        let answer = proxy.request("POST", "/x", &[], b"one").await;
        assert_eq!(answer.status, status, "{row}");
        assert!(!answer.text().contains("hidden"), "{row}: {}", answer.text());
        for _ in 0..3 {
            let answer = proxy.request("POST", "/x", &[], b"two").await;
            assert_eq!((answer.status, &*answer.text()), (200, "own"), "{row}");
        }
        well(&mut proxy, &[], row).await;
    }
    // HEAD: what comes as a body would be the next answer.
    let scripts = vec![vec![Act::send(hidden)], vec![Act::send(own)]];
    let upstream = RawUpstream::start(Reads::Whole, scripts).await;
    let proxy = two_keys(&simulator(&["beta"]).await, &upstream.base_url()).start().await;
    let answer = proxy.request("HEAD", "/x", &[], b"").await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(proxy.request("POST", "/x", &[], b"two").await.text(), "own");
}

#[tokio::test]
async fn a_redirect_is_relayed_and_followed_by_nobody() {
    let mut elsewhere =
        RawUpstream::start(Reads::Whole, vec![vec![Act::send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhidden")]])
            .await;
    for status in [301, 302, 303, 307, 308] {
        let head = format!("HTTP/1.1 {status} Moved\r\nLocation: http://{}/coding/v1/x\r\n", elsewhere.address);
        let upstream =
            RawUpstream::start(Reads::Whole, vec![vec![Act::send(format!("{head}Content-Length: 0\r\n\r\n"))]]).await;
        let simulator = simulator(&["beta"]).await;
        let mut proxy = two_keys(&simulator, &upstream.base_url()).start().await;
        for method in ["GET", "POST"] {
            let answer = proxy.request(method, "/x", &[], b"{}").await;
            assert_eq!((answer.status, answer.header("x-kmi-key")), (status, Some("alpha")), "{method}");
        }
        assert_eq!(upstream.happened().requests.len(), 2, "{status}");
        proxy.home.run(&["block", "alpha"]).await;
        well(&mut proxy, &[], "a redirect").await;
    }
    assert_eq!(elsewhere.until("nothing", |_| true).await.connections, 0, "nobody went there");
}

#[tokio::test]
async fn an_answer_before_the_upload_has_ended_is_relayed() {
    let refusal =
        "HTTP/1.1 413 Too Large\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    let upstream = RawUpstream::start(Reads::Head, vec![vec![Act::send(refusal), Act::Drain]]).await;
    let simulator = simulator(&["beta"]).await;
    let mut proxy = two_keys(&simulator, &upstream.base_url()).start().await;
    let answer = proxy.request("POST", "/files", &[], &vec![b'x'; 8 << 20]).await;
    assert_eq!((answer.status, &*answer.text()), (413, "{}"));
    proxy.home.run(&["block", "alpha"]).await;
    well(&mut proxy, &[], "an early answer").await;
    // It may as well slam the door: then the answer can be lost, but nothing hangs.
    let upstream = RawUpstream::start(Reads::Head, vec![vec![Act::send(refusal), Act::Reset]]).await;
    let mut proxy = two_keys(&simulator, &upstream.base_url()).start().await;
    let answer = proxy.request("POST", "/files", &[], &vec![b'x'; 8 << 20]).await;
    assert!(matches!(answer.status, 413 | 502), "{}", answer.status);
    proxy.home.run(&["block", "alpha"]).await;
    well(&mut proxy, &[], "an early answer and a reset").await;
}

#[tokio::test]
async fn a_kept_connection_that_closes_under_a_post_costs_one_more_try_at_most() {
    let ok = format!("{PLAIN}Content-Length: 2\r\n\r\nok");
    // Each connection serves one request, and ends when the next has come.
    let scripts = vec![vec![Act::send(ok.clone())], vec![Act::Close], vec![Act::send(ok)], vec![Act::Reset]];
    let upstream = RawUpstream::start(Reads::Whole, scripts).await;
    let simulator = simulator(&["beta"]).await;
    let mut proxy = two_keys(&simulator, &upstream.base_url()).start().await;
    assert_eq!(proxy.request("POST", "/x", &[], b"one").await.status, 200);
    let answer = proxy.request("POST", "/x", &[], b"two").await;
    let seen = upstream.happened().requests.iter().filter(|request| request.ends_with("two")).count();
    assert!(matches!((answer.status, seen), (200, 1..=2) | (502, 1)), "{} {seen}", answer.status);
    assert_eq!(simulator.requests().len(), 0);
    well(&mut proxy, &[], "a kept connection").await;
}

/// A TLS server with this certificate that answers every request well; the second counts what came decrypted.
async fn tls_server(config: Arc<ServerConfig>) -> (std::net::SocketAddr, Arc<std::sync::atomic::AtomicUsize>) {
    use tokio::io::AsyncReadExt;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let read = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = read.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, counted) = (TlsAcceptor::from(config.clone()), counted.clone());
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut block = [0; 4096];
                let got = stream.read(&mut block).await.unwrap_or_default();
                counted.fetch_add(got, std::sync::atomic::Ordering::SeqCst);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (address, read)
}

/// A certificate for this name, valid or long expired, signed by an authority of its own; and the authority in PEM.
fn certificate(name: &str, expired: bool) -> (Arc<ServerConfig>, String) {
    let authority_key = rcgen::KeyPair::generate().expect("made");
    let mut authority = rcgen::CertificateParams::new(Vec::new()).expect("valid");
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_cert = authority.self_signed(&authority_key).expect("signed");
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().expect("made");
    let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).expect("valid");
    if expired {
        (params.not_before, params.not_after) = (rcgen::date_time_ymd(2001, 1, 1), rcgen::date_time_ymd(2002, 1, 1));
    }
    let cert = params.signed_by(&key, &issuer).expect("signed");
    let chain: Vec<CertificateDer<'static>> = vec![cert.der().clone()];
    let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .expect("they belong together");
    (Arc::new(config), authority_cert.pem())
}

/// What a POST comes to when `alpha` is at this TLS port, with this authority trusted.
async fn over_tls(address: std::net::SocketAddr, authority: &str) -> (Answer, Proxy) {
    let simulator = simulator(&["beta"]).await;
    let home =
        two_keys(&simulator, &format!("https://{address}/coding/v1")).set("KMI_PROXY_HEAD_TIMEOUT_SECONDS", "60");
    let file = home.folder.path().join("authority.pem");
    std::fs::write(&file, authority).expect("written");
    let mut proxy = home.set("SSL_CERT_FILE", file.to_str().expect("UTF-8")).start().await;
    let answer = proxy.request("POST", "/echo", &[], b"hello").await;
    well(&mut proxy, &[], "TLS").await;
    (answer, proxy)
}

#[tokio::test]
async fn an_upstream_that_can_not_prove_who_it_is_gets_no_key() {
    let (good, authority) = certificate("127.0.0.1", false);
    let (address, read) = tls_server(good.clone()).await;
    let (answer, _proxy) = over_tls(address, &authority).await;
    assert_eq!((answer.status, answer.header("x-kmi-key")), (200, Some("alpha")), "{}", answer.text());
    assert!(read.load(std::sync::atomic::Ordering::SeqCst) > 0, "the rig works");

    let (wrong, of_wrong) = certificate("api.evil.test", false);
    let (expired, of_expired) = certificate("127.0.0.1", true);
    for (row, config, authority) in [
        ("an unknown authority", good, &of_wrong),
        ("a wrong name", wrong, &of_wrong),
        ("expired", expired, &of_expired),
    ] {
        let (address, read) = tls_server(config).await;
        let (answer, proxy) = over_tls(address, authority).await;
        assert_eq!((answer.status, answer.header("x-kmi-key")), (200, Some("beta")), "{row}: {}", answer.text());
        assert_eq!(read.load(std::sync::atomic::Ordering::SeqCst), 0, "{row}: not a byte was said to it");
        let trace = proxy.traced(1).await;
        assert_eq!(trace[0]["attempts"][0]["cause"], "connect_failed", "{row}");
    }
}

/// It has nothing to know a server by: upstreams on this machine are reached all the same, and others get no key.
#[tokio::test]
async fn without_a_trust_store_it_serves_what_needs_none() {
    let (address, read) = tls_server(certificate("127.0.0.1", false).0).await;
    let (answer, proxy) = over_tls(address, "").await;
    assert_eq!((answer.status, answer.header("x-kmi-key")), (200, Some("beta")), "{}", answer.text());
    assert_eq!(read.load(std::sync::atomic::Ordering::SeqCst), 0, "not a byte was said to it");
    proxy.home.run(&["block", "beta"]).await;
    let answer = proxy.request("POST", "/echo", &[], b"hello").await;
    let message = answer.json()["error"]["message"].to_string();
    assert!(answer.status == 502 && message.contains("no TLS server can be verified here"), "{message}");
}

#[tokio::test]
async fn a_handshake_that_fails_or_never_ends_is_passed_over() {
    let (_, authority) = certificate("127.0.0.1", false);
    let alert = [0x15, 3, 1, 0, 2, 2, 70];
    let old_version = [&[0x16, 3, 1, 0, 6, 2, 0, 0, 2, 3, 1][..], &alert].concat();
    for (row, script) in [
        ("plain text", vec![Act::send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), Act::Drain]),
        ("an alert", vec![Act::send(alert), Act::Drain]),
        ("an old version", vec![Act::send(old_version), Act::Drain]),
        ("closed", vec![Act::Close]),
        ("reset", vec![Act::Reset]),
        ("half a record", vec![Act::send([0x16, 3, 3, 0x40, 0]), Act::Close]),
        ("endless records", vec![Act::Endless(vec![0x16, 3, 3, 0, 1, 0])]),
        ("stalled", vec![Act::Wait]),
    ] {
        let mut upstream = RawUpstream::start(Reads::Nothing, vec![script]).await;
        let (answer, proxy) = over_tls(upstream.address, &authority).await;
        assert_eq!((answer.status, answer.header("x-kmi-key")), (200, Some("beta")), "{row}: {}", answer.text());
        upstream.until("somebody came", |happened| happened.connections > 0).await;
        let trace = proxy.traced(1).await;
        assert_eq!(trace[0]["attempts"][0]["cause"], "connect_failed", "{row}");
    }
}

#[tokio::test]
async fn a_client_that_speaks_tls_to_a_plain_port_is_closed() {
    let mut scene = Scene::new().await;
    let mut raw = Raw::open(scene.proxy.address).await;
    raw.send(b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03").await;
    raw.read_to_end().await;
    assert!(statuses(&raw.text()).iter().all(|status| *status == 400), "{}", raw.text());
    scene.well("TLS to a plain port").await;
}
