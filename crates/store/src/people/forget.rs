//! Forgetting a person.
//! Invariant: sessions in which anybody else has spoken stay whole.
//! It must not know which conversations a messenger calls private: one in which nobody else has spoken is.

use corvid_core::wire::{Person, SessionId};
use serde_json::{Value as Json, json};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::named;
use crate::error::StoreError;
use crate::session::{Deletion, delete_statements, rest_of};
use crate::store::Store;

/// What was forgotten with a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// The sessions that were deleted whole, since nobody else had spoken in them.
    pub sessions: Vec<SessionId>,
    /// Such sessions that are still there, since an input waits in them or a process is at work: forget again.
    pub busy: Vec<SessionId>,
}

const ALONE: &str = "SELECT DISTINCT session FROM speaker WHERE channel = $1 AND person = $2 AND session NOT IN \
     (SELECT session FROM speaker WHERE (channel, person) IS NOT ($1, $2)) ORDER BY session";

/// The conversations in which only the person `$2 $3` has spoken, as account and conversation.
macro_rules! private {
    () => {
        "(SELECT account, conversation FROM speaker WHERE channel = $2 AND person = $3 EXCEPT \
         SELECT account, conversation FROM speaker WHERE channel = $2 AND person <> $3)"
    };
}

/// The notices in those that have ended.
macro_rules! notices {
    () => {
        concat!(
            "(SELECT id FROM delivery WHERE session IS NULL AND state IN ('sent', 'failed') ",
            "AND channel = $2 AND (account, conversation) IN ",
            private!(),
            ")"
        )
    };
}

const FORGET: &str = concat!(
    "DELETE FROM binding WHERE channel = $2 AND (account, conversation) IN ",
    private!(),
    "; DELETE FROM dead WHERE channel = $2 AND (account, conversation) IN ",
    private!(),
    "; DELETE FROM mark WHERE post IN (SELECT 'notice ' || id FROM notice WHERE id IN ",
    notices!(),
    "); DELETE FROM notice WHERE id IN ",
    notices!(),
    "; DELETE FROM delivery WHERE id IN ",
    notices!(),
    "; DELETE FROM person WHERE channel = $2 AND id = $3; DELETE FROM zone WHERE channel = $2 AND id = $3",
    "; DELETE FROM pairing WHERE channel = $2 AND person = $3; ",
    delete_statements!()
);

impl Store {
    /// Forgets a person: whether they were let in, their time zone and pairing, the bindings and notices of
    /// conversations in which only they have spoken, and the sessions in which only they have. What they said in
    /// sessions with others stays. Files outside the store are the caller's.
    pub async fn forget(&self, person: &Person) -> Result<Forgotten, StoreError> {
        let read = |row: &SqliteRow| row.try_get::<String, _>(0).map(SessionId::new);
        let alone = self.readers().ask_apart(ALONE, named(person), read).await?;
        let mut deletable: Vec<Json> = Vec::new();
        for session in &alone {
            if let Ok(found) = self.deletable(session).await? {
                deletable.push(found);
            }
        }
        let mut values = vec![json!(deletable).to_string().into()];
        values.extend(named(person));
        let rows = self.edit(FORGET, values).await?;
        let sessions = self.gone(&rows)?;
        self.fold().await;
        let mut busy = Vec::new();
        for session in alone {
            if !sessions.contains(&session) && self.is_there(&session).await? {
                busy.push(session);
            }
        }
        Ok(Forgotten { sessions, busy })
    }

    async fn is_there(&self, session: &SessionId) -> Result<bool, StoreError> {
        Ok(!matches!(
            self.deletable(session).await?,
            Err(Deletion::Unknown)
        ))
    }
}
