//! Questions to people: whether a call may run, and what the model wants to know.
//! Invariant: a question names whom it asks, shows all of what an answer would allow, and has one answer.
//! It must not know how a question is shown.

use serde::{Deserialize, Serialize};

use super::input::Admission;
use crate::id::{CallId, Millis, QuestionId};
use crate::message::{Address, Part, Person, Requester, Role};

/// A durable question about one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The question.
    pub question: QuestionId,
    /// The call that waits for its answer.
    pub call: CallId,
    /// What is asked.
    pub subject: Subject,
    /// The conversations in which it is shown: those that the turn answers.
    pub shown_in: Vec<Address>,
    /// Who may answer, beside the owners, who always may.
    pub to: Vec<Person>,
    /// When it is too late: an approval is then denied, a question left unanswered.
    pub expires_at: Millis,
}

/// What a question is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "subject", rename_all = "snake_case")]
pub enum Subject {
    /// May this call run?
    Approval(Approval),
    /// The model asks a person something (`ask_user`).
    Inquiry(Inquiry),
}

/// What a person is asked to allow: exactly this, and nothing that differs in a byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The tool, e.g. `system.run`.
    pub tool: String,
    /// The rule that says to ask.
    pub rule: String,
    /// Why it says so, one sentence.
    pub reason: String,
    /// What would happen, whole.
    pub card: Card,
    /// SHA-256, hex, over requester, tool, working folder and what the tool binds itself to (command line,
    /// environment, grants; hashes of a file before and after).
    pub binding: String,
    /// Whether it may be allowed for the rest of the session. Never for what can do something else under the
    /// same bytes: shells, interpreters, wrappers, programs that go by files in the folder.
    pub repeatable: bool,
}

/// What would happen, whole, for a person to read. Untrusted text: whoever shows it makes it inert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// One line: what kind of thing, e.g. `run a command with network access`.
    pub title: String,
    /// What else there is to know: name and value, e.g. `network` and `crates.io`; in the order to be shown.
    pub facts: Vec<(String, String)>,
    /// The command or the change, whole.
    pub body: String,
    /// How `body` is to be read.
    pub form: CardForm,
}

/// How a card's body is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardForm {
    /// A command line.
    Command,
    /// A unified diff.
    Diff,
    /// Anything else.
    Text,
}

/// What the model wants to know of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inquiry {
    /// The question in markdown.
    pub text: String,
    /// What may be chosen from; anything else may be answered too. Empty for an open question.
    pub choices: Vec<String>,
}

impl Inquiry {
    /// What an answer in words says: a choice where it names one or gives its number, counted from 1 as they are shown,
    /// else the words themselves. A choice that is a number itself means itself.
    pub fn chosen<'a>(&'a self, text: &'a str) -> &'a str {
        let text = text.trim();
        let same = self.choices.iter().find(|choice| choice.trim() == text);
        let numbered = || {
            let number: usize = text.parse().ok()?;
            self.choices.get(number.checked_sub(1)?)
        };
        same.or_else(numbered).map_or(text, String::as_str)
    }
}

/// An answer to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// The call may run.
    Allow {
        /// How far that goes.
        scope: Scope,
    },
    /// The call may not run.
    Deny {
        /// Why, for the model; may be empty.
        reason: String,
    },
    /// What the model wanted to know.
    Text {
        /// The text.
        text: String,
    },
}

/// How far an approval goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// For this call.
    Once,
    /// For whatever has the same binding in this session.
    Session,
    /// For this call, since the same was allowed for the session before.
    Earlier,
}

/// Who answered, as the one place that authorizes saw them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answerer {
    /// Through which channel.
    pub channel: String,
    /// Who.
    pub person: Requester,
}

impl Question {
    /// Whether this person may answer.
    pub fn may_be_answered_by(&self, answerer: &Answerer) -> bool {
        answerer.person.role == Role::Owner
            || self.to.iter().any(|person| {
                (&person.channel, &person.id) == (&answerer.channel, &answerer.person.id)
            })
    }

    /// What a message says to this question while it is open: the text answers an inquiry, and is the reason
    /// why an approval is denied. None if it is not from somebody who may answer, says nothing, or corrects what was
    /// said before.
    pub fn answered_by(&self, admission: &Admission) -> Option<(Answer, Answerer)> {
        let by = admission.answerer()?;
        let said: Vec<&str> = admission.parts.iter().map(Part::own_words).collect();
        let text = said.join("\n\n").trim().to_owned();
        let corrects = admission.replaces.is_some();
        if text.is_empty() || corrects || !self.may_be_answered_by(&by) {
            return None;
        }
        let answer = match self.subject {
            Subject::Approval(_) => Answer::Deny { reason: text },
            Subject::Inquiry(_) => Answer::Text { text },
        };
        Some((answer, by))
    }

    /// The approval, if it is one.
    pub fn approval(&self) -> Option<&Approval> {
        match &self.subject {
            Subject::Approval(approval) => Some(approval),
            Subject::Inquiry(_) => None,
        }
    }

    /// Whether this is a way to answer it.
    pub fn takes(&self, answer: &Answer) -> bool {
        match (&self.subject, answer) {
            (Subject::Approval(approval), Answer::Allow { scope }) => {
                *scope == Scope::Once || approval.repeatable
            }
            (Subject::Approval(_), Answer::Deny { .. })
            | (Subject::Inquiry(_), Answer::Text { .. } | Answer::Deny { .. }) => true,
            (Subject::Approval(_), Answer::Text { .. })
            | (Subject::Inquiry(_), Answer::Allow { .. }) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_named_or_numbered() {
        let check = |choices: &[&str], text: &str, expect: &str| {
            let inquiry = Inquiry {
                text: "which?".to_owned(),
                choices: choices.iter().map(ToString::to_string).collect(),
            };
            assert_eq!(inquiry.chosen(text), expect, "{choices:?}, {text:?}");
        };
        check(&["left", "right"], " right\n", "right");
        check(&["left", "right"], "2", "right");
        check(&["left", "right"], "3", "3");
        check(&["left", "right"], "0", "0");
        check(&[], "1", "1");
        // A choice that is a number means itself, wherever it stands.
        check(&["2", "1"], "1", "1");
    }
}
