//! The Bot API's methods: what each takes, and what it does to the world.
//! Invariant: a call does all of what it says or nothing; a refusal leaves the world as it was.
//! It must not know HTTP, nor that a call may be lost.

mod bot;
mod buttons;
mod edit;
mod files;
mod send;
mod table;
mod target;

use corvid_core::wire::Millis;
use serde_json::{Value, json};

use super::asked::Asked;
use super::refusal::Refusal;
use super::world::World;

use table::METHODS;
pub(super) use table::{Method, Run};

/// One call on its way.
#[derive(Debug)]
pub(super) struct Doing<'a> {
    /// What it acts on.
    pub(super) world: &'a mut World,
    /// What was asked.
    pub(super) asked: &'a Asked,
    /// When.
    pub(super) now: Millis,
    /// What a well-behaved bot would not have sent.
    pub(super) faults: Vec<String>,
}

type Answer = Result<Value, Refusal>;

/// The method of this name, whose letters may be large or small.
pub(super) fn find(name: &str) -> Option<&'static Method> {
    METHODS
        .iter()
        .find(|method| method.name.eq_ignore_ascii_case(name))
}

/// The result of a method that only does something.
fn done() -> Value {
    json!(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_however_they_are_spelled() {
        assert_eq!(
            find("SendMessage").map(|method| method.name),
            Some("sendMessage")
        );
        assert!(find("sendMessages").is_none());
    }
}
