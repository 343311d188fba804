//! The client against sockets that answer as they please.

use std::sync::atomic::AtomicU32;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;
use crate::domain::key::sample;

const PATIENT: Timeouts = Timeouts { connect: Duration::from_secs(5), head: Duration::from_secs(5) };

/// A socket that answers every request with these bytes and closes.
async fn answering(bytes: &'static [u8]) -> std::net::SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(bytes).await;
        }
    });
    address
}

/// `/x` at this address is asked.
async fn ask(
    upstream: &Upstream,
    address: std::net::SocketAddr,
    body: Option<Bytes>,
) -> Result<Answer, TransportFault> {
    let base = BaseUrl::parse(&format!("http://{address}")).expect("valid");
    let mut lines = Lines::default();
    lines.raw(if body.is_some() { b"POST /x HTTP/1.1\r\n" } else { b"GET /x HTTP/1.1\r\n" });
    lines.add(b"host", base.host_field());
    if let Some(body) = &body {
        lines.add(b"content-length", body.len().to_string());
    }
    lines.raw(b"\r\n");
    let call = Call { head: lines.into_bytes().into(), body: body.unwrap_or_default(), to_head: false };
    upstream.send(&base, &call).await
}

async fn whole(answer: Answer) -> Vec<u8> {
    answer.body.collect(1000).await.expect("whole")
}

/// A server that answers the first request of each connection, and hangs up on the second; the first connection that it
/// takes is closed at once where `harsh`. It tells how many requests came.
async fn forgetful(harsh: bool) -> (std::net::SocketAddr, Arc<AtomicU32>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answers: &[&[u8]] =
                if harsh { &[b""] } else { &[b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", b""] };
            for answer in answers {
                let mut head = [0; 4096];
                if stream.read(&mut head).await.unwrap_or_default() > 0 {
                    counted.fetch_add(1, Ordering::SeqCst);
                }
                let _ = stream.write_all(answer).await;
            }
        }
    });
    (address, count)
}

#[tokio::test]
async fn a_kept_connection_that_died_is_replaced_once() {
    let upstream = Upstream::new(PATIENT).expect("TLS");
    let (address, count) = forgetful(false).await;
    for expected in [1, 3, 5] {
        whole(ask(&upstream, address, None).await.expect("answered")).await;
        assert_eq!(count.load(Ordering::SeqCst), expected);
    }
    let (address, count) = forgetful(true).await;
    let fault = ask(&upstream, address, None).await.expect_err("cut");
    assert_eq!((fault.cause(), count.load(Ordering::SeqCst)), (Cause::BrokenAnswer, 1), "it may have been executed");
}

/// A server that answers once a connection, whatever has come by then, and then says this and reads no more.
async fn blurting(after: &'static [u8]) -> std::net::SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await;
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{}", open.len());
            let _ = stream.write_all(answer.as_bytes()).await;
            // The answer is read, and its connection kept, before the rest comes.
            for _ in 0..1_000 {
                tokio::task::yield_now().await;
            }
            let _ = stream.write_all(after).await;
            open.push(stream);
        }
    });
    address
}

#[tokio::test]
async fn a_connection_is_not_used_again_while_a_request_still_leaves_it_or_after_bytes_nobody_asked_for() {
    let upstream = Upstream::new(PATIENT).expect("TLS");
    for (after, body) in
        [(&b""[..], vec![b'x'; 32 << 20]), (b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil", vec![])]
    {
        let address = blurting(after).await;
        let body = Bytes::from(body);
        for expected in ["0", "1", "2"] {
            let answer = ask(&upstream, address, Some(body.clone())).await.expect("answered");
            assert_eq!(whole(answer).await, expected.as_bytes());
            // Whatever comes is there to be seen.
            for _ in 0..5_000 {
                tokio::task::yield_now().await;
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_held_of_a_request_that_has_gone() {
    let upstream = Upstream::new(PATIENT).expect("TLS");
    let body = Bytes::from(vec![b'x'; 100]);
    for bytes in
        [&b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"[..], b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"]
    {
        let answer = ask(&upstream, answering(bytes).await, Some(body.clone())).await.expect("answered");
        assert!(body.is_unique(), "{answer:?}");
    }
}

#[tokio::test]
async fn forgotten_connections_are_not_used_again() {
    let upstream = Upstream::new(PATIENT).expect("TLS");
    let (address, count) = forgetful(false).await;
    for expected in [1, 2, 3] {
        whole(ask(&upstream, address, None).await.expect("answered")).await;
        assert_eq!(count.load(Ordering::SeqCst), expected);
        upstream.flush();
    }
}

#[tokio::test]
async fn heads_that_no_client_should_see_are_faults() {
    let upstream = Upstream::new(PATIENT).expect("TLS");
    for (bytes, expected) in [
        (&b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"[..], None),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            Some(Cause::BrokenAnswer),
        ),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nok", Some(Cause::BrokenAnswer)),
        (b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n", Some(Cause::BrokenAnswer)),
        (b"\0\0garbage", Some(Cause::BrokenAnswer)),
        (b"", Some(Cause::BrokenAnswer)),
    ] {
        let address = answering(bytes).await;
        let sent = ask(&upstream, address, None).await;
        assert_eq!(sent.err().map(|fault| fault.cause()), expected, "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[tokio::test]
async fn a_closed_port_is_told_from_a_broken_answer() {
    let upstream = Upstream::new(PATIENT).expect("TLS");
    let closed = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port").local_addr().expect("bound");
    let fault = ask(&upstream, closed, None).await.expect_err("closed");
    assert_eq!(fault.cause(), Cause::ConnectFailed);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_never_comes_is_a_timeout() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let upstream = Upstream::new(PATIENT).expect("TLS");
    let fault = ask(&upstream, address, None).await.expect_err("no head");
    assert_eq!(fault.cause(), Cause::Timeout);
}

/// It has all the time there is, and sends a megabyte at most.
#[tokio::test]
async fn hints_without_an_end_are_no_answer() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("bound");
    let sender = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".repeat(100);
        while io::Write::write_all(&mut stream, &hints).is_ok() {}
    });
    let upstream = Upstream::new(PATIENT).expect("TLS");
    let fault = ask(&upstream, address, None).await.expect_err("no head");
    assert_eq!(fault.cause(), Cause::BrokenAnswer);
    sender.join().expect("it ends with the connection");
}

#[tokio::test]
async fn a_usage_check_names_what_failed_and_no_secret() {
    let upstream = Upstream::new(PATIENT).expect("TLS");
    let now = jiff::Timestamp::UNIX_EPOCH;
    for (bytes, kind, text) in [
        (&b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n"[..], CheckFaultKind::Unauthorized, "401"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]", CheckFaultKind::Answer, "not a JSON object"),
        (
            b"HTTP/1.1 302 Found\r\nlocation: http://evil.test/\r\ncontent-length: 0\r\n\r\n",
            CheckFaultKind::Answer,
            "302",
        ),
    ] {
        let address = answering(bytes).await;
        let key = sample("a", &format!("http://{address}/v1"));
        let fault = upstream.fetch_usage(&key, now).await.expect_err("refused");
        assert_eq!(fault.kind, kind);
        assert!(fault.text.contains(text) && !fault.text.contains("sk-test"), "{}", fault.text);
    }
}
