//! How a fake is set up: its bot, its people, its groups.
//! Invariant: plain data, spelled the same in a test's code and on the control socket.
//! It must not know what becomes of it.

use serde::{Deserialize, Serialize};

/// The bot that a server knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Setup {
    /// Its token; the part before the colon is its id.
    pub token: String,
    /// Its name.
    pub bot_name: String,
    /// Its user name, without `@`.
    pub bot_username: String,
    /// Whether it gets every message of its groups, rather than only those that concern it.
    pub reads_all: bool,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The id, which never changes.
    pub id: i64,
    /// The first name.
    pub first_name: String,
    /// The last name.
    #[serde(default)]
    pub last_name: Option<String>,
    /// The user name, without `@`.
    #[serde(default)]
    pub username: Option<String>,
    /// The language that their app speaks, e.g. `en`.
    #[serde(default)]
    pub language: Option<String>,
}

/// A group with the bot in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its id, below zero.
    pub id: i64,
    /// Its title.
    pub title: String,
    /// Whether it is a supergroup.
    #[serde(default)]
    pub supergroup: bool,
    /// Whether it has topics, and with that is a supergroup.
    #[serde(default)]
    pub forum: bool,
    /// Its topics.
    #[serde(default)]
    pub topics: Vec<i32>,
    /// Its people.
    #[serde(default)]
    pub members: Vec<i64>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            token: "4242:fake-token-of-the-fake-bot_0123456789".to_owned(),
            bot_name: "Corvid".to_owned(),
            bot_username: "corvid_bot".to_owned(),
            reads_all: true,
        }
    }
}

impl Setup {
    /// The bot's id.
    pub fn bot_id(&self) -> i64 {
        let id = self.token.split(':').next().unwrap_or_default();
        id.parse().unwrap_or_default()
    }
}

impl Person {
    /// A person with a name made of their id.
    pub fn new(id: i64) -> Self {
        Self {
            id,
            first_name: format!("Person {id}"),
            last_name: None,
            username: None,
            language: Some("en".to_owned()),
        }
    }
}

impl Group {
    /// A basic group.
    pub fn basic(
        id: i64,
        title: impl Into<String>,
        members: impl IntoIterator<Item = i64>,
    ) -> Self {
        Self {
            id,
            title: title.into(),
            supergroup: false,
            forum: false,
            topics: Vec::new(),
            members: members.into_iter().collect(),
        }
    }

    /// A supergroup.
    pub fn supergroup(
        id: i64,
        title: impl Into<String>,
        members: impl IntoIterator<Item = i64>,
    ) -> Self {
        Self {
            supergroup: true,
            ..Self::basic(id, title, members)
        }
    }

    /// A supergroup with these topics.
    pub fn forum(
        id: i64,
        title: impl Into<String>,
        members: impl IntoIterator<Item = i64>,
        topics: impl IntoIterator<Item = i32>,
    ) -> Self {
        Self {
            forum: true,
            topics: topics.into_iter().collect(),
            ..Self::supergroup(id, title, members)
        }
    }
}
