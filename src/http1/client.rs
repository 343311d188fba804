//! A client's end of a connection: requests come in, answers go out, one after another. Not what is answered (`proxy`).

use std::{
    future::{Future, poll_fn},
    io::{self, IoSlice, Write as _},
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{BufMut, BytesMut};
use http::StatusCode;
use tokio::io::AsyncReadExt as _;

use super::{
    fields::Lines,
    framing::{Decoder, Framing},
    may_be_whole,
    patience::Patience,
    request::{HEAD_MAX, RequestHead},
    scratch::with_scratch,
    wire::Wire,
};

/// Most that is read of what comes after the request that is being answered.
const AHEAD_MAX: usize = 64 * 1024;
/// A buffer of this size is kept between two answers; a larger one is given back.
const ROOM_KEPT: usize = 4 * 1024;
/// From this size on a piece is written from where it lies.
const LARGE: usize = 8 * 1024;
/// Who is refused in the middle of sending has so long to read why.
const LINGER: Duration = Duration::from_secs(2);

/// A connection with a client.
#[derive(Debug)]
pub(crate) struct Client {
    wire: Wire,
    /// What came and was not used yet.
    incoming: Vec<u8>,
    /// So much of it is no whole head.
    known: usize,
    /// What is to go out, and how much of it has gone.
    outgoing: Vec<u8>,
    gone_out: usize,
    /// The last request's body, or a part of it, was not read.
    owed: bool,
    /// How the body of the answer that is being sent is framed.
    encoding: Encoding,
    /// Nothing more can come, or go.
    ended: bool,
    /// For the client to take something.
    stall: Patience,
    /// How long that is.
    stall_max: Duration,
    /// For a head.
    head: Patience,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Plain,
    Chunked,
    /// Nothing of the body goes out: HEAD was asked, or the status has none.
    Nothing,
}

/// What comes next on a connection.
#[derive(Debug)]
pub(crate) enum NextHead {
    Head(RequestHead),
    /// Nothing: the client has left, said nothing for too long, or was told to.
    End,
    /// No request.
    Unfit(StatusCode),
}

/// Why a body did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyFault {
    /// The client has left, or says that it sends no more.
    Gone,
    /// Framed wrongly.
    Broken,
    /// No more of it for too long.
    Stalled,
}

/// The client has left, or takes nothing.
#[derive(Debug)]
pub(crate) struct WriteFault;

impl Client {
    /// `stall_max`: how long the client may take not a byte.
    pub(crate) fn new(wire: Wire, stall_max: Duration) -> Self {
        Self {
            wire,
            incoming: Vec::new(),
            known: 0,
            outgoing: Vec::new(),
            gone_out: 0,
            owed: false,
            encoding: Encoding::Plain,
            ended: false,
            stall: Patience::default(),
            stall_max,
            head: Patience::default(),
        }
    }

    /// The same where some of the first request was read elsewhere.
    pub(crate) fn begun(wire: Wire, came: Vec<u8>, stall_max: Duration) -> Self {
        Self { incoming: came, ..Self::new(wire, stall_max) }
    }

    /// Waits for the next head: for `span` until its first byte, and as long again until it is whole. While nothing of it
    /// has come, `over` ends the wait.
    pub(crate) async fn next_head(&mut self, span: Duration, mut over: Pin<&mut impl Future>) -> NextHead {
        self.head.begin(span);
        let next = poll_fn(|context| {
            let was_empty = self.incoming.is_empty();
            if let Poll::Ready(next) = self.poll_head(context) {
                return Poll::Ready(next);
            }
            if self.incoming.is_empty() && over.as_mut().poll(context).is_ready() {
                return Poll::Ready(NextHead::End);
            }
            if was_empty && !self.incoming.is_empty() {
                self.head.end();
                self.head.begin(span);
            }
            self.head.poll(context).map(|()| NextHead::End)
        })
        .await;
        self.head.end();
        next
    }

