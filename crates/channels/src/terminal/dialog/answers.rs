//! The ways to answer each kind of question, in one table.
//! Invariant: what a key is said to mean is what it does.
//! It must not know how keys are read.

use corvid_core::wire::{Answer, Approval, Inquiry, OutcomeAnswer, Scope};

use super::{Dialog, Then, Typed, Way};

/// May this call run?
pub(in crate::terminal) fn approval(approval: &Approval) -> Dialog<Answer> {
    let allow = |scope| Then::Say(Answer::Allow { scope });
    let mut ways = vec![Way {
        key: "y",
        words: &["yes", "allow", "allow once"],
        meaning: "allow once",
        then: allow(Scope::Once),
    }];
    if approval.repeatable {
        ways.push(Way {
            key: "s",
            words: &["session", "allow session"],
            meaning: "allow the same for this session",
            then: allow(Scope::Session),
        });
    }
    ways.push(Way {
        key: "n",
        words: &["no", "deny"],
        meaning: "deny",
        then: Then::Type(Typed {
            label: "why not (or just Enter)",
            says: Box::new(|text| Some(denied(text))),
        }),
    });
    ways.push(Way {
        key: "e",
        words: &["else", "instead"],
        meaning: "deny, and say what to do instead",
        then: Then::Type(Typed {
            label: "do instead",
            says: Box::new(|text| (!text.is_empty()).then(|| denied(text))),
        }),
    });
    Dialog::new(ways, None)
}

/// What does the model want to know?
pub(in crate::terminal) fn inquiry(inquiry: &Inquiry) -> Dialog<Answer> {
    let label = if inquiry.choices.is_empty() {
        "your answer"
    } else {
        "a number or your answer"
    };
    let inquiry = inquiry.clone();
    let says = move |text: &str| {
        let text = inquiry.chosen(text);
        (!text.is_empty()).then(|| Answer::Text {
            text: text.to_owned(),
        })
    };
    let typed = Typed {
        label,
        says: Box::new(says),
    };
    Dialog::new(Vec::new(), Some((typed, denied(""))))
}

/// What became of a call?
pub(in crate::terminal) fn outcome() -> Dialog<OutcomeAnswer> {
    let way = |key, words, meaning, answer| Way {
        key,
        words,
        meaning,
        then: Then::Say(answer),
    };
    let ways = vec![
        way("r", &["retry"], "retry it", OutcomeAnswer::Retry),
        way(
            "w",
            &["worked", "it worked"],
            "it worked",
            OutcomeAnswer::Worked,
        ),
        way("s", &["skip"], "skip it", OutcomeAnswer::Skip),
    ];
    Dialog::new(ways, None)
}

fn denied(reason: &str) -> Answer {
    Answer::Deny {
        reason: reason.to_owned(),
    }
}
