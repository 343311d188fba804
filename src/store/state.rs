//! `state.json`: the old tool's fields in its format, ours under `kmi_tui`, all else kept. Read leniently, written whole.

mod reader;

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use self::reader::{Reader, name_of};
use super::{Doing, StoreError, atomic, json, lock, merge, permissions};
use crate::domain::{ledger::Ledger, message::Message};

const NAME: &str = "state.json";
/// A larger file is no state of ours.
const SIZE_MAX: u64 = 8 << 20;
const OURS: &str = "kmi_tui";
const TIME: &str = "%Y-%m-%dT%H:%M:%SZ";

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct StoredState {
    pub(crate) active_index: u64,
    pub(crate) rotation_index: u64,
    pub(crate) auto_rotate: bool,
    pub(crate) last_health_refresh: Option<Timestamp>,
    pub(crate) keys: BTreeMap<String, StoredKey>,
    pub(crate) own: OwnState,
    /// Top-level fields of somebody else's.
    pub(crate) unknown: Map<String, Value>,
}

/// A key's nine fields. One more, and the old tool could not read the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct StoredKey {
    #[serde(serialize_with = "time")]
    pub(crate) last_used: Option<Timestamp>,
    pub(crate) request_count: u64,
    pub(crate) error_401: u32,
    pub(crate) error_403: u32,
    pub(crate) error_429: u32,
    pub(crate) error_5xx: u32,
    #[serde(serialize_with = "time")]
    pub(crate) exhausted_until: Option<Timestamp>,
    #[serde(serialize_with = "time")]
    pub(crate) blocked_until: Option<Timestamp>,
    pub(crate) blocked_reason: Option<String>,
}

/// What the old tool has no field for.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct OwnState {
    /// The active key by label: a position would move with every new file.
    pub(crate) active: Option<String>,
    pub(crate) keys: BTreeMap<String, OwnKey>,
    /// By day, key and model.
    #[serde(skip_serializing_if = "Ledger::is_empty")]
    pub(crate) tokens: Ledger,
    #[serde(flatten)]
    pub(crate) unknown: Map<String, Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct OwnKey {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cooldown_cause: Option<String>,
    /// The cooldown ends at a moment that the upstream named.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) cooldown_by_reset: bool,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "time")]
    pub(crate) decayed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tokens_input: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tokens_output: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tokens_cached: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "time")]
    pub(crate) learnt_week_reset: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "time")]
    pub(crate) learnt_month_reset: Option<Timestamp>,
}

/// The file, shared with an old tool that may run beside us.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    enforce: bool,
    /// What we knew when the file was read or written last, and what it said then.
    ours: StoredState,
    file: StoredState,
    /// The file as we left it, while we know that it says `file`.
    left: Option<Left>,
}

/// Kept open, so that no other file can have its number.
#[derive(Debug)]
struct Left {
    _file: File,
    stamp: Stamp,
}

/// What a change of a file changes.
type Stamp = (u64, u64, u64, i64, i64);

fn stamp(file: &fs::Metadata) -> Stamp {
    (file.dev(), file.ino(), file.len(), file.mtime(), file.mtime_nsec())
}

impl StateFile {
    /// In this state folder, which is made when needed.
    pub(crate) fn open(folder: &Path, enforce: bool) -> Result<Self, StoreError> {
        permissions::private_folder(folder, enforce).map_err(StoreError::at(folder, Doing::Create))?;
        Ok(Self::at(folder, enforce))
    }

    fn at(folder: &Path, enforce: bool) -> Self {
        let path = folder.join(NAME);
        Self { path, enforce, ours: StoredState::default(), file: StoredState::default(), left: None }
    }

    /// Reads the state; the messages say what could not be used. A corrupt file is set aside, never overwritten.
    pub(crate) fn load(&mut self, now: Timestamp) -> Result<(StoredState, Vec<Message>), StoreError> {
        let _lock = lock::beside(&self.path, self.enforce)?;
        let (state, warnings) = self.read(now)?;
        let state = state.unwrap_or_default();
        (self.ours, self.file) = (state.clone(), state.clone());
        Ok((state, warnings))
    }