    fn poll_head(&mut self, context: &mut Context<'_>) -> Poll<NextHead> {
        if self.known == 0 && !self.incoming.is_empty() {
            let seen = std::mem::take(&mut self.incoming);
            if let Some(next) = self.take_head(&seen) {
                return Poll::Ready(next);
            }
            self.incoming = seen;
        }
        loop {
            let next = with_scratch(|buffer| {
                let count = ready!(self.wire.poll_bytes(context, buffer));
                let Ok(count @ 1..) = count else {
                    self.ended = true;
                    return Poll::Ready(Some(NextHead::End));
                };
                let fresh = &buffer[..count];
                if self.incoming.is_empty() {
                    let next = self.take_head(fresh);
                    if next.is_none() {
                        self.incoming.extend_from_slice(fresh);
                    }
                    return Poll::Ready(next);
                }
                self.incoming.extend_from_slice(fresh);
                // What comes in crumbs is not looked through for each of them.
                if !may_be_whole(&self.incoming, self.known) && self.incoming.len() < HEAD_MAX {
                    self.known = self.incoming.len();
                    return Poll::Ready(None);
                }
                let seen = std::mem::take(&mut self.incoming);
                let next = self.take_head(&seen);
                if next.is_none() {
                    self.incoming = seen;
                }
                Poll::Ready(next)
            });
            if let Some(next) = ready!(next) {
                return Poll::Ready(next);
            }
        }
    }

    /// The head at the start of `seen`, where there is one; what comes behind it is kept.
    fn take_head(&mut self, seen: &[u8]) -> Option<NextHead> {
        self.known = seen.len();
        match RequestHead::parse(seen) {
            Ok(None) => None,
            Ok(Some((head, length))) => {
                self.incoming = seen[length..].to_vec();
                self.known = 0;
                self.owed = head.framing != Framing::None;
                Some(NextHead::Head(head))
            }
            Err(status) => Some(NextHead::Unfit(status)),
        }
    }

    /// Some of a body of this length, into the room that `body` has for it. Ready when something came, `left` more to come.
    pub(crate) async fn read_length(
        &mut self,
        body: &mut BytesMut,
        left: usize,
        span: Duration,
    ) -> Result<usize, BodyFault> {
        let ahead = self.incoming.len().min(left);
        if ahead > 0 {
            body.extend_from_slice(&self.incoming[..ahead]);
            self.use_up(ahead);
            self.owed = ahead < left;
            return Ok(left - ahead);
        }
        let wire = &mut self.wire;
        let read = self.stall.bound(span, |context| {
            let mut room = (&mut *body).limit(left);
            pin!(wire.read_buf(&mut room)).poll(context)
        });
        match read.await {
            None => Err(BodyFault::Stalled),
            Some(Ok(count @ 1..)) => {
                self.owed = count < left;
                Ok(left - count)
            }
            Some(_) => {
                self.ended = true;
                Err(BodyFault::Gone)
            }
        }
    }

    /// Some of a body that is framed otherwise, appended to `body`.
    pub(crate) async fn read_framed(
        &mut self,
        body: &mut Vec<u8>,
        decoder: &mut Decoder,
        span: Duration,
    ) -> Result<(), BodyFault> {
        if self.incoming.is_empty() {
            let (wire, incoming) = (&mut self.wire, &mut self.incoming);
            let read = self.stall.bound(span, |context| poll_more(wire, incoming, context));
            match read.await {
                None => return Err(BodyFault::Stalled),
                Some(false) => {
                    self.ended = true;
                    return Err(BodyFault::Gone);
                }
                Some(true) => {}
            }
        }
        let used = decoder.decode(&self.incoming, &mut |data| body.extend_from_slice(data));
        self.use_up(used.map_err(|_| BodyFault::Broken)?);
        self.owed = !decoder.is_over();
        Ok(())
    }

    /// Whether something of the last request's body was not read: what comes next is no head then, and nothing may follow.
    pub(crate) const fn owes_body(&self) -> bool {
        self.owed
    }

    /// Forgets what was used of what came.
    fn use_up(&mut self, count: usize) {
        if count == self.incoming.len() {
            self.incoming = Vec::new();
        } else {
            self.incoming.drain(..count);
        }
        self.known = 0;
    }

