//! What is copied of a request or a key. Not how it reaches the clipboard (`terminal`). No secret is in it: the
//! dashboard knows labels and ids only, and where a credential belongs stands `$KMI_KEY`.

use crate::domain::{key::Label, message::Message, snapshot::Setup, text, trace::TraceRecord};

/// Longest part of foreign text, in characters.
const LONGEST: usize = 2_000;

/// What is copied, and what is said about it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Copied {
    pub(crate) text: String,
    pub(crate) said: Message,
}

impl Copied {
    pub(crate) fn label(label: &str) -> Self {
        let text = text::clean(label, LONGEST);
        Self { said: Message::new("copied-label").with("label", text.as_str()), text }
    }

    pub(crate) fn request_id(record: &TraceRecord) -> Self {
        let text = text::clean(&record.request_id, LONGEST);
        Self { said: Message::new("copied-request-id").with("id", text.as_str()), text }
    }

    /// The request in one line, with what the trace calls it.
    pub(crate) fn row(record: &TraceRecord) -> Self {
        let key = record.key.as_ref().map_or("-", Label::as_str);
        let took = record.total.as_millis();
        let TraceRecord { at, method, endpoint, status, request_id, .. } = record;
        let text = format!("{at} {key} {method} {endpoint} {status} {took}ms {request_id}");
        Self { said: Message::new("copied-row"), text: text::clean(&text, LONGEST) }
    }

    /// The request for a shell, as far as it is known: its method, path and model; never its words.
    pub(crate) fn curl(record: &TraceRecord, setup: &Setup) -> Self {
        let address = if setup.local.is_empty() { &setup.address } else { &setup.local };
        let (method, path) = (text::clean(&record.method, LONGEST), text::clean(&record.endpoint, LONGEST));
        let mut text = format!("curl -X {} {}", quoted(&method), quoted(&format!("{address}{path}")));
        text.push_str(" -H \"Authorization: Bearer $KMI_KEY\"");
        if let Some(model) = &record.model {
            let body = serde_json::json!({ "model": text::clean(model, LONGEST) }).to_string();
            text.push_str(&format!(" -H 'Content-Type: application/json' -d {}", quoted(&body)));
        }
        Self { said: Message::new("copied-curl").with("method", method).with("path", path), text }
    }
}

/// One word for a shell, whatever is in it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::{super::fixtures, *};

    #[test]
    fn a_request_is_copied_without_a_secret_and_stays_one_line_of_words() {
        let setup = Setup { local: "http://127.0.0.1:54123/kmi-rotor/v1".into(), ..fixtures::setup() };
        let record = TraceRecord {
            method: "POST".into(),
            endpoint: "/chat/completions".into(),
            model: Some("kimi-for-coding".into()),
            ..fixtures::record()
        };
        let expected = "curl -X 'POST' 'http://127.0.0.1:54123/kmi-rotor/v1/chat/completions' \
                        -H \"Authorization: Bearer $KMI_KEY\" -H 'Content-Type: application/json' \
                        -d '{\"model\":\"kimi-for-coding\"}'";
        assert_eq!(Copied::curl(&record, &setup).text, expected);
        let row = "2026-02-02T14:10:05Z alpha POST /chat/completions 200 6300ms 0123456789abcdef0123456789abcdef";
        assert_eq!(Copied::row(&record).text, row);
        let hostile = TraceRecord { endpoint: "/x'; rm -rf ~\n\u{1b}]52;c;eA==\u{7}'".into(), model: None, ..record };
        let text = Copied::curl(&hostile, &setup).text;
        assert!(!text.chars().any(text::is_unsafe), "{text:?}");
        assert!(text.contains(r"/x'\''; rm -rf ~"), "{text}");
        assert!(!text.contains(" -d "), "{text}");
    }
}
