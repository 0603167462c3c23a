//! Questions to people: putting them to the journal, showing them, hearing the answer.
//! Invariant: a question is committed before it is shown, and what is allowed is bound to exactly what was shown.
//! It must not know how a question is shown, nor decide whether to ask.

use std::sync::Arc;

use corvid_core::faults::crash_point;
use corvid_core::wire::{
    Answer, Approval, CallId, EventBody, Millis, Person, Question, QuestionId, Role, Scope,
    Subject, Verdict,
};
use corvid_core::{Heard, Invocation, Preview, draw};
use tokio_util::sync::CancellationToken;

use super::Lane;
use super::call::{failed, parse_arguments, place};
use super::work::{End, Finished};
use crate::fold::Turn;

/// The longest body of a card, in bytes: what is longer is not for a person to read, and is not allowed.
const CARD_BYTES: usize = 256 * 1024;

impl Lane {
    /// The question about a call, as its decision says; with it the answer, if the same was allowed for the
    /// session before.
    pub(super) async fn ask(&self, id: CallId, at: Millis) -> Vec<EventBody> {
        let (Some((turn, call)), Some(invocation)) = (self.find_call(id), self.invocation(id))
        else {
            return Vec::new();
        };
        let verdict = call.decision.as_ref().map(|decision| &decision.verdict);
        if let Some(Verdict::Inquire { .. }) = verdict {
            let checked = parse_arguments(&call.asked.arguments).and_then(|arguments| {
                let tool = self.tool_of(id).ok_or("the tool is no longer there")?;
                tool.check(&arguments, &place(turn))
            });
            return match checked.map(|checked| checked.inquiry) {
                Ok(Some(inquiry)) => self.put(id, Subject::Inquiry(inquiry), at),
                Ok(None) => vec![failed(id, "the tool has no question any more")],
                Err(reason) => vec![failed(id, &reason)],
            };
        }
        match self.approval(id, &invocation).await {
            Ok(approval) => self.put(id, Subject::Approval(approval), at),
            Err(events) => events,
        }
    }

    /// What a person would be asked to allow now.
    pub(super) async fn approval(
        &self,
        id: CallId,
        invocation: &Invocation,
    ) -> Result<Approval, Vec<EventBody>> {
        let (Some((turn, call)), Some(tool)) = (self.find_call(id), self.tool_of(id)) else {
            return Err(vec![failed(id, "the tool is no longer there")]);
        };
        let verdict = call.decision.as_ref().map(|decision| &decision.verdict);
        let Some(Verdict::Ask { rule, reason }) = verdict else {
            return Err(Vec::new());
        };
        let (rule, reason) = (rule.clone(), reason.clone());
        let preview = self.look(invocation, tool.preview(invocation)).await?;
        if preview.card.body.len() > CARD_BYTES {
            let text = format!(
                "it needs a person's approval, and with {} bytes it is too long to be shown whole (at most \
                 {CARD_BYTES}); make it shorter, for example with a script in a file",
                preview.card.body.len()
            );
            return Err(vec![failed(id, &text)]);
        }
        Ok(Approval {
            tool: call.asked.name.clone(),
            rule,
            reason,
            binding: binding(turn, &call.asked.name, &preview),
            card: preview.card,
            repeatable: preview.repeatable,
        })
    }

    /// The question, and its answer if the same was allowed for the session.
    pub(super) fn put(&self, call: CallId, subject: Subject, at: Millis) -> Vec<EventBody> {
        let Some(turn) = &self.state.turn else {
            return Vec::new();
        };
        let earlier = match &subject {
            Subject::Approval(approval) if approval.repeatable => {
                self.state.grants.get(&approval.binding).cloned()
            }
            // What was granted by a version that held it for repeatable is not any more.
            Subject::Approval(_) | Subject::Inquiry(_) => None,
        };
        let wait = Millis::try_from(turn.limits.question_ms).unwrap_or(Millis::MAX);
        let question = Question {
            question: draw::question_id(),
            call,
            to: asked(turn, &subject),
            subject,
            shown_in: turn.conversations(),
            expires_at: at.saturating_add(wait),
        };
        let id = question.question.clone();
        let mut events = vec![EventBody::QuestionAsked(Box::new(question))];
        if let Some(by) = earlier {
            events.push(EventBody::QuestionAnswered {
                question: id,
                answer: Answer::Allow {
                    scope: Scope::Earlier,
                },
                by: Some(by),
            });
        }
        events
    }

    /// Shows the open question and waits for its answer.
    pub(super) fn await_answer(&mut self, key: String, id: &QuestionId, until: Millis) {
        let turn = self.state.turn.as_ref();
        let Some(question) = turn
            .and_then(Turn::question)
            .filter(|open| open.question == *id)
        else {
            return;
        };
        let question = question.clone();
        let questions = Arc::clone(&self.ports.questions);
        let clock = Arc::clone(&self.ports.clock);
        self.spawn(key, End::Drop, CancellationToken::new(), async move {
            crash_point("question.before_show");
            let heard = tokio::select! {
                heard = questions.ask(&question) => heard,
                () = clock.sleep_until(until) => return Finished::Time { time: until },
            };
            let (answer, by) = match heard {
                Heard::Answered { answer, by } => (answer, Some(by)),
                Heard::Nobody => (deny(String::new()), None),
                Heard::TooLong(reason) => (deny(reason), None),
                Heard::Shown => {
                    clock.sleep_until(until).await;
                    return Finished::Time { time: until };
                }
            };
            crash_point("question.after_answer");
            Finished::Answer {
                question: question.question,
                answer,
                by,
            }
        });
    }
}

fn deny(reason: String) -> Answer {
    Answer::Deny { reason }
}

/// The hash that an approval is bound to: nothing of what it covers may differ later.
fn binding(turn: &Turn, tool: &str, preview: &Preview) -> String {
    let asked_by = turn.inputs.first().map(|input| {
        let origin = &input.origin;
        (&origin.channel, &input.requester.id, &input.working_dir)
    });
    // Writing our own plain data as JSON cannot fail.
    let bytes = serde_json::to_vec(&(asked_by, tool, &preview.binding)).unwrap_or_default();
    draw::sha256_hex(&bytes)
}

/// Who is asked beside the owners: whoever began the turn; but for an approval only if they are an owner.
fn asked(turn: &Turn, subject: &Subject) -> Vec<Person> {
    let first = turn.inputs.first();
    let person = first.filter(|input| match subject {
        Subject::Approval(_) => input.requester.role == Role::Owner,
        Subject::Inquiry(_) => true,
    });
    person
        .map(|input| Person {
            channel: input.origin.channel.clone(),
            id: input.requester.id.clone(),
        })
        .into_iter()
        .collect()
}
