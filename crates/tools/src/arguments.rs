//! A call's arguments: the schema that a model is shown, and reading what it sent back.
//! Invariant: the schema comes from the Rust type that is read, so the two cannot differ; nothing is coerced.
//! It must not know what any argument means.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// How much of a wrong value an error shows, in characters.
const SHOWN: usize = 40;

/// Words of a schema that cost tokens and tell a model nothing.
const NOISE: &[&str] = &["$schema", "title", "format", "default"];

/// The schema of an arguments type, reduced to what a model needs. Property descriptions are the fields'
/// docstrings.
pub(crate) fn schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::default().with(|settings| settings.inline_subschemas = true);
    let mut schema = SchemaGenerator::new(settings)
        .into_root_schema_for::<T>()
        .to_value();
    if let Some(object) = schema.as_object_mut() {
        // The tool's own description says what it does.
        object.remove("description");
        // Some providers refuse an object that does not say that it has none.
        object.entry("properties").or_insert_with(|| json!({}));
    }
    reduce(&mut schema);
    schema
}

/// Limits a whole-number argument to `range`, which a type cannot say because it is configured.
pub(crate) fn bound(schema: &mut Value, name: &str, range: std::ops::RangeInclusive<u64>) {
    if let Some(property) = schema["properties"][name].as_object_mut() {
        property.insert("minimum".to_owned(), (*range.start()).into());
        property.insert("maximum".to_owned(), (*range.end()).into());
    }
}

/// Says what an argument is where that is configured.
pub(crate) fn describe(schema: &mut Value, name: &str, description: String) {
    if let Some(property) = schema["properties"][name].as_object_mut() {
        property.insert("description".to_owned(), description.into());
    }
}

/// Limits a whole-number argument from below.
pub(crate) fn at_least(schema: &mut Value, name: &str, minimum: u64) {
    if let Some(property) = schema["properties"][name].as_object_mut() {
        property.insert("minimum".to_owned(), minimum.into());
    }
}

/// Reads checked arguments.
///
/// # Errors
/// One sentence that names the argument, what was found and what is allowed.
pub(crate) fn read<T: DeserializeOwned>(schema: &Value, arguments: &Value) -> Result<T, String> {
    let empty = Map::new();
    let given = match arguments {
        Value::Object(given) => given,
        // Nothing at all is how some models write that there is nothing to say.
        Value::Null => &empty,
        other => {
            return Err(format!(
                "the arguments are {}; they must be one JSON object",
                shown(other)
            ));
        }
    };
    check_members("", schema, given)?;
    let given = given.iter().filter(|(_, value)| !value.is_null());
    let given = given.map(|(name, value)| (name.clone(), value.clone()));
    serde_json::from_value(Value::Object(given.collect())).map_err(|error| error.to_string())
}

/// Checks the members of an object; `within` is what stands before their names, e.g. `escalate.`.
fn check_members(within: &str, schema: &Value, given: &Map<String, Value>) -> Result<(), String> {
    let empty = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&empty);
    for (name, value) in given {
        let property = properties.get(name).ok_or_else(|| {
            let allowed = properties.keys().map(|name| format!("`{within}{name}`"));
            let allowed: Vec<_> = allowed.collect();
            let allowed = match allowed.as_slice() {
                [] => "there are none".to_owned(),
                _ => format!("allowed: {}", allowed.join(", ")),
            };
            format!("unknown argument `{within}{name}`; {allowed}")
        })?;
        if !value.is_null() || required(schema, name) {
            check_value(&format!("{within}{name}"), property, value)?;
        }
    }
    for (name, property) in properties {
        if required(schema, name) && !given.contains_key(name) {
            return Err(format!(
                "argument `{within}{name}` is missing; it must be {}",
                wanted(property)
            ));
        }
    }
    Ok(())
}

fn check_value(name: &str, property: &Value, value: &Value) -> Result<(), String> {
    if !fits(property, value) {
        return Err(format!(
            "argument `{name}` is {}; it must be {}",
            shown(value),
            wanted(property)
        ));
    }
    match value {
        Value::Object(given) => check_members(&format!("{name}."), property, given),
        Value::Array(items) => items.iter().enumerate().try_for_each(|(index, item)| {
            check_value(&format!("{name}[{index}]"), &property["items"], item)
        }),
        _ => Ok(()),
    }
}

fn reduce(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.retain(|key, _| !NOISE.contains(&key.as_str()));
            // No whole number of ours is below zero.
            if object.get("minimum") == Some(&Value::from(0)) {
                object.remove("minimum");
            }
            // An optional argument is one that is not required; that it may also be null is noise.
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [kind] = types.as_slice() {
                    let kind = kind.clone();
                    object.insert("type".to_owned(), kind);
                }
            }
            object.values_mut().for_each(reduce);
        }
        Value::Array(items) => items.iter_mut().for_each(reduce),
        _ => {}
    }
}

