//! Commits: the facts at hand, and with them every decision that follows from them.
//! Invariant: what was refused is not folded; facts outlive a conflict, decisions are made again.
//! It must not act on the outside world.

use corvid_core::faults::{crash_point, defect};
use corvid_core::wire::{Event, EventBody, InputId, LiveEvent, Millis, QuestionId, ReplyComposed};
use corvid_core::{Append, AppendError, Fence};
use tracing::Instrument as _;

use super::{Claim, Lane, LaneError};
use crate::fold::{State, apply, due};

impl Lane {
    /// Commits the facts at hand with every decision that follows from them.
    pub(super) async fn commit(&mut self) -> Result<(), LaneError> {
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
                Err(AppendError::Conflict { .. }) => {
                    self.reload(head).await?;
                    if self.reply.is_some() {
                        return Ok(());
                    }
                }
                Err(AppendError::NotOpen { question, reason })
                    if self.facts.iter().any(|fact| answers(fact, &question)) =>
                {
                    tracing::debug!(%question, reason, "an answer comes too late");
                    self.facts.retain(|fact| !answers(fact, &question));
                    self.reload(head).await?;
                }
                Err(AppendError::Fenced) => return Err(self.lost()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn fence(&self, head: u64) -> Fence {
        match &self.claim {
            Claim::ToTake(seen, ground) => Fence::Take {
                owner: self.owner.clone(),
                seen: seen.clone(),
                head,
                ground: *ground,
            },
            Claim::Ours { epoch } => Fence::Lane {
                epoch: *epoch,
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
        if let Claim::ToTake(..) = self.claim {
            // The newest claim that is folded is the one that was just committed.
            self.claim = Claim::Ours {
                epoch: self.state.epoch,
            };
        }
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

    /// Tells of what others have appended, where that is news of this lane's own work.
    pub(super) async fn pass_on(&self, event: Event) {
        if let EventBody::QuestionAnswered { .. }
        | EventBody::JobStarted(_)
        | EventBody::JobFinished(_)
        | EventBody::TurnUndone { .. } = event.body
        {
            self.tell(vec![event]).await;
        }
    }

    /// Folds the journal afresh after somebody else appended beyond `known`; the facts at hand stay.
    async fn reload(&mut self, known: u64) -> Result<(), LaneError> {
        let budget = self.ports.settings.transcript_bytes();
        let bytes = u64::try_from(budget).unwrap_or(u64::MAX);
        let loaded = self.ports.journal.load(&self.session, bytes).await?;
        self.state = State::replay(budget, &loaded.events);
        for event in &loaded.events {
            if event.seq > known {
                self.pass_on(event.clone()).await;
            }
        }
        self.state.allow(loaded.grants);
        // An earlier owner may have answered before it went.
        self.reply = reply_to(&self.until, &loaded.events);
        self.facts
            .retain(|fact| !matches!(fact, EventBody::SessionOpened { .. }));
        self.first = self.first.min(self.facts.len().saturating_sub(1));
        Ok(())
    }

    /// The lane is somebody else's; what it began with and could not write goes back to its caller.
    pub(super) fn lost(&mut self) -> LaneError {
        let kept = match self.claim {
            Claim::ToTake(..) => self.first,
            Claim::Ours { .. } => 0,
        };
        self.facts.truncate(kept);
        LaneError::Lost {
            first: std::mem::take(&mut self.facts),
        }
    }

    /// The facts and, one after the other, the decisions that are due once they are folded. A lane that has
    /// its reply leaves what follows to whoever waits for that.
    async fn plan(&mut self) -> Vec<Event> {
        let at = self.ports.clock.now();
        let mut events = Vec::new();
        for fact in self.facts.clone() {
            self.take_in(fact, at, &mut events);
        }
        while self.reply.is_none() && self.decide_next(at, &mut events).await {}
        events
    }

    /// Takes in the first decision that is due, and says whether there was one. A stop goes before all else,
    /// and for every turn up to the one that is waited for.
    async fn decide_next(&mut self, at: Millis, events: &mut Vec<Event>) -> bool {
        if self.hooks.stop.is_cancelled() && self.stoppable() {
            let by = self.hooks.stopper.clone();
            self.take_in(EventBody::StopRequested { by }, at, events);
            return true;
        }
        for action in due(&self.state) {
            if self.work.is_at(&action.key()) {
                continue;
            }
            let span = self.turn_span();
            let decision = self.decide(&action, at).instrument(span).await;
            if !decision.is_empty() {
                for event in decision {
                    self.take_in(event, at, events);
                }
                return true;
            }
        }
        false
    }

    fn take_in(&mut self, mut body: EventBody, at: Millis, events: &mut Vec<Event>) {
        self.ports.redactor.event(&mut body);
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
}

/// The newest of these events' replies that answers the input.
pub(super) fn reply_to(input: &InputId, events: &[Event]) -> Option<ReplyComposed> {
    events.iter().rev().find_map(|event| match &event.body {
        EventBody::ReplyComposed(reply) if reply.inputs.contains(input) => Some(reply.clone()),
        _ => None,
    })
}

fn answers(fact: &EventBody, to: &QuestionId) -> bool {
    matches!(fact, EventBody::QuestionAnswered { question, .. } if question == to)
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