    /// Writes the state whole. What others have put into the file meanwhile is kept, unless we changed the same.
    pub(crate) fn save(&mut self, state: &StoredState, now: Timestamp) -> Result<(), StoreError> {
        let _lock = lock::beside(&self.path, self.enforce)?;
        let known = self.known(now)?;
        self.left = None;
        let merged = merge::merge(&self.ours, state, known);
        let text = json::pretty(&Written::from(&merged)).map_err(io::Error::from);
        let text = text.map_err(StoreError::at(&self.path, Doing::Write))? + "\n";
        let file = atomic::replace(&self.path, text.as_bytes()).map_err(StoreError::at(&self.path, Doing::Write))?;
        self.left = file.metadata().ok().map(|metadata| Left { _file: file, stamp: stamp(&metadata) });
        self.file = merged.read_back();
        let before = std::mem::replace(&mut self.ours, state.clone());
        for (label, key) in before.keys {
            // A label that is not there now may come back with its history.
            self.ours.keys.entry(label).or_insert(key);
        }
        Ok(())
    }

    /// What the file says now, with what we had put there. To read it costs more than all else of a save, the more the longer
    /// a past it tells of: what nobody has touched since is not read.
    fn known(&self, now: Timestamp) -> Result<StoredState, StoreError> {
        if self.is_as_left() {
            return Ok(self.file.clone());
        }
        // A file that is gone, or was spoilt, says no more than what we left in it.
        let known = self.read(now)?.0.map_or_else(|| self.file.clone(), |read| read.with_ours_of(&self.file));
        if known != self.file {
            tracing::warn!("state_changed_by_another_program");
        }
        Ok(known)
    }

    /// Whether the file of that name is the one that we left there, unchanged.
    fn is_as_left(&self) -> bool {
        let Some(left) = &self.left else { return false };
        fs::metadata(&self.path).is_ok_and(|named| stamp(&named) == left.stamp)
    }

    /// `None` when there is no file, or none that can be used: then it has been set aside.
    fn read(&self, now: Timestamp) -> Result<(Option<StoredState>, Vec<Message>), StoreError> {
        let Some(bytes) = self.bytes()? else { return Ok((None, Vec::new())) };
        let mut reader = Reader::default();
        match object(&bytes) {
            Some(fields) => Ok((Some(reader.state(fields)), reader.warnings)),
            None => Ok((None, vec![self.set_aside(now)?])),
        }
    }

    /// `None` when there is no file; one that is too large reads as corrupt.
    fn bytes(&self) -> Result<Option<Vec<u8>>, StoreError> {
        // A pipe in the file's place must not be waited for.
        let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
        let file = match OpenOptions::new().read(true).custom_flags(flags).open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::at(&self.path, Doing::Read)(error)),
        };
        let mut bytes = Vec::new();
        file.take(SIZE_MAX + 1).read_to_end(&mut bytes).map_err(StoreError::at(&self.path, Doing::Read))?;
        if bytes.len() as u64 > SIZE_MAX {
            bytes.clear();
        }
        Ok(Some(bytes))
    }

    fn set_aside(&self, now: Timestamp) -> Result<Message, StoreError> {
        let stamp = now.strftime("%Y%m%d%H%M%S");
        let aside =
            (0..)
                .map(|copy: u32| {
                    if copy == 0 { format!("{NAME}.corrupt.{stamp}") } else { format!("{NAME}.corrupt.{stamp}-{copy}") }
                })
                .map(|name| self.path.with_file_name(name))
                .find(|path| !path.exists())
                .unwrap_or_else(|| self.path.with_file_name(format!("{NAME}.corrupt")));
        fs::rename(&self.path, &aside).map_err(StoreError::at(&self.path, Doing::Write))?;
        Ok(Message::new("state-corrupt").with("path", aside.display().to_string()))
    }
}

