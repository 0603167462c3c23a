//! What the outside world saw of the calls, and the laws that hold for it.
//! Invariant: a breach is remembered, never repaired.
//! It must not know how the fold came to its actions.

use std::collections::{BTreeMap, BTreeSet};

use corvid_agent::fold::{Action, Call, CallState, State, Turn};
use corvid_core::wire::{
    Answer, CallId, CallKey, Effect, EventBody, InputId, OutcomeAnswer, Verdict,
};

use super::outcomes::ANSWERS;
use super::random::Dice;

/// Retries that a person has the patience for, a call.
const MOST_RETRIES: u32 = 2;

/// Everything that was begun, answered and done.
#[derive(Default)]
pub(super) struct Ledger {
    runs: BTreeMap<CallId, Runs>,
    done: BTreeSet<String>,
    asked: BTreeSet<InputId>,
    answered: BTreeSet<InputId>,
    requested: BTreeSet<(u32, u32, u32)>,
    /// Calls that a person has allowed.
    consents: BTreeSet<CallId>,
    breaches: Vec<String>,
}

/// The runs of one call.
#[derive(Default)]
struct Runs {
    keys: BTreeSet<CallKey>,
    attempt: u32,
    retries: u32,
    /// Somebody who knows has said that it may run once more.
    licensed: bool,
}

impl Ledger {
    /// What broke a law so far, one sentence each.
    pub(super) fn breaches(&self) -> &[String] {
        &self.breaches
    }

    /// The inputs that were admitted and not answered.
    pub(super) fn unanswered(&self) -> Vec<&InputId> {
        self.asked.difference(&self.answered).collect()
    }

    /// An action came to its end: its key must never be due again.
    pub(super) fn done(&mut self, key: String) {
        self.done.insert(key);
    }

    /// The keys among these actions that were done before.
    pub(super) fn done_before(&self, due: &[Action]) -> Vec<String> {
        let keys = due.iter().map(Action::key);
        keys.filter(|key| self.done.contains(key)).collect()
    }

    /// It is known that the call did not happen.
    pub(super) fn not_done(&mut self, call: CallId) {
        self.runs.entry(call).or_default().licensed = true;
    }

    /// A person's answer to "did it happen?".
    pub(super) fn answer(&mut self, call: CallId, mut dice: Dice) -> OutcomeAnswer {
        let runs = self.runs.entry(call).or_default();
        let answer = dice.pick(ANSWERS);
        if answer != OutcomeAnswer::Retry {
            return answer;
        }
        if runs.retries == MOST_RETRIES {
            return OutcomeAnswer::Skip;
        }
        runs.retries += 1;
        runs.licensed = true;
        answer
    }

    /// Looks at an event that is about to be folded into `before`.
    pub(super) fn note(&mut self, before: &State, body: &EventBody) {
        match body {
            EventBody::InputAdmitted(admission) => {
                self.asked.insert(admission.input.clone());
            }
            EventBody::ReplyComposed(reply) => {
                for input in &reply.inputs {
                    if !self.answered.insert(input.clone()) {
                        self.breach(format!("input {input} was answered twice"));
                    }
                }
            }
            EventBody::ModelRequested {
                turn,
                step,
                attempt,
                ..
            } if !self.requested.insert((*turn, *step, *attempt)) => {
                self.breach(format!(
                    "attempt {attempt} at step {turn}.{step} came twice"
                ));
            }
            EventBody::QuestionAnswered {
                question,
                answer: Answer::Allow { .. },
                ..
            } => {
                let open = before.turn.as_ref().and_then(Turn::question);
                if let Some(open) = open.filter(|open| open.question == *question) {
                    self.consents.insert(open.call);
                }
            }
            EventBody::ToolStarted {
                call, key, attempt, ..
            } => self.start(before, *call, key, *attempt),
            _ => {}
        }
    }

    fn start(&mut self, before: &State, id: CallId, key: &CallKey, attempt: u32) {
        let Some((turn, call)) = before
            .turn
            .as_ref()
            .and_then(|turn| Some((turn, turn.call(id)?)))
        else {
            return self.breach(format!("call {id} started outside its step"));
        };
        let verdict = call.decision.as_ref().map(|decision| &decision.verdict);
        let consented = match verdict {
            Some(Verdict::Allow { .. }) => true,
            Some(Verdict::Ask { .. }) => self.consents.contains(&id),
            _ => false,
        };
        if !consented {
            self.breach(format!("call {id} started without consent"));
        }
        if turn.closing.is_some() {
            self.breach(format!("call {id} started in a closing turn"));
        }
        if let Some(breach) = out_of_order(turn, call) {
            self.breach(breach);
        }
        let runs = self.runs.entry(id).or_default();
        let repeated = runs.attempt > 0;
        let harmless = matches!(call.effect(), Effect::Pure | Effect::Idempotent);
        let licensed = std::mem::take(&mut runs.licensed);
        runs.keys.insert(key.clone());
        let mut breaches = Vec::new();
        if repeated && !harmless && !licensed {
            breaches.push(format!("call {id} ran again behind everybody's back"));
        }
        if runs.keys.len() > 1 {
            breaches.push(format!("call {id} ran under two keys"));
        }
        if attempt != runs.attempt + 1 {
            breaches.push(format!(
                "attempt {attempt} at call {id} came after attempt {}",
                runs.attempt
            ));
        }
        runs.attempt = attempt;
        self.breaches.extend(breaches);
    }

    fn breach(&mut self, breach: String) {
        self.breaches.push(breach);
    }
}

/// Only pure calls run beside others, and not too many of them.
fn out_of_order(turn: &Turn, call: &Call) -> Option<String> {
    let id = call.asked.id;
    let is_pure = |call: &&Call| call.effect() == Effect::Pure;
    let earlier = turn.calls.iter().take_while(|other| other.asked.id != id);
    let open: Vec<&Call> = earlier.filter(|other| !other.settled()).collect();
    let beside = is_pure(&call) && open.iter().all(is_pure);
    if !(open.is_empty() || beside) {
        return Some(format!("call {id} overtook another"));
    }
    let running = turn
        .calls
        .iter()
        .filter(|other| matches!(other.state, CallState::Running { .. }))
        .count();
    let most = usize::try_from(turn.limits.parallel_calls).unwrap_or(usize::MAX);
    (running >= most).then(|| format!("call {id} is one too many at once"))
}
