//! One group of requests, one transaction.
//! Invariant: each request has an outcome of its own, and one that fails leaves its neighbours as they are; nobody
//! hears of success before COMMIT, and if that fails everybody hears of it.
//! It must not know where requests come from.

use std::path::Path;

use corvid_core::faults::{crash_point, defect};
use corvid_core::wire::OwnerId;
use corvid_core::{AppendError, Appended};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::batch::{Batch, Value};
use super::decide::Prepared;
use super::project::Rows;
use super::request::{DeliveryMark, Request, Swap, answer, refuse_all};
use super::seen::Seen;
use super::snapshot;
use crate::error::StoreError;

/// What became of a group's transaction.
pub(super) struct Written {
    /// Something was committed.
    pub(super) committed: bool,
    /// The connection can take another.
    pub(super) usable: bool,
}

/// The transaction that a group shares.
struct Transaction<'a> {
    connection: &'a mut SqliteConnection,
    path: &'a Path,
    me: &'a OwnerId,
}

/// The whole transaction is gone, neighbours included.
struct Lost(StoreError);

/// The outcomes of a group, in the order of its requests; they hold once the transaction is committed.
#[derive(Default)]
struct Outcomes {
    appends: Vec<Result<Appended, AppendError>>,
    swaps: Vec<Result<bool, StoreError>>,
    edits: Vec<Result<Vec<SqliteRow>, StoreError>>,
}

/// Writes a group and answers each of its requests. `me` is this process.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    path: &Path,
    me: &OwnerId,
    requests: Vec<Request>,
) -> Written {
    let mut transaction = Transaction {
        connection,
        path,
        me,
    };
    match transaction.run(&requests).await {
        Ok((outcomes, committed)) => {
            outcomes.answer(requests);
            Written {
                committed,
                usable: true,
            }
        }
        Err(Lost(error)) => {
            refuse_all(requests, &error);
            // A connection that cannot roll back is in no known state; another will find the store as it was.
            let rolled_back = sqlx::query("ROLLBACK").execute(connection).await;
            Written {
                committed: false,
                usable: rolled_back.is_ok(),
            }
        }
    }
}

impl Outcomes {
    fn answer(self, requests: Vec<Request>) {
        let (mut appends, mut swaps) = (self.appends.into_iter(), self.swaps.into_iter());
        let mut edits = self.edits.into_iter();
        for request in requests {
            match request {
                Request::Append(_, waiter) => answer(waiter, appends.next()),
                Request::Swap(_, waiter) => answer(waiter, swaps.next()),
                Request::Edit(_, waiter) => answer(waiter, edits.next()),
            }
        }
    }
}

