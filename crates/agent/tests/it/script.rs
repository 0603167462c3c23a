//! Events written by hand: one short function for every kind that a lane or a person writes.
//! Invariant: what a test does not say is the same everywhere (turn 1, step 1, attempt 1, one requester).
//! It must not know what an event leads to.

use corvid_core::draw;
use corvid_core::wire::{
    Address, Admission, Answer, Answerer, Approval, CallDecision, CallId, CallOutcome, CallStatus,
    Card, CardForm, DeliveryDraft, DeliveryId, Effect, Ending, Event, EventBody, Fault, Finish,
    Flags, InputId, Inquiry, Limits, Millis, Mode, ModelAnswer, OutcomeAnswer, OwnerId, Part,
    Patience, Person, Question, QuestionId, ReplyComposed, Requester, Role, Scope, SessionId,
    Subject, ToolCall, TurnStart, Usage, Verdict,
};
use serde_json::json;

/// When every scripted session begins: 2023-11-14 22:13:20 UTC.
pub(crate) const START: Millis = 1_700_000_000_000;

/// Room for every transcript of a test.
pub(crate) const AMPLE: usize = 1 << 20;

/// The session of every test.
pub(crate) fn session() -> SessionId {
    SessionId::new("s-test")
}

/// The limits of DESIGN §5 for a process that gives up.
pub(crate) fn limits() -> Limits {
    Limits {
        max_steps: 25,
        parallel_calls: 8,
        attempts: 3,
        patience: Patience::GiveUp,
        question_ms: 600_000,
    }
}

/// Numbers bodies from 1, a millisecond apart.
pub(crate) fn journal(bodies: impl IntoIterator<Item = EventBody>) -> Vec<Event> {
    (1_u64..)
        .zip(START..)
        .zip(bodies)
        .map(|((seq, at), body)| Event { seq, at, body })
        .collect()
}

/// A person of that id, an owner.
pub(crate) fn person(id: &str) -> Requester {
    Requester {
        id: id.to_owned(),
        role: Role::Owner,
    }
}

/// The terminal's conversation.
pub(crate) fn terminal() -> Address {
    Address {
        channel: "terminal".to_owned(),
        account: "1000".to_owned(),
        conversation: "tty".to_owned(),
    }
}

/// What person 1000 says in the terminal.
pub(crate) fn admission(input: &str, mode: Mode) -> Admission {
    Admission {
        input: InputId::new(input),
        origin: terminal(),
        external_id: format!("x-{input}"),
        requester: person("1000"),
        parts: vec![Part::text(format!("text of {input}"))],
        mode,
        working_dir: "/work".to_owned(),
        flags: Flags::default(),
        job: None,
        together: None,
        replaces: None,
        zone: None,
    }
}

pub(crate) fn opened() -> EventBody {
    EventBody::SessionOpened {
        working_dir: "/work".to_owned(),
    }
}

pub(crate) fn admitted(input: &str) -> EventBody {
    EventBody::InputAdmitted(admission(input, Mode::Queue))
}

pub(crate) fn steering(input: &str) -> EventBody {
    EventBody::InputAdmitted(admission(input, Mode::Steer))
}

pub(crate) fn claimed(epoch: u64) -> EventBody {
    EventBody::LaneClaimed {
        epoch,
        owner: OwnerId::new(format!("o-{epoch}")),
    }
}

pub(crate) fn started(turn: u32, input: &str, limits: Limits) -> EventBody {
    EventBody::TurnStarted(TurnStart {
        turn,
        inputs: vec![InputId::new(input)],
        model: "test/scripted".to_owned(),
        limits,
    })
}

pub(crate) fn steered(inputs: &[&str]) -> EventBody {
    EventBody::InputSteered {
        turn: 1,
        inputs: inputs.iter().copied().map(InputId::new).collect(),
    }
}

pub(crate) fn requested(step: u32, attempt: u32) -> EventBody {
    EventBody::ModelRequested {
        turn: 1,
        step,
        attempt,
        model: "test/scripted".to_owned(),
        prompt_hash: "00".repeat(32),
    }
}

/// The model's answer to the first attempt at a step of turn 1.
pub(crate) fn answer(step: u32, text: &str, finish: Finish, calls: Vec<ToolCall>) -> EventBody {
    EventBody::ModelAnswered(ModelAnswer {
        turn: 1,
        step,
        attempt: 1,
        text: text.to_owned(),
        calls,
        finish,
        usage: Usage::default(),
    })
}

/// An answer of text alone.
pub(crate) fn said(step: u32, text: &str) -> EventBody {
    answer(step, text, Finish::Stop, Vec::new())
}

/// An answer of calls alone, one for each pair of tool and arguments.
pub(crate) fn asked(step: u32, calls: &[(&str, &str)]) -> EventBody {
    let calls = (0_u32..)
        .zip(calls)
        .map(|(index, (name, arguments))| ToolCall {
            id: id(step, index),
            provider_id: format!("p{step}.{index}"),
            name: (*name).to_owned(),
            arguments: (*arguments).to_owned(),
        })
        .collect();
    answer(step, "", Finish::ToolCalls, calls)
}

