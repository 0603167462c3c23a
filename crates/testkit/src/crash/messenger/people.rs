//! The people of the messenger's play: what each wants, writes and presses, and when they have what they wanted.
//! Invariant: each has a chat of their own and says something once, so that every reply has one person it is for.
//! It must not know the bot's insides, only what stands in a chat.

use crate::telegram::{Say, SeenChat, SeenMessage};

/// What a person wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// A plain answer.
    Talk,
    /// Something done that must not be done twice, and a command run.
    Effect,
    /// The answer to a command of the bot's own.
    Status,
    /// Something done that they are asked about first.
    Approval,
    /// An answer to two pictures that are sent at once.
    Album,
}

/// Everything that people want.
pub(super) const WISHES: [Wish; 5] = [
    Wish::Talk,
    Wish::Effect,
    Wish::Status,
    Wish::Approval,
    Wish::Album,
];

/// What a message holds before its text comes.
const PLACEHOLDERS: [&str; 2] = ["…", "❓ A question for you …"];

/// What stands on a card about a call whose outcome nobody knows.
const DOUBT: &str = "nobody knows whether this happened";

/// One person.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person {
    /// Their id, and that of their chat.
    pub(super) id: i64,
    /// What they want.
    pub(super) wish: Wish,
}

/// What a message of the bot's is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A message whose text never came.
    Placeholder,
    /// A question whether a call may run.
    Card,
    /// A question what became of a call.
    Doubt,
    /// What the person waits for.
    Reply,
    /// The sound at the end of a long turn.
    LastWord,
    /// Something that nobody is to read.
    Stray,
}

impl Person {
    /// The people of one round, who want one thing each.
    pub(super) fn of_round(round: i64, wishes: &[Wish]) -> Vec<Self> {
        let first = 1_000 + 10 * round;
        let people = (first..).zip(wishes);
        people.map(|(id, wish)| Self { id, wish: *wish }).collect()
    }

    /// What they ask; no question is part of another.
    pub(super) fn question(&self) -> String {
        let Self { id, wish } = self;
        format!("please do <{wish:?}-{id}>")
    }

    /// What they send.
    pub(super) fn says(&self) -> Vec<Say> {
        let say = |text: String| Say::private(self.id, text);
        match self.wish {
            Wish::Talk | Wish::Effect | Wish::Approval => vec![say(self.question())],
            Wish::Status => vec![say("/status".to_owned())],
            Wish::Album => {
                let picture = |text: String| {
                    let album = format!("album of {}", self.id);
                    say(text).photo([0xff, 0xd8, 0xff, 0xe0]).album(album)
                };
                let questions = self.album().into_iter();
                questions.map(picture).collect()
            }
        }
    }

    /// What stands below the pictures of an album.
    pub(super) fn album(&self) -> [String; 2] {
        let question = self.question();
        [format!("{question} one"), format!("{question} two")]
    }

    /// What a message of the bot's in their chat is.
    pub(super) fn kind(&self, message: &SeenMessage) -> Kind {
        let text = message.text.as_str();
        let (answer, status) = (format!("answer to {}", self.question()), "Nothing was said");
        match self.wish {
            _ if PLACEHOLDERS.contains(&text) => Kind::Placeholder,
            _ if text.starts_with("❓ ") && text.contains(DOUBT) => Kind::Doubt,
            Wish::Approval if text.starts_with("❓ ") => Kind::Card,
            Wish::Status if text.starts_with(status) => Kind::Reply,
            // The second picture may come to a turn of its own, without the first one's words.
            Wish::Talk | Wish::Effect | Wish::Approval | Wish::Album if text.contains(&answer) => {
                Kind::Reply
            }
            _ if text.starts_with("Done in ") && message.reply_to.is_some() => Kind::LastWord,
            _ => Kind::Stray,
        }
    }

    /// How many of the bot's messages in their chat are of a kind.
    pub(super) fn count(&self, chat: &SeenChat, kind: Kind) -> usize {
        chat.by_bot()
            .filter(|message| self.kind(message) == kind)
            .count()
    }

    /// Whether they have what they wanted.
    pub(super) fn is_answered(&self, chat: &SeenChat) -> bool {
        self.count(chat, Kind::Reply) > 0
    }
}

/// The button that a person presses below a message, by its data: they allow what they are asked about, and say
/// that what nobody knows has worked.
pub(super) fn pressed(message: &SeenMessage) -> Option<&str> {
    let buttons = ["✅ Allow once", "✅ It worked"];
    buttons.iter().find_map(|text| message.button(text))
}
