//! Where a body ends, and what of the bytes on the wire is its own. Strict: what two readers could take differently is an
//! error. Not how long it is waited for.

/// Extensions and trailers, which nobody reads, may be so long.
const OVERHEAD_MAX: usize = 16 * 1024;
/// Digits of a chunk's size, zeros in front among them.
const DIGITS_MAX: u8 = 32;
const TRAILERS_MAX: usize = 64;

/// How a body is told from what comes after it (RFC 9112, 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    None,
    /// Bytes; more than none.
    Length(u64),
    Chunked,
    /// Whatever comes until the connection ends.
    UntilEnd,
}

/// The bytes make no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its body is framed wrongly or broke off")]
pub(crate) struct BadBody;

/// Takes a body out of the bytes in which it comes, in pieces of any size.
#[derive(Debug)]
pub(crate) struct Decoder {
    state: State,
    /// Bytes of extensions so far.
    overhead: usize,
}

#[derive(Debug)]
enum State {
    Over,
    Length(u64),
    UntilEnd,
    /// A chunk's size: what it is so far, and how many digits.
    Size(u64, u8),
    /// Blanks behind it.
    Blank(u64),
    Extension(u64),
    SizeLineFeed(u64),
    Data(u64),
    DataReturn,
    DataLineFeed,
    /// What came behind the last chunk.
    Trailers(Vec<u8>),
}

/// The values of `Content-Length`: one number, said once or several times alike.
pub(super) fn length<'a>(values: impl Iterator<Item = &'a [u8]>) -> Result<Option<Framing>, ()> {
    let mut found = None;
    for value in values {
        let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        let text = std::str::from_utf8(value).ok().filter(|_| digits).ok_or(())?;
        let number: u64 = text.parse().map_err(drop)?;
        if found.replace(number).is_some_and(|before| before != number) {
            return Err(());
        }
    }
    Ok(found.map(|number| if number == 0 { Framing::None } else { Framing::Length(number) }))
}

impl Decoder {
    pub(crate) const fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::None => State::Over,
            Framing::Length(bytes) => State::Length(bytes),
            Framing::Chunked => State::Size(0, 0),
            Framing::UntilEnd => State::UntilEnd,
        };
        Self { state, overhead: 0 }
    }

    /// All of it has come.
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Gives what is the body's to `take`; the answer is how many bytes were used: fewer than all when the body ends in them.
    pub(crate) fn decode(&mut self, input: &[u8], take: &mut dyn FnMut(&[u8])) -> Result<usize, BadBody> {
        let mut used = 0;
        while used < input.len() {
            let rest = &input[used..];
            used += match &mut self.state {
                State::Over => return Ok(used),
                State::UntilEnd => {
                    take(rest);
                    rest.len()
                }
                State::Length(left) => {
                    let count = take_some(rest, left, take);
                    if *left == 0 {
                        self.state = State::Over;
                    }
                    count
                }
                State::Data(left) => {
                    let count = take_some(rest, left, take);
                    if *left == 0 {
                        self.state = State::DataReturn;
                    }
                    count
                }
                _ => {
                    self.step(rest[0])?;
                    1
                }
            };
        }
        Ok(used)
    }

    /// The connection has ended: good for a body that ends with it, and for one that is over.
    pub(crate) fn end(&mut self) -> Result<(), BadBody> {
        match self.state {
            State::Over | State::UntilEnd => {
                self.state = State::Over;
                Ok(())
            }
            _ => Err(BadBody),
        }
    }

    /// One byte between the data of chunks.
    fn step(&mut self, byte: u8) -> Result<(), BadBody> {
        self.state = match (&mut self.state, byte) {
            (State::Size(size, digits), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') if *digits < DIGITS_MAX => {
                let digit = char::from(byte).to_digit(16).ok_or(BadBody)?;
                State::Size(size.checked_mul(16).ok_or(BadBody)? + u64::from(digit), *digits + 1)
            }
            (State::Size(size, 1..) | State::Blank(size), b' ' | b'\t') => {
                count(&mut self.overhead, State::Blank(*size))?
            }
            (State::Size(size, 1..) | State::Blank(size), b';') => State::Extension(*size),
            (State::Size(size, 1..) | State::Blank(size) | State::Extension(size), b'\r') => State::SizeLineFeed(*size),
            (State::Extension(size), other) if other != b'\n' => count(&mut self.overhead, State::Extension(*size))?,
            (State::SizeLineFeed(0), b'\n') => State::Trailers(Vec::new()),
            (State::SizeLineFeed(size), b'\n') => State::Data(*size),
            (State::DataReturn, b'\r') => State::DataLineFeed,
            (State::DataLineFeed, b'\n') => State::Size(0, 0),
            (State::Trailers(seen), _) => {
                seen.push(byte);
                trailers(std::mem::take(seen))?
            }
            _ => return Err(BadBody),
        };
        Ok(())
    }
}

fn count(overhead: &mut usize, next: State) -> Result<State, BadBody> {
    *overhead += 1;
    if *overhead > OVERHEAD_MAX { Err(BadBody) } else { Ok(next) }
}

fn take_some(rest: &[u8], left: &mut u64, take: &mut dyn FnMut(&[u8])) -> usize {
    let count = rest.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
    *left -= count as u64;
    take(&rest[..count]);
    count
}

