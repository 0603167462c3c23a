//! Questions and jobs as a lane and a tool would make them.
//! Invariant: a question or job made here is the same for the same id.
//! It must not know which test it serves.

use corvid_core::wire::{
    Answer, Answerer, Approval, CallId, CallStatus, Card, CardForm, EventBody, JobEnd, JobId,
    JobStart, Question, QuestionId, Requester, Role, Scope, Subject,
};

use corvid_core::{Append, AppendError, Appended};
use corvid_store::{QuestionState, Store};

use crate::scene::{Lane, admission, open, terminal};

/// The call that questions and jobs of these tests come from.
pub(crate) const CALL: CallId = CallId {
    turn: 1,
    step: 1,
    index: 0,
};

/// A person on the terminal.
pub(crate) fn person(id: &str, role: Role) -> Answerer {
    Answerer {
        channel: "terminal".to_owned(),
        person: Requester {
            id: id.to_owned(),
            role,
        },
    }
}

/// A question that owners may answer until 100, whether a call may run.
pub(crate) fn question(id: &str, repeatable: bool) -> Question {
    Question {
        question: QuestionId::new(id),
        call: CALL,
        subject: Subject::Approval(Approval {
            tool: "system.run".to_owned(),
            rule: "escalate".to_owned(),
            reason: "it leaves the sandbox".to_owned(),
            card: Card {
                title: "run a command".to_owned(),
                facts: vec![("network".to_owned(), "crates.io".to_owned())],
                body: "cargo fetch".to_owned(),
                form: CardForm::Command,
            },
            binding: format!("binding of {id}"),
            repeatable,
        }),
        shown_in: vec![terminal()],
        to: Vec::new(),
        expires_at: 100,
    }
}

/// The start of a job.
pub(crate) fn job_start(id: &str) -> JobStart {
    JobStart {
        job: JobId::new(id),
        call: CALL,
        tool: "system.run".to_owned(),
        arguments: serde_json::json!({ "command": "make", "background": true }),
        title: "make".to_owned(),
        working_dir: "/work".to_owned(),
        timeout_ms: 60_000,
        proof: Some(serde_json::json!({ "record": "3.1.0" })),
        origin: terminal(),
        requester: person("1000", Role::Owner).person,
    }
}

/// The end of a job and the input that tells of it.
pub(crate) fn job_end(id: &str, text: &str) -> Vec<EventBody> {
    let job = JobId::new(id);
    let mut admitted = admission(&format!("job:{id}"), text);
    admitted.job = Some(job.clone());
    let end = JobEnd {
        job,
        status: CallStatus::Ok,
        cancelled_by: None,
    };
    vec![
        EventBody::JobFinished(end),
        EventBody::InputAdmitted(admitted),
    ]
}

pub(crate) fn owner() -> Answerer {
    person("1000", Role::Owner)
}

pub(crate) fn allow(scope: Scope) -> Answer {
    Answer::Allow { scope }
}

pub(crate) fn deny(reason: &str) -> Answer {
    let reason = reason.to_owned();
    Answer::Deny { reason }
}

pub(crate) fn asked(question: &Question) -> EventBody {
    EventBody::QuestionAsked(Box::new(question.clone()))
}

pub(crate) fn answered(id: &str, answer: Answer, by: impl Into<Option<Answerer>>) -> EventBody {
    EventBody::QuestionAnswered {
        question: QuestionId::new(id),
        answer,
        by: by.into(),
    }
}

/// A lane that has asked.
pub(crate) async fn asking(store: &Store, question: &Question) -> Lane {
    let mut lane = Lane::begin(store, "s").await;
    lane.append(vec![asked(question)]).await.expect("it asks");
    lane
}

/// An answer from anywhere, at this time.
pub(crate) fn answer_at(lane: &Lane, at: i64, answer: EventBody) -> Append {
    let mut append = open(&lane.session, vec![answer]);
    append.at = at;
    append
}

pub(crate) fn refusal(outcome: Result<Appended, AppendError>) -> String {
    match outcome {
        Err(error @ AppendError::NotOpen { .. }) => error.to_string(),
        outcome => panic!("expected a refusal, got {outcome:?}"),
    }
}

pub(crate) async fn state(store: &Store, id: &str) -> QuestionState {
    let row = store.question(&QuestionId::new(id)).await.expect("reads");
    row.expect("a question").state
}
