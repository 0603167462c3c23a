//! Acting on turns from a conversation: stopping them, asking again, taking back.
//! Invariant: a turn is stopped and asked again by the person whose turn it is; an owner may stop everybody's.
//! It must not know how a turn ends.

use corvid_agent::fold::{State, Turn};
use corvid_core::wire::{
    Address, Admission, Ending, Event, EventBody, Frame, Millis, Mode, Part, ReplyComposed,
    Requester, Role, SessionId,
};
use corvid_core::{AppendError, Jobs as _, Journal as _};
use corvid_store::JobRow;
use tokio::sync::watch;

use super::{Act, Speaker, Told};
use crate::Gateway;
use crate::error::GatewayError;
use crate::surroundings::Surroundings;

/// How long to wait for a turn that is about to begin, and how often to look, in milliseconds.
const BEGINS_WITHIN_MS: Millis = 1_500;
const LOOK_MS: Millis = 25;
/// How long another process may take to end its job, in milliseconds.
const JOB_ENDS_WITHIN_MS: Millis = 1_000;

impl Gateway {
    /// Stops the turn that runs in a session, with what its person has said that still waits, and the person's jobs.
    pub(super) async fn stop(
        &self,
        session: Option<&SessionId>,
        by: &Requester,
        from: &Address,
    ) -> Result<Told, GatewayError> {
        let Some(session) = session else {
            return Ok("Nothing runs here.".into());
        };
        let state = self.state_with_turn(session).await?;
        let turn = state.as_ref().and_then(|state| state.turn.as_ref());
        let mut told = Vec::new();
        match turn {
            Some(turn) if !may_act_on(turn, by, from) => {
                return Ok("That is somebody else's request; they or an owner can stop it.".into());
            }
            Some(turn) if !turn.is_stopped() => {
                let stop = EventBody::StopRequested { by: by.clone() };
                self.note(session, stop).await?;
                told.push("Stopping.".to_owned());
            }
            Some(_) => told.push("It is being stopped already.".to_owned()),
            None => {}
        }
        self.wake(session).await?;
        let jobs = self.end_jobs(session, by, from).await?;
        if jobs > 0 {
            let jobs = counted(jobs, "job");
            told.push(format!("Ending {jobs}."));
        }
        if told.is_empty() {
            told.push("Nothing runs here.".to_owned());
        }
        Ok(Told {
            text: told.join(" "),
            wake: Some(session.clone()),
        })
    }

    /// The session's state; with its turn, if one is about to begin.
    async fn state_with_turn(&self, session: &SessionId) -> Result<Option<State>, GatewayError> {
        let until = self.clock.now().saturating_add(BEGINS_WITHIN_MS);
        loop {
            let mut heads = self.lanes.get(session).map(|lane| lane.heads);
            if let Some(heads) = &mut heads {
                // Before the look, so that nothing that comes after it is missed.
                heads.mark_unchanged();
            }
            let state = self.state(session).await?;
            let begins = state
                .as_ref()
                .is_some_and(|state| state.turn.is_none() && !state.waiting.is_empty());
            let now = self.clock.now();
            if !begins || until <= now {
                return Ok(state);
            }
            self.wake(session).await?;
            tokio::select! {
                () = grown(heads) => {}
                () = self.clock.sleep_until(now.saturating_add(LOOK_MS)) => {}
            }
        }
    }

    /// Ends this person's jobs in a session (an owner: everybody's); says how many.
    async fn end_jobs(
        &self,
        session: &SessionId,
        by: &Requester,
        from: &Address,
    ) -> Result<usize, GatewayError> {
        let jobs = self.store.open_jobs(Some(session)).await?;
        let own = |row: &&JobRow| is_own_job(row, by, from);
        let mut elsewhere = Vec::new();
        let mut count = 0;
        for row in jobs.iter().filter(own) {
            count += 1;
            if !self.jobs.cancel_here(&row.start.job, by) {
                elsewhere.push(&row.start.job);
            }
        }
        for job in elsewhere {
            let until = self.clock.now().saturating_add(JOB_ENDS_WITHIN_MS);
            tokio::select! {
                ended = self.jobs.cancel(session, job, by) => {
                    if let Err(error) = ended {
                        tracing::warn!(%job, error, "a job was not ended");
                    }
                }
                () = self.clock.sleep_until(until) => {}
            }
        }
        Ok(count)
    }

    /// Has whoever is at work in a session look at the journal.
    pub(super) async fn wake(&self, session: &SessionId) -> Result<(), GatewayError> {
        if let Some(lane) = self.lanes.get(session) {
            lane.wake.notify_one();
            return Ok(());
        }
        let watch = Frame::Watch {
            session: session.clone(),
        };
        match self.ask_owner(session, &watch).await {
            // Nothing was said in it yet.
            Err(GatewayError::Journal(AppendError::NoSuchSession(_))) => Ok(()),
            answered => answered.map(drop),
        }
    }

