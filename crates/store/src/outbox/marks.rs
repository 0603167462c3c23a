//! The channels' ids of what was posted.
//! Invariant: a mark that was kept is there after a crash; it goes after a month.
//! It must not know what a post is.

use async_trait::async_trait;
use corvid_core::wire::Millis;
use corvid_core::{Clock as _, Mark, Marks, SystemClock};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::store::Store;

/// How long a mark is kept, in milliseconds: a month.
const KEPT_MS: Millis = 30 * 24 * 3_600_000;

const MARKS: &str = "SELECT part, external_id FROM mark WHERE post = $1 ORDER BY part";

const KEEP: &str = "DELETE FROM mark WHERE at < $5; \
     INSERT INTO mark (post, part, external_id, at) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (post, part) DO UPDATE SET external_id = excluded.external_id, at = excluded.at";

#[async_trait]
impl Marks for Store {
    async fn marks(&self, post: &str) -> Result<Vec<Mark>, String> {
        let marks = self.readers().ask(MARKS, vec![post.into()], read).await;
        marks.map_err(|error| error.to_string())
    }

    async fn mark(&self, post: &str, mark: &Mark) -> Result<(), String> {
        // Nothing is decided by a mark's age, so the machine's own clock will do.
        let now = SystemClock.now();
        let values = vec![
            post.into(),
            mark.part.into(),
            mark.external_id.as_str().into(),
            now.into(),
            now.saturating_sub(KEPT_MS).into(),
        ];
        let kept = self.edit(KEEP, values).await;
        kept.map(|_| ()).map_err(|error| error.to_string())
    }
}

fn read(row: &SqliteRow) -> Result<Mark, sqlx::Error> {
    Ok(Mark {
        part: row.try_get(0)?,
        external_id: row.try_get(1)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::plan;

    #[tokio::test]
    async fn keeping_a_mark_looks_through_no_table() {
        let plan = plan(KEEP).await;
        let looks_through = |line: &String| line.starts_with("SCAN") && !line.contains("CONSTANT");
        assert!(!plan.iter().any(looks_through), "{plan:#?}");
    }
}
