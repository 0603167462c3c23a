//! `ask_user`: a question of the model's to a person.
//! Invariant: it is asked as every question is, and never run; the answer is the call's outcome.
//! It must not know who is asked, nor where.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use corvid_core::wire::{Effect, Inquiry};
use corvid_core::{Checked, Invocation, Tool, ToolError, ToolOutput, ToolSpec};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::arguments;
use crate::config::Config;

/// The longest question, in characters.
const QUESTION_CHARS: usize = 4_000;

/// The most choices.
const CHOICES: usize = 8;

/// The longest choice, in characters: it must fit a button.
const CHOICE_CHARS: usize = 80;

/// Asks a person.
pub(crate) struct AskUser {
    spec: ToolSpec,
    config: Arc<Config>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    question: String,
    /// To pick from; any other answer is possible too.
    choices: Option<Vec<String>>,
}

impl AskUser {
    pub(crate) fn new(config: Arc<Config>) -> Self {
        Self {
            spec: ToolSpec {
                name: "ask_user".to_owned(),
                description: "Ask the person and wait for the answer. Only for what you cannot find out or decide."
                    .to_owned(),
                parameters: arguments::schema::<Arguments>(),
            },
            config,
        }
    }

    fn inquiry(&self, given: &Value) -> Result<Inquiry, String> {
        let asked: Arguments = arguments::read(&self.spec.parameters, given)?;
        let text = asked.question.trim();
        let length = text.chars().count();
        if !(1..=QUESTION_CHARS).contains(&length) {
            return Err(format!(
                "argument `question` has {length} characters; it must have 1 to {QUESTION_CHARS}"
            ));
        }
        let choices: Vec<_> = asked.choices.unwrap_or_default();
        let choices: Vec<_> = choices.iter().map(|choice| choice.trim()).collect();
        if choices.len() > CHOICES {
            let given = choices.len();
            return Err(format!(
                "argument `choices` has {given} items; at most {CHOICES} are shown"
            ));
        }
        for (index, choice) in choices.iter().enumerate() {
            let length = choice.chars().count();
            if !(1..=CHOICE_CHARS).contains(&length) || choice.contains('\n') {
                return Err(format!(
                    "argument `choices[{index}]` must be one line of 1 to {CHOICE_CHARS} characters; it has {length}"
                ));
            }
            if choices[..index].contains(choice) {
                return Err(format!("argument `choices` has {choice:?} twice"));
            }
        }
        Ok(Inquiry {
            text: text.to_owned(),
            choices: choices.into_iter().map(str::to_owned).collect(),
        })
    }
}

#[async_trait]
impl Tool for AskUser {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn check(&self, given: &Value, _working_dir: &Path) -> Result<Checked, String> {
        let inquiry = self.inquiry(given)?;
        Ok(Checked {
            inquiry: Some(inquiry),
            ..self.config.checked(Effect::Idempotent, String::new())
        })
    }

    async fn run(&self, _call: &Invocation) -> Result<ToolOutput, ToolError> {
        // Whoever runs it has taken a question for an act.
        Err(ToolError::Fatal(
            "a question to a person was run as if it were a command".to_owned(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn inquiry(given: &Value) -> Result<Inquiry, String> {
        AskUser::new(Arc::new(Config::default())).inquiry(given)
    }

    #[test]
    fn a_question_is_what_was_asked() {
        let asked = json!({ "question": " Which? ", "choices": ["the left", " right "] });
        let expect = Inquiry {
            text: "Which?".to_owned(),
            choices: vec!["the left".to_owned(), "right".to_owned()],
        };
        assert_eq!(inquiry(&asked), Ok(expect));
        let open = inquiry(&json!({ "question": "ä".repeat(QUESTION_CHARS) }));
        assert!(open.is_ok_and(|inquiry| inquiry.choices.is_empty()));
    }

    #[test]
    fn a_question_that_no_person_could_answer_is_refused() {
        let check = |given: Value, expect: &str| {
            assert_eq!(inquiry(&given), Err(expect.to_owned()), "{given}");
        };
        check(
            json!({ "question": " \n" }),
            "argument `question` has 0 characters; it must have 1 to 4000",
        );
        check(
            json!({ "question": "x".repeat(4_001) }),
            "argument `question` has 4001 characters; it must have 1 to 4000",
        );
        check(
            json!({ "question": "?", "choices": ["1", "2", "3", "4", "5", "6", "7", "8", "9"] }),
            "argument `choices` has 9 items; at most 8 are shown",
        );
        check(
            json!({ "question": "?", "choices": ["a", ""] }),
            "argument `choices[1]` must be one line of 1 to 80 characters; it has 0",
        );
        check(
            json!({ "question": "?", "choices": ["a\nb"] }),
            "argument `choices[0]` must be one line of 1 to 80 characters; it has 3",
        );
        check(
            json!({ "question": "?", "choices": ["a", "b", "a "] }),
            "argument `choices` has \"a\" twice",
        );
        check(
            json!({ "question": "?", "choices": "a" }),
            "argument `choices` is the text \"a\"; it must be a list, each item text",
        );
        check(
            json!({ "question": "?", "choices": ["a", 1] }),
            "argument `choices[1]` is the number 1; it must be text",
        );
    }
}
