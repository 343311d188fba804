//! A line for each request: on stdout with `--no-ui`, in `logs/proxy.out` in the background. Not the trace file, nor the
//! log.

use std::{
    collections::HashMap,
    io::{self, Write},
    thread,
    time::Duration,
};

use jiff::tz::TimeZone;

use crate::{
    domain::{
        key::Label,
        text,
        trace::{Batch, TraceRecord},
    },
    engine::Engine,
    i18n::Words,
    store::{queue::Receiver, rotate::LineFile, trace},
    tui,
};

/// Lines that may wait for whoever reads them; further ones are left out.
const QUEUE: usize = 1024;
const PATH_MAX: usize = 60;
/// Bytes that are printed at once; what one batch has more is no matter.
const AT_ONCE: usize = 64 * 1024;
/// Spans below are worded once; longer ones are seldom enough.
const SHORT: Duration = Duration::from_secs(1);

/// Where lines go.
#[derive(Debug)]
pub(super) enum Into {
    Stdout,
    /// The same as the trace has, for scripts.
    StdoutAsJson,
    File(LineFile),
}

/// Prints from now on. A reader that does not read holds nobody up.
pub(super) fn print(engine: &Engine, into: Into, words: &Words) {
    let batches = engine.batches(QUEUE);
    let (locale, zone) = (words.locale(), words.zone());
    // Without a thread nothing is printed, and requests are served all the same.
    let _ = thread::Builder::new().name("kmi-lines".to_owned()).spawn(move || {
        let words = Words::new(locale, zone.clone());
        Printer { into, words, zone, lines: String::new(), second: None, took: HashMap::new() }.run(&batches);
    });
}

/// Prints what it is sent. What many lines share is worded once.
struct Printer {
    into: Into,
    words: Words,
    zone: TimeZone,
    lines: String,
    /// The second that was worded last, as a line begins in it.
    second: Option<(i64, String)>,
    /// Short spans by their milliseconds.
    took: HashMap<u128, String>,
}

impl Printer {
    fn run(mut self, batches: &Receiver<Batch>) {
        while let Ok(batch) = batches.recv() {
            self.add(&batch);
            // All that waits goes out at once.
            while self.lines.len() < AT_ONCE
                && let Ok(batch) = batches.try_recv()
            {
                self.add(&batch);
            }
            match &mut self.into {
                // What can't be written is in the trace all the same.
                Into::File(file) => drop(file.write(self.lines.as_bytes())),
                // Nobody reading is no failure.
                Into::Stdout | Into::StdoutAsJson => drop(io::stdout().write_all(self.lines.as_bytes())),
            }
            self.lines.clear();
        }
    }

    fn add(&mut self, batch: &Batch) {
        for record in batch.iter() {
            match &self.into {
                Into::StdoutAsJson => match trace::as_line(record, &self.zone) {
                    Ok(line) => self.lines.push_str(&line),
                    Err(_) => continue,
                },
                Into::File(_) | Into::Stdout => self.line(record),
            }
            self.lines.push('\n');
        }
    }

    /// `15:30:00 200 alpha POST /chat/completions 812ms`, in a file with the day before it.
    fn line(&mut self, record: &TraceRecord) {
        self.clock(record);
        let status = record.status.to_string();
        let key = record.key.as_ref().map_or("-", Label::as_str);
        for part in [&status, key, &record.method, &record.endpoint] {
            self.lines.push(' ');
            self.lines.push_str(&text::cleaned(part, PATH_MAX));
        }
        self.lines.push(' ');
        self.took(record.total);
        if let Some(code) = record.error_code.as_deref().filter(|code| *code != status) {
            self.lines.push(' ');
            self.lines.push_str(&text::cleaned(code, PATH_MAX));
        }
        self.lines.truncate(self.lines.trim_end().len());
    }

    fn clock(&mut self, record: &TraceRecord) {
        let second = record.at.as_second();
        if self.second.as_ref().is_none_or(|(last, _)| *last != second) {
            let clock = self.words.clock(record.at);
            let text = match &self.into {
                Into::File(_) => format!("{} {clock}", record.at.to_zoned(self.zone.clone()).date()),
                Into::Stdout | Into::StdoutAsJson => clock,
            };
            self.second = Some((second, text));
        }
        if let Some((_, text)) = &self.second {
            self.lines.push_str(text);
        }
    }

    fn took(&mut self, span: Duration) {
        let words = &self.words;
        if span < SHORT {
            let known = self.took.entry(span.as_millis()).or_insert_with(|| tui::took(words, span));
            self.lines.push_str(known);
        } else {
            self.lines.push_str(&tui::took(words, span));
        }
    }
}
