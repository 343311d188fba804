//! The line in which a filter of the trace is typed. Not the language (`domain::filter`), nor the list (`trace_list`).

use tui_input::{Input, InputRequest};

use super::field;
use crate::domain::{filter::Filter, message::Message};

/// What has been typed so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct FilterLine {
    pub(crate) input: Input,
    /// What is wrong with it; the filter from before stays meanwhile.
    pub(crate) faults: Vec<Message>,
}

impl FilterLine {
    pub(crate) fn new(line: &str) -> Self {
        Self { input: Input::new(line.to_owned()), faults: Vec::new() }
    }

    /// The filter that the line now is; `None` when it is none.
    pub(crate) fn edit(&mut self, request: InputRequest) -> Option<(Filter, &str)> {
        field::edit(&mut self.input, request);
        match Filter::parse(self.input.value()) {
            Ok(filter) => {
                self.faults.clear();
                Some((filter, self.input.value().trim()))
            }
            Err(faults) => {
                self.faults = faults;
                None
            }
        }
    }
}
