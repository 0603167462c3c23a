//! Who may speak: the one place that every kind of event from every channel passes.
//! Invariant: deny by default; decides on immutable ids, never on names that a person can change.
//! It must not know what is said.

use corvid_core::wire::{Address, Requester, Role};

/// Who may speak.
#[derive(Clone, Debug)]
pub struct Access {
    local_user: String,
}

impl Access {
    /// Only the person who runs this program, by numeric user id, through its terminal.
    pub fn local(user_id: u32) -> Self {
        Self {
            local_user: user_id.to_string(),
        }
    }

    /// Whether this person may speak here, and as what.
    pub(crate) fn authorize(&self, origin: &Address, person: &str) -> Option<Requester> {
        let local = origin.channel == "terminal" && person == self.local_user;
        local.then(|| Requester {
            id: person.to_owned(),
            role: Role::Owner,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(channel: &str, person: &str) -> Option<Role> {
        let origin = Address {
            channel: channel.to_owned(),
            account: "1000".to_owned(),
            conversation: "x".to_owned(),
        };
        Access::local(1000)
            .authorize(&origin, person)
            .map(|requester| requester.role)
    }

    #[test]
    fn only_the_local_user_speaks_and_only_through_the_terminal() {
        assert_eq!(from("terminal", "1000"), Some(Role::Owner));
        assert_eq!(from("terminal", "1001"), None);
        assert_eq!(from("terminal", ""), None);
        assert_eq!(from("telegram", "1000"), None);
    }
}
