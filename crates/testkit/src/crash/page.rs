//! Evidence as a page that a person can read when a trial has failed.
//! Invariant: shows everything that a verdict rests on, shortened only where it is long.
//! It must not judge.

use std::fmt;

use serde_json::Value;

use super::evidence::Evidence;
use super::hands::Approval;
use super::run::{Run, frames};
use crate::effect_server::EffectCall;
use crate::process::Output;

/// How much of a payload is shown, in characters.
const SHOWN: usize = 160;

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Run { id, output, .. } in &self.runs {
            let Output { code, signal, .. } = output;
            writeln!(f, "  run <{id}>: code {code:?}, signal {signal:?}")?;
            for line in output.stderr.lines() {
                writeln!(f, "    stderr: {line}")?;
            }
            let plain = |line: &&str| serde_json::from_str::<Value>(line).is_err();
            for line in output.stdout.lines().filter(plain) {
                writeln!(f, "    stdout: {line}")?;
            }
            for reply in frames(&output.stdout).filter(|frame| frame["frame"] == "reply") {
                writeln!(f, "    reply: {reply}")?;
            }
        }
        for event in &self.events {
            writeln!(
                f,
                "  {:>3} {} {}",
                event.seq,
                event.kind,
                brief(&event.payload)
            )?;
        }
        for EffectCall { name, key, note } in &self.marks {
            writeln!(f, "  mark {name} {key} {note}")?;
        }
        for line in self.commands.lines() {
            writeln!(f, "  command {line}")?;
        }
        for line in self.jobs.lines() {
            writeln!(f, "  job {line}")?;
        }
        for Approval { question, output } in &self.approvals {
            let Output { code, signal, .. } = output;
            let said = output.all();
            writeln!(
                f,
                "  answer to {question}: code {code:?}, signal {signal:?}, {}",
                said.trim()
            )?;
        }
        for line in self.edits.lines() {
            writeln!(f, "  edit {line}")?;
        }
        for id in &self.undelivered {
            writeln!(f, "  open delivery for <{id}>")?;
        }
        for objection in &self.objections {
            writeln!(f, "  objection: {objection}")?;
        }
        write!(f, "  integrity: {}", self.integrity)
    }
}

/// A payload's beginning.
fn brief(payload: &Value) -> String {
    let text = payload.to_string();
    text.chars().take(SHOWN).collect()
}
