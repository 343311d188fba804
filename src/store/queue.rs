//! A queue between threads for things of different sizes, bounded by their sum. Who puts something into it never waits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, RecvError, RecvTimeoutError, TryRecvError},
    },
    time::Duration,
};

/// The end where things are put in.
#[derive(Debug)]
pub(crate) struct Sender<T> {
    things: mpsc::Sender<(T, usize)>,
    waiting: Arc<AtomicUsize>,
    most: usize,
}

/// The end where they are taken out.
#[derive(Debug)]
pub(crate) struct Receiver<T> {
    things: mpsc::Receiver<(T, usize)>,
    waiting: Arc<AtomicUsize>,
}

/// Why something was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    /// Nobody will take anything out any more.
    Gone,
}

/// Takes things while less than `most` waits, so that the last one may reach beyond.
pub(crate) fn bounded<T>(most: usize) -> (Sender<T>, Receiver<T>) {
    let (things, taken) = mpsc::channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    (Sender { things, waiting: waiting.clone(), most }, Receiver { things: taken, waiting })
}

impl<T> Sender<T> {
    pub(crate) fn offer(&self, thing: T, size: usize) -> Result<(), Refused> {
        if self.waiting.load(Ordering::Relaxed) >= self.most {
            return Err(Refused::Full);
        }
        self.put(thing, size)
    }

    /// The same for what must not be lost.
    pub(crate) fn put(&self, thing: T, size: usize) -> Result<(), Refused> {
        self.waiting.fetch_add(size, Ordering::Relaxed);
        self.things.send((thing, size)).map_err(|_| Refused::Gone)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { things: self.things.clone(), waiting: self.waiting.clone(), most: self.most }
    }
}

impl<T> Receiver<T> {
    pub(crate) fn recv(&self) -> Result<T, RecvError> {
        self.things.recv().map(|taken| self.taken(taken))
    }

    pub(crate) fn try_recv(&self) -> Result<T, TryRecvError> {
        self.things.try_recv().map(|taken| self.taken(taken))
    }

    pub(crate) fn recv_timeout(&self, most: Duration) -> Result<T, RecvTimeoutError> {
        self.things.recv_timeout(most).map(|taken| self.taken(taken))
    }

    fn taken(&self, (thing, size): (T, usize)) -> T {
        self.waiting.fetch_sub(size, Ordering::Relaxed);
        thing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_full_by_sizes_and_what_was_taken_makes_room() {
        let (sender, receiver) = bounded(10);
        assert_eq!([9, 5, 1].map(|size| sender.offer(size, size)), [Ok(()), Ok(()), Err(Refused::Full)]);
        assert_eq!(sender.put(1, 1), Ok(()));
        assert_eq!((receiver.recv(), receiver.try_recv()), (Ok(9), Ok(5)));
        assert_eq!(sender.offer(7, 7), Ok(()));
        drop(receiver);
        assert_eq!(sender.offer(1, 1), Err(Refused::Gone));
    }
}
