//! What a lane is handed: the seams it drives through, its settings, its ties to its process.
//! Invariant: plain values; a lane reaches nothing that is not in here.
//! It must not know how any of it is implemented.

use std::sync::Arc;

use corvid_core::redact::Redactor;
use corvid_core::wire::{Limits, LiveEvent, Requester};
use corvid_core::{
    Clock, Jobs, Journal, Models, Outputs, Policy, Posts, Questions, Tasks, Toolset,
};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::prompt::transcript_bytes;

/// What every lane of a process is driven with.
pub struct LanePorts {
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// The models.
    pub models: Arc<dyn Models>,
    /// The tools offered.
    pub tools: Toolset,
    /// What may run.
    pub policy: Arc<dyn Policy>,
    /// Who is asked.
    pub questions: Arc<dyn Questions>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Takes calls that go on beside their turn.
    pub jobs: Arc<dyn Jobs>,
    /// Takes what calls send into a conversation.
    pub posts: Arc<dyn Posts>,
    /// Hides what must not be written down, shown or sent.
    pub redactor: Arc<Redactor>,
    /// Where outputs are kept.
    pub outputs: Outputs,
    /// Where tasks run.
    pub tasks: Tasks,
    /// The settings.
    pub settings: Settings,
}

/// What a lane is configured with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The model of a turn whose input names none, `provider/model`.
    pub default_model: String,
    /// The limits of a turn.
    pub limits: Limits,
    /// Tokens of context that a session is loaded for; a request fills at most its own turn's model.
    pub context_tokens: u64,
}

impl Settings {
    /// Bytes of transcript that a request may hold.
    pub fn transcript_bytes(&self) -> usize {
        transcript_bytes(self.context_tokens)
    }
}

/// A lane's ties to the rest of its process.
pub struct Hooks {
    /// Hears of everything as it happens; a slow listener slows commits, and misses deltas.
    pub live: mpsc::Sender<LiveEvent>,
    /// Told that the journal may have grown.
    pub wake: Arc<Notify>,
    /// Told to let running calls go on as jobs.
    pub background: Arc<Notify>,
    /// Told the head after each commit.
    pub heads: watch::Sender<u64>,
    /// Leaves a turn that only waits for a person or a time to whoever takes the session next.
    pub leave: CancellationToken,
    /// Stops the running turn, and whatever follows it up to the one that is waited for.
    pub stop: CancellationToken,
    /// In whose name it stops.
    pub stopper: Requester,
}
