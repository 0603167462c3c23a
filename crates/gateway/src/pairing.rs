//! Strangers and places that nobody has allowed: what they hear, and how they are let in.
//! Invariant: a stranger hears one line an hour at most, in private, and nothing about what runs here; a code is redeemed
//! by an owner, or at the terminal.
//! It must not know how a code is kept.

use corvid_core::wire::{Address, Millis, Person, Requester, Role};
use corvid_core::{Place, Said};
use corvid_store::{Offer, Paired, Pairing, PersonRow, Post};

use crate::Gateway;
use crate::access::group_of;
use crate::chat::{Speaker, code};
use crate::error::GatewayError;

/// What came of a pairing code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LetIn {
    /// This person is let in, and is greeted.
    In(PersonRow),
    /// It is nobody's code.
    Wrong {
        /// Wrong codes that are left before those who wait must ask anew.
        left: u32,
    },
    /// Nobody waits.
    NonePending,
}

impl Gateway {
    /// A stranger says something: in private they are told once how they may be let in.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn meet(&self, said: &Said) -> Result<(), GatewayError> {
        if said.place != Place::Private {
            return Ok(());
        }
        let now = self.clock.now();
        let origin = &said.origin;
        let stranger = Pairing {
            person: Person {
                channel: origin.channel.clone(),
                id: said.person.clone(),
            },
            name: said.name.clone(),
            at: origin.clone(),
            now,
        };
        let line = |pairing: &str| Post {
            key: format!("pairing {}", of_message(origin, &said.external_id)),
            to: origin.clone(),
            text: format!(
                "Hello! I only talk to people I was told about. If that should be you, give this code to whoever runs \
                 me: `{pairing}`. They enter `agent pair approve {pairing}` within an hour."
            ),
            file: None,
            at: now,
        };
        match self.store.offer_pairing(&stranger, line).await? {
            Offer::Code(_) => {
                tracing::info!(
                    channel = origin.channel,
                    person = said.person,
                    "a stranger was offered a code"
                );
                Ok(())
            }
            Offer::Quiet => Ok(()),
            Offer::Full => {
                tracing::warn!(
                    channel = origin.channel,
                    person = said.person,
                    "too many strangers wait; one was ignored"
                );
                Ok(())
            }
        }
    }

    /// Somebody who may speak does so in a group that is not listed: an owner is told how to list it, others nothing.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn decline_group(
        &self,
        said: &Said,
        requester: &Requester,
    ) -> Result<(), GatewayError> {
        if requester.role != Role::Owner {
            return Ok(());
        }
        let origin = &said.origin;
        let text = format!(
            "I do not talk in this group yet. To allow it, add {} to `groups` under `[{}]` in my config.",
            code(group_of(origin)),
            origin.channel
        );
        let key = format!("group {}", of_message(origin, &said.external_id));
        self.say(key, origin, text).await
    }

    /// Lets the person in whose code this is, and greets them. Without a role they become an owner if there is none yet,
    /// else a member.
    ///
    /// # Errors
    /// The store's.
    pub async fn let_in_by_code(
        &self,
        pairing: &str,
        role: Option<Role>,
    ) -> Result<LetIn, GatewayError> {
        // The store does not know the owners of the config.
        let role = role.or_else(|| self.access.names_owners().then_some(Role::Member));
        let now = self.clock.now();
        let (row, at) = match self.store.approve_pairing(pairing, role, now).await? {
            Paired::In(row, at) => (row, at),
            Paired::Wrong { left } => return Ok(LetIn::Wrong { left }),
            Paired::NonePending => return Ok(LetIn::NonePending),
        };
        let (channel, id) = (&row.person.channel, &row.person.id);
        tracing::info!(channel, person = id, role = ?row.role, "a person was let in");
        let key = format!("greeting {channel} {id} {}", row.since);
        let requester = Requester {
            id: id.clone(),
            role: row.role,
        };
        self.say(key, &at, self.greeting(&requester)).await?;
        Ok(LetIn::In(row))
    }

    /// `/pair`.
    pub(crate) async fn pair(&self, _said: &Speaker, rest: &str) -> Result<String, GatewayError> {
        let mut words = rest.split_whitespace();
        let (pairing, role) = (words.next(), words.next());
        let role = match role {
            None | Some("member") => Role::Member,
            Some("owner") => Role::Owner,
            Some(other) => {
                let other = code(other);
                return Ok(format!(
                    "There is no role {other}; it is `owner` or `member`."
                ));
            }
        };
        let Some(pairing) = pairing else {
            return self.list_strangers().await;
        };
        Ok(match self.let_in_by_code(pairing, Some(role)).await? {
            LetIn::In(row) => {
                let (name, id) = (code(&row.name), code(&row.person.id));
                let role = match row.role {
                    Role::Owner => "an owner",
                    Role::Member => "a member",
                };
                format!("{name} ({id}) is let in as {role}, and greeted.")
            }
            LetIn::Wrong { left: 0 } => {
                "That is nobody's code, and it was one try too many: whoever waits must write again in an hour."
                    .to_owned()
            }
            LetIn::Wrong { left } => {
                let more = if left == 1 { "try is" } else { "tries are" };
                format!("That is nobody's code; {left} more {more} left.")
            }
            LetIn::NonePending => "Nobody waits to be let in.".to_owned(),
        })
    }

    async fn list_strangers(&self) -> Result<String, GatewayError> {
        let now = self.clock.now();
        let waiting = self.store.pairings(now).await?;
        if waiting.is_empty() {
            return Ok("Nobody waits to be let in.".to_owned());
        }
        let lines = waiting.iter().map(|stranger| {
            let (name, id) = (code(&stranger.name), code(&stranger.person.id));
            let minutes = minutes_left(stranger.expires_at, now);
            format!(
                "- {name} ({id}, {}), {minutes} min left",
                stranger.person.channel
            )
        });
        let lines: Vec<String> = lines.collect();
        let lines = lines.join("\n");
        Ok(format!("{lines}\n\n`/pair CODE` lets in whose code it is."))
    }

    async fn say(&self, key: String, to: &Address, text: String) -> Result<(), GatewayError> {
        let post = Post {
            key,
            to: to.clone(),
            text,
            file: None,
            at: self.clock.now(),
        };
        self.store.post(&post).await?;
        Ok(())
    }
}

/// A message's name among all messages.
fn of_message(origin: &Address, external_id: &str) -> String {
    format!("{} {} {external_id}", origin.channel, origin.account)
}

fn minutes_left(until: Millis, now: Millis) -> Millis {
    until.saturating_sub(now).max(0).div_euclid(60_000)
}
