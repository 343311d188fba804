//! The rows of the trace pane, and which one is selected: requests that run, then those that have ended. One selection
//! for both, by the request's id. Not how they look (`panes::trace`).

use std::sync::Arc;

use super::app::{App, Overlay, Subject};
use crate::domain::{message::Message, order, running::RunningView, snapshot::Snapshot, trace::TraceRecord};

/// Running requests in the list; all of them are counted elsewhere.
const RUNNING_MAX: usize = 5;

/// A row.
#[derive(Debug, Clone)]
pub(crate) enum Asked<'a> {
    Running(&'a RunningView),
    Ended(&'a Arc<TraceRecord>),
}

impl Asked<'_> {
    /// What is known of it so far.
    pub(crate) fn record(&self) -> Arc<TraceRecord> {
        match self {
            Self::Running(running) => Arc::new(running.so_far()),
            Self::Ended(record) => Arc::clone(record),
        }
    }

    pub(crate) fn subject(&self) -> Subject {
        match self {
            Self::Running(running) => Subject::Running(running.request_id.clone()),
            Self::Ended(record) => Subject::Request(Arc::clone(record)),
        }
    }
}

impl App {
    /// Running requests that the filter means: those that wait first, then the oldest. The selected one is among them.
    pub(crate) fn running<'a>(&self, snapshot: &'a Snapshot) -> Vec<&'a RunningView> {
        let meant = |running: &&RunningView| self.trace.means().matches(&running.so_far());
        let mut all: Vec<_> = snapshot.running.iter().filter(meant).collect();
        order::sort_by_key(&mut all, |running| !running.waits());
        let mut row = 0;
        all.retain(|running| {
            row += 1;
            row <= RUNNING_MAX || self.trace.selected_id() == Some(&running.request_id)
        });
        all
    }

    /// The selected row among those that run and those that have ended; the newest that has ended while none is chosen.
    pub(crate) fn request_row(&self, running: &[&RunningView]) -> usize {
        let chosen = self.trace.selected_id().and_then(|id| running.iter().position(|one| one.request_id == id));
        let first_ended = if self.trace.shown().is_empty() { 0 } else { running.len() };
        chosen.unwrap_or(first_ended + self.trace.row())
    }

    pub(crate) fn request<'a>(&'a self, snapshot: &'a Snapshot) -> Option<Asked<'a>> {
        let running = self.running(snapshot);
        let row = self.request_row(&running);
        match running.get(row) {
            Some(one) => Some(Asked::Running(one)),
            None => self.trace.shown().get(row - running.len()).map(Asked::Ended),
        }
    }

    pub(super) fn select_request(&mut self, row: usize, snapshot: &Snapshot) {
        let running = self.running(snapshot);
        match running.get(row) {
            Some(one) => self.trace.select_running(&one.request_id),
            None => self.trace.select(row - running.len()),
        }
    }

    /// The running request that is looked at: in its details, or selected in the trace.
    pub(crate) fn target<'a>(&'a self, snapshot: &'a Snapshot) -> Result<&'a RunningView, Message> {
        match &self.overlay {
            Some(Overlay::Details { subject: Subject::Running(id), .. }) => {
                let found = snapshot.running.iter().find(|running| running.request_id == *id);
                found.ok_or_else(|| Message::new("why-ended"))
            }
            Some(Overlay::Details { .. }) => Err(Message::new("why-ended")),
            _ if self.focus != super::layout::Pane::Trace => Err(Message::new("why-no-request")),
            _ => match self.request(snapshot) {
                Some(Asked::Running(running)) => Ok(running),
                Some(Asked::Ended(_)) => Err(Message::new("why-ended")),
                None => Err(Message::new("why-no-request")),
            },
        }
    }
}
