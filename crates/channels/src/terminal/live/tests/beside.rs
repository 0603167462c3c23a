//! What a person sees of questions, jobs and turns taken back.

use corvid_core::wire::{
    Address, Admission, Answer, Answerer, Approval, CallStatus, Card, CardForm, EventBody, Flags,
    InputId, Inquiry, JobEnd, JobId, JobStart, LiveEvent, Mode, Part, Person, Question, QuestionId,
    Requester, Role, Scope, Subject,
};

use super::super::Live;
use super::{CALL, asked, committed, finished, started};

fn approval() -> Question {
    Question {
        question: QuestionId::new("q-1"),
        call: CALL,
        subject: Subject::Approval(Approval {
            tool: "system.run".to_owned(),
            rule: "r".to_owned(),
            reason: String::new(),
            card: Card {
                title: "run a command with network access".to_owned(),
                facts: Vec::new(),
                body: "cargo fetch".to_owned(),
                form: CardForm::Command,
            },
            binding: "b".to_owned(),
            repeatable: true,
        }),
        shown_in: Vec::new(),
        to: vec![Person {
            channel: "terminal".to_owned(),
            id: "1000".to_owned(),
        }],
        expires_at: 1_000,
    }
}

fn inquiry() -> Question {
    Question {
        subject: Subject::Inquiry(Inquiry {
            text: "Which\ncolour?".to_owned(),
            choices: Vec::new(),
        }),
        ..approval()
    }
}

fn ada() -> Requester {
    Requester {
        id: "1000".to_owned(),
        role: Role::Owner,
    }
}

fn answer(answer: Answer, by: Option<Requester>) -> EventBody {
    EventBody::QuestionAnswered {
        question: QuestionId::new("q-1"),
        answer,
        by: by.map(|person| Answerer {
            channel: "terminal".to_owned(),
            person,
        }),
    }
}

fn said(text: &str, id: &str) -> EventBody {
    EventBody::InputAdmitted(Admission {
        input: InputId::new("i-1"),
        origin: Address {
            channel: "terminal".to_owned(),
            account: id.to_owned(),
            conversation: "c".to_owned(),
        },
        external_id: "e".to_owned(),
        requester: Requester {
            id: id.to_owned(),
            role: Role::Member,
        },
        parts: vec![Part::text(text)],
        mode: Mode::Steer,
        working_dir: "/".to_owned(),
        flags: Flags::default(),
        job: None,
        together: None,
        replaces: None,
        zone: None,
    })
}

/// What stays of an event while this question is open.
fn check(question: Question, event: EventBody, expect: &[&str]) {
    let mut live = Live::default();
    let asked = committed(EventBody::QuestionAsked(Box::new(question)));
    assert_eq!(live.apply(&asked, 0), [""; 0]);
    assert_eq!(live.apply(&committed(event), 0), expect);
}

#[test]
fn an_answer_is_told_with_who_gave_it() {
    let allow = |scope| answer(Answer::Allow { scope }, Some(ada()));
    let deny = |reason: &str, by| {
        let reason = reason.to_owned();
        answer(Answer::Deny { reason }, by)
    };
    let title = "cargo fetch";
    for (event, expect) in [
        (
            allow(Scope::Once),
            format!("✓ allowed once by 1000 (terminal): {title}"),
        ),
        (
            allow(Scope::Session),
            format!("✓ allowed for this session by 1000 (terminal): {title}"),
        ),
        (
            allow(Scope::Earlier),
            format!("✓ allowed before, for this session by 1000 (terminal): {title}"),
        ),
        (deny("", None), format!("✗ denied: {title}")),
        (
            deny("too\u{1b} wide", Some(ada())),
            format!("✗ denied by 1000 (terminal): {title} · too␛ wide"),
        ),
        (
            said("use less", "1000"),
            format!("✗ denied by 1000 (terminal): {title} · use less"),
        ),
        (
            EventBody::TimerFired { due_at: 1_000 },
            format!("✗ time is up: denied: {title}"),
        ),
        (
            EventBody::StopRequested { by: ada() },
            format!("✗ not answered: {title}"),
        ),
    ] {
        check(approval(), event, &[&expect]);
    }
    check(approval(), EventBody::TimerFired { due_at: 999 }, &[]);
    check(approval(), said("use less", "1001"), &[]);
}

#[test]
fn what_the_model_asked_is_told_on_a_line() {
    let text = Answer::Text {
        text: "red\nor so".to_owned(),
    };
    check(
        inquiry(),
        answer(text, Some(ada())),
        &["✓ answered by 1000 (terminal): red or so"],
    );
    check(
        inquiry(),
        EventBody::TimerFired { due_at: 1_000 },
        &["✗ time is up: left unanswered: Which colour?"],
    );
}

