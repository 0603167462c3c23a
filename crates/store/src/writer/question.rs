//! What ends a question, and whether an answer may. Pure.
//! Invariant: a question ends once; what ends it for the journal's readers ends it for its row.
//! It must not know SQL.

use corvid_core::faults::defect;
use corvid_core::wire::{Answer, Answerer, EventBody, Millis, Question, QuestionId, Scope};
use corvid_core::{AppendError, Fence};

use super::decide::Prepared;
use super::seen::{Seen, SessionSeen};

/// An answer as an append has it.
struct Given<'a> {
    answer: &'a Answer,
    by: Option<&'a Answerer>,
    at: Millis,
    fence: &'a Fence,
}

/// Whether the event ends the question, which is open in the event's session.
pub(super) fn ends(event: &EventBody, question: &Question) -> bool {
    match event {
        EventBody::QuestionAnswered { question: id, .. } => *id == question.question,
        EventBody::InputAdmitted(admission) => question.answered_by(admission).is_some(),
        EventBody::TimerFired { due_at } => *due_at >= question.expires_at,
        EventBody::StopRequested { .. } | EventBody::ReplyComposed(_) => true,
        _ => false,
    }
}

/// The grant that the event makes of the question: the binding that may run from now on.
pub(super) fn granted<'a>(event: &EventBody, question: &'a Question) -> Option<&'a str> {
    let for_session = matches!(
        event,
        EventBody::QuestionAnswered { question: id, answer: Answer::Allow { scope: Scope::Session }, .. }
            if *id == question.question
    );
    let approval = question.approval().filter(|_| for_session)?;
    Some(&approval.binding)
}

impl Seen {
    /// Checks every answer of an append against the questions that are open when its turn comes.
    ///
    /// # Errors
    /// [`AppendError::NotOpen`] for the first that may not be.
    pub(super) fn check_answers(
        &self,
        prepared: &Prepared,
        session: &SessionSeen,
    ) -> Result<(), AppendError> {
        if prepared.answered().next().is_none() {
            return Ok(());
        }
        let append = &prepared.append;
        let mut open: Vec<&Question> = session.questions.iter().collect();
        for event in &append.events {
            if let EventBody::QuestionAnswered {
                question,
                answer,
                by,
            } = event
            {
                let given = Given {
                    answer,
                    by: by.as_ref(),
                    at: append.at,
                    fence: &append.fence,
                };
                let asked = open.iter().find(|open| open.question == *question);
                let refusal = match asked {
                    Some(asked) => given.refusal(asked),
                    None if defect("answer-twice") => None,
                    None => Some(self.why_not_open(prepared, question)),
                };
                if let Some(reason) = refusal {
                    let (question, reason) = (question.clone(), reason.to_owned());
                    return Err(AppendError::NotOpen { question, reason });
                }
            }
            open.retain(|question| !ends(event, question));
            if let EventBody::QuestionAsked(question) = event {
                open.push(question);
            }
        }
        Ok(())
    }

    fn why_not_open(&self, prepared: &Prepared, question: &QuestionId) -> &'static str {
        let Some(known) = self.questions.get(question) else {
            return "is not known; `agent approvals list` shows what is open";
        };
        if known.session != prepared.append.session {
            return "is not one of this session's";
        }
        match known.ended.as_deref() {
            Some("timer.fired") => "is past its time",
            Some("stop.requested" | "reply.composed") => "was closed when its turn ended",
            // What is open when the append begins is ended within it, by an answer.
            Some(_) | None => "was answered already",
        }
    }
}

impl Given<'_> {
    /// Why this may not answer an open question; none if it may.
    fn refusal(&self, question: &Question) -> Option<&'static str> {
        let anyones = *self.fence == Fence::Open;
        if self.at >= question.expires_at {
            return Some("is past its time");
        }
        match self.by {
            None if anyones || !matches!(self.answer, Answer::Deny { .. }) => {
                return Some("needs somebody who answers it");
            }
            Some(by) if !question.may_be_answered_by(by) => {
                return Some("is for somebody else to answer");
            }
            _ => {}
        }
        let earlier = Answer::Allow {
            scope: Scope::Earlier,
        };
        // Only the lane knows what was allowed before.
        if anyones && *self.answer == earlier {
            return Some("cannot be allowed by what was allowed before");
        }
        if question.takes(self.answer) {
            return None;
        }
        Some(match self.answer {
            Answer::Allow { .. } if question.approval().is_some() => {
                "cannot be allowed for the session, since the same command may do something else next time; allow it once"
            }
            Answer::Text { .. } => "asks for an approval; allow or deny it",
            Answer::Allow { .. } | Answer::Deny { .. } => {
                "asks for words, not for an approval; answer it with a text"
            }
        })
    }
}
