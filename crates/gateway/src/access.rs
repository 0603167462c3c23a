//! Who may speak: the one place that every kind of event from every channel passes.
//! Invariant: deny by default; decides on immutable ids, never on names that a person can change; what was revoked counts
//! from the next decision on.
//! It must not know what is said.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use corvid_core::Place;
use corvid_core::wire::{Address, Person, Requester, Role};
use corvid_store::{Store, StoreError};

use crate::Gateway;
use crate::error::GatewayError;

/// The channel of the person who runs this program.
const TERMINAL: &str = "terminal";

/// Who may speak, beside the people that the store has let in.
#[derive(Clone, Debug)]
pub struct Access {
    local_user: String,
    allowed: Arc<RwLock<Vec<Allowed>>>,
}

/// Whom the config lets in on one channel, by immutable numeric ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// The channel's name.
    pub channel: String,
    /// People who may do everything.
    pub owners: HashSet<String>,
    /// People who may talk to the agent.
    pub members: HashSet<String>,
    /// Groups in which such people may talk to it; each with all of its topics.
    pub groups: HashSet<String>,
}

impl Access {
    /// Only the person who runs this program, by numeric user id, through its terminal.
    pub fn local(user_id: u32) -> Self {
        Self {
            local_user: user_id.to_string(),
            allowed: Arc::default(),
        }
    }

    /// Whether whoever is there runs this program, and so has its folders before them.
    pub(crate) fn is_local(at: &Address) -> bool {
        at.channel == TERMINAL
    }

    /// Replaces what the config allows, for this handle and its clones, from the next decision on.
    pub fn set_allowed(&self, allowed: Vec<Allowed>) {
        *self.allowed.write().unwrap_or_else(PoisonError::into_inner) = allowed;
    }

    /// Whether this person may speak here, and as what.
    async fn authorize(
        &self,
        store: &Store,
        origin: &Address,
        person: &str,
    ) -> Result<Option<Requester>, StoreError> {
        let role = if Self::is_local(origin) {
            (person == self.local_user).then_some(Role::Owner)
        } else if is_id(person) {
            self.role(store, origin, person).await?
        } else {
            None
        };
        Ok(role.map(|role| Requester {
            id: person.to_owned(),
            role,
        }))
    }

    /// The greater of what the config and the store say.
    async fn role(
        &self,
        store: &Store,
        origin: &Address,
        id: &str,
    ) -> Result<Option<Role>, StoreError> {
        let configured = self.configured(&origin.channel, id);
        if configured == Some(Role::Owner) {
            return Ok(configured);
        }
        let person = Person {
            channel: origin.channel.clone(),
            id: id.to_owned(),
        };
        let stored = store.person(&person).await?.map(|row| row.role);
        Ok(match stored {
            Some(Role::Owner) => stored,
            _ => configured.or(stored),
        })
    }

    fn configured(&self, channel: &str, id: &str) -> Option<Role> {
        let allowed = self.allowed.read().unwrap_or_else(PoisonError::into_inner);
        let here = allowed.iter().filter(|allowed| allowed.channel == channel);
        let roles = here.filter_map(|allowed| {
            if allowed.owners.contains(id) {
                Some(Role::Owner)
            } else {
                allowed.members.contains(id).then_some(Role::Member)
            }
        });
        roles.reduce(|one, other| match (one, other) {
            (Role::Member, Role::Member) => Role::Member,
            _ => Role::Owner,
        })
    }

    /// Whether the config names an owner on any channel.
    pub(crate) fn names_owners(&self) -> bool {
        let allowed = self.allowed.read().unwrap_or_else(PoisonError::into_inner);
        allowed.iter().any(|allowed| !allowed.owners.is_empty())
    }

    /// Whether the config lists this group; a topic (`group/topic`) is listed with its group.
    fn lists_group(&self, origin: &Address) -> bool {
        let allowed = self.allowed.read().unwrap_or_else(PoisonError::into_inner);
        let group = group_of(origin);
        let mut here = allowed
            .iter()
            .filter(|allowed| allowed.channel == origin.channel);
        here.any(|allowed| allowed.groups.contains(group))
    }
}

/// The group that a conversation is, or is a topic of.
pub(crate) fn group_of(origin: &Address) -> &str {
    let conversation = &origin.conversation;
    conversation
        .split_once('/')
        .map_or(conversation.as_str(), |(group, _)| group)
}

/// Whether this can be a person's id: channels other than the terminal number people. What speaks under another
/// kind of id (a group as itself) is nobody.
fn is_id(person: &str) -> bool {
    !person.is_empty() && person.bytes().all(|byte| byte.is_ascii_digit())
}

