//! What is appended to a file of lines from now on, through rotations, truncation, deletion and a new beginning. It never
//! waits: the caller decides when to look again. Not what is there already (`reader`).

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::{
    Parse,
    reader::{self, BLOCK, BLOCK_ROOM, Identity, LINE_MAX, NewestFirst, identity},
};
use crate::store::{Doing, StoreError};

/// Follows a file from where its last whole line ended.
#[derive(Debug)]
pub(crate) struct Follower<T> {
    path: PathBuf,
    parse: Parse<T>,
    /// `None` until there is a file.
    current: Option<Forwards>,
}

impl<T> Follower<T> {
    /// What is there, newest first, and what will come: nothing is in both, and none in neither.
    pub(crate) fn start(path: &Path, parse: Parse<T>) -> Result<(NewestFirst<T>, Self), StoreError> {
        let opened = open(path).map_err(StoreError::at(path, Doing::Read))?;
        let Some(file) = opened else {
            return Ok((NewestFirst::of(path, parse), Self { path: path.to_owned(), parse, current: None }));
        };
        let begin = |mut file: File| {
            let end = whole_lines(&mut file)?;
            Ok((NewestFirst::before(path, file.try_clone()?, end, parse), Forwards::new(file, end)?))
        };
        let (before, current) = begin(file).map_err(StoreError::at(path, Doing::Read))?;
        Ok((before, Self { path: path.to_owned(), parse, current: Some(current) }))
    }

    /// What came next, oldest first; `None` when there is nothing more to read for now. A batch may be empty.
    pub(crate) fn step(&mut self) -> Result<Option<Vec<T>>, StoreError> {
        self.advance().map_err(StoreError::at(&self.path, Doing::Read))
    }

    fn advance(&mut self) -> io::Result<Option<Vec<T>>> {
        let Some(current) = &mut self.current else {
            self.current = open(&self.path)?.map(|file| Forwards::new(file, 0)).transpose()?;
            return Ok(self.current.is_some().then(Vec::new));
        };
        // Looked for first: what was appended before the file was moved away is then seen below.
        let next = successor(&self.path, current.identity)?;
        if let Some(batch) = current.read(self.parse)? {
            return Ok(Some(batch));
        }
        let Some(next) = next else { return Ok(None) };
        let last = current.rest(self.parse);
        self.current = Some(Forwards::new(next, 0)?);
        Ok(Some(last))
    }
}

/// The file, when there is one. Only a plain one: opening a pipe could wait for ever.
fn open(path: &Path) -> io::Result<Option<File>> {
    match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => Ok(None),
        Ok(_) => File::open(path).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The file that was begun after this one; the newest when this one is gone. `None` while this is the newest, or
/// while there is no other.
fn successor(path: &Path, own: Identity) -> io::Result<Option<File>> {
    match std::fs::metadata(path) {
        Ok(metadata) if identity(&metadata) == own => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        _ => {}
    }
    let files = reader::files(path)?;
    let at = files.iter().position(|(_, file)| *file == own);
    let number = at.and_then(|at| files.get(at.checked_sub(1)?)).map_or(0, |(number, _)| *number);
    open(&reader::numbered(path, number))
}

/// Where the last whole line ends.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    let mut end = file.metadata()?.len();
    while end > 0 {
        let from = end.saturating_sub(BLOCK);
        let mut block = Vec::new();
        file.seek(SeekFrom::Start(from))?;
        file.take(end - from).read_to_end(&mut block)?;
        if let Some(at) = memchr::memrchr(b'\n', &block) {
            return Ok(from + at as u64 + 1);
        }
        end = from;
    }
    Ok(0)
}

/// The lines of one file as they are written. Holds a block and a line at most.
#[derive(Debug)]
struct Forwards {
    file: File,
    identity: Identity,
    /// How far it was read.
    offset: u64,
    /// A line whose end is not there yet.
    begun: Vec<u8>,
    /// That line is too long; what is still to come of it is passed over.
    skipping: bool,
}

impl Forwards {
    fn new(file: File, offset: u64) -> io::Result<Self> {
        let identity = identity(&file.metadata()?);
        Ok(Self { file, identity, offset, begun: Vec::new(), skipping: false })
    }

    /// What the next block means; `None` at the end.
    fn read<T>(&mut self, parse: Parse<T>) -> io::Result<Option<Vec<T>>> {
        if self.file.metadata()?.len() < self.offset {
            // Truncated: all of it is new.
            (self.offset, self.skipping) = (0, false);
            self.begun.clear();
        }
        let mut block = Vec::with_capacity(BLOCK_ROOM);
        self.file.seek(SeekFrom::Start(self.offset))?;
        let read = (&mut self.file).take(BLOCK).read_to_end(&mut block)?;
        if read == 0 {
            return Ok(None);
        }
        self.offset += read as u64;
        let mut records = Vec::new();
        let mut pieces = block.split(|byte| *byte == b'\n');
        let unended = pieces.next_back().unwrap_or_default();
        for piece in pieces {
            self.keep(piece);
            records.extend(self.rest(parse));
        }
        self.keep(unended);
        Ok(Some(records))
    }

