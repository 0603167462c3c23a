//! The seams between Corvid's parts: `Channel`, `Model`, `Tool`, `Sandbox`, `Journal`, `Clock`.
//! Invariant: traits and the values that cross them; every implementation lives in a crate of its own.
//! It must not know SQL, HTTP, a messenger, a provider, or how code is confined.

mod button;
mod channel;
mod clock;
pub mod draw;
pub mod faults;
mod inbox;
mod job;
mod journal;
mod model;
mod pictures;
mod policy;
mod posts;
mod question;
pub mod redact;
mod sandbox;
mod secret;
mod tasks;
pub mod text;
mod tool;

pub use corvid_wire as wire;

pub use button::{Button, Choice};
pub use channel::{
    Channel, Content, DeliverError, Delivery, FollowedTurn, ListenError, Mark, Marks, Messenger,
    Note, Reply, turn_post,
};
pub use clock::{Clock, SystemClock};
pub use inbox::{
    Attachment, AttachmentKind, Condition, Fetch, FetchError, Inbox, NotTaken, Place, Press, Said,
};
pub use job::{Adoption, JobRun, JobView, Jobs, NoJobs, UNSAID, job_run};
pub use journal::{
    Append, AppendError, Appended, ClaimSeen, Fence, Grant, Ground, Journal, Loaded,
};
pub use model::{
    Answer, AskedCall, Image, Message, Model, ModelError, ModelRequest, ModelSink, Models,
};
pub use pictures::{Picture, Pictures};
pub use policy::{Policy, PolicyDecision, PolicyEffect, PolicyRequest, Wider};
pub use posts::{FileToSend, NoPosts, Posts, Sent};
pub use question::{Heard, HeardOutcome, OutcomeQuestion, Questions};
pub use sandbox::{
    CommandEnd, CommandEnding, CommandRecord, CommandSpec, Description, Sandbox, SandboxError,
    SandboxReport,
};
pub use secret::Secret;
pub use tasks::{TaskKind, Tasks};
pub use tool::{
    Checked, Invocation, Outputs, Preview, Progress, Reconciled, Tool, ToolError, ToolOutput,
    ToolSpec, Toolset,
};
