//! What is kept of people: their time zone, and forgetting them.
//! Invariant: whoever asks to be forgotten is, with every session in which nobody else has spoken.
//! It must not know conversations.

use corvid_core::wire::Person;
use corvid_store::OpenInput;
use jiff::tz::TimeZone;

use crate::Gateway;
use crate::chat::{Speaker, code};
use crate::error::GatewayError;
use crate::surroundings::Surroundings;

/// How many of a person's sessions are looked through for what is not answered, the newest first.
const LOOKED_THROUGH: u32 = 1_000;
/// What stands for no choice.
const DEFAULT: &str = "default";

impl Gateway {
    /// A person's time zone, an IANA name; none where they have named none.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn zone(
        &self,
        channel: &str,
        id: &str,
    ) -> Result<Option<String>, GatewayError> {
        let person = Person {
            channel: channel.to_owned(),
            id: id.to_owned(),
        };
        Ok(self.store.zone(&person).await?)
    }

    /// `/timezone`.
    pub(crate) async fn set_timezone(
        &self,
        said: &Speaker,
        named: &str,
    ) -> Result<String, GatewayError> {
        let person = said.person();
        if named.is_empty() {
            let zone = self.store.zone(&person).await?;
            return Ok(match zone {
                Some(zone) => format!("Your time zone is {}.", code(&zone)),
                None => "I do not know your time zone; e.g. `/timezone Europe/Berlin` sets it."
                    .to_owned(),
            });
        }
        if named == DEFAULT {
            self.store.set_zone(&person, None).await?;
            return Ok("I have forgotten your time zone.".to_owned());
        }
        let Ok(zone) = TimeZone::get(named) else {
            let named = code(named);
            return Ok(format!(
                "There is no time zone {named}; use a name like `Europe/Berlin` or `America/New_York`."
            ));
        };
        let name = zone.iana_name().unwrap_or(named).to_owned();
        self.store.set_zone(&person, Some(&name)).await?;
        let now = jiff::Timestamp::from_millisecond(self.clock.now()).ok();
        let time = now.map_or_else(String::new, |now| {
            format!(": it is {}", now.to_zoned(zone).strftime("%H:%M"))
        });
        Ok(format!("Your time zone is {}{time}.", code(&name)))
    }

    /// `/forget`.
    pub(crate) async fn forget(
        &self,
        said: &Speaker,
        rest: &str,
        around: &dyn Surroundings,
    ) -> Result<String, GatewayError> {
        if !rest.eq_ignore_ascii_case("me") {
            return Ok(
                "`/forget me` deletes what I keep of you: the sessions in which only you have spoken, with everything \
                 said in them, your time zone, and that you were let in. What you said where others speak too stays with \
                 them, and so do the files in working folders. It cannot be undone."
                    .to_owned(),
            );
        }
        if self.owes(&said.person()).await? {
            return Ok(
                "Something of yours still runs; /stop it first, then /forget me again.".to_owned(),
            );
        }
        let forgotten = self.store.forget(&said.person()).await?;
        around.forget(&forgotten.sessions).await;
        let mut told = vec![match forgotten.sessions.len() {
            0 => "You are forgotten; no session was yours alone.".to_owned(),
            1 => "You are forgotten, and 1 session is deleted.".to_owned(),
            count => format!("You are forgotten, and {count} sessions are deleted."),
        }];
        if !forgotten.busy.is_empty() {
            told.push("Something still runs in another; an owner can delete it later.".to_owned());
        }
        if self
            .known(&said.origin, &said.requester.id)
            .await?
            .is_some()
        {
            told.push("My config still lets you in, so you may write again.".to_owned());
        }
        Ok(told.join(" "))
    }

    /// Whether something that this person has said is not answered yet.
    async fn owes(&self, person: &Person) -> Result<bool, GatewayError> {
        let sessions = self.store.sessions_of(person, LOOKED_THROUGH).await?;
        for row in sessions.iter().filter(|row| row.open_inputs > 0) {
            let open = self.store.session_open_inputs(&row.id).await?;
            let theirs = |input: &OpenInput| {
                (&input.origin.channel, &input.requester.id) == (&person.channel, &person.id)
            };
            if open.iter().any(theirs) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