/// The same event of the model, but of another turn.
pub(crate) fn in_turn(turn: u32, body: EventBody) -> EventBody {
    match body {
        EventBody::ModelAnswered(answer) => {
            EventBody::ModelAnswered(ModelAnswer { turn, ..answer })
        }
        EventBody::ModelRequested {
            step,
            attempt,
            model,
            prompt_hash,
            ..
        } => EventBody::ModelRequested {
            turn,
            step,
            attempt,
            model,
            prompt_hash,
        },
        EventBody::ModelFailed {
            step,
            attempt,
            fault,
            message,
            retry_at,
            ..
        } => EventBody::ModelFailed {
            turn,
            step,
            attempt,
            fault,
            message,
            retry_at,
        },
        other => other,
    }
}

pub(crate) fn failure(attempt: u32, fault: Fault, retry_at: Millis) -> EventBody {
    EventBody::ModelFailed {
        turn: 1,
        step: 1,
        attempt,
        fault,
        message: format!("fault {attempt}"),
        retry_at,
    }
}

/// A call of turn 1.
pub(crate) fn id(step: u32, index: u32) -> CallId {
    CallId {
        turn: 1,
        step,
        index,
    }
}

pub(crate) fn decided(call: CallId, effect: Effect, verdict: Verdict) -> EventBody {
    EventBody::CallDecided(CallDecision {
        call,
        effect,
        verdict,
        timeout_ms: 30_000,
    })
}

pub(crate) fn allowed(call: CallId, effect: Effect) -> EventBody {
    let rule = "default".to_owned();
    let reason = String::new();
    decided(call, effect, Verdict::Allow { rule, reason })
}

/// Somebody must be asked before the call runs.
pub(crate) fn to_be_asked(call: CallId, effect: Effect) -> EventBody {
    let (rule, reason) = ("careful".to_owned(), "it changes things".to_owned());
    decided(call, effect, Verdict::Ask { rule, reason })
}

/// The call is a question to a person.
pub(crate) fn inquires(call: CallId) -> EventBody {
    let rule = "default".to_owned();
    let reason = String::new();
    decided(call, Effect::Pure, Verdict::Inquire { rule, reason })
}

/// An approval that is bound to this and may be given for the session.
pub(crate) fn approval(binding: &str) -> Subject {
    Subject::Approval(Approval {
        tool: "system.run".to_owned(),
        rule: "careful".to_owned(),
        reason: "it changes things".to_owned(),
        card: Card {
            title: "run a command".to_owned(),
            facts: Vec::new(),
            body: "make\ninstall".to_owned(),
            form: CardForm::Command,
        },
        binding: binding.to_owned(),
        repeatable: true,
    })
}

pub(crate) fn inquiry() -> Subject {
    Subject::Inquiry(Inquiry {
        text: "Which colour?".to_owned(),
        choices: vec!["blue".to_owned()],
    })
}

/// A question that is put to person 1000 and open for half a second from the start.
pub(crate) fn question(name: &str, call: CallId, subject: Subject) -> EventBody {
    EventBody::QuestionAsked(Box::new(Question {
        question: QuestionId::new(name),
        call,
        subject,
        shown_in: vec![terminal()],
        to: vec![Person {
            channel: "terminal".to_owned(),
            id: "1000".to_owned(),
        }],
        expires_at: START + 500,
    }))
}

/// Person 1000's answer.
pub(crate) fn replies(name: &str, answer: Answer) -> EventBody {
    EventBody::QuestionAnswered {
        question: QuestionId::new(name),
        answer,
        by: Some(Answerer {
            channel: "terminal".to_owned(),
            person: person("1000"),
        }),
    }
}

/// Nobody can be asked.
pub(crate) fn nobody(name: &str) -> EventBody {
    let reason = String::new();
    EventBody::QuestionAnswered {
        question: QuestionId::new(name),
        answer: Answer::Deny { reason },
        by: None,
    }
}

pub(crate) fn allow(scope: Scope) -> Answer {
    Answer::Allow { scope }
}

pub(crate) fn begun(call: CallId, attempt: u32) -> EventBody {
    EventBody::ToolStarted {
        call,
        key: draw::call_key(&session(), call),
        attempt,
        proof: Some(json!({ "before": attempt })),
    }
}

pub(crate) fn finished(call: CallId, status: CallStatus) -> EventBody {
    EventBody::ToolFinished {
        call,
        outcome: CallOutcome {
            status,
            text: format!("outcome of {call}"),
            output: None,
            notice: None,
        },
    }
}

pub(crate) fn settled_by(call: CallId, answer: OutcomeAnswer) -> EventBody {
    EventBody::OutcomeAnswered {
        call,
        answer,
        by: "1000".to_owned(),
    }
}

pub(crate) fn stopped() -> EventBody {
    EventBody::StopRequested { by: person("1000") }
}

/// The reply of a turn, with one delivery.
pub(crate) fn replied(turn: u32, inputs: &[&str], text: &str, ending: Ending) -> EventBody {
    let inputs: Vec<InputId> = inputs.iter().copied().map(InputId::new).collect();
    EventBody::ReplyComposed(ReplyComposed {
        turn,
        inputs: inputs.clone(),
        text: text.to_owned(),
        ending,
        notices: Vec::new(),
        unapproved: Vec::new(),
        took_ms: 0,
        unasked: false,
        deliveries: vec![DeliveryDraft {
            delivery: DeliveryId::new(format!("d-{turn}")),
            to: terminal(),
            inputs,
        }],
    })
}
