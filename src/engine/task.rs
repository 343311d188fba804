//! Tasks beside the requests, all in one shape: the runtime's code for a task is made anew for each kind of future, some
//! kilobytes a time. What is started for each request does not belong here.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::task::{JoinHandle, spawn_blocking};

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;
type Work = Box<dyn FnOnce() + Send>;

/// Like `tokio::spawn`.
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let task: Task = Box::pin(task);
    tokio::spawn(task)
}

/// Work for a thread that may wait. It begins when this is awaited; `None` when it panicked, or the runtime has ended.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let heard = Arc::new(Mutex::new(None));
    let said = heard.clone();
    let work: Work = Box::new(move || {
        let done = work();
        *said.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
    });
    spawn_blocking(work).await.ok()?;
    heard.lock().unwrap_or_else(PoisonError::into_inner).take()
}
