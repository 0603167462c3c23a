//! Whether a tool's parameters are a JSON Schema object that providers can read.
//! Invariant: the keywords that carry meaning are checked all the way down; references resolve.
//! It must not know tools.

use serde_json::{Map, Value};

use super::Findings;

const TYPES: &[&str] = &[
    "array", "boolean", "integer", "null", "number", "object", "string",
];

/// Checks the parameters of one tool: a schema of type object.
pub(super) fn check_parameters(place: &str, schema: &Value, found: &mut Findings) {
    if schema["type"] != "object" {
        found.add(format!("{place}: the schema is not of type `object`"));
        return;
    }
    let mut check = Check {
        root: schema,
        found,
    };
    check.schema(place, schema);
}

struct Check<'a, 'f> {
    root: &'a Value,
    found: &'f mut Findings,
}

impl Check<'_, '_> {
    fn schema(&mut self, place: &str, schema: &Value) {
        let object = match schema {
            Value::Bool(_) => return,
            Value::Object(object) => object,
            _ => {
                self.found
                    .add(format!("{place}: a schema is neither object nor boolean"));
                return;
            }
        };
        self.type_of(place, object);
        self.reference(place, object);
        for key in ["properties", "$defs", "definitions", "patternProperties"] {
            match object.get(key) {
                None => {}
                Some(Value::Object(schemas)) => {
                    for (name, schema) in schemas {
                        self.schema(&format!("{place}.{key}.{name}"), schema);
                    }
                }
                Some(_) => self.found.add(format!("{place}: `{key}` is no object")),
            }
        }
        for key in ["items", "additionalProperties", "not"] {
            if let Some(schema) = object.get(key) {
                self.schema(&format!("{place}.{key}"), schema);
            }
        }
        for key in ["anyOf", "oneOf", "allOf"] {
            self.alternatives(place, key, object);
        }
        self.required(place, object);
        if let Some(values) = object.get("enum")
            && values.as_array().is_none_or(Vec::is_empty)
        {
            self.found
                .add(format!("{place}: `enum` is empty or no list"));
        }
    }

    fn type_of(&mut self, place: &str, object: &Map<String, Value>) {
        let known = |name: &Value| name.as_str().is_some_and(|name| TYPES.contains(&name));
        let good = match object.get("type") {
            None => true,
            Some(Value::Array(types)) => !types.is_empty() && types.iter().all(known),
            Some(name) => known(name),
        };
        if !good {
            self.found
                .add(format!("{place}: `type` is {}", object["type"]));
        }
    }

    fn reference(&mut self, place: &str, object: &Map<String, Value>) {
        let Some(target) = object.get("$ref") else {
            return;
        };
        let pointer = target.as_str().and_then(|target| target.strip_prefix('#'));
        if pointer
            .and_then(|pointer| self.root.pointer(pointer))
            .is_none()
        {
            self.found
                .add(format!("{place}: the reference {target} leads nowhere"));
        }
    }

    fn alternatives(&mut self, place: &str, key: &str, object: &Map<String, Value>) {
        match object.get(key) {
            None => {}
            Some(Value::Array(schemas)) if !schemas.is_empty() => {
                for (index, schema) in schemas.iter().enumerate() {
                    self.schema(&format!("{place}.{key}[{index}]"), schema);
                }
            }
            Some(_) => self
                .found
                .add(format!("{place}: `{key}` is empty or no list")),
        }
    }

    fn required(&mut self, place: &str, object: &Map<String, Value>) {
        let Some(required) = object.get("required") else {
            return;
        };
        let Some(names) = required.as_array() else {
            self.found.add(format!("{place}: `required` is no list"));
            return;
        };
        for name in names {
            let known = name.as_str().is_some_and(|name| {
                let properties = object.get("properties");
                properties.is_some_and(|properties| properties.get(name).is_some())
            });
            if !known {
                self.found
                    .add(format!("{place}: {name} is required, but no property"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(schema: &Value, expect: &[&str]) {
        let mut found = Findings::default();
        check_parameters("p", schema, &mut found);
        assert_eq!(found.list, expect, "{schema}");
    }

    #[test]
    fn schemas_are_checked_all_the_way_down() {
        check(
            &json!({
                "type": "object",
                "properties": {
                    "path": { "type": "string" },
                    "lines": { "anyOf": [{ "$ref": "#/$defs/Span" }, { "type": "null" }] },
                    "limit": { "type": ["integer", "null"] },
                },
                "required": ["path"],
                "additionalProperties": false,
                "$defs": { "Span": { "type": "object" } },
            }),
            &[],
        );
        check(&json!({}), &["p: the schema is not of type `object`"]);
        check(
            &json!({ "type": "object", "properties": { "a": { "type": "text" } } }),
            &["p.properties.a: `type` is \"text\""],
        );
        check(
            &json!({ "type": "object", "properties": {}, "required": ["b"] }),
            &["p: \"b\" is required, but no property"],
        );
        check(
            &json!({ "type": "object", "properties": { "a": { "$ref": "#/$defs/No" } } }),
            &["p.properties.a: the reference \"#/$defs/No\" leads nowhere"],
        );
    }
}
