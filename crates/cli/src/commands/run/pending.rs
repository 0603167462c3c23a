//! What a message does to a question that is open in its session, said before it does it.
//! Invariant: what is said here is what the journal's own rule makes of the message.
//! It must not know how a question is answered otherwise.

use corvid_channels::terminal;
use corvid_core::wire::{SessionId, Subject};
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
        let id = &row.question.question;
        match &row.question.subject {
            Subject::Approval(approval) => denied(session, id.as_str(), &approval.card.title),
            Subject::Inquiry(_) => format!("note: this message answers the open question `{id}`"),
        }
    });
    Ok(said.collect())
}

fn denied(session: &SessionId, id: &str, title: &str) -> String {
    format!(
        "note: this message denies what session `{session}` asks ({id}: {title}) and is the reason; to allow it, \
         `agent approvals approve {id}` first"
    )
}
