//! The requests that the trace pane lists: newest first, held still while paused, those that a filter
//! means. Not how they look.

use std::{collections::VecDeque, sync::Arc};

use crate::domain::{filter::Filter, trace::TraceRecord};

/// How many are kept for the screen; the file has them all.
const KEPT: usize = 1_000;
/// Nor do they take more memory than this: a record of many tries is long.
const KEPT_BYTES: usize = 4 << 20;

/// Newest first.
#[derive(Debug, Default)]
pub(crate) struct TraceList {
    all: Ring,
    /// Those of `all` that the filter means.
    shown: VecDeque<Arc<TraceRecord>>,
    /// Came in while paused.
    waiting: Ring,
    /// How many came in while paused that the filter means, those included that are no longer kept.
    new: u64,
    filter: Filter,
    /// The filter as it was typed.
    line: String,
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
            self.new += u64::from(self.filter.matches(&record));
            self.waiting.push(record);
        } else {
            self.show(record);
        }
    }

    fn show(&mut self, record: Arc<TraceRecord>) {
        if self.filter.matches(&record) {
            self.shown.push_front(Arc::clone(&record));
        }
        for gone in self.all.push(record) {
            // The oldest of all is the oldest shown, or not shown.
            if self.shown.back().is_some_and(|oldest| Arc::ptr_eq(oldest, &gone)) {
                self.shown.pop_back();
            }
        }
    }

    /// Shows only what a filter means. The selected request stays selected, also while it is not shown. What came in
    /// while paused is counted anew among those that are kept.
    pub(crate) fn filter(&mut self, filter: Filter, line: &str) {
        line.clone_into(&mut self.line);
        if self.filter == filter {
            return;
        }
        self.filter = filter;
        let meant = |record: &&Arc<TraceRecord>| self.filter.matches(record);
        self.shown = self.all.records.iter().filter(meant).cloned().collect();
        self.new = self.waiting.records.iter().filter(meant).map(|_| 1).sum();
    }

    /// The filter as it was typed; empty when there is none.
    pub(crate) fn line(&self) -> &str {
        &self.line
    }

    pub(crate) const fn miss(&mut self, count: u64) {
        self.missed += count;
    }

    pub(crate) fn toggle_pause(&mut self) {
        self.paused = !self.paused;
        if !self.paused {
            self.selected = None;
            self.new = 0;
            for record in std::mem::take(&mut self.waiting).records.into_iter().rev() {
                self.show(record);
            }
        }
    }

    /// Goes to the newest, and with it.
    pub(crate) fn follow(&mut self) {
        if self.paused {
            self.toggle_pause();
        }
    }

    /// Selects a row; anything but the newest stops the list, so that it does not slip away.
    pub(crate) fn select(&mut self, row: usize) {
        self.paused |= row > 0;
        self.selected = self.shown.get(row).map(|record| record.request_id.clone());
    }

    #[cfg(test)]
    pub(crate) fn selected(&self) -> Option<&Arc<TraceRecord>> {
        self.shown.get(self.row())
    }

    /// Selects a request that has not ended, wherever the list stands.
    pub(crate) fn select_running(&mut self, request_id: &str) {
        self.selected = Some(request_id.to_owned());
    }

    pub(crate) fn selected_id(&self) -> Option<&str> {
        self.selected.as_deref()
    }

    pub(crate) const fn means(&self) -> &Filter {
        &self.filter
    }

    /// A request that has ended, also one that is not shown.
    pub(crate) fn find(&self, request_id: &str) -> Option<&Arc<TraceRecord>> {
        self.waiting.records.iter().chain(&self.all.records).find(|record| record.request_id == request_id)
    }

    /// The selected row; the newest when the selected one is gone.
    pub(crate) fn row(&self) -> usize {
        let Some(id) = self.selected.as_ref().filter(|_| self.paused) else { return 0 };
        self.shown.iter().position(|record| record.request_id == *id).unwrap_or_default()
    }

    pub(crate) const fn shown(&self) -> &VecDeque<Arc<TraceRecord>> {
        &self.shown
    }

    /// All that are kept, the newest first, whatever the filter and while paused too.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &TraceRecord> {
        self.waiting.records.iter().chain(&self.all.records).map(|record| &**record)
    }

    /// How many there are with those that the filter leaves out.
    pub(crate) fn all(&self) -> usize {
        self.all.records.len()
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

/// The newest records, newest first, as many as fit.
#[derive(Debug, Default)]
struct Ring {
    records: VecDeque<Arc<TraceRecord>>,
    bytes: usize,
}

impl Ring {
    /// Gives back those that are no longer kept, oldest first.
    fn push(&mut self, record: Arc<TraceRecord>) -> Vec<Arc<TraceRecord>> {
        self.bytes += record.bytes();
        self.records.push_front(record);
        let mut gone = Vec::new();
        while self.records.len() > 1 && (self.records.len() > KEPT || self.bytes > KEPT_BYTES) {
            gone.extend(self.records.pop_back().inspect(|oldest| self.bytes -= oldest.bytes()));
        }
        gone
    }
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
    fn what_is_no_longer_kept_is_no_longer_shown() {
        let mut list = TraceList::new((0..1_000).map(record).collect());
        list.filter(Filter::parse("id:1").expect("a filter"), "id:1");
        let before = list.shown().len();
        // The next ones push out 0, which was not shown, and 1, which was.
        list.push(record(2_000));
        assert_eq!((list.shown().len(), list.all()), (before, KEPT));
        list.push(record(2_001));
        assert_eq!((list.shown().len(), list.all()), (before - 1, KEPT));
        list.filter(Filter::default(), "");
        assert_eq!(list.shown().len(), KEPT);
    }

    #[test]
    fn the_selection_outlives_a_filter() {
        let mut list = TraceList::new(vec![record(1), record(2), record(3)]);
        list.select(1);
        list.filter(Filter::parse("id:1").expect("a filter"), "id:1");
        assert_eq!(list.row(), 0);
        list.filter(Filter::default(), "");
        assert_eq!(list.selected().map(|record| record.request_id.as_str()), Some("2"));
    }

    #[test]
    fn long_records_leave_room_for_fewer() {
        let long = |number: u32| {
            Arc::new(TraceRecord { error: Some("x".repeat(KEPT_BYTES / 4)), ..(*record(number)).clone() })
        };
        let mut list = TraceList::new((0..9).map(long).collect());
        assert_eq!((list.all(), list.shown().len(), ids(&list)[0]), (3, 3, "8"));
        list.push(record(9));
        assert_eq!(list.all(), 4);
    }

    #[test]
    fn memory_is_bounded_in_either_state() {
        let mut list = TraceList::new((0..1_500).map(record).collect());
        assert_eq!(list.shown().len(), KEPT);
        list.toggle_pause();
        (2_000..4_000).for_each(|number| list.push(record(number)));
        assert_eq!((list.waiting(), list.waiting.records.len()), (2_000, KEPT));
        list.toggle_pause();
        assert_eq!((list.shown().len(), ids(&list)[0]), (KEPT, "3999"));
    }
}
