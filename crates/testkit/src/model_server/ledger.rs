//! The ledger: every request that the model server saw, in the order in which they came.
//! Invariant: an entry is there before its request is answered; an end, once known, never changes.
//! It must not know the script.

use std::fs::File;
use std::io::Write as _;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

/// One request and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in the order of arrival, from 0.
    pub index: usize,
    /// When it came, in microseconds since the server's start.
    pub at_us: u64,
    /// Method and path, e.g. `POST /v1/chat/completions`.
    pub line: String,
    /// Whether an authorization header came with it.
    pub with_key: bool,
    /// The body's size in bytes.
    pub body_bytes: usize,
    /// The body; null if there was none or it was no JSON.
    pub body: Value,
    /// Which reply it got: `rule 0`, `otherwise`, `models`, `refused`.
    pub reply: String,
    /// What was wrong with it; empty for a good request.
    pub violations: Vec<String>,
    /// How it ended.
    pub end: End,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It has not ended yet.
    Open,
    /// The client took the whole answer.
    Complete,
    /// The client went away before the end.
    ClientLeft,
    /// The server broke it off, as scripted.
    Broken,
}

/// All entries, and somewhere to write them when they have ended.
#[derive(Debug)]
pub(super) struct Ledger {
    started: Instant,
    entries: Mutex<Vec<Entry>>,
    grown: Condvar,
    changed: watch::Sender<u64>,
    file: Option<Mutex<File>>,
}

impl Ledger {
    /// An empty ledger; `file` takes a JSON line for every exchange that has ended.
    pub(super) fn new(file: Option<File>) -> Self {
        Self {
            started: Instant::now(),
            entries: Mutex::default(),
            grown: Condvar::new(),
            changed: watch::Sender::new(0),
            file: file.map(Mutex::new),
        }
    }

    /// Enters a request and returns its index.
    pub(super) fn enter(&self, mut entry: Entry) -> usize {
        let mut entries = self.lock();
        let index = entries.len();
        entry.index = index;
        entry.at_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        entries.push(entry);
        drop(entries);
        self.tell();
        index
    }

    /// Records the end of an exchange; the first end stands.
    pub(super) fn end(&self, index: usize, end: End) {
        let mut entries = self.lock();
        let Some(entry) = entries.get_mut(index).filter(|e| e.end == End::Open) else {
            return;
        };
        entry.end = end;
        if let Some(file) = &self.file {
            let mut line = serde_json::json!(entry).to_string();
            line.push('\n');
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = file.write_all(line.as_bytes()) {
                tracing::error!(%error, "the ledger cannot be written");
            }
        }
        drop(entries);
        self.tell();
    }

    /// All entries so far.
    pub(super) fn entries(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    /// Waits, blocking, until the entries are as asked; false if that has not come within `limit`.
    pub(super) fn wait(&self, limit: Duration, done: impl Fn(&[Entry]) -> bool) -> bool {
        let waited = self
            .grown
            .wait_timeout_while(self.lock(), limit, |entries| !done(entries));
        let (_entries, outcome) = waited.unwrap_or_else(PoisonError::into_inner);
        !outcome.timed_out()
    }

    /// Resolves once the entries are as asked.
    pub(super) async fn until(&self, done: impl Fn(&[Entry]) -> bool) {
        let mut changed = self.changed.subscribe();
        while !done(&self.lock()) {
            if changed.changed().await.is_err() {
                // The sender lives in `self`, so that this cannot be.
                std::future::pending::<()>().await;
            }
        }
    }

    fn tell(&self) {
        self.grown.notify_all();
        self.changed.send_modify(|count| *count += 1);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