    /// What the future comes to, or nothing when the client has left before.
    pub(crate) async fn unless_gone<T>(&mut self, mut future: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => self.poll_gone(context).map(|()| None),
        })
        .await
    }

    /// Ready when the client has left. What it says meanwhile is kept for later, within bounds.
    pub(crate) fn poll_gone(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while !self.ended {
            if self.incoming.len() >= AHEAD_MAX {
                return Poll::Pending;
            }
            self.ended = !ready!(poll_more(&mut self.wire, &mut self.incoming, context));
        }
        Poll::Ready(())
    }

    /// Lets a client send the body that it keeps back.
    pub(crate) fn put_continue(&mut self) {
        self.outgoing.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
    }

    /// Begins an answer. `framing`: of its body; `bare`: the body stays here. `keep`: more answers may follow, and how an
    /// old client is told so.
    pub(crate) fn put_head(&mut self, status: StatusCode, lines: &Lines, framing: Framing, to: &Asked) -> bool {
        let bodiless = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let mut keep = to.keep;
        self.encoding = match framing {
            _ if to.bare || bodiless => Encoding::Nothing,
            Framing::Chunked | Framing::UntilEnd if !to.old => Encoding::Chunked,
            // An old client knows no chunks: the end of the connection is that of the body.
            Framing::Chunked | Framing::UntilEnd => {
                keep = false;
                Encoding::Plain
            }
            Framing::None | Framing::Length(_) => Encoding::Plain,
        };
        let out = &mut self.outgoing;
        out.reserve(256 + lines.bytes().len());
        out.extend_from_slice(b"HTTP/1.1 ");
        out.extend_from_slice(status.as_str().as_bytes());
        out.push(b' ');
        out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(lines.bytes());
        match (self.encoding, framing) {
            (Encoding::Chunked, _) => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
            (Encoding::Plain, Framing::None) => out.extend_from_slice(b"content-length: 0\r\n"),
            // To HEAD it says how long the body would be.
            (Encoding::Plain | Encoding::Nothing, Framing::Length(length)) if !bodiless => {
                out.extend_from_slice(format!("content-length: {length}\r\n").as_bytes());
            }
            (Encoding::Plain | Encoding::Nothing, _) => {}
        }
        match (keep, to.old) {
            (false, _) => out.extend_from_slice(b"connection: close\r\n"),
            (true, true) => out.extend_from_slice(b"connection: keep-alive\r\n"),
            (true, false) => {}
        }
        out.extend_from_slice(b"\r\n");
        keep
    }

    /// A piece of the body. A large one is written at once as far as the client takes it; what is left goes with the flush.
    pub(crate) fn put(&mut self, data: &[u8], context: &mut Context<'_>) {
        if data.is_empty() || self.encoding == Encoding::Nothing {
            return;
        }
        let chunked = self.encoding == Encoding::Chunked;
        if chunked {
            // Into memory: it can't fail.
            let _ = write!(self.outgoing, "{:x}\r\n", data.len());
        }
        let end: &[u8] = if chunked { b"\r\n" } else { b"" };
        let written = if data.len() < LARGE { 0 } else { self.write_now(data, end, context) };
        self.outgoing.extend_from_slice(&data[written.min(data.len())..]);
        self.outgoing.extend_from_slice(&end[written.saturating_sub(data.len())..]);
    }

    /// Writes what was put and these from where they lie; the answer is how much of these has gone.
    fn write_now(&mut self, data: &[u8], end: &[u8], context: &mut Context<'_>) -> usize {
        let before = self.outgoing.len() - self.gone_out;
        let parts = [&self.outgoing[self.gone_out..], data, end].map(IoSlice::new);
        let written = match self.wire.poll_write(context, &parts) {
            Poll::Ready(Ok(count)) => count,
            // What is wrong comes up again with the flush.
            Poll::Ready(Err(_)) | Poll::Pending => 0,
        };
        self.gone_out += written.min(before);
        written.saturating_sub(before)
    }

    /// The body is whole.
    pub(crate) fn put_end(&mut self) {
        if self.encoding == Encoding::Chunked {
            self.outgoing.extend_from_slice(b"0\r\n\r\n");
        }
    }

    /// Sends an answer whose body is there; whether the connection may be used once more.
    pub(crate) async fn tell(
        &mut self,
        status: StatusCode,
        lines: &Lines,
        body: &[u8],
        to: &Asked,
    ) -> Result<bool, WriteFault> {
        let framing = if body.is_empty() { Framing::None } else { Framing::Length(body.len() as u64) };
        let keep = self.put_head(status, lines, framing, to);
        poll_fn(|context| {
            self.put(body, context);
            Poll::Ready(())
        })
        .await;
        self.flush().await.map(|()| keep)
    }

    /// Sends what was put.
    pub(crate) async fn flush(&mut self) -> Result<(), WriteFault> {
        poll_fn(|context| self.poll_flush(context)).await
    }

    pub(crate) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), WriteFault>> {
        while self.gone_out < self.outgoing.len() {
            let rest = IoSlice::new(&self.outgoing[self.gone_out..]);
            let written = self.wire.poll_write(context, &[rest]);
            self.gone_out += ready!(self.watch(written, context))?;
        }
        if self.outgoing.capacity() > ROOM_KEPT {
            self.outgoing = Vec::new();
        }
        self.outgoing.clear();
        self.gone_out = 0;
        let flushed = self.wire.poll_flush(context);
        self.watch(flushed, context)
    }

    /// A client that takes nothing is left after a while, so that it holds no key and no stream for ever.
    fn watch<T>(&mut self, done: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<Result<T, WriteFault>> {
        let Poll::Ready(done) = done else {
            self.stall.begin(self.stall_max);
            ready!(self.stall.poll(context));
            self.ended = true;
            return Poll::Ready(Err(WriteFault));
        };
        self.stall.end();
        Poll::Ready(done.map_err(|_| {
            self.ended = true;
            WriteFault
        }))
    }

    /// Ends the connection from here. A client that still sends is listened to for a moment: to close at once would take
    /// what it was just told out of its hands.
    pub(crate) async fn end(mut self, still_sends: bool) {
        let ending = async {
            if poll_fn(|context| self.wire.poll_end(context)).await.is_err() || !still_sends {
                return;
            }
            while poll_fn(|context| {
                self.incoming.clear();
                poll_more(&mut self.wire, &mut self.incoming, context)
            })
            .await
            {}
        };
        // An error means that the moment is over.
        let _ = tokio::time::timeout(LINGER, ending).await;
    }
}

