//! Pairing: how a stranger is let in, by a code that they show to an owner.
//! Invariant: only a code's hash is kept; a code lets one person in once, within its hour, and five wrong tries make
//! it void.
//! It must not know who may approve.

use corvid_core::draw;
use corvid_core::faults::crash_point;
use corvid_core::wire::{Address, Millis, Person, Role};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{PersonRow, role_name};
use crate::error::StoreError;
use crate::outbox::{Post, post_statements, post_values};
use crate::store::Store;

/// A stranger who asks to be let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairing {
    /// Who.
    pub person: Person,
    /// What they call themselves; untrusted.
    pub name: String,
    /// Where they asked.
    pub at: Address,
    /// Now.
    pub now: Millis,
}

/// What there is to say to a stranger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// This code, which nobody hears again.
    Code(String),
    /// Nothing: they were told of a code within the hour, or are let in already.
    Quiet,
    /// Nothing: as many as may wait do so already.
    Full,
}

/// A stranger who waits for an owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingRow {
    /// Who.
    pub person: Person,
    /// What they call themselves; untrusted.
    pub name: String,
    /// Where they asked.
    pub at: Address,
    /// When they were told of their code.
    pub offered_at: Millis,
    /// When it is void.
    pub expires_at: Millis,
}

/// What came of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paired {
    /// This person is let in, and is to be told so there.
    In(PersonRow, Address),
    /// It is nobody's code, which counts against everybody who waits.
    Wrong {
        /// After how many more wrong codes nobody waits any more; 0 if that is so already.
        left: u32,
    },
    /// Nobody waits.
    NonePending,
}

/// How long a code may be used, and how long its person is told of no other, in milliseconds.
const HOUR_MS: Millis = 3_600_000;

/// `$19` strangers may wait in a channel. Whoever is new among them is told so in the same moment.
const OFFER: &str = concat!(
    "DELETE FROM pairing WHERE expires_at <= $18; ",
    "INSERT INTO pairing (channel, person, name, account, conversation, code, tries, offered_at, expires_at) ",
    "SELECT $12, $13, $14, $15, $16, $17, 0, $18, $20 ",
    "WHERE NOT EXISTS (SELECT 1 FROM person WHERE channel = $12 AND id = $13) ",
    "AND (SELECT count(*) FROM pairing WHERE channel = $12 AND code IS NOT NULL) < $19 ",
    "ON CONFLICT DO NOTHING RETURNING 'new'; ",
    "SELECT 'known' FROM pairing WHERE channel = $12 AND person = $13; ",
    "SELECT 'known' FROM person WHERE channel = $12 AND id = $13; ",
    post_statements!("EXISTS (SELECT 1 FROM pairing WHERE code = $17)")
);

/// Strangers who may wait in a channel.
const WAITING: i64 = 3;

/// Wrong codes that make a code void.
const TRIES: i64 = 5;

const PENDING: &str = "SELECT channel, person, name, account, conversation, offered_at, expires_at FROM pairing \
     WHERE code IS NOT NULL AND expires_at > $1 ORDER BY offered_at, channel, person";

/// Counts a code that is nobody's against everybody; lets the person in whose code it is.
const APPROVE: &str = "\
     UPDATE pairing SET tries = tries + 1, code = CASE WHEN tries + 1 < $4 THEN code END \
     WHERE code IS NOT NULL AND expires_at > $3 \
     AND NOT EXISTS (SELECT 1 FROM pairing AS p WHERE p.code = $1 AND p.expires_at > $3) \
     RETURNING 'wrong', $4 - tries; \
     INSERT INTO person (channel, id, role, name, since) SELECT channel, person, coalesce($2, \
     CASE WHEN EXISTS (SELECT 1 FROM person AS o WHERE o.role = 'owner') THEN 'member' ELSE 'owner' END), name, $3 \
     FROM pairing WHERE code = $1 AND expires_at > $3 ON CONFLICT DO UPDATE SET role = excluded.role; \
     DELETE FROM pairing WHERE code = $1 AND expires_at > $3 RETURNING 'in', channel, person, account, conversation";

/// Leaves the row, so that the person is told of no other code within the hour.
const REFUSE: &str = "UPDATE pairing SET code = NULL WHERE channel = $1 AND person = $2 AND code IS NOT NULL RETURNING 1";

