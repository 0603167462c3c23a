//! The one writer of this process: whatever arrives together shares one transaction.
//! Invariant: at most one group is being written at a time; a request once queued is written and answered even
//! if its caller is gone.
//! It must not know what the requests mean; `group` does.

mod batch;
mod decide;
mod group;
mod job;
mod project;
mod question;
mod request;
mod seen;
mod snapshot;
mod tables;
mod text;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use corvid_core::wire::OwnerId;
use corvid_core::{TaskKind, Tasks};
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{Mutex, MutexGuard, mpsc};

use crate::error::StoreError;
use crate::open;

pub(crate) use batch::{Value, bind};
pub(crate) use decide::Prepared;
pub(crate) use request::{DeliveryMark, Edit, Request, Swap};

/// Requests that may wait; beyond that, callers do.
const QUEUE: usize = 1024;

/// Requests that share one transaction at most, so that the first need not wait long for the last.
const GROUP: usize = 256;

/// Commits after which a process is taken for one that stays and writes much.
const SETTLED: u64 = 64;

/// A handle on the queue.
#[derive(Clone)]
pub(crate) struct Writer {
    requests: mpsc::Sender<Request>,
    tasks: Tasks,
    shared: Arc<Shared>,
}

struct Shared {
    /// Whether a task is at work on the queue. There is none while it is empty, so that a program that ends
    /// waits for what is queued and for nothing else.
    busy: AtomicBool,
    commits: AtomicU64,
    desk: Mutex<Desk>,
}

/// What the task at work needs.
struct Desk {
    requests: mpsc::Receiver<Request>,
    path: PathBuf,
    owner: OwnerId,
    /// None after an error that left it unusable; the next group opens another.
    connection: Option<SqliteConnection>,
}

/// The writer's connection while it has nothing to do.
pub(crate) struct Lent<'a>(MutexGuard<'a, Desk>);

/// Sees to it that a task which panics hands the queue on to another: who is in its group learns that nobody
/// answered, and everybody behind is served.
struct Relay(Writer);

impl Drop for Relay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.shared.busy.store(false, Ordering::SeqCst);
            self.0.begin();
        }
    }
}

impl Lent<'_> {
    /// The connection, outside of any transaction.
    pub(crate) fn connection(&mut self) -> Option<&mut SqliteConnection> {
        self.0.connection.as_mut()
    }
}

impl Writer {
    /// Takes over the connection. `owner` is this process.
    pub(crate) fn new(
        connection: SqliteConnection,
        path: PathBuf,
        owner: OwnerId,
        tasks: &Tasks,
    ) -> Self {
        let (requests, queue) = mpsc::channel(QUEUE);
        Self {
            requests,
            tasks: tasks.clone(),
            shared: Arc::new(Shared {
                busy: AtomicBool::new(false),
                commits: AtomicU64::new(0),
                desk: Mutex::new(Desk {
                    requests: queue,
                    path,
                    owner,
                    connection: Some(connection),
                }),
            }),
        }
    }

    /// Queues a request; its answer comes through the sender within it. Waits while the queue is full.
    pub(crate) async fn queue(&self, request: Request) {
        // The receiver lives as long as `shared`, so the queue is never closed.
        if self.requests.send(request).await.is_ok() {
            self.begin();
        }
    }

    /// Has a task work on the queue, unless one does.
    fn begin(&self) {
        if !self.shared.busy.swap(true, Ordering::SeqCst) {
            let relay = Relay(self.clone());
            self.tasks
                .spawn(TaskKind::Service, "store writer", async move {
                    relay.0.shared.work().await;
                    drop(relay);
                });
        }
    }

    /// The writer's own connection, if it has nothing to do: a program with one session then needs no other.
    /// What is queued meanwhile waits, so this is for short questions.
    pub(crate) fn lend(&self) -> Option<Lent<'_>> {
        let desk = self.shared.desk.try_lock().ok()?;
        (desk.requests.is_empty() && desk.connection.is_some()).then_some(Lent(desk))
    }

    /// Folds the whole log into the file and empties it, when the queue has been worked off.
    pub(crate) async fn fold(&self) {
        let mut desk = self.shared.desk.lock().await;
        if let Some(connection) = &mut desk.connection
            && let Err(error) = sqlx::query(open::FOLD).execute(connection).await
        {
            tracing::debug!(%error, "the log is folded later");
        }
    }

    /// Transactions that this process has committed.
    pub(crate) fn commits(&self) -> u64 {
        self.shared.commits.load(Ordering::Relaxed)
    }
}

impl Shared {
    async fn work(&self) {
        let mut desk = self.desk.lock().await;
        loop {
            while let Some(group) = desk.next_group() {
                let committed = desk.write(group).await;
                let before = self
                    .commits
                    .fetch_add(u64::from(committed), Ordering::Relaxed);
                if committed && before == SETTLED {
                    desk.fold_rarely().await;
                }
            }
            self.busy.store(false, Ordering::SeqCst);
            // A request that was queued after the last look saw `busy` and relies on this one.
            if desk.requests.is_empty() || self.busy.swap(true, Ordering::SeqCst) {
                return;
            }
        }
    }
}

impl Desk {
    fn next_group(&mut self) -> Option<Vec<Request>> {
        let mut group = vec![self.requests.try_recv().ok()?];
        while group.len() < GROUP {
            match self.requests.try_recv() {
                Ok(request) => group.push(request),
                Err(_) => break,
            }
        }
        Some(group)
    }

    async fn fold_rarely(&mut self) {
        if let Some(connection) = &mut self.connection
            && let Err(error) = sqlx::query(open::FOLD_RARELY).execute(connection).await
        {
            tracing::debug!(%error, "the log goes on being folded often");
        }
    }

    /// Writes and answers a group; true if it was committed.
    async fn write(&mut self, group: Vec<Request>) -> bool {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => match open::connect(&self.path).await {
                Ok(connection) => connection,
                Err(error) => {
                    let error = StoreError::of(&self.path, &error);
                    request::refuse_all(group, &error);
                    return false;
                }
            },
        };
        let written = group::write(&mut connection, &self.path, &self.owner, group).await;
        if written.usable {
            self.connection = Some(connection);
        }
        written.committed
    }
}

#[cfg(test)]
mod tests {
    use corvid_core::wire::DeliveryId;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_writer_that_panics_hands_the_queue_on() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("corvid.db");
        let connection = open::open(&path).await.expect("the store opens");
        let (tasks, me) = (Tasks::default(), OwnerId::new("o-me"));
        let writer = Writer::new(connection, path, me.clone(), &tasks);
        // At work, as `begin` would have it.
        writer.shared.busy.store(true, Ordering::SeqCst);
        let relay = Relay(writer.clone());
        let (waiter, outcome) = oneshot::channel();
        let swap = Swap::begin(&DeliveryId::new("d-no"), &me);
        writer.queue(Request::Swap(Box::new(swap), waiter)).await;
        let panicking = tasks.spawn(TaskKind::Service, "panicking", async move {
            let _at_work = relay;
            panic!("the writer comes to grief");
        });
        assert!(panicking.await.is_err());
        assert_eq!(outcome.await, Ok(Ok(false)));
    }
}
