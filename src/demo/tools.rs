//! Tool calls of the simulated model: a prompt says which, as `[call NAME {"argument": 1}]`, so that clients' tools can
//! be tried. Not the answer around them (`completion`).

use serde_json::Value;

/// How much of a tool's result is repeated, in characters.
const REPEATED: usize = 200;

/// What the end of a conversation asks of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turn {
    /// To say something.
    Speak,
    /// To call a tool that the client offers.
    Call { name: String, arguments: Value },
    /// To go on with a tool's result: its start.
    Result(String),
}

impl Turn {
    /// Reads a request of either dialect.
    pub(super) fn of(request: &Value) -> Self {
        let messages = request["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let turn = messages.iter().rev().take_while(|message| message["role"] != "assistant").find_map(|message| {
            result(message).map(|text| Self::Result(text.chars().take(REPEATED).collect())).or_else(|| call(message))
        });
        match turn {
            Some(Self::Call { name, .. }) if !offered(request, &name) => Self::Speak,
            turn => turn.unwrap_or(Self::Speak),
        }
    }
}

/// The text of a tool's result, if this message is one.
fn result(message: &Value) -> Option<String> {
    if message["role"] == "tool" {
        return Some(text(&message["content"]));
    }
    let mut parts = message["content"].as_array()?.iter();
    parts.find(|part| part["type"] == "tool_result").map(|part| text(&part["content"]))
}

fn call(message: &Value) -> Option<Turn> {
    let text = text(&message["content"]);
    let (_, rest) = text.rsplit_once("[call ")?;
    let (name, arguments) = rest.split_once(' ')?;
    let arguments = serde_json::Deserializer::from_str(arguments).into_iter::<Value>().next()?.ok()?;
    Some(Turn::Call { name: name.to_owned(), arguments })
}

fn offered(request: &Value, name: &str) -> bool {
    let tools = request["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
    tools.iter().any(|tool| tool["name"] == name || tool["function"]["name"] == name)
}

/// A string, or the texts of a list of parts.
fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_last_word_counts_in_both_dialects() {
        let asked =
            json!({"role": "user", "content": [{"type": "text", "text": "[call read {\"path\": \"a b\"}] please"}]});
        let called = json!({"role": "assistant", "content": ""});
        let openai = json!({"role": "tool", "content": "hello"});
        let anthropic = json!({"role": "user", "content": [{"type": "tool_result", "content": [{"text": "hello"}]}]});
        let reminder = json!({"role": "user", "content": "be brief"});
        let tools = [json!([{"name": "read"}]), json!([{"type": "function", "function": {"name": "read"}}])];
        let call = Turn::Call { name: "read".to_owned(), arguments: json!({"path": "a b"}) };
        for (messages, expected) in [
            (json!([asked]), call.clone()),
            (json!([asked, reminder]), call),
            (json!([asked, called, openai]), Turn::Result("hello".to_owned())),
            (json!([asked, called, anthropic, reminder]), Turn::Result("hello".to_owned())),
            (json!([asked, called, reminder]), Turn::Speak),
        ] {
            for tools in &tools {
                assert_eq!(Turn::of(&json!({"tools": tools, "messages": messages})), expected, "{messages}");
            }
        }
        assert_eq!(Turn::of(&json!({"messages": [asked]})), Turn::Speak, "a tool that nobody offers is not called");
    }
}
