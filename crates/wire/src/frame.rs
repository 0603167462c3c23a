//! What travels live: between processes on one machine, to the page, and as `--json` lines.
//! Invariant: everything durable in a frame is also in the journal; a lost frame loses nothing.
//! It must not know the socket it travels on.

use serde::{Deserialize, Serialize};

use crate::event::{Ending, Event};
use crate::id::{CallId, JobId, Millis, SessionId};
use crate::message::Requester;

/// One frame, a JSON object on a line of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "frame", rename_all = "snake_case")]
pub enum Frame {
    /// Look at this session again, and tell me of every append to it. Advisory; fifty cause one look.
    Watch {
        /// The session.
        session: SessionId,
    },
    /// The session's journal has grown.
    Appended {
        /// The session.
        session: SessionId,
        /// The newest position.
        head: u64,
    },
    /// No lane of the sender is at work in this session, and none will be without a new claim: whoever
    /// wants it may take it.
    Idle {
        /// The session.
        session: SessionId,
    },
    /// End this job, if the receiver runs it; its end appears in the journal.
    CancelJob {
        /// The job.
        job: JobId,
        /// In whose name.
        by: Requester,
    },
    /// Let the running call of this session that can do so go on as a job.
    Background {
        /// The session.
        session: SessionId,
    },
    /// How are you? A daemon looks whether anything was left for it to deliver, and answers with [`Frame::Status`].
    AskStatus,
    /// How a daemon is.
    Status {
        /// How.
        status: Box<DaemonStatus>,
    },
    /// Something live of a session.
    Live {
        /// The session.
        session: SessionId,
        /// What.
        event: Box<LiveEvent>,
    },
    /// A turn's reply; the last line of `run --json`.
    Reply {
        /// The session.
        session: SessionId,
        /// The text in markdown.
        text: String,
        /// How the turn ended.
        ending: Ending,
        /// What the person should know beside the text.
        notices: Vec<String>,
        /// What needed an approval and got none, since nobody could be asked or answered in time, one line each.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unapproved: Vec<String>,
        /// The same input had this reply before, and no new turn was made.
        repeated: bool,
    },
}

/// What is shown while it happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum LiveEvent {
    /// A journal event was committed.
    Committed {
        /// The event.
        event: Box<Event>,
    },
    /// The model wrote some text; never stored. A new attempt voids what came before in its step.
    Delta {
        /// The step.
        step: u32,
        /// The attempt.
        attempt: u32,
        /// Where the text begins, in bytes of this attempt's text.
        offset: u64,
        /// The text.
        text: String,
    },
    /// The model call waits before a retry that the provider asked for.
    Waiting {
        /// How long, in milliseconds.
        for_ms: u64,
        /// Why, one sentence.
        reason: String,
    },
    /// A running call has something to show (its latest line of output, say).
    Progress {
        /// The call.
        call: CallId,
        /// One line.
        text: String,
    },
}

/// How a daemon is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonStatus {
    /// Its version.
    pub version: String,
    /// Its process number.
    pub pid: u32,
    /// Since when it runs.
    pub since: Millis,
    /// The model of a turn whose input names none; none if there is none.
    pub model: Option<String>,
    /// Its channels.
    pub channels: Vec<ChannelStatus>,
    /// Turns that run or wait.
    pub turns: u32,
    /// Jobs that have not ended.
    pub jobs: u32,
    /// Deliveries that have not arrived.
    pub deliveries: u32,
    /// People who wait for an owner to let them in.
    pub pairings: u32,
}

/// How a channel is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelStatus {
    /// The channel's name.
    pub channel: String,
    /// The account, e.g. a bot's numeric id.
    pub account: String,
    /// Whether it listens.
    pub up: bool,
    /// What it is called there, or why it does not listen.
    pub detail: String,
}
