//! The promises that a crash may break, each by its own name.
//! Invariant: a breach says what a person would notice, not where the fault lies.
//! It must not know how it is found.

use std::fmt;

/// One broken promise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breach {
    /// A process said that an input was admitted, and the store does not have it.
    AcknowledgedTooEarly,
    /// An input has no answer although its last run was left alone.
    Unanswered,
    /// One process printed a reply more than once.
    PrintedTwice,
    /// Two processes claim to have delivered the same reply.
    DeliveredTwice,
    /// An unsafe effect happened more than once.
    UnsafeRepeated,
    /// A command was run again.
    CommandRepeated,
    /// A command is recorded as done, and was not.
    CommandLost,
    /// An edit of a file was made again.
    EditRepeated,
    /// An edit is recorded as done, and was not.
    EditLost,
    /// An answered input has a delivery that nobody has ended.
    DeliveryOpen,
    /// An idempotent effect never happened.
    IdempotentLost,
    /// An idempotent effect happened under more than one key.
    IdempotentTwice,
    /// A call that was to be asked about ran without an answer.
    RanUnasked,
    /// What ran is not what a person had been shown.
    RanOtherThanShown,
    /// A question has more than one answer.
    AnsweredTwice,
    /// A process said that an answer is given, and the store does not have it.
    AnswerLost,
    /// The session was never told of a job's end.
    JobUntold,
    /// The session was told of a job's end more than once.
    JobToldTwice,
    /// What a job's end led to was shown to nobody.
    JobUnshown,
    /// Nobody was told of an outcome that is not known.
    UnknownHidden,
    /// The messenger was told that a message is taken, and nobody has it.
    MessageLost,
    /// One message was taken as two.
    TakenTwice,
    /// A conversation has the same reply more than once.
    ReplyRepeated,
    /// A question is shown more than once in a conversation.
    AskedTwice,
    /// An effect that was asked for never happened.
    EffectLost,
    /// A conversation has a text that is for nobody.
    StrayText,
    /// More messages of a conversation are left without their text than there were crashes.
    StrayPlaceholder,
    /// An update was never confirmed.
    Unconfirmed,
    /// A call broke the messenger's protocol.
    BadCall,
    /// Two processes worked in one session at once.
    TwoLanes,
    /// A process wrote after something that it had not read.
    BlindAppend,
    /// The database is damaged.
    Corrupt,
    /// A request broke the model's protocol.
    BadRequest,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AcknowledgedTooEarly => "an acknowledged input is not in the store",
            Self::Unanswered => "an input has no answer",
            Self::PrintedTwice => "one process printed a reply twice",
            Self::DeliveredTwice => "a reply was delivered by two processes",
            Self::UnsafeRepeated => "an unsafe effect was repeated",
            Self::CommandRepeated => "a command was run again",
            Self::CommandLost => "a command is recorded as done, and was not",
            Self::EditRepeated => "an edit of a file was made again",
            Self::EditLost => "an edit is recorded as done, and was not",
            Self::DeliveryOpen => "an answered input has an open delivery",
            Self::IdempotentLost => "an idempotent effect never happened",
            Self::IdempotentTwice => "an idempotent effect happened under two keys",
            Self::RanUnasked => "a call that was to be asked about ran without an answer",
            Self::RanOtherThanShown => "what ran is not what a person had been shown",
            Self::AnsweredTwice => "a question has more than one answer",
            Self::AnswerLost => "an answer that was told as given is not in the store",
            Self::JobUntold => "the session was never told of a job's end",
            Self::JobToldTwice => "the session was told of a job's end twice",
            Self::JobUnshown => "what came of a job was shown to nobody",
            Self::UnknownHidden => "nobody was told of an unknown outcome",
            Self::MessageLost => "a message that was confirmed is nowhere",
            Self::TakenTwice => "one message was taken as two",
            Self::ReplyRepeated => "a conversation has a reply twice",
            Self::AskedTwice => "a question is shown twice in a conversation",
            Self::EffectLost => "an effect that was asked for never happened",
            Self::StrayText => "a conversation has a text that is for nobody",
            Self::StrayPlaceholder => {
                "a conversation has more placeholders than there were crashes"
            }
            Self::Unconfirmed => "an update was never confirmed",
            Self::BadCall => "a call broke the messenger's protocol",
            Self::TwoLanes => "two processes worked in one session at once",
            Self::BlindAppend => "a process wrote after something that it had not read",
            Self::Corrupt => "the database is damaged",
            Self::BadRequest => "a request broke the model's protocol",
        })
    }
}
