//! The place from which a person oversees what other processes do: the store, and a gateway that hosts no turn.
//! Invariant: whoever acts here is the person whose process it is, through the one place that authorizes.
//! It must not know what is done from it.

use std::fmt;
use std::sync::Arc;

use anyhow::bail;
use corvid_channels::inert_line;
use corvid_channels::terminal::{self, Form, Surface, Terminal};
use corvid_core::wire::{Address, Patience, SessionId};
use corvid_core::{Clock, Tasks};
use corvid_gateway::Gateway;
use corvid_store::Store;

use super::compose;
use crate::config::{Composed, Environment, Home};
use crate::wiring::{self, Ingredients};

/// Tokens of a request that nobody makes here.
const NO_CONTEXT: u64 = 0;

/// How many ids that begin alike are looked up.
pub(super) const ALIKE: u32 = 5;

/// How many characters of an id must be typed behind its kind (`q-`, `j-`) to act on what it names.
const TYPED: usize = 4;

/// How many of them are named.
const SHOWN_IDS: usize = 4;

/// An open console.
pub(super) struct Console {
    /// The composed config.
    pub(super) composed: Composed,
    /// The store.
    pub(super) store: Store,
    /// A gateway whose terminal shows nothing and asks nobody.
    pub(super) gateway: Gateway,
    /// The time.
    pub(super) clock: Arc<dyn Clock>,
    /// Where the person speaks from.
    pub(super) from: Address,
    /// The person's user id.
    pub(super) person: String,
    tasks: Tasks,
}

impl Console {
    /// Opens the store and a gateway on it.
    ///
    /// # Errors
    /// With the config's or the store's own sentence.
    pub(super) async fn open(home: &Home, environment: &Environment) -> anyhow::Result<Self> {
        let composed = compose(home, environment)?;
        let clock = wiring::clock(environment)?;
        let tasks = Tasks::default();
        let store = wiring::store(&composed, &tasks).await?;
        let user = rustix::process::getuid().as_raw();
        let silent = Surface {
            out: Box::new(std::io::sink()),
            form: Form::Plain,
            err: Box::new(std::io::sink()),
            progress: None,
            person: None,
            waits: false,
        };
        let gateway = wiring::gateway(Ingredients {
            composed: &composed,
            environment,
            store: store.clone(),
            models: Arc::new(wiring::models(&composed, Arc::clone(&clock))),
            model: composed.model.name.clone(),
            context_tokens: NO_CONTEXT,
            policy: Arc::new(wiring::policy(&composed)),
            patience: Patience::GiveUp,
            channels: vec![Arc::new(Terminal::new(silent, Arc::clone(&clock)))],
            access: wiring::access(&composed, user),
            clock: Arc::clone(&clock),
            tasks: tasks.clone(),
        });
        let person = user.to_string();
        Ok(Self {
            from: Address {
                channel: terminal::NAME.to_owned(),
                account: person.clone(),
                conversation: "agent".to_owned(),
            },
            composed,
            store,
            gateway,
            clock,
            person,
            tasks,
        })
    }

    /// Waits for what was begun.
    pub(super) async fn close(self) {
        self.tasks.shutdown().await;
    }

    /// The session of that name, or the one used last.
    ///
    /// # Errors
    /// If there is none.
    pub(super) async fn session(&self, named: Option<&str>) -> anyhow::Result<SessionId> {
        let Some(name) = named else {
            let latest = self.store.latest_session(terminal::NAME, &self.person);
            return match latest.await? {
                Some(session) => Ok(session),
                None => bail!("there is no session yet; `agent run -e TEXT` begins one"),
            };
        };
        let session = SessionId::new(name);
        if self.store.session(&session).await?.is_none() {
            bail!(
                "no session `{}`; `agent sessions list` shows what there is",
                inert_line(name)
            );
        }
        Ok(session)
    }
}

/// The one of the ids that begin with `given`; `ids` may hold more than fit a sentence.
///
/// # Errors
/// If there is none or more than one; `what` names the kind, `listing` the command that lists them.
pub(super) fn the_one<'a, T: fmt::Display>(
    ids: &'a [T],
    given: &str,
    (what, listing): (&str, &str),
) -> anyhow::Result<&'a T> {
    let given = inert_line(given);
    match ids {
        [one] => Ok(one),
        [] => bail!("no {what} `{given}`; `{listing}` shows them"),
        several => {
            let named: Vec<String> = several.iter().take(SHOWN_IDS).map(T::to_string).collect();
            bail!(
                "several ids begin with `{given}` ({}, …); type more of the one that is meant",
                named.join(", ")
            )
        }
    }
}

/// Refuses to act on what is named by so little of its id that a slip of the finger may have done it.
///
/// # Errors
/// If it is; with the whole id.
pub(super) fn named_enough(id: &impl fmt::Display, given: &str) -> anyhow::Result<()> {
    let (id, given) = (id.to_string(), given.trim());
    let kind = id.find('-').map_or(0, |at| at + 1);
    if given == id || given.len() >= kind + TYPED {
        return Ok(());
    }
    bail!(
        "`{}` is too short to act on; `{id}` begins so: type at least {TYPED} characters behind `{}`",
        inert_line(given),
        &id[..kind]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_act_on_it_an_id_needs_four_characters_of_its_own() {
        let name =
            |given: &str| named_enough(&"q-abcdefghij", given).map_err(|error| error.to_string());
        for given in ["q", "q-", "q-abc"] {
            let refusal = format!(
                "`{given}` is too short to act on; `q-abcdefghij` begins so: type at least 4 characters behind `q-`"
            );
            assert_eq!(name(given), Err(refusal));
        }
        assert_eq!(name("q-abcd"), Ok(()));
        assert_eq!(name(" q-abcdefghij "), Ok(()));
        assert!(named_enough(&"q-ab", "q-ab").is_ok(), "there is no more");
    }

    #[test]
    fn an_id_may_be_cut_short_as_long_as_it_is_clear() {
        let find = |ids: &[&'static str]| {
            the_one(ids, "q-a", ("question", "agent approvals list"))
                .copied()
                .map_err(|error| error.to_string())
        };
        assert_eq!(find(&["q-abc"]), Ok("q-abc"));
        assert_eq!(
            find(&["q-abc", "q-abd"]),
            Err(
                "several ids begin with `q-a` (q-abc, q-abd, …); type more of the one that is meant"
                    .to_owned()
            )
        );
        assert_eq!(
            find(&[]),
            Err("no question `q-a`; `agent approvals list` shows them".to_owned())
        );
    }
}
