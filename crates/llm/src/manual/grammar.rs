//! What a person's text means to `manual`: a command of the table, a spelt-out call, or nothing.
//! Invariant: pure; only commands whose tools are offered are understood.
//! It must not know what a tool does, nor what it answered.

use corvid_core::ToolSpec;

use super::verbs::{Usage, VERBS};

/// What a person's text means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Understood {
    /// A tool call.
    Call {
        /// The tool's name.
        tool: String,
        /// Its arguments, JSON.
        arguments: String,
    },
    /// They want to see the commands.
    Help,
    /// A command that lacks something; this is how it is written.
    Incomplete(&'static str),
    /// Nothing that this grammar knows.
    Nothing,
}

/// What `text` means where these tools are offered.
pub(super) fn understand(text: &str, tools: &[ToolSpec]) -> Understood {
    let text = text.trim();
    let (word, rest) = text
        .split_once(char::is_whitespace)
        .map_or((text, ""), |(word, rest)| (word, rest.trim()));
    let said = normalised(text);
    if matches!(said.as_str(), "help" | "/help") {
        return Understood::Help;
    }
    if let Some(spec) = tools.iter().find(|spec| spec.name == word) {
        return spelt_out(spec, rest);
    }
    let word = word.to_lowercase();
    let mut understood = Understood::Nothing;
    for verb in VERBS.iter().filter(|verb| verb.is_offered(tools)) {
        let arguments = if verb.phrases.contains(&said.as_str()) {
            (verb.arguments)("")
        } else if verb.words.contains(&word.as_str()) {
            (verb.arguments)(rest)
        } else {
            continue;
        };
        understood = match arguments {
            Some(arguments) => Understood::Call {
                tool: verb.tool.to_owned(),
                arguments: arguments.to_string(),
            },
            None => Understood::Incomplete(verb.usage.written),
        };
    }
    understood
}

/// The commands that there are where these tools are offered.
pub(super) fn usages(tools: &[ToolSpec]) -> impl Iterator<Item = Usage> {
    VERBS
        .iter()
        .filter(|verb| verb.is_offered(tools))
        .map(|verb| verb.usage)
}

/// A call written as `tool.name {"argument": …}`, which works for every tool.
fn spelt_out(spec: &ToolSpec, rest: &str) -> Understood {
    match rest {
        "" => Understood::Call {
            tool: spec.name.clone(),
            arguments: "{}".to_owned(),
        },
        _ if rest.starts_with('{') => Understood::Call {
            tool: spec.name.clone(),
            arguments: rest.to_owned(),
        },
        _ => Understood::Incomplete("<tool> {\"argument\": value}"),
    }
}

