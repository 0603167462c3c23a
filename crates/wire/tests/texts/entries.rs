//! One entry of every kind, for tests that look at all of them. No struct is filled up with defaults, so that a new
//! field must be given here.

use corvid_wire::{
    Address, Admission, Answer, Answerer, Approval, CallDecision, CallId, CallKey, CallOutcome,
    CallStatus, Card, CardForm, DeliveryDraft, DeliveryId, Effect, Ending, EventBody, Fault,
    Finish, Flags, InputId, Inquiry, JobEnd, JobId, JobStart, Limits, Mode, ModelAnswer,
    OutcomeAnswer, OutputRef, OwnerId, ParkReason, Part, Patience, Person, Question, QuestionId,
    QuoteForm, ReplyComposed, Requester, Role, Scope, Subject, ToolCall, TurnStart, Usage, Verdict,
};
use serde_json::json;

/// One entry of every kind, and of every variant within that holds text of its own.
pub(crate) fn entries() -> Vec<EventBody> {
    let mut entries = of_inputs().to_vec();
    entries.extend(of_turns());
    entries.extend(of_models());
    entries.extend(verdicts().map(|verdict| {
        EventBody::CallDecided(CallDecision {
            call: call(),
            effect: Effect::Unsafe,
            verdict,
            timeout_ms: 1,
        })
    }));
    entries.extend(subjects().map(|subject| {
        EventBody::QuestionAsked(Box::new(Question {
            question: QuestionId::new("q"),
            call: call(),
            subject,
            shown_in: vec![address()],
            to: vec![Person {
                channel: text(),
                id: text(),
            }],
            expires_at: 1,
        }))
    }));
    let scope = Scope::Once;
    let answers = [
        Answer::Allow { scope },
        Answer::Deny { reason: text() },
        Answer::Text { text: text() },
    ];
    entries.extend(answers.map(|answer| EventBody::QuestionAnswered {
        question: QuestionId::new("q"),
        answer,
        by: Some(Answerer {
            channel: text(),
            person: requester(),
        }),
    }));
    entries.extend(of_calls());
    entries
}

fn of_inputs() -> [EventBody; 5] {
    [
        EventBody::SessionOpened {
            working_dir: text(),
        },
        EventBody::InputAdmitted(Admission {
            input: InputId::new("i"),
            origin: address(),
            external_id: text(),
            requester: requester(),
            parts: vec![
                Part::text("a"),
                Part::Quote {
                    form: QuoteForm::RepliedTo,
                    by: text(),
                    text: text(),
                },
                Part::File {
                    path: text(),
                    media_type: text(),
                    bytes: 1,
                    image: true,
                },
            ],
            mode: Mode::Steer,
            working_dir: text(),
            flags: Flags {
                model: Some(text()),
                max_steps: Some(1),
                yes: true,
            },
            job: Some(JobId::new("j")),
            together: Some(text()),
            replaces: Some(InputId::new("i")),
            zone: Some(text()),
        }),
        EventBody::LaneClaimed {
            epoch: 1,
            owner: OwnerId::new("o"),
        },
        EventBody::InputSteered {
            turn: 1,
            inputs: vec![InputId::new("i")],
        },
        EventBody::StopRequested { by: requester() },
    ]
}

fn of_turns() -> [EventBody; 6] {
    [
        EventBody::TurnStarted(TurnStart {
            turn: 1,
            inputs: vec![InputId::new("i")],
            model: text(),
            limits: Limits {
                max_steps: 1,
                parallel_calls: 1,
                attempts: 1,
                patience: Patience::Park,
                question_ms: 1,
            },
        }),
        EventBody::TurnUndone {
            turn: 1,
            restored: vec![text()],
            left: vec![text()],
            by: requester(),
        },
        EventBody::ReplyComposed(ReplyComposed {
            turn: 1,
            inputs: vec![InputId::new("i")],
            text: text(),
            ending: Ending::Answered,
            notices: vec![text()],
            unapproved: vec![text()],
            took_ms: 1,
            unasked: true,
            deliveries: vec![DeliveryDraft {
                delivery: DeliveryId::new("d"),
                to: address(),
                inputs: vec![InputId::new("i")],
            }],
        }),
        EventBody::TurnParked {
            turn: 1,
            until: 1,
            reason: ParkReason::ModelUnreachable,
        },
        EventBody::TimerFired { due_at: 1 },
        EventBody::DeliveryFailed {
            delivery: DeliveryId::new("d"),
            reason: text(),
        },
    ]
}

