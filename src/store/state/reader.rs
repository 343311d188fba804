//! What a state file says, read leniently: whatever is odd costs itself alone. Not the file (`state`).

use std::collections::BTreeMap;

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use serde_json::{Map, Value};

use super::{OURS, OwnKey, OwnState, StoredKey, StoredState};
use crate::domain::{
    key::Label,
    ledger::{Ledger, Name},
    message::Message,
    text,
    trace::TokenSums,
};

/// Longest name of a key or model that is read.
const NAME_MAX: usize = 80;

/// Reads field by field; what is odd is reset alone, with a warning.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) warnings: Vec<Message>,
}

impl Reader {
    pub(super) fn state(&mut self, mut fields: Map<String, Value>) -> StoredState {
        if self.number(fields.remove("schema_version"), "schema_version").is_some_and(|version| version > 1) {
            self.warnings.push(Message::new("state-newer"));
        }
        let own = fields.remove(OURS);
        StoredState {
            active_index: self.number(fields.remove("active_index"), "active_index").unwrap_or_default(),
            rotation_index: self.number(fields.remove("rotation_index"), "rotation_index").unwrap_or_default(),
            auto_rotate: self.flag(fields.remove("auto_rotate"), "auto_rotate"),
            last_health_refresh: self.moment(fields.remove("last_health_refresh"), "last_health_refresh"),
            keys: self.objects(fields.remove("keys"), "keys", Self::key),
            own: own.map(|own| self.own(own)).unwrap_or_default(),
            unknown: fields,
        }
    }

    fn key(&mut self, label: &str, mut fields: Map<String, Value>) -> StoredKey {
        let mut field = |name: &str| (fields.remove(name), format!("keys.{label}.{name}"));
        let mut count = |(value, name): (Option<Value>, String)| {
            self.number(value, &name).map_or(0, |number| u32::try_from(number).unwrap_or(u32::MAX))
        };
        let (error_401, error_403) = (count(field("error_401")), count(field("error_403")));
        let (error_429, error_5xx) = (count(field("error_429")), count(field("error_5xx")));
        let mut moment = |(value, name): (Option<Value>, String)| self.moment(value, &name);
        let (last_used, exhausted_until) = (moment(field("last_used")), moment(field("exhausted_until")));
        let blocked_until = moment(field("blocked_until"));
        let (requests, name) = field("request_count");
        let request_count = self.number(requests, &name).unwrap_or_default();
        let (reason, name) = field("blocked_reason");
        let blocked_reason = self.text(reason, &name);
        StoredKey {
            last_used,
            request_count,
            error_401,
            error_403,
            error_429,
            error_5xx,
            exhausted_until,
            blocked_until,
            blocked_reason,
        }
    }

    fn own(&mut self, value: Value) -> OwnState {
        let Value::Object(mut fields) = value else {
            self.odd(OURS);
            return OwnState::default();
        };
        OwnState {
            active: self.text(fields.remove("active"), "kmi_tui.active"),
            keys: self.objects(fields.remove("keys"), "kmi_tui.keys", Self::own_key),
            tokens: self.ledger(fields.remove("tokens")),
            unknown: fields,
        }
    }

    fn own_key(&mut self, label: &str, mut fields: Map<String, Value>) -> OwnKey {
        let mut field = |name: &str| (fields.remove(name), format!("kmi_tui.keys.{label}.{name}"));
        let mut tokens = |(value, name): (Option<Value>, String)| self.number(value, &name);
        let (tokens_input, tokens_output) = (tokens(field("tokens_input")), tokens(field("tokens_output")));
        let tokens_cached = tokens(field("tokens_cached"));
        let (cause, name) = field("cooldown_cause");
        let cooldown_cause = self.text(cause, &name);
        let cooldown_by_reset = field("cooldown_by_reset").0 == Some(Value::Bool(true));
        let (decayed, name) = field("decayed_at");
        let decayed_at = self.moment(decayed, &name);
        let mut learnt = |name: &str| self.moment(fields.remove(name), &format!("kmi_tui.keys.{label}.{name}"));
        let (learnt_week_reset, learnt_month_reset) = (learnt("learnt_week_reset"), learnt("learnt_month_reset"));
        OwnKey {
            cooldown_cause,
            cooldown_by_reset,
            decayed_at,
            tokens_input,
            tokens_output,
            tokens_cached,
            learnt_week_reset,
            learnt_month_reset,
        }
    }

