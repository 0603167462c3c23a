//! The built-in `manual` model: a deterministic command reader behind the same seam as every model.
//! Invariant: no language model, and every answer says so in its first line; the same request gets the
//! same answer (but for an Ollama that has come or gone).
//! It must not run anything itself: it asks for tool calls like any model.

mod grammar;
mod ollama;
mod verbs;

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use corvid_core::wire::{Finish, Usage};
use corvid_core::{Answer, AskedCall, Message, Model, ModelError, ModelRequest, ModelSink, UNSAID};

use self::grammar::{Understood, understand, usages};
use crate::presets::{KeyRule, PRESETS};
use crate::transport::Transport;

/// The name by which `manual` is opened.
pub(crate) const MANUAL: &str = "manual";

/// What every answer begins with.
const INTRODUCTION: &str = "I am Corvid's built-in command reader, no language model";

/// `manual` has no context of its own; as much as the larger models have.
const CONTEXT_TOKENS: u64 = 128_000;

/// The built-in command reader.
pub(crate) struct ManualModel {
    local_ollama: SocketAddr,
    transport: Arc<Transport>,
}

/// What is to be answered: everything after the assistant's last message.
struct Open<'a> {
    results: Vec<(&'a str, &'a str)>,
    /// What no person said.
    notes: Vec<&'a str>,
    requests: Vec<&'a str>,
}

impl ManualModel {
    /// A reader that names the Ollama at `local_ollama` if one answers there.
    pub(crate) fn new(local_ollama: SocketAddr, transport: Arc<Transport>) -> Self {
        Self {
            local_ollama,
            transport,
        }
    }

    async fn compose(&self, request: &ModelRequest) -> Answer {
        let open = Open::of(&request.messages);
        let mut sections: Vec<String> = Vec::new();
        if !open.results.is_empty() {
            sections.push(format!("{INTRODUCTION}.\n\n{}", shown(&open.results)));
        }
        let mut calls = Vec::new();
        let mut finish = Finish::Stop;
        sections.extend(open.notes.iter().map(|text| noted(text)));
        for text in &open.requests {
            match understand(text, &request.tools) {
                Understood::Call { tool, arguments } => calls.push(AskedCall {
                    provider_id: format!("call_{}", calls.len()),
                    name: tool,
                    arguments,
                }),
                Understood::Help => sections.push(help(request)),
                Understood::Incomplete(usage) => {
                    finish = Finish::Declined;
                    let hint = format!("that command is written `{usage}`");
                    sections.push(self.decline(&hint).await);
                }
                Understood::Nothing => {
                    finish = Finish::Declined;
                    let hint = "I only know commands, and `help` lists them";
                    sections.push(self.decline(hint).await);
                }
            }
        }
        if !calls.is_empty() {
            finish = Finish::ToolCalls;
        }
        Answer {
            text: sections.join("\n\n"),
            calls,
            finish,
            usage: Usage::default(),
        }
    }

    /// One line that says what is missing and how to add it.
    async fn decline(&self, hint: &str) -> String {
        let variables: Vec<&str> = PRESETS
            .iter()
            .filter(|preset| preset.key == KeyRule::Required)
            .map(|preset| preset.key_variable)
            .collect();
        let mut line = format!(
            "{INTRODUCTION}: {hint}. To add a model, set {}",
            variables.join(" or ")
        );
        let mention = ollama::mention(self.local_ollama, &self.transport).await;
        line.extend(mention.map(|mention| format!("; {mention}")));
        line.push('.');
        line
    }
}

#[async_trait]
impl Model for ManualModel {
    fn id(&self) -> &str {
        MANUAL
    }

    fn context_tokens(&self) -> u64 {
        CONTEXT_TOKENS
    }

    async fn answer(
        &self,
        request: &ModelRequest,
        live: &dyn ModelSink,
    ) -> Result<Answer, ModelError> {
        let answer = self.compose(request).await;
        if !answer.text.is_empty() {
            live.delta(&answer.text);
        }
        Ok(answer)
    }
}

impl<'a> Open<'a> {
    fn of(messages: &'a [Arc<Message>]) -> Self {
        let is_assistant = |m: &Arc<Message>| matches!(**m, Message::Assistant { .. });
        let from = messages
            .iter()
            .rposition(is_assistant)
            .map_or(0, |at| at + 1);
        let mut open = Self {
            results: Vec::new(),
            notes: Vec::new(),
            requests: Vec::new(),
        };
        for message in &messages[from..] {
            match &**message {
                Message::Tool { name, text, .. } => open.results.push((name, text)),
                Message::User { text, .. } => match text.strip_prefix(UNSAID) {
                    Some(note) => open.notes.push(note),
                    None => open.requests.push(text),
                },
                Message::Assistant { .. } => {}
            }
        }
        open
    }
}

/// The results as they are; each under its tool's name if there are several.
fn shown(results: &[(&str, &str)]) -> String {
    let sections = results.iter().map(|(name, text)| match results {
        [_] => fenced(text),
        _ => format!("`{name}`:\n\n{}", fenced(text)),
    });
    sections.collect::<Vec<_>>().join("\n\n")
}

/// The end of a job: its line, and what it yields as it is.
fn noted(note: &str) -> String {
    let (line, yields) = note.split_once("\n\n").unwrap_or((note, ""));
    let line = line.strip_suffix(']').unwrap_or(line);
    let mut section = format!("{INTRODUCTION}. {line}");
    if !yields.is_empty() {
        section.extend([".\n\n", &fenced(yields)]);
    }
    section
}

/// Text as a code block whose fence no line of it can end.
fn fenced(text: &str) -> String {
    let longest = text
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}\n{}\n{fence}", text.trim_end_matches('\n'))
}

fn help(request: &ModelRequest) -> String {
    let usages = usages(&request.tools).map(|usage| (usage.written, usage.does));
    let always = [
        ("<tool> {\"argument\": value}", "calls any tool by its name"),
        ("help", "shows this"),
    ];
    let lines: Vec<String> = usages
        .chain(always)
        .map(|(written, does)| format!("- `{written}` {does}"))
        .collect();
    format!(
        "{INTRODUCTION}. These are the commands:\n\n{}",
        lines.join("\n")
    )
}