    /// `/retry`: what the last turn failed at, to be admitted again; else why not.
    pub(super) async fn retry(&self, said: &Speaker) -> Result<Result<Act, String>, GatewayError> {
        let Some(session) = self.store.binding(&said.origin).await? else {
            return Ok(Err("There is nothing to ask again here.".to_owned()));
        };
        let (from, id) = (&said.origin, &said.external_id);
        self.ask_again(&session, None, &said.requester, from, id)
            .await
    }

    /// What the last turn failed at, to be admitted again under this id (unless it was); else why not. `turn` is the one
    /// that is meant, if it is known.
    pub(super) async fn ask_again(
        &self,
        session: &SessionId,
        turn: Option<u32>,
        by: &Requester,
        from: &Address,
        external_id: &str,
    ) -> Result<Result<Act, String>, GatewayError> {
        let (channel, account) = (&from.channel, &from.account);
        let admitted = self.store.input(channel, account, external_id).await?;
        if let Some(input) = admitted {
            return Ok(Ok(Act::Wake(input.session)));
        }
        let events = match self.store.load(session, 0).await {
            Ok(loaded) => loaded.events,
            Err(AppendError::NoSuchSession(_)) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        if !State::replay(0, &events).at_rest() {
            return Ok(Err("Something runs here already.".to_owned()));
        }
        let last = events.iter().rev().find_map(reply);
        let Some(reply) = last.filter(|reply| turn.is_none_or(|turn| turn == reply.turn)) else {
            return Ok(Err("The conversation has gone on since.".to_owned()));
        };
        if reply.ending == Ending::Answered {
            return Ok(Err("The last turn did not fail.".to_owned()));
        }
        let inputs: Vec<&Admission> = events
            .iter()
            .filter_map(|event| input(event, reply))
            .collect();
        // Nobody's words are said again with another's authority.
        if !inputs.iter().all(|input| is_theirs(input, by, from)) {
            return Ok(Err("Only who asked can ask it again.".to_owned()));
        }
        let said: Vec<_> = inputs.iter().flat_map(|input| &input.parts).collect();
        let said: Vec<_> = said.into_iter().map(Part::said).collect();
        Ok(Ok(Act::Admit {
            text: said.join("\n\n"),
            mode: Mode::Queue,
        }))
    }

    /// `/undo`.
    pub(super) async fn take_back(
        &self,
        said: &Speaker,
        session: Option<&SessionId>,
        around: &dyn Surroundings,
    ) -> Result<String, GatewayError> {
        let Some(session) = session else {
            return Ok("No turn has changed anything here.".to_owned());
        };
        if !said.is_owner() && !self.is_theirs_alone(session, said).await? {
            return Ok(
                "Others speak in this session too; only an owner may use /undo here.".to_owned(),
            );
        }
        let (from, person) = (&said.origin, &said.requester.id);
        let undone = around.undo(self, session, from, person).await;
        Ok(undone.unwrap_or_else(|sentence| sentence))
    }

    /// A session as far as its newest events tell; none if nothing was said in it.
    pub(super) async fn state(&self, session: &SessionId) -> Result<Option<State>, GatewayError> {
        match self.store.load(session, 0).await {
            Ok(loaded) => Ok(Some(State::replay(0, &loaded.events))),
            Err(AppendError::NoSuchSession(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Returns once a lane has written something; never where there is none (any more).
async fn grown(heads: Option<watch::Receiver<u64>>) {
    if let Some(mut heads) = heads
        && heads.changed().await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// Whether this person may stop a turn, or say what became of its calls.
pub(super) fn may_act_on(turn: &Turn, by: &Requester, from: &Address) -> bool {
    let first = turn.inputs.first();
    by.role == Role::Owner || first.is_some_and(|input| is_theirs(input, by, from))
}

/// Whether it was this person who said it. An id is the channel's: elsewhere it is somebody else's.
fn is_theirs(input: &Admission, by: &Requester, from: &Address) -> bool {
    (&input.origin.channel, &input.requester.id) == (&from.channel, &by.id)
}

/// Whether this person may end a job.
pub(super) fn is_own_job(row: &JobRow, by: &Requester, from: &Address) -> bool {
    let start = &row.start;
    by.role == Role::Owner
        || (&start.origin.channel, &start.requester.id) == (&from.channel, &by.id)
}

/// So many of something: `1 job`, `2 jobs`.
pub(super) fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn reply(event: &Event) -> Option<&ReplyComposed> {
    match &event.body {
        EventBody::ReplyComposed(reply) => Some(reply),
        _ => None,
    }
}

/// The input of an event, if this reply answers it.
fn input<'e>(event: &'e Event, reply: &ReplyComposed) -> Option<&'e Admission> {
    match &event.body {
        EventBody::InputAdmitted(input) if reply.inputs.contains(&input.input) => Some(input),
        _ => None,
    }
}
