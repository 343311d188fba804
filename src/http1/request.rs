//! The head of a request, as a client sends it. Not who may send it, nor what its target names (`proxy`).

use std::mem::MaybeUninit;

use bytes::Bytes;
use http::{Method, StatusCode, Uri};

use super::{
    fields::Fields,
    framing::{Framing, length},
};

/// Largest head, and most fields, of a request.
pub(super) const HEAD_MAX: usize = 64 * 1024;
const FIELDS_MAX: usize = 128;

/// A head that makes sense. How the body is framed is decided here and nowhere else.
#[derive(Debug)]
pub(crate) struct RequestHead {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) fields: Fields,
    pub(crate) framing: Framing,
    /// HTTP/1.0.
    pub(crate) old: bool,
    /// The connection may be used once more.
    pub(crate) keep: bool,
    /// The client waits for leave to send its body.
    pub(crate) expects_continue: bool,
}

impl RequestHead {
    /// Reads a head; `None` while it isn't whole. With it comes its length.
    ///
    /// # Errors
    /// The status that says why it is none.
    pub(crate) fn parse(seen: &[u8]) -> Result<Option<(Self, usize)>, StatusCode> {
        let mut room = [const { MaybeUninit::uninit() }; FIELDS_MAX];
        let mut parsed = httparse::Request::new(&mut []);
        let length = match parsed.parse_with_uninit_headers(seen, &mut room) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if seen.len() < HEAD_MAX => return Ok(None),
            Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
                return Err(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
            }
            Err(httparse::Error::Version) => return Err(StatusCode::HTTP_VERSION_NOT_SUPPORTED),
            Err(_) => return Err(StatusCode::BAD_REQUEST),
        };
        if length > HEAD_MAX {
            return Err(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        }
        let unfit = || StatusCode::BAD_REQUEST;
        let (method, target, version) =
            (parsed.method.ok_or_else(unfit)?, parsed.path.ok_or_else(unfit)?, parsed.version.ok_or_else(unfit)?);
        let bytes = Bytes::copy_from_slice(&seen[..length]);
        let origin = seen.as_ptr() as usize;
        let from = (target.as_ptr() as usize).saturating_sub(origin);
        let target_bytes = bytes.slice(from..from + target.len());
        let fields = Fields::new(bytes, parsed.headers, origin);
        let uri = Uri::from_maybe_shared(target_bytes).map_err(|_| {
            if target.len() >= usize::from(u16::MAX) { StatusCode::URI_TOO_LONG } else { StatusCode::BAD_REQUEST }
        })?;
        let old = version == 0;
        let (framing, clear) = framing(&fields, old)?;
        let asked_to_keep = if old { fields.lists("connection", "keep-alive") } else { true };
        let keep = clear && asked_to_keep && !fields.lists("connection", "close");
        let expects_continue =
            !old && fields.get("expect").is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"));
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| StatusCode::BAD_REQUEST)?;
        Ok(Some((Self { method, uri, fields, framing, old, keep, expects_continue }, length)))
    }
}

/// How the body is framed (RFC 9112, 6.3), and whether nothing about it is doubtful: with both framings chunked counts, and
/// the connection ends after it.
fn framing(fields: &Fields, old: bool) -> Result<(Framing, bool), StatusCode> {
    let mut codings = fields.all("transfer-encoding");
    let has_length = fields.contains("content-length");
    match (codings.next(), codings.next()) {
        (None, _) => Ok((
            length(fields.all("content-length")).map_err(|_| StatusCode::BAD_REQUEST)?.unwrap_or(Framing::None),
            true,
        )),
        (Some(only), None) if !old && only.eq_ignore_ascii_case(b"chunked") => Ok((Framing::Chunked, !has_length)),
        _ => Err(StatusCode::BAD_REQUEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(head: &str) -> Result<Option<(RequestHead, usize)>, u16> {
        RequestHead::parse(head.as_bytes()).map_err(|status| status.as_u16())
    }

    #[test]
    fn a_body_is_framed_in_one_way_or_refused() {
        let none = Framing::None;
        for (version, rest, expected) in [
            ("1.1", "", Ok((none, true))),
            ("1.1", "Content-Length: 0", Ok((none, true))),
            ("1.1", "Content-Length: 0012", Ok((Framing::Length(12), true))),
            ("1.1", "Content-Length: 2\r\nContent-Length: 2", Ok((Framing::Length(2), true))),
            ("1.1", "Content-Length: 2\r\nContent-Length: 3", Err(400)),
            ("1.1", "Content-Length: 2, 2", Err(400)),
            ("1.1", "Content-Length: +2", Err(400)),
            ("1.1", "Content-Length:", Err(400)),
            ("1.1", "Content-Length: 18446744073709551616", Err(400)),
            ("1.1", "Transfer-Encoding: CHUNKED", Ok((Framing::Chunked, true))),
            ("1.1", "Transfer-Encoding: chunked\r\nContent-Length: 6", Ok((Framing::Chunked, false))),
            ("1.1", "Transfer-Encoding: gzip, chunked", Err(400)),
            ("1.1", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", Err(400)),
            ("1.1", "Transfer-Encoding:", Err(400)),
            ("1.0", "Transfer-Encoding: chunked", Err(400)),
            ("1.0", "Content-Length: 2", Ok((Framing::Length(2), false))),
            ("1.0", "Connection: Keep-Alive", Ok((none, true))),
            ("1.1", "Connection: x, Close", Ok((none, false))),
            ("1.2", "", Err(505)),
        ] {
            let line = if rest.is_empty() { String::new() } else { format!("{rest}\r\n") };
            let parsed = parse(&format!("POST /x HTTP/{version}\r\n{line}\r\n"));
            let framed = parsed.map(|head| head.map(|(head, _)| (head.framing, head.keep)).expect("whole"));
            assert_eq!(framed, expected, "{version} {rest}");
        }
    }

    #[test]
    fn a_head_that_is_cut_is_waited_for_and_one_that_is_too_large_is_not() {
        let whole = "GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n";
        for end in 0..whole.len() {
            assert!(matches!(parse(&whole[..end]), Ok(None)), "{end}");
        }
        let (head, length) = parse(&format!("{whole}more")).expect("a head").expect("whole");
        assert_eq!((head.uri.to_string().as_str(), length), ("/a?b", whole.len()));
        let long = format!("GET / HTTP/1.1\r\nX: {}", "y".repeat(HEAD_MAX));
        assert_eq!(parse(&long).map(|_| ()), Err(431));
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(FIELDS_MAX + 1));
        assert_eq!(parse(&many).map(|_| ()), Err(431));
    }
}
