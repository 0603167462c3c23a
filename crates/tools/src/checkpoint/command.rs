//! Pictures around a command: what the working folder was before it, what changed, and what cannot be undone.
//! Invariant: a command is never held up for long, and never kept from running: where there is no picture, its
//! outcome says so.
//! It must not know what a command does.

use std::sync::{Arc, PoisonError};

use corvid_core::wire::SessionId;
use corvid_core::{Invocation, Wider};
use tokio_util::sync::CancellationToken;

use super::Checkpoints;
use super::log::Record;
use super::look::Unfit;
use super::lost::not_noted;
use super::newest::Newest;
use super::picture::Picture;
use super::tree::file_time;
use crate::blocking;

/// How long a look at the working folder may take, in milliseconds.
const LOOK_MS: u64 = 5_000;

/// How many turns are remembered whose working folder does not fit.
const UNFIT_TURNS: usize = 16;

/// A turn for whose commands there are no pictures, and why.
pub(super) type UnfitTurn = (SessionId, u32, String);

/// A command that may run now.
pub(crate) struct Begun {
    /// When, in nanoseconds since 1970, as files are stamped.
    at: i64,
    /// What was there before, or why there is no picture of it.
    before: Result<Arc<Newest>, String>,
    /// It may write where no picture is taken.
    outside: bool,
}

impl Checkpoints {
    /// Takes a picture of the working folder before a command runs in it. A folder that does not fit is no reason
    /// for the command not to run.
    pub(crate) async fn before_command(
        self: &Arc<Self>,
        call: &Invocation,
        wider: Option<&Wider>,
    ) -> Begun {
        let outside =
            wider.is_some_and(|wider| !wider.writes.is_empty() || !wider.lacking.is_empty());
        let at = file_time();
        let begun = |before| Begun {
            at,
            before,
            outside,
        };
        if let Some(why) = self.known_unfit(call) {
            return begun(Err(why));
        }
        let this = Arc::clone(self);
        let beginning = call.clone();
        let bounded = bounded(call);
        let looked = blocking::looking(&bounded, move |leash| Ok(this.begin(&beginning, leash)));
        let before = match looked.await {
            Ok(begun) => begun,
            Err(_) => Err(Unfit::Slow),
        };
        begun(before.map_err(|unfit| {
            tracing::debug!(%unfit, "no picture of the working folder");
            let why = unfit.to_string();
            self.remember_unfit((call.session.clone(), call.call.turn, why.clone()));
            why
        }))
    }

    /// Notes what a command changed; says what of it cannot be undone.
    pub(crate) async fn after_command(
        self: &Arc<Self>,
        call: &Invocation,
        begun: Begun,
    ) -> Option<String> {
        let this = Arc::clone(self);
        let ended = call.clone();
        let bounded = bounded(call);
        let noted = blocking::looking(&bounded, move |leash| {
            let before = begun.before.as_ref().map(|newest| &newest.picture);
            Ok(this.end(&ended, begun.at, before, begun.outside, leash))
        });
        noted.await.unwrap_or_else(|error| Some(not_noted(&error)))
    }

    /// Notes what a command changed that an earlier process began and that is known not to run any more; says what
    /// of it cannot be undone.
    pub(crate) async fn after_interrupted(self: &Arc<Self>, call: &Invocation) -> Option<String> {
        let this = Arc::clone(self);
        let ended = call.clone();
        let bounded = bounded(call);
        let noted = blocking::looking(&bounded, move |leash| {
            let Ok(content) = std::fs::read(this.store.open(&ended)) else {
                // Nothing was begun, or its end was noted before the process died.
                return Ok(None);
            };
            let before =
                serde_json::from_slice::<Picture>(&content).map_err(|error| error.to_string());
            let at = before.as_ref().map_or(0, |before| before.taken_at);
            Ok(this.end(&ended, at, before.as_ref(), false, leash))
        });
        noted.await.unwrap_or_else(|error| Some(not_noted(&error)))
    }

    /// Notes that a command goes on beside its turn, and says that what it changes there cannot be undone.
    pub(crate) async fn command_goes_on(self: &Arc<Self>, call: &Invocation) -> String {
        let lost = "what a command in the background changes cannot be undone";
        let (this, noted) = (Arc::clone(self), call.clone());
        let note = move || {
            let reason = lost.to_owned();
            this.note(&noted, &Record::Lost { reason })
        };
        if let Ok(Err(error)) = blocking::to_the_end(note).await {
            tracing::debug!(%error, "what cannot be undone is only in the journal");
        }
        lost.to_owned()
    }

    fn known_unfit(&self, call: &Invocation) -> Option<String> {
        let turns = self.unfit.lock().unwrap_or_else(PoisonError::into_inner);
        let known = turns
            .iter()
            .find(|(session, turn, _)| (session, *turn) == (&call.session, call.call.turn));
        known.map(|(_, _, why)| why.clone())
    }

    fn remember_unfit(&self, turn: UnfitTurn) {
        let mut turns = self.unfit.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.len() == UNFIT_TURNS {
            turns.pop_front();
        }
        turns.push_back(turn);
    }
}

/// The call with another time and end. Its own are the command's, and one that was stopped has changed
/// something all the same.
fn bounded(call: &Invocation) -> Invocation {
    Invocation {
        timeout_ms: LOOK_MS,
        cancel: CancellationToken::new(),
        ..call.clone()
    }
}
