//! The head of an answer, as an upstream sends it. Not what it means (`domain::outcome`).

use std::mem::MaybeUninit;

use bytes::Bytes;
use http::StatusCode;

use super::{
    fields::Fields,
    framing::{Framing, length},
};

/// Largest head of an answer, and most fields.
pub(crate) const HEAD_MAX: usize = 64 * 1024;
const FIELDS_MAX: usize = 100;

/// A head that makes sense.
#[derive(Debug, Clone)]
pub(crate) struct AnswerHead {
    pub(crate) status: StatusCode,
    pub(crate) fields: Fields,
    pub(crate) framing: Framing,
    /// The connection may be used once more when the body has come whole.
    pub(crate) keep: bool,
}

impl AnswerHead {
    /// Reads a head; `None` while it isn't whole. With it comes its length. `to_head`: HEAD was asked.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(seen: &[u8], to_head: bool) -> Result<Option<(Self, usize)>, String> {
        let mut room = [const { MaybeUninit::uninit() }; FIELDS_MAX];
        let mut parsed = httparse::Response::new(&mut []);
        let read = httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, seen, &mut room);
        let length = match read {
            Ok(httparse::Status::Complete(length)) if length <= HEAD_MAX => length,
            Ok(httparse::Status::Partial) if seen.len() < HEAD_MAX => return Ok(None),
            Ok(_) => return Err("its head is too large".to_owned()),
            Err(error) => return Err(error.to_string()),
        };
        let status = parsed.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or("it has no status")?;
        let old = parsed.version == Some(0);
        let bytes = Bytes::copy_from_slice(&seen[..length]);
        let fields = Fields::new(bytes, parsed.headers, seen.as_ptr() as usize);
        let framing = framing(&fields, status, to_head, old)?;
        let asked_to_keep = if old { fields.lists("connection", "keep-alive") } else { true };
        let keep = asked_to_keep && !fields.lists("connection", "close") && framing != Framing::UntilEnd;
        Ok(Some((Self { status, fields, framing, keep }, length)))
    }
}

/// How the body is framed (RFC 9112, 6.3). What two readers could take differently is no answer.
fn framing(fields: &Fields, status: StatusCode, to_head: bool, old: bool) -> Result<Framing, String> {
    let mut codings = fields.all("transfer-encoding");
    let coding = match (codings.next(), codings.next()) {
        (None, _) => None,
        (Some(only), None) if !old && only.eq_ignore_ascii_case(b"chunked") => Some(Framing::Chunked),
        _ => return Err("an unknown Transfer-Encoding".to_owned()),
    };
    if coding.is_some() && fields.contains("content-length") {
        return Err("both Content-Length and Transfer-Encoding".to_owned());
    }
    let length = length(fields.all("content-length")).map_err(|()| "its Content-Length is no number".to_owned())?;
    let bodiless =
        to_head || status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    Ok(if bodiless { Framing::None } else { coding.or(length).unwrap_or(Framing::UntilEnd) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_framed_in_one_way_or_is_none() {
        let (none, end) = (Framing::None, Framing::UntilEnd);
        for (start, rest, to_head, expected) in [
            ("HTTP/1.1 200 OK", "Content-Length: 2", false, Some((Framing::Length(2), true))),
            ("HTTP/1.1 200 OK", "Content-Length: 0", false, Some((none, true))),
            ("HTTP/1.1 200 OK", "Content-Length: 2", true, Some((none, true))),
            ("HTTP/1.1 200", "transfer-encoding: Chunked", false, Some((Framing::Chunked, true))),
            ("HTTP/1.1 200 OK", "X: y", false, Some((end, false))),
            ("HTTP/1.0 200 OK", "Content-Length: 2", false, Some((Framing::Length(2), false))),
            ("HTTP/1.1 204 No Content", "Content-Length: 2", false, Some((none, true))),
            ("HTTP/1.1 304 Not Modified", "Connection: close", false, Some((none, false))),
            ("HTTP/1.1 200 OK", "Content-Length: 2\r\nTransfer-Encoding: chunked", false, None),
            ("HTTP/1.1 200 OK", "Content-Length: 2\r\nContent-Length: 3", false, None),
            ("HTTP/1.1 200 OK", "Transfer-Encoding: gzip, chunked", false, None),
            ("HTTP/1.0 200 OK", "Transfer-Encoding: chunked", false, None),
            ("HTTP/1.1 099 Odd", "Content-Length: 2", false, None),
            ("HTTP/1.1 1000 Odd", "Content-Length: 2", false, None),
            ("HTTP/2 200 OK", "Content-Length: 2", false, None),
            ("HTTP/1.1 200 OK", ": no name", false, None),
            ("HTTP/1.1 200 OK", "X: a\0b", false, None),
        ] {
            let head = format!("{start}\r\n{rest}\r\n\r\n");
            let parsed = AnswerHead::parse(head.as_bytes(), to_head).ok().map(|head| head.expect("whole"));
            let framed = parsed.map(|(head, length)| {
                assert_eq!(length, start.len() + rest.len() + 6);
                (head.framing, head.keep)
            });
            assert_eq!(framed, expected, "{start} {rest}");
        }
        assert!(matches!(AnswerHead::parse(b"HTTP/1.1 200 OK\r\nX: y\r\n", false), Ok(None)));
        let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(HEAD_MAX));
        assert!(AnswerHead::parse(endless.as_bytes(), false).is_err());
    }
}
