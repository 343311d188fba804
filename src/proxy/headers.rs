//! Which headers pass, in one table for each direction. All else passes unchanged and in order: the upstream judges
//! clients by their headers, and nothing here pretends to be another client.

use bytes::Bytes;

use super::answers::date;
use crate::{
    domain::key::{Key, Secret},
    http1::{Fields, Framing, Lines, RequestHead},
    upstream::Credential,
};

/// Connection-level both ways (RFC 9110, 7.6.1), and framing that the next hop makes anew.
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
    "http2-settings",
];

/// Of the client's, what has one of ours in its place.
const HOST: &str = "host";
const LENGTH: &[&str] = &["content-length", "transfer-encoding"];
const CREDENTIALS: &[&str] = &["authorization", "x-api-key"];

/// Of the client's: credentials meant for us, and what names the client's network.
const REQUEST_ENDS_HERE: &[&str] = &[
    "x-kmi-proxy-token",
    "cookie",
    "cookie2",
    "expect",
    "origin",
    "forwarded",
    "via",
    "x-real-ip",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-forwarded-server",
];

/// Beginnings of further names that end here: `Proxy-Authorization` and its family.
const REQUEST_ENDS_HERE_PREFIX: &str = "proxy-";

/// Of the upstream's: leave to read answers from a web page is ours to give, and we do not.
const RESPONSE_ENDS_HERE_PREFIXES: &[&str] = &["access-control-", "proxy-", OURS_PREFIX];
/// Nobody else speaks under these names.
const OURS_PREFIX: &str = "x-kmi-";

/// The style in which the client presented its credential; the key goes out in the same.
pub(super) fn credential_style(client: &Fields) -> Credential {
    if client.contains("x-api-key") && !client.contains("authorization") {
        Credential::XApiKey
    } else {
        Credential::Bearer
    }
}

/// The head of the request as the upstream may see it: the client's fields in their order and spelling, with the key, its
/// host and the body's length in the places of the client's.
pub(super) fn for_upstream(client: &RequestHead, target: &str, style: Credential, key: &Key, body: usize) -> Bytes {
    let fields = &client.fields;
    let listed = Listed::in_connection(fields);
    let mut lines = Lines::with_capacity(512);
    for part in [client.method.as_str(), " ", target, " HTTP/1.1\r\n"] {
        lines.raw(part.as_bytes());
    }
    let framed = client.framing != Framing::None || fields.contains("content-length");
    let mut missing = Missing { host: true, length: framed, credential: true };
    for (name, value) in fields.iter() {
        if is(name, HOST) {
            missing.add_host(&mut lines, name, key);
        } else if one_of(name, LENGTH) {
            missing.add_length(&mut lines, b"content-length", body);
        } else if one_of(name, CREDENTIALS) {
            if is(name, style.name()) {
                missing.add_credential(&mut lines, name, style, key);
            }
        } else if !(one_of(name, HOP_BY_HOP)
            || one_of(name, REQUEST_ENDS_HERE)
            || begins(name, REQUEST_ENDS_HERE_PREFIX)
            || listed.has(name))
        {
            lines.pass(name, value);
        }
    }
    missing.add_host(&mut lines, b"host", key);
    missing.add_length(&mut lines, b"content-length", body);
    missing.add_credential(&mut lines, style.name().as_bytes(), style, key);
    lines.raw(b"\r\n");
    lines.into_bytes().into()
}

/// Which of our own lines are still to be added; each is added once.
struct Missing {
    host: bool,
    length: bool,
    credential: bool,
}

impl Missing {
    fn add_host(&mut self, lines: &mut Lines, name: &[u8], key: &Key) {
        if std::mem::take(&mut self.host) {
            lines.add(name, key.base.host_field());
        }
    }

    fn add_length(&mut self, lines: &mut Lines, name: &[u8], body: usize) {
        if std::mem::take(&mut self.length) {
            lines.add(name, body.to_string());
        }
    }

    fn add_credential(&mut self, lines: &mut Lines, name: &[u8], style: Credential, key: &Key) {
        if std::mem::take(&mut self.credential) {
            style.present(lines, name, &key.secret);
        }
    }
}

/// The upstream's fields as the client may see them, but for those named in `without`. One that echoes the key goes.
pub(super) fn for_client(upstream: &Fields, secret: &Secret, without: &[&str]) -> Lines {
    let listed = Listed::in_connection(upstream);
    let mut lines = Lines::with_capacity(512);
    for (name, value) in upstream.iter() {
        let ends = one_of(name, HOP_BY_HOP)
            || RESPONSE_ENDS_HERE_PREFIXES.iter().any(|prefix| begins(name, prefix))
            || one_of(name, without)
            || listed.has(name)
            || echoes(value, secret);
        if !ends {
            lines.pass(name, value);
        }
    }
    // Who hands an answer on says when it came, where its maker does not (RFC 9110, 6.6.1).
    if !upstream.contains("date") {
        lines.add(b"date", date());
    }
    lines
}

