//! One input on its way: what is known of it, whom it waits for, and whether the person still wants it.
//! Invariant: the admission is kept until the journal has it, and given up then.
//! It must not know lanes.

use std::future::Future;

use corvid_core::wire::{Address, Admission, InputId, LiveEvent, OwnerId, Requester, SessionId};
use corvid_core::{AppendError, ClaimSeen};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::error::GatewayError;
use crate::inbound::Target;

/// One input on its way through [`crate::Gateway::run`].
pub(crate) struct Errand {
    /// Which session it is for, as far as its sender knew.
    pub(crate) target: Target,
    /// Where its reply goes.
    pub(crate) origin: Address,
    /// The id under which it can be asked for again.
    pub(crate) external_id: String,
    pub(crate) requester: Requester,
    pub(crate) session: SessionId,
    /// Our id of the input: drawn, or the one under which it was admitted before.
    pub(crate) input: InputId,
    /// The admission, as long as it is not in the journal.
    pub(crate) admission: Option<Admission>,
    /// A claim whose living owner has said that it is not at work in the session.
    pub(crate) given_up: Option<ClaimSeen>,
    /// The process of which the person was told that it is waited for.
    pub(crate) told: Option<OwnerId>,
    pub(crate) live: mpsc::Sender<LiveEvent>,
    pub(crate) stop: CancellationToken,
}

impl Errand {
    /// Tells the person what is waited for, once for each process that has the session.
    pub(crate) fn tell_waiting(&mut self, owner: &OwnerId, reason: &str) {
        if self.told.as_ref() != Some(owner) {
            self.told = Some(owner.clone());
            // A slow listener only misses the hint.
            drop(self.live.try_send(LiveEvent::Waiting {
                for_ms: 0,
                reason: reason.to_owned(),
            }));
        }
    }

    /// Waits, unless the person stops it.
    pub(crate) async fn unless_stopped<T>(
        &self,
        wait: impl Future<Output = T>,
    ) -> Result<T, GatewayError> {
        tokio::select! {
            result = wait => Ok(result),
            () = self.stop.cancelled() => Err(GatewayError::StoppedWaiting {
                session: self.session.clone(),
                external_id: self.external_id.clone(),
            }),
        }
    }

    /// Takes up an earlier admission's receipt; any other error stays one.
    pub(crate) fn receipt(&mut self, error: AppendError) -> Result<(), GatewayError> {
        match error {
            AppendError::AlreadyAdmitted { session, input } => {
                self.session = session;
                self.input = input;
                self.admission = None;
                Ok(())
            }
            error => Err(error.into()),
        }
    }
}
