//! The fields of a head: where each of them is in the bytes that came, and lines to be sent. Not which of them pass.

use bytes::Bytes;

/// A part of a head's bytes: from, and how long.
#[derive(Debug, Clone, Copy)]
struct Span(u32, u32);

/// The fields of a head, in the order and spelling in which they came. Names and values hold no control characters.
#[derive(Clone)]
pub(crate) struct Fields {
    bytes: Bytes,
    spans: Vec<(Span, Span)>,
}

impl std::fmt::Debug for Fields {
    /// Names only: a value may be a credential.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.iter().map(|(name, _)| String::from_utf8_lossy(name).into_owned());
        formatter.debug_list().entries(names).finish()
    }
}

impl Fields {
    /// `bytes`: the head that `parsed` was read from.
    pub(super) fn new(bytes: Bytes, parsed: &[httparse::Header<'_>], origin: usize) -> Self {
        let spans = parsed.iter().map(|field| (Span::of(origin, field.name.as_bytes()), Span::of(origin, field.value)));
        let spans = spans.collect();
        Self { bytes, spans }
    }

    /// Fields as a test writes them down.
    #[cfg(test)]
    pub(crate) fn for_tests(fields: &[(&str, &str)]) -> Self {
        let text: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!("GET / HTTP/1.1\r\n{text}\r\n");
        super::RequestHead::parse(head.as_bytes()).expect("a head").expect("whole").0.fields
    }

    /// Name and value of each.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.spans.iter().map(|(name, value)| (self.at(*name), self.at(*value)))
    }

    /// The values under this name, which is written in lower case.
    pub(crate) fn all(&self, wanted: &str) -> impl Iterator<Item = &[u8]> {
        self.iter().filter(move |(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes())).map(|(_, value)| value)
    }

    /// The first value under this name.
    pub(crate) fn get(&self, wanted: &str) -> Option<&[u8]> {
        self.all(wanted).next()
    }

    /// The same, where it is text.
    pub(crate) fn ascii(&self, wanted: &str) -> Option<&str> {
        self.get(wanted).and_then(|value| std::str::from_utf8(value).ok()).filter(|text| text.is_ascii())
    }

    pub(crate) fn contains(&self, wanted: &str) -> bool {
        self.get(wanted).is_some()
    }

    /// Whether a list under this name, `Connection` for instance, has `wanted` in it.
    pub(crate) fn lists(&self, name: &str, wanted: &str) -> bool {
        self.all(name).any(|value| super::lists(value, wanted))
    }

    fn at(&self, Span(from, length): Span) -> &[u8] {
        let from = from as usize;
        &self.bytes[from..from + length as usize]
    }
}

impl Span {
    /// `origin`: the address of the head's first byte. A head is far smaller than 4 GB.
    fn of(origin: usize, part: &[u8]) -> Self {
        // Nothing may lie anywhere.
        let from = if part.is_empty() { 0 } else { (part.as_ptr() as usize).saturating_sub(origin) };
        Self(u32::try_from(from).unwrap_or_default(), u32::try_from(part.len()).unwrap_or_default())
    }
}

/// Lines of a head that is made here, each with its end.
#[derive(Clone, Default)]
pub(crate) struct Lines(Vec<u8>);

impl std::fmt::Debug for Lines {
    /// Nothing: a line may hold a credential.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Lines({} bytes)", self.0.len())
    }
}

impl Lines {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// A line more. What no field may hold (a line's end, most of all) is left out of its value.
    pub(crate) fn add(&mut self, name: &[u8], value: impl AsRef<[u8]>) {
        let (value, fits) = (value.as_ref(), |byte: &u8| (*byte >= b' ' && *byte != 0x7f) || *byte == b'\t');
        if value.iter().all(fits) {
            return self.pass(name, value);
        }
        self.pass(name, &value.iter().copied().filter(fits).collect::<Vec<u8>>());
    }

    /// A field that was read: it holds nothing that it may not.
    pub(crate) fn pass(&mut self, name: &[u8], value: &[u8]) {
        for part in [name, b": ", value, b"\r\n"] {
            self.0.extend_from_slice(part);
        }
    }

    /// Bytes that are no field: the first line, or the empty one at the end.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_name_in_any_case_and_print_no_value() {
        let fields =
            Fields::for_tests(&[("X-One", "1"), ("x-one", " 2 "), ("Connection", "close, X-Private"), ("e", "")]);
        assert_eq!(fields.all("x-one").collect::<Vec<_>>(), [b"1", b"2"]);
        assert_eq!((fields.get("e"), fields.get("none")), (Some(&b""[..]), None));
        assert!(fields.lists("connection", "x-private") && !fields.lists("connection", "private"));
        let names: Vec<_> = fields.iter().map(|(name, _)| name).collect();
        assert_eq!(names, [&b"X-One"[..], b"x-one", b"Connection", b"e"], "as they came");
        assert!(!format!("{fields:?}").contains("Private"));
    }

    #[test]
    fn no_line_ends_early() {
        let mut lines = Lines::default();
        lines.add(b"x", "a\r\nevil: 1\0\x7f\tб");
        assert_eq!(lines.bytes(), "x: aevil: 1\tб\r\n".as_bytes());
    }
}
