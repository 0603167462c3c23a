//! The calls of a step, from their decisions to their results in the transcript.
//! Invariant: each call gets exactly one result, in the model's order, before anything else is said.
//! It must not know how a call is run.

use std::sync::Arc;

use corvid_core::Message;
use corvid_core::text::clip;
use corvid_core::wire::{
    Answer, Answerer, Approval, CallDecision, CallId, CallOutcome, CallStatus, Ending,
    OutcomeAnswer, Question, QuestionId, Verdict,
};

use super::Turn;
use crate::fold::call::{Call, CallState};

/// Steps with malformed calls in a row that a model gets error results for before the turn ends
/// (PROTOCOLS, "Model providers").
const MALFORMED_STEPS: u32 = 3;
/// Times that the very same call may come in a row; the last of them is refused.
const SAME_CALLS: u32 = 3;

/// How much of what needed an approval is told in a line, in characters.
const SHOWN_UNAPPROVED: usize = 200;

/// What needed an approval, on one line.
fn in_short(approval: &Approval) -> String {
    let (tool, card) = (&approval.tool, &approval.card);
    let body: Vec<&str> = card.body.split_whitespace().collect();
    let body = clip(&body.join(" "), SHOWN_UNAPPROVED, "").replace('\n', " ");
    format!("{tool}: {} ({body})", card.title)
}

/// The newest call that was decided on, and how often it came in a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SameCall {
    name: String,
    arguments: String,
    count: u32,
    refused: u32,
}

impl Turn {
    /// The call of this id in the running step.
    pub fn call(&self, id: CallId) -> Option<&Call> {
        self.calls.iter().find(|call| call.asked.id == id)
    }

    pub(in crate::fold) fn call_mut(&mut self, id: CallId) -> Option<&mut Call> {
        self.calls.iter_mut().find(|call| call.asked.id == id)
    }

    /// Whether this very call has come so often in a row that it is to be refused now.
    pub fn is_repeated(&self, name: &str, arguments: &str) -> bool {
        self.same.name == name
            && self.same.arguments == arguments
            && self.same.count + 1 >= SAME_CALLS
    }

    pub(in crate::fold) fn decided(&mut self, decision: &CallDecision) {
        let Some(call) = self.call_mut(decision.call) else {
            return;
        };
        if !call.decide(decision) {
            return;
        }
        let (name, arguments) = (call.asked.name.clone(), call.asked.arguments.clone());
        let refused = matches!(decision.verdict, Verdict::Repeated { .. });
        if self.same.name == name && self.same.arguments == arguments {
            self.same.count += 1;
            self.same.refused += u32::from(refused);
        } else {
            self.same = SameCall {
                name,
                arguments,
                count: 1,
                refused: 0,
            };
        }
        if self.same.refused > 1 {
            let text = format!(
                "Stopped: the model keeps asking for the same `{}` call.",
                self.same.name
            );
            self.close(Ending::Limited, text);
        }
        self.settle_step();
    }

    pub(in crate::fold) fn finished(&mut self, id: CallId, outcome: &CallOutcome) {
        let Some(call) = self.call_mut(id) else {
            return;
        };
        if !call.finish(outcome) {
            return;
        }
        if let Some(notice) = &outcome.notice
            && !self.notices.contains(notice)
        {
            self.notices.push(notice.clone());
        }
        let Some(call) = self.call(id) else { return };
        if outcome.status == CallStatus::Fatal {
            let text = format!("`{}` failed: {}", call.asked.name, outcome.text);
            self.close(Ending::Failed, text);
        }
        self.settle_step();
    }

    pub(in crate::fold) fn outcome_answered(&mut self, id: CallId, answer: OutcomeAnswer) {
        let Some(call) = self.call_mut(id) else {
            return;
        };
        let notice = call.unknown_notice();
        call.answer(answer);
        if answer == OutcomeAnswer::Skip {
            self.notices.extend(notice);
        }
        self.settle_step();
    }

    /// The question that is open; one at most.
    pub fn question(&self) -> Option<&Question> {
        self.calls.iter().find_map(Call::question)
    }

    /// Takes the answer to the open question.
    pub(in crate::fold) fn hear(
        &mut self,
        id: &QuestionId,
        answer: &Answer,
        by: Option<&Answerer>,
    ) {
        let about = |call: &&mut Call| {
            let question = call.question();
            question.is_some_and(|question| question.question == *id)
        };
        let Some(call) = self.calls.iter_mut().find(about) else {
            return;
        };
        let approval = call.question().and_then(Question::approval);
        let unapproved = approval.filter(|_| by.is_none()).map(in_short);
        call.hear(answer, by.is_some());
        if let Some(line) = unapproved.filter(|_| call.settled()) {
            self.unapproved.push(line);
        }
        self.settle_step();
    }

    /// Closes the open question if its time is up.
    pub(in crate::fold) fn expire_question(&mut self) {
        let passed = self.passed;
        let late = |call: &&mut Call| {
            let question = call.question();
            question.is_some_and(|question| question.expires_at <= passed)
        };
        if let Some(call) = self.calls.iter_mut().find(late) {
            let approval = call.question().and_then(Question::approval);
            let unapproved = approval.map(in_short);
            call.expire();
            self.unapproved.extend(unapproved);
            self.settle_step();
        }
    }

    /// Leaves every call whose outcome nobody knows.
    pub(in crate::fold) fn skip_unknown(&mut self) {
        let unknown: Vec<CallId> = self
            .calls
            .iter()
            .filter(|call| matches!(call.state, CallState::Unknown { .. }))
            .map(|call| call.asked.id)
            .collect();
        for id in unknown {
            self.outcome_answered(id, OutcomeAnswer::Skip);
        }
    }

    /// Moves on once every call has its outcome.
    fn settle_step(&mut self) {
        if self.calls.is_empty() || !self.calls.iter().all(Call::settled) {
            return;
        }
        if self.calls.iter().any(Call::malformed) {
            self.malformed += 1;
        } else {
            self.malformed = 0;
        }
        self.file_results();
        if self.malformed > MALFORMED_STEPS {
            let text = format!(
                "Stopped: the model wrote malformed tool calls in {} steps in a row.",
                self.malformed
            );
            self.close(Ending::Limited, text);
        }
        if self.closing.is_none() {
            self.next_step();
        }
    }

    /// Gives every open call an outcome and puts the results into the transcript, with the reply after them.
    pub(in crate::fold) fn end(&mut self, reply: &str) -> Vec<Arc<Message>> {
        for call in &mut self.calls {
            call.close();
        }
        self.file_results();
        let last = self.messages.last().map(AsRef::as_ref);
        let said = matches!(last, Some(Message::Assistant { calls, .. }) if calls.is_empty());
        if !said && !reply.is_empty() {
            self.messages.push(Arc::new(Message::Assistant {
                text: reply.to_owned(),
                calls: Vec::new(),
            }));
        }
        std::mem::take(&mut self.messages)
    }

    fn file_results(&mut self) {
        for call in self.calls.drain(..) {
            let CallState::Settled(outcome) = call.state else {
                continue;
            };
            self.messages.push(Arc::new(Message::Tool {
                provider_id: call.asked.provider_id,
                name: call.asked.name,
                text: outcome.text,
            }));
        }
    }
}
