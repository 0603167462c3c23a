//! What can go wrong with a call, sorted by what the caller does next.
//! Invariant: Telegram's own words stand in no variant that decides by them; they are read here alone.
//! It must not know which call it was.

use serde::Deserialize;

/// Why a call did not do what it was to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in super::super) enum Fault {
    /// Too many calls: nothing was done, and the next one has to wait that long.
    #[error("Telegram asks to wait for {ms} ms")]
    Wait {
        /// Milliseconds.
        ms: u64,
    },
    /// No answer, or none that can be read: it may have been done all the same.
    #[error("{0}")]
    Unreachable(String),
    /// The token is no (longer a) bot's.
    #[error("Telegram refuses the token")]
    Unauthorized,
    /// Somebody else receives this bot's updates.
    #[error("another program receives this bot's messages")]
    Conflict,
    /// The group goes on under this id.
    #[error("the group goes on as {0}")]
    Moved(i64),
    /// The message is so already.
    #[error("the message is so already")]
    NotModified,
    /// Telegram does not take the entities or the markup.
    #[error("Telegram cannot read the text's form: {0}")]
    Unparsed(String),
    /// Nothing reaches the chat: it blocked the bot, threw it out, or is no more.
    #[error("the chat cannot be written to: {0}")]
    Blocked(String),
    /// The message that was to be changed is no more, or can no longer be changed.
    #[error("the message is gone: {0}")]
    MessageGone(String),
    /// It is longer or larger than Telegram takes.
    #[error("too long for Telegram: {0}")]
    TooLong(String),
    /// Anything else that Telegram will not do.
    #[error("Telegram refuses it: {0}")]
    Refused(String),
}

/// An answer as it comes.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope<R> {
    ok: bool,
    result: Option<R>,
    #[serde(default)]
    error_code: u16,
    #[serde(default)]
    description: String,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Debug, Default, Deserialize)]
struct Parameters {
    retry_after: Option<u64>,
    migrate_to_chat_id: Option<i64>,
}

impl<R> Envelope<R> {
    /// What was asked for, or why not.
    pub(super) fn open(self) -> Result<R, Fault> {
        match self.result {
            Some(result) if self.ok => Ok(result),
            _ => Err(self.fault()),
        }
    }

    fn fault(&self) -> Fault {
        if let Some(secs) = self.parameters.retry_after {
            return Fault::Wait {
                ms: secs.saturating_mul(1_000),
            };
        }
        if let Some(chat) = self.parameters.migrate_to_chat_id {
            return Fault::Moved(chat);
        }
        let said = self.description.clone();
        match self.error_code {
            400 => bad_request(said),
            401 => Fault::Unauthorized,
            403 => Fault::Blocked(said),
            // A token that is no token is no known address; an unknown method says more.
            404 if said == "Not Found" => Fault::Unauthorized,
            409 => Fault::Conflict,
            413 => Fault::TooLong(said),
            429 => Fault::Wait { ms: 1_000 },
            0 | 500.. => Fault::Unreachable(format!(
                "Telegram has a fault of its own: {} {said}",
                self.error_code
            )),
            _ => Fault::Refused(said),
        }
    }
}

type Sort = fn(String) -> Fault;

/// What is found in a description, in lower case, and what it means. The first that is found decides.
const BAD_REQUESTS: &[(&[&str], Sort)] = &[
    (&["message is not modified"], |_| Fault::NotModified),
    (
        &["can't parse", "entity ", "entity_", "entities"],
        Fault::Unparsed as Sort,
    ),
    (
        &["too long", "too_long", "too big", "too large"],
        Fault::TooLong,
    ),
    (
        &[
            "chat not found",
            "user not found",
            "peer_id_invalid",
            "deactivated",
            "bot was kicked",
            "not enough rights to send",
            "have no rights to send",
            "chat_write_forbidden",
            "message thread not found",
            "topic_closed",
            "topic_deleted",
            "chat_restricted",
        ],
        Fault::Blocked,
    ),
    (
        &[
            "message to edit not found",
            "message can't be edited",
            "message to delete not found",
            "message can't be deleted",
            "message to be replied not found",
            "message to react not found",
            "message_id_invalid",
            "message not found",
        ],
        Fault::MessageGone,
    ),
];

fn bad_request(said: String) -> Fault {
    let lower = said.to_lowercase();
    let sorts = |words: &&[&str]| words.iter().any(|word| lower.contains(word));
    BAD_REQUESTS
        .iter()
        .find(|(words, _)| sorts(words))
        .map_or(Fault::Refused as Sort, |(_, sort)| *sort)(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: &str, expect: &Fault) {
        let envelope: Envelope<bool> = serde_json::from_str(answer).expect("an answer");
        assert_eq!(envelope.open().as_ref(), Err(expect), "{answer}");
    }

    fn refused(code: u16, description: &str) -> String {
        serde_json::json!({ "ok": false, "error_code": code, "description": description })
            .to_string()
    }

    #[test]
    fn parameters_decide_before_words() {
        check(
            r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 7",
                "parameters":{"retry_after":7}}"#,
            &Fault::Wait { ms: 7_000 },
        );
        check(
            r#"{"ok":false,"error_code":400,
                "description":"Bad Request: group chat was upgraded to a supergroup chat",
                "parameters":{"migrate_to_chat_id":-1001234567890}}"#,
            &Fault::Moved(-1_001_234_567_890),
        );
    }

    #[test]
    fn refusals_are_sorted_by_what_comes_next() {
        let with = |sort: fn(String) -> Fault, code, description: &str| {
            check(&refused(code, description), &sort(description.to_owned()));
        };
        let plain = |expect, code, description| check(&refused(code, description), &expect);
        plain(Fault::Unauthorized, 401, "Unauthorized");
        plain(Fault::Unauthorized, 404, "Not Found");
        plain(
            Fault::Conflict,
            409,
            "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
        );
        plain(
            Fault::NotModified,
            400,
            "Bad Request: message is not modified: specified new message content and reply markup are exactly the \
             same as a current content and reply markup of the message",
        );
        with(Fault::Refused, 404, "Not Found: method not found");
        with(
            Fault::Unparsed,
            400,
            "Bad Request: can't parse entities: Unsupported start tag",
        );
        with(
            Fault::Blocked,
            403,
            "Forbidden: bot was blocked by the user",
        );
        with(
            Fault::Unparsed,
            400,
            "Bad Request: entity begins in a middle of a UTF-16 symbol at byte offset 3",
        );
        with(Fault::Blocked, 400, "Bad Request: chat not found");
        with(Fault::Blocked, 400, "Bad Request: message thread not found");
        with(
            Fault::MessageGone,
            400,
            "Bad Request: message to edit not found",
        );
        with(Fault::TooLong, 400, "Bad Request: message is too long");
        with(Fault::TooLong, 400, "Bad Request: file is too big");
        with(Fault::TooLong, 413, "Request Entity Too Large");
        with(Fault::Refused, 400, "Bad Request: BUTTON_DATA_INVALID");
        check(
            &refused(502, "Bad Gateway"),
            &Fault::Unreachable("Telegram has a fault of its own: 502 Bad Gateway".to_owned()),
        );
    }

    #[test]
    fn what_is_asked_for_comes_out() {
        let envelope: Envelope<bool> =
            serde_json::from_str(r#"{"ok":true,"result":true}"#).expect("an answer");
        assert_eq!(envelope.open(), Ok(true));
    }
}
