//! How what is due turns out, as chance has it.
//! Invariant: an outcome is one that its action can have; what "unsafe" means holds here too.
//! It must not write anything down.

use corvid_core::wire::{
    Answer, CallId, CallStatus, Effect, EventBody, Fault, Finish, InputId, Millis, ModelAnswer,
    OutcomeAnswer, Question, QuestionId, ReplyComposed, Scope, ToolCall, TurnStart, Usage, Verdict,
};

use super::random::Dice;
use super::world::World;
use crate::script::{
    allow, allowed, approval, begun, decided, finished, inquires, inquiry, nobody, question,
    replies, to_be_asked,
};

/// How a call that runs may end.
pub(super) const RUN_ENDS: &[(u64, CallStatus)] = &[
    (8, CallStatus::Ok),
    (3, CallStatus::Failed),
    (1, CallStatus::Unknown),
    (1, CallStatus::Fatal),
];

/// How a call that is cancelled may end.
pub(super) const CANCELLED_ENDS: &[(u64, CallStatus)] = &[
    (4, CallStatus::Stopped),
    (2, CallStatus::Ok),
    (1, CallStatus::Failed),
    (1, CallStatus::Fatal),
];

/// The answers that a person gives to "did it happen?".
pub(super) const ANSWERS: &[(u64, OutcomeAnswer)] = &[
    (2, OutcomeAnswer::Skip),
    (2, OutcomeAnswer::Retry),
    (1, OutcomeAnswer::Worked),
];

impl World {
    pub(super) fn promote(&self, inputs: &[InputId]) -> EventBody {
        let inputs = inputs.to_vec();
        match &self.state.turn {
            Some(turn) => EventBody::InputSteered {
                turn: turn.number,
                inputs,
            },
            None => EventBody::TurnStarted(TurnStart {
                turn: self.state.last_turn + 1,
                inputs,
                model: "test/scripted".to_owned(),
                limits: self.rules.limits,
            }),
        }
    }