/// How the request was made that is answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    /// With HEAD: the answer has no body.
    pub(crate) bare: bool,
    /// By HTTP/1.0.
    pub(crate) old: bool,
    /// The connection may be used once more.
    pub(crate) keep: bool,
}

/// Reads what comes; whether the other side has not ended.
fn poll_more(wire: &mut Wire, incoming: &mut Vec<u8>, context: &mut Context<'_>) -> Poll<bool> {
    with_scratch(|buffer| {
        let Ok(count @ 1..) = ready!(wire.poll_bytes(context, buffer)) else { return Poll::Ready(false) };
        incoming.extend_from_slice(&buffer[..count]);
        Poll::Ready(true)
    })
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::{
        io::{AsyncWriteExt, DuplexStream, duplex},
        time::{Instant, advance},
    };

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    fn connected(room: usize) -> (DuplexStream, Client) {
        let (far, near) = duplex(room);
        (far, Client::new(Wire::Memory(near), PATIENCE))
    }

    async fn next(client: &mut Client) -> NextHead {
        client.next_head(PATIENCE, pin!(pending::<()>())).await
    }

    #[tokio::test(start_paused = true)]
    async fn heads_come_one_after_another_in_any_pieces() {
        let wire = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /c HTTP/1.1\r\n\r\n";
        for piece in [1, 2, 3, 7, 50, 1000] {
            let (mut far, mut client) = connected(4096);
            let sending = tokio::spawn(async move {
                for part in wire.as_bytes().chunks(piece) {
                    far.write_all(part).await.expect("taken");
                    tokio::task::yield_now().await;
                }
            });
            for expected in ["/a", "/b", "/c"] {
                let NextHead::Head(head) = next(&mut client).await else { panic!("no head: {piece}") };
                assert_eq!(head.uri.path(), expected, "{piece}");
                if let Framing::Length(mut left) = head.framing {
                    let mut body = BytesMut::with_capacity(3);
                    while left > 0 {
                        let now = usize::try_from(left).expect("small");
                        left = client.read_length(&mut body, now, PATIENCE).await.expect("a body") as u64;
                    }
                    assert_eq!(&body[..], b"abc");
                }
            }
            sending.await.expect("sent");
            assert!(matches!(next(&mut client).await, NextHead::End), "it has hung up");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_head_is_refused_at_once_and_half_a_one_in_time() {
        for (sent, unfit, after) in [
            ("SSH-2.0-OpenSSH_9.9\r\n", Some(400), Duration::ZERO),
            ("\u{16}\u{3}\u{1}", Some(400), Duration::ZERO),
            ("GET / HTTP/1.1\r\nHost: x\r\n", None, PATIENCE),
            ("", None, PATIENCE),
        ] {
            let (mut far, mut client) = connected(4096);
            far.write_all(sent.as_bytes()).await.expect("taken");
            let began = Instant::now();
            let status = match next(&mut client).await {
                NextHead::Unfit(status) => Some(status.as_u16()),
                NextHead::End => None,
                NextHead::Head(head) => panic!("a head: {head:?}"),
            };
            assert_eq!((status, began.elapsed()), (unfit, after), "{sent:?}");
            drop(far);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_left_and_a_slow_one_is_not() {
        let (mut far, mut client) = connected(4);
        let slow = tokio::spawn(async move {
            let mut taken = [0; 2];
            for _ in 0..6 {
                advance(Duration::from_secs(4)).await;
                far.read_exact(&mut taken).await.expect("some");
            }
            far
        });
        let put = |client: &mut Client, text: &str| client.outgoing.extend_from_slice(text.as_bytes());
        put(&mut client, "twelve bytes");
        client.flush().await.expect("slowly");
        let far = slow.await.expect("ended");
        put(&mut client, "more");
        client.flush().await.expect("there is room");
        let began = Instant::now();
        put(&mut client, "too much");
        client.flush().await.expect_err("stalled");
        assert_eq!(began.elapsed(), PATIENCE);
        drop(far);
    }

    #[tokio::test]
    async fn a_length_is_told_wherever_there_could_be_a_body() {
        let (told, bodiless) = ("content-length: 2\r\n", "");
        for (bare, status, length, body) in [
            (false, StatusCode::OK, told, "ok"),
            (true, StatusCode::OK, told, ""),
            (false, StatusCode::NO_CONTENT, bodiless, ""),
            (true, StatusCode::NOT_MODIFIED, bodiless, ""),
        ] {
            let (_far, mut client) = connected(1000);
            let asked = Asked { bare, old: false, keep: true };
            assert!(client.put_head(status, &Lines::default(), Framing::Length(2), &asked));
            client.put(b"ok", &mut Context::from_waker(std::task::Waker::noop()));
            let expected = format!("HTTP/1.1 {status}\r\n{length}\r\n{body}");
            assert_eq!(String::from_utf8_lossy(&client.outgoing), expected);
        }
    }

    #[tokio::test]
    async fn pieces_of_any_size_arrive_as_they_were_put() {
        let (mut far, mut client) = connected(1000);
        let asked = Asked { bare: false, old: false, keep: true };
        let taking = tokio::spawn(async move {
            let mut taken = Vec::new();
            far.read_to_end(&mut taken).await.expect("all");
            taken
        });
        client.put_head(StatusCode::OK, &Lines::default(), Framing::Chunked, &asked);
        let mut expected = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        for size in [1, LARGE, 0, 3, LARGE + 1, 40_000] {
            let piece = vec![b'x'; size];
            poll_fn(|context| {
                client.put(&piece, context);
                Poll::Ready(())
            })
            .await;
            if size > 0 {
                expected.extend_from_slice(format!("{size:x}\r\n").as_bytes());
                expected.extend_from_slice(&piece);
                expected.extend_from_slice(b"\r\n");
            }
        }
        client.put_end();
        expected.extend_from_slice(b"0\r\n\r\n");
        client.flush().await.expect("taken");
        client.end(false).await;
        assert!(taking.await.expect("ended") == expected);
    }
}
