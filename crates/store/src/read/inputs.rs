//! Reading the inputs that wait for an answer.
//! Invariant: who asked, and where, comes from the admission's event alone; a conversation that has moved is named
//! by where it is now.
//! It must not know what answers an input.

use std::collections::HashMap;

use corvid_core::wire::{Address, EventBody, InputId, JobId, Millis, Requester, SessionId};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::Readers;
use super::journal::{Encoded, misplaced};
use crate::error::StoreError;

/// An input that no reply has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenInput {
    /// Its session.
    pub session: SessionId,
    /// The input.
    pub input: InputId,
    /// Where it came from, by where that conversation is now.
    pub origin: Address,
    /// The channel's id of it.
    pub external_id: String,
    /// Who asked.
    pub requester: Requester,
    /// When it was admitted.
    pub at: Millis,
    /// The job whose end it tells; none for what a person said.
    pub job: Option<JobId>,
}

macro_rules! select_open {
    ($rest:literal) => {
        concat!(
            "SELECT i.session, i.at, e.kind, e.version, e.payload, ",
            "(SELECT json_group_object(m.conversation, m.target) FROM moved AS m ",
            "WHERE m.channel = i.channel AND m.account = i.account) ",
            "FROM input AS i JOIN event AS e ON e.session = i.session AND e.seq = i.seq ",
            "WHERE i.answered_by IS NULL AND ",
            $rest
        )
    };
}

const OF_ACCOUNT: &str =
    select_open!("i.channel = $1 AND i.account = $2 ORDER BY i.at, i.session, i.seq");

const OF_SESSION: &str = select_open!("i.session = $1 ORDER BY i.seq");

impl Readers {
    /// The open inputs from an account's conversations, the oldest first.
    pub(crate) async fn open_inputs(
        &self,
        channel: &str,
        account: &str,
    ) -> Result<Vec<OpenInput>, StoreError> {
        let values = vec![channel.into(), account.into()];
        self.ask(OF_ACCOUNT, values, read).await
    }

    /// The open inputs of a session, the oldest first.
    pub(crate) async fn session_open_inputs(
        &self,
        session: &SessionId,
    ) -> Result<Vec<OpenInput>, StoreError> {
        let values = vec![session.as_str().into()];
        self.ask(OF_SESSION, values, read).await
    }
}

fn read(row: &SqliteRow) -> Result<OpenInput, sqlx::Error> {
    let admission = match Encoded::of(row, 2)?.decode()? {
        EventBody::InputAdmitted(admission) => admission,
        other => return Err(misplaced("an input", other.kind())),
    };
    let mut moved: HashMap<String, String> =
        serde_json::from_str(row.try_get(5)?).map_err(|error| sqlx::Error::Decode(error.into()))?;
    let mut origin = admission.origin;
    if let Some(target) = moved.remove(&origin.conversation) {
        origin.conversation = target;
    }
    Ok(OpenInput {
        session: SessionId::new(row.try_get::<String, _>(0)?),
        input: admission.input,
        origin,
        external_id: admission.external_id,
        requester: admission.requester,
        at: row.try_get(1)?,
        job: admission.job,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::plan;

    #[tokio::test]
    async fn what_waits_is_found_without_a_look_at_what_was_answered() {
        let check = async |question: &str, index: &str| {
            let plan = plan(question).await;
            let found = plan.iter().any(|line| line.contains(index));
            let looks_through = plan.iter().any(|line| line.starts_with("SCAN"));
            assert!(found && !looks_through, "{plan:#?}");
        };
        check(OF_ACCOUNT, "input_waiting (channel=? AND account=?)").await;
        check(OF_SESSION, "input_open (session=?)").await;
    }
}
