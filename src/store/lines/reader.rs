//! A file of lines read backwards: newest first, through the rotated files, in blocks. Not what comes in later
//! (`follower`). It writes nothing and takes no lock, so it may run beside whoever writes.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    vec,
};

use super::Parse;
use crate::{
    domain::order,
    store::{Doing, StoreError, rotate},
};

/// Files are read in blocks of this size.
pub(super) const BLOCK: u64 = 64 * 1024;
/// Room for a block and a little more, or reading begins with tiny pieces.
pub(super) const BLOCK_ROOM: usize = BLOCK as usize + 64;
/// A longer line is none of ours; it is passed over and never held in memory.
pub(super) const LINE_MAX: usize = 1024 * 1024;

/// What stays a file's own when it is renamed: device and inode.
pub(super) type Identity = (u64, u64);

pub(super) fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

/// What the lines mean, newest first. Lines that mean nothing are passed over; a file that can't be read is an
/// error in its place, and reading goes on with the next.
#[derive(Debug)]
pub(crate) struct NewestFirst<T> {
    path: PathBuf,
    parse: Parse<T>,
    /// What was there at the start, newest first, by number: 0 is the file itself. A rotation meanwhile moves files to
    /// higher numbers; they are known by what they are.
    waiting: vec::IntoIter<(u32, Identity)>,
    reading: Option<Backwards>,
    fault: Option<StoreError>,
}

impl<T> NewestFirst<T> {
    /// All that is there now. A folder that is not there holds nothing.
    pub(crate) fn of(path: &Path, parse: Parse<T>) -> Self {
        let (files, fault) = match files(path) {
            Ok(files) => (files, None),
            Err(error) => (Vec::new(), Some(StoreError::at(path, Doing::Read)(error))),
        };
        Self { path: path.to_owned(), parse, waiting: files.into_iter(), reading: None, fault }
    }

    /// All that is there before this place in a file.
    pub(super) fn before(path: &Path, file: File, end: u64, parse: Parse<T>) -> Self {
        let mut all = Self::of(path, parse);
        let own = file.metadata().map(|metadata| identity(&metadata)).ok();
        if let Some(at) = all.waiting.as_slice().iter().position(|(_, found)| Some(*found) == own) {
            all.waiting.nth(at);
        }
        all.reading = Some(Backwards::new(file, end));
        all
    }

    /// The next file that can be read.
    fn open(&mut self) -> Option<Result<Backwards, StoreError>> {
        loop {
            let (number, wanted) = self.waiting.next()?;
            match find(&self.path, number, wanted) {
                Ok(Some(file)) => {
                    let length = file.metadata().map(|metadata| metadata.len());
                    let opened = length.map(|length| Backwards::new(file, length));
                    return Some(opened.map_err(StoreError::at(&self.path, Doing::Read)));
                }
                // Rotated away meanwhile.
                Ok(None) => {}
                Err(error) => return Some(Err(StoreError::at(&numbered(&self.path, number), Doing::Read)(error))),
            }
        }
    }
}

impl<T> Iterator for NewestFirst<T> {
    type Item = Result<T, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(fault) = self.fault.take() {
            return Some(Err(fault));
        }
        loop {
            let Some(reading) = &mut self.reading else {
                match self.open()? {
                    Ok(file) => self.reading = Some(file),
                    Err(error) => return Some(Err(error)),
                }
                continue;
            };
            match reading.line() {
                Ok(Some(bytes)) => {
                    if let Some(meant) = (self.parse)(bytes) {
                        return Some(Ok(meant));
                    }
                }
                Ok(None) => self.reading = None,
                Err(error) => {
                    self.reading = None;
                    return Some(Err(StoreError::at(&self.path, Doing::Read)(error)));
                }
            }
        }
    }
}

