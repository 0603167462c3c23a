//! What can go wrong with an answer.
//! Invariant: a fault is deterministic; one that breaks off does so after exactly the bytes it names.
//! It must not know how an answer is framed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// An HTTP status in place of the answer.
    Status {
        /// The status code.
        code: u16,
        /// The body, as it stands.
        #[serde(default)]
        body: String,
        /// More headers, e.g. `retry-after` or `location`.
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// The connection closes after so many bytes of the body, without the end of the transfer.
    Cut {
        /// Bytes of the body that are sent.
        after: usize,
    },
    /// The connection is reset after so many bytes of the body.
    Reset {
        /// Bytes of the body that are sent.
        after: usize,
    },
    /// Nothing more comes after so many bytes of the body, and the connection stays open.
    Stall {
        /// Bytes of the body that are sent.
        after: usize,
    },
    /// The request is read and never answered, not even by a status line.
    Silence,
    /// The connection is reset before any answer.
    Refuse,
    /// Bytes that are no HTTP, then the end.
    NoHttp {
        /// The bytes.
        bytes: String,
    },
    /// This event stands in the stream before the finish, as it is.
    Garbage {
        /// The data of the event.
        data: String,
    },
    /// The body says one thing, its type another.
    ContentType {
        /// The type.
        value: String,
    },
    /// All calls of the answer bear the same id.
    RepeatedIds,
    /// No call of the answer bears an id.
    MissingIds,
    /// The stream ends in good order, but without a finish reason.
    NoFinish,
    /// The finish reason comes, but the stream's `[DONE]` does not.
    NoDone,
    /// No usage is told, whatever was asked for.
    NoUsage,
}

impl Fault {
    /// A status with an error body as OpenAI writes it.
    pub fn status(code: u16, kind: &str, message: &str) -> Self {
        Self::Status {
            code,
            body: error_body(kind, message),
            headers: BTreeMap::new(),
        }
    }

    /// A status that asks to come back later, in seconds or as a date.
    pub fn busy(code: u16, retry_after: impl Into<String>) -> Self {
        Self::Status {
            code,
            body: error_body("rate_limit_exceeded", "too many requests"),
            headers: BTreeMap::from([("retry-after".to_owned(), retry_after.into())]),
        }
    }

    /// A redirect to another address.
    pub fn redirect(location: impl Into<String>) -> Self {
        Self::Status {
            code: 307,
            body: String::new(),
            headers: BTreeMap::from([("location".to_owned(), location.into())]),
        }
    }
}

/// An error body as OpenAI writes it; `kind` stands both as its type and as its code.
pub(super) fn error_body(kind: &str, message: &str) -> String {
    let error =
        serde_json::json!({ "message": message, "type": kind, "param": null, "code": kind });
    serde_json::json!({ "error": error }).to_string()
}
