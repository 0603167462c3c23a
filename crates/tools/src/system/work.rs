//! One command's run, from its beginning to what the model reads: at once, or as a job's work.
//! Invariant: nothing runs but through the sandbox port, and its own token alone ends it before its time.
//! It must not know whether somebody waits for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use corvid_core::wire::{CallId, SessionId};
use corvid_core::{
    CommandEnd, CommandEnding, CommandSpec, Jobs, Progress, Sandbox, ToolError, ToolOutput,
};
use tokio_util::sync::CancellationToken;

use super::report::{self, Most};
use crate::blocking;
use crate::display::clean_line;
use crate::output::excerpt;

/// The longest line of progress, in characters.
const PROGRESS_CHARS: usize = 200;

/// The most hosts of which it is told that the command was turned away.
const MOST_AWAY: usize = 8;

/// A command that is ready to run.
pub(super) struct Work {
    pub(super) sandbox: Arc<dyn Sandbox>,
    pub(super) command: CommandSpec,
    pub(super) session: SessionId,
    pub(super) jobs: Arc<dyn Jobs>,
    pub(super) told: Told,
    pub(super) reins: Reins,
    pub(super) lines: Arc<Lines>,
}

impl Work {
    /// Runs it to its end.
    ///
    /// # Errors
    /// The sentence for the model; nothing ran then, or what it printed is lost.
    pub(super) async fn run(mut self) -> Result<ToolOutput, ToolError> {
        // Whose end is not in the journal yet must still be known afterwards.
        let open = self.jobs.open(&self.session).await;
        let open = open.map_err(ToolError::Tell)?.into_iter();
        self.command.kept = open.map(|job| job.key).collect();
        let lines = Arc::clone(&self.lines) as Arc<dyn Progress>;
        let mut end = self
            .sandbox
            .run(&self.command, &self.reins.stop, lines)
            .await
            // Nothing ran in either case, so the model may go another way.
            .map_err(|error| ToolError::Tell(error.to_string()))?;
        if end.ending == CommandEnding::Stopped && self.reins.is_time_up() {
            end.ending = CommandEnding::TimedOut;
        }
        let away = self.lines.turned_away();
        self.told.output(&self.command, &end, &away).await
    }
}

/// Ends a command before its time.
#[derive(Clone, Debug, Default)]
pub(super) struct Reins {
    /// Ends it.
    pub(super) stop: CancellationToken,
    time_is_up: Arc<AtomicBool>,
}

impl Reins {
    /// Ends it because it took longer than its turn waits for it.
    pub(super) fn time_is_up(&self) {
        self.time_is_up.store(true, Ordering::Relaxed);
        self.stop.cancel();
    }

    fn is_time_up(&self) -> bool {
        self.time_is_up.load(Ordering::Relaxed)
    }
}

/// How the end of a command is told to the model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    /// The call that it is of.
    pub(super) call: CallId,
    /// Characters of its output.
    pub(super) chars: usize,
    /// The longest times that it might have asked for.
    pub(super) most: Most,
}

impl Told {
    /// What the model reads of a command that ended and was turned away at some hosts, a sentence each.
    ///
    /// # Errors
    /// The sentence for the model, if what it printed cannot be read.
    pub(super) async fn output(
        self,
        command: &CommandSpec,
        end: &CommandEnd,
        away: &[String],
    ) -> Result<ToolOutput, ToolError> {
        let (file, total) = (command.output.clone(), end.total_bytes);
        let excerpt = blocking::to_the_end(move || excerpt(&file, self.call, total, self.chars))
            .await?
            .map_err(|error| {
                ToolError::Tell(format!(
                    "the command ended ({}), but its output cannot be read: {error}",
                    report::ending(end, self.most)
                ))
            })?;
        Ok(ToolOutput {
            text: report::text(end, self.most, away, &excerpt.text),
            output: excerpt.output,
            notice: None,
        })
    }
}

/// Shows a command's lines, without what they would do to a terminal, while somebody waits for it; and
/// remembers where it was turned away.
pub(super) struct Lines {
    to: Arc<dyn Progress>,
    muted: AtomicBool,
    away: Mutex<Vec<String>>,
}

impl Lines {
    /// Shows them.
    pub(super) fn shown(to: &Arc<dyn Progress>) -> Arc<Self> {
        Arc::new(Self {
            to: Arc::clone(to),
            muted: AtomicBool::new(false),
            away: Mutex::default(),
        })
    }

    /// Shows no further one: nobody waits any more.
    pub(super) fn mute(&self) {
        self.muted.store(true, Ordering::Relaxed);
    }

    fn turned_away(&self) -> Vec<String> {
        let away = self.away.lock();
        away.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Progress for Lines {
    fn show(&self, line: &str) {
        if self.muted.load(Ordering::Relaxed) {
            return;
        }
        let line = clean_line(line, PROGRESS_CHARS);
        if !line.trim().is_empty() {
            self.to.show(&line);
        }
    }

    fn turned_away(&self, why: &str) {
        let mut away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        if away.len() < MOST_AWAY {
            away.push(clean_line(why, PROGRESS_CHARS));
        }
    }
}
