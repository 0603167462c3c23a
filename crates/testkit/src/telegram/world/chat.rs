//! Chats and their messages.
//! Invariant: a message's history holds every text it ever had, the newest last.
//! It must not know who is told of them.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use corvid_core::wire::Millis;
use serde_json::Value;

/// A chat.
#[derive(Debug)]
pub(in super::super) struct Chat {
    /// Its id; a person's own for a private chat, below zero for a group.
    pub(in super::super) id: i64,
    /// Its kind.
    pub(in super::super) kind: Kind,
    /// A group's title.
    pub(in super::super) title: String,
    /// A group's people.
    pub(in super::super) members: BTreeSet<i64>,
    /// A forum's topics.
    pub(in super::super) topics: BTreeSet<i32>,
    /// How the bot stands in it.
    pub(in super::super) standing: Standing,
    /// Where a group has gone.
    pub(in super::super) migrated_to: Option<i64>,
    /// What the bot does there (`typing`), and when it said so.
    pub(in super::super) action: Option<(String, Millis)>,
    /// What streams in before it becomes a message, by the draft's id.
    pub(in super::super) drafts: BTreeMap<i64, String>,
    messages: BTreeMap<i32, Message>,
    last: i32,
}

/// A kind of chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Kind {
    /// A person and the bot.
    Private,
    /// A basic group.
    Group,
    /// A supergroup.
    Supergroup {
        /// Whether it has topics.
        forum: bool,
    },
}

/// How the bot stands in a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Standing {
    /// It may write.
    Member,
    /// Blocked by the person, or thrown out of the group.
    Kicked,
    /// The person has deleted their account, or the group was deleted.
    Deactivated,
}

/// A message.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Message {
    /// Its id in the chat.
    pub(in super::super) id: i32,
    /// Who wrote it; none for the bot.
    pub(in super::super) from: Option<i64>,
    /// When.
    pub(in super::super) at: Millis,
    /// When it was last changed.
    pub(in super::super) edited_at: Option<Millis>,
    /// Its topic, or the thread of replies that it is in.
    pub(in super::super) thread: Option<i32>,
    /// Whether that is a topic.
    pub(in super::super) in_topic: bool,
    /// The text, or the caption of what was sent.
    pub(in super::super) text: String,
    /// The entities of it.
    pub(in super::super) entities: Vec<Value>,
    /// What was sent with it.
    pub(in super::super) media: Option<Media>,
    /// The message that it replies to.
    pub(in super::super) reply_to: Option<i32>,
    /// The words in that message that it quotes.
    pub(in super::super) quote: Option<String>,
    /// Where it was forwarded from, as the protocol spells it.
    pub(in super::super) origin: Option<Value>,
    /// Rows of buttons.
    pub(in super::super) buttons: Vec<Value>,
    /// Whether it came without a sound.
    pub(in super::super) silent: bool,
    /// Whether it is shown to nobody any more.
    pub(in super::super) deleted: bool,
    /// The album that it is part of.
    pub(in super::super) album: Option<String>,
    /// Fields that it has beside or in place of these, as the protocol spells them.
    pub(in super::super) fields: Option<Value>,
    /// The bot's reactions.
    pub(in super::super) reactions: Vec<String>,
    /// Its texts, the first one first.
    pub(in super::super) history: Vec<String>,
}

/// What is sent with a message.
#[derive(Clone, Debug)]
pub(in super::super) struct Media {
    /// What it is.
    pub(in super::super) kind: MediaKind,
    /// The file.
    pub(in super::super) file_id: String,
}

/// A kind of what is sent with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum MediaKind {
    /// A picture.
    Photo,
    /// Any file.
    Document,
    /// Something spoken.
    Voice,
}

/// A file that the server keeps.
#[derive(Clone, Debug)]
pub(in super::super) struct StoredFile {
    /// Its name.
    pub(in super::super) name: String,
    /// Its media type.
    pub(in super::super) media_type: String,
    /// What is in it.
    pub(in super::super) bytes: Bytes,
    /// The size that is told, which may be larger than what is kept.
    pub(in super::super) size: u64,
}

impl Chat {
    /// An empty chat.
    pub(super) fn new(id: i64, kind: Kind) -> Self {
        Self {
            id,
            kind,
            title: String::new(),
            members: BTreeSet::new(),
            topics: BTreeSet::new(),
            standing: Standing::Member,
            migrated_to: None,
            action: None,
            drafts: BTreeMap::new(),
            messages: BTreeMap::new(),
            last: 0,
        }
    }

    /// Whether it has topics.
    pub(in super::super) fn is_forum(&self) -> bool {
        self.kind == Kind::Supergroup { forum: true }
    }

    /// All messages, deleted ones included, in their order.
    pub(in super::super) fn messages(&self) -> impl Iterator<Item = &Message> {
        self.messages.values()
    }

    /// A message that has not been deleted.
    pub(in super::super) fn message(&self, id: i32) -> Option<&Message> {
        self.messages.get(&id).filter(|message| !message.deleted)
    }

    /// A message that has not been deleted, to change it.
    pub(in super::super) fn message_mut(&mut self, id: i32) -> Option<&mut Message> {
        self.messages
            .get_mut(&id)
            .filter(|message| !message.deleted)
    }

    /// Puts a message into it and returns its id.
    pub(super) fn post(&mut self, mut message: Message) -> i32 {
        self.last += 1;
        message.id = self.last;
        message.history = vec![message.text.clone()];
        message.in_topic = self.is_forum() && message.thread.is_some();
        if self.kind == (Kind::Supergroup { forum: false }) {
            // Replies make a thread, which is no topic.
            message.thread = message.reply_to.map(|replied| {
                let root = self.messages.get(&replied);
                root.and_then(|root| root.thread).unwrap_or(replied)
            });
        }
        self.messages.insert(self.last, message);
        self.last
    }
}

impl Message {
    /// Gives it another text.
    pub(in super::super) fn rewrite(&mut self, text: String, entities: Vec<Value>, now: Millis) {
        self.history.push(text.clone());
        self.text = text;
        self.entities = entities;
        self.edited_at = Some(now);
    }
}

impl Standing {
    /// As a chat member's status.
    pub(super) fn status(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Kicked => "kicked",
            Self::Deactivated => "left",
        }
    }
}
