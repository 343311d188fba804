//! The time zone as people write it. Not the time.

use jiff::tz::{Offset, TimeZone};

/// Reads `local`, `UTC`, `+3`, `+0330`, `-03:30` or an IANA name.
pub(super) fn parse(text: &str) -> Option<TimeZone> {
    let text = text.trim();
    match text.to_ascii_lowercase().as_str() {
        "local" => Some(TimeZone::system()),
        "utc" | "gmt" | "z" => Some(TimeZone::UTC),
        _ if text.starts_with(['+', '-']) => offset(text),
        _ => TimeZone::get(text).ok(),
    }
}

fn offset(text: &str) -> Option<TimeZone> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() > 2 => digits.split_at_checked(2)?,
        None => (digits, "0"),
    };
    let (hours, minutes) = (part(hours, 23)?, part(minutes, 59)?);
    Offset::from_seconds(sign * (hours * 60 + minutes) * 60).ok().map(TimeZone::fixed)
}

fn part(text: &str, most: i32) -> Option<i32> {
    let plain = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?.filter(|number| *number <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_and_names_are_read() {
        for (text, seconds) in [
            ("UTC", Some(0)),
            ("z", Some(0)),
            ("+3", Some(10_800)),
            ("+03", Some(10_800)),
            ("+03:00", Some(10_800)),
            ("+0330", Some(12_600)),
            ("-03:30", Some(-12_600)),
            ("+25:00", None),
            ("+3:60", None),
            ("+", None),
            ("+03000", None),
            ("+é", None),
            ("No/Such_Place", None),
        ] {
            let zone = parse(text);
            assert_eq!(zone.map(|zone| zone.to_offset(jiff::Timestamp::UNIX_EPOCH).seconds()), seconds, "{text}");
        }
        assert!(parse("Local").is_some());
    }
}
