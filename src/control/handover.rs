//! A listening socket goes from one process to the next over the control socket, so that no connection is lost between
//! them. Not what each side does before and after (`cli`).
//!
//! ```text
//! → {"v":1,"id":1,"do":"hand_over"}
//! ← {"id":1,"kind":"done"}            with the listening socket as SCM_RIGHTS; state and lock are free now
//! → {"v":1,"id":2,"do":"ready"}       the new process serves; or the connection ends, and the old one goes on
//! ```

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    net::TcpListener,
    os::fd::{AsFd, OwnedFd},
    path::Path,
    time::Duration,
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use tokio::{
    io::{AsyncWriteExt, Interest},
    net::UnixStream,
    time::timeout,
};

use super::{
    NAME,
    client::ControlError,
    protocol::{LINE_MAX, Line, Request, Said, VERSION, Wish},
};

/// The old process saves its state before it answers.
const PATIENCE: Duration = Duration::from_secs(15);

/// Sends a line and a listening socket with it.
pub(super) async fn give(stream: &UnixStream, id: u64, listener: &OwnedFd) -> io::Result<()> {
    let mut line = serde_json::to_vec(&Line { id, said: Said::Done })?;
    line.push(b'\n');
    let sent = stream
        .async_io(Interest::WRITABLE, || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut rights = SendAncillaryBuffer::new(&mut space);
            let fds = [listener.as_fd()];
            rights.push(SendAncillaryMessage::ScmRights(&fds));
            Ok(sendmsg(stream, &[IoSlice::new(&line)], &mut rights, SendFlags::NOSIGNAL)?)
        })
        .await?;
    // A line this short goes in one piece or not at all.
    if sent == line.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// What was received from the process that served before, which goes on if this is dropped before [`HandedOver::ready`].
#[derive(Debug)]
pub(crate) struct HandedOver {
    pub(crate) listener: TcpListener,
    stream: UnixStream,
}

impl HandedOver {
    /// Asks the instance that owns the state folder for its place; `None` when none runs.
    pub(crate) async fn ask(state_dir: &Path) -> Result<Option<Self>, ControlError> {
        let stream = match UnixStream::connect(state_dir.join(NAME)).await {
            Ok(stream) => stream,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let mut stream = stream;
        send(&mut stream, 1, Wish::HandOver).await?;
        let (line, fd) = timeout(PATIENCE, receive(&stream)).await.map_err(io::Error::from)??;
        let line: Line = serde_json::from_slice(&line).map_err(io::Error::from)?;
        match (line.said, fd) {
            (Said::Done, Some(fd)) => Ok(Some(Self { listener: TcpListener::from(fd), stream })),
            (Said::Error { message }, _) => Err(ControlError::Foreign(message)),
            _ => Err(ControlError::Foreign("an answer without a socket".to_owned())),
        }
    }

    /// Tells the process before that it may end.
    pub(crate) async fn ready(mut self) -> io::Result<()> {
        send(&mut self.stream, 2, Wish::Ready).await
    }
}

async fn send(stream: &mut UnixStream, id: u64, wish: Wish) -> io::Result<()> {
    let mut line = serde_json::to_vec(&Request { v: VERSION, id, wish })?;
    line.push(b'\n');
    timeout(PATIENCE, stream.write_all(&line)).await?
}

/// One line, and the file that came with it. Read with `recvmsg` alone: a plain read would lose the file.
async fn receive(stream: &UnixStream) -> io::Result<(Vec<u8>, Option<OwnedFd>)> {
    let (mut line, mut fd) = (Vec::new(), None);
    while line.last() != Some(&b'\n') {
        let mut block = [0; 1024];
        let read = stream
            .async_io(Interest::READABLE, || {
                let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
                let mut rights = RecvAncillaryBuffer::new(&mut space);
                let flags = RecvFlags::CMSG_CLOEXEC;
                let got = recvmsg(stream, &mut [IoSliceMut::new(&mut block)], &mut rights, flags)?;
                for message in rights.drain() {
                    if let RecvAncillaryMessage::ScmRights(fds) = message {
                        fd = fds.last().or(fd.take());
                    }
                }
                Ok(got.bytes)
            })
            .await?;
        if read == 0 || line.len() > LINE_MAX {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.extend_from_slice(block.get(..read).unwrap_or_default());
    }
    Ok((line, fd))
}
