//! The instance's side: listens, answers, and lets go of clients that are too slow. It never slows a request down.

use std::{
    fs, io,
    os::{
        fd::OwnedFd,
        unix::fs::{MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Semaphore,
    time::timeout,
};

use super::{
    NAME, handover,
    metrics::{self, Reach},
    protocol::{LINE_MAX, Line, Request, Said, VERSION, Wish},
    subscriber,
};
use crate::{
    engine::{Engine, task},
    http1::{Client, Wire},
};

/// Clients at once.
const CLIENTS_MAX: usize = 64;
/// A client that does not take a line for so long is let go.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// The next process serves within this time, or has failed.
const HANDOVER_PATIENCE: Duration = Duration::from_secs(30);
/// How a request for `/metrics` begins, and no line of JSON.
const HTTP: [&[u8]; 2] = [b"GET ", b"HEAD "];

/// What only the process that owns the state folder can do.
pub(crate) trait Owner: Send + Sync + 'static {
    /// Begins a stop.
    fn stop(&self, now: bool);
    /// Gives the folder away: what is known is on disk and the lock is free when this returns the listening socket.
    fn release(&self) -> impl Future<Output = io::Result<OwnedFd>> + Send;
    /// The other process serves.
    fn released(&self) -> impl Future<Output = ()> + Send;
    /// The other process did not come up.
    fn take_back(&self) -> impl Future<Output = ()> + Send;
}

/// The listening socket; its file goes with it.
#[derive(Debug)]
pub(crate) struct Socket {
    listener: UnixListener,
    path: PathBuf,
    /// The file is ours as long as it is this one.
    inode: u64,
}

impl Socket {
    /// Listens in the state folder, whose lock the caller holds: a socket that is there already is a dead one's, or one
    /// whose place we take.
    pub(crate) fn open(state_dir: &Path) -> io::Result<Self> {
        let (path, beside) = (state_dir.join(NAME), state_dir.join(format!("{NAME}.new")));
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&beside)?;
        fs::set_permissions(&beside, fs::Permissions::from_mode(0o600))?;
        let inode = fs::symlink_metadata(&beside)?.ino();
        // Nobody finds the name without a socket behind it.
        fs::rename(&beside, &path)?;
        Ok(Self { listener, path, inode })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            // A socket that stays is cleaned up by the next owner of the folder.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Answers until it is dropped.
pub(crate) async fn serve<O: Owner>(socket: Socket, engine: Engine, owner: Arc<O>) {
    let room = Arc::new(Semaphore::new(CLIENTS_MAX));
    loop {
        // The semaphore is never closed.
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = socket.listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let same_user = stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::getuid().as_raw());
        if !same_user {
            tracing::warn!("control_refused");
            continue;
        }
        let (engine, owner) = (engine.clone(), owner.clone());
        task::spawn(async move {
            // An error means that the client has left, or was let go.
            let _ = converse(stream, &engine, &*owner).await;
            drop(permit);
        });
    }
}

async fn converse(stream: UnixStream, engine: &Engine, owner: &impl Owner) -> io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut reading = BufReader::new(reading);
    while let Some(line) = read_line(&mut reading).await? {
        if HTTP.iter().any(|method| line.starts_with(method)) {
            let came = [&line, &b"\n"[..], reading.buffer()].concat();
            let stream = reading.into_inner().reunite(writing).map_err(io::Error::other)?;
            let client = Client::begun(Wire::Local(stream), came, metrics::PATIENCE);
            metrics::converse(client, engine, Reach::Socket).await;
            return Ok(());
        }
        let request = match understood(&line) {
            Ok(request) => request,
            Err((id, message)) => {
                say(&mut writing, id, Said::Error { message }).await?;
                continue;
            }
        };
        let id = request.id;
        match request.wish {
            Wish::Snapshot => say(&mut writing, id, Said::Snapshot { snapshot: engine.fresh_snapshot().await }).await?,
            Wish::Command { command } => {
                let notice = engine.command(command);
                engine.saved().await;
                say(&mut writing, id, Said::Notice { notice }).await?;
            }
            Wish::Stop { now } => {
                say(&mut writing, id, Said::Done).await?;
                owner.stop(now);
            }
            Wish::Adopt(left) => {
                engine.adopt(left).await;
                say(&mut writing, id, Said::Done).await?;
            }
            Wish::HandOver => return hand_over(reading, writing, id, owner).await,
            Wish::Ready => {
                say(&mut writing, id, Said::Error { message: "nothing was handed over".to_owned() }).await?;
            }
            Wish::Subscribe => return subscriber::tell(reading, writing, id, engine).await,
        }
    }
    Ok(())
}

/// A request, or the id and the words of a refusal.
fn understood(line: &[u8]) -> Result<Request, (u64, String)> {
    match serde_json::from_slice::<Request>(line) {
        Ok(request) if request.v == VERSION => Ok(request),
        Ok(request) => Err((request.id, format!("version {} is not spoken here, but {VERSION}", request.v))),
        // The parser's own words could repeat what it was sent.
        Err(_) => Err((0, "the line is no request".to_owned())),
    }
}

/// Gives this process's place to the client; takes it back when the client ends without a word that it serves.
async fn hand_over(
    mut reading: BufReader<OwnedReadHalf>,
    mut writing: OwnedWriteHalf,
    id: u64,
    owner: &impl Owner,
) -> io::Result<()> {
    let listener = match owner.release().await {
        Ok(listener) => listener,
        Err(error) => return say(&mut writing, id, Said::Error { message: error.to_string() }).await,
    };
    let given = handover::give(writing.as_ref(), id, &listener).await;
    drop(listener);
    let ready = async {
        given?;
        let line = read_line(&mut reading).await?;
        Ok::<bool, io::Error>(
            line.is_some_and(|line| matches!(understood(&line), Ok(Request { wish: Wish::Ready, .. }))),
        )
    };
    if matches!(timeout(HANDOVER_PATIENCE, ready).await, Ok(Ok(true))) {
        owner.released().await;
    } else {
        owner.take_back().await;
    }
    Ok(())
}

/// A line without its end; `None` at the end. A longer one than any client has ends the conversation.
pub(super) async fn read_line(reading: &mut BufReader<OwnedReadHalf>) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let most = u64::try_from(LINE_MAX).unwrap_or(u64::MAX);
    let read = reading.take(most).read_until(b'\n', &mut line).await?;
    match line.pop() {
        None if read == 0 => Ok(None),
        Some(b'\n') => Ok(Some(line)),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

async fn say(writing: &mut OwnedWriteHalf, id: u64, said: Said) -> io::Result<()> {
    let mut line = serde_json::to_vec(&Line { id, said })?;
    line.push(b'\n');
    timeout(PATIENCE, writing.write_all(&line)).await?
}