/// The file and its rotated ones, newest first. Only plain files: opening a pipe could wait for ever.
pub(super) fn files(path: &Path) -> io::Result<Vec<(u32, Identity)>> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Ok(Vec::new());
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let rest = entry.file_name().to_str().and_then(|found| found.strip_prefix(name)).map(str::to_owned);
        let number = match rest.as_deref() {
            Some("") => Some(0),
            Some(rest) => rest.strip_prefix('.').and_then(|number| number.parse().ok()).filter(|number| *number > 0),
            None => None,
        };
        // What is gone by now was rotated away.
        let metadata = fs::metadata(entry.path()).ok().filter(Metadata::is_file);
        found.extend(number.zip(metadata).map(|(number, metadata)| (number, identity(&metadata))));
    }
    order::sort(&mut found);
    // A rotation between two looks shows a file under both of its numbers.
    let mut seen = Vec::new();
    found.retain(|(_, file)| {
        let new = !seen.contains(file);
        seen.push(*file);
        new
    });
    Ok(found)
}

/// The file that had this number, wherever rotations have moved it since.
fn find(path: &Path, number: u32, wanted: Identity) -> io::Result<Option<File>> {
    // While a rotation renames, one number may be missing for a moment.
    let mut missing = 0;
    for number in number.. {
        match fs::metadata(numbered(path, number)) {
            Ok(metadata) if identity(&metadata) == wanted => return File::open(numbered(path, number)).map(Some),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound && missing == 0 => missing += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

pub(super) fn numbered(path: &Path, number: u32) -> PathBuf {
    if number == 0 { path.to_owned() } else { rotate::numbered(path, number) }
}

/// The lines of one file, last first. Holds a block and a line at most.
#[derive(Debug)]
struct Backwards {
    file: File,
    /// Where the block starts in the file.
    start: u64,
    block: Vec<u8>,
    /// What of the block is not told yet.
    left: usize,
    /// The end of a line that starts before the block.
    carried: Vec<u8>,
    /// The line that reaches into the block is too long.
    skipping: bool,
    line: Vec<u8>,
}

impl Backwards {
    fn new(file: File, end: u64) -> Self {
        Self { file, start: end, block: Vec::new(), left: 0, carried: Vec::new(), skipping: false, line: Vec::new() }
    }

    /// The line before the one that was told last.
    fn line(&mut self) -> io::Result<Option<&[u8]>> {
        loop {
            if let Some(at) = memchr::memrchr(b'\n', &self.block[..self.left]) {
                let whole = self.take(at + 1);
                self.left = at;
                if whole {
                    return Ok(Some(&self.line));
                }
                continue;
            }
            if self.start == 0 {
                let whole = self.left + self.carried.len() > 0 && self.take(0);
                self.left = 0;
                return Ok(whole.then_some(&self.line));
            }
            self.carry();
            self.read()?;
        }
    }

    /// Makes a line of the block from here on and of what was carried; whether there is one.
    fn take(&mut self, from: usize) -> bool {
        self.line.clear();
        self.line.extend_from_slice(&self.block[from..self.left]);
        self.line.append(&mut self.carried);
        !std::mem::take(&mut self.skipping) && self.line.len() <= LINE_MAX
    }

    /// Keeps what is left of the block for when the line's start is found.
    fn carry(&mut self) {
        if self.skipping || self.left + self.carried.len() > LINE_MAX {
            self.skipping = true;
            self.carried.clear();
        } else {
            self.carried.splice(..0, self.block[..self.left].iter().copied());
        }
        self.left = 0;
    }

    fn read(&mut self) -> io::Result<()> {
        let from = self.start.saturating_sub(BLOCK);
        self.block.clear();
        self.block.reserve_exact(BLOCK_ROOM);
        self.file.seek(SeekFrom::Start(from))?;
        (&mut self.file).take(self.start - from).read_to_end(&mut self.block)?;
        self.start = from;
        self.left = self.block.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        domain::trace::{TraceRecord, sample},
        store::trace,
    };

    fn written(id: &str) -> String {
        let record = TraceRecord { request_id: id.to_owned(), ..sample("alpha") };
        trace::as_line(&record, &jiff::tz::TimeZone::UTC).expect("a line") + "\n"
    }

    fn ids(records: NewestFirst<TraceRecord>) -> Vec<String> {
        records.map(|record| record.expect("read").request_id).collect()
    }

    #[test]
    fn files_are_read_from_the_newest_to_the_oldest() {
        let folder = tempfile::tempdir().expect("temp");
        let path = folder.path().join("trace.jsonl");
        for (name, ids) in [
            ("trace.jsonl", &["5", "6"][..]),
            ("trace.jsonl.1", &["3", "4"]),
            ("trace.jsonl.2", &["2"]),
            ("trace.jsonl.10", &["1"]),
            ("trace.jsonl.old", &["x"]),
            ("trace.jsonl.lock", &["y"]),
        ] {
            fs::write(folder.path().join(name), ids.iter().map(|id| written(id)).collect::<String>()).expect("written");
        }
        fs::create_dir(folder.path().join("trace.jsonl.3")).expect("made");
        assert_eq!(ids(trace::newest_first(&path)), ["6", "5", "4", "3", "2", "1"]);
        assert_eq!(ids(trace::newest_first(&folder.path().join("nowhere/trace.jsonl"))), [""; 0]);
    }

    #[test]
    fn a_rotation_meanwhile_neither_loses_nor_repeats() {
        let folder = tempfile::tempdir().expect("temp");
        let path = folder.path().join("trace.jsonl");
        fs::write(&path, written("3")).expect("written");
        fs::write(numbered(&path, 1), written("2")).expect("written");
        fs::write(numbered(&path, 2), written("1")).expect("written");
        let mut records = trace::newest_first(&path);
        assert_eq!(records.next().expect("one").expect("read").request_id, "3");
        for round in 0..2 {
            for number in (0..=2 + round).rev() {
                fs::rename(numbered(&path, number), numbered(&path, number + 1)).expect("rotated");
            }
            fs::write(&path, written("new")).expect("written");
        }
        assert_eq!(ids(records), ["2", "1"]);
    }

    #[test]
    fn a_line_without_an_end_is_passed_over() {
        let folder = tempfile::tempdir().expect("temp");
        let path = folder.path().join("trace.jsonl");
        let hostile = "x".repeat(LINE_MAX + 3 * BLOCK as usize);
        fs::write(&path, format!("{}{hostile}\n{}\n\r\nnull\n{hostile}", written("1"), written("2"))).expect("written");
        let mut records = trace::newest_first(&path);
        assert_eq!(records.next().expect("one").expect("read").request_id, "2");
        let held = records.reading.as_ref().map(|file| file.carried.capacity() + file.line.capacity());
        assert!(held.is_some_and(|held| held <= 4 * LINE_MAX), "{held:?}");
        assert_eq!(ids(records), ["1"]);
    }

    proptest! {
        #[test]
        fn lines_come_back_whatever_their_lengths(lengths in prop::collection::vec(prop_oneof![0..200_usize, 60_000..140_000_usize], 0..8), ended: bool) {
            let folder = tempfile::tempdir().expect("temp");
            let path = folder.path().join("f");
            let mut lines: Vec<String> = lengths.iter().enumerate().map(|(number, length)| format!("{number}{}", "x".repeat(*length))).collect();
            let text = lines.join("\n") + if ended && !lines.is_empty() { "\n" } else { "" };
            fs::write(&path, &text).expect("written");
            let mut file = Backwards::new(File::open(&path).expect("there"), text.len() as u64);
            let mut read = Vec::new();
            while let Some(line) = file.line().expect("read") {
                read.push(String::from_utf8(line.to_vec()).expect("text"));
            }
            read.retain(|line| !line.is_empty());
            lines.reverse();
            prop_assert_eq!(read, lines);
        }
    }
}
