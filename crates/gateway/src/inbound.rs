//! What an adapter hands in, and the events that admit it.
//! Invariant: an input is admitted under the key that its channel will never use again.
//! It must not know whether the session is busy.

use std::path::PathBuf;

use corvid_core::wire::{
    Address, Admission, EventBody, Flags, InputId, Mode, Part, Requester, SessionId,
};

/// A message that an adapter decoded.
#[derive(Clone, Debug)]
pub struct Inbound {
    /// Which session it is for.
    pub target: Target,
    /// Where it came from and where the reply goes.
    pub origin: Address,
    /// The id under which the channel will never send another message.
    pub external_id: String,
    /// The immutable id of who says it.
    pub person: String,
    /// What is said.
    pub parts: Vec<Part>,
    /// What it does while a turn runs.
    pub mode: Mode,
    /// The folder for the turn it starts, absolute.
    pub working_dir: PathBuf,
    /// What the person allowed or limited with it.
    pub flags: Flags,
}

/// Which session an input is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A new one under a drawn id.
    New,
    /// This one; made if it is not there.
    Session(SessionId),
    /// This one, which must be there.
    Existing(SessionId),
}

/// Longest name of a session, in characters.
const NAME_LIMIT: usize = 64;

impl Target {
    /// Whether a text can name a session: letters, digits, `-`, `_` and `.`, at most 64, none of them a
    /// leading dot. A session's name is also the name of a folder.
    pub fn is_name(text: &str) -> bool {
        (1..=NAME_LIMIT).contains(&text.len())
            && !text.starts_with('.')
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    }
}

impl Inbound {
    pub(crate) fn admission(&self, input: InputId, requester: Requester) -> Admission {
        Admission {
            input,
            origin: self.origin.clone(),
            external_id: self.external_id.clone(),
            requester,
            parts: self.parts.clone(),
            mode: self.mode,
            working_dir: self.working_dir.to_string_lossy().into_owned(),
            flags: self.flags.clone(),
            job: None,
            together: None,
            replaces: None,
            zone: None,
        }
    }
}

/// The events that admit an input into a session whose head is `head`.
pub(crate) fn admitting(admission: &Admission, head: u64) -> Vec<EventBody> {
    let opening = (head == 0).then(|| EventBody::SessionOpened {
        working_dir: admission.working_dir.clone(),
    });
    opening
        .into_iter()
        .chain([EventBody::InputAdmitted(admission.clone())])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_safe_as_a_folder() {
        for name in ["work", "s-7k2m9q4x", "a.b_c-D"] {
            assert!(Target::is_name(name), "{name}");
        }
        let long = "x".repeat(65);
        for name in ["", ".", "..", ".ssh", "a/b", "a b", "ü", "a\n", &long] {
            assert!(!Target::is_name(name), "{name}");
        }
    }
}
