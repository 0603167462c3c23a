//! Every spawned task goes through one handle, with a kind that says what its failure means.
//! Invariant: no task outlives `shutdown`, and none fails unseen.
//! It must not know what a task does.

use std::future::Future;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What a task is for, and with it what its failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskKind {
    /// Owns a resource that everything needs; its end stops the program.
    Vital,
    /// Serves one request or connection; its end harms nobody else.
    Service,
}

/// A cheaply cloned handle on all tasks of the program.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// Spawns a task on the current runtime.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that spawns"
    )]
    pub fn spawn<F>(&self, kind: TaskKind, name: &'static str, task: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            // Dropped on a panic as on a plain end, so that neither goes unseen.
            let guard = EndGuard { kind, name, stop };
            task.await;
            drop(guard);
        })
    }

    /// Resolves when the program is to stop.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Asks every task to stop and waits until all have ended.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

struct EndGuard {
    kind: TaskKind,
    name: &'static str,
    stop: CancellationToken,
}

impl Drop for EndGuard {
    fn drop(&mut self) {
        let name = self.name;
        if std::thread::panicking() {
            tracing::error!(task = name, "task panicked");
        }
        if self.kind == TaskKind::Vital && !self.stop.is_cancelled() {
            tracing::error!(task = name, "vital task ended");
            self.stop.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_of_a_vital_task_stops_the_program() {
        let tasks = Tasks::default();
        let stopping = tasks.stopping();
        tasks.spawn(TaskKind::Service, "served", async {});
        let vital = tasks.spawn(TaskKind::Vital, "vital", async {});
        assert!(vital.await.is_ok());
        assert!(stopping.is_cancelled());
        tasks.shutdown().await;
    }
}
