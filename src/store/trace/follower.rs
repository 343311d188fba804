//! What is appended to the trace from now on, through rotations, truncation, deletion and a new beginning. It never
//! waits: the caller decides when to look again. Not what is there already (`reader`).

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::{
    line,
    reader::{self, BLOCK, Identity, LINE_MAX, NewestFirst, identity},
};
use crate::{
    domain::trace::TraceRecord,
    store::{Doing, StoreError},
};

/// Follows a trace from where its last whole line ended.
#[derive(Debug)]
pub(crate) struct Follower {
    path: PathBuf,
    /// `None` until there is a file.
    current: Option<Forwards>,
}

impl Follower {
    /// What is there, newest first, and what will come: no record is in both, and none in neither.
    pub(crate) fn start(path: &Path) -> Result<(NewestFirst, Self), StoreError> {
        let opened = open(path).map_err(StoreError::at(path, Doing::Read))?;
        let Some(file) = opened else {
            return Ok((NewestFirst::of(path), Self { path: path.to_owned(), current: None }));
        };
        let begin = |mut file: File| {
            let end = whole_lines(&mut file)?;
            Ok((NewestFirst::before(path, file.try_clone()?, end), Forwards::new(file, end)?))
        };
        let (before, current) = begin(file).map_err(StoreError::at(path, Doing::Read))?;
        Ok((before, Self { path: path.to_owned(), current: Some(current) }))
    }

    /// The next records, oldest first; `None` when there is nothing more to read for now. A batch may be empty.
    pub(crate) fn step(&mut self) -> Result<Option<Vec<TraceRecord>>, StoreError> {
        self.advance().map_err(StoreError::at(&self.path, Doing::Read))
    }

    fn advance(&mut self) -> io::Result<Option<Vec<TraceRecord>>> {
        let Some(current) = &mut self.current else {
            self.current = open(&self.path)?.map(|file| Forwards::new(file, 0)).transpose()?;
            return Ok(self.current.is_some().then(Vec::new));
        };
        // Looked for first: what was appended before the file was moved away is then seen below.
        let next = successor(&self.path, current.identity)?;
        if let Some(batch) = current.read()? {
            return Ok(Some(batch));
        }
        let Some(next) = next else { return Ok(None) };
        let last = current.rest();
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

/// The file that was begun after this one; the trace itself when this one is gone. `None` while this is the newest, or
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

    /// The records of the next block; `None` at the end.
    fn read(&mut self) -> io::Result<Option<Vec<TraceRecord>>> {
        if self.file.metadata()?.len() < self.offset {
            // Truncated: all of it is new.
            (self.offset, self.skipping) = (0, false);
            self.begun.clear();
        }
        let mut block = Vec::new();
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
            records.extend(self.rest());
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

    /// The record of the line that was begun; nothing more comes of that line.
    fn rest(&mut self) -> Vec<TraceRecord> {
        let line = std::mem::take(&mut self.begun);
        let skipped = std::mem::take(&mut self.skipping);
        line::record(&line).into_iter().filter(|_| !skipped).collect()
    }
}
