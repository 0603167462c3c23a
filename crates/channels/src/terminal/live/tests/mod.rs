//! What a person sees of a turn, event by event, without a terminal.

mod beside;

use corvid_core::wire::{CallKey, CallOutcome, Event, Finish, ToolCall, Usage};

use super::*;

const CALL: CallId = CallId {
    turn: 1,
    step: 1,
    index: 0,
};

fn committed(body: EventBody) -> LiveEvent {
    LiveEvent::Committed {
        event: Box::new(Event {
            seq: 1,
            at: 0,
            body,
        }),
    }
}

fn asked(name: &str, arguments: &str, text: &str) -> LiveEvent {
    committed(EventBody::ModelAnswered(ModelAnswer {
        turn: 1,
        step: 1,
        attempt: 1,
        text: text.to_owned(),
        calls: vec![ToolCall {
            id: CALL,
            provider_id: "c1".to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        }],
        finish: Finish::ToolCalls,
        usage: Usage::default(),
    }))
}

fn started() -> LiveEvent {
    committed(EventBody::ToolStarted {
        call: CALL,
        key: CallKey::new("k"),
        attempt: 1,
        proof: None,
    })
}

fn finished(status: CallStatus) -> LiveEvent {
    committed(EventBody::ToolFinished {
        call: CALL,
        outcome: CallOutcome {
            status,
            text: String::new(),
            output: None,
            notice: None,
        },
    })
}

#[test]
fn a_running_command_shows_itself_and_its_seconds() {
    let mut live = Live::default();
    let interim = live.apply(
        &asked("system.run", r#"{"command":"ls -la"}"#, "Let me look."),
        0,
    );
    assert_eq!(interim, ["Let me look."]);
    assert!(live.apply(&started(), 1_000).is_empty());
    assert_eq!(
        live.line(4_200, 0, false).as_deref(),
        Some("⠋ running `ls -la` · 3 s")
    );
    assert_eq!(
        live.apply(&finished(CallStatus::Ok), 4_250),
        ["✓ ran `ls -la` · 3.2 s"]
    );
    assert_eq!(
        live.line(5_250, 1, false).as_deref(),
        Some("⠙ thinking · 1 s")
    );
}

#[test]
fn an_unknown_tool_is_called_by_its_name() {
    let mut live = Live::default();
    live.apply(&asked("probe.unsafe", r#"{"name":"x"}"#, ""), 0);
    assert_eq!(
        live.apply(&finished(CallStatus::Unknown), 0),
        ["? calling probe.unsafe `x`: nobody knows whether it happened"]
    );
}

#[test]
fn what_did_not_come_to_its_end_was_not_done() {
    let mut live = Live::default();
    live.apply(&asked("file.write", r#"{"path":"/etc/x"}"#, ""), 0);
    assert_eq!(
        live.apply(&finished(CallStatus::Failed), 0),
        ["✗ writing `/etc/x`: failed"]
    );
}

#[test]
fn arguments_are_cut_and_inert() {
    let command = format!("echo \u{1b}[2J\n{}", "x".repeat(100));
    let arguments = serde_json::json!({ "command": command }).to_string();
    let mut live = Live::default();
    live.apply(&asked("system.run", &arguments, ""), 0);
    live.apply(&started(), 0);
    let shown = live.line(0, 0, false).unwrap_or_default();
    assert!(shown.contains("echo ␛[2J xxx") && shown.contains('…'));
    assert!(!shown.contains('\u{1b}') && shown.chars().count() < 90);
}

#[test]
fn a_wait_counts_down() {
    let mut live = Live::default();
    live.apply(
        &LiveEvent::Waiting {
            for_ms: 90_000,
            reason: "the provider asks for patience".to_owned(),
        },
        0,
    );
    assert_eq!(
        live.line(1_000, 0, false).as_deref(),
        Some("⠋ waiting 1 min 29 s · the provider asks for patience")
    );
}

#[test]
fn nothing_moves_after_the_reply() {
    let mut live = Live::default();
    live.apply(&started(), 0);
    live.phase = Phase::Over;
    live.running.clear();
    assert_eq!(live.line(0, 0, false), None);
}
