//! Golden journals: what a release wrote keeps folding to what it meant then.
//! Invariant: a golden file is written once, by the release that it is named after, and never changed; each
//! line is one event with the columns of the journal.
//! It must not know today's way of writing.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use corvid_agent::fold::{Action, State, apply, due};
use corvid_core::Message;
use corvid_core::wire::{Event, EventBody, KINDS};
use serde_json::Value;

use crate::script::AMPLE;

#[test]
fn a_journal_of_0_1_0_folds_as_it_did() {
    insta::assert_snapshot!(folded("0.1.0"));
}

#[test]
fn the_newest_golden_journal_holds_every_kind() {
    let journal = read("0.1.0");
    let found: BTreeSet<&str> = journal.iter().map(|event| event.body.kind()).collect();
    let known: BTreeSet<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(found, known);
}

/// The events of a golden journal.
fn read(release: &str) -> Vec<Event> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{release}.jsonl"));
    let text = std::fs::read_to_string(path).expect("the golden journal is there");
    text.lines().map(event).collect()
}

fn event(line: &str) -> Event {
    let row: Value = serde_json::from_str(line).expect("each line is JSON");
    let number = |column: &str| {
        row[column]
            .as_i64()
            .expect("seq, at and version are numbers")
    };
    let kind = row["kind"].as_str().expect("each line has a kind");
    let version = u32::try_from(number("version")).expect("versions are small");
    Event {
        seq: u64::try_from(number("seq")).expect("positions begin at 1"),
        at: number("at"),
        body: EventBody::decode(kind, version, &row["payload"].to_string())
            .expect("old payloads stay readable"),
    }
}

/// What was due after each event, and the transcript at the end.
fn folded(release: &str) -> String {
    let mut state = State::new(AMPLE);
    let mut text = String::new();
    for event in read(release) {
        apply(&mut state, &event);
        let keys: Vec<String> = due(&state).iter().map(Action::key).collect();
        let (seq, kind) = (event.seq, event.body.kind());
        writeln!(text, "{seq:>2} {kind:<16} → {}", keys.join(" ")).expect("a string takes text");
    }
    text.push('\n');
    for message in state.history.within(usize::MAX) {
        let line = match message.as_ref() {
            Message::User { text, .. } => format!("user       {text}"),
            Message::Tool {
                provider_id, text, ..
            } => format!("{provider_id:<10} {text}"),
            Message::Assistant { text, calls } => {
                let ids: Vec<&str> = calls.iter().map(|call| call.provider_id.as_str()).collect();
                format!("assistant  {text}{}", ids.join(" "))
            }
        };
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
