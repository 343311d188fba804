//! The upstream of the comparison, a process of its own: it costs next to nothing and answers at once. Not the simulator,
//! which behaves like the real one.

use std::{io::Write as _, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{MissedTickBehavior, interval},
};

use crate::{clock, http::head_end};

/// As long as an answer to `/models` is.
const SMALL: usize = 480;
/// As long as a piece of a streamed answer is.
const CHUNK: usize = 180;

/// Serves until it is killed; says on stdout where.
pub(crate) fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
        let listener: TcpListener = socket.listen(16_384).expect("it listens");
        println!("{}", listener.local_addr().expect("bound"));
        std::io::stdout().flush().expect("said");
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            stream.set_nodelay(true).expect("set");
            // An error means that the other side has gone.
            tokio::spawn(async move { serve(stream).await.ok() });
        }
    });
}

async fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = Vec::with_capacity(16 * 1024);
    loop {
        let end = loop {
            if let Some(end) = head_end(&buffer) {
                break end;
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
        let mut left = field(&head, "content-length: ").unwrap_or(0);
        let had = left.min(buffer.len() - end);
        buffer.drain(..end + had);
        left -= had;
        while left > 0 {
            buffer.clear();
            left -= stream.read_buf(&mut buffer).await?.min(left);
            buffer.clear();
        }
        match field(&head, "chunks=") {
            Some(chunks) => {
                let every = field(&head, "every=").unwrap_or(20_000);
                let every = Duration::from_micros(every.try_into().expect("a number"));
                send_chunks(&mut stream, chunks, every).await?;
            }
            None => stream.write_all(small().as_bytes()).await?,
        }
    }
}

/// A number after a name.
fn field(head: &str, name: &str) -> Option<usize> {
    let rest = head.split(name).nth(1)?;
    rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

fn small() -> String {
    let body = format!("{{\"object\":\"list\",\"data\":[],\"pad\":\"{}\"}}", "x".repeat(SMALL - 35));
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// Each chunk says when it was sent.
async fn send_chunks(stream: &mut TcpStream, chunks: usize, every: Duration) -> std::io::Result<()> {
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        .await?;
    let mut tick = interval(every);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for _ in 0..chunks {
        tick.tick().await;
        let mut event =
            format!("data: {{\"at\":{:020},\"choices\":[{{\"delta\":{{\"content\":\"", clock::nanoseconds());
        event.push_str(&"x".repeat(CHUNK - event.len() - 7));
        event.push_str("\"}}]}\n\n");
        stream.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).await?;
    }
    stream.write_all(b"0\r\n\r\n").await
}
