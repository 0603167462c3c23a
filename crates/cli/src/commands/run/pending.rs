//! What a message does to a question that is open in its session, said before it does it.
//! Invariant: what is said here is what the journal's own rule makes of the message.
//! It must not know how a question is answered otherwise.

use corvid_channels::terminal;
use corvid_core::wire::{Millis, Question, SessionId, Subject};
use corvid_gateway::Target;
use corvid_store::Store;

use crate::args::Run;

/// One line for each question that the message will answer, as every new message to the session does.
///
/// # Errors
/// If the store cannot be read.
pub(super) async fn lines(
    arguments: &Run,
    store: &Store,
    target: &Target,
    user: u32,
    now: Millis,
) -> anyhow::Result<Vec<String>> {
    let (Target::Existing(session) | Target::Session(session)) = target else {
        return Ok(Vec::new());
    };
    if let Some(key) = &arguments.id {
        let admitted = store.input(terminal::NAME, &user.to_string(), key).await?;
        // The same message again says nothing new.
        if admitted.is_some() {
            return Ok(Vec::new());
        }
    }
    let open = store.open_questions(Some(session)).await?;
    let said = open.iter().map(|row| {
        let question = &row.question;
        match &question.subject {
            Subject::Approval(approval) => denied(session, question, &approval.card.title, now),
            Subject::Inquiry(_) => format!(
                "note: this message answers the open question `{}`",
                question.question
            ),
        }
    });
    Ok(said.collect())
}

fn denied(session: &SessionId, question: &Question, title: &str, now: Millis) -> String {
    let id = &question.question;
    let what = format!("what session `{session}` asks ({id}: {title})");
    if question.expires_at <= now {
        return format!("note: this message denies {what}, whose time is up, and is the reason");
    }
    format!(
        "note: this message denies {what} and is the reason; to allow it, `agent approvals approve {id}` first"
    )
}

#[cfg(test)]
mod tests {
    use corvid_core::wire::{CallId, Inquiry, QuestionId};

    use super::*;

    #[test]
    fn only_what_may_still_be_approved_is_offered() {
        let call = CallId {
            turn: 1,
            step: 0,
            index: 0,
        };
        let question = Question {
            question: QuestionId::new("q-1"),
            call,
            subject: Subject::Inquiry(Inquiry {
                text: String::new(),
                choices: Vec::new(),
            }),
            shown_in: Vec::new(),
            to: Vec::new(),
            expires_at: 1_000,
        };
        let said = |now| denied(&SessionId::new("x"), &question, "run a command", now);
        assert!(said(999).contains("`agent approvals approve q-1` first"));
        assert_eq!(
            said(1_000),
            "note: this message denies what session `x` asks (q-1: run a command), whose time is up, and is the \
             reason"
        );
    }
}
