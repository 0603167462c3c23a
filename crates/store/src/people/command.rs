//! Commands that people give in a chat: each acts at most once, and is answered.
//! Invariant: a command is noted as begun before it acts, and as done together with its answer.
//! It must not know what a command does.

use corvid_core::draw;
use corvid_core::faults::crash_point;
use corvid_core::wire::Millis;
use sqlx::Row as _;

use crate::error::StoreError;
use crate::outbox::{Post, post_statements, post_values};
use crate::store::Store;
use crate::writer::Value;

/// How far a command got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandState {
    /// Nobody had begun it; now it is begun.
    Fresh,
    /// Somebody had begun it and not ended it; whether it acted is not known.
    Begun,
    /// It was done, and its answer kept.
    Done,
}

/// How long a command is known again, in milliseconds: a month.
const KEPT_MS: Millis = 30 * 24 * 3_600_000;

const BEGIN: &str = "DELETE FROM command WHERE at < $5; \
     INSERT INTO command (channel, account, external_id, at, done) VALUES ($1, $2, $3, $4, 0) \
     ON CONFLICT DO NOTHING RETURNING 'fresh', 0; \
     SELECT 'there', done FROM command WHERE channel = $1 AND account = $2 AND external_id = $3";

const END: &str = "UPDATE command SET done = 1 WHERE channel = $1 AND account = $2 AND external_id = $3 RETURNING 'ended'";

const END_WITH_ANSWER: &str = concat!(
    "UPDATE command SET done = 1 WHERE channel = $12 AND account = $13 AND external_id = $14 RETURNING 'ended'; ",
    post_statements!(
        "EXISTS (SELECT 1 FROM command WHERE channel = $12 AND account = $13 AND external_id = $14)"
    )
);

impl Store {
    /// Begins a command, known by the channel's id of the message or press that gave it. Only [`CommandState::Fresh`]
    /// may act.
    pub async fn begin_command(
        &self,
        channel: &str,
        account: &str,
        external_id: &str,
        now: Millis,
    ) -> Result<CommandState, StoreError> {
        let mut values = key(channel, account, external_id);
        values.extend([now.into(), now.saturating_sub(KEPT_MS).into()]);
        let rows = self.edit(BEGIN, values).await?;
        let row = rows.first().ok_or(sqlx::Error::RowNotFound);
        let read = row.and_then(|row| Ok((row.try_get::<String, _>(0)?, row.try_get(1)?)));
        let (word, done): (String, i64) = self.readers().decoded(read)?;
        Ok(match (word.as_str(), done) {
            ("fresh", _) => CommandState::Fresh,
            (_, 0) => CommandState::Begun,
            _ => CommandState::Done,
        })
    }

    /// Ends a command that was begun, and keeps its answer for the outbox in the same moment.
    ///
    /// # Errors
    /// [`StoreError::Failed`] if it was not begun, and those of [`Store::post`].
    pub async fn end_command(
        &self,
        channel: &str,
        account: &str,
        external_id: &str,
        answer: Option<&Post>,
    ) -> Result<(), StoreError> {
        let command = key(channel, account, external_id);
        let rows = match answer {
            Some(post) => {
                let mut values = post_values(&draw::notice_id(), post, self.owner())?;
                values.extend(command);
                crash_point("notice.before_commit");
                let rows = self.edit(END_WITH_ANSWER, values).await?;
                crash_point("notice.after_commit");
                rows
            }
            None => self.edit(END, command).await?,
        };
        let word = rows.first().map(|row| row.try_get::<&str, _>(0));
        match self.readers().decoded(word.transpose())? {
            Some("ended") => Ok(()),
            _ => Err(StoreError::Failed(format!(
                "command `{external_id}` was not begun; begin it first"
            ))),
        }
    }
}

fn key(channel: &str, account: &str, external_id: &str) -> Vec<Value> {
    vec![channel.into(), account.into(), external_id.into()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::plan;

    #[tokio::test]
    async fn a_command_looks_through_no_table() {
        let plan = plan(&[BEGIN, END_WITH_ANSWER].join(";")).await;
        let looks_through = |line: &String| line.starts_with("SCAN") && !line.contains("CONSTANT");
        assert!(!plan.iter().any(looks_through), "{plan:#?}");
    }
}
