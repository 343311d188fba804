//! `trace/trace.jsonl`: one object a line, the old tool's fields first, then ours. Appended in batches, rotated by size.

mod line;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::tz::TimeZone;

pub(crate) use self::line::{as_line, moment};
use super::{
    Doing, StoreError,
    lines::{Follower, NewestFirst},
    lock, permissions, rotate,
    stamp::Stamp,
};
use crate::domain::{policy::Rotation, trace::TraceRecord};

/// More room than this is given back.
const ROOM_MAX: usize = 1024 * 1024;

/// The trace, appended to by one owner.
#[derive(Debug)]
pub(crate) struct TraceFile {
    path: PathBuf,
    rotation: Rotation,
    enforce: bool,
    stamp: Stamp,
    /// Lines on their way; its room is used again.
    lines: Vec<u8>,
}

impl TraceFile {
    /// Below this state folder.
    pub(crate) fn open(
        state_folder: &Path,
        rotation: Rotation,
        zone: TimeZone,
        enforce: bool,
    ) -> Result<Self, StoreError> {
        let folder = state_folder.join("trace");
        permissions::private_folder(&folder, enforce).map_err(StoreError::at(&folder, Doing::Create))?;
        Ok(Self { path: path(state_folder), rotation, enforce, stamp: Stamp::new(zone), lines: Vec::new() })
    }

    /// Appends whole lines or nothing.
    pub(crate) fn append(&mut self, records: &[Arc<TraceRecord>]) -> Result<(), StoreError> {
        let mut lines = std::mem::take(&mut self.lines);
        lines.clear();
        let written = self.word(&mut lines, records).and_then(|()| {
            let _lock = lock::beside(&self.path, self.enforce)?;
            self.write(&lines).map_err(StoreError::at(&self.path, Doing::Write))
        });
        if lines.capacity() <= ROOM_MAX {
            self.lines = lines;
        }
        written
    }

    fn word(&mut self, lines: &mut Vec<u8>, records: &[Arc<TraceRecord>]) -> Result<(), StoreError> {
        for record in records {
            let pushed = line::push(lines, record, &mut self.stamp).map_err(io::Error::from);
            pushed.map_err(StoreError::at(&self.path, Doing::Write))?;
            lines.push(b'\n');
        }
        Ok(())
    }

    /// The last records, newest last, from rotated files too. Lines that can't be read are skipped.
    pub(crate) fn tail(&self, most: usize) -> Vec<TraceRecord> {
        // A file that can't be read shows nothing; the doctor names it.
        let mut records: Vec<_> = newest_first(&self.path).flatten().take(most).collect();
        records.reverse();
        records
    }

    /// The file is opened anew each time, so that one that was moved away is not written to for ever.
    fn write(&self, batch: &[u8]) -> io::Result<()> {
        let mut file = permissions::private_file(&self.path, self.enforce)?;
        if rotate::when_full(&self.path, file.metadata()?.len(), self.rotation)? {
            file = permissions::private_file(&self.path, self.enforce)?;
        }
        rotate::append(&mut file, batch)
    }
}

/// The records, newest first.
pub(crate) fn newest_first(path: &Path) -> NewestFirst<TraceRecord> {
    NewestFirst::of(path, line::record)
}

/// The records that are there, newest first, and those that will come.
pub(crate) fn follow(path: &Path) -> Result<(NewestFirst<TraceRecord>, Follower<TraceRecord>), StoreError> {
    Follower::start(path, line::record)
}

