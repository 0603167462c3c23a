//! One group of jobs, one transaction.
//! Invariant: each job has a savepoint and an outcome of its own; nobody hears of success before COMMIT, and
//! if that fails everybody hears of it.
//! It must not know where jobs come from.

use std::path::Path;

use corvid_core::faults::{crash_point, defect};
use corvid_core::wire::OwnerId;
use corvid_core::{AppendError, Appended};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::batch::{Batch, Value};
use super::decide::{Prepared, Seen};
use super::job::{DeliveryMark, Job, Settled, Swap, refuse_all};
use super::project::project;
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
    seen: Seen,
}

/// The whole transaction is gone, neighbours included.
struct Lost(StoreError);

/// Writes a group and answers each of its jobs. `me` is this process.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    path: &Path,
    me: &OwnerId,
    jobs: Vec<Job>,
) -> Written {
    let seen = match snapshot::begin(connection, &jobs).await {
        Ok(seen) => seen,
        Err(error) => {
            let error = StoreError::of(path, &error);
            refuse_all(jobs, &error);
            return roll_back(connection).await;
        }
    };
    let mut transaction = Transaction {
        connection,
        path,
        me,
        seen,
    };
    let mut settled = Vec::with_capacity(jobs.len());
    let mut jobs = jobs.into_iter();
    let ended = match transaction.write_all(&mut jobs, &mut settled).await {
        Ok(()) => transaction.end(&settled).await,
        Err(lost) => Err(lost),
    };
    match ended {
        Ok(committed) => {
            for done in settled {
                done.answer();
            }
            Written {
                committed,
                usable: true,
            }
        }
        Err(Lost(error)) => {
            for done in settled {
                done.refuse(&error);
            }
            refuse_all(jobs, &error);
            roll_back(connection).await
        }
    }
}

/// A connection that cannot roll back is in no known state; another one will find the store as it was.
async fn roll_back(connection: &mut SqliteConnection) -> Written {
    let rolled_back = sqlx::query("ROLLBACK").execute(connection).await;
    Written {
        committed: false,
        usable: rolled_back.is_ok(),
    }
}

impl Transaction<'_> {
    async fn write_all(
        &mut self,
        jobs: &mut impl Iterator<Item = Job>,
        settled: &mut Vec<Settled>,
    ) -> Result<(), Lost> {
        for job in jobs {
            let intact = match job {
                Job::Append(prepared, waiter) => {
                    let (outcome, intact) = split(self.append(*prepared).await);
                    settled.push(Settled::Append(waiter, outcome));
                    intact
                }
                Job::Swap(swap, waiter) => {
                    let (outcome, intact) = split(self.swap(&swap).await);
                    settled.push(Settled::Swap(waiter, outcome));
                    intact
                }
            };
            intact?;
        }
        Ok(())
    }

    async fn append(
        &mut self,
        mut prepared: Prepared,
    ) -> Result<Result<Appended, AppendError>, Lost> {
        let place = match self.seen.decide(&prepared, self.me) {
            Ok(place) => place,
            Err(refused) => return Ok(Err(refused)),
        };
        let written = self.run(project(&mut prepared, place)).await?;
        if written.is_ok() {
            self.seen.note(&prepared, place);
        }
        Ok(written.map(|_| place).map_err(Into::into))
    }

    async fn swap(&mut self, swap: &Swap) -> Result<Result<bool, StoreError>, Lost> {
        let swapped = self.run(swap_statement(swap)).await?;
        Ok(swapped.map(|rows| !rows.is_empty() || defect("drop-delivery-swap")))
    }

    /// Runs statements under a savepoint. After an error nothing of them is left, and the neighbours are unharmed.
    async fn run(&mut self, batch: Batch) -> Result<Result<Vec<SqliteRow>, StoreError>, Lost> {
        match batch.in_savepoint("job").run(self.connection).await {
            Ok(rows) => Ok(Ok(rows)),
            Err(error) => {
                let error = StoreError::of(self.path, &error);
                // Some errors (a full disk, for one) make SQLite roll the whole transaction back by itself.
                let undone = sqlx::raw_sql("ROLLBACK TO job; RELEASE job")
                    .execute(&mut *self.connection)
                    .await;
                match undone {
                    Ok(_) => Ok(Err(error)),
                    Err(_) => Err(Lost(error)),
                }
            }
        }
    }

    /// Ends the transaction; true if there was something to commit.
    async fn end(&mut self, settled: &[Settled]) -> Result<bool, Lost> {
        let wrote = settled.iter().any(Settled::wrote);
        let appended = settled.iter().any(Settled::appended);
        if appended {
            crash_point("store.before_commit");
        }
        let statement = if wrote { "COMMIT" } else { "ROLLBACK" };
        sqlx::query(statement)
            .execute(&mut *self.connection)
            .await
            .map_err(|error| Lost(StoreError::of(self.path, &error)))?;
        if appended {
            crash_point("store.after_commit");
        }
        Ok(wrote)
    }
}

/// A job's outcome, and whether the transaction is still there.
fn split<T, E: From<StoreError>>(
    outcome: Result<Result<T, E>, Lost>,
) -> (Result<T, E>, Result<(), Lost>) {
    match outcome {
        Ok(outcome) => (outcome, Ok(())),
        Err(Lost(error)) => (Err(error.clone().into()), Err(Lost(error))),
    }
}

fn swap_statement(swap: &Swap) -> Batch {
    let DeliveryMark {
        state,
        owner,
        external_id,
        reason,
    } = &swap.to;
    let text = |value: &Option<String>| Value::from(value.as_deref());
    let owner_of = |owner: &Option<OwnerId>| Value::from(owner.as_ref().map(OwnerId::as_str));
    let mut batch = Batch::default();
    batch.push(
        "UPDATE delivery SET state = ?, owner = ?, external_id = ?, reason = ? WHERE id = ? AND state = ? AND owner IS ? RETURNING 1",
        [
            (*state).into(),
            owner_of(owner),
            text(external_id),
            text(reason),
            swap.delivery.as_str().into(),
            swap.from.state.into(),
            owner_of(&swap.from.owner),
        ],
    );
    batch
}