#[test]
fn who_answered_here_needs_no_telling() {
    let mut live = Live::default();
    live.apply(
        &committed(EventBody::QuestionAsked(Box::new(approval()))),
        0,
    );
    assert_eq!(
        live.line(0, 0, false).as_deref(),
        Some("⠋ waiting for an answer · cargo fetch · q-1")
    );
    let allowed = Answer::Allow { scope: Scope::Once };
    live.answered_here(&QuestionId::new("q-1"), &allowed);
    let event = answer(allowed, Some(ada()));
    assert_eq!(
        live.apply(&committed(event), 0),
        ["✓ allowed once: cargo fetch"]
    );
    assert_eq!(live.line(0, 0, false).as_deref(), Some("⠋ starting"));
}

#[test]
fn an_answer_from_elsewhere_that_came_first_is_told_as_such() {
    let mut live = Live::default();
    live.apply(
        &committed(EventBody::QuestionAsked(Box::new(approval()))),
        0,
    );
    let allowed = Answer::Allow { scope: Scope::Once };
    live.answered_here(&QuestionId::new("q-1"), &allowed);
    let denied = Answer::Deny {
        reason: String::new(),
    };
    assert_eq!(
        live.apply(&committed(answer(denied, Some(ada()))), 0),
        ["✗ denied by 1000 (terminal): cargo fetch"]
    );
}

fn job_started() -> LiveEvent {
    committed(EventBody::JobStarted(Box::new(JobStart {
        job: JobId::new("j-1"),
        call: CALL,
        tool: "system.run".to_owned(),
        arguments: serde_json::Value::Null,
        title: "cargo\u{1b} build".to_owned(),
        working_dir: "/".to_owned(),
        timeout_ms: 1,
        proof: None,
        origin: Address {
            channel: "terminal".to_owned(),
            account: "1000".to_owned(),
            conversation: "c".to_owned(),
        },
        requester: ada(),
    })))
}

fn job_finished(status: CallStatus, cancelled_by: Option<Requester>) -> LiveEvent {
    committed(EventBody::JobFinished(JobEnd {
        job: JobId::new("j-1"),
        status,
        cancelled_by,
    }))
}

#[test]
fn a_job_is_told_when_it_begins_and_when_it_ends() {
    let mut live = Live::default();
    live.apply(&asked("system.run", r#"{"command":"cargo build"}"#, ""), 0);
    live.apply(&started(), 0);
    assert_eq!(live.movable(0), Some(CALL));
    assert_eq!(
        live.apply(&job_started(), 0),
        ["→ job j-1 runs in the background: cargo␛ build"]
    );
    // It was not run to its end; that it goes on was told.
    assert_eq!(live.movable(0), None);
    assert_eq!(live.apply(&finished(CallStatus::Ok), 0), [""; 0]);
    assert_eq!(
        live.apply(&job_finished(CallStatus::Stopped, Some(ada())), 0),
        ["✗ job j-1 was cancelled by 1000: cargo␛ build"]
    );
    assert_eq!(
        live.apply(&job_finished(CallStatus::Ok, None), 0),
        ["✓ job j-1 is done"]
    );
}

#[test]
fn only_a_command_that_runs_for_a_while_is_offered_to_the_background() {
    let mut live = Live::default();
    live.apply(&asked("system.run", r#"{"command":"cargo build"}"#, ""), 0);
    live.apply(&started(), 10);
    assert_eq!(live.movable(9), None);
    assert_eq!(live.movable(10), Some(CALL));
    live.apply(&committed(EventBody::StopRequested { by: ada() }), 11);
    assert_eq!(live.movable(11), None);
    let mut live = Live::default();
    live.apply(&asked("file.search", r#"{"pattern":"x"}"#, ""), 0);
    live.apply(&started(), 0);
    assert_eq!(live.movable(0), None);
}

#[test]
fn a_turn_taken_back_says_what_was_left() {
    let undone = |restored: &[&str], left: &[&str]| {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Live::default().apply(
            &committed(EventBody::TurnUndone {
                turn: 3,
                restored: owned(restored),
                left: owned(left),
                by: ada(),
            }),
            0,
        )
    };
    assert_eq!(
        undone(&["a"], &[]),
        ["↶ turn 3 was undone by 1000: 1 file is as before"]
    );
    assert_eq!(
        undone(&["a", "b"], &["c: changed since"]),
        ["↶ turn 3 was undone by 1000: 2 files are as before; left as they are: c: changed since"]
    );
}
