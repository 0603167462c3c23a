//! The world that the server keeps: people, chats, messages, files, what the bot has yet to be told.
//! Invariant: ids of messages count up in each chat; what is deleted is kept, and shown to nobody.
//! It must not know HTTP, nor how any method is called.

mod chat;
mod shape;
mod updates;

use std::collections::BTreeMap;

use corvid_core::wire::Millis;
use serde_json::{Value, json};

use super::fault::Plan;
use super::ledger::Call;
use super::pace::Pace;
use super::setup::{Group, Person, Setup};

pub(super) use chat::{Chat, Kind, Media, MediaKind, Message, Standing, StoredFile};
pub(super) use shape::seconds;
pub(super) use updates::{Poller, Updates};

/// How long a press may be answered, in milliseconds.
const PRESS_LIFE: Millis = 15 * 60 * 1000;

/// Everything.
#[derive(Debug)]
pub(super) struct World {
    /// How the server was set up.
    pub(super) setup: Setup,
    /// The bot's token is valid no more.
    pub(super) revoked: bool,
    /// Whether a webhook is set, which forbids polling.
    pub(super) webhook: bool,
    /// Whether calls that come too fast are refused, and not only counted.
    pub(super) strict_pace: bool,
    /// People by id.
    pub(super) people: BTreeMap<i64, Person>,
    /// Chats by id.
    pub(super) chats: BTreeMap<i64, Chat>,
    /// Files by their id.
    pub(super) files: BTreeMap<String, StoredFile>,
    /// What the bot has yet to be told.
    pub(super) updates: Updates,
    /// Presses by id.
    pub(super) presses: BTreeMap<String, Pressed>,
    /// The commands that are registered, by scope and language.
    pub(super) commands: BTreeMap<String, Value>,
    /// How fast calls come.
    pub(super) pace: Pace,
    /// What is to go wrong.
    pub(super) plans: Vec<Plan>,
    /// Every call so far.
    pub(super) calls: Vec<Call>,
    /// The number of the next thing that needs one.
    next: u64,
}

/// A press of a button.
#[derive(Clone, Debug)]
pub(super) struct Pressed {
    /// When.
    pub(super) at: Millis,
    /// What the person was shown for it.
    pub(super) answer: Option<PressAnswer>,
}

/// What a person is shown for a press.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PressAnswer {
    /// The text; empty if only the waiting ends.
    pub(super) text: String,
    /// Whether it must be dismissed.
    pub(super) alert: bool,
}

impl World {
    /// A world with nobody in it but the bot.
    pub(super) fn new(setup: Setup) -> Self {
        Self {
            revoked: false,
            webhook: false,
            strict_pace: false,
            people: BTreeMap::new(),
            chats: BTreeMap::new(),
            files: BTreeMap::new(),
            updates: Updates::new(),
            presses: BTreeMap::new(),
            commands: BTreeMap::new(),
            pace: Pace::default(),
            plans: Vec::new(),
            calls: Vec::new(),
            next: 1,
            setup,
        }
    }

    /// A number that nothing else has.
    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// The person of this id, who appears when they are first named.
    pub(super) fn person(&mut self, id: i64) -> &Person {
        self.people.entry(id).or_insert_with(|| Person::new(id))
    }

    /// The chat of this id; the private one of a person appears when they first write.
    pub(super) fn chat_of(&mut self, id: i64) -> Result<&mut Chat, String> {
        if id > 0 && !self.chats.contains_key(&id) {
            self.person(id);
            self.chats.insert(id, Chat::new(id, Kind::Private));
        }
        self.chats
            .get_mut(&id)
            .ok_or_else(|| format!("there is no chat {id}; make the group first"))
    }

    /// Makes a group, or changes one, with the bot in it.
    pub(super) fn make_group(&mut self, group: &Group) {
        for member in &group.members {
            self.person(*member);
        }
        let kind = if group.supergroup || group.forum {
            Kind::Supergroup { forum: group.forum }
        } else {
            Kind::Group
        };
        let chat = self
            .chats
            .entry(group.id)
            .or_insert_with(|| Chat::new(group.id, kind));
        chat.kind = kind;
        chat.title.clone_from(&group.title);
        chat.members = group.members.iter().copied().collect();
        chat.topics.extend(group.topics.iter().copied());
        chat.standing = Standing::Member;
    }

    /// Puts a message into a chat and returns its id.
    pub(super) fn post(&mut self, chat: i64, message: Message) -> i32 {
        self.chats
            .get_mut(&chat)
            .map_or(0, |chat| chat.post(message))
    }

    /// A message that has not been deleted.
    pub(super) fn message(&self, chat: i64, id: i32) -> Option<&Message> {
        self.chats.get(&chat)?.message(id)
    }

    /// Keeps a file and returns its id.
    pub(super) fn keep_file(&mut self, file: StoredFile) -> String {
        let id = format!("file-{}", self.number());
        self.files.insert(id.clone(), file);
        id
    }

    /// Tells the bot of a message.
    pub(super) fn tell_message(&mut self, kind: &'static str, chat: i64, id: i32) {
        let told = self.message_value(chat, id, true);
        self.updates.push(kind, told);
    }

    /// Tells the bot that its standing in a chat has changed.
    pub(super) fn tell_standing(&mut self, chat: i64, by: i64, from: Standing, now: Millis) {
        let Some(to) = self.chats.get(&chat).map(|chat| chat.standing) else {
            return;
        };
        let member = |standing: Standing| {
            let mut member = json!({ "user": self.bot_value(), "status": standing.status() });
            if standing == Standing::Kicked {
                member["until_date"] = json!(0);
            }
            member
        };
        let told = json!({
            "chat": self.chat_value(chat),
            "from": self.user_value(by),
            "date": seconds(now),
            "old_chat_member": member(from),
            "new_chat_member": member(to),
        });
        self.updates.push("my_chat_member", told);
    }

    /// Whether a press may still be answered.
    pub(super) fn press_is_open(&self, id: &str, now: Millis) -> bool {
        self.presses
            .get(id)
            .is_some_and(|press| press.answer.is_none() && now - press.at < PRESS_LIFE)
    }
}
