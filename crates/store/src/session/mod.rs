//! Sessions beside their journal: what was chosen for them, who speaks in them, what they cost, and their deletion.
//! Invariant: what can be told from events is told from events.
//! It must not know lanes.

mod delete;

use corvid_core::wire::{Person, SessionId, Usage};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::error::StoreError;
use crate::people::named;
use crate::read::{SessionRow, select_session, session};
use crate::store::Store;

pub use delete::Deletion;
pub(crate) use delete::{delete_statements, rest_of};

/// What a session's people chose for its next turns; none means what is usual.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// The model, `provider/model`.
    pub model: Option<String>,
    /// The working folder, absolute.
    pub working_dir: Option<String>,
}

/// What a session's model calls used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Tokens.
    pub usage: Usage,
    /// Model calls that were answered.
    pub calls: u64,
    /// Turns begun.
    pub turns: u32,
}

const CHOICES: &str = "SELECT model, working_dir FROM chosen WHERE session = $1";

const CHOOSE: &str = "INSERT INTO chosen (session, model, working_dir) VALUES ($1, $2, $3) \
     ON CONFLICT (session) DO UPDATE SET model = excluded.model, working_dir = excluded.working_dir";

const SESSIONS_OF: &str = select_session!(
    "WHERE id IN (SELECT session FROM speaker WHERE speaker.channel = $1 AND person = $2) \
     ORDER BY last_at DESC, id LIMIT $3"
);

const SPOKE: &str =
    "SELECT 1 FROM speaker WHERE channel = $1 AND person = $2 AND session = $3 LIMIT 1";

/// Added up where the events are, so that no answer's text is carried out of the file; in the payload's first shape.
const SPENT: &str = "SELECT count(e.seq), coalesce(sum(e.payload ->> '$.usage.input_tokens'), 0), \
     coalesce(sum(e.payload ->> '$.usage.cached_tokens'), 0), coalesce(sum(e.payload ->> '$.usage.output_tokens'), 0), \
     coalesce((SELECT turns FROM session WHERE id = $1), 0) \
     FROM event AS e WHERE e.session = $1 AND e.kind = 'model.answered'";

impl Store {
    /// What was chosen for a session.
    pub async fn choices(&self, session: &SessionId) -> Result<Choices, StoreError> {
        let values = vec![session.as_str().into()];
        let chosen = self.readers().ask_one(CHOICES, values, choices).await?;
        Ok(chosen.unwrap_or_default())
    }

    /// Chooses for a session, in the stead of everything that was chosen before. The session need not be there yet.
    pub async fn choose(&self, session: &SessionId, choices: &Choices) -> Result<(), StoreError> {
        let values = vec![
            session.as_str().into(),
            choices.model.as_deref().into(),
            choices.working_dir.as_deref().into(),
        ];
        self.edit(CHOOSE, values).await.map(|_| ())
    }

    /// The sessions in which this person has said something, the ones that were active last first.
    pub async fn sessions_of(
        &self,
        person: &Person,
        limit: u32,
    ) -> Result<Vec<SessionRow>, StoreError> {
        let mut values = named(person);
        values.push(limit.into());
        self.readers().ask(SESSIONS_OF, values, session).await
    }

    /// Whether this person has said something in a session.
    pub async fn spoke_in(&self, session: &SessionId, person: &Person) -> Result<bool, StoreError> {
        let mut values = named(person);
        values.push(session.as_str().into());
        let spoke = self.readers().ask_one(SPOKE, values, |_| Ok(())).await?;
        Ok(spoke.is_some())
    }

    /// What a session has used since its first turn; reads the whole session.
    pub async fn spent(&self, session: &SessionId) -> Result<Spent, StoreError> {
        let values = vec![session.as_str().into()];
        let spent = self.readers().ask_apart(SPENT, values, spent).await?;
        Ok(spent.into_iter().next().unwrap_or_default())
    }
}

fn choices(row: &SqliteRow) -> Result<Choices, sqlx::Error> {
    Ok(Choices {
        model: row.try_get(0)?,
        working_dir: row.try_get(1)?,
    })
}

fn spent(row: &SqliteRow) -> Result<Spent, sqlx::Error> {
    let number = |column: usize| row.try_get::<i64, _>(column).map(i64::cast_unsigned);
    Ok(Spent {
        calls: number(0)?,
        usage: Usage {
            input_tokens: number(1)?,
            cached_tokens: number(2)?,
            output_tokens: number(3)?,
        },
        turns: row.try_get(4)?,
    })
}

#[cfg(test)]
mod tests {
    use corvid_core::wire::KINDS;

    use super::*;
    use crate::open::plan;

    #[test]
    fn answers_are_added_up_in_the_shape_in_which_they_are_written() {
        let answered = KINDS.iter().find(|(kind, _)| *kind == "model.answered");
        assert_eq!(answered, Some(&("model.answered", 1)), "see `SPENT`");
    }

    #[tokio::test]
    async fn a_persons_sessions_are_found_by_the_person() {
        let plan = plan(SESSIONS_OF).await;
        let found = plan
            .iter()
            .any(|line| line.contains("(channel=? AND person=?)"));
        assert!(found, "{plan:#?}");
    }
}
