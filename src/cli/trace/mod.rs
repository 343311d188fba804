//! `kmi-tui trace`: the trace's records, chosen by a filter, as a table, JSON lines, CSV or their sums. It reads the files
//! of the state folder, takes no lock and makes nothing, so it works beside a running instance and without one.

mod csv;
mod output;
mod summary;
mod table;

use std::{io, os::fd::AsFd, path::Path, time::Duration};

use clap::Args;
use jiff::Timestamp;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use self::output::Output;
use super::{
    Stop, USAGE, complain, run,
    signals::{Stage, Stopper},
    when,
};
use crate::{
    config::Config,
    domain::{filter::Filter, message::Message, now, summary::Summary, trace::TraceRecord},
    engine,
    i18n::Words,
    store::{StoreError, lines::NewestFirst, trace},
};

/// How many records are shown when nobody says.
const WINDOW: usize = 200;
/// How often a follower looks for more.
const PACE: Duration = Duration::from_millis(200);
/// Records are in the order of their ends. One may have begun so much before its neighbours.
const OUT_OF_ORDER: Duration = Duration::from_secs(3_600);

/// What can be typed after `trace`; the words are in `args`.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct TraceArgs {
    #[arg(short, long)]
    follow: bool,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    window: Option<u64>,
    #[arg(long, value_name = "LABEL")]
    key: Option<String>,
    #[arg(long, value_name = "429,5xx")]
    status: Option<String>,
    #[arg(long, value_name = "1h")]
    since: Option<String>,
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    grep: Option<String>,
    #[arg(long, value_name = "FILTER", allow_hyphen_values = true)]
    pub(super) filter: Vec<String>,
    #[arg(long = "json", conflicts_with = "csv")]
    pub(super) as_json: bool,
    #[arg(long)]
    csv: bool,
    #[arg(long, conflicts_with_all = ["follow", "csv"])]
    summary: bool,
    #[arg(value_name = "FILTER")]
    pub(super) terms: Vec<String>,
}

/// What was typed, understood.
#[derive(Debug)]
struct Wanted {
    filter: Filter,
    since: Option<Timestamp>,
}

impl TraceArgs {
    /// All that comes, as it comes.
    pub(super) fn following() -> Self {
        Self { follow: true, ..Self::default() }
    }
}

/// Shows what is asked for.
pub(super) fn run(typed: &TraceArgs, config: &Config) -> Result<(), Stop> {
    let words = Words::new(config.locale, config.zone.clone());
    let now = engine::wall();
    let wanted = Wanted::of(typed, now, config).map_err(|faults| wrong(&faults, &words))?;
    let path = trace::path(&config.state_dir);
    if typed.summary {
        return sum_up(typed, &wanted, &path, &words);
    }
    let output = Output::new(typed, now, config, &words);
    if typed.follow {
        return run::block_on(&run::runtime()?, follow(typed, &wanted, &path, output, &words));
    }
    list(typed, &wanted, &path, output, &words)
}

impl Wanted {
    /// All that is wrong is told at once.
    fn of(typed: &TraceArgs, now: Timestamp, config: &Config) -> Result<Self, Vec<Message>> {
        let lines = typed.filter.iter().chain(&typed.terms).map(|line| Filter::parse(line));
        let key = typed.key.iter().map(|label| Filter::of("key", &[label]).map_err(|fault| vec![fault]));
        let status = typed.status.iter().map(|status| {
            let values: Vec<&str> = status.split(',').map(str::trim).collect();
            Filter::of("status", &values).map_err(|fault| vec![fault])
        });
        let (mut filter, mut faults) = (Filter::default(), Vec::new());
        for read in lines.chain(key).chain(status) {
            match read {
                Ok(more) => filter = filter.and(more),
                Err(more) => faults.extend(more),
            }
        }
        if let Some(text) = &typed.grep {
            filter = filter.and(Filter::text(text));
        }
        let since = typed.since.as_deref().map(|text| (text, when::moment(text, now, &config.zone)));
        if let Some((text, None)) = since {
            faults.push(Message::new("trace-wrong-since").with("value", text));
        }
        let since = since.and_then(|(_, moment)| moment);
        if faults.is_empty() { Ok(Self { filter, since }) } else { Err(faults) }
    }

    fn matches(&self, record: &TraceRecord) -> bool {
        self.since.is_none_or(|since| record.at >= since) && self.filter.matches(record)
    }

    /// Whether older records may still be asked for.
    fn reaches(&self, record: &TraceRecord) -> bool {
        let ended = now::add(record.at, record.total);
        self.since.is_none_or(|since| now::add(ended, OUT_OF_ORDER) >= since)
    }

    /// The records asked for, newest first. What can't be read is put aside.
    fn of_records<'a>(
        &'a self,
        records: NewestFirst<TraceRecord>,
        faults: &'a mut Vec<StoreError>,
    ) -> impl Iterator<Item = TraceRecord> + 'a {
        records
            .filter_map(|read| read.map_err(|fault| faults.push(fault)).ok())
            .take_while(|record| self.reaches(record))
            .filter(|record| self.matches(record))
    }
}

