//! What an answer of the model leads to: calls, a reply, another step, or the end.
//! Invariant: every answer leads on; a cut or an empty one gets one more chance and is then reported.
//! It must not know how the answer came.

use std::sync::Arc;

use corvid_core::Message;
use corvid_core::wire::{Ending, Finish, ModelAnswer};

use super::Turn;
use crate::fold::Call;

impl Turn {
    pub(in crate::fold) fn answered(&mut self, answer: &ModelAnswer) {
        self.asking.requested = false;
        let empty = answer.text.trim().is_empty();
        if !(empty && answer.calls.is_empty()) {
            self.messages.push(Arc::new(Message::Assistant {
                text: answer.text.clone(),
                calls: answer.calls.clone(),
            }));
        }
        if !answer.calls.is_empty() {
            self.empties = 0;
            self.partial.clear();
            self.calls = answer.calls.iter().cloned().map(Call::new).collect();
        }
        if self.closing.is_some() || !answer.calls.is_empty() {
            return;
        }
        match answer.finish {
            Finish::Declined => self.close(Ending::Declined, answer.text.clone()),
            Finish::Length => {
                self.cut_off(&answer.text, "the answer ran into the model's output limit");
            }
            Finish::ContentFilter => {
                self.cut_off(
                    &answer.text,
                    "the provider's content filter cut the answer off",
                );
            }
            Finish::Stop | Finish::ToolCalls if empty => self.empty(),
            Finish::Stop | Finish::ToolCalls => self.reply(&answer.text),
        }
    }

    /// Goes on once where an answer was cut off; after that, or at the last step, what there is must do.
    fn cut_off(&mut self, text: &str, why: &str) {
        let empty = text.trim().is_empty();
        if !self.continued && self.has_steps_left() {
            self.continued = true;
            text.clone_into(&mut self.partial);
            self.nudge(if empty {
                "Your answer was cut off before it said anything. Answer again, more briefly."
            } else {
                "Your answer was cut off. Go on exactly where it stopped."
            });
        } else if empty && self.partial.is_empty() {
            self.close(Ending::Limited, format!("There is no answer: {why}."));
        } else {
            self.notices.push(why.to_owned());
            self.reply(text);
        }
    }

    fn reply(&mut self, text: &str) {
        let whole = std::mem::take(&mut self.partial) + text;
        self.close(Ending::Answered, whole);
    }

    fn empty(&mut self) {
        self.empties += 1;
        if self.empties == 1 && self.has_steps_left() {
            self.nudge("Your answer was empty. Answer the person, or say what stops you.");
        } else if self.partial.is_empty() {
            let text = "The model gave no answer. Try again or choose another model.";
            self.close(Ending::Limited, text);
        } else {
            self.notices
                .push("the answer was cut off, and the model did not go on".to_owned());
            self.reply("");
        }
    }

    fn nudge(&mut self, text: &str) {
        self.messages.push(Arc::new(Message::User {
            text: text.to_owned(),
            images: Vec::new(),
        }));
        self.next_step();
    }
}