    pub(super) fn model_result(
        &self,
        turn: u32,
        step: u32,
        attempt: u32,
        mut dice: Dice,
    ) -> EventBody {
        let fault = dice.pick(&[
            (16, None),
            (4, Some(Fault::Transient)),
            (1, Some(Fault::Outage)),
            (1, Some(Fault::ContextExceeded)),
            (1, Some(Fault::Final)),
        ]);
        if let Some(fault) = fault {
            return EventBody::ModelFailed {
                turn,
                step,
                attempt,
                fault,
                message: "the model failed".to_owned(),
                retry_at: self.now - 2 + i64::try_from(dice.roll(6)).unwrap_or(0),
            };
        }
        let (text, count, finish) = dice.pick(&[
            (3, ("done", 0, Finish::Stop)),
            (16, ("", 1 + dice.0 % 4, Finish::ToolCalls)),
            (2, ("let me look", 1, Finish::Stop)),
            (1, ("", 2, Finish::Length)),
            (2, ("", 0, Finish::Stop)),
            (2, ("half an ans", 0, Finish::Length)),
            (1, ("", 0, Finish::Length)),
            (1, ("hm", 0, Finish::ContentFilter)),
            (1, ("not me", 0, Finish::Declined)),
        ]);
        let calls = (0..u32::try_from(count).unwrap_or(0))
            .map(|index| ToolCall {
                id: CallId { turn, step, index },
                provider_id: format!("p{turn}.{step}.{index}"),
                name: dice.pick(&[(2, "file.read"), (2, "system.run")]).to_owned(),
                arguments: dice
                    .pick(&[(1, "{}"), (2, r#"{"a":1}"#), (2, r#"{"a":2}"#), (1, "{")])
                    .to_owned(),
            })
            .collect();
        EventBody::ModelAnswered(ModelAnswer {
            turn,
            step,
            attempt,
            text: text.to_owned(),
            calls,
            finish,
            usage: Usage::default(),
        })
    }

    pub(super) fn decision(&self, id: CallId, mut dice: Dice) -> EventBody {
        let asked = &self.call(id).asked;
        let reason = "no".to_owned();
        if self.turn().is_repeated(&asked.name, &asked.arguments) {
            return decided(id, Effect::Pure, Verdict::Repeated { reason });
        }
        let effect = dice.pick(&[
            (6, Effect::Pure),
            (2, Effect::Idempotent),
            (2, Effect::Reconcilable),
            (2, Effect::Unsafe),
        ]);
        match dice.roll(16) {
            0..=9 => allowed(id, effect),
            12 | 13 => to_be_asked(id, effect),
            14 => inquires(id),
            10 => {
                let rule = "rule".to_owned();
                decided(id, Effect::Pure, Verdict::Deny { rule, reason })
            }
            _ => decided(id, Effect::Pure, Verdict::Invalid { reason }),
        }
    }

    /// The question that a held call needs, open for a few milliseconds.
    pub(super) fn question(&self, id: CallId, asked: u32, mut dice: Dice) -> EventBody {
        let verdict = self
            .call(id)
            .decision
            .as_ref()
            .map(|decided| &decided.verdict);
        let subject = match verdict {
            Some(Verdict::Inquire { .. }) => inquiry(),
            _ => approval(dice.pick(&[(1, "one"), (1, "other")])),
        };
        let EventBody::QuestionAsked(mut question) =
            question(&format!("q-{id}-{asked}"), id, subject)
        else {
            unreachable!("a question is asked");
        };
        question.expires_at = self.now + 5;
        EventBody::QuestionAsked(question)
    }

    /// How an open question ends where it is shown.
    pub(super) fn answer(&mut self, id: &QuestionId, until: Millis, mut dice: Dice) -> EventBody {
        let approves = self
            .turn()
            .question()
            .and_then(Question::approval)
            .is_some();
        let end = dice.roll(8);
        if end == 7 {
            self.now = self.now.max(until);
            return EventBody::TimerFired { due_at: until };
        }
        let (yes, reason) = (end < 5, "no".to_owned());
        match (yes, approves) {
            (true, true) => {
                let scope = dice.pick(&[(2, Scope::Once), (1, Scope::Session)]);
                replies(id.as_str(), allow(scope))
            }
            (true, false) => replies(
                id.as_str(),
                Answer::Text {
                    text: "blue".to_owned(),
                },
            ),
            (false, _) if end == 5 => nobody(id.as_str()),
            (false, _) => replies(id.as_str(), Answer::Deny { reason }),
        }
    }

    pub(super) fn reconciled(&mut self, id: CallId, attempt: u32, mut dice: Dice) -> EventBody {
        // Nothing can tell what became of an unsafe call: that is what the word means.
        let found = match self.call(id).effect() {
            Effect::Unsafe => Some(CallStatus::Unknown),
            _ => dice.pick(&[
                (2, Some(CallStatus::Interrupted)),
                (2, Some(CallStatus::Ok)),
                (2, None),
                (1, Some(CallStatus::Unknown)),
            ]),
        };
        match found {
            Some(status) => finished(id, status),
            None if self.turn().closing.is_some() => finished(id, CallStatus::Stopped),
            None => {
                self.ledger.not_done(id);
                begun(id, attempt + 1)
            }
        }
    }

    pub(super) fn reply(&self) -> EventBody {
        let turn = self.turn();
        let closing = turn.closing.as_ref().expect("only a closing turn replies");
        EventBody::ReplyComposed(ReplyComposed {
            turn: turn.number,
            inputs: turn.input_ids(),
            text: closing.text.clone(),
            ending: closing.ending,
            notices: turn.notices(),
            unapproved: turn.unapproved.clone(),
            took_ms: 0,
            unasked: false,
            deliveries: Vec::new(),
        })
    }
}
