//! Where messages are: a chat, a topic in it, a message in a chat, and how each is spelled in addresses and ids.
//! Invariant: what is spelled here is read back here, and nowhere else.
//! It must not know what is written there.

use std::fmt;

/// A conversation: `{chat}`, or `{chat}/{thread}` for a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Spot {
    /// The chat's immutable id; positive for one person, negative for a group.
    pub(super) chat: i64,
    /// The topic.
    pub(super) thread: Option<i32>,
}

/// One message: `{chat}:{message}`; an edit of it has its date behind that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct MessageSpot {
    /// The chat.
    pub(super) chat: i64,
    /// The message's number in it.
    pub(super) message: i32,
}

impl Spot {
    /// Reads a conversation's name; none if it is none of Telegram's.
    pub(super) fn parse(conversation: &str) -> Option<Self> {
        let (chat, thread) = match conversation.split_once('/') {
            Some((chat, thread)) => (chat, Some(thread.parse().ok()?)),
            None => (conversation, None),
        };
        Some(Self {
            chat: chat.parse().ok()?,
            thread,
        })
    }

    /// Whether it is one person's.
    pub(super) fn is_private(self) -> bool {
        self.chat > 0
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.thread {
            Some(thread) => write!(f, "{}/{thread}", self.chat),
            None => write!(f, "{}", self.chat),
        }
    }
}

impl MessageSpot {
    /// Reads a message's external id; none if it is none of Telegram's.
    pub(super) fn parse(external_id: &str) -> Option<Self> {
        let mut fields = external_id.split(':');
        Some(Self {
            chat: fields.next()?.parse().ok()?,
            message: fields.next()?.parse().ok()?,
        })
    }
}

impl fmt::Display for MessageSpot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.chat, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spelled_is_read_back() {
        for conversation in ["4711", "-100123", "-100123/7"] {
            let spot = Spot::parse(conversation).expect("a conversation");
            assert_eq!(spot.to_string(), conversation);
        }
        for nothing in ["", "x", "1/", "1/x", "1/2/3", "tty1"] {
            assert_eq!(Spot::parse(nothing), None, "{nothing}");
        }
        let edited = MessageSpot::parse("-5:12:1700000000").expect("a message");
        assert_eq!(edited.to_string(), "-5:12");
        for nothing in ["", "5", "5:x", "cb:99"] {
            assert_eq!(MessageSpot::parse(nothing), None, "{nothing}");
        }
    }
}
