//! What people decide from elsewhere: answers to open questions, a turn taken back, calls sent to the background.
//! Invariant: every answer passes the one `authorize`, and is told as given only once it is in the journal.
//! It must not know where a question is shown.

use corvid_agent::fold::State;
use corvid_core::faults::crash_point;
use corvid_core::wire::{
    Address, Answer, Answerer, EventBody, Frame, JobId, Millis, QuestionId, SessionId,
};
use corvid_core::{Append, Fence, JobView, Jobs as _, Journal as _};

use crate::Gateway;
use crate::error::GatewayError;
use crate::wake::ask_frame;

/// How long another process may take to say whether it is at work, in milliseconds.
const PATIENCE_MS: Millis = 2_000;

/// A recorded answer.
#[derive(Clone, Debug)]
pub struct AnswerReceipt {
    /// The session.
    pub session: SessionId,
    /// Whether a lane of a living process waits for it; if none does, the next one at work in the session goes on.
    pub awaited: bool,
}

/// Whether running calls were asked to go on as jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backgrounded {
    /// The process at work in the session was asked.
    Asked,
    /// No process is at work in it.
    NobodyAtWork,
}

impl Gateway {
    /// Answers an open question in the name of a person.
    ///
    /// # Errors
    /// [`GatewayError::Denied`] for a stranger, [`GatewayError::NoSuchQuestion`], and
    /// [`corvid_core::AppendError::NotOpen`] in [`GatewayError::Journal`] if it has its answer, its time is up, or
    /// it is not this person's.
    pub async fn answer(
        &self,
        question: &QuestionId,
        answer: Answer,
        from: &Address,
        person: &str,
    ) -> Result<AnswerReceipt, GatewayError> {
        let by = Answerer {
            channel: from.channel.clone(),
            person: self.authorize(from, person).await?,
        };
        let row = self.store.question(question).await?;
        let row = row.ok_or_else(|| GatewayError::NoSuchQuestion(question.clone()))?;
        crash_point("answer.before_commit");
        let answered = EventBody::QuestionAnswered {
            question: question.clone(),
            answer,
            by: Some(by),
        };
        self.note(&row.session, answered).await?;
        crash_point("answer.after_commit");
        let watch = Frame::Watch {
            session: row.session.clone(),
        };
        let heard = self.ask_owner(&row.session, &watch).await?;
        Ok(AnswerReceipt {
            awaited: matches!(heard, Some(Frame::Appended { .. })),
            session: row.session,
        })
    }

    /// Asks whoever is at work in a session to let its running calls go on as jobs.
    ///
    /// # Errors
    /// [`GatewayError::Denied`] for a stranger; those of the store.
    pub async fn background(
        &self,
        session: &SessionId,
        from: &Address,
        person: &str,
    ) -> Result<Backgrounded, GatewayError> {
        self.authorize(from, person).await?;
        if let Some(lane) = self.lanes.get(session) {
            lane.background.notify_one();
            return Ok(Backgrounded::Asked);
        }
        let background = Frame::Background {
            session: session.clone(),
        };
        Ok(match self.ask_owner(session, &background).await? {
            Some(Frame::Appended { .. }) => Backgrounded::Asked,
            _ => Backgrounded::NobodyAtWork,
        })
    }

    /// Ends a job, whichever process has it.
    ///
    /// # Errors
    /// [`GatewayError::Denied`] for a stranger; [`GatewayError::Job`] with the sentence for the person.
    pub async fn cancel_job(
        &self,
        session: &SessionId,
        job: &JobId,
        from: &Address,
        person: &str,
    ) -> Result<JobView, GatewayError> {
        let by = self.authorize(from, person).await?;
        let cancelled = self.jobs.cancel(session, job, &by).await;
        cancelled.map_err(GatewayError::Job)
    }

    /// Takes the changes of a turn back: `restore` does it, and yields the files that are as before and those that
    /// were left, each with why. The session is told, so that its next turn knows.
    ///
    /// # Errors
    /// [`GatewayError::AtWork`] while a turn runs or waits there; those of the journal.
    pub async fn undo<F>(
        &self,
        session: &SessionId,
        turn: u32,
        from: &Address,
        person: &str,
        restore: F,
    ) -> Result<(), GatewayError>
    where
        F: AsyncFnOnce() -> (Vec<String>, Vec<String>),
    {
        let by = self.authorize(from, person).await?;
        let loaded = self.store.load(session, 0).await?;
        if !State::replay(0, &loaded.events).at_rest() {
            return Err(GatewayError::AtWork(session.clone()));
        }
        let (restored, left) = restore().await;
        let undone = EventBody::TurnUndone {
            turn,
            restored,
            left,
            by,
        };
        self.note(session, undone).await
    }

    /// Appends one event that numbers itself.
    pub(crate) async fn note(
        &self,
        session: &SessionId,
        mut body: EventBody,
    ) -> Result<(), GatewayError> {
        self.ports.redactor.event(&mut body);
        let append = Append {
            session: session.clone(),
            fence: Fence::Open,
            at: self.clock.now(),
            events: vec![body],
        };
        self.store.append(append).await?;
        Ok(())
    }

    /// What the process that has a session says to a frame; none if it is dead, or says nothing soon.
    pub(crate) async fn ask_owner(
        &self,
        session: &SessionId,
        frame: &Frame,
    ) -> Result<Option<Frame>, GatewayError> {
        let claim = self.store.load(session, 0).await?.claim;
        let owner = claim.map(|claim| claim.owner);
        let Some(owner) = owner.filter(|owner| self.store.is_alive(owner)) else {
            return Ok(None);
        };
        let socket = self.store.owner_socket(&owner);
        Ok(tokio::select! {
            answer = ask_frame(&socket, frame) => answer,
            () = self.clock.sleep_until(self.clock.now() + PATIENCE_MS) => None,
        })
    }
}