/// Over with an empty line; until then they must look like fields. They go nowhere.
fn trailers(seen: Vec<u8>) -> Result<State, BadBody> {
    if seen.ends_with(b"\n") && !seen.ends_with(b"\r\n") || seen.len() > OVERHEAD_MAX {
        return Err(BadBody);
    }
    if seen != b"\r\n" && !seen.ends_with(b"\r\n\r\n") {
        return Ok(State::Trailers(seen));
    }
    let mut room = [httparse::EMPTY_HEADER; TRAILERS_MAX];
    match httparse::parse_headers(&seen, &mut room) {
        Ok(httparse::Status::Complete(_)) => Ok(State::Over),
        _ => Err(BadBody),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is taken from these bytes, whatever the pieces they come in; `None` = an error.
    fn body(framing: Framing, wire: &[u8], piece: usize) -> Option<(Vec<u8>, bool, usize)> {
        let (mut decoder, mut taken, mut used) = (Decoder::new(framing), Vec::new(), 0);
        for part in wire.chunks(piece) {
            let count = decoder.decode(part, &mut |data| taken.extend_from_slice(data)).ok()?;
            used += count;
            if count < part.len() {
                break;
            }
        }
        Some((taken, decoder.is_over(), used))
    }

    #[test]
    fn bodies_end_where_they_say() {
        for (framing, wire, expected) in [
            (Framing::None, &b"x"[..], Some(("", true, 0))),
            (Framing::Length(2), b"abc", Some(("ab", true, 2))),
            (Framing::Length(4), b"abc", Some(("abc", false, 3))),
            (Framing::UntilEnd, b"abc", Some(("abc", false, 3))),
            (Framing::Chunked, b"2\r\nab\r\n0\r\n\r\nGET", Some(("ab", true, 12))),
            (Framing::Chunked, b"0002;a=\"b\"\r\nab\r\n1 \t;x\r\nc\r\n000\r\n\r\n", Some(("abc", true, 33))),
            (Framing::Chunked, b"A\r\n0123456789\r\n0\r\nX: y\r\nZ: \r\n\r\n", Some(("0123456789", true, 31))),
            (Framing::Chunked, b"2\r\nab\r\n", Some(("ab", false, 7))),
            (Framing::Chunked, b"2\r\nab\r\n0\r\n", Some(("ab", false, 10))),
            (Framing::Chunked, b"2\nab\n0\n\n", None),
            (Framing::Chunked, b"2 2\r\nab\r\n", None),
            (Framing::Chunked, b"2\r\nabc\r\n", None),
            (Framing::Chunked, b"\r\nab\r\n", None),
            (Framing::Chunked, b";x\r\nab\r\n", None),
            (Framing::Chunked, b"10000000000000000\r\nab", None),
            (Framing::Chunked, b"2;x\ny\r\nab", None),
            (Framing::Chunked, b"2;x\ry\r\nab", None),
            (Framing::Chunked, b"0\r\nno colon\r\n\r\n", None),
            (Framing::Chunked, b"0\r\nX : y\r\n\r\n", None),
            (Framing::Chunked, b"0\r\nX: y\n\n", None),
        ] {
            let expected = expected.map(|(text, over, used)| (text.as_bytes().to_vec(), over, used));
            for piece in 1..=wire.len() {
                let shown = String::from_utf8_lossy(wire);
                assert_eq!(body(framing, wire, piece), expected, "{shown:?} in pieces of {piece}");
            }
        }
        for (overhead, tail) in [("2;", "\r\nab\r\n0\r\n\r\n"), ("0\r\nX: ", "\r\n\r\n")] {
            let long = format!("{overhead}{}{tail}", "y".repeat(OVERHEAD_MAX + 1));
            assert_eq!(body(Framing::Chunked, long.as_bytes(), 1000), None);
        }
    }

    #[test]
    fn an_end_is_good_only_where_it_was_to_come() {
        for (framing, wire, good) in [
            (Framing::UntilEnd, &b"abc"[..], true),
            (Framing::Length(3), b"abc", true),
            (Framing::Length(4), b"abc", false),
            (Framing::Chunked, b"3\r\nabc\r\n", false),
            (Framing::Chunked, b"3\r\nabc\r\n0\r\n\r\n", true),
        ] {
            let mut decoder = Decoder::new(framing);
            decoder.decode(wire, &mut |_| {}).expect("good so far");
            assert_eq!(decoder.end().is_ok(), good, "{framing:?}");
        }
    }

    proptest! {
        #[test]
        fn what_was_cut_into_chunks_comes_out_whole(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..300), 0..8),
            behind in proptest::collection::vec(any::<u8>(), 0..8),
            piece in 1_usize..700,
        ) {
            let mut wire = Vec::new();
            for chunk in &chunks {
                wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                wire.extend_from_slice(chunk);
                wire.extend_from_slice(b"\r\n");
            }
            wire.extend_from_slice(b"0\r\n\r\n");
            let whole = wire.len();
            wire.extend_from_slice(&behind);
            prop_assert_eq!(body(Framing::Chunked, &wire, piece), Some((chunks.concat(), true, whole)));
        }

        #[test]
        fn no_bytes_make_it_panic(wire in proptest::collection::vec(any::<u8>(), 0..400), piece in 1_usize..50) {
            let _ = body(Framing::Chunked, &wire, piece);
        }
    }
}
