//! The words that every part of Corvid exchanges: ids, message parts, journal events, frames.
//! Invariant: serde data only; it compiles to wasm32 and depends on nothing of ours.
//! It must not know where an event is kept, who runs a tool, or what any messenger is called.

mod event;
mod frame;
mod id;
mod message;
mod upcast;

pub use event::{
    Admission, Answer, Answerer, Approval, CallDecision, CallOutcome, CallStatus, Card, CardForm,
    DeliveryDraft, Ending, Event, EventBody, Fault, Finish, Flags, Inquiry, JobEnd, JobStart,
    Limits, ModelAnswer, OutcomeAnswer, ParkReason, Patience, Question, ReplyComposed, Scope,
    Subject, TurnStart, Verdict,
};
pub use frame::{ChannelStatus, DaemonStatus, Frame, LiveEvent};
pub use id::{CallId, CallKey, DeliveryId, InputId, JobId, Millis, OwnerId, QuestionId, SessionId};
pub use message::{
    Account, Address, Effect, Mode, OutputRef, Part, Person, QuoteForm, Requester, Role, ToolCall,
    Usage,
};
pub use upcast::{DecodeError, KINDS};