/// What the state file holds.
#[derive(Debug)]
pub(crate) enum Peeked {
    Missing,
    Unreadable(String),
    /// It will be set aside by the next one who opens it.
    Corrupt,
    Read {
        state: Box<StoredState>,
        bytes: u64,
    },
}

/// Looks into the state file of a folder without touching anything: it is replaced whole, so no lock is needed to read it.
pub(crate) fn peek(folder: &Path) -> Peeked {
    match StateFile::at(folder, false).bytes() {
        Ok(None) => Peeked::Missing,
        Err(error) => Peeked::Unreadable(error.error.to_string()),
        Ok(Some(bytes)) => match object(&bytes) {
            None => Peeked::Corrupt,
            Some(fields) => {
                let state = Box::new(Reader::default().state(fields));
                Peeked::Read { state, bytes: bytes.len() as u64 }
            }
        },
    }
}

/// The file's content in the old tool's order, then ours, then what is somebody else's.
#[derive(Serialize)]
struct Written<'a> {
    schema_version: u64,
    active_index: u64,
    rotation_index: u64,
    auto_rotate: bool,
    #[serde(serialize_with = "time")]
    last_health_refresh: Option<Timestamp>,
    keys: &'a BTreeMap<String, StoredKey>,
    kmi_tui: &'a OwnState,
    #[serde(flatten)]
    unknown: &'a Map<String, Value>,
}

impl<'a> From<&'a StoredState> for Written<'a> {
    fn from(state: &'a StoredState) -> Self {
        Self {
            schema_version: 1,
            active_index: state.active_index,
            rotation_index: state.rotation_index,
            auto_rotate: state.auto_rotate,
            last_health_refresh: state.last_health_refresh,
            keys: &state.keys,
            kmi_tui: &state.own,
            unknown: &state.unknown,
        }
    }
}

impl StoredState {
    /// As it comes back from the file: moments in whole seconds, names as they are read.
    fn read_back(mut self) -> Self {
        let own = self.own.keys.values_mut();
        let own = own.flat_map(|key| [&mut key.decayed_at, &mut key.learnt_week_reset, &mut key.learnt_month_reset]);
        let keys = self.keys.values_mut();
        let keys = keys.flat_map(|key| [&mut key.last_used, &mut key.exhausted_until, &mut key.blocked_until]);
        for moment in keys.chain(own).chain([&mut self.last_health_refresh]).filter_map(Option::as_mut) {
            *moment = whole_seconds(*moment);
        }
        self.own.tokens = self
            .own
            .tokens
            .rows()
            .filter_map(|(name, sums)| Some((name_of(name.day, name.label.as_str(), &name.model)?, sums)))
            .collect();
        self
    }

    /// The old tool drops what is not its own: what we had put there still holds. A position that it moved overrules the
    /// label that went with the one before.
    fn with_ours_of(mut self, before: &Self) -> Self {
        if self.own == OwnState::default() {
            self.own = before.own.clone();
        }
        if self.active_index != before.active_index && self.own.active == before.own.active {
            self.own.active = None;
        }
        for (name, value) in &before.unknown {
            self.unknown.entry(name.clone()).or_insert_with(|| value.clone());
        }
        self
    }
}

fn whole_seconds(moment: Timestamp) -> Timestamp {
    let second = i64::try_from(moment.as_nanosecond().div_euclid(1_000_000_000)).unwrap_or_default();
    Timestamp::from_second(second).unwrap_or(moment)
}

fn time<S: Serializer>(moment: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    moment.map(|moment| moment.strftime(TIME).to_string()).serialize(serializer)
}

