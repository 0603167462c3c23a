//! Reading jobs: what they do, who has them, and how they ended.
//! Invariant: how a job began and ended comes from its events alone, never from a copy.
//! It must not know whether the process that has a job lives.

use corvid_core::wire::{
    Admission, EventBody, InputId, JobEnd, JobId, JobStart, Millis, OwnerId, SessionId,
};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::Readers;
use super::journal::{Encoded, misplaced};
use crate::error::StoreError;

/// A job that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// How it began, whole.
    pub start: JobStart,
    /// Its session.
    pub session: SessionId,
    /// The process that began it and has it. If that one is dead, the job has ended with it.
    pub owner: OwnerId,
    /// When it was noted.
    pub started_at: Millis,
    /// When and how it ended; none as long as the journal does not say so.
    pub ended: Option<(Millis, JobEnd)>,
}

/// An input that tells of a job's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobInputRow {
    /// The input, whole.
    pub admission: Admission,
    /// The process that admitted it, and sees to its answer and its delivery. If that one is dead, whoever finds it
    /// does.
    pub owner: OwnerId,
}

macro_rules! select_job {
    ($rest:literal) => {
        concat!(
            "SELECT j.session, j.owner, s.at, s.kind, s.version, s.payload, e.at, e.kind, e.version, e.payload ",
            "FROM job AS j JOIN event AS s ON s.session = j.session AND s.seq = j.seq ",
            "LEFT JOIN event AS e ON e.session = j.session AND e.seq = j.ended_by WHERE ",
            $rest
        )
    };
}

macro_rules! select_input {
    ($rest:literal) => {
        concat!(
            "SELECT i.owner, e.kind, e.version, e.payload FROM input AS i ",
            "JOIN event AS e ON e.session = i.session AND e.seq = i.seq WHERE i.job IS NOT NULL AND ",
            $rest
        )
    };
}

const IDS: &str =
    "SELECT id FROM job WHERE id >= ?1 AND id < ?1 || char(0x10ffff) ORDER BY id LIMIT ?2";

impl Readers {
    /// The jobs, the newest first.
    pub(crate) async fn jobs(
        &self,
        session: Option<&SessionId>,
    ) -> Result<Vec<JobRow>, StoreError> {
        let question = match session {
            Some(session) => sqlx::query(select_job!("j.session = ? ORDER BY j.seq DESC"))
                .bind(session.as_str().to_owned()),
            None => sqlx::query(select_job!(
                "true ORDER BY s.at DESC, j.session, j.seq DESC"
            )),
        };
        let rows = self.rows(question).await?;
        rows.iter().map(|row| self.decoded(read(row))).collect()
    }

    /// The jobs that have not ended, the newest first.
    pub(crate) async fn open_jobs(
        &self,
        session: Option<&SessionId>,
    ) -> Result<Vec<JobRow>, StoreError> {
        let question = match session {
            Some(session) => sqlx::query(select_job!(
                "j.ended_by IS NULL AND j.session = ? ORDER BY j.seq DESC"
            ))
            .bind(session.as_str().to_owned()),
            None => sqlx::query(select_job!(
                "j.ended_by IS NULL ORDER BY s.at DESC, j.session, j.seq DESC"
            )),
        };
        let rows = self.rows(question).await?;
        rows.iter().map(|row| self.decoded(read(row))).collect()
    }

    /// One job.
    pub(crate) async fn job(&self, id: &JobId) -> Result<Option<JobRow>, StoreError> {
        let question = sqlx::query(select_job!("j.id = ?")).bind(id.as_str().to_owned());
        let row = self.row(question).await?;
        row.map(|row| self.decoded(read(&row))).transpose()
    }

    /// The inputs of a session that tell of the end of jobs and are open, in the order of their admission.
    pub(crate) async fn open_job_inputs(
        &self,
        session: &SessionId,
    ) -> Result<Vec<JobInputRow>, StoreError> {
        let question = sqlx::query(select_input!(
            "i.session = ? AND i.answered_by IS NULL ORDER BY i.seq"
        ))
        .bind(session.as_str().to_owned());
        let rows = self.rows(question).await?;
        rows.iter().map(|row| self.decoded(input(row))).collect()
    }

    /// One input, if it tells of a job's end.
    pub(crate) async fn job_input(&self, id: &InputId) -> Result<Option<JobInputRow>, StoreError> {
        let question = sqlx::query(select_input!("i.id = ?")).bind(id.as_str().to_owned());
        let row = self.row(question).await?;
        row.map(|row| self.decoded(input(&row))).transpose()
    }

    /// The ids that begin so.
    pub(crate) async fn job_ids(&self, prefix: &str, limit: u32) -> Result<Vec<JobId>, StoreError> {
        let ids = self.ids(IDS, prefix, limit).await?;
        Ok(ids.into_iter().map(JobId::new).collect())
    }
}

fn read(row: &SqliteRow) -> Result<JobRow, sqlx::Error> {
    let start = match Encoded::of(row, 3)?.decode()? {
        EventBody::JobStarted(start) => *start,
        other => return Err(misplaced("a job", other.kind())),
    };
    let ended = match row.try_get::<Option<Millis>, _>(6)? {
        None => None,
        Some(at) => match Encoded::of(row, 7)?.decode()? {
            EventBody::JobFinished(end) => Some((at, end)),
            other => return Err(misplaced("a job's end", other.kind())),
        },
    };
    Ok(JobRow {
        start,
        session: SessionId::new(row.try_get::<String, _>(0)?),
        owner: OwnerId::new(row.try_get::<String, _>(1)?),
        started_at: row.try_get(2)?,
        ended,
    })
}

fn input(row: &SqliteRow) -> Result<JobInputRow, sqlx::Error> {
    let admission = match Encoded::of(row, 1)?.decode()? {
        EventBody::InputAdmitted(admission) => admission,
        other => return Err(misplaced("an input", other.kind())),
    };
    let owner = OwnerId::new(row.try_get::<String, _>(0)?);
    Ok(JobInputRow { admission, owner })
}
