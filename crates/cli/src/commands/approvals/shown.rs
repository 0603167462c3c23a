//! Questions as a person or a program reads them, and how they stand.
//! Invariant: a question is shown whole or as a line that says so; everything foreign in it is inert.
//! It must not know how a question is answered.

use corvid_channels::inert_line;
use corvid_channels::terminal::{Look, card_lines};
use corvid_core::wire::{Answer, Millis, Scope, Subject};
use corvid_store::{QuestionRow, QuestionState};
use serde_json::json;

use crate::commands::moment;
use crate::config::Environment;
use crate::output::out_look;

/// How much of what is asked a line of the list shows, in characters.
const SHOWN: usize = 60;

/// How a card is laid out where there is no screen.
const PLAIN: Look = Look {
    width: 100,
    color: false,
};

/// An answer as the person gave it.
pub(super) fn told(answer: &Answer) -> String {
    match answer {
        Answer::Allow { scope } => match scope {
            Scope::Once => "allowed once".to_owned(),
            Scope::Session | Scope::Earlier => "allowed for this session".to_owned(),
        },
        Answer::Deny { reason } if reason.is_empty() => "denied".to_owned(),
        Answer::Deny { reason } => format!("denied: {reason}"),
        Answer::Text { text } => format!("answered: {text}"),
    }
}

/// A question as a line of the list.
pub(super) fn listed(row: &QuestionRow, width: usize, now: Millis) -> String {
    let asked = match &row.question.subject {
        Subject::Approval(approval) => {
            format!("{}: {}", approval.card.title, approval.card.body)
        }
        Subject::Inquiry(inquiry) => inquiry.text.clone(),
    };
    let asked = inert_line(asked.trim());
    let mut shown: String = asked.chars().take(SHOWN).collect();
    if shown.len() < asked.len() {
        shown.push('…');
    }
    format!(
        "{}  {:width$}  {:>14}  {shown}\n",
        row.question.question,
        row.session.as_str(),
        left(row.question.expires_at, now),
    )
}

/// How long a question stays open.
fn left(expires_at: Millis, now: Millis) -> String {
    match (expires_at - now) / 1_000 {
        ..=0 => "time is up".to_owned(),
        secs @ 1..=90 => format!("{secs} s left"),
        secs @ 91..=5_400 => format!("{} min left", secs / 60),
        secs => format!("{} h left", secs / 3_600),
    }
}

/// A question whole, and how it stands.
pub(super) fn shown(row: &QuestionRow, now: Millis, environment: &Environment) -> String {
    let question = &row.question;
    let id = &question.question;
    let card = card_lines(question, out_look(environment).unwrap_or(PLAIN));
    let stands = match &row.state {
        QuestionState::Open => match question.subject {
            Subject::Approval(_) => format!(
                "{}; `agent approvals approve {id}` or `agent approvals deny {id} REASON`",
                left(question.expires_at, now)
            ),
            Subject::Inquiry(_) => format!(
                "{}; `agent approvals answer {id} TEXT`",
                left(question.expires_at, now)
            ),
        },
        QuestionState::Answered { answer, at, .. } => {
            format!("{}: {}", moment(*at), inert_line(&told(answer)))
        }
        QuestionState::Expired { at } => format!("{}: its time was up", moment(*at)),
        QuestionState::Closed { at } => format!("{}: its turn ended", moment(*at)),
    };
    format!(
        "{id} · session {} · asked {}\n{card}{stands}\n",
        row.session,
        moment(row.asked_at)
    )
}

/// A question for a program.
pub(super) fn as_json(row: &QuestionRow) -> serde_json::Value {
    let state = match &row.state {
        QuestionState::Open => json!({ "state": "open" }),
        QuestionState::Answered { answer, by, at } => {
            json!({ "state": "answered", "answer": answer, "by": by, "at": at })
        }
        QuestionState::Expired { at } => json!({ "state": "expired", "at": at }),
        QuestionState::Closed { at } => json!({ "state": "closed", "at": at }),
    };
    json!({
        "question": row.question,
        "session": row.session,
        "asked_at": row.asked_at,
        "state": state,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_told_roughly() {
        let check = |secs: i64, expect: &str| assert_eq!(left(secs * 1_000, 0), expect);
        check(-3, "time is up");
        check(0, "time is up");
        check(59, "59 s left");
        check(599, "9 min left");
        check(7_200, "2 h left");
    }
}
