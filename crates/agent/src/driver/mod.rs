//! The lane: the one task that owns a session's turns and does what the fold says is due.
//! Invariant: one commit before each outside effect, and everything known by then shares it; what is
//! begun is under a key that stays due until its result is in the journal.
//! It must not know which model or tool it drives, nor branch on what phase a turn is in.

mod call;
mod commit;
mod decide;
mod effect;
mod live;
mod ports;
mod question;
mod result;
mod span;
mod work;

use std::sync::Arc;

use corvid_core::wire::{EventBody, InputId, Millis, OwnerId, ReplyComposed, SessionId};
use corvid_core::{AppendError, ClaimSeen, Ground, Loaded, ModelRequest};

use crate::fold::{Action, State, apply, due};
use span::TurnSpan;
use work::Work;

pub use ports::{Hooks, LanePorts, Settings};

/// Events read from the journal at once.
const READ_AT_ONCE: u32 = 1_000;

/// How often a lane with an open question looks for an answer by itself, in milliseconds: whoever gave one may
/// have died before they could wake it.
const LOOK_MS: Millis = 500;

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
    /// It was asked to leave, and nothing was left but to wait. Whoever takes the session next waits on.
    #[error("the turn waits for the next start")]
    Left,
    /// A model or a tool panicked. The journal tells of its beginning alone, as after a crash, and whoever
    /// takes the session next finds out.
    #[error(
        "a bug in Corvid ended `{key}`; what was said is kept, and the next message goes on from there"
    )]
    Panicked {
        /// The action's key.
        key: String,
    },
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
    /// Whether all that is due is to wait for a person or a time.
    rests: bool,
    span: TurnSpan,
    until: InputId,
    /// The reply that was waited for, once it is folded; only a commit makes it good.
    reply: Option<ReplyComposed>,
}

/// The lane's hold on its session.
#[derive(Debug, PartialEq, Eq)]
enum Claim {
    /// The first commit takes it over from this state.
    ToTake(Option<ClaimSeen>, Ground),
    /// It is ours until an append says otherwise. The epoch is kept apart from the state, which would take
    /// up a successor's from the journal.
    Ours {
        /// The epoch under which we write.
        epoch: u64,
    },
}

/// What a lane begins with.
pub struct Takeover {
    /// The session.
    pub session: SessionId,
    /// This process.
    pub owner: OwnerId,
    /// The session as it was loaded.
    pub loaded: Loaded,
    /// On what ground it is taken from its last owner.
    pub ground: Ground,
    /// Events (an opening, an admission) that this process is to write anyway, with the first commit.
    pub first: Vec<EventBody>,
    /// The input whose reply the lane works for.
    pub until: InputId,
}

impl Lane {
    /// A lane that will take the session over with its first commit.
    pub fn take(ports: Arc<LanePorts>, hooks: Hooks, takeover: Takeover) -> Self {
        let Takeover {
            session,
            owner,
            loaded,
            ground,
            first,
            until,
        } = takeover;
        let mut state = State::replay(ports.settings.transcript_bytes(), &loaded.events);
        state.allow(loaded.grants);
        // The process that held the session may have answered between the caller's look and this one.
        let reply = commit::reply_to(&until, &loaded.events);
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
            claim: Claim::ToTake(loaded.claim, ground),
            state,
            facts,
            first,
            request: None,
            work: Work::default(),
            rests: false,
            span: TurnSpan::default(),
            until,
            reply,
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
            if self.reply.is_none() {
                self.commit().await?;
            }
            if let Some(reply) = self.reply.take() {
                return Ok(reply);
            }
            self.begin();
            // What could not begin has its outcome at once.
            if self.facts.is_empty() {
                self.wait().await?;
            }
        }
    }

    /// Begins what is due and not yet begun, and ends what is no longer due.
    fn begin(&mut self) {
        let actions = due(&self.state);
        self.rests = !actions.is_empty() && actions.iter().all(Action::waits);
        self.work.end_others(&actions);
        for action in actions {
            match action {
                Action::EndTool { call, .. } => self.end_tool(&action.key(), call),
                _ if self.work.is_at(&action.key()) => {}
                _ => self.begin_one(&action),
            }
        }
    }

    /// Waits for a result, a wake-up or a stop, and keeps what it brought.
    async fn wait(&mut self) -> Result<(), LaneError> {
        let wake = Arc::clone(&self.hooks.wake);
        let background = Arc::clone(&self.hooks.background);
        let (stop, leave) = (self.hooks.stop.clone(), self.hooks.leave.clone());
        let stoppable = self.stoppable();
        let asks = self
            .state
            .turn
            .as_ref()
            .is_some_and(|turn| turn.question().is_some());
        let clock = Arc::clone(&self.ports.clock);
        let look = clock.now().saturating_add(LOOK_MS);
        tokio::select! {
            finished = self.work.next() => {
                // What has ended beside it shares its commit.
                let mut ended = Some(finished);
                while let Some(finished) = ended {
                    let facts = self.facts_of(finished).await?;
                    self.facts.extend(facts);
                    ended = self.work.ready();
                }
            }
            () = wake.notified() => self.read_on().await?,
            () = background.notified() => self.work.send_to_background(),
            () = clock.sleep_until(look), if asks => self.read_on().await?,
            () = leave.cancelled(), if self.rests => return Err(LaneError::Left),
            // The next plan stops the turn.
            () = stop.cancelled(), if stoppable => {}
        }
        Ok(())
    }

    /// Whether a turn runs that nobody has stopped yet.
    fn stoppable(&self) -> bool {
        let turn = self.state.turn.as_ref();
        turn.is_some_and(|turn| !turn.is_stopped())
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
            for event in events {
                if let EventBody::LaneClaimed { .. } = event.body {
                    return Err(self.lost());
                }
                apply(&mut self.state, &event);
                self.pass_on(event).await;
            }
        }
    }
}
