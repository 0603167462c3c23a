//! The texts in a journal entry that a person, a model or the outside world wrote.
//! Invariant: every payload is taken apart field by field, so that a new one compiles only once it is named here.
//! It must not know why somebody wants the texts.

use serde_json::Value;

use super::{
    Admission, Answer, Approval, CallDecision, CallOutcome, Card, EventBody, Flags, Inquiry,
    JobEnd, JobStart, ModelAnswer, Question, ReplyComposed, Subject, Verdict,
};
use crate::message::{Part, ToolCall};

/// Looks at one text, and may change it.
type Visit<'a> = &'a mut dyn FnMut(&mut String);

impl EventBody {
    /// Shows every text that a person, a model or the outside world wrote: what was said, answered, asked, called
    /// and reported, reasons and rules, titles and paths. Not ids, hashes, names of models and registered tools.
    pub fn texts_mut(&mut self, visit: &mut dyn FnMut(&mut String)) {
        match self {
            Self::SessionOpened { working_dir } => visit(working_dir),
            Self::InputAdmitted(admission) => of_admission(admission, visit),
            Self::ModelAnswered(answer) => of_model_answer(answer, visit),
            Self::ModelFailed {
                turn: _,
                step: _,
                attempt: _,
                fault: _,
                message,
                retry_at: _,
            } => visit(message),
            Self::CallDecided(decision) => of_decision(decision, visit),
            Self::QuestionAsked(question) => of_question(question, visit),
            Self::QuestionAnswered {
                question: _,
                answer,
                by: _,
            } => of_answer(answer, visit),
            Self::ToolStarted {
                call: _,
                key: _,
                attempt: _,
                proof,
            } => of_optional(proof, visit),
            Self::ToolFinished { call: _, outcome } => of_outcome(outcome, visit),
            Self::JobStarted(start) => of_job_start(start, visit),
            Self::TurnUndone {
                turn: _,
                restored,
                left,
                by: _,
            } => of_all(restored.iter_mut().chain(left), visit),
            Self::ReplyComposed(reply) => of_reply(reply, visit),
            Self::DeliveryFailed {
                delivery: _,
                reason,
            } => visit(reason),
            Self::JobFinished(JobEnd {
                job: _,
                status: _,
                cancelled_by: _,
            })
            | Self::OutcomeAnswered {
                call: _,
                answer: _,
                by: _,
            }
            | Self::ModelRequested {
                turn: _,
                step: _,
                attempt: _,
                model: _,
                prompt_hash: _,
            }
            | Self::LaneClaimed { epoch: _, owner: _ }
            | Self::TurnStarted(_)
            | Self::InputSteered { turn: _, inputs: _ }
            | Self::StopRequested { by: _ }
            | Self::TurnParked {
                turn: _,
                until: _,
                reason: _,
            }
            | Self::TimerFired { due_at: _ } => {}
        }
    }
}

fn of_all<'t>(texts: impl IntoIterator<Item = &'t mut String>, visit: Visit<'_>) {
    texts.into_iter().for_each(visit);
}

fn of_admission(admission: &mut Admission, visit: Visit<'_>) {
    let Admission {
        input: _,
        origin: _,
        external_id: _,
        requester: _,
        parts,
        mode: _,
        working_dir,
        flags: Flags {
            model: _,
            max_steps: _,
            yes: _,
        },
        job: _,
        together: _,
        replaces: _,
        zone: _,
    } = admission;
    for part in parts {
        match part {
            Part::Text { text } => visit(text),
            Part::Quote { form: _, by, text } => {
                visit(by);
                visit(text);
            }
            Part::File {
                path,
                media_type,
                bytes: _,
                image: _,
            } => {
                visit(path);
                visit(media_type);
            }
        }
    }
    visit(working_dir);
}

fn of_model_answer(answer: &mut ModelAnswer, visit: Visit<'_>) {
    let ModelAnswer {
        turn: _,
        step: _,
        attempt: _,
        text,
        calls,
        finish: _,
        usage: _,
    } = answer;
    visit(text);
    for call in calls {
        let ToolCall {
            id: _,
            provider_id: _,
            name,
            arguments,
        } = call;
        visit(name);
        visit(arguments);
    }
}

fn of_decision(decision: &mut CallDecision, visit: Visit<'_>) {
    let CallDecision {
        call: _,
        effect: _,
        verdict,
        timeout_ms: _,
    } = decision;
    match verdict {
        Verdict::Allow { rule, reason }
        | Verdict::Inquire { rule, reason }
        | Verdict::Ask { rule, reason }
        | Verdict::Deny { rule, reason } => {
            visit(rule);
            visit(reason);
        }
        Verdict::Invalid { reason } | Verdict::Repeated { reason } => visit(reason),
    }
}

fn of_question(question: &mut Question, visit: Visit<'_>) {
    let Question {
        question: _,
        call: _,
        subject,
        shown_in: _,
        to: _,
        expires_at: _,
    } = question;
    match subject {
        Subject::Approval(Approval {
            tool: _,
            rule,
            reason,
            card:
                Card {
                    title,
                    facts,
                    body,
                    form: _,
                },
            binding: _,
            repeatable: _,
        }) => {
            of_all([rule, reason, title, body], visit);
            for (name, value) in facts {
                visit(name);
                visit(value);
            }
        }
        Subject::Inquiry(Inquiry { text, choices }) => {
            visit(text);
            of_all(choices, visit);
        }
    }
}

fn of_answer(answer: &mut Answer, visit: Visit<'_>) {
    match answer {
        Answer::Allow { scope: _ } => {}
        Answer::Deny { reason: text } | Answer::Text { text } => visit(text),
    }
}

fn of_outcome(outcome: &mut CallOutcome, visit: Visit<'_>) {
    let CallOutcome {
        status: _,
        text,
        output: _,
        notice,
    } = outcome;
    visit(text);
    of_all(notice, visit);
}

fn of_job_start(start: &mut JobStart, visit: Visit<'_>) {
    let JobStart {
        job: _,
        call: _,
        tool: _,
        arguments,
        title,
        working_dir,
        timeout_ms: _,
        proof,
        origin: _,
        requester: _,
    } = start;
    of_value(arguments, visit);
    of_all([title, working_dir], visit);
    of_optional(proof, visit);
}

fn of_reply(reply: &mut ReplyComposed, visit: Visit<'_>) {
    let ReplyComposed {
        turn: _,
        inputs: _,
        text,
        ending: _,
        notices,
        unapproved,
        took_ms: _,
        unasked: _,
        deliveries: _,
    } = reply;
    visit(text);
    of_all(notices.iter_mut().chain(unapproved), visit);
}

fn of_optional(value: &mut Option<Value>, visit: Visit<'_>) {
    if let Some(value) = value {
        of_value(value, visit);
    }
}

/// Every string in a JSON value, and every key.
fn of_value(value: &mut Value, visit: Visit<'_>) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(items) => items.iter_mut().for_each(|item| of_value(item, visit)),
        Value::Object(members) => {
            let whole = std::mem::take(members);
            members.extend(whole.into_iter().map(|(mut key, mut member)| {
                visit(&mut key);
                of_value(&mut member, visit);
                (key, member)
            }));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