    /// A row that is odd is left out.
    fn ledger(&mut self, value: Option<Value>) -> Ledger {
        let rows = match value {
            Some(Value::Array(rows)) => rows,
            None | Some(Value::Null) => Vec::new(),
            Some(_) => {
                self.odd("kmi_tui.tokens");
                Vec::new()
            }
        };
        rows.into_iter().filter_map(|row| self.known(token_row(&row), "kmi_tui.tokens")).collect()
    }

    fn objects<T>(
        &mut self,
        value: Option<Value>,
        name: &str,
        read: impl Fn(&mut Self, &str, Map<String, Value>) -> T,
    ) -> BTreeMap<String, T> {
        let entries = match value {
            Some(Value::Object(entries)) => entries,
            None => Map::new(),
            Some(_) => {
                self.odd(name);
                Map::new()
            }
        };
        let mut objects = BTreeMap::new();
        for (label, entry) in entries {
            match entry {
                Value::Object(fields) => {
                    let object = read(self, &label, fields);
                    objects.insert(label, object);
                }
                _ => self.odd(&format!("{name}.{label}")),
            }
        }
        objects
    }

    /// A whole number from 0, also as text; `null` and nothing are nothing.
    fn number(&mut self, value: Option<Value>, name: &str) -> Option<u64> {
        let value = value.filter(|value| !value.is_null())?;
        let number = match &value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        self.known(number, name)
    }

    fn flag(&mut self, value: Option<Value>, name: &str) -> bool {
        let Some(value) = value.filter(|value| !value.is_null()) else { return false };
        let flag = match &value {
            Value::Bool(flag) => Some(*flag),
            Value::Number(number) => number.as_u64().map(|number| number != 0),
            Value::String(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "1" => Some(true),
                "false" | "0" | "" => Some(false),
                _ => None,
            },
            _ => None,
        };
        self.known(flag, name).unwrap_or_default()
    }

    fn text(&mut self, value: Option<Value>, name: &str) -> Option<String> {
        match value? {
            Value::Null => None,
            Value::String(text) => Some(text),
            _ => self.known(None, name),
        }
    }

    /// RFC 3339; without a zone it counts as UTC.
    fn moment(&mut self, value: Option<Value>, name: &str) -> Option<Timestamp> {
        let value = value.filter(|value| !value.is_null())?;
        let moment = value.as_str().and_then(|text| {
            let zoneless =
                || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
            text.parse::<Timestamp>().ok().or_else(zoneless)
        });
        self.known(moment, name)
    }

    fn known<T>(&mut self, value: Option<T>, name: &str) -> Option<T> {
        if value.is_none() {
            self.odd(name);
        }
        value
    }

    fn odd(&mut self, name: &str) {
        self.warnings.push(Message::new("state-odd-field").with("field", name));
    }
}

fn token_row(row: &Value) -> Option<(Name, TokenSums)> {
    let text = |field: &str| row.get(field)?.as_str();
    let number = |field: &str| row.get(field)?.as_u64();
    let name = name_of(text("day")?.parse().ok()?, text("label")?, text("model")?)?;
    let sums = TokenSums { input: number("input")?, output: number("output")?, cached: number("cached")? };
    Some((name, sums))
}

pub(super) fn name_of(day: Date, label: &str, model: &str) -> Option<Name> {
    let named = |name: &str| Some(text::clean(name, NAME_MAX)).filter(|name| !name.is_empty());
    Some(Name { day, label: Label::new(&named(label)?), model: named(model)?.into() })
}
