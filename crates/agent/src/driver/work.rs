//! What a lane is at work on: one running task a key.
//! Invariant: a key is at work at most once; a result whose key is no longer at work is dropped.
//! It must not know what a task does, only whether it may be dropped or must be awaited.

use std::collections::HashMap;

use corvid_core::wire::{Answer, Answerer, CallId, Millis, OutcomeAnswer, QuestionId};
use corvid_core::{Answer as ModelAnswer, ModelError, Reconciled, ToolError, ToolOutput};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::fold::Action;

/// Results that may wait for the lane; more than it ever has at work at once.
const RESULTS: usize = 64;

/// The tasks at work and the way their results come back.
pub(super) struct Work {
    tasks: HashMap<String, Running>,
    sender: mpsc::Sender<(String, Finished)>,
    results: mpsc::Receiver<(String, Finished)>,
}

/// What a task has brought.
pub(super) enum Finished {
    /// A model call.
    Model {
        turn: u32,
        step: u32,
        attempt: u32,
        result: Result<ModelAnswer, ModelError>,
    },
    /// A tool call.
    Tool {
        call: CallId,
        cancelled: bool,
        result: Result<ToolOutput, ToolError>,
    },
    /// A look at what became of a call.
    Reconciled {
        call: CallId,
        attempt: u32,
        found: Reconciled,
    },
    /// A person's answer.
    Outcome {
        call: CallId,
        answer: OutcomeAnswer,
        by: String,
    },
    /// A person's answer to a question, or that nobody can be asked.
    Answer {
        question: QuestionId,
        answer: Answer,
        by: Option<Answerer>,
    },
    /// A time that has come.
    Time { time: Millis },
    /// The task panicked, so that nobody knows what it has done.
    Panicked { key: String },
}

/// A task's way to tell its lane how it ended; a panic is told as well.
pub(super) struct Report {
    key: String,
    sender: mpsc::Sender<(String, Finished)>,
}

impl Report {
    /// Tells the result.
    pub(super) async fn finished(self, finished: Finished) {
        // The lane may have ended; then the next owner finds out by reconciling.
        drop(self.sender.send((self.key.clone(), finished)).await);
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let key = self.key.clone();
            let panicked = Finished::Panicked { key: key.clone() };
            // There is room: the channel takes more than is ever at work.
            drop(self.sender.try_send((key, panicked)));
        }
    }
}

struct Running {
    task: JoinHandle<()>,
    cancel: CancellationToken,
    /// Asks it to go on as a job.
    background: Option<CancellationToken>,
    end: End,
}

/// How a task is ended when its key is no longer due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It can be dropped anywhere (a model call, a wait, a question).
    Drop,
    /// It is cancelled and awaited (a tool call that has begun).
    Await,
}

impl Default for Work {
    fn default() -> Self {
        let (sender, results) = mpsc::channel(RESULTS);
        Self {
            tasks: HashMap::new(),
            sender,
            results,
        }
    }
}

impl Work {
    pub(super) fn is_at(&self, key: &str) -> bool {
        self.tasks.contains_key(key)
    }

    /// For the task that is at work on this key.
    pub(super) fn report(&self, key: &str) -> Report {
        Report {
            key: key.to_owned(),
            sender: self.sender.clone(),
        }
    }

    pub(super) fn add(
        &mut self,
        key: String,
        task: JoinHandle<()>,
        cancel: CancellationToken,
        end: End,
    ) {
        let running = Running {
            task,
            cancel,
            background: None,
            end,
        };
        self.tasks.insert(key, running);
    }

    /// Notes how the task on this key is asked to go on as a job.
    pub(super) fn may_go_to_background(&mut self, key: &str, background: CancellationToken) {
        if let Some(running) = self.tasks.get_mut(key) {
            running.background = Some(background);
        }
    }

    /// Asks every running call to go on as a job; those that cannot do not hear it.
    pub(super) fn send_to_background(&self) {
        for background in self
            .tasks
            .values()
            .filter_map(|task| task.background.as_ref())
        {
            background.cancel();
        }
    }

    pub(super) fn cancel(&self, key: &str) {
        if let Some(running) = self.tasks.get(key) {
            running.cancel.cancel();
        }
    }

    /// Ends every task whose key is not among the actions.
    pub(super) fn end_others(&mut self, due: &[Action]) {
        let keys: Vec<String> = due.iter().map(Action::key).collect();
        self.tasks.retain(|key, running| {
            let stays = keys.contains(key) || running.end == End::Await;
            if !keys.contains(key) {
                running.end();
            }
            stays
        });
    }

    /// The next result of a task that is still at work.
    pub(super) async fn next(&mut self) -> Finished {
        loop {
            // The lane holds a sender itself, so the channel never closes.
            let Some((key, finished)) = self.results.recv().await else {
                return std::future::pending().await;
            };
            if self.tasks.remove(&key).is_some() {
                return finished;
            }
        }
    }

    /// A result that is already there, of a task that is still at work.
    pub(super) fn ready(&mut self) -> Option<Finished> {
        while let Ok((key, finished)) = self.results.try_recv() {
            if self.tasks.remove(&key).is_some() {
                return Some(finished);
            }
        }
        None
    }

    /// Ends everything; what has begun an outside effect is awaited.
    pub(super) async fn end_all(&mut self) {
        for running in self.tasks.values() {
            running.end();
        }
        // Nobody reads results any more; a full channel must not hold a task up.
        self.results.close();
        for (_, running) in self.tasks.drain() {
            // A dropped task reports its cancellation, which is what was asked for.
            drop(running.task.await);
        }
    }
}

/// A lane that is dropped in the middle leaves nothing running behind it.
impl Drop for Work {
    fn drop(&mut self) {
        for running in self.tasks.values() {
            running.end();
        }
    }
}

impl Running {
    fn end(&self) {
        match self.end {
            End::Drop => self.task.abort(),
            End::Await => self.cancel.cancel(),
        }
    }
}
