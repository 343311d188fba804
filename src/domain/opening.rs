//! The first event of a stream: an error hidden behind a 200 shows itself there. Not the rest of the stream (`tokens`).

use http::StatusCode;
use memchr::memmem;
use serde_json::Value;

/// What the beginning of an event stream says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Opening {
    /// No whole event with data yet.
    Unclear,
    /// The first event is a good one.
    Good,
    /// The first event is this error, as an answer would have said it.
    Error { status: StatusCode, body: Vec<u8> },
}

/// Error types of both dialects, and the status that they stand for.
const STATUSES: &[(&str, u16)] = &[
    ("authentication_error", 401),
    ("invalid_authentication_error", 401),
    ("incorrect_api_key_error", 401),
    ("billing_error", 402),
    ("permission_error", 403),
    ("access_terminated_error", 403),
    ("exceeded_current_quota_error", 403),
    ("not_found_error", 404),
    ("resource_not_found_error", 404),
    ("request_too_large", 413),
    ("rate_limit_error", 429),
    ("rate_limit_reached_error", 429),
    ("overloaded_error", 529),
    ("engine_overloaded_error", 529),
    ("invalid_request_error", 400),
    ("content_filter", 400),
];

/// Looks at the bytes that have come so far.
pub(crate) fn judge(bytes: &[u8]) -> Opening {
    let mut rest = bytes;
    while let Some((event, after)) = next_event(rest) {
        if let Some(data) = data_of(event) {
            return judge_data(data);
        }
        rest = after;
    }
    Opening::Unclear
}

/// Looks at the beginning of a JSON answer: an error object shows itself at once, all else is good.
pub(crate) fn judge_json(bytes: &[u8]) -> Opening {
    match begins_as_error(bytes) {
        Some(true) if serde_json::from_slice::<Value>(bytes).is_ok() => judge_data(bytes.trim_ascii()),
        Some(true) | None => Opening::Unclear,
        Some(false) => Opening::Good,
    }
}

/// `{"error"…` or `{"type":"error"…`; `None` = too short to tell.
fn begins_as_error(bytes: &[u8]) -> Option<bool> {
    const BEGINNINGS: [&[u8]; 2] = [br#"{"error""#, br#"{"type":"error""#];
    let dense = || bytes.iter().filter(|byte| !byte.is_ascii_whitespace());
    let alike = |beginning: &[u8]| beginning.iter().zip(dense()).take_while(|(one, other)| one == other).count();
    if BEGINNINGS.iter().any(|beginning| alike(beginning) == beginning.len()) {
        return Some(true);
    }
    let open = BEGINNINGS.iter().any(|beginning| alike(beginning) == dense().take(beginning.len()).count());
    if open { None } else { Some(false) }
}

/// An event ends with an empty line.
fn next_event(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let ends = [&b"\n\n"[..], b"\r\n\r\n"].into_iter().filter_map(|end| Some((memmem::find(bytes, end)?, end.len())));
    let (at, length) = ends.min()?;
    Some((&bytes[..at], &bytes[at + length..]))
}

/// The first `data:` line; comments and pings have none, or an empty one.
fn data_of(event: &[u8]) -> Option<&[u8]> {
    let mut lines = event.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.find_map(|line| line.strip_prefix(b"data:")).map(<[u8]>::trim_ascii).filter(|data| !data.is_empty())
}

fn judge_data(data: &[u8]) -> Opening {
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return Opening::Good };
    let Some(error) = value.get("error").filter(|error| error.is_object()) else { return Opening::Good };
    let kind = |field| error.get(field).and_then(Value::as_str);
    let named = [kind("type"), kind("code")].into_iter().flatten().find_map(|name| {
        STATUSES.iter().find(|(known, _)| *known == name).and_then(|(_, status)| StatusCode::from_u16(*status).ok())
    });
    Opening::Error { status: named.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), body: data.to_vec() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(status: u16, body: &str) -> Opening {
        Opening::Error { status: StatusCode::from_u16(status).expect("valid"), body: body.as_bytes().to_vec() }
    }

    #[test]
    fn the_first_event_with_data_decides() {
        let limited = r#"{"type":"error","error":{"type":"rate_limit_error","message":"x"}}"#;
        let unknown = r#"{"error":{"message":"x"}}"#;
        for (bytes, expected) in [
            (String::new(), Opening::Unclear),
            ("data: {\"choices\":[]}".to_owned(), Opening::Unclear),
            ("data: {\"choices\":[]}\n\n".to_owned(), Opening::Good),
            (": ping\n\nevent: ping\n\n".to_owned(), Opening::Unclear),
            (format!(": ping\r\n\r\nevent: error\r\ndata:{limited}\r\n\r\nmore"), error(429, limited)),
            (format!("data: {unknown}\n\n"), error(500, unknown)),
            ("data: [DONE]\n\n".to_owned(), Opening::Good),
            ("data: {\"error\":null}\n\n".to_owned(), Opening::Good),
        ] {
            assert_eq!(judge(bytes.as_bytes()), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_json_answer_that_is_an_error_shows_itself() {
        let limited = r#"{ "type": "error", "error": {"type": "rate_limit_error", "message": "x"}}"#;
        let overloaded = r#"{"error":{"type":"engine_overloaded_error"}}"#;
        for (bytes, expected) in [
            ("", Opening::Unclear),
            ("{\n  \"err", Opening::Unclear),
            (&limited[..40], Opening::Unclear),
            (limited, error(429, limited)),
            (overloaded, error(529, overloaded)),
            (r#"{"id":"x","error":{}}"#, Opening::Good),
            (r#"{"error":null,"id":"x"}"#, Opening::Good),
            (r#"{"object":"li"#, Opening::Good),
            ("[1", Opening::Good),
        ] {
            assert_eq!(judge_json(bytes.as_bytes()), expected, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes: Vec<u8>) {
            judge_json(&bytes);
            judge(&bytes);
        }
    }
}
