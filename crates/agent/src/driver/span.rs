//! The span of the running turn, so that whatever is logged on its behalf says which turn that was.
//! Invariant: one span a turn in each process that works on it.
//! It must not know what is logged, or where to.

use tracing::Span;

use super::Lane;

/// The span of the turn that was worked on last, and that turn's number; 0 before the first.
pub(super) struct TurnSpan {
    turn: u32,
    span: Span,
}

impl Default for TurnSpan {
    fn default() -> Self {
        Self {
            turn: 0,
            span: Span::none(),
        }
    }
}

impl Lane {
    /// The running turn's span.
    pub(super) fn turn_span(&mut self) -> Span {
        let Some(turn) = &self.state.turn else {
            return Span::none();
        };
        if self.span.turn != turn.number {
            let channel = turn
                .inputs
                .first()
                .map(|input| input.origin.channel.as_str());
            // At the level that is logged by default: else a warning would not say its turn.
            let span = tracing::warn_span!(
                "turn",
                session = %self.session,
                channel,
                turn = turn.number
            );
            self.span = TurnSpan {
                turn: turn.number,
                span,
            };
        }
        self.span.span.clone()
    }
}