/// The top-level object, when there is one. A byte order mark is let pass.
fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(fields)) => Some(fields),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;
    use crate::domain::{key::Label, ledger::Name, trace::TokenSums};

    fn now() -> Timestamp {
        "2026-02-02T12:30:00Z".parse().expect("valid")
    }

    fn with_file(content: &[u8]) -> (tempfile::TempDir, StateFile) {
        let folder = tempfile::tempdir().expect("temp");
        fs::write(folder.path().join(NAME), content).expect("written");
        let file = StateFile::open(folder.path(), true).expect("opened");
        (folder, file)
    }

    fn text(folder: &tempfile::TempDir) -> String {
        fs::read_to_string(folder.path().join(NAME)).expect("there")
    }

    fn sample() -> StoredState {
        let key = StoredKey {
            last_used: Some(now()),
            request_count: 7,
            error_429: 1,
            exhausted_until: Some(now()),
            blocked_reason: Some("payment_required".into()),
            ..StoredKey::default()
        };
        let own = OwnKey { cooldown_cause: Some("quota_week".into()), tokens_input: Some(5), ..OwnKey::default() };
        StoredState {
            active_index: 1,
            rotation_index: 2,
            auto_rotate: true,
            last_health_refresh: Some(now()),
            keys: [("ключ".to_owned(), key)].into(),
            own: OwnState {
                active: Some("ключ".into()),
                keys: [("ключ".to_owned(), own)].into(),
                tokens: tokens(5),
                ..OwnState::default()
            },
            ..StoredState::default()
        }
    }

    fn tokens(input: u64) -> Ledger {
        let name = Name { day: jiff::civil::date(2026, 2, 2), label: Label::new("ключ"), model: "k2".into() };
        [(name, TokenSums { input, ..TokenSums::default() })].into_iter().collect()
    }

    #[test]
    fn it_is_written_as_the_old_tool_writes_it_and_reads_back() {
        let folder = tempfile::tempdir().expect("temp");
        let mut file = StateFile::open(folder.path(), true).expect("opened");
        file.save(&sample(), now()).expect("saved");
        let text = text(&folder);
        assert!(text.is_ascii() && text.ends_with("}\n"));
        assert!(
            text.starts_with("{\n  \"schema_version\": 1,\n  \"active_index\": 1,\n  \"rotation_index\": 2,\n"),
            "{text}"
        );
        assert!(text.contains("\"last_used\": \"2026-02-02T12:30:00Z\""), "{text}");
        let value: Value = serde_json::from_str(&text).expect("valid");
        assert_eq!(value["keys"]["ключ"].as_object().expect("a key").len(), 9);
        assert_eq!(file.load(now()).expect("loaded"), (sample(), Vec::new()));
    }

    #[test]
    fn what_others_wrote_is_kept() {
        let (folder, mut file) = with_file(
            br#"{"schema_version":1,"future":{"a":[1]},"keys":{"gone":{"request_count":3}},"kmi_tui":{"later":true,"keys":{"gone":{"tokens_input":9}}}}"#,
        );
        file.save(&sample(), now()).expect("saved");
        let (read, warnings) = file.load(now()).expect("loaded");
        assert_eq!(warnings, Vec::new());
        assert_eq!(read.keys["gone"].request_count, 3);
        assert_eq!(read.own.keys["gone"].tokens_input, Some(9));
        assert_eq!(read.unknown["future"]["a"][0], 1);
        assert_eq!(read.own.unknown["later"], true);
        drop(folder);
    }

    #[test]
    fn tokens_of_both_accounts_are_kept_and_an_odd_row_costs_no_other() {
        let (_folder, mut file) = with_file(
            r#"{"kmi_tui":{"tokens":[
                {"day":"2026-02-02","label":"ключ","model":"k2","input":3,"output":2,"cached":0},
                {"day":"2026-02-01","label":"a","model":"k2","input":1,"output":1,"cached":0},
                {"day":"soon","label":"a","model":"k2","input":1,"output":1,"cached":0}, 7]}}"#
                .as_bytes(),
        );
        let (read, warnings) = file.load(now()).expect("loaded");
        assert_eq!((read.own.tokens.rows().count(), warnings.len()), (2, 2), "{warnings:?}");
        file.save(&sample(), now()).expect("saved");
        let (read, warnings) = file.load(now()).expect("loaded");
        let sums: Vec<_> = read.own.tokens.rows().map(|(_, sums)| (sums.input, sums.output)).collect();
        assert_eq!((sums, warnings), (vec![(1, 1), (5, 2)], Vec::new()));
    }

    #[test]
    fn odd_fields_are_reset_one_by_one() {
        let (_folder, mut file) = with_file(
            r#"{"schema_version":"1","active_index":"2","rotation_index":-1,"auto_rotate":"false","last_health_refresh":5,
                "keys":{"a":{"request_count":"4","error_429":[],"exhausted_until":"2026-02-02T12:00:00","blocked_until":"soon","extra":1},"b":7,"c":null}}"#
                .as_bytes(),
        );
        let (state, warnings) = file.load(now()).expect("loaded");
        assert_eq!((state.active_index, state.rotation_index, state.auto_rotate), (2, 0, false));
        let key = &state.keys["a"];
        assert_eq!((key.request_count, key.error_429, key.blocked_until), (4, 0, None));
        assert_eq!(key.exhausted_until, Some("2026-02-02T12:00:00Z".parse().expect("valid")));
        assert_eq!(warnings.len(), 6, "{warnings:?}");
    }

    #[test]
    fn a_corrupt_file_is_set_aside() {
        let deep = "[".repeat(200_000);
        let bads: [&[u8]; 8] =
            [b"", b"\0\0\0\0", b"{\"keys\":", b"[]", b"null", b"\xff\xfe{}", deep.as_bytes(), &vec![b' '; 9 << 20]];
        for content in bads {
            let (folder, mut file) = with_file(content);
            let (state, warnings) = file.load(now()).expect("loaded");
            assert_eq!((state, warnings.len()), (StoredState::default(), 1));
            let aside = folder.path().join("state.json.corrupt.20260202123000");
            assert_eq!(fs::read(aside).expect("set aside"), content);
            file.save(&sample(), now()).expect("work goes on");
        }
    }

    #[test]
    fn a_byte_order_mark_is_let_pass_and_a_missing_file_is_normal() {
        let (_folder, mut file) = with_file(b"\xef\xbb\xbf{\"active_index\":3}");
        assert_eq!(file.load(now()).expect("loaded").0.active_index, 3);
        let empty = tempfile::tempdir().expect("temp");
        let mut file = StateFile::open(empty.path(), true).expect("opened");
        assert_eq!(file.load(now()).expect("loaded"), Default::default());
    }

    #[test]
    fn a_file_that_cant_be_read_is_an_error_and_stays() {
        let folder = tempfile::tempdir().expect("temp");
        fs::create_dir(folder.path().join(NAME)).expect("a folder in its place");
        let mut file = StateFile::open(folder.path(), true).expect("opened");
        assert!(file.load(now()).is_err());
        assert!(file.save(&sample(), now()).is_err());
        assert!(folder.path().join(NAME).is_dir());
    }

    #[test]
    fn what_another_program_changes_meanwhile_is_kept() {
        let folder = tempfile::tempdir().expect("temp");
        let mut file = StateFile::open(folder.path(), true).expect("opened");
        file.load(now()).expect("nothing there");
        file.save(&sample(), now()).expect("saved");
        // As the old tool leaves it: without what it does not know.
        let mut theirs: Value = serde_json::from_str(&text(&folder)).expect("valid");
        theirs.as_object_mut().expect("an object").remove(OURS);
        theirs["auto_rotate"] = false.into();
        theirs["active_index"] = 0.into();
        theirs["keys"]["ключ"]["request_count"] = 10.into();
        theirs["keys"]["ключ"]["blocked_reason"] = Value::Null;
        fs::write(folder.path().join(NAME), theirs.to_string()).expect("written");
        let mut ours = sample();
        ours.keys.get_mut("ключ").expect("there").request_count += 2;
        for _ in 0..2 {
            file.save(&ours, now()).expect("saved");
            let state = StateFile::open(folder.path(), true).expect("opened").load(now()).expect("loaded").0;
            let key = &state.keys["ключ"];
            assert_eq!((key.request_count, &key.blocked_reason, state.auto_rotate), (12, &None, false));
            assert_eq!((state.active_index, &state.own.active), (0, &None), "their choice");
            assert_eq!(state.own.keys, sample().own.keys, "our own is not theirs to drop");
        }
        ours.own.active = Some("other".into());
        file.save(&ours, now()).expect("saved");
        assert!(text(&folder).contains("\"active\": \"other\""), "our next choice counts again");
    }

    #[test]
    fn a_file_that_is_spoilt_or_removed_meanwhile_costs_nothing() {
        let folder = tempfile::tempdir().expect("temp");
        let mut file = StateFile::open(folder.path(), true).expect("opened");
        file.load(now()).expect("nothing there");
        file.save(&sample(), now()).expect("saved");
        fs::write(folder.path().join(NAME), "half {").expect("written");
        file.save(&sample(), now()).expect("saved");
        assert_eq!(fs::read(folder.path().join("state.json.corrupt.20260202123000")).expect("set aside"), b"half {");
        fs::remove_file(folder.path().join(NAME)).expect("removed");
        file.save(&sample(), now()).expect("saved");
        assert_eq!(file.load(now()).expect("loaded"), (sample(), Vec::new()));
    }

    #[test]
    fn a_label_that_goes_and_comes_back_is_not_counted_twice() {
        let folder = tempfile::tempdir().expect("temp");
        let mut file = StateFile::open(folder.path(), true).expect("opened");
        file.load(now()).expect("nothing there");
        let (with, without) = (sample(), StoredState { keys: BTreeMap::new(), ..sample() });
        for state in [&with, &without, &without, &with] {
            file.save(state, now()).expect("saved");
        }
        assert_eq!(file.load(now()).expect("loaded").0.keys, with.keys);
    }

    proptest! {
        #[test]
        fn no_spoilt_file_breaks_it_and_what_is_written_reads_back(content in crate::spoil::spoilt(&[
            r#"{"schema_version":1,"active_index":1,"rotation_index":2,"auto_rotate":true,"last_health_refresh":"2026-02-02T12:30:00Z","keys":{"a":{"last_used":"2026-02-02T12:30:00Z","request_count":7,"error_401":0,"error_403":0,"error_429":1,"error_5xx":0,"exhausted_until":"2026-02-02T12:30:00","blocked_until":null,"blocked_reason":"payment_required"}},"kmi_tui":{"active":"a","keys":{"a":{"cooldown_cause":"quota_week","tokens_input":5}}},"future":{"x":[1]}}"#,
        ])) {
            let (folder, mut file) = with_file(&content);
            let (read, _) = file.load(now()).expect("loaded");
            file.save(&read, now()).expect("saved");
            let text = text(&folder);
            prop_assert!(text.is_ascii());
            let value: Value = serde_json::from_str(&text).expect("valid");
            prop_assert!(value["keys"].as_object().expect("an object").values().all(|key| key.as_object().is_some_and(|key| key.len() == 9)));
            let (again, warnings) = StateFile::open(folder.path(), true).expect("opened").load(now()).expect("loaded");
            prop_assert_eq!(&file.file, &again, "what was left there is known without reading it");
            // Moments are kept in whole seconds.
            file.save(&again, now()).expect("saved");
            prop_assert_eq!(value, serde_json::from_str::<Value>(&self::text(&folder)).expect("valid"));
            prop_assert!(warnings.is_empty(), "{:?}", warnings);
        }
    }
}
