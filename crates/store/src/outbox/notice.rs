//! Notices: what Corvid says beside replies (the answer to a command, a greeting, a file), kept until it is sent.
//! Invariant: the same key is the same notice, whoever posts it how often.
//! It must not know what a notice is about.

use std::path::PathBuf;

use corvid_core::draw;
use corvid_core::faults::crash_point;
use corvid_core::wire::{Address, DeliveryId, Millis, OwnerId};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::error::StoreError;
use crate::store::Store;
use crate::writer::Value;

/// How long a notice is kept after its end, in milliseconds: a month, in which its key is known again.
const KEPT_MS: Millis = 30 * 24 * 3_600_000;

/// A notice to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// What makes it the same notice when it is posted again; unique in the store.
    pub key: String,
    /// Where it goes.
    pub to: Address,
    /// The text in markdown; a file's caption.
    pub text: String,
    /// A file that is sent.
    pub file: Option<PostFile>,
    /// Now.
    pub at: Millis,
}

/// A file to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostFile {
    /// Where it is kept until it is sent, absolute; Corvid's own copy.
    pub path: PathBuf,
    /// The name that the person sees.
    pub name: String,
}

/// Posts the notice of [`post_values`] if a condition holds; returns the id that its key has then.
macro_rules! post_statements {
    ($condition:literal) => {
        concat!(
            "DELETE FROM notice WHERE id IN ",
            "(SELECT id FROM delivery WHERE session IS NULL AND state IN ('sent', 'failed') AND at < $10); ",
            "DELETE FROM delivery WHERE session IS NULL AND state IN ('sent', 'failed') AND at < $10; ",
            "INSERT INTO notice (id, key, text, path, name) SELECT $1, $2, $6, $7, $8 WHERE ",
            $condition,
            " ON CONFLICT (key) DO NOTHING; ",
            "INSERT INTO delivery (id, channel, account, conversation, at, state, owner) ",
            "SELECT id, $3, $4, $5, $9, 'prepared', $11 FROM notice WHERE id = $1; ",
            "SELECT 'notice', id FROM notice WHERE key = $2"
        )
    };
}
pub(crate) use post_statements;

const POST: &str = post_statements!("true");

/// Fails what nobody has begun, or this process has.
const FAIL: &str = "UPDATE delivery SET state = 'failed', owner = NULL, reason = $2 \
     WHERE id = $1 AND session IS NULL AND (state = 'prepared' OR (state = 'sending' AND owner = $3)) RETURNING 1";

impl Store {
    /// Keeps a notice for the outbox. Returns its id, and whether it is new: a notice of the same key is left as
    /// it is, open or ended.
    ///
    /// # Errors
    /// [`StoreError::Failed`] for a file whose path is no text, and those of any write.
    pub async fn post(&self, post: &Post) -> Result<(DeliveryId, bool), StoreError> {
        let id = draw::notice_id();
        let values = post_values(&id, post, self.owner())?;
        crash_point("notice.before_commit");
        let rows = self.edit(POST, values).await?;
        crash_point("notice.after_commit");
        let kept = self.readers().decoded(new_notice(&rows))?;
        let kept = kept.ok_or_else(|| StoreError::Failed(format!("notice `{id}` is not kept")))?;
        let new = kept == id;
        Ok((kept, new))
    }

    /// Ends a notice that failed for good. Nobody else may have begun it.
    ///
    /// # Errors
    /// [`StoreError::Failed`] if it is no open notice in this process's hands, and those of any write.
    pub async fn fail_notice(&self, id: &DeliveryId, reason: &str) -> Result<(), StoreError> {
        let values = vec![
            id.as_str().into(),
            reason.into(),
            self.owner().as_str().into(),
        ];
        if self.edit(FAIL, values).await?.is_empty() {
            return Err(StoreError::not_in_hand(id));
        }
        Ok(())
    }
}

/// The values of [`post_statements`], eleven in number.
///
/// # Errors
/// [`StoreError::Failed`] for a file whose path is no text.
pub(crate) fn post_values(
    id: &DeliveryId,
    post: &Post,
    me: &OwnerId,
) -> Result<Vec<Value>, StoreError> {
    let path = post.file.as_ref().map(|file| &file.path);
    let text = path.map(|path| {
        let shown = path.display();
        path.to_str().ok_or_else(|| {
            StoreError::Failed(format!("the path `{shown}` is not UTF-8; rename the file"))
        })
    });
    Ok(vec![
        id.as_str().into(),
        post.key.as_str().into(),
        post.to.channel.as_str().into(),
        post.to.account.as_str().into(),
        post.to.conversation.as_str().into(),
        post.text.as_str().into(),
        text.transpose()?.into(),
        post.file.as_ref().map(|file| file.name.as_str()).into(),
        post.at.into(),
        post.at.saturating_sub(KEPT_MS).into(),
        me.as_str().into(),
    ])
}

/// The id that [`post_statements`] returned; none if nothing was posted.
fn new_notice(rows: &[SqliteRow]) -> Result<Option<DeliveryId>, sqlx::Error> {
    for row in rows {
        if row.try_get::<&str, _>(0)? == "notice" {
            return Ok(Some(DeliveryId::new(row.try_get::<String, _>(1)?)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::plan;

    #[tokio::test]
    async fn posting_looks_through_no_table() {
        let plan = plan(POST).await;
        let looks_through = |line: &String| line.starts_with("SCAN") && !line.contains("CONSTANT");
        assert!(!plan.iter().any(looks_through), "{plan:#?}");
    }
}
