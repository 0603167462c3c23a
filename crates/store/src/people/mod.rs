//! People: who was let in, with which role, and in which time zone.
//! Invariant: a person is a channel's immutable id and nothing else; a name is kept to be shown, never compared.
//! It must not know whom the config lets in.

mod command;
mod forget;
mod pairing;

use corvid_core::wire::{Millis, Person, Role};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::error::StoreError;
use crate::store::Store;
use crate::writer::Value;

pub use command::CommandState;
pub use forget::Forgotten;
pub use pairing::{Offer, Paired, Pairing, PendingRow};

/// Somebody who was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRow {
    /// Who.
    pub person: Person,
    /// What they may do.
    pub role: Role,
    /// What they called themselves then; untrusted.
    pub name: String,
    /// Their time zone, an IANA name; none where it is not known.
    pub zone: Option<String>,
    /// Since when.
    pub since: Millis,
}

macro_rules! select_person {
    ($rest:literal) => {
        concat!(
            "SELECT p.channel, p.id, p.role, p.name, z.zone, p.since FROM person AS p ",
            "LEFT JOIN zone AS z ON z.channel = p.channel AND z.id = p.id ",
            $rest
        )
    };
}

const PERSON: &str = select_person!("WHERE p.channel = $1 AND p.id = $2");

const PEOPLE: &str = select_person!("ORDER BY p.since, p.channel, p.id");

const LET_IN: &str = "DELETE FROM pairing WHERE channel = $1 AND person = $2; \
     INSERT INTO person (channel, id, role, name, since) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT DO UPDATE SET role = excluded.role, name = excluded.name, since = excluded.since; \
     INSERT INTO zone (channel, id, zone) SELECT $1, $2, $6 WHERE $6 IS NOT NULL \
     ON CONFLICT DO UPDATE SET zone = excluded.zone";

const REVOKE: &str = "DELETE FROM zone WHERE channel = $1 AND id = $2; \
     DELETE FROM person WHERE channel = $1 AND id = $2 RETURNING 1";

const ZONE: &str = "SELECT zone FROM zone WHERE channel = $1 AND id = $2";

const SET_ZONE: &str = "INSERT INTO zone (channel, id, zone) VALUES ($1, $2, $3) \
     ON CONFLICT DO UPDATE SET zone = excluded.zone";

const CLEAR_ZONE: &str = "DELETE FROM zone WHERE channel = $1 AND id = $2";

impl Store {
    /// Somebody who was let in; none for everybody else.
    pub async fn person(&self, person: &Person) -> Result<Option<PersonRow>, StoreError> {
        self.readers().ask_one(PERSON, named(person), row).await
    }

    /// Everybody who was let in; who was first comes first.
    pub async fn people(&self) -> Result<Vec<PersonRow>, StoreError> {
        self.readers().ask(PEOPLE, Vec::new(), row).await
    }

    /// Lets somebody in, or changes what is known of them. A zone that the row does not have stays.
    pub async fn let_in(&self, row: &PersonRow) -> Result<(), StoreError> {
        let mut values = named(&row.person);
        values.extend([
            role_name(row.role).into(),
            row.name.as_str().into(),
            row.since.into(),
            row.zone.as_deref().into(),
        ]);
        self.edit(LET_IN, values).await.map(|_| ())
    }

    /// Lets somebody in no longer. False if they were not.
    pub async fn revoke(&self, person: &Person) -> Result<bool, StoreError> {
        let rows = self.edit(REVOKE, named(person)).await?;
        Ok(!rows.is_empty())
    }

    /// A person's time zone, whoever let them in.
    pub async fn zone(&self, person: &Person) -> Result<Option<String>, StoreError> {
        let read = |row: &SqliteRow| row.try_get(0);
        self.readers().ask_one(ZONE, named(person), read).await
    }

    /// Sets a person's time zone, whoever let them in; none takes it away.
    pub async fn set_zone(&self, person: &Person, zone: Option<&str>) -> Result<(), StoreError> {
        let mut values = named(person);
        let edited = match zone {
            Some(zone) => {
                values.push(zone.into());
                self.edit(SET_ZONE, values).await
            }
            None => self.edit(CLEAR_ZONE, values).await,
        };
        edited.map(|_| ())
    }
}

/// A person as the first two values of a statement.
pub(crate) fn named(person: &Person) -> Vec<Value> {
    vec![person.channel.as_str().into(), person.id.as_str().into()]
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Member => "member",
    }
}

/// A person as [`select_person`] has them.
fn row(row: &SqliteRow) -> Result<PersonRow, sqlx::Error> {
    let role = match row.try_get::<&str, _>(2)? {
        "owner" => Role::Owner,
        _ => Role::Member,
    };
    Ok(PersonRow {
        person: Person {
            channel: row.try_get(0)?,
            id: row.try_get(1)?,
        },
        role,
        name: row.try_get(3)?,
        zone: row.try_get(4)?,
        since: row.try_get(5)?,
    })
}
