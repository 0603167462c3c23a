//! Answering a session's open question by a command, and saying what became of an answer.
//! Invariant: an answer is told as given only once it is in the journal, and is judged there.
//! It must not know how a question is shown.

use corvid_core::AppendError;
use corvid_core::wire::{
    Address, Answer, Answerer, Millis, Question, QuestionId, Requester, Scope, SessionId,
};
use corvid_store::{QuestionRow, QuestionState};

use super::{Speaker, Told, plain};
use crate::Gateway;
use crate::error::GatewayError;

/// How far a messenger's clock may be behind ours, in milliseconds.
const CLOCKS_APART_MS: Millis = 30_000;

/// What became of an answer.
pub(super) enum Given {
    /// It is in the journal of this session.
    Taken(SessionId),
    /// It is not; why, for the one who gave it.
    Refused(String),
}

impl Gateway {
    /// `/approve`.
    pub(super) async fn approve(
        &self,
        said: &Speaker,
        session: Option<&SessionId>,
    ) -> Result<Told, GatewayError> {
        let allow = Answer::Allow { scope: Scope::Once };
        self.answer_open(said, session, allow, "Allowed, this once.")
            .await
    }

    /// `/deny`.
    pub(super) async fn deny(
        &self,
        said: &Speaker,
        session: Option<&SessionId>,
        reason: &str,
    ) -> Result<Told, GatewayError> {
        let reason = reason.to_owned();
        let deny = Answer::Deny { reason };
        self.answer_open(said, session, deny, "Denied.").await
    }

    async fn answer_open(
        &self,
        said: &Speaker,
        session: Option<&SessionId>,
        answer: Answer,
        done: &str,
    ) -> Result<Told, GatewayError> {
        let open = self.store.open_questions(None).await?;
        let is_here = |row: &&QuestionRow| {
            Some(&row.session) == session || row.question.shown_in.contains(&said.origin)
        };
        let is_approval = |row: &&QuestionRow| row.question.approval().is_some();
        let mut asked = open.iter().filter(is_approval).filter(is_here);
        let Some(row) = asked.next() else {
            let elsewhere = if said.is_owner() && open.iter().any(|row| is_approval(&row)) {
                " Something does elsewhere: `agent approvals` on my machine shows it."
            } else {
                ""
            };
            return Ok(format!("Nothing waits to be allowed here.{elsewhere}").into());
        };
        if asked.next().is_some() {
            return Ok("More than one question is open here; use their buttons.".into());
        }
        // Consent is to what they have seen, not to what was asked since.
        if said.at.saturating_add(CLOCKS_APART_MS) < row.asked_at {
            return Ok(
                "That question came after your message; look at it and answer again.".into(),
            );
        }
        let question = &row.question.question;
        let given = self
            .give(question, answer, &said.origin, &said.requester)
            .await?;
        Ok(match given {
            Given::Taken(session) => Told {
                text: done.to_owned(),
                wake: Some(session),
            },
            Given::Refused(why) => why.into(),
        })
    }

    /// Answers a question in somebody's name, and says what became of that. Given again it is taken again.
    pub(super) async fn give(
        &self,
        question: &QuestionId,
        answer: Answer,
        from: &Address,
        by: &Requester,
    ) -> Result<Given, GatewayError> {
        let given = self.answer(question, answer.clone(), from, &by.id).await;
        let why = match given {
            Ok(receipt) => return Ok(Given::Taken(receipt.session)),
            Err(GatewayError::Journal(AppendError::NotOpen { reason, .. })) => reason,
            Err(GatewayError::NoSuchQuestion(_)) => {
                return Ok(Given::Refused("That question is gone.".to_owned()));
            }
            Err(error) => return Err(error),
        };
        let Some(row) = self.store.question(question).await? else {
            return Ok(Given::Refused("That question is gone.".to_owned()));
        };
        let me = Answerer {
            channel: from.channel.clone(),
            person: by.clone(),
        };
        if is_given(&row, &answer, &me) {
            return Ok(Given::Taken(row.session));
        }
        let now = self.clock.now();
        Ok(Given::Refused(refusal(&row, &answer, &me, now, &why)))
    }
}

/// Whether it was this person's very answer that the question has.
fn is_given(row: &QuestionRow, answer: &Answer, me: &Answerer) -> bool {
    match &row.state {
        QuestionState::Answered {
            answer: given,
            by: Some(by),
            ..
        } => given == answer && (&by.channel, &by.person.id) == (&me.channel, &me.person.id),
        _ => false,
    }
}

/// Why an answer was not taken.
fn refusal(row: &QuestionRow, answer: &Answer, me: &Answerer, now: Millis, why: &str) -> String {
    let question: &Question = &row.question;
    match &row.state {
        QuestionState::Answered { by: Some(by), .. } => {
            format!("Already answered by {}.", plain(&by.person.id))
        }
        QuestionState::Answered { by: None, .. } => "Too late: nobody could be asked.".to_owned(),
        QuestionState::Expired { .. } => "Too late: nobody answered in time.".to_owned(),
        QuestionState::Closed { .. } => "Too late: that turn has ended.".to_owned(),
        QuestionState::Open if question.expires_at <= now => {
            "Too late: nobody answered in time.".to_owned()
        }
        QuestionState::Open if !question.may_be_answered_by(me) => {
            let people: Vec<String> = question.to.iter().map(|person| plain(&person.id)).collect();
            match people.as_slice() {
                [] => "This question is for an owner.".to_owned(),
                people => format!("This question is for {} or an owner.", people.join(", ")),
            }
        }
        QuestionState::Open if !question.takes(answer) => {
            "This question cannot be answered like that.".to_owned()
        }
        QuestionState::Open => format!("It was not taken: the question {why}."),
    }
}