/// Lower case, without apostrophes and closing marks, with single spaces.
fn normalised(text: &str) -> String {
    let text: String = text
        .to_lowercase()
        .chars()
        .filter(|c| !matches!(c, '\'' | '’' | '`'))
        .collect();
    let text = text.trim_end_matches(['?', '!', '.', ' ']);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn tool(name: &str, properties: &[&str], required: &[&str]) -> ToolSpec {
        let properties: serde_json::Map<String, Value> = properties
            .iter()
            .map(|property| ((*property).to_owned(), json!({ "type": "string" })))
            .collect();
        ToolSpec {
            name: name.to_owned(),
            description: String::new(),
            parameters: json!({ "type": "object", "properties": properties, "required": required }),
        }
    }

    fn tools() -> Vec<ToolSpec> {
        vec![
            tool("ask_user", &["question", "choices"], &["question"]),
            tool("file.list", &["path"], &[]),
            tool("file.read", &["path", "offset"], &["path"]),
            tool("file.search", &["pattern", "path"], &["pattern"]),
            tool("file.write", &["path", "content"], &["path", "content"]),
            tool("job.cancel", &["job"], &["job"]),
            tool("job.list", &[], &[]),
            tool("job.output", &["job", "offset"], &["job"]),
            tool("output.read", &["call"], &["call"]),
            tool(
                "system.run",
                &["command", "timeout_secs", "background", "escalate"],
                &["command"],
            ),
        ]
    }

    #[track_caller]
    fn check(text: &str, tool: &str, arguments: &Value) {
        let expect = Understood::Call {
            tool: tool.to_owned(),
            arguments: arguments.to_string(),
        };
        assert_eq!(understand(text, &tools()), expect);
    }

    #[test]
    fn commands() {
        check("run ls -la", "system.run", &json!({"command": "ls -la"}));
        check(
            "$ ls | wc -l",
            "system.run",
            &json!({"command": "ls | wc -l"}),
        );
        check(
            "run\nfor i in 1 2\ndo echo $i; done",
            "system.run",
            &json!({"command": "for i in 1 2\ndo echo $i; done"}),
        );
        check("Run 'a'  ", "system.run", &json!({"command": "'a'"}));
        check("list", "file.list", &json!({}));
        check("list src/", "file.list", &json!({"path": "src/"}));
        check("read `a b.txt`", "file.read", &json!({"path": "a b.txt"}));
        check(
            "write a.txt: x: y",
            "file.write",
            &json!({"path": "a.txt", "content": "x: y"}),
        );
        check(
            "write a.txt:\n  x\n  y",
            "file.write",
            &json!({"path": "a.txt", "content": "  x\n  y"}),
        );
        check(
            "search fn main",
            "file.search",
            &json!({"pattern": "fn main"}),
        );
        check("output 3.1.0", "output.read", &json!({"call": "3.1.0"}));
    }

    #[test]
    fn commands_beside_the_conversation_and_beyond_the_sandbox() {
        check(
            "background cargo build",
            "system.run",
            &json!({"command": "cargo build", "background": true}),
        );
        let network = |hosts: &[&str], command: &str| {
            let reason = "typed as a `network` command";
            json!({"command": command, "escalate": {"reason": reason, "hosts": hosts}})
        };
        check(
            "network crates.io: cargo fetch",
            "system.run",
            &network(&["crates.io"], "cargo fetch"),
        );
        check(
            "network a.org:8443, *.b.org:\n curl https://a.org:8443/x: y",
            "system.run",
            &network(&["a.org:8443", "*.b.org"], "curl https://a.org:8443/x: y"),
        );
        check("jobs", "job.list", &json!({}));
        check("job j-1", "job.output", &json!({"job": "j-1"}));
        check("cancel j-1", "job.cancel", &json!({"job": "j-1"}));
        check(
            "ask left or right?",
            "ask_user",
            &json!({"question": "left or right?"}),
        );
    }

    #[test]
    fn the_readmes_own_sentence() {
        for text in [
            "what's in this folder?",
            "What’s in this folder",
            "  what is in\nthis folder ?? ",
        ] {
            check(text, "file.list", &json!({}));
        }
    }

    #[test]
    fn any_tool_can_be_called_by_name() {
        check(
            r#"file.read {"offset":3,"path":"a"}"#,
            "file.read",
            &json!({"offset": 3, "path": "a"}),
        );
        check("file.list", "file.list", &json!({}));
        assert!(matches!(
            understand("file.read a", &tools()),
            Understood::Incomplete(_)
        ));
    }

    #[test]
    fn what_lacks_something_is_shown_how_it_is_written() {
        for (text, usage) in [
            ("run", "run <command>"),
            ("read", "read <file>"),
            ("read the README and sum it up", "read <file>"),
            ("write a.txt", "write <file>: <text>"),
            ("list of good names", "list [folder]"),
            ("background", "background <command>"),
            ("jobs of mine", "jobs"),
            ("network a.org", "network <host>[,<host>…]: <command>"),
            (
                "network a.org:443 ls",
                "network <host>[,<host>…]: <command>",
            ),
            ("network a.org,: ls", "network <host>[,<host>…]: <command>"),
            ("network a.org: ", "network <host>[,<host>…]: <command>"),
        ] {
            assert_eq!(
                understand(text, &tools()),
                Understood::Incomplete(usage),
                "{text}"
            );
        }
    }

    #[test]
    fn the_rest_is_not_understood() {
        for text in ["", "why is the sky blue?", "please run ls", "$", "/list"] {
            let understood = understand(text, &tools());
            let expect = if text == "$" {
                Understood::Incomplete("run <command>")
            } else {
                Understood::Nothing
            };
            assert_eq!(understood, expect, "{text}");
        }
    }

    #[test]
    fn a_command_is_there_only_with_a_tool_that_takes_it() {
        assert_eq!(understand("run ls", &[]), Understood::Nothing);
        let other = [tool("system.run", &["argv"], &["argv"])];
        assert_eq!(understand("run ls", &other), Understood::Nothing);
        let more = [tool(
            "system.run",
            &["command", "reason"],
            &["command", "reason"],
        )];
        assert_eq!(usages(&more).count(), 0);
        assert_eq!(usages(&tools()).count(), VERBS.len());
    }
}
