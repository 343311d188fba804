//! The other side: asks a running instance. Not what is done with the answer (`cli`).

use std::{io, path::Path, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    time::timeout,
};

use super::{
    NAME,
    protocol::{ANSWER_MAX, Line, Request, Said, VERSION, Wish},
};
use crate::domain::{
    command::{Command, Notice},
    message::Message,
    pool::Left,
    snapshot::Snapshot,
    trace::TraceRecord,
};

/// An instance answers at once, or not at all.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection to a running instance.
#[derive(Debug)]
pub(crate) struct Client {
    stream: BufReader<UnixStream>,
    last: u64,
}

/// Why an instance did not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ControlError {
    #[error("the running instance does not answer: {0}")]
    Io(#[from] io::Error),
    #[error("the running instance speaks another version: {0}")]
    Foreign(String),
}

impl ControlError {
    /// For people.
    pub(crate) fn message(&self) -> Message {
        match self {
            Self::Io(error) => Message::new("control-silent").with("error", error.to_string()),
            Self::Foreign(said) => Message::new("control-foreign").with("error", said.as_str()),
        }
    }
}

impl Client {
    /// Connects to the instance that owns the state folder; `None` when none runs.
    pub(crate) async fn connect(state_dir: &Path) -> Result<Option<Self>, ControlError> {
        match UnixStream::connect(state_dir.join(NAME)).await {
            Ok(stream) => Ok(Some(Self { stream: BufReader::new(stream), last: 0 })),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn snapshot(&mut self) -> Result<Arc<Snapshot>, ControlError> {
        match self.ask(Wish::Snapshot).await? {
            Said::Snapshot { snapshot } => Ok(snapshot),
            other => Err(unexpected(&other)),
        }
    }

    pub(crate) async fn command(&mut self, command: Command) -> Result<Notice, ControlError> {
        match self.ask(Wish::Command { command }).await? {
            Said::Notice { notice } => Ok(notice),
            other => Err(unexpected(&other)),
        }
    }

    /// Asks for a stop, with or without waiting for running requests, and waits until the instance has ended.
    pub(crate) async fn stop(mut self, now: bool, longest: Duration) -> Result<bool, ControlError> {
        match self.ask(Wish::Stop { now }).await? {
            Said::Done => {}
            other => return Err(unexpected(&other)),
        }
        let mut rest = Vec::new();
        Ok(timeout(longest, self.stream.read_to_end(&mut rest)).await.is_ok())
    }

    /// Hands over what was counted here after this process gave its place away.
    pub(crate) async fn adopt(&mut self, left: Left) -> Result<(), ControlError> {
        match self.ask(Wish::Adopt(left)).await? {
            Said::Done => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// Everything from now on; the newest records first.
    pub(crate) async fn subscribe(mut self) -> Result<Subscription, ControlError> {
        self.last += 1;
        self.send(&Request { v: VERSION, id: self.last, wish: Wish::Subscribe }).await?;
        Ok(Subscription { stream: self.stream })
    }

    async fn send(&mut self, request: &Request) -> io::Result<()> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        timeout(PATIENCE, self.stream.get_mut().write_all(&line)).await?
    }

    async fn ask(&mut self, wish: Wish) -> Result<Said, ControlError> {
        self.last += 1;
        let id = self.last;
        self.send(&Request { v: VERSION, id, wish }).await?;
        let line = timeout(PATIENCE, read_line(&mut self.stream)).await.map_err(io::Error::from)??;
        match line.said {
            Said::Error { message } => Err(ControlError::Foreign(message)),
            said if line.id == id => Ok(said),
            said => Err(unexpected(&said)),
        }
    }
}

/// What an instance tells by itself.
#[derive(Debug)]
pub(crate) enum News {
    Snapshot(Arc<Snapshot>),
    Record(Arc<TraceRecord>),
    /// So many records more, which were left out.
    Lost(u64),
}

/// The news of an instance, until it ends.
#[derive(Debug)]
pub(crate) struct Subscription {
    stream: BufReader<UnixStream>,
}

impl Subscription {
    /// The next news. Dropping the future loses the connection's place: take another then.
    pub(crate) async fn next(&mut self) -> Result<News, ControlError> {
        match read_line(&mut self.stream).await?.said {
            Said::Snapshot { snapshot } => Ok(News::Snapshot(snapshot)),
            Said::Record { record } => Ok(News::Record(record)),
            Said::Lost { count } => Ok(News::Lost(count)),
            other => Err(unexpected(&other)),
        }
    }
}

async fn read_line(stream: &mut BufReader<UnixStream>) -> Result<Line, ControlError> {
    let mut line = Vec::new();
    let most = u64::try_from(ANSWER_MAX).unwrap_or(u64::MAX);
    stream.take(most).read_until(b'\n', &mut line).await?;
    if line.is_empty() {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    serde_json::from_slice(&line).map_err(|_| ControlError::Foreign("?".to_owned()))
}

fn unexpected(said: &Said) -> ControlError {
    ControlError::Foreign(said.kind().to_owned())
}
