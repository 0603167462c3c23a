//! The commands of `manual` as one table over the tools that it may call.
//! Invariant: a command exists exactly if its tool is offered and takes what the command supplies.
//! It must not know how a command is recognised in a text.

use corvid_core::ToolSpec;
use serde_json::{Value, json};

/// One line of `help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    /// How the command is written.
    pub(super) written: &'static str,
    /// What it does.
    pub(super) does: &'static str,
}

/// One command.
pub(super) struct Verb {
    /// The first words that mean it, lower case.
    pub(super) words: &'static [&'static str],
    /// Its line of `help`.
    pub(super) usage: Usage,
    /// The tool that it calls.
    pub(super) tool: &'static str,
    /// The arguments that the command may give.
    supplies: &'static [&'static str],
    /// The arguments in what follows the word; `None` if they are incomplete.
    pub(super) arguments: fn(&str) -> Option<Value>,
    /// Whole sentences that mean the command without arguments, normalised.
    pub(super) phrases: &'static [&'static str],
}

/// The commands, in the order of `help`.
pub(super) const VERBS: &[Verb] = &[
    Verb {
        words: &["run", "$"],
        usage: Usage {
            written: "run <command>",
            does: "runs a shell command; `$ <command>` does the same",
        },
        tool: "system.run",
        supplies: &["command"],
        arguments: |rest| (!rest.is_empty()).then(|| json!({ "command": rest })),
        phrases: &[],
    },
    Verb {
        words: &["background"],
        usage: Usage {
            written: "background <command>",
            does: "runs it beside the conversation and tells when it ends",
        },
        tool: "system.run",
        supplies: &["command", "background"],
        arguments: |rest| {
            (!rest.is_empty()).then(|| json!({ "command": rest, "background": true }))
        },
        phrases: &[],
    },
    Verb {
        words: &["network"],
        usage: Usage {
            written: "network <host>[,<host>…]: <command>",
            does: "runs it with access to these hosts, if you allow it",
        },
        tool: "system.run",
        supplies: &["command", "escalate"],
        arguments: |rest| {
            // The colon of a port has no space after it.
            let ends = |at: &usize| rest[at + 1..].starts_with(char::is_whitespace);
            let at = rest.match_indices(':').map(|(at, _)| at).find(ends)?;
            let (hosts, command) = (&rest[..at], rest[at + 1..].trim());
            let hosts: Vec<_> = hosts.split(',').map(str::trim).collect();
            let complete = !command.is_empty() && hosts.iter().all(|host| !host.is_empty());
            let escalate = json!({ "reason": "typed as a `network` command", "hosts": hosts });
            complete.then(|| json!({ "command": command, "escalate": escalate }))
        },
        phrases: &[],
    },
    Verb {
        words: &["jobs"],
        usage: Usage {
            written: "jobs",
            does: "lists what runs in the background",
        },
        tool: "job.list",
        supplies: &[],
        arguments: |rest| rest.is_empty().then(|| json!({})),
        phrases: &[],
    },
    Verb {
        words: &["job"],
        usage: Usage {
            written: "job <job>",
            does: "shows what a job has printed so far",
        },
        tool: "job.output",
        supplies: &["job"],
        arguments: |rest| Some(json!({ "job": one_word(rest)? })),
        phrases: &[],
    },
    Verb {
        words: &["cancel"],
        usage: Usage {
            written: "cancel <job>",
            does: "ends a job",
        },
        tool: "job.cancel",
        supplies: &["job"],
        arguments: |rest| Some(json!({ "job": one_word(rest)? })),
        phrases: &[],
    },
    Verb {
        words: &["ask"],
        usage: Usage {
            written: "ask <question>",
            does: "puts a question to you and shows your answer",
        },
        tool: "ask_user",
        supplies: &["question"],
        arguments: |rest| (!rest.is_empty()).then(|| json!({ "question": rest })),
        phrases: &[],
    },
    Verb {
        words: &["list"],
        usage: Usage {
            written: "list [folder]",
            does: "shows what is in a folder",
        },
        tool: "file.list",
        supplies: &["path"],
        arguments: |rest| match rest {
            "" => Some(json!({})),
            _ => Some(json!({ "path": one_word(rest)? })),
        },
        phrases: &[
            "whats in this folder",
            "what is in this folder",
            "whats in here",
            "what is in here",
            "list this folder",
            "show this folder",
        ],
    },
    Verb {
        words: &["read"],
        usage: Usage {
            written: "read <file>",
            does: "shows a file",
        },
        tool: "file.read",
        supplies: &["path"],
        arguments: |rest| Some(json!({ "path": one_word(rest)? })),
        phrases: &[],
    },
    Verb {
        words: &["write"],
        usage: Usage {
            written: "write <file>: <text>",
            does: "writes a file",
        },
        tool: "file.write",
        supplies: &["path", "content"],
        arguments: |rest| {
            let (path, content) = rest.split_once(':')?;
            let content = content.strip_prefix([' ', '\n']).unwrap_or(content);
            Some(json!({ "path": one_word(path.trim())?, "content": content }))
        },
        phrases: &[],
    },
    Verb {
        words: &["search"],
        usage: Usage {
            written: "search <pattern>",
            does: "finds lines in files",
        },
        tool: "file.search",
        supplies: &["pattern"],
        arguments: |rest| (!rest.is_empty()).then(|| json!({ "pattern": unquoted(rest) })),
        phrases: &[],
    },
    Verb {
        words: &["output"],
        usage: Usage {
            written: "output <call>",
            does: "shows the whole output of an earlier call, e.g. `output 3.1.0`",
        },
        tool: "output.read",
        supplies: &["call"],
        arguments: |rest| Some(json!({ "call": one_word(rest)? })),
        phrases: &[],
    },
];

impl Verb {
    /// Whether the tool is there, knows every argument that the command gives, and wants no other.
    pub(super) fn is_offered(&self, tools: &[ToolSpec]) -> bool {
        let Some(spec) = tools.iter().find(|spec| spec.name == self.tool) else {
            return false;
        };
        let known = |name: &&str| spec.parameters["properties"].get(name).is_some();
        let required = spec.parameters["required"].as_array();
        let mut required = required.into_iter().flatten().filter_map(Value::as_str);
        self.supplies.iter().all(known) && required.all(|name| self.supplies.contains(&name))
    }
}

/// Text that is one word, or several in quotes.
fn one_word(text: &str) -> Option<&str> {
    let word = unquoted(text);
    let is_one = word.len() < text.len() || !word.contains(char::is_whitespace);
    (is_one && !word.is_empty()).then_some(word)
}

fn unquoted(text: &str) -> &str {
    ['"', '\'', '`']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(text)
}
