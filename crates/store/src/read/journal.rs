//! Reading events: on from a position, or from a place of rest.
//! Invariant: what a lane loads costs what its context holds, however old the session is.
//! It must not know what the events mean.

use corvid_core::wire::{Event, EventBody, OwnerId, SessionId};
use corvid_core::{AppendError, ClaimSeen, Grant, Loaded};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::Readers;
use crate::error::StoreError;

const EVENTS: &str = "SELECT seq, at, kind, version, payload FROM event \
     WHERE session = ? AND seq > ? ORDER BY seq LIMIT ?";

/// Head, claim, the newest place of rest that leaves enough to read and at least one turn, and the grants as JSON.
const LANE: &str = "SELECT head, owner, epoch, coalesce((SELECT seq FROM rest \
         WHERE rest.session = session.id AND rest.transcript_bytes <= session.transcript_bytes - ? AND rest.turn < session.turns \
         ORDER BY rest.transcript_bytes DESC, rest.seq DESC LIMIT 1), 0) AS start, \
     (SELECT json_group_array(json_array(granted.binding, e.kind, e.version, e.payload)) FROM granted \
         JOIN event AS e ON e.session = granted.session AND e.seq = granted.seq WHERE granted.session = session.id) \
     FROM session LEFT JOIN claim ON resource = 'session/' || id WHERE id = ?";

/// What a lane must know before it reads its events.
struct Lane {
    head: u64,
    claim: Option<ClaimSeen>,
    start: u64,
    grants: Vec<Grant>,
}

impl Readers {
    /// The events after `after`, at most `limit`.
    pub(crate) async fn events(
        &self,
        session: &SessionId,
        after: u64,
        limit: u64,
    ) -> Result<Vec<Event>, StoreError> {
        let question = sqlx::query(EVENTS)
            .bind(session.as_str().to_owned())
            .bind(after.cast_signed())
            .bind(limit.cast_signed());
        let rows = self.rows(question).await?;
        rows.iter().map(|row| self.event(row)).collect()
    }

    /// What a lane begins with; see `Journal::load`.
    pub(crate) async fn load(
        &self,
        session: &SessionId,
        context_bytes: u64,
    ) -> Result<Loaded, AppendError> {
        let lane = self
            .lane(session, context_bytes)
            .await?
            .ok_or_else(|| AppendError::NoSuchSession(session.clone()))?;
        // Events up to a known head never change, so this may be a later moment than that of the head.
        let count = lane.head.saturating_sub(lane.start);
        let events = self.events(session, lane.start, count).await?;
        Ok(Loaded {
            events,
            head: lane.head,
            claim: lane.claim,
            grants: lane.grants,
        })
    }

    async fn lane(
        &self,
        session: &SessionId,
        context_bytes: u64,
    ) -> Result<Option<Lane>, StoreError> {
        let question = sqlx::query(LANE)
            .bind(i64::try_from(context_bytes).unwrap_or(i64::MAX))
            .bind(session.as_str().to_owned());
        let row = self.row(question).await?;
        row.map(|row| Lane::of(&row))
            .transpose()
            .map_err(|error| self.failed(&error))
    }

    fn event(&self, row: &SqliteRow) -> Result<Event, StoreError> {
        let columns = || -> Result<_, sqlx::Error> {
            let seq = row.try_get::<i64, _>(0)?.cast_unsigned();
            let body = Encoded::of(row, 2)?.decode()?;
            Ok((seq, row.try_get::<i64, _>(1)?, body))
        };
        let (seq, at, body) = columns().map_err(|error| self.failed(&error))?;
        Ok(Event { seq, at, body })
    }
}

impl Lane {
    fn of(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let owner: Option<String> = row.try_get(1)?;
        let epoch: Option<i64> = row.try_get(2)?;
        Ok(Self {
            head: row.try_get::<i64, _>(0)?.cast_unsigned(),
            claim: owner.zip(epoch).map(|(owner, epoch)| ClaimSeen {
                owner: OwnerId::new(owner),
                epoch: epoch.cast_unsigned(),
            }),
            start: row.try_get::<i64, _>(3)?.cast_unsigned(),
            grants: grants(row.try_get(4)?)?,
        })
    }
}

/// The grants that are listed as bindings, each with the body of the answer that allowed it.
fn grants(listed: &str) -> Result<Vec<Grant>, sqlx::Error> {
    let listed: Vec<(String, String, u32, String)> =
        serde_json::from_str(listed).map_err(|error| sqlx::Error::Decode(error.into()))?;
    let grant = |(binding, kind, version, payload): (String, String, u32, String)| {
        let encoded = Encoded {
            kind: &kind,
            version,
            payload: &payload,
        };
        match encoded.decode()? {
            EventBody::QuestionAnswered { by: Some(by), .. } => Ok(Grant { binding, by }),
            _ => Err(misplaced("a grant", &kind)),
        }
    };
    listed.into_iter().map(grant).collect()
}

/// An event's body as its row has it: kind, version and payload in three columns.
pub(crate) struct Encoded<'r> {
    kind: &'r str,
    version: u32,
    payload: &'r str,
}

impl<'r> Encoded<'r> {
    /// The three columns from `first` on.
    pub(crate) fn of(row: &'r SqliteRow, first: usize) -> Result<Self, sqlx::Error> {
        Ok(Self {
            kind: row.try_get(first)?,
            version: row.try_get(first + 1)?,
            payload: row.try_get(first + 2)?,
        })
    }

    /// The body.
    pub(crate) fn decode(&self) -> Result<EventBody, sqlx::Error> {
        EventBody::decode(self.kind, self.version, self.payload)
            .map_err(|error| sqlx::Error::Decode(error.into()))
    }
}

/// What is found in the place of `what` is something else.
pub(super) fn misplaced(what: &str, found: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("{what}'s place holds `{found}`").into())
}