/// Where the trace of a state folder is.
pub(crate) fn path(state_folder: &Path) -> PathBuf {
    state_folder.join("trace").join("trace.jsonl")
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use super::*;
    use crate::domain::{
        key::Label,
        reason::{Chosen, PassedOver},
        snapshot::Skip,
        trace::{Attempt, Ending, Process, Tokens},
    };

    fn record(number: u16) -> TraceRecord {
        TraceRecord {
            passed_over: Arc::default(),
            process: None,
            session: None,
            at: "2026-02-02T12:30:00Z".parse().expect("valid"),
            request_id: format!("{number:032x}"),
            method: "POST".into(),
            prompt_hint: "напиши \u{202e} стих".into(),
            prompt_head: "напиши".into(),
            key: Some(Label::new("alpha")),
            key_hash: Some("a4a6d307ad00".into()),
            endpoint: "/chat/completions".into(),
            status: number,
            latency: Duration::from_millis(12),
            total: Duration::from_millis(40),
            error_code: Some("429".into()),
            rotation_index: 2,
            waited: Duration::from_millis(3),
            shared_cause: Some("address".into()),
            attempts: vec![Attempt {
                key: Label::new("alpha"),
                status: Some(429),
                cause: "rate_limited".into(),
                ms: 11,
                why: None,
            }],
            ending: Ending::UpstreamCut,
            first_byte: Some(Duration::from_millis(13)),
            tokens: Tokens { input: Some(5), output: None, cached: Some(0) },
            bytes_in: 10,
            bytes_out: 20,
            model: Some("kimi-for-coding".into()),
            stream: true,
            conversation: Some("3f2a91c07be40d15".into()),
            client: Some("KimiCLI/1.49.0".into()),
            error: None,
        }
    }

    fn records(numbers: std::ops::Range<u16>) -> Vec<Arc<TraceRecord>> {
        numbers.map(|number| Arc::new(record(number))).collect()
    }

    fn open(folder: &Path, max_bytes: Option<u64>) -> TraceFile {
        let zone = TimeZone::fixed(jiff::tz::offset(3));
        TraceFile::open(folder, Rotation { max_bytes, backups: 2 }, zone, true).expect("opened")
    }

    #[test]
    fn a_line_has_the_old_fields_first_and_reads_back() {
        let folder = tempfile::tempdir().expect("temp");
        let mut trace = open(folder.path(), None);
        let record = TraceRecord {
            passed_over: [PassedOver { key: Label::new("beta"), skip: Skip::Disabled }].into(),
            process: Some(Process { pid: 7, name: "claude".into() }),
            session: Some("3f2a9c1e".into()),
            ..record(200)
        };
        trace.append(&[Arc::new(record.clone())]).expect("written");
        let text = fs::read_to_string(folder.path().join("trace/trace.jsonl")).expect("there");
        assert!(text.is_ascii());
        let start = r#"{"ts":"2026-02-02 15:30:00 +0300","request_id":"000000000000000000000000000000c8","method":"POST","prompt_hint":""#;
        assert!(text.starts_with(start), "{text}");
        assert!(text.contains(r#""key_label":"alpha","key_hash":"a4a6d307ad00","endpoint":"/chat/completions","status":200,"latency_ms":12,"error_code":429,"rotation_index":2,"schema_version":1,"#), "{text}");
        assert_eq!(trace.tail(10), [record]);
    }

    #[test]
    fn each_field_has_its_place_and_its_form() {
        let as_line = |record: &TraceRecord| as_line(record, &TimeZone::UTC).expect("a line");
        let full = TraceRecord {
            prompt_hint: "say \"ж\"\n".into(),
            passed_over: [PassedOver { key: Label::new("beta"), skip: Skip::Disabled }].into(),
            process: Some(Process { pid: 7, name: "claude".into() }),
            session: Some("3f2a9c1e".into()),
            error: Some("no".into()),
            attempts: vec![
                Attempt { why: Some(Chosen::Bound), ..record(200).attempts.remove(0) },
                Attempt { key: Label::new("b"), status: None, cause: "timeout".into(), ms: 9, why: None },
            ],
            ..record(200)
        };
        assert_eq!(
            as_line(&full),
            concat!(
                r#"{"ts":"2026-02-02 12:30:00 +0000","request_id":"000000000000000000000000000000c8","method":"POST","#,
                r#""prompt_hint":"say \"\u0436\"\n","prompt_head":"\u043d\u0430\u043f\u0438\u0448\u0438","#,
                r#""key_label":"alpha","key_hash":"a4a6d307ad00","endpoint":"/chat/completions","status":200,"#,
                r#""latency_ms":12,"error_code":429,"rotation_index":2,"schema_version":1,"#,
                r#""attempts":[{"key":"alpha","status":429,"cause":"rate_limited","ms":11,"why":"bound"},"#,
                r#"{"key":"b","status":null,"cause":"timeout","ms":9}],"passed_over":[{"key":"beta","code":"disabled"}],"#,
                r#""waited_ms":3,"shared_cause":"address","ending":"upstream_cut","total_ms":40,"first_byte_ms":13,"#,
                r#""tokens":{"input":5,"output":null,"cached":0},"bytes_in":10,"bytes_out":20,"#,
                r#""model":"kimi-for-coding","stream":true,"conversation":"3f2a91c07be40d15","#,
                r#""client":"KimiCLI/1.49.0","process":{"pid":7,"name":"claude"},"session":"3f2a9c1e","error":"no"}"#,
            )
        );
        let refused =
            TraceRecord { error_code: Some("no_key".into()), request_id: "1".into(), ..TraceRecord::default() };
        assert_eq!(
            as_line(&refused),
            concat!(
                r#"{"ts":"1970-01-01 00:00:00 +0000","request_id":"1","method":"","prompt_hint":"","prompt_head":"","#,
                r#""key_label":null,"key_hash":null,"endpoint":"","status":0,"latency_ms":0,"error_code":"no_key","#,
                r#""rotation_index":0,"schema_version":1,"attempts":[],"ending":"completed","total_ms":0,"#,
                r#""first_byte_ms":null,"tokens":{"input":null,"output":null,"cached":null},"bytes_in":0,"bytes_out":0,"#,
                r#""model":null,"stream":false,"client":null,"error":null}"#,
            )
        );
    }

    #[test]
    fn lines_of_the_old_tool_are_read_and_bad_ones_skipped() {
        let folder = tempfile::tempdir().expect("temp");
        let mut trace = open(folder.path(), None);
        let old = concat!(
            r#"{"ts_msk":"2026-02-02 15:30:00 +0300","key_label":"a","status":200,"latency_ms":3,"error_code":"payment_required"}"#,
            "\nnot json\n{}\n\n",
            r#"{"ts":"2026-02-02 15:30:01 +0300","key_label":"b","status":503,"half"#
        );
        fs::write(folder.path().join("trace/trace.jsonl"), old).expect("written");
        trace.append(&records(1..2)).expect("written");
        let read = trace.tail(10);
        assert_eq!(read.len(), 2, "the half line does not swallow the next");
        assert_eq!(read[0].error_code.as_deref(), Some("payment_required"));
        assert_eq!(read[1], record(1));
    }

    #[test]
    fn the_tail_goes_on_in_rotated_files() {
        let folder = tempfile::tempdir().expect("temp");
        let mut trace = open(folder.path(), Some(4_000));
        for number in 0..15 {
            trace.append(&records(number..number + 1)).expect("written");
        }
        let numbers: Vec<u16> = trace.tail(9).iter().map(|record| record.status).collect();
        assert_eq!(numbers, (6..15).collect::<Vec<_>>());
        let files = fs::read_dir(folder.path().join("trace")).expect("there").count();
        assert_eq!(files, 4, "trace.jsonl, .1, .2 and the lock");
        assert_eq!(trace.tail(0), []);
    }

    #[test]
    fn a_file_that_was_moved_away_is_made_anew() {
        let folder = tempfile::tempdir().expect("temp");
        let mut trace = open(folder.path(), None);
        let path = folder.path().join("trace/trace.jsonl");
        trace.append(&records(1..2)).expect("written");
        fs::rename(&path, folder.path().join("elsewhere")).expect("moved");
        trace.append(&records(2..3)).expect("written");
        assert_eq!(trace.tail(9), [record(2)]);
    }
}
