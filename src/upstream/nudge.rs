//! The waker of a connection that is driven by whoever uses it: what happens while somebody looks after it is seen at once
//! and need not wake him again. Not what is driven (`link`).

use std::{
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use tokio::task::yield_now;

/// How often in a row is looked again, before others get their turn.
const LOOKS: usize = 4;

/// Looks after something that wakes itself: its two ends tell each other of each piece, within one poll.
#[derive(Debug)]
pub(super) struct Attendance {
    nudge: Arc<Nudge>,
    /// The nudge; the same one always, so that nobody need register it anew.
    waker: Waker,
}

#[derive(Debug, Default)]
struct Nudge {
    attended: AtomicBool,
    nudged: AtomicBool,
    /// Who is woken when nobody attends.
    task: Mutex<Option<Waker>>,
}

impl Default for Attendance {
    fn default() -> Self {
        let nudge = Arc::new(Nudge::default());
        Self { waker: nudge.clone().into(), nudge }
    }
}

impl Attendance {
    /// Polls, and again when that alone was a reason to.
    pub(super) fn poll<T>(
        &mut self,
        context: &mut Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.nudge.serve(context.waker());
        for _ in 0..LOOKS {
            let polled = self.look(&mut poll);
            if polled.is_ready() || !self.nudge.nudged.load(Ordering::SeqCst) {
                return polled;
            }
        }
        // Behind the others, and behind the clocks: who never stops sending must not outrun the time he has.
        let _ = pin!(yield_now()).poll(context);
        Poll::Pending
    }

    /// A last look; nobody is woken from then on.
    pub(super) fn leave(&mut self, look: impl FnOnce(&mut Context<'_>)) {
        *self.nudge.task() = None;
        self.look(look);
    }

    fn look<T>(&self, look: impl FnOnce(&mut Context<'_>) -> T) -> T {
        self.nudge.attended.store(true, Ordering::SeqCst);
        self.nudge.nudged.store(false, Ordering::SeqCst);
        let seen = look(&mut Context::from_waker(&self.waker));
        // Whoever nudged before this is seen by the caller; whoever does after it wakes the task.
        self.nudge.attended.store(false, Ordering::SeqCst);
        seen
    }
}

impl Nudge {
    fn serve(&self, waker: &Waker) {
        match &mut *self.task() {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    fn task(&self) -> MutexGuard<'_, Option<Waker>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Nudge {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.nudged.store(true, Ordering::SeqCst);
        if !self.attended.load(Ordering::SeqCst) {
            let task = self.task().clone();
            if let Some(task) = task {
                task.wake();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn whoever_looks_is_not_woken_and_whoever_left_is_not_either() {
        let counter = Arc::new(Counter::default());
        let waker = Waker::from(counter.clone());
        let mut context = Context::from_waker(&waker);
        let woken = || counter.0.load(Ordering::SeqCst);
        let mut attendance = Attendance::default();
        let (mut looks, mut kept) = (0, None);
        let polled = attendance.poll(&mut context, |context| {
            looks += 1;
            kept = Some(context.waker().clone());
            if looks < 3 {
                context.waker().wake_by_ref();
            }
            Poll::<()>::Pending
        });
        assert_eq!((polled, looks, woken()), (Poll::Pending, 3, 0), "it is looked at until it is still");
        let kept = kept.expect("polled");
        kept.wake_by_ref();
        assert_eq!(woken(), 1, "the world outside wakes the task");
        let polled = attendance.poll(&mut context, |context| {
            context.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        assert_eq!((polled, woken()), (Poll::Pending, 2), "one that is never still gives way to others");
        attendance.leave(|context| context.waker().wake_by_ref());
        kept.wake();
        assert_eq!(woken(), 2);
    }
}
