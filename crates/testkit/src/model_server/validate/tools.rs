//! The rules of what is offered: names, uniqueness, and a schema that every provider can read.
//! Invariant: names are `^[a-zA-Z0-9_-]{1,64}$` and unique.
//! It must not know what a tool does.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Findings, schema};

/// Checks `tools` and what depends on them; returns the names on offer, if any tool is.
pub(super) fn check(request: &Map<String, Value>, found: &mut Findings) -> Option<Vec<String>> {
    let Some(tools) = request.get("tools") else {
        for key in ["tool_choice", "parallel_tool_calls"] {
            if request.contains_key(key) {
                found.add(format!("`{key}` stands without `tools`"));
            }
        }
        return None;
    };
    let Some(tools) = tools.as_array().filter(|tools| !tools.is_empty()) else {
        found.add("`tools` is empty or no list");
        return None;
    };
    let mut names = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, tool) in tools.iter().enumerate() {
        let place = format!("tools[{index}]");
        let name = one(&place, tool, found);
        if !seen.insert(name) {
            found.add(format!("{place}: the name `{name}` is taken"));
        }
        names.push(name.to_owned());
    }
    Some(names)
}

/// Whether providers accept a name.
pub(super) fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}

fn one<'a>(place: &str, tool: &'a Value, found: &mut Findings) -> &'a str {
    if let Some(tool) = tool.as_object() {
        found.known_keys(place, tool, &["type", "function"]);
    }
    if tool["type"] != "function" {
        found.add(format!("{place}: `type` is not `function`"));
    }
    let function = &tool["function"];
    if let Some(function) = function.as_object() {
        let known = ["name", "description", "parameters", "strict"];
        found.known_keys(&format!("{place}.function"), function, &known);
    }
    let name = function["name"].as_str().unwrap_or("");
    if !is_name(name) {
        found.add(format!("{place}: `{name}` is no tool name"));
    }
    if function["description"].as_str().is_none_or(str::is_empty) {
        found.add(format!("{place}: `{name}` has no description"));
    }
    schema::check_parameters(
        &format!("{place}.parameters"),
        &function["parameters"],
        found,
    );
    name
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check_tools(request: &Value, expect: &[&str]) {
        let mut found = Findings::default();
        if let Some(request) = request.as_object() {
            check(request, &mut found);
        }
        assert_eq!(found.list, expect, "{request}");
    }

    fn tool(name: &str) -> Value {
        let parameters = json!({ "type": "object", "properties": {} });
        let function = json!({ "name": name, "description": "d", "parameters": parameters });
        json!({ "type": "function", "function": function })
    }

    #[test]
    fn names_are_plain_and_unique() {
        check_tools(&json!({ "tools": [tool("a"), tool("b")] }), &[]);
        check_tools(
            &json!({ "tools": [tool("a"), tool("a")] }),
            &["tools[1]: the name `a` is taken"],
        );
        check_tools(
            &json!({ "tools": [tool("a.b")] }),
            &["tools[0]: `a.b` is no tool name"],
        );
        check_tools(&json!({ "tools": [] }), &["`tools` is empty or no list"]);
        check_tools(
            &json!({ "tool_choice": "auto" }),
            &["`tool_choice` stands without `tools`"],
        );
        assert!(!is_name(&"x".repeat(65)));
    }
}
