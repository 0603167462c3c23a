//! The running turn: its step, its calls, its counters.
//! Invariant: it is asking the model, or working on calls, or closing; exactly one of the three leads on.
//! It must not know the events' encoding.

mod answer;
mod calls;

use std::sync::Arc;

use corvid_core::wire::{
    Address, Admission, Ending, Fault, InputId, Limits, Millis, Mode, Part, Patience, TurnStart,
};
use corvid_core::{Image, Message};

use super::call::Call;
use calls::SameCall;

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
    /// How often the context was found too long.
    pub context_cuts: u32,
    /// How often it was parked.
    pub parked: u32,
    /// The newest time that is known to have passed since it started, 0 before the first.
    pub passed: Millis,
    /// What needed an approval that nobody could be asked for, or gave in time, one line each.
    pub unapproved: Vec<String>,
    notices: Vec<String>,
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
}

/// How a turn ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Closing {
    /// How.
    pub ending: Ending,
    /// The reply.
    pub text: String,
}

impl Turn {
    pub(super) fn new(start: &TurnStart, started_at: Millis, inputs: Vec<Admission>) -> Self {
        let messages = user_messages(&inputs);
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
            context_cuts: 0,
            parked: 0,
            passed: 0,
            unapproved: Vec::new(),
            notices: Vec::new(),
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

    /// The conversations that it answers, in the order of asking.
    pub fn conversations(&self) -> Vec<Address> {
        let mut conversations: Vec<Address> = Vec::new();
        for input in &self.inputs {
            if !conversations.contains(&input.origin) {
                conversations.push(input.origin.clone());
            }
        }
        conversations
    }

    /// What the person should know beside the reply: whatever was noted, and what is not known to the end.
    pub fn notices(&self) -> Vec<String> {
        let unknown = self.calls.iter().filter_map(Call::unknown_notice);
        self.notices.iter().cloned().chain(unknown).collect()
    }

    /// Whether an input may join now: the model was not asked yet in this step, or it has answered and a
    /// further step may follow.
    pub fn takes_steers(&self) -> bool {
        match &self.closing {
            None => self.calls.is_empty() && !self.asking.requested,
            Some(closing) => closing.ending == Ending::Answered && self.has_steps_left(),
        }
    }

    /// Whether this input is meant for this turn while it runs: only the same requester steers it. A
    /// requester's id is the channel's, so the same id in another channel is somebody else.
    pub(super) fn is_steered_by(&self, input: &Admission) -> bool {
        input.mode == Mode::Steer
            && self.inputs.first().is_some_and(|first| {
                (&input.requester, &input.origin.channel)
                    == (&first.requester, &first.origin.channel)
            })
    }

    pub(super) fn steer(&mut self, inputs: Vec<Admission>) {
        self.messages.extend(user_messages(&inputs));
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

    /// Whether a person stopped it.
    pub fn is_stopped(&self) -> bool {
        let closing = self.closing.as_ref();
        closing.is_some_and(|closing| closing.ending == Ending::Stopped)
    }

    pub(super) fn request(&mut self, attempt: u32) {
        self.asking.attempt = attempt;
        self.asking.requested = true;
    }

    pub(super) fn failed(&mut self, fault: Fault, message: &str, retry_at: Millis) {
        let asking = &mut self.asking;
        asking.requested = false;
        asking.attempt += 1;
        match fault {
            Fault::Transient => self.try_again(self.asking.failures + 1, message, retry_at),
            Fault::Outage => self.try_again(self.limits.attempts, message, retry_at),
            Fault::ContextExceeded => {
                self.context_cuts += 1;
                if self.context_cuts > 1 {
                    self.close(Ending::Failed, message);
                }
            }
            Fault::Final => self.close(Ending::Failed, message),
        }
    }

    /// Tries the step again at that time, unless so many failures are enough.
    fn try_again(&mut self, failures: u32, message: &str, at: Millis) {
        self.asking.failures = failures;
        self.asking.not_before = at;
        let spent = failures >= self.limits.attempts;
        if spent && self.limits.patience == Patience::GiveUp {
            self.close(Ending::Failed, message);
        }
    }

    /// A time has come: what waits for it goes on, and a question that was open until then is closed.
    pub(super) fn pass(&mut self, time: Millis) {
        self.passed = self.passed.max(time);
        if self.closing.is_none() {
            self.expire_question();
        }
    }

    pub(super) fn park(&mut self, until: Millis) {
        self.parked += 1;
        self.crashes = 0;
        self.asking.failures = 0;
        self.asking.not_before = until;
    }

    fn has_steps_left(&self) -> bool {
        self.step < self.limits.max_steps
    }

    fn next_step(&mut self) {
        if !self.has_steps_left() {
            let text = format!(
                "Stopped after {} steps without a final answer. Say \"go on\" to continue.",
                self.step
            );
            self.close(Ending::Limited, text);
            return;
        }
        self.step += 1;
        self.crashes = 0;
        self.asking = Asking {
            attempt: 1,
            ..Asking::default()
        };
    }

    /// The process that worked on this step is gone.
    pub(super) fn interrupted(&mut self) {
        let mut hit = self.asking.requested;
        if hit {
            self.asking.requested = false;
            self.asking.attempt += 1;
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
        if self.crashes > self.limits.attempts {
            for call in &mut self.calls {
                call.give_up();
            }
        }
    }
}

/// What inputs that are taken up at once say; what a later one of them corrects is left out, be it an original or an
/// earlier correction of the same one.
fn user_messages(inputs: &[Admission]) -> Vec<Arc<Message>> {
    let corrected = |place: usize, input: &Admission| {
        let mut later = inputs.iter().skip(place + 1);
        later.any(|other| {
            other.replaces.as_ref().is_some_and(|replaced| {
                *replaced == input.input || Some(replaced) == input.replaces.as_ref()
            })
        })
    };
    inputs
        .iter()
        .enumerate()
        .filter(|(place, input)| !corrected(*place, input))
        .map(|(_, input)| {
            let original = input.replaces.as_ref();
            let was_said = original
                .is_some_and(|original| !inputs.iter().any(|other| other.input == *original));
            user_message(input, was_said)
        })
        .collect()
}

fn user_message(input: &Admission, corrects_what_was_said: bool) -> Arc<Message> {
    let mark = corrects_what_was_said.then_some("[This corrects an earlier message:]".into());
    let parts = input.parts.iter().map(Part::said);
    let text: Vec<_> = mark.into_iter().chain(parts).collect();
    Arc::new(Message::User {
        text: text.join("\n\n"),
        images: input
            .parts
            .iter()
            .filter_map(|part| image(part, &input.working_dir))
            .collect(),
    })
}

/// A picture that was sent along.
fn image(part: &Part, working_dir: &str) -> Option<Image> {
    match part {
        Part::File {
            path,
            media_type,
            image: true,
            ..
        } => Some(Image {
            folder: working_dir.to_owned(),
            path: path.clone(),
            media_type: media_type.clone(),
        }),
        Part::File { .. } | Part::Text { .. } | Part::Quote { .. } => None,
    }
}