    fn keep(&mut self, piece: &[u8]) {
        self.skipping |= self.begun.len() + piece.len() > LINE_MAX;
        if self.skipping {
            self.begun.clear();
        } else {
            self.begun.extend_from_slice(piece);
        }
    }

    /// What the line that was begun means; nothing more comes of that line.
    fn rest<T>(&mut self, parse: Parse<T>) -> Vec<T> {
        let line = std::mem::take(&mut self.begun);
        let skipped = std::mem::take(&mut self.skipping);
        parse(&line).into_iter().filter(|_| !skipped).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, OpenOptions},
        io::Write,
    };

    use super::*;
    use crate::{
        domain::trace::{TraceRecord, sample},
        store::trace,
    };

    fn written(id: &str) -> String {
        let record = TraceRecord { request_id: id.to_owned(), ..sample("alpha") };
        trace::as_line(&record, &jiff::tz::TimeZone::UTC).expect("a line") + "\n"
    }

    fn append(path: &Path, text: &str) {
        let mut file = OpenOptions::new().append(true).create(true).open(path).expect("opened");
        file.write_all(text.as_bytes()).expect("written");
    }

    /// As `rotate` does it.
    fn rotate(path: &Path) {
        for number in (0..4).rev() {
            let _ = fs::rename(reader::numbered(path, number), reader::numbered(path, number + 1));
        }
    }

    /// All that has come since, a step at a time.
    fn news(follower: &mut Follower<TraceRecord>) -> Vec<String> {
        let mut ids = Vec::new();
        while let Some(records) = follower.step().expect("read") {
            ids.extend(records.into_iter().map(|record| record.request_id));
        }
        ids
    }

    fn start(path: &Path) -> (Vec<String>, Follower<TraceRecord>) {
        let (before, follower) = trace::follow(path).expect("started");
        (before.map(|record| record.expect("read").request_id).collect(), follower)
    }

    fn place() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("temp");
        let path = folder.path().join("trace.jsonl");
        (folder, path)
    }

    #[test]
    fn every_record_is_either_before_or_after() {
        let (_folder, path) = place();
        let half = written("3");
        let (first, second) = half.split_at(20);
        append(&reader::numbered(&path, 1), &written("1"));
        append(&path, &(written("2") + first));
        let (before, mut follower) = start(&path);
        assert_eq!(before, ["2", "1"], "a half line is not there yet");
        assert_eq!(news(&mut follower), [""; 0]);
        append(&path, second);
        append(&path, "no record\n\n");
        append(&path, &(written("4") + &written("5")));
        assert_eq!(news(&mut follower), ["3", "4", "5"]);
        assert_eq!(news(&mut follower), [""; 0]);
    }

    #[test]
    fn rotations_are_followed_however_many() {
        let (_folder, path) = place();
        append(&path, &written("1"));
        let (_, mut follower) = start(&path);
        append(&path, &written("2"));
        rotate(&path);
        assert_eq!(news(&mut follower), ["2"], "there is no new file yet");
        append(&path, &written("3"));
        assert_eq!(news(&mut follower), ["3"]);
        for id in ["4", "5", "6"] {
            append(&path, &written(id));
            rotate(&path);
        }
        append(&path, &written("7"));
        assert_eq!(news(&mut follower), ["4", "5", "6", "7"]);
    }

    #[test]
    fn a_last_line_without_its_end_is_told_when_the_next_file_begins() {
        let (_folder, path) = place();
        append(&path, "");
        let (_, mut follower) = start(&path);
        append(&path, written("1").trim_end());
        assert_eq!(news(&mut follower), [""; 0]);
        rotate(&path);
        append(&path, &written("2"));
        assert_eq!(news(&mut follower), ["1", "2"]);
    }

    #[test]
    fn a_new_beginning_is_noticed() {
        let (folder, path) = place();
        let elsewhere = folder.path().join("nowhere").join("trace.jsonl");
        let (before, mut early) = start(&elsewhere);
        assert_eq!((before, news(&mut early)), (vec![], vec![]));
        fs::create_dir(folder.path().join("nowhere")).expect("made");
        append(&elsewhere, &written("1"));
        assert_eq!(news(&mut early), ["1"]);

        append(&path, &(written("1") + &written("2")));
        let (_, mut follower) = start(&path);
        fs::write(&path, written("3")).expect("truncated");
        assert_eq!(news(&mut follower), ["3"]);
        fs::remove_file(&path).expect("removed");
        assert_eq!(news(&mut follower), [""; 0]);
        append(&path, &written("4"));
        assert_eq!(news(&mut follower), ["4"]);
    }

    #[test]
    fn a_line_without_an_end_is_passed_over_in_little_memory() {
        let (_folder, path) = place();
        append(&path, "");
        let (_, mut follower) = start(&path);
        append(&path, &"x".repeat(LINE_MAX + 1));
        assert_eq!(news(&mut follower), [""; 0]);
        let held = follower.current.as_ref().map(|file| file.begun.capacity());
        assert!(held.is_some_and(|held| held <= 2 * LINE_MAX), "{held:?}");
        append(&path, &format!("x\n{}", written("1")));
        assert_eq!(news(&mut follower), ["1"]);
    }
}
