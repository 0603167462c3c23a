//! Which jobs this process has, and which of their ends wait to be taken up.
//! Invariant: a job is listed from before the journal has it until somebody has taken up its end, or until
//! there is nothing to take up.
//! It must not know the journal.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use corvid_core::JobView;
use corvid_core::wire::{Address, InputId, JobId, Requester, SessionId};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The list.
pub(super) struct Board {
    most: usize,
    listed: Mutex<Listed>,
    changed: Notify,
}

#[derive(Default)]
struct Listed {
    open: BTreeMap<JobId, Open>,
    ended: VecDeque<(JobView, EndedJob)>,
}

struct Open {
    view: JobView,
    cancel: CancellationToken,
    cancelled_by: Option<Requester>,
}

/// A job whose end was told: the input that tells it, as it was admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EndedJob {
    /// The session.
    pub(crate) session: SessionId,
    /// The input.
    pub(crate) input: InputId,
    /// Where the reply to it goes.
    pub(crate) origin: Address,
    /// The id under which it was admitted.
    pub(crate) external_id: String,
    /// With whose authority the job ran.
    pub(crate) requester: Requester,
}

impl Board {
    /// An empty list of at most that many jobs that have not ended.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            listed: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Lists a job.
    ///
    /// # Errors
    /// One sentence for the model: it is there, or there are too many.
    pub(super) fn enter(&self, view: JobView, cancel: &CancellationToken) -> Result<(), String> {
        let mut listed = self.lock();
        if listed.open.contains_key(&view.job) {
            return Err(format!("job `{}` is there already", view.job));
        }
        if listed.open.len() >= self.most {
            return Err(format!(
                "{} jobs run or wait already; wait until some have ended, or cancel some",
                self.most
            ));
        }
        let open = Open {
            view,
            cancel: cancel.clone(),
            cancelled_by: None,
        };
        listed.open.insert(open.view.job.clone(), open);
        Ok(())
    }

    /// Takes a job off the list that has no end to be taken up.
    pub(super) fn leave(&self, job: &JobId) {
        self.lock().open.remove(job);
        self.changed.notify_waiters();
    }

    /// Puts a job's end where it is taken up.
    pub(super) fn end(&self, view: JobView, ended: EndedJob) {
        let mut listed = self.lock();
        listed.open.remove(&view.job);
        listed.ended.push_back((view, ended));
        drop(listed);
        self.changed.notify_waiters();
    }

    /// Puts an end that was told earlier where it is taken up, unless it is there.
    pub(super) fn take_up(&self, view: JobView, ended: EndedJob) {
        let mut listed = self.lock();
        let known = listed
            .ended
            .iter()
            .any(|(_, known)| known.input == ended.input);
        if !known {
            listed.ended.push_back((view, ended));
        }
        drop(listed);
        self.changed.notify_waiters();
    }

    /// Cancels a job in somebody's name, the first one's; says whether there is such a job.
    pub(super) fn cancel(&self, job: &JobId, by: &Requester) -> bool {
        let mut listed = self.lock();
        let Some(open) = listed.open.get_mut(job) else {
            return false;
        };
        open.cancelled_by.get_or_insert_with(|| by.clone());
        open.cancel.cancel();
        true
    }

    /// Cancels every job.
    pub(super) fn cancel_all(&self) {
        for open in self.lock().open.values() {
            open.cancel.cancel();
        }
    }

    /// Who cancelled a job.
    pub(super) fn cancelled_by(&self, job: &JobId) -> Option<Requester> {
        let listed = self.lock();
        listed
            .open
            .get(job)
            .and_then(|open| open.cancelled_by.clone())
    }

    /// All that is listed.
    pub(super) fn views(&self) -> Vec<JobView> {
        let listed = self.lock();
        let open = listed.open.values().map(|open| &open.view);
        let ended = listed.ended.iter().map(|(view, _)| view);
        open.chain(ended).cloned().collect()
    }

    /// Takes up the next end; none once nothing is listed.
    pub(super) async fn next_ended(&self) -> Option<EndedJob> {
        loop {
            let changed = self.changed.notified();
            {
                let mut listed = self.lock();
                match listed.ended.pop_front() {
                    Some((_, ended)) => return Some(ended),
                    None if listed.open.is_empty() => return None,
                    None => {}
                }
            }
            changed.await;
        }
    }

    /// Takes up the next end, whenever there is one.
    pub(super) async fn some_ended(&self) -> EndedJob {
        loop {
            let changed = self.changed.notified();
            if let Some((_, ended)) = self.lock().ended.pop_front() {
                return ended;
            }
            changed.await;
        }
    }

    /// Takes up the newest end once no job is open; none if nothing is listed then.
    pub(super) async fn last_ended(&self) -> Option<EndedJob> {
        loop {
            let changed = self.changed.notified();
            {
                let mut listed = self.lock();
                if listed.open.is_empty() {
                    return listed.ended.pop_back().map(|(_, ended)| ended);
                }
            }
            changed.await;
        }
    }

    /// Returns once the job is not open here.
    pub(super) async fn gone(&self, job: &JobId) {
        loop {
            let changed = self.changed.notified();
            if !self.lock().open.contains_key(job) {
                return;
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Listed> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
