//! How the Bot API refuses: a code, a sentence, now and then a hint for programs.
//! Invariant: descriptions are spelled as the real server spells them; clients tell refusals apart by them.
//! It must not know why anything is refused.

use serde_json::{Value, json};

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The code, which is the HTTP status as well.
    pub(super) code: u16,
    /// The sentence.
    pub(super) description: String,
    /// The hint: `retry_after` or `migrate_to_chat_id`.
    pub(super) hint: Option<(&'static str, i64)>,
}

impl Refusal {
    /// `Bad Request: …`.
    pub(super) fn bad(why: impl AsRef<str>) -> Self {
        Self::new(400, format!("Bad Request: {}", why.as_ref()))
    }

    /// `Forbidden: …`.
    pub(super) fn forbidden(why: &str) -> Self {
        Self::new(403, format!("Forbidden: {why}"))
    }

    /// Too many requests; come back after so many seconds.
    pub(super) fn busy(after_secs: u32) -> Self {
        Self {
            hint: Some(("retry_after", i64::from(after_secs))),
            ..Self::new(429, format!("Too Many Requests: retry after {after_secs}"))
        }
    }

    /// The group goes on under another id.
    pub(super) fn migrated(to: i64) -> Self {
        Self {
            hint: Some(("migrate_to_chat_id", to)),
            ..Self::bad("group chat was upgraded to a supergroup chat")
        }
    }

    /// Another request for updates has come.
    pub(super) fn conflict() -> Self {
        Self::new(
            409,
            "Conflict: terminated by other getUpdates request; make sure that only one bot \
             instance is running",
        )
    }

    /// A refusal in so many words.
    pub(super) fn new(code: u16, description: impl Into<String>) -> Self {
        Self {
            code,
            description: description.into(),
            hint: None,
        }
    }

    /// The body of the answer.
    pub(super) fn body(&self) -> Value {
        let mut body = json!({
            "ok": false,
            "error_code": self.code,
            "description": self.description,
        });
        if let Some((name, value)) = self.hint {
            body["parameters"] = json!({ name: value });
        }
        body
    }
}