/// Most values are shorter than a key.
fn echoes(value: &[u8], secret: &Secret) -> bool {
    let secret = secret.expose().as_bytes();
    value.len() >= secret.len() && memchr::memmem::find(value, secret).is_some()
}

fn is(name: &[u8], wanted: &str) -> bool {
    name.eq_ignore_ascii_case(wanted.as_bytes())
}

fn one_of(name: &[u8], names: &[&str]) -> bool {
    names.iter().any(|wanted| is(name, wanted))
}

fn begins(name: &[u8], prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| is(start, prefix))
}

/// What `Connection` says is for this hop only.
struct Listed<'a>(Vec<&'a [u8]>);

impl<'a> Listed<'a> {
    fn in_connection(fields: &'a Fields) -> Self {
        Self(
            fields
                .all("connection")
                .flat_map(|value| value.split(|byte| *byte == b','))
                .map(<[u8]>::trim_ascii)
                .collect(),
        )
    }

    fn has(&self, name: &[u8]) -> bool {
        self.0.iter().any(|listed| listed.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::key::sample;

    /// The lines of a head, without the first.
    fn sent(client: &[(&str, &str)], style: Option<Credential>) -> String {
        let text: String = client.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!("POST /x HTTP/1.1\r\n{text}\r\n");
        let (head, _) = RequestHead::parse(head.as_bytes()).expect("a head").expect("whole");
        let style = style.unwrap_or_else(|| credential_style(&head.fields));
        let sent = for_upstream(&head, "/v1/x", style, &sample("a", "https://api.test:443/v1"), 3);
        let sent = String::from_utf8(sent.to_vec()).expect("text");
        let (first, rest) = sent.split_once("\r\n").expect("lines");
        assert_eq!(first, "POST /v1/x HTTP/1.1");
        rest.strip_suffix("\r\n").expect("an empty line").replace("\r\n", "\n")
    }

    #[test]
    fn what_is_the_clients_own_stays_and_the_rest_passes_in_order() {
        let key = sample("a", "https://api.test/v1");
        let text = sent(
            &[
                ("User-Agent", "KimiCLI/1.49.0"),
                ("AUTHORIZATION", "Bearer kmi-local"),
                ("x-msh-platform", "kimi_cli"),
                ("Authorization", "Bearer another"),
                ("Host", "127.0.0.1:54123"),
                ("cookie", "a=b"),
                ("connection", "keep-alive, x-drop-me, authorization, host, content-length"),
                ("X-Drop-Me", "1"),
                ("Proxy-Authorization", "Basic x"),
                ("x-forwarded-for", "10.0.0.1"),
                ("Transfer-Encoding", "chunked"),
                ("anthropic-beta", "one"),
                ("anthropic-beta", "two"),
                ("x-api-key", "kmi-local"),
                ("accept-encoding", "gzip, br"),
            ],
            None,
        );
        let expected = format!(
            "User-Agent: KimiCLI/1.49.0\nAUTHORIZATION: Bearer {}\nx-msh-platform: kimi_cli\nHost: api.test\n\
             content-length: 3\nanthropic-beta: one\nanthropic-beta: two\naccept-encoding: gzip, br\n",
            key.secret.expose()
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn the_key_goes_out_in_the_clients_style() {
        let secret = sample("a", "https://api.test/v1").secret;
        let text = sent(&[("x-api-key", "placeholder")], None);
        assert_eq!(text, format!("x-api-key: {}\nhost: api.test\n", secret.expose()));
        let both = Fields::for_tests(&[("x-api-key", "a"), ("authorization", "Bearer b")]);
        assert_eq!(credential_style(&both), Credential::Bearer);
        let text = sent(&[("x-api-key", "a"), ("content-length", "3")], Some(Credential::Bearer));
        assert_eq!(text, format!("content-length: 3\nhost: api.test\nauthorization: Bearer {}\n", secret.expose()));
    }

    #[test]
    fn an_answer_gives_no_leave_and_echoes_no_key() {
        let secret = Secret::new("sk-real-key-of-length").expect("valid");
        let upstream = Fields::for_tests(&[
            ("Content-Type", "application/json"),
            ("access-control-allow-origin", "*"),
            ("x-echo", "got sk-real-key-of-length"),
            ("X-Kmi-Key", "another"),
            ("Connection", "x-hop"),
            ("X-Hop", "1"),
            ("transfer-encoding", "chunked"),
            ("content-encoding", "gzip"),
            ("retry-after", "3"),
            ("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ]);
        let passed =
            |without: &[&str]| String::from_utf8(for_client(&upstream, &secret, without).into_bytes()).expect("text");
        let (kind, rest) =
            ("Content-Type: application/json\r\n", "retry-after: 3\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
        assert_eq!(passed(&[]), format!("{kind}content-encoding: gzip\r\n{rest}"));
        assert_eq!(passed(&["content-encoding"]), format!("{kind}{rest}"));
        let undated = for_client(&Fields::for_tests(&[]), &secret, &[]).into_bytes();
        assert!(undated.starts_with(b"date: ") && undated.ends_with(b" GMT\r\n"), "one has a date, always");
    }
}
