//! The requests that the trace pane lists: newest first, held still while paused. Not how they look.

use std::{collections::VecDeque, sync::Arc};

use crate::domain::trace::TraceRecord;

/// How many are kept for the screen; the file has them all.
const KEPT: usize = 1_000;

/// Newest first.
#[derive(Debug, Default)]
pub(crate) struct TraceList {
    shown: VecDeque<Arc<TraceRecord>>,
    /// Came in while paused.
    waiting: VecDeque<Arc<TraceRecord>>,
    /// How many came in while paused, those included that are no longer kept.
    new: u64,
    /// Came too fast for the screen.
    missed: u64,
    paused: bool,
    /// By request id; `None` is the newest.
    selected: Option<String>,
}

impl TraceList {
    /// Takes what was there before, oldest first.
    pub(crate) fn new(history: Vec<Arc<TraceRecord>>) -> Self {
        let mut list = Self::default();
        for record in history {
            list.push(record);
        }
        list
    }

    pub(crate) fn push(&mut self, record: Arc<TraceRecord>) {
        if self.paused {
            self.new += 1;
            keep(&mut self.waiting, record);
        } else {
            keep(&mut self.shown, record);
        }
    }

    pub(crate) const fn miss(&mut self, count: u64) {
        self.missed += count;
    }

    pub(crate) fn toggle_pause(&mut self) {
        self.paused = !self.paused;
        if !self.paused {
            self.selected = None;
            self.new = 0;
            for record in std::mem::take(&mut self.waiting).into_iter().rev() {
                keep(&mut self.shown, record);
            }
        }
    }

    /// Selects a row; anything but the newest stops the list, so that it does not slip away.
    pub(crate) fn select(&mut self, row: usize) {
        self.paused |= row > 0;
        self.selected = self.shown.get(row).map(|record| record.request_id.clone());
    }

    pub(crate) fn selected(&self) -> Option<&Arc<TraceRecord>> {
        self.shown.get(self.row())
    }

    /// The selected row; the newest when the selected one is gone.
    pub(crate) fn row(&self) -> usize {
        let Some(id) = self.selected.as_ref().filter(|_| self.paused) else { return 0 };
        self.shown.iter().position(|record| record.request_id == *id).unwrap_or_default()
    }

    pub(crate) const fn shown(&self) -> &VecDeque<Arc<TraceRecord>> {
        &self.shown
    }

    pub(crate) const fn paused(&self) -> bool {
        self.paused
    }

    pub(crate) const fn waiting(&self) -> u64 {
        self.new
    }

    pub(crate) const fn missed(&self) -> u64 {
        self.missed
    }
}

fn keep(records: &mut VecDeque<Arc<TraceRecord>>, record: Arc<TraceRecord>) {
    records.push_front(record);
    records.truncate(KEPT);
}

#[cfg(test)]
mod tests {
    use super::{super::fixtures, *};

    fn record(number: u32) -> Arc<TraceRecord> {
        Arc::new(TraceRecord { request_id: number.to_string(), ..fixtures::record() })
    }

    fn ids(list: &TraceList) -> Vec<&str> {
        list.shown.iter().map(|record| record.request_id.as_str()).collect()
    }

    #[test]
    fn a_paused_list_holds_still_and_catches_up() {
        let mut list = TraceList::new(vec![record(1), record(2)]);
        list.toggle_pause();
        list.push(record(3));
        list.push(record(4));
        assert_eq!((ids(&list), list.waiting()), (vec!["2", "1"], 2));
        list.toggle_pause();
        assert_eq!((ids(&list), list.waiting()), (vec!["4", "3", "2", "1"], 0));
    }

    #[test]
    fn the_selection_follows_the_request_and_not_the_row() {
        let mut list = TraceList::new(vec![record(1), record(2), record(3)]);
        list.select(1);
        list.push(record(4));
        assert_eq!(list.selected().map(|record| record.request_id.as_str()), Some("2"));
        list.toggle_pause();
        assert_eq!(list.row(), 0);
    }

    #[test]
    fn memory_is_bounded_in_either_state() {
        let mut list = TraceList::new((0..1_500).map(record).collect());
        assert_eq!(list.shown().len(), KEPT);
        list.toggle_pause();
        (2_000..4_000).for_each(|number| list.push(record(number)));
        assert_eq!((list.waiting(), list.waiting.len()), (2_000, KEPT));
        list.toggle_pause();
        assert_eq!((list.shown().len(), ids(&list)[0]), (KEPT, "3999"));
    }
}