impl Gateway {
    /// Whether this person may speak here, and as what.
    ///
    /// # Errors
    /// The store's; nobody may speak then.
    pub(crate) async fn known(
        &self,
        from: &Address,
        person: &str,
    ) -> Result<Option<Requester>, GatewayError> {
        Ok(self.access.authorize(&self.store, from, person).await?)
    }

    /// As [`Gateway::known`], where a stranger has no business at all.
    ///
    /// # Errors
    /// [`GatewayError::Denied`] for a stranger; the store's.
    pub(crate) async fn authorize(
        &self,
        from: &Address,
        person: &str,
    ) -> Result<Requester, GatewayError> {
        let requester = self.known(from, person).await?;
        requester.ok_or_else(|| GatewayError::Denied(person.to_owned()))
    }

    /// Whether the agent may be talked to in this conversation, by people who may speak at all: in private, and in
    /// the groups that the config lists, also under the id that an upgrade has given them.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn may_be_used_in(
        &self,
        origin: &Address,
        place: Place,
    ) -> Result<bool, GatewayError> {
        if place == Place::Private || self.access.lists_group(origin) {
            return Ok(true);
        }
        let group = Address {
            conversation: group_of(origin).to_owned(),
            ..origin.clone()
        };
        let former = self.store.former(&group).await?;
        Ok(former.iter().any(|before| self.access.lists_group(before)))
    }
}

#[cfg(test)]
mod tests {
    use corvid_core::Tasks;
    use corvid_store::{Config, PersonRow};

    use super::*;

    fn at(channel: &str, conversation: &str) -> Address {
        Address {
            channel: channel.to_owned(),
            account: "1000".to_owned(),
            conversation: conversation.to_owned(),
        }
    }

    fn ids(ids: &[&str]) -> HashSet<String> {
        ids.iter().map(ToString::to_string).collect()
    }

    async fn role(access: &Access, store: &Store, channel: &str, person: &str) -> Option<Role> {
        let requester = access.authorize(store, &at(channel, "x"), person).await;
        requester
            .expect("the store answers")
            .map(|requester| requester.role)
    }

    async fn store(folder: &tempfile::TempDir) -> Store {
        let config = Config {
            path: folder.path().join("corvid.db"),
        };
        let opened = Store::open(&config, &Tasks::default()).await;
        opened.expect("a new store opens")
    }

    #[tokio::test]
    async fn only_the_local_user_speaks_and_only_through_the_terminal() {
        let folder = tempfile::tempdir().expect("a folder");
        let (access, store) = (Access::local(1000), store(&folder).await);
        for (channel, person, expect) in [
            ("terminal", "1000", Some(Role::Owner)),
            ("terminal", "1001", None),
            ("terminal", "", None),
            ("telegram", "1000", None),
        ] {
            assert_eq!(role(&access, &store, channel, person).await, expect);
        }
    }

    #[tokio::test]
    async fn config_and_store_let_in_by_number_until_they_no_longer_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let (access, store) = (Access::local(1000), store(&folder).await);
        let shared = access.clone();
        shared.set_allowed(vec![Allowed {
            channel: "telegram".to_owned(),
            owners: ids(&["1"]),
            members: ids(&["2", "ada", "-100", ""]),
            groups: ids(&[]),
        }]);
        let stored = Person {
            channel: "telegram".to_owned(),
            id: "3".to_owned(),
        };
        let row = PersonRow {
            person: stored.clone(),
            role: Role::Member,
            name: "ada".to_owned(),
            zone: None,
            since: 1,
        };
        store.let_in(&row).await.expect("the store writes");
        for (person, expect) in [
            ("1", Some(Role::Owner)),
            ("2", Some(Role::Member)),
            ("3", Some(Role::Member)),
            ("4", None),
            // A name, a group and nobody are no people, whatever a list says.
            ("ada", None),
            ("-100", None),
            ("", None),
        ] {
            assert_eq!(role(&access, &store, "telegram", person).await, expect);
        }
        assert_eq!(role(&access, &store, "discord", "1").await, None);
        store.revoke(&stored).await.expect("the store writes");
        assert_eq!(role(&access, &store, "telegram", "3").await, None);
        access.set_allowed(Vec::new());
        assert_eq!(role(&access, &store, "telegram", "1").await, None);
    }

    #[test]
    fn a_listed_group_is_listed_with_its_topics() {
        let access = Access::local(1000);
        access.set_allowed(vec![Allowed {
            channel: "telegram".to_owned(),
            groups: ids(&["-100"]),
            ..Allowed::default()
        }]);
        for (channel, conversation, expect) in [
            ("telegram", "-100", true),
            ("telegram", "-100/7", true),
            ("telegram", "-1001", false),
            ("discord", "-100", false),
        ] {
            assert_eq!(access.lists_group(&at(channel, conversation)), expect);
        }
    }
}
