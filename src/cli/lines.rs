//! A line for each request: on stdout with `--no-ui`, in `logs/proxy.out` in the background. Not the trace file, nor the
//! log.

use std::{
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use tokio::sync::broadcast::error::RecvError;

use super::say;
use crate::{
    domain::{key::Label, text, trace::TraceRecord},
    engine::{Engine, task},
    i18n::Words,
    store::{rotate::LineFile, trace},
    tui,
};

/// Lines that may wait for whoever reads them; further ones are left out.
const QUEUE: usize = 1024;
const PATH_MAX: usize = 60;
/// Bytes that are printed at once; one line more is no matter.
const AT_ONCE: usize = 64 * 1024;

/// Lines are gathered so long: to wake the thread for each of them costs more than the line.
const GATHER: Duration = Duration::from_millis(20);

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
    let (_, mut records) = engine.records();
    let lines = printer(into, words);
    task::spawn(async move {
        loop {
            match records.recv().await {
                Ok(record) => {
                    // Full: the reader is slow. Gone: nobody reads.
                    let _ = lines.try_send(record);
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    });
}

/// A thread that prints what it is sent.
fn printer(mut into: Into, words: &Words) -> SyncSender<Arc<TraceRecord>> {
    let (lines, inbox) = sync_channel::<Arc<TraceRecord>>(QUEUE);
    let (locale, zone) = (words.locale(), words.zone());
    // Without a thread nothing is printed, and requests are served all the same.
    let _ = thread::Builder::new().name("kmi-lines".to_owned()).spawn(move || {
        let words = Words::new(locale, zone.clone());
        let text = |record: &TraceRecord, into: &Into| match into {
            Into::File(_) => format!("{} {}\n", record.at.to_zoned(zone.clone()).date(), line(record, &words)),
            Into::Stdout => format!("{}\n", line(record, &words)),
            Into::StdoutAsJson => trace::as_line(record, &zone).map(|line| line + "\n").unwrap_or_default(),
        };
        while let Ok(record) = inbox.recv() {
            let mut lines = text(&record, &into);
            thread::sleep(GATHER);
            // All that waits goes out at once.
            while lines.len() < AT_ONCE
                && let Ok(record) = inbox.try_recv()
            {
                lines.push_str(&text(&record, &into));
            }
            match &mut into {
                // What can't be written is in the trace all the same.
                Into::File(file) => drop(file.write(&lines)),
                Into::Stdout | Into::StdoutAsJson => say(lines.trim_end()),
            }
        }
    });
    lines
}

/// `15:30:00 200 alpha POST /chat/completions 812ms`
fn line(record: &TraceRecord, words: &Words) -> String {
    let key = record.key.as_ref().map_or("-", Label::as_str);
    let code = record.error_code.as_deref().filter(|code| *code != record.status.to_string());
    let parts = [
        words.clock(record.at),
        record.status.to_string(),
        text::clean(key, PATH_MAX),
        text::clean(&record.method, PATH_MAX),
        text::clean(&record.endpoint, PATH_MAX),
        tui::took(words, record.total),
        code.map(|code| text::clean(code, PATH_MAX)).unwrap_or_default(),
    ];
    parts.join(" ").trim_end().to_owned()
}