impl Transaction<'_> {
    /// Runs the whole transaction; true if there was something to commit.
    async fn run(&mut self, requests: &[Request]) -> Result<(Outcomes, bool), Lost> {
        let (mut appends, mut swaps, mut edits) = (Vec::new(), Vec::new(), Vec::new());
        for request in requests {
            match request {
                Request::Append(prepared, _) => appends.push(&**prepared),
                Request::Swap(swap, _) => swaps.push(swap),
                Request::Edit(edit, _) => edits.push(edit),
            }
        }
        let seen = snapshot::begin(self.connection, &appends).await;
        let seen = seen.map_err(|error| self.lost(&error))?;
        let mut outcomes = Outcomes {
            appends: self.append_all(&appends, seen).await?,
            ..Outcomes::default()
        };
        for swap in swaps {
            let swapped = self.attempt(swap_statement(swap)).await?;
            let swapped = swapped.map(|rows| !rows.is_empty() || defect("drop-delivery-swap"));
            outcomes.swaps.push(swapped);
        }
        for edit in edits {
            let batch = Batch::numbered(edit.sql, edit.values.clone());
            let edited = self.attempt(batch).await?;
            outcomes.edits.push(edited);
        }
        let appended = outcomes.appends.iter().any(Result::is_ok);
        let swapped = outcomes.swaps.contains(&Ok(true));
        // An edit that found nothing to change costs nothing to commit.
        let edited = outcomes.edits.iter().any(Result::is_ok);
        let wrote = appended || swapped || edited;
        self.end(appended, wrote).await?;
        Ok((outcomes, wrote))
    }

    /// Writes the appends that may happen, all at once.
    async fn append_all(
        &mut self,
        appends: &[&Prepared],
        mut seen: Seen,
    ) -> Result<Vec<Result<Appended, AppendError>>, Lost> {
        let mut rows = Rows::default();
        let outcomes: Vec<_> = appends
            .iter()
            .map(|prepared| decide(prepared, self.me, &mut seen, &mut rows))
            .collect();
        let Some(batch) = rows.into_batch() else {
            return Ok(outcomes);
        };
        match self.attempt(batch).await? {
            Ok(_) => Ok(outcomes),
            Err(error) => {
                tracing::warn!(%error, "one of a group failed; each is now written by itself");
                self.append_singly(appends).await
            }
        }
    }

    /// Writes each append under a savepoint of its own, so that the one that fails is told from the others.
    async fn append_singly(
        &mut self,
        appends: &[&Prepared],
    ) -> Result<Vec<Result<Appended, AppendError>>, Lost> {
        let mut outcomes = Vec::with_capacity(appends.len());
        for prepared in appends {
            let seen = snapshot::look(self.connection, &[prepared]).await;
            let mut seen = seen.map_err(|error| self.lost(&error))?;
            let mut rows = Rows::default();
            let mut outcome = decide(prepared, self.me, &mut seen, &mut rows);
            if let Some(batch) = rows.into_batch()
                && let Err(error) = self.attempt(batch).await?
            {
                outcome = Err(error.into());
            }
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    /// Runs statements under a savepoint. After an error nothing of them is left, and what was written before
    /// is as it was.
    async fn attempt(&mut self, batch: Batch) -> Result<Result<Vec<SqliteRow>, StoreError>, Lost> {
        match batch.in_savepoint("attempt").run(self.connection).await {
            Ok(rows) => Ok(Ok(rows)),
            Err(error) => {
                let error = StoreError::of(self.path, &error);
                // Some errors (a full disk, for one) make SQLite roll the whole transaction back by itself.
                let undone = sqlx::raw_sql("ROLLBACK TO attempt; RELEASE attempt")
                    .execute(&mut *self.connection)
                    .await;
                match undone {
                    Ok(_) => Ok(Err(error)),
                    Err(_) => Err(Lost(error)),
                }
            }
        }
    }

    async fn end(&mut self, appended: bool, wrote: bool) -> Result<(), Lost> {
        if appended {
            crash_point("store.before_commit");
        }
        let statement = if wrote { "COMMIT" } else { "ROLLBACK" };
        let ended = sqlx::query(statement).execute(&mut *self.connection).await;
        ended.map_err(|error| self.lost(&error))?;
        if appended {
            crash_point("store.after_commit");
        }
        Ok(())
    }

    fn lost(&self, error: &sqlx::Error) -> Lost {
        Lost(StoreError::of(self.path, error))
    }
}

/// Decides on one append and, if it may happen, adds what it writes.
fn decide(
    prepared: &Prepared,
    me: &OwnerId,
    seen: &mut Seen,
    rows: &mut Rows,
) -> Result<Appended, AppendError> {
    let place = seen.decide(prepared, me)?;
    rows.add(prepared, place, me, seen);
    Ok(place)
}

fn swap_statement(swap: &Swap) -> Batch {
    let DeliveryMark {
        state,
        owner,
        external_id,
    } = &swap.to;
    let owner_of = |owner: &Option<OwnerId>| Value::from(owner.as_ref().map(OwnerId::as_str));
    let mut batch = Batch::default();
    batch.push(
        "UPDATE delivery SET state = ?, owner = ?, external_id = ? \
         WHERE id = ? AND state = ? AND owner IS coalesce(?, owner) RETURNING 1",
        [
            (*state).into(),
            owner_of(owner),
            Value::from(external_id.as_deref()),
            swap.delivery.as_str().into(),
            swap.from.state.into(),
            owner_of(&swap.from.owner),
        ],
    );
    batch
}