fn of_models() -> [EventBody; 3] {
    [
        EventBody::ModelRequested {
            turn: 1,
            step: 1,
            attempt: 1,
            model: text(),
            prompt_hash: text(),
        },
        EventBody::ModelAnswered(ModelAnswer {
            turn: 1,
            step: 1,
            attempt: 1,
            text: text(),
            calls: vec![ToolCall {
                id: call(),
                provider_id: text(),
                name: text(),
                arguments: text(),
            }],
            finish: Finish::Stop,
            usage: Usage::default(),
        }),
        EventBody::ModelFailed {
            turn: 1,
            step: 1,
            attempt: 1,
            fault: Fault::Final,
            message: text(),
            retry_at: 1,
        },
    ]
}

fn of_calls() -> [EventBody; 5] {
    [
        EventBody::ToolStarted {
            call: call(),
            key: CallKey::new("k"),
            attempt: 1,
            proof: Some(json!(["a"])),
        },
        EventBody::ToolFinished {
            call: call(),
            outcome: CallOutcome {
                status: CallStatus::Ok,
                text: text(),
                output: Some(OutputRef {
                    call: call(),
                    kept_bytes: 1,
                    total_bytes: 1,
                }),
                notice: Some(text()),
            },
        },
        EventBody::OutcomeAnswered {
            call: call(),
            answer: OutcomeAnswer::Skip,
            by: text(),
        },
        EventBody::JobStarted(Box::new(job_start())),
        EventBody::JobFinished(JobEnd {
            job: JobId::new("j"),
            status: CallStatus::Ok,
            cancelled_by: Some(requester()),
        }),
    ]
}

fn verdicts() -> [Verdict; 6] {
    [
        Verdict::Allow {
            rule: text(),
            reason: text(),
        },
        Verdict::Ask {
            rule: text(),
            reason: text(),
        },
        Verdict::Inquire {
            rule: text(),
            reason: text(),
        },
        Verdict::Deny {
            rule: text(),
            reason: text(),
        },
        Verdict::Invalid { reason: text() },
        Verdict::Repeated { reason: text() },
    ]
}

fn subjects() -> [Subject; 2] {
    [
        Subject::Approval(Approval {
            tool: text(),
            rule: text(),
            reason: text(),
            card: Card {
                title: text(),
                facts: vec![(text(), text())],
                body: text(),
                form: CardForm::Text,
            },
            binding: text(),
            repeatable: true,
        }),
        Subject::Inquiry(Inquiry {
            text: text(),
            choices: vec![text()],
        }),
    ]
}

/// A job with arguments and a proof.
pub(crate) fn job_start() -> JobStart {
    JobStart {
        job: JobId::new("j"),
        call: call(),
        tool: text(),
        arguments: json!({ "command": ["a", { "deep": "b" }], "number": 1 }),
        title: text(),
        working_dir: text(),
        timeout_ms: 1,
        proof: Some(json!({ "hash": "a" })),
        origin: address(),
        requester: requester(),
    }
}

fn address() -> Address {
    Address {
        channel: text(),
        account: text(),
        conversation: text(),
    }
}

fn requester() -> Requester {
    Requester {
        id: text(),
        role: Role::Owner,
    }
}

fn call() -> CallId {
    CallId {
        turn: 1,
        step: 1,
        index: 0,
    }
}

fn text() -> String {
    "a".to_owned()
}
