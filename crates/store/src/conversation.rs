//! Conversations: the session in which each goes on, where it has moved to, and whether anything reaches it.
//! Invariant: an old address means the conversation's newest one wherever an address is taken.
//! It must not know what a messenger calls a conversation.

use corvid_core::wire::{Address, Millis, SessionId};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::error::StoreError;
use crate::store::Store;
use crate::writer::Value;

/// Puts where the address `$1 $2 $3` is now in place of its conversation.
macro_rules! at_present {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            "coalesce((SELECT target FROM moved WHERE channel = $1 AND account = $2 AND conversation = $3), $3)",
            $after
        )
    };
}

const BINDING: &str = at_present!(
    "SELECT session FROM binding WHERE channel = $1 AND account = $2 AND conversation = ",
    ""
);

const BIND: &str = at_present!(
    "INSERT INTO binding (channel, account, conversation, session, at) SELECT $1, $2, ",
    ", $4, $5 WHERE true ON CONFLICT DO UPDATE SET session = excluded.session, at = excluded.at"
);

const BIND_NEW: &str = concat!(
    at_present!(
        "INSERT INTO binding (channel, account, conversation, session, at) SELECT $1, $2, ",
        ", $4, $5 WHERE true ON CONFLICT DO NOTHING; "
    ),
    at_present!(
        "SELECT session FROM binding WHERE channel = $1 AND account = $2 AND conversation = ",
        ""
    )
);

const BOUND_TO: &str = "SELECT channel, account, conversation FROM binding WHERE session = $1 \
     ORDER BY at, channel, account, conversation";

/// From `$3` to `$4`. A move that is known already leaves everything as it is, wherever the conversation has gone
/// since; one back to where it once was takes the old way away.
const MOVE: &str = "\
    DELETE FROM moved WHERE channel = $1 AND account = $2 AND conversation = $4 AND target = $3; \
    INSERT INTO moved (channel, account, conversation, target) SELECT $1, $2, $3, coalesce( \
        (SELECT target FROM moved WHERE channel = $1 AND account = $2 AND conversation = $4), $4) \
        WHERE true ON CONFLICT DO NOTHING; \
    UPDATE moved SET target = (SELECT target FROM moved WHERE channel = $1 AND account = $2 AND conversation = $3) \
        WHERE channel = $1 AND account = $2 AND target = $3; \
    INSERT INTO binding (channel, account, conversation, session, at) \
        SELECT b.channel, b.account, m.target, b.session, b.at FROM binding AS b JOIN moved AS m \
        ON m.channel = b.channel AND m.account = b.account AND m.conversation = b.conversation \
        WHERE b.channel = $1 AND b.account = $2 AND b.conversation = $3 \
        ON CONFLICT DO UPDATE SET session = excluded.session, at = excluded.at; \
    DELETE FROM binding WHERE channel = $1 AND account = $2 AND conversation = $3; \
    DELETE FROM dead WHERE channel = $1 AND account = $2 AND conversation = $3";

const KILL: &str = at_present!(
    "INSERT INTO dead (channel, account, conversation, reason, at) SELECT $1, $2, ",
    ", $4, $5 WHERE true ON CONFLICT DO NOTHING"
);

const DEAD: &str = at_present!(
    "SELECT 1 FROM dead WHERE channel = $1 AND account = $2 AND conversation = ",
    ""
);

const REVIVE: &str = at_present!(
    "DELETE FROM dead WHERE channel = $1 AND account = $2 AND conversation = ",
    ""
);

const FORMER: &str = "\
    SELECT channel, account, conversation FROM moved WHERE channel = $1 AND account = $2 AND target = $3";

impl Store {
    /// The session in which a conversation goes on.
    pub async fn binding(&self, at: &Address) -> Result<Option<SessionId>, StoreError> {
        self.readers().ask_one(BINDING, place(at), session).await
    }

    /// Binds a conversation to a session, whatever it was bound to. The session need not be there yet.
    pub async fn bind(
        &self,
        at: &Address,
        session: &SessionId,
        now: Millis,
    ) -> Result<(), StoreError> {
        self.edit(BIND, bound(at, session, now)).await.map(|_| ())
    }

    /// Binds a conversation to a session unless it is bound; returns the session that it is bound to then. Of all who
    /// try at once, each gets the same.
    pub async fn bind_new(
        &self,
        at: &Address,
        session: &SessionId,
        now: Millis,
    ) -> Result<SessionId, StoreError> {
        let rows = self.edit(BIND_NEW, bound(at, session, now)).await?;
        let row = rows.first().ok_or(sqlx::Error::RowNotFound);
        self.readers().decoded(row.and_then(self::session))
    }

    /// The conversations that are bound to a session; the one that was bound first comes first.
    pub async fn bound_to(&self, session: &SessionId) -> Result<Vec<Address>, StoreError> {
        let values = vec![session.as_str().into()];
        self.readers().ask(BOUND_TO, values, address).await
    }

    /// Notes that a conversation goes on elsewhere in its account, for good: its binding goes there (and takes the
    /// place of one that is there), and so does whatever is on its way to it. The same move again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Failed`] for a move to another account, and those of any write.
    pub async fn move_conversation(&self, from: &Address, to: &Address) -> Result<(), StoreError> {
        if (&from.channel, &from.account) != (&to.channel, &to.account) {
            return Err(StoreError::Failed(format!(
                "conversation `{}` cannot move to another account; bind that one instead",
                from.conversation
            )));
        }
        if from == to {
            return Ok(());
        }
        let mut values = place(from);
        values.push(to.conversation.as_str().into());
        self.edit(MOVE, values).await.map(|_| ())
    }

    /// What a conversation was before it was moved; empty for one that never was.
    pub async fn former(&self, at: &Address) -> Result<Vec<Address>, StoreError> {
        self.readers().ask(FORMER, place(at), address).await
    }

    /// Notes that nothing reaches a conversation any more. The first reason stays.
    pub async fn kill_conversation(
        &self,
        at: &Address,
        reason: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut values = place(at);
        values.extend([reason.into(), now.into()]);
        self.edit(KILL, values).await.map(|_| ())
    }

    /// Whether nothing reaches a conversation.
    pub async fn is_dead(&self, at: &Address) -> Result<bool, StoreError> {
        let dead = self.readers().ask_one(DEAD, place(at), |_| Ok(())).await?;
        Ok(dead.is_some())
    }

    /// Notes that a conversation can be reached again. Writes nothing where that was never in doubt.
    pub async fn revive_conversation(&self, at: &Address) -> Result<(), StoreError> {
        if self.is_dead(at).await? {
            self.edit(REVIVE, place(at)).await?;
        }
        Ok(())
    }
}

/// An address as the first three values of a statement.
pub(crate) fn place(at: &Address) -> Vec<Value> {
    vec![
        at.channel.as_str().into(),
        at.account.as_str().into(),
        at.conversation.as_str().into(),
    ]
}

fn bound(at: &Address, session: &SessionId, now: Millis) -> Vec<Value> {
    let mut values = place(at);
    values.extend([session.as_str().into(), now.into()]);
    values
}

fn session(row: &SqliteRow) -> Result<SessionId, sqlx::Error> {
    row.try_get::<String, _>(0).map(SessionId::new)
}

fn address(row: &SqliteRow) -> Result<Address, sqlx::Error> {
    Ok(Address {
        channel: row.try_get(0)?,
        account: row.try_get(1)?,
        conversation: row.try_get(2)?,
    })
}
