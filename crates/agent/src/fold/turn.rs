//! The running turn: its step, its calls, its counters.
//! Invariant: it is asking the model, or working on calls, or closing; exactly one of the three leads on.
//! It must not know the events' encoding.

use std::sync::Arc;

use corvid_core::Message;
use corvid_core::wire::{
    Admission, CallId, CallStatus, Ending, Finish, InputId, Limits, Millis, ModelAnswer, Part,
    TurnStart, Verdict,
};

use super::call::{Call, CallState};

/// Error results that a model gets for malformed calls before the turn ends (PROTOCOLS, "Model providers").
const MALFORMED_CALLS: u32 = 3;
/// Times that the very same call may come in a row before it is refused.
const SAME_CALLS: u32 = 3;

/// A turn from its first input to its reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// The number in the session, from 1.
    pub number: u32,
    /// The inputs that it will answer, the one that started it first.
    pub inputs: Vec<Admission>,
    /// When it started.
    pub started_at: Millis,
    /// The model, `provider/model`.
    pub model: String,
    /// The limits.
    pub limits: Limits,
    /// Its own transcript so far.
    pub messages: Vec<Arc<Message>>,
    /// The step, from 1.
    pub step: u32,
    /// The model call of this step.
    pub asking: Asking,
    /// The calls of this step; empty while the model is asked.
    pub calls: Vec<Call>,
    /// How it will end, once that is clear.
    pub closing: Option<Closing>,
    /// What the person should know beside the reply.
    pub notices: Vec<String>,
    /// How often the context was found too long.
    pub context_cuts: u32,
    /// How often it was parked.
    pub parked: u32,
    crashes: u32,
    malformed: u32,
    empties: u32,
    partial: String,
    continued: bool,
    same: SameCall,
}

/// The model call of a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asking {
    /// The attempt that is under way or comes next, from 1.
    pub attempt: u32,
    /// Whether it was requested and nothing has ended it.
    pub requested: bool,
    /// Attempts that failed at this step since it was last parked.
    pub failures: u32,
    /// Earliest time of the next attempt, 0 for at once.
    pub not_before: Millis,
    /// What the last failure said.
    pub failure: String,
}

/// How a turn ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Closing {
    /// How.
    pub ending: Ending,
    /// The reply.
    pub text: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct SameCall {
    name: String,
    arguments: String,
    count: u32,
    refused: u32,
}

impl Turn {
    pub(super) fn new(start: &TurnStart, started_at: Millis, inputs: Vec<Admission>) -> Self {
        let messages = inputs.iter().map(user_message).collect();
        Self {
            number: start.turn,
            inputs,
            started_at,
            model: start.model.clone(),
            limits: start.limits,
            messages,
            step: 1,
            asking: Asking {
                attempt: 1,
                ..Asking::default()
            },
            calls: Vec::new(),
            closing: None,
            notices: Vec::new(),
            context_cuts: 0,
            parked: 0,
            crashes: 0,
            malformed: 0,
            empties: 0,
            partial: String::new(),
            continued: false,
            same: SameCall::default(),
        }
    }

    /// The ids of the inputs that it will answer.
    pub fn input_ids(&self) -> Vec<InputId> {
        self.inputs
            .iter()
            .map(|input| input.input.clone())
            .collect()
    }

    /// The call of this id in the running step.
    pub fn call(&self, id: CallId) -> Option<&Call> {
        self.calls.iter().find(|call| call.asked.id == id)
    }

    /// Whether this very call has come so often in a row that it is to be refused now.
    pub fn is_repeated(&self, name: &str, arguments: &str) -> bool {
        self.same.name == name
            && self.same.arguments == arguments
            && self.same.count + 1 >= SAME_CALLS
    }

    /// Whether an input may still join.
    pub fn takes_steers(&self) -> bool {
        self.closing
            .as_ref()
            .is_none_or(|closing| closing.ending == Ending::Answered)
    }

    pub(super) fn steer(&mut self, inputs: Vec<Admission>) {
        self.messages.extend(inputs.iter().map(user_message));
        self.inputs.extend(inputs);
        if self.closing.take().is_some() {
            self.next_step();
        }
    }

    pub(super) fn close(&mut self, ending: Ending, text: impl Into<String>) {
        if self.closing.is_none() {
            self.closing = Some(Closing {
                ending,
                text: text.into(),
            });
        }
    }

    /// A person's stop goes before whatever the turn was about to say.
    pub(super) fn stop(&mut self) {
        self.closing = Some(Closing {
            ending: Ending::Stopped,
            text: "Stopped.".to_owned(),
        });
    }

    pub(super) fn request(&mut self, attempt: u32) {
        self.asking.attempt = attempt;
        self.asking.requested = true;
    }

