//! Reading questions: what was asked, and what became of it.
//! Invariant: question and answer come from their events alone, never from a copy.
//! It must not know who may answer.

use corvid_core::wire::{Answer, Answerer, EventBody, Millis, Question, QuestionId, SessionId};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::Readers;
use super::journal::{Encoded, misplaced};
use crate::error::StoreError;

/// A question that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuestionRow {
    /// The question, whole.
    pub question: Question,
    /// The session that asked it.
    pub session: SessionId,
    /// When.
    pub asked_at: Millis,
    /// What became of it.
    pub state: QuestionState,
}

/// What became of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuestionState {
    /// It waits for an answer, though its time may be up.
    Open,
    /// It was answered, by a button, a command or a message.
    Answered {
        /// The answer.
        answer: Answer,
        /// Who gave it; none where nobody could be asked.
        by: Option<Answerer>,
        /// When.
        at: Millis,
    },
    /// Its time was up.
    Expired {
        /// When that was noted.
        at: Millis,
    },
    /// Its turn ended before.
    Closed {
        /// When.
        at: Millis,
    },
}

macro_rules! select_question {
    ($rest:literal) => {
        concat!(
            "SELECT q.session, a.at, a.kind, a.version, a.payload, e.at, e.kind, e.version, e.payload ",
            "FROM question AS q JOIN event AS a ON a.session = q.session AND a.seq = q.seq ",
            "LEFT JOIN event AS e ON e.session = q.session AND e.seq = q.ended_by WHERE ",
            $rest
        )
    };
}

const IDS: &str =
    "SELECT id FROM question WHERE id >= ?1 AND id < ?1 || char(0x10ffff) ORDER BY id LIMIT ?2";

impl Readers {
    /// The questions that are open, the oldest first.
    pub(crate) async fn open_questions(
        &self,
        session: Option<&SessionId>,
    ) -> Result<Vec<QuestionRow>, StoreError> {
        let question = match session {
            Some(session) => sqlx::query(select_question!(
                "q.ended_by IS NULL AND q.session = ? ORDER BY a.at, q.id"
            ))
            .bind(session.as_str().to_owned()),
            None => sqlx::query(select_question!("q.ended_by IS NULL ORDER BY a.at, q.id")),
        };
        let rows = self.rows(question).await?;
        rows.iter().map(|row| self.decoded(read(row))).collect()
    }

    /// One question.
    pub(crate) async fn question(
        &self,
        id: &QuestionId,
    ) -> Result<Option<QuestionRow>, StoreError> {
        let question = sqlx::query(select_question!("q.id = ?")).bind(id.as_str().to_owned());
        let row = self.row(question).await?;
        row.map(|row| self.decoded(read(&row))).transpose()
    }

    /// The ids that begin so.
    pub(crate) async fn question_ids(
        &self,
        prefix: &str,
        limit: u32,
    ) -> Result<Vec<QuestionId>, StoreError> {
        let ids = self.ids(IDS, prefix, limit).await?;
        Ok(ids.into_iter().map(QuestionId::new).collect())
    }
}

fn read(row: &SqliteRow) -> Result<QuestionRow, sqlx::Error> {
    let question = match Encoded::of(row, 2)?.decode()? {
        EventBody::QuestionAsked(question) => *question,
        other => return Err(misplaced("a question", other.kind())),
    };
    let state = match row.try_get::<Option<Millis>, _>(5)? {
        None => QuestionState::Open,
        Some(at) => ended(&question, at, Encoded::of(row, 6)?.decode()?)?,
    };
    Ok(QuestionRow {
        question,
        session: SessionId::new(row.try_get::<String, _>(0)?),
        asked_at: row.try_get(1)?,
        state,
    })
}

/// What the event that ended the question made of it.
fn ended(question: &Question, at: Millis, by: EventBody) -> Result<QuestionState, sqlx::Error> {
    match by {
        EventBody::QuestionAnswered { answer, by, .. } => {
            Ok(QuestionState::Answered { answer, by, at })
        }
        EventBody::InputAdmitted(admission) => {
            let (answer, by) = question
                .answered_by(&admission)
                .ok_or_else(|| misplaced("an answer", "input.admitted"))?;
            let by = Some(by);
            Ok(QuestionState::Answered { answer, by, at })
        }
        EventBody::TimerFired { .. } => Ok(QuestionState::Expired { at }),
        EventBody::StopRequested { .. } | EventBody::ReplyComposed(_) => {
            Ok(QuestionState::Closed { at })
        }
        other => Err(misplaced("an answer", other.kind())),
    }
}
