//! How an event's body is written to and read from the journal, older shapes included.
//! Invariant: whatever any release wrote stays readable; this is the one file that knows old payloads.
//! It must not know the fold.

use serde_json::Value;

use crate::event::EventBody;

/// Every kind of event with the version in which its payload is written today.
pub const KINDS: &[(&str, u32)] = &[
    ("session.opened", 1),
    ("input.admitted", 1),
    ("lane.claimed", 1),
    ("turn.started", 1),
    ("input.steered", 1),
    ("model.requested", 1),
    ("model.answered", 1),
    ("model.failed", 1),
    ("call.decided", 1),
    ("question.asked", 1),
    ("question.answered", 1),
    ("tool.started", 1),
    ("tool.finished", 1),
    ("outcome.answered", 1),
    ("job.started", 1),
    ("job.finished", 1),
    ("turn.undone", 1),
    ("stop.requested", 1),
    ("reply.composed", 1),
    ("turn.parked", 1),
    ("timer.fired", 1),
    ("delivery.failed", 1),
];

/// A payload that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The kind or its version is newer than this program.
    Newer {
        /// The kind.
        kind: String,
        /// The version found.
        version: u32,
    },
    /// The payload is not what its kind and version promise.
    Malformed {
        /// The kind.
        kind: String,
        /// What is wrong.
        reason: String,
    },
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Newer { kind, version } => write!(
                f,
                "event `{kind}` version {version} was written by a newer Corvid; update this one"
            ),
            Self::Malformed { kind, reason } => write!(f, "event `{kind}` is malformed: {reason}"),
        }
    }
}

impl std::error::Error for DecodeError {}

impl EventBody {
    /// The kind, as in the journal's column.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::SessionOpened { .. } => "session.opened",
            Self::InputAdmitted(_) => "input.admitted",
            Self::LaneClaimed { .. } => "lane.claimed",
            Self::TurnStarted(_) => "turn.started",
            Self::InputSteered { .. } => "input.steered",
            Self::ModelRequested { .. } => "model.requested",
            Self::ModelAnswered(_) => "model.answered",
            Self::ModelFailed { .. } => "model.failed",
            Self::CallDecided(_) => "call.decided",
            Self::QuestionAsked(_) => "question.asked",
            Self::QuestionAnswered { .. } => "question.answered",
            Self::ToolStarted { .. } => "tool.started",
            Self::ToolFinished { .. } => "tool.finished",
            Self::OutcomeAnswered { .. } => "outcome.answered",
            Self::JobStarted(_) => "job.started",
            Self::JobFinished(_) => "job.finished",
            Self::TurnUndone { .. } => "turn.undone",
            Self::StopRequested { .. } => "stop.requested",
            Self::ReplyComposed(_) => "reply.composed",
            Self::TurnParked { .. } => "turn.parked",
            Self::TimerFired { .. } => "timer.fired",
            Self::DeliveryFailed { .. } => "delivery.failed",
        }
    }

    /// The version in which the payload is written today.
    pub fn version(&self) -> u32 {
        let kind = self.kind();
        KINDS
            .iter()
            .find(|(known, _)| *known == kind)
            .map_or(1, |(_, version)| *version)
    }

    /// The payload as JSON text.
    ///
    /// # Errors
    /// Only if a value cannot be written as JSON, which none of ours can.
    pub fn payload(&self) -> Result<String, DecodeError> {
        let malformed = |reason: String| DecodeError::Malformed {
            kind: self.kind().to_owned(),
            reason,
        };
        let mut value = serde_json::to_value(self).map_err(|e| malformed(e.to_string()))?;
        let payload = value
            .get_mut("payload")
            .map(Value::take)
            .ok_or_else(|| malformed("no payload".to_owned()))?;
        Ok(payload.to_string())
    }

    /// Reads what `payload` wrote, in this release or an earlier one.
    ///
    /// # Errors
    /// [`DecodeError::Newer`] for a kind or version of a later release, else [`DecodeError::Malformed`].
    pub fn decode(kind: &str, version: u32, payload: &str) -> Result<Self, DecodeError> {
        let known = KINDS.iter().find(|(known, _)| *known == kind);
        if known.is_none_or(|(_, newest)| version > *newest) {
            return Err(DecodeError::Newer {
                kind: kind.to_owned(),
                version,
            });
        }
        let malformed = |reason: String| DecodeError::Malformed {
            kind: kind.to_owned(),
            reason,
        };
        let payload: Value = serde_json::from_str(payload).map_err(|e| malformed(e.to_string()))?;
        let tagged = serde_json::json!({ "kind": kind, "payload": payload });
        serde_json::from_value(tagged).map_err(|e| malformed(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_survives_the_journal() -> Result<(), DecodeError> {
        let body = EventBody::TimerFired { due_at: 42 };
        let read = EventBody::decode(body.kind(), body.version(), &body.payload()?)?;
        assert_eq!(read, body);
        Ok(())
    }

    #[test]
    fn a_newer_version_is_refused_by_name() {
        let error = EventBody::decode("timer.fired", 2, "{}");
        let newer = DecodeError::Newer {
            kind: "timer.fired".to_owned(),
            version: 2,
        };
        assert_eq!(error, Err(newer));
    }

    #[test]
    fn an_unknown_kind_is_of_a_newer_release() {
        assert!(matches!(
            EventBody::decode("moon.landed", 1, "{}"),
            Err(DecodeError::Newer { .. })
        ));
    }
}