/// Everything wrong with what was typed, a line each.
fn wrong(faults: &[Message], words: &Words) -> Stop {
    let lines: Vec<String> = faults.iter().map(|fault| words.render(fault)).collect();
    Stop { code: USAGE, text: lines.join("\n") }
}

/// As many records as are asked for, oldest first.
fn newest(
    typed: &TraceArgs,
    wanted: &Wanted,
    records: NewestFirst<TraceRecord>,
    faults: &mut Vec<StoreError>,
) -> Vec<TraceRecord> {
    let mut newest: Vec<_> = wanted.of_records(records, faults).take(window(typed).unwrap_or(WINDOW)).collect();
    newest.reverse();
    newest
}

fn window(typed: &TraceArgs) -> Option<usize> {
    typed.window.map(|window| usize::try_from(window).unwrap_or(usize::MAX))
}

fn list(typed: &TraceArgs, wanted: &Wanted, path: &Path, mut output: Output<'_>, words: &Words) -> Result<(), Stop> {
    let mut faults = Vec::new();
    let records = newest(typed, wanted, trace::newest_first(path), &mut faults);
    let read = written(output.show(&records), words)?;
    if records.is_empty() && faults.is_empty() {
        complain(&nothing(path, words));
    } else if read && typed.window.is_none() && records.len() == WINDOW {
        complain(&words.render(&Message::new("trace-more").with("count", WINDOW)));
    }
    unread(&faults, words)
}

fn sum_up(typed: &TraceArgs, wanted: &Wanted, path: &Path, words: &Words) -> Result<(), Stop> {
    let (mut sums, mut faults) = (Summary::default(), Vec::new());
    let records = wanted.of_records(trace::newest_first(path), &mut faults);
    records.take(window(typed).unwrap_or(usize::MAX)).for_each(|record| sums.fold(&record, &words.zone()));
    if sums.all.count == 0 && faults.is_empty() && !typed.as_json {
        complain(&nothing(path, words));
    } else {
        let text = if typed.as_json { summary::json(&sums) } else { Ok(summary::text(&sums, words)) };
        written(text.map_err(io::Error::from).and_then(|text| output::write(&text)), words)?;
    }
    unread(&faults, words)
}

/// Goes on until it is told to stop, or nobody reads any more.
async fn follow(
    typed: &TraceArgs,
    wanted: &Wanted,
    path: &Path,
    mut output: Output<'_>,
    words: &Words,
) -> Result<(), Stop> {
    let stopper = Stopper::listen().map_err(|error| Stop::failed(error.to_string()))?;
    let failed = |error: StoreError| Stop::failed(words.render(&error.message()));
    let (before, mut follower) = trace::follow(path).map_err(failed)?;
    let mut faults = Vec::new();
    let records = newest(typed, wanted, before, &mut faults);
    if let Err(stop) = unread(&faults, words) {
        complain(&stop.text);
    }
    if records.is_empty() {
        complain(&nothing(path, words));
    }
    let mut open = written(output.show(&records), words)?;
    while open {
        while let Some(records) = follower.step().map_err(failed)? {
            let records: Vec<_> = records.into_iter().filter(|record| wanted.matches(record)).collect();
            open &= written(output.show(&records), words)?;
        }
        tokio::select! {
            () = stopper.reached(Stage::Draining) => return Ok(()),
            () = tokio::time::sleep(PACE) => open &= somebody_reads(),
        }
    }
    Ok(())
}

/// Why nothing is shown.
fn nothing(path: &Path, words: &Words) -> String {
    if path.exists() {
        return words.text("trace-none");
    }
    words.render(&Message::new("trace-missing").with("path", path.display().to_string()))
}

/// Whether somebody still reads; that nobody does is no failure.
fn written(written: io::Result<()>, words: &Words) -> Result<bool, Stop> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => {
            let message = Message::new("trace-not-written").with("error", error.to_string());
            Err(Stop::failed(words.render(&message)))
        }
    }
}

/// A pipe that was closed is noticed though nothing is written.
fn somebody_reads() -> bool {
    let stdout = io::stdout();
    let mut asked = [PollFd::from_borrowed_fd(stdout.as_fd(), PollFlags::empty())];
    match poll(&mut asked, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
        Ok(_) | Err(Errno::INTR) => !asked[0].revents().intersects(PollFlags::ERR | PollFlags::HUP),
        Err(_) => true,
    }
}

/// What could be read was shown; what could not is a failure.
fn unread(faults: &[StoreError], words: &Words) -> Result<(), Stop> {
    if faults.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = faults.iter().map(|fault| words.render(&fault.message())).collect();
    Err(Stop::failed(lines.join("\n")))
}
