//! The lane: the one task that owns a session's turns and does what the fold says is due.
//! Invariant: one commit before each outside effect, and everything known by then shares it; what is
//! begun is under a key that stays due until its result is in the journal.
//! It must not know which model or tool it drives, nor branch on what phase a turn is in.

mod decide;
mod effect;
mod live;
mod ports;
mod result;
mod work;

use std::sync::Arc;

use corvid_core::faults::{crash_point, defect};
use corvid_core::wire::{
    Event, EventBody, InputId, LiveEvent, Millis, OwnerId, ReplyComposed, SessionId,
};
use corvid_core::{Append, AppendError, ClaimSeen, Fence, Loaded, ModelRequest};

use crate::fold::{Action, State, apply, due};
use work::Work;

pub use ports::{Hooks, LanePorts, Settings};

/// Events read from the journal at once.
const READ_AT_ONCE: u32 = 1_000;

/// Why a lane ended without the reply.
#[derive(Debug, thiserror::Error)]
pub enum LaneError {
    /// Another process has the session now. These first events were not committed.
    #[error("the session now belongs to another process")]
    Lost {
        /// What the lane was to begin with and could not write.
        first: Vec<EventBody>,
    },
    /// The journal refused.
    #[error(transparent)]
    Journal(#[from] AppendError),
    /// An append landed where it was not expected; the journal's contract is broken.
    #[error("the journal grew unseen: events landed at {found}, expected at {expected}")]
    GrewUnseen {
        /// Where the append was to begin.
        expected: u64,
        /// Where it began.
        found: u64,
    },
}

/// The one task that owns a session's turns.
pub struct Lane {
    ports: Arc<LanePorts>,
    hooks: Hooks,
    session: SessionId,
    owner: OwnerId,
    claim: Claim,
    state: State,
    /// What happened and is not yet committed; kept over conflicts.
    facts: Vec<EventBody>,
    /// How many of `facts` the lane began with.
    first: usize,
    /// The request that was hashed into the newest `model.requested`.
    request: Option<ModelRequest>,
    work: Work,
    until: InputId,
    /// The reply that was waited for, once it is folded; only a commit makes it good.
    reply: Option<ReplyComposed>,
    stop_told: bool,
}

/// The lane's hold on its session.
#[derive(Debug, PartialEq, Eq)]
enum Claim {
    /// The first commit takes it over from this state.
    ToTake(Option<ClaimSeen>),
    /// It is ours until an append says otherwise.
    Ours,
}

impl Lane {
    /// A lane that will take the session over with its first commit, which begins with `first`: events
    /// (an opening, an admission) that this process is to write anyway.
    pub fn take(
        ports: Arc<LanePorts>,
        hooks: Hooks,
        session: SessionId,
        owner: OwnerId,
        loaded: &Loaded,
        first: Vec<EventBody>,
        until: InputId,
    ) -> Self {
        let state = State::replay(ports.settings.transcript_bytes(), &loaded.events);
        let epoch = loaded.claim.as_ref().map_or(0, |claim| claim.epoch) + 1;
        let mut facts = first;
        let first = facts.len();
        facts.push(EventBody::LaneClaimed {
            epoch,
            owner: owner.clone(),
        });
        Self {
            ports,
            hooks,
            session,
            owner,
            claim: Claim::ToTake(loaded.claim.clone()),
            state,
            facts,
            first,
            request: None,
            work: Work::default(),
            until,
            reply: None,
            stop_told: false,
        }
    }

    /// Works until the input that was waited for has its reply in the journal.
    ///
    /// # Errors
    /// See [`LaneError`]. Whatever was begun has ended by then.
    pub async fn run(mut self) -> Result<ReplyComposed, LaneError> {
        let result = self.work().await;
        self.work.end_all().await;
        result
    }

    async fn work(&mut self) -> Result<ReplyComposed, LaneError> {
        loop {
            self.commit().await?;
            if let Some(reply) = self.reply.take() {
                return Ok(reply);
            }
            self.begin();
            self.wait().await?;
        }
    }

