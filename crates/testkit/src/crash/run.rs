//! One process of a trial: what it was asked, what it said, and what the store held once it had ended.
//! Invariant: reads what a process printed as any other program would, from its lines alone.
//! It must not judge.

use serde_json::Value;

use crate::process::Output;
use crate::state_file::RecordedInput;

/// What a process says in its JSON lines while another one has its session.
pub(super) const WAITS: &str = "another process";

/// What the scripted model replies to the end of a job.
pub(super) const NOTED: &str = "took note of the job";

/// One process of a trial.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// The key of its input.
    pub(super) id: String,
    /// Whether it was asked for JSON lines.
    pub(super) json: bool,
    /// What it left.
    pub(super) output: Output,
    /// The inputs in the store once it had ended.
    pub(super) stored: Vec<RecordedInput>,
}

/// What a person asks under an id; no id of a suite is part of another.
pub(super) fn question(id: &str) -> String {
    format!("please do <{id}>")
}

/// What the scripted model replies to it.
pub(super) fn reply(id: &str) -> String {
    format!("answer to {}", question(id))
}

impl Run {
    /// How often it printed its reply.
    pub(super) fn replies(&self) -> usize {
        self.says(&reply(&self.id))
    }

    /// How often it printed what came of a job; a turn that a job's end has joined has no other reply.
    pub(super) fn notes(&self) -> usize {
        self.says(NOTED)
    }

    /// How often it printed a reply with this text.
    pub(super) fn says(&self, reply: &str) -> usize {
        if self.json {
            let said = |frame: &Value| frame["text"].as_str().is_some_and(|t| t.contains(reply));
            self.frames("reply").filter(said).count()
        } else {
            self.output.stdout.matches(reply).count()
        }
    }

    /// Whether it says that it delivered the reply itself.
    pub(super) fn delivered(&self) -> bool {
        let reply = reply(&self.id);
        self.frames("reply").any(|frame| {
            let text = frame["text"].as_str().unwrap_or_default();
            frame["repeated"] == false && text.contains(&reply)
        })
    }

    /// Whether it said that its input was admitted.
    pub(super) fn acknowledged(&self) -> bool {
        self.committed().any(|event| {
            event["kind"] == "input.admitted" && event["payload"]["external_id"] == self.id
        })
    }

    /// The events whose commit it told.
    fn committed(&self) -> impl Iterator<Item = Value> {
        committed(&self.output.stdout)
    }

    fn frames(&self, name: &str) -> impl Iterator<Item = Value> {
        let name = if self.json { name } else { "none" };
        frames(&self.output.stdout).filter(move |frame| frame["frame"] == name)
    }

    pub(super) fn is_stored(&self) -> bool {
        self.stored.iter().any(|input| input.external_id == self.id)
    }
}

/// The events in JSON lines whose commit was told.
pub(super) fn committed(stdout: &str) -> impl Iterator<Item = Value> {
    frames(stdout)
        .filter(|frame| frame["event"]["type"] == "committed")
        .map(|frame| frame["event"]["event"].clone())
}

pub(super) fn frames(stdout: &str) -> impl Iterator<Item = Value> {
    stdout
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
}
