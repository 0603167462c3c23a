//! Reading deliveries: what is sent, where to, and how far it got.
//! Invariant: a reply's words come from its event alone, never from a copy; a conversation that has moved is named
//! by where it is now.
//! It must not know which process sees to a delivery.

use corvid_core::wire::{Address, DeliveryId, Millis, OwnerId, SessionId};
use corvid_core::{Content, Delivery};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::delivery::{DeliveryRow, DeliveryState};
use crate::error::StoreError;
use crate::read::{Encoded, Readers, reply};
use crate::store::Store;

/// A reply's or a notice's delivery that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    /// What is sent, and where to.
    pub delivery: Delivery,
    /// How far it got.
    pub state: DeliveryState,
    /// The process in whose hands it is: the one that asked, then the one that sends it. If that one is dead,
    /// whoever finds it sees to its end.
    pub owner: Option<OwnerId>,
    /// The session whose reply it is part of; none for a notice.
    pub session: Option<SessionId>,
    /// When it was composed or posted.
    pub at: Millis,
}

macro_rules! select_delivery {
    ($rest:literal) => {
        concat!(
            "SELECT d.id, d.channel, d.account, coalesce(m.target, d.conversation), d.state, d.external_id, d.reason, ",
            "d.owner, d.at, d.session, e.kind, e.version, e.payload, n.text, n.path, n.name ",
            "FROM delivery AS d LEFT JOIN event AS e ON e.session = d.session AND e.seq = d.seq ",
            "LEFT JOIN notice AS n ON n.id = d.id LEFT JOIN moved AS m ",
            "ON m.channel = d.channel AND m.account = d.account AND m.conversation = d.conversation WHERE ",
            $rest
        )
    };
}

const OF_SESSION: &str = select_delivery!("d.session = $1 ORDER BY d.seq, d.number");

const OPEN_OF_SESSION: &str = select_delivery!(
    "d.session = $1 AND d.state IN ('prepared', 'sending') ORDER BY d.seq, d.number"
);

const OPEN_OF_ACCOUNT: &str = select_delivery!(
    "d.channel = $1 AND d.account = $2 AND d.state IN ('prepared', 'sending') ORDER BY d.number"
);

impl Store {
    /// The deliveries of replies and notices in an account's conversations that have not ended, oldest first; costs
    /// what there are of them.
    pub async fn open_outbox(
        &self,
        channel: &str,
        account: &str,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let values = vec![channel.into(), account.into()];
        self.readers().ask(OPEN_OF_ACCOUNT, values, read).await
    }
}

impl Readers {
    /// The deliveries of a session, oldest first.
    pub(crate) async fn deliveries(
        &self,
        session: &SessionId,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        let values = vec![session.as_str().into()];
        let rows = self.ask(OF_SESSION, values, read).await?;
        Ok(of_session(session, rows))
    }

    /// The deliveries of a session that are prepared or being sent, oldest first.
    pub(crate) async fn open_deliveries(
        &self,
        session: &SessionId,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        let values = vec![session.as_str().into()];
        let rows = self.ask(OPEN_OF_SESSION, values, read).await?;
        Ok(of_session(session, rows))
    }
}

fn of_session(session: &SessionId, rows: Vec<OutboxRow>) -> Vec<DeliveryRow> {
    let row = |row: OutboxRow| DeliveryRow {
        delivery: row.delivery,
        state: row.state,
        owner: row.owner,
        session: session.clone(),
    };
    rows.into_iter().map(row).collect()
}

fn read(row: &SqliteRow) -> Result<OutboxRow, sqlx::Error> {
    let id = DeliveryId::new(row.try_get::<String, _>(0)?);
    let to = Address {
        channel: row.try_get(1)?,
        account: row.try_get(2)?,
        conversation: row.try_get(3)?,
    };
    let state = state(row)?;
    let maybe_sent = state == DeliveryState::Sending;
    let session: Option<String> = row.try_get(9)?;
    let session = session.map(SessionId::new);
    let said = match &session {
        Some(session) => of_reply(row, &id, session)?,
        None => notice(row, &id, &to)?,
    };
    Ok(OutboxRow {
        delivery: Delivery {
            to,
            maybe_sent,
            ..said
        },
        state,
        owner: row.try_get::<Option<String>, _>(7)?.map(OwnerId::new),
        session,
        at: row.try_get(8)?,
    })
}

fn state(row: &SqliteRow) -> Result<DeliveryState, sqlx::Error> {
    Ok(match row.try_get::<&str, _>(4)? {
        "sending" => DeliveryState::Sending,
        "sent" => DeliveryState::Sent {
            external_id: row.try_get(5)?,
        },
        "failed" => DeliveryState::Failed {
            reason: row.try_get(6)?,
        },
        _ => DeliveryState::Prepared,
    })
}

fn of_reply(
    row: &SqliteRow,
    id: &DeliveryId,
    session: &SessionId,
) -> Result<Delivery, sqlx::Error> {
    let reply = reply(&Encoded::of(row, 10)?)?;
    let draft = reply.deliveries.iter().find(|draft| draft.delivery == *id);
    let draft = draft
        .ok_or_else(|| sqlx::Error::Decode(format!("no delivery `{id}` in its reply").into()))?;
    Ok(Delivery::of(session, &reply, draft))
}

fn notice(row: &SqliteRow, id: &DeliveryId, to: &Address) -> Result<Delivery, sqlx::Error> {
    let path: Option<String> = row.try_get(14)?;
    let name: Option<String> = row.try_get(15)?;
    Ok(Delivery {
        id: id.clone(),
        to: to.clone(),
        text: row.try_get(13)?,
        content: match path.zip(name) {
            Some((path, name)) => Content::File {
                path: path.into(),
                name,
            },
            None => Content::Notice,
        },
        maybe_sent: false,
        late: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::plan;

    #[tokio::test]
    async fn what_is_open_is_found_without_a_look_at_anything_else() {
        let check = async |question: &str, index: &str| {
            let plan = plan(question).await;
            let found = plan.iter().any(|line| line.contains(index));
            let looks_through = plan
                .iter()
                .any(|line| line.starts_with("SCAN") || line.contains("TEMP B-TREE"));
            assert!(found && !looks_through, "{plan:#?}");
        };
        check(
            OPEN_OF_ACCOUNT,
            "delivery_waiting (channel=? AND account=?)",
        )
        .await;
        check(OPEN_OF_SESSION, "delivery_open (session=?)").await;
        check(OF_SESSION, "delivery_of_session (session=?)").await;
    }
}
