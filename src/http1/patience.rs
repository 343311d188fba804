//! A clock that is set for every wait and hardly ever rings: to set it costs two words. Not how long is waited.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

/// Tells when a wait is over. The timer behind it is set anew when it rings too early, not for each wait: that would cost
/// more than what is waited for.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    until: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    /// A wait begins, unless it has before.
    pub(crate) fn begin(&mut self, span: Duration) {
        self.until.get_or_insert_with(|| Instant::now() + span);
    }

    /// Nothing is waited for any more.
    pub(crate) const fn end(&mut self) {
        self.until = None;
    }

    /// Ready when the wait is over.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(until) = self.until else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
        // It may have been set for a longer wait than this.
        if timer.deadline() > until {
            timer.as_mut().reset(until);
        }
        loop {
            ready!(timer.as_mut().poll(context));
            if Instant::now() >= until {
                return Poll::Ready(());
            }
            timer.as_mut().reset(until);
        }
    }

    /// What comes first: a wait's end, as `None`, or what is waited for.
    pub(crate) async fn bound<T>(
        &mut self,
        span: Duration,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Option<T> {
        self.begin(span);
        let came = std::future::poll_fn(|context| match poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => self.poll(context).map(|()| None),
        })
        .await;
        self.end();
        came
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_wait_has_its_own_time_whatever_the_timer_was_set_for() {
        const SPAN: Duration = Duration::from_secs(12);
        let mut patience = Patience::default();
        for span in [SPAN, SPAN / 2, SPAN * 3] {
            for _ in 0..3 {
                assert_eq!(patience.bound(span, |_| Poll::Ready(1)).await, Some(1));
                advance(span / 3).await;
            }
            let began = Instant::now();
            let waited = timeout(SPAN * 9, patience.bound(span, |_| Poll::<()>::Pending)).await;
            assert_eq!((waited, began.elapsed()), (Ok(None), span));
        }
    }
}