fn required(schema: &Value, name: &str) -> bool {
    schema["required"]
        .as_array()
        .is_some_and(|required| required.iter().any(|known| known == name))
}

fn fits(property: &Value, value: &Value) -> bool {
    match property["type"].as_str() {
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        Some("integer") => value.as_u64().is_some_and(|number| {
            property["minimum"].as_u64().is_none_or(|min| number >= min)
                && property["maximum"].as_u64().is_none_or(|max| number <= max)
        }),
        // Anything richer is left to the type itself.
        _ => true,
    }
}

fn wanted(property: &Value) -> String {
    let range = (property["minimum"].as_u64(), property["maximum"].as_u64());
    match (property["type"].as_str(), range) {
        (Some("string"), _) => "text".to_owned(),
        (Some("boolean"), _) => "true or false".to_owned(),
        (Some("array"), _) => format!("a list, each item {}", wanted(&property["items"])),
        (Some("object"), _) => {
            let names = property["properties"].as_object().into_iter();
            let names: Vec<_> = names.flat_map(Map::keys).map(String::as_str).collect();
            format!("an object with {}", names.join(", "))
        }
        (Some("integer"), (Some(min), Some(max))) => {
            format!("a whole number from {min} to {max}")
        }
        (Some("integer"), (min, _)) => {
            format!("a whole number of at least {}", min.unwrap_or(0))
        }
        _ => "as in the schema".to_owned(),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => {
            let head: String = text.chars().take(SHOWN).collect();
            let more = if head.len() < text.len() { "…" } else { "" };
            format!("the text {head:?}{more}")
        }
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// Noise.
    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        /// The place.
        path: String,
        count: Option<u32>,
        #[serde(default)]
        all: bool,
    }

    fn sample_schema() -> Value {
        let mut schema = schema::<Sample>();
        bound(&mut schema, "count", 1..=300);
        schema
    }

    #[test]
    fn a_schema_says_what_a_model_needs_and_no_more() {
        let expect = json!({
            "type": "object",
            "properties": {
                "path": { "type": "string", "description": "The place." },
                "count": { "type": "integer", "minimum": 1, "maximum": 300 },
                "all": { "type": "boolean" },
            },
            "required": ["path"],
            "additionalProperties": false,
        });
        assert_eq!(sample_schema(), expect);
    }

    #[test]
    fn arguments_that_fit_are_read() {
        let sample = |count, all| Sample {
            path: "a".to_owned(),
            count,
            all,
        };
        let read = |value| read::<Sample>(&sample_schema(), &value);
        assert_eq!(read(json!({ "path": "a" })), Ok(sample(None, false)));
        // Null for an optional argument means that it is absent; many models send it so.
        let nulls = json!({ "path": "a", "count": null, "all": null });
        assert_eq!(read(nulls), Ok(sample(None, false)));
        let full = json!({ "path": "a", "count": 300, "all": true });
        assert_eq!(read(full), Ok(sample(Some(300), true)));
    }

    #[test]
    fn an_error_names_the_argument_what_was_found_and_what_is_allowed() {
        let check = |value: Value, expect: &str| {
            let error = read::<Sample>(&sample_schema(), &value);
            assert_eq!(error, Err(expect.to_owned()), "{value}");
        };
        check(
            json!("ls"),
            "the arguments are the text \"ls\"; they must be one JSON object",
        );
        check(json!({}), "argument `path` is missing; it must be text");
        check(json!(null), "argument `path` is missing; it must be text");
        check(
            json!({ "path": 7 }),
            "argument `path` is the number 7; it must be text",
        );
        check(
            json!({ "path": null }),
            "argument `path` is null; it must be text",
        );
        check(
            json!({ "path": "a", "count": "30" }),
            "argument `count` is the text \"30\"; it must be a whole number from 1 to 300",
        );
        check(
            json!({ "path": "a", "count": 301 }),
            "argument `count` is the number 301; it must be a whole number from 1 to 300",
        );
        check(
            json!({ "path": "a", "count": 1.5 }),
            "argument `count` is the number 1.5; it must be a whole number from 1 to 300",
        );
        check(
            json!({ "path": "a", "all": [] }),
            "argument `all` is a list; it must be true or false",
        );
        check(
            json!({ "path": "a", "file": "b" }),
            "unknown argument `file`; allowed: `all`, `count`, `path`",
        );
    }
}
