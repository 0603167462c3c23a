//! `run`: one input from admission to its delivered reply, in this process or by waiting for another.
//! Invariant: the answer is read from the journal; whoever computed it, each asker gets its own.
//! It must not know what a turn does, nor how a reply is shown.

use std::sync::Arc;

use corvid_agent::{Hooks, Lane, LaneError, Takeover};
use corvid_core::faults::crash_point;
use corvid_core::wire::{LiveEvent, ReplyComposed, SessionId};
use corvid_core::{
    Append, AppendError, ClaimSeen, Fence, Ground, JobView, Journal as _, Loaded, draw,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::Gateway;
use crate::errand::Errand;
use crate::error::GatewayError;
use crate::inbound::{Inbound, Target, admitting};
use crate::lanes::{Entered, LaneTies};

/// An input's answer.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The session.
    pub session: SessionId,
    /// The reply as recorded.
    pub reply: ReplyComposed,
    /// The reply was there before, or somebody else has sent it: nothing was delivered now, and the
    /// caller shows `reply` itself.
    pub repeated: bool,
}

impl Gateway {
    /// Admits an input, sees it answered and has the reply delivered to where it came from.
    ///
    /// # Errors
    /// See [`GatewayError`]. An input that was admitted stays admitted whatever happens later.
    pub async fn run(
        &self,
        inbound: &Inbound,
        live: mpsc::Sender<LiveEvent>,
        stop: CancellationToken,
    ) -> Result<Answered, GatewayError> {
        let requester = self.authorize(&inbound.origin, &inbound.person).await?;
        let session = match &inbound.target {
            Target::New => draw::session_id(),
            Target::Session(session) | Target::Existing(session) => session.clone(),
        };
        if !Target::is_name(session.as_str()) {
            return Err(GatewayError::BadName(session.to_string()));
        }
        if inbound.target != Target::New {
            self.see_to_jobs(&session).await?;
        }
        let input = draw::input_id();
        let admission = inbound.admission(input.clone(), requester.clone());
        self.see_to(Errand {
            target: inbound.target.clone(),
            origin: inbound.origin.clone(),
            external_id: inbound.external_id.clone(),
            requester,
            session,
            input,
            admission: Some(admission),
            given_up: None,
            told: None,
            live,
            stop,
        })
        .await
    }

    /// The jobs of this process that have not ended, or whose end was not answered yet by [`Gateway::next_job`].
    pub fn running_jobs(&self) -> Vec<JobView> {
        self.jobs.running()
    }

    /// Waits until a job of this process has ended, sees that answered and has the reply delivered; none once
    /// there is no such job. One whose reply was delivered already (that of the turn it joined, say) is passed
    /// over. A stop ends the jobs, and what they then tell is not worked on: the newest end comes first then, so
    /// that one lane goes over all of them.
    ///
    /// # Errors
    /// As [`Gateway::run`].
    pub async fn next_job(
        &self,
        live: mpsc::Sender<LiveEvent>,
        stop: CancellationToken,
    ) -> Result<Option<Answered>, GatewayError> {
        loop {
            let ended = tokio::select! {
                biased;
                () = stop.cancelled() => {
                    self.jobs.cancel_all();
                    self.jobs.last_ended().await
                }
                ended = self.jobs.next_ended() => ended,
            };
            let Some(ended) = ended else { return Ok(None) };
            let answered = self.see_to(Errand {
                target: Target::Existing(ended.session.clone()),
                origin: ended.origin,
                external_id: ended.external_id,
                requester: ended.requester,
                session: ended.session,
                input: ended.input,
                admission: None,
                given_up: None,
                told: None,
                live: live.clone(),
                stop: stop.clone(),
            });
            let answered = answered.await?;
            if !answered.repeated {
                return Ok(Some(answered));
            }
        }
    }

    /// Tells a session of its jobs whose processes have died, and takes up what nobody else will see answered.
    pub(crate) async fn see_to_jobs(&self, session: &SessionId) -> Result<(), GatewayError> {
        self.jobs.recover(session).await?;
        self.jobs.take_up_leftovers(session).await?;
        Ok(())
    }

    async fn see_to(&self, mut errand: Errand) -> Result<Answered, GatewayError> {
        let reply = self.until_answered(&mut errand).await?;
        let session = &errand.session;
        let sent = self.deliver(session, &errand.origin, &reply).await?;
        if errand.target != Target::New
            && let Err(error) = self.give_up_orphans(session).await
        {
            tracing::warn!(%error, "deliveries without a process are left to the next one");
        }
        Ok(Answered {
            session: errand.session,
            reply,
            repeated: !sent,
        })
    }

    /// Works, or has another process work, until the journal has the reply.
    pub(crate) async fn until_answered(
        &self,
        errand: &mut Errand,
    ) -> Result<ReplyComposed, GatewayError> {
        loop {
            let session = errand.session.clone();
            if let Some(reply) = self.step(errand).await? {
                return Ok(reply);
            }
            if errand.session != session {
                // The input was admitted before, in a session that this process has not looked at yet.
                errand.target = Target::Existing(errand.session.clone());
                self.see_to_jobs(&errand.session).await?;
            }
        }
    }