impl Store {
    /// Draws a code for a stranger, unless they were told of one within the hour or three wait in the channel already;
    /// with it, in the same moment, the notice is kept that tells them: a code that nobody was told of would keep them
    /// waiting for an hour.
    ///
    /// # Errors
    /// Those of [`Store::post`].
    pub async fn offer_pairing(
        &self,
        who: &Pairing,
        line: impl FnOnce(&str) -> Post,
    ) -> Result<Offer, StoreError> {
        let code = draw::pairing_code();
        let mut values = post_values(&draw::notice_id(), &line(&code), self.owner())?;
        values.extend([
            who.person.channel.as_str().into(),
            who.person.id.as_str().into(),
            who.name.as_str().into(),
            who.at.account.as_str().into(),
            who.at.conversation.as_str().into(),
            hash(&code).into(),
            who.now.into(),
            WAITING.into(),
            who.now.saturating_add(HOUR_MS).into(),
        ]);
        crash_point("notice.before_commit");
        let rows = self.edit(OFFER, values).await?;
        crash_point("notice.after_commit");
        let word = rows.first().map(|row| row.try_get::<&str, _>(0));
        Ok(match self.readers().decoded(word.transpose())? {
            Some("new") => Offer::Code(code),
            Some("known") => Offer::Quiet,
            _ => Offer::Full,
        })
    }

    /// The strangers whose codes may be used, who asked first comes first.
    pub async fn pairings(&self, now: Millis) -> Result<Vec<PendingRow>, StoreError> {
        self.readers().ask(PENDING, vec![now.into()], pending).await
    }

    /// Lets the person in whose code this is; upper and lower case, blanks and dashes are the same. Without a role it
    /// is an owner's if no owner was let in before, else a member's.
    pub async fn approve_pairing(
        &self,
        code: &str,
        role: Option<Role>,
        now: Millis,
    ) -> Result<Paired, StoreError> {
        let values = vec![
            hash(code).into(),
            role.map(role_name).into(),
            now.into(),
            TRIES.into(),
        ];
        let rows = self.edit(APPROVE, values).await?;
        let mut left = None;
        for row in &rows {
            match self.readers().decoded(verdict(row))? {
                Verdict::Left(tries) => left = left.max(Some(tries)),
                Verdict::In(person, at) => {
                    let row = self.person(&person).await?;
                    let revoked = || StoreError::Failed(format!("`{}` was revoked", person.id));
                    return row.map(|row| Paired::In(row, at)).ok_or_else(revoked);
                }
            }
        }
        Ok(left.map_or(Paired::NonePending, |left| Paired::Wrong { left }))
    }

    /// Makes a stranger's code void. False if they had none.
    pub async fn refuse_pairing(&self, person: &Person) -> Result<bool, StoreError> {
        let rows = self.edit(REFUSE, super::named(person)).await?;
        Ok(!rows.is_empty())
    }
}

enum Verdict {
    Left(u32),
    In(Person, Address),
}

/// What is kept of a code: SHA-256, hex, of its letters and digits.
fn hash(code: &str) -> String {
    let plain = code.chars().filter(char::is_ascii_alphanumeric);
    let plain: String = plain.map(|letter| letter.to_ascii_uppercase()).collect();
    draw::sha256_hex(plain.as_bytes())
}

fn verdict(row: &SqliteRow) -> Result<Verdict, sqlx::Error> {
    if row.try_get::<&str, _>(0)? == "wrong" {
        return Ok(Verdict::Left(row.try_get(1)?));
    }
    let channel: String = row.try_get(1)?;
    let person = Person {
        channel: channel.clone(),
        id: row.try_get(2)?,
    };
    let at = Address {
        channel,
        account: row.try_get(3)?,
        conversation: row.try_get(4)?,
    };
    Ok(Verdict::In(person, at))
}

fn pending(row: &SqliteRow) -> Result<PendingRow, sqlx::Error> {
    let channel: String = row.try_get(0)?;
    Ok(PendingRow {
        person: Person {
            channel: channel.clone(),
            id: row.try_get(1)?,
        },
        name: row.try_get(2)?,
        at: Address {
            channel,
            account: row.try_get(3)?,
            conversation: row.try_get(4)?,
        },
        offered_at: row.try_get(5)?,
        expires_at: row.try_get(6)?,
    })
}