    pub(super) fn answered(&mut self, answer: &ModelAnswer) {
        self.asking.requested = false;
        self.crashes = 0;
        let empty = answer.text.trim().is_empty();
        if !(empty && answer.calls.is_empty()) {
            self.messages.push(Arc::new(Message::Assistant {
                text: answer.text.clone(),
                calls: answer.calls.clone(),
            }));
        }
        if !answer.calls.is_empty() {
            self.empties = 0;
            self.calls = answer.calls.iter().cloned().map(Call::new).collect();
            return;
        }
        match answer.finish {
            Finish::Declined => self.close(Ending::Declined, answer.text.clone()),
            Finish::Length | Finish::ContentFilter if !self.continued && !empty => {
                self.continued = true;
                self.partial.clone_from(&answer.text);
                self.nudge("Your answer was cut off. Go on exactly where it stopped.");
            }
            Finish::Length | Finish::ContentFilter => {
                let why = if answer.finish == Finish::Length {
                    "the answer ran into the model's output limit"
                } else {
                    "the provider's content filter cut the answer"
                };
                self.notices.push(why.to_owned());
                self.reply(&answer.text);
            }
            Finish::Stop | Finish::ToolCalls if empty => self.empty(),
            Finish::Stop | Finish::ToolCalls => self.reply(&answer.text),
        }
    }

    fn reply(&mut self, text: &str) {
        let whole = std::mem::take(&mut self.partial) + text;
        self.close(Ending::Answered, whole);
    }

    fn empty(&mut self) {
        self.empties += 1;
        if self.empties == 1 {
            self.nudge("Your answer was empty. Answer the person, or say what stops you.");
        } else {
            let text =
                "The model gave no answer, twice in a row. Try again or choose another model.";
            self.close(Ending::Limited, text);
        }
    }

    fn nudge(&mut self, text: &str) {
        self.messages.push(Arc::new(Message::User {
            text: text.to_owned(),
        }));
        self.next_step();
    }

    pub(super) fn decided(&mut self, id: CallId) {
        let Some(call) = self.calls.iter().find(|call| call.asked.id == id) else {
            return;
        };
        let (name, arguments) = (call.asked.name.clone(), call.asked.arguments.clone());
        let verdict = call.decision.as_ref().map(|decision| &decision.verdict);
        let malformed = matches!(verdict, Some(Verdict::Invalid { .. }));
        let refused = matches!(verdict, Some(Verdict::Repeated { .. }));
        self.malformed = if malformed { self.malformed + 1 } else { 0 };
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
        if self.malformed > MALFORMED_CALLS {
            let text = format!(
                "Stopped: the model wrote {} malformed tool calls in a row.",
                self.malformed
            );
            self.close(Ending::Limited, text);
        } else if self.same.refused > 1 {
            let text = format!(
                "Stopped: the model keeps asking for the same `{}` call.",
                self.same.name
            );
            self.close(Ending::Limited, text);
        }
    }

    /// Moves on once every call has its outcome.
    pub(super) fn settle_step(&mut self) {
        if self.calls.is_empty() || !self.calls.iter().all(Call::settled) {
            return;
        }
        let fatal = self.calls.iter().find_map(|call| match &call.state {
            CallState::Settled(outcome) if outcome.status == CallStatus::Fatal => {
                Some(format!("`{}` failed: {}", call.asked.name, outcome.text))
            }
            _ => None,
        });
        self.file_results();
        if let Some(text) = fatal {
            self.close(Ending::Failed, text);
        }
        if self.closing.is_none() {
            self.next_step();
        }
    }

    /// Gives every open call an outcome and puts the results into the transcript.
    pub(super) fn end(&mut self, reply: &str) -> Vec<Arc<Message>> {
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

    fn next_step(&mut self) {
        if self.step >= self.limits.max_steps {
            let text = format!(
                "Stopped after {} steps without a final answer. Say \"go on\" to continue.",
                self.step
            );
            self.close(Ending::Limited, text);
            return;
        }
        self.step += 1;
        self.asking = Asking {
            attempt: 1,
            ..Asking::default()
        };
    }

    /// The process that worked on this step is gone.
    pub(super) fn interrupted(&mut self) {
        let mut hit = false;
        if self.asking.requested {
            self.asking.requested = false;
            self.asking.attempt += 1;
            hit = true;
        }
        for call in &mut self.calls {
            hit |= call.interrupt();
        }
        if !hit {
            return;
        }
        self.crashes += 1;
        if self.crashes >= self.limits.attempts {
            let text = format!(
                "Stopped: step {} took the process down {} times.",
                self.step, self.crashes
            );
            self.close(Ending::Crashed, text);
        }
    }
}

fn user_message(input: &Admission) -> Arc<Message> {
    let text: Vec<&str> = input.parts.iter().map(Part::as_text).collect();
    Arc::new(Message::User {
        text: text.join("\n\n"),
    })
}