    /// Goes one step: works in a lane of this process, or has another one work and waits.
    async fn step(&self, errand: &mut Errand) -> Result<Option<ReplyComposed>, GatewayError> {
        if errand.admission.is_none()
            && let Some((_, reply)) = self.store.reply(&errand.input).await?
        {
            return Ok(Some(reply));
        }
        let loaded = self.load(errand).await?;
        let held = loaded
            .claim
            .as_ref()
            .filter(|claim| self.is_held(errand, claim));
        let Some(claim) = held else {
            return match self.lanes.enter(&errand.session, loaded.head) {
                Ok(entered) => self.work(errand, loaded, entered).await,
                Err(running) => self.join(errand, loaded.head, running).await,
            };
        };
        if self.admit(errand, loaded.head).await? {
            errand.tell_waiting(&claim.owner, "another process is at work in this session");
            let owner = self.await_owner(&claim.owner, &errand.session, &errand.input);
            let idle = errand.unless_stopped(owner).await?;
            errand.given_up = idle.then(|| claim.clone());
        }
        Ok(None)
    }

    /// Has a lane that runs in this process take the input up, and waits until it has or has ended.
    async fn join(
        &self,
        errand: &mut Errand,
        head: u64,
        running: LaneTies,
    ) -> Result<Option<ReplyComposed>, GatewayError> {
        if self.admit(errand, head).await? {
            errand.tell_waiting(
                self.store.owner(),
                "another message is at work in this session",
            );
            let lane = self.await_lane(running, &errand.input);
            errand.unless_stopped(lane).await?;
        }
        Ok(None)
    }

    /// Whether a claim is another living process's that has not given it up.
    fn is_held(&self, errand: &Errand, claim: &ClaimSeen) -> bool {
        errand.given_up.as_ref() != Some(claim)
            && claim.owner != *self.store.owner()
            && self.store.is_alive(&claim.owner)
    }

    async fn load(&self, errand: &Errand) -> Result<Loaded, GatewayError> {
        let is_new = errand.target == Target::New && errand.admission.is_some();
        let nothing = Loaded {
            events: Vec::new(),
            head: 0,
            claim: None,
            grants: Vec::new(),
        };
        if is_new {
            return Ok(nothing);
        }
        let bytes = self.ports.settings.transcript_bytes();
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        match self.store.load(&errand.session, bytes).await {
            Err(AppendError::NoSuchSession(_)) if matches!(errand.target, Target::Session(_)) => {
                Ok(nothing)
            }
            loaded => Ok(loaded?),
        }
    }

    /// Takes the session over and works in it until the input has its reply.
    async fn work(
        &self,
        errand: &mut Errand,
        loaded: Loaded,
        entered: Entered,
    ) -> Result<Option<ReplyComposed>, GatewayError> {
        let first = errand
            .admission
            .as_ref()
            .map(|admission| admitting(admission, loaded.head))
            .unwrap_or_default();
        let Entered {
            wake,
            background,
            heads,
            listed,
        } = entered;
        self.listen()?;
        let hooks = Hooks {
            live: errand.live.clone(),
            wake,
            background,
            heads,
            leave: self.lanes.leave(),
            stop: errand.stop.clone(),
            stopper: errand.requester.clone(),
        };
        let given_up = errand.given_up.is_some() && errand.given_up == loaded.claim;
        let takeover = Takeover {
            session: errand.session.clone(),
            owner: self.store.owner().clone(),
            loaded,
            ground: if given_up {
                Ground::GivenUp
            } else {
                Ground::Free
            },
            first,
            until: errand.input.clone(),
        };
        let lane = Lane::take(Arc::clone(&self.ports), hooks, takeover);
        let result = lane.run().await;
        drop(listed);
        match result {
            Ok(reply) => Ok(Some(reply)),
            Err(LaneError::Lost { first }) => {
                if first.is_empty() {
                    errand.admission = None;
                }
                Ok(None)
            }
            Err(LaneError::Journal(error)) => errand.receipt(error).map(|()| None),
            Err(error) => Err(GatewayError::Lane(error)),
        }
    }

    /// Admits without a claim: somebody else has the session. False if that one has opened it meanwhile, so that
    /// it must be looked at again.
    async fn admit(&self, errand: &mut Errand, head: u64) -> Result<bool, GatewayError> {
        let Some(admission) = &errand.admission else {
            return Ok(true);
        };
        // The reply's delivery waits for this process as long as it is seen to live.
        self.store.hold()?;
        let mut events = admitting(admission, head);
        for event in &mut events {
            self.ports.redactor.event(event);
        }
        let append = Append {
            session: errand.session.clone(),
            fence: Fence::Open,
            at: self.clock.now(),
            events,
        };
        crash_point("admit.before_commit");
        match self.store.append(append).await {
            Ok(_) => {
                crash_point("admit.after_commit");
                errand.admission = None;
                Ok(true)
            }
            Err(AppendError::Conflict { .. }) => Ok(false),
            Err(error) => errand.receipt(error).map(|()| true),
        }
    }
}
