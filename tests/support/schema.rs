//! Holds JSON to the schemas in `docs/schemas`: to the words of JSON Schema that they use, and no more than those.

use serde_json::Value;

use super::source::read;

/// The value is as the schema of this name says.
pub(crate) fn fits(value: &Value, name: &str) {
    holds(value, &load(name), name);
}

fn load(name: &str) -> Value {
    serde_json::from_str(&read(&format!("docs/schemas/{name}.json"))).expect("JSON")
}

fn holds(value: &Value, schema: &Value, place: &str) {
    if let Some(other) = schema["$ref"].as_str() {
        return holds(value, &load(other.trim_end_matches(".json")), place);
    }
    if let Some(allowed) = schema["enum"].as_array() {
        assert!(allowed.contains(value), "{place}: {value} is none of {allowed:?}");
    }
    if let Some(fields) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            assert!(fields.contains_key(name), "{place} has no {name}");
        }
        for (name, field) in fields {
            let of = schema["properties"].get(name).or_else(|| Some(&schema["additionalProperties"]));
            let of = of.filter(|of| of.is_object()).unwrap_or_else(|| panic!("{place}: {name} is not in the schema"));
            holds(field, of, &format!("{place}.{name}"));
        }
    }
    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
        holds(item, &schema["items"], &format!("{place}[{at}]"));
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    assert!(kinds.iter().any(|kind| is(value, kind)), "{place} is {value}, and should be {kinds:?}");
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    }
}
