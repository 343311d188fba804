//! Which headers pass, in one table for each direction. All else passes unchanged and in order: the upstream judges
//! clients by their headers, and nothing here pretends to be another client.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{
    domain::key::Secret,
    upstream::{Credential, credential},
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

/// Of the client's: credentials meant for us, and what names the client's network.
const REQUEST_ENDS_HERE: &[&str] = &[
    "authorization",
    "x-api-key",
    "x-kmi-proxy-token",
    "host",
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
const RESPONSE_ENDS_HERE_PREFIXES: &[&str] = &["access-control-", "proxy-"];

/// The style in which the client presented its credential; the key goes out in the same.
pub(super) fn credential_style(headers: &HeaderMap) -> Credential {
    if headers.contains_key("x-api-key") && !headers.contains_key(header::AUTHORIZATION) {
        Credential::XApiKey
    } else {
        Credential::Bearer
    }
}

/// The client's headers as the upstream may see them, with the key; `None` when the key fits no header.
pub(super) fn for_upstream(client: &HeaderMap, style: Credential, secret: &Secret) -> Option<HeaderMap> {
    let listed = listed_in_connection(client);
    let mut headers = HeaderMap::with_capacity(client.len() + 1);
    for (name, value) in client {
        let text = name.as_str();
        let ends = HOP_BY_HOP.contains(&text)
            || REQUEST_ENDS_HERE.contains(&text)
            || text.starts_with(REQUEST_ENDS_HERE_PREFIX)
            || listed.contains(name);
        if !ends {
            headers.append(name, value.clone());
        }
    }
    let (name, value) = credential(style, secret)?;
    headers.insert(name, value);
    Some(headers)
}

/// The upstream's headers as the client may see them. A header that echoes the key goes.
pub(super) fn for_client(upstream: &HeaderMap, secret: &Secret) -> HeaderMap {
    let listed = listed_in_connection(upstream);
    let mut headers = HeaderMap::with_capacity(upstream.len() + 4);
    for (name, value) in upstream {
        let text = name.as_str();
        let ends = HOP_BY_HOP.contains(&text)
            || RESPONSE_ENDS_HERE_PREFIXES.iter().any(|prefix| text.starts_with(prefix))
            || listed.contains(name)
            || memchr::memmem::find(value.as_bytes(), secret.expose().as_bytes()).is_some();
        if !ends {
            headers.append(name, value.clone());
        }
    }
    headers
}

/// `x-kmi-…`: a label may be any text, so it goes as UTF-8 bytes, without what a header can't hold.
pub(super) fn text_value(text: &str) -> HeaderValue {
    let printable: Vec<u8> = text.bytes().filter(|byte| *byte >= b' ' && *byte != 0x7f).collect();
    HeaderValue::from_maybe_shared(Bytes::from(printable)).unwrap_or_else(|_| HeaderValue::from_static("?"))
}

fn listed_in_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|names| names.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).fold(
            HeaderMap::new(),
            |mut map, (name, value)| {
                map.append(name, value);
                map
            },
        )
    }

    fn list(headers: &HeaderMap) -> Vec<(&str, &str)> {
        headers.iter().map(|(name, value)| (name.as_str(), value.to_str().expect("text"))).collect()
    }

    #[test]
    fn what_is_the_clients_own_stays_and_the_rest_passes_in_order() {
        let secret = Secret::new("sk-real-key-of-length").expect("valid");
        let client = map(&[
            ("user-agent", "KimiCLI/1.49.0"),
            ("authorization", "Bearer kmi-local"),
            ("x-msh-platform", "kimi_cli"),
            ("cookie", "a=b"),
            ("connection", "keep-alive, x-drop-me, authorization"),
            ("x-drop-me", "1"),
            ("proxy-authorization", "Basic x"),
            ("x-forwarded-for", "10.0.0.1"),
            ("anthropic-beta", "one"),
            ("anthropic-beta", "two"),
            ("accept-encoding", "gzip, br"),
            ("content-length", "3"),
        ]);
        let sent = for_upstream(&client, Credential::Bearer, &secret).expect("fits");
        assert_eq!(
            list(&sent),
            [
                ("user-agent", "KimiCLI/1.49.0"),
                ("x-msh-platform", "kimi_cli"),
                ("anthropic-beta", "one"),
                ("anthropic-beta", "two"),
                ("accept-encoding", "gzip, br"),
                ("authorization", "Bearer sk-real-key-of-length"),
            ]
        );
        assert!(!format!("{sent:?}").contains("sk-real"), "a sensitive header prints nothing");
    }

    #[test]
    fn the_key_goes_out_in_the_clients_style() {
        let secret = Secret::new("sk-real-key-of-length").expect("valid");
        let client = map(&[("x-api-key", "placeholder")]);
        let sent = for_upstream(&client, credential_style(&client), &secret).expect("fits");
        assert_eq!(list(&sent), [("x-api-key", "sk-real-key-of-length")]);
        assert_eq!(credential_style(&map(&[("x-api-key", "a"), ("authorization", "Bearer b")])), Credential::Bearer);
    }

    #[test]
    fn an_answer_gives_no_leave_and_echoes_no_key() {
        let secret = Secret::new("sk-real-key-of-length").expect("valid");
        let upstream = map(&[
            ("content-type", "application/json"),
            ("access-control-allow-origin", "*"),
            ("x-echo", "got sk-real-key-of-length"),
            ("transfer-encoding", "chunked"),
            ("content-encoding", "gzip"),
            ("retry-after", "3"),
        ]);
        assert_eq!(
            list(&for_client(&upstream, &secret)),
            [("content-type", "application/json"), ("content-encoding", "gzip"), ("retry-after", "3")]
        );
    }
}