    /// Commits the facts at hand with every decision that follows from them.
    async fn commit(&mut self) -> Result<(), LaneError> {
        loop {
            let head = self.state.head;
            let events = self.plan().await;
            let Some(at) = events.first().map(|event| event.at) else {
                return Ok(());
            };
            let append = Append {
                session: self.session.clone(),
                fence: self.fence(head),
                at,
                events: events.iter().map(|event| event.body.clone()).collect(),
            };
            self.before_commit(&events).await;
            match self.ports.journal.append(append).await {
                Ok(done) if done.first == head + 1 => {
                    self.committed(events).await;
                    return Ok(());
                }
                Ok(done) => {
                    return Err(LaneError::GrewUnseen {
                        expected: head + 1,
                        found: done.first,
                    });
                }
                Err(AppendError::Conflict { .. }) => self.reload().await?,
                Err(AppendError::Fenced) => {
                    let kept = if self.claim == Claim::Ours {
                        0
                    } else {
                        self.first
                    };
                    self.facts.truncate(kept);
                    let first = std::mem::take(&mut self.facts);
                    return Err(LaneError::Lost { first });
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn fence(&self, head: u64) -> Fence {
        match &self.claim {
            Claim::ToTake(seen) => Fence::Take {
                owner: self.owner.clone(),
                seen: seen.clone(),
                head,
            },
            Claim::Ours => Fence::Lane {
                epoch: self.state.epoch,
                head,
            },
        }
    }

    async fn before_commit(&self, events: &[Event]) {
        if admits(events) {
            crash_point("admit.before_commit");
        }
        if replies(events) {
            crash_point("reply.before_commit");
        }
        if defect("acknowledge-before-commit") {
            self.tell(events.to_vec()).await;
        }
    }

    async fn committed(&mut self, events: Vec<Event>) {
        if admits(&events) {
            crash_point("admit.after_commit");
        }
        if replies(&events) {
            crash_point("reply.after_commit");
        }
        self.claim = Claim::Ours;
        self.facts.clear();
        self.hooks.heads.send_replace(self.state.head);
        if !defect("acknowledge-before-commit") {
            self.tell(events).await;
        }
    }

    /// Tells whoever listens; for an input this is its acknowledgement.
    async fn tell(&self, events: Vec<Event>) {
        for event in events {
            let committed = LiveEvent::Committed {
                event: Box::new(event),
            };
            // Nobody may be listening; the journal has it.
            drop(self.hooks.live.send(committed).await);
        }
    }

    /// Folds the journal afresh after somebody else appended; the facts at hand stay.
    async fn reload(&mut self) -> Result<(), LaneError> {
        let budget = self.ports.settings.transcript_bytes();
        let bytes = u64::try_from(budget).unwrap_or(u64::MAX);
        let loaded = self.ports.journal.load(&self.session, bytes).await?;
        self.state = State::replay(budget, &loaded.events);
        self.reply = None;
        self.facts
            .retain(|fact| !matches!(fact, EventBody::SessionOpened { .. }));
        self.first = self.first.min(self.facts.len().saturating_sub(1));
        Ok(())
    }

    /// The facts and, one after the other, the decisions that are due once they are folded.
    async fn plan(&mut self) -> Vec<Event> {
        let at = self.ports.clock.now();
        let mut events = Vec::new();
        for fact in self.facts.clone() {
            self.take_in(fact, at, &mut events);
        }
        loop {
            let mut decided = false;
            for action in due(&self.state) {
                if self.work.is_at(&action.key()) {
                    continue;
                }
                let decision = self.decide(&action, at).await;
                decided |= !decision.is_empty();
                for event in decision {
                    self.take_in(event, at, &mut events);
                }
                if decided {
                    break;
                }
            }
            if !decided {
                return events;
            }
        }
    }

    fn take_in(&mut self, body: EventBody, at: Millis, events: &mut Vec<Event>) {
        let event = Event {
            seq: self.state.head + 1,
            at,
            body,
        };
        apply(&mut self.state, &event);
        if let EventBody::ReplyComposed(reply) = &event.body
            && reply.inputs.contains(&self.until)
        {
            self.reply = Some(reply.clone());
        }
        events.push(event);
    }

    /// Begins what is due and not yet begun, and ends what is no longer due.
    fn begin(&mut self) {
        let actions = due(&self.state);
        self.work.end_others(&actions);
        for action in actions {
            if let Action::EndTool { .. } = action {
                self.work.cancel(&action.key());
            } else if !self.work.is_at(&action.key()) {
                self.begin_one(&action);
            }
        }
    }

    /// Waits for a result, a wake-up or a stop, and keeps what it brought.
    async fn wait(&mut self) -> Result<(), LaneError> {
        let wake = Arc::clone(&self.hooks.wake);
        let stop = self.hooks.stop.clone();
        tokio::select! {
            finished = self.work.next() => {
                let facts = self.facts_of(finished).await;
                self.facts.extend(facts);
            }
            () = wake.notified() => self.read_on().await?,
            () = stop.cancelled(), if !self.stop_told => {
                self.stop_told = true;
                self.facts.push(EventBody::StopRequested { by: self.hooks.stopper.clone() });
            }
        }
        Ok(())
    }

    async fn read_on(&mut self) -> Result<(), LaneError> {
        let journal = Arc::clone(&self.ports.journal);
        loop {
            let events = journal
                .read(&self.session, self.state.head, READ_AT_ONCE)
                .await?;
            if events.is_empty() {
                return Ok(());
            }
            for event in &events {
                apply(&mut self.state, event);
            }
        }
    }
}

fn admits(events: &[Event]) -> bool {
    events
        .iter()
        .any(|event| matches!(event.body, EventBody::InputAdmitted(_)))
}

fn replies(events: &[Event]) -> bool {
    events
        .iter()
        .any(|event| matches!(event.body, EventBody::ReplyComposed(_)))
}
