//! Standard error: lines that stay, and on a terminal one line that moves below them.
//! Invariant: the moving line is erased before anything else is written, and nothing moves in a pipe.
//! It must not know what the lines say.

use std::io::Write;

use console::{Style, truncate_str};
use corvid_core::wire::{LiveEvent, Millis};

use super::live::Live;
use super::render::{Look, plain, screen};
use crate::inert::inert;

/// Standard error with the moving line.
pub(super) struct Screen {
    err: Box<dyn Write + Send>,
    look: Option<Look>,
    live: Live,
    drawn: bool,
    paused: bool,
    over: bool,
}

impl Screen {
    /// A screen that draws as `look` says, or not at all.
    pub(super) fn new(err: Box<dyn Write + Send>, look: Option<Look>) -> Self {
        Self {
            err,
            look,
            live: Live::default(),
            drawn: false,
            paused: false,
            over: false,
        }
    }

    /// Whether anything moves here.
    pub(super) fn draws(&self) -> bool {
        self.look.is_some()
    }

    /// Takes in an event; on a terminal the lines that it leaves behind are shown.
    pub(super) fn apply(&mut self, event: &LiveEvent, now: Millis) {
        let Some(look) = self.look else { return };
        let style = Style::new().dim().force_styling(look.color);
        let lines: Vec<String> = self
            .live
            .apply(event, now)
            .into_iter()
            .map(|line| style.apply_to(line).to_string())
            .collect();
        self.write_lines(&lines);
    }

    /// Draws the moving line as it looks at `now`.
    pub(super) fn draw(&mut self, now: Millis, tick: usize) {
        let Some(look) = self.look.filter(|_| !self.paused && !self.over) else {
            return;
        };
        let Some(line) = self.live.line(now, tick) else {
            self.erase();
            return;
        };
        let line = truncate_str(&line, look.width.saturating_sub(1), "…");
        self.write(&format!("\r\u{1b}[2K{line}"));
        self.drawn = true;
    }

    /// Erases the moving line.
    pub(super) fn erase(&mut self) {
        if std::mem::take(&mut self.drawn) {
            self.write("\r\u{1b}[2K");
        }
    }

    /// Ends the moving line for good.
    pub(super) fn end(&mut self) {
        self.erase();
        self.over = true;
    }

    /// Writes lines that stay, made inert.
    pub(super) fn keep(&mut self, lines: &[String]) {
        let lines: Vec<String> = lines.iter().map(|line| inert(line).into_owned()).collect();
        self.write_lines(&lines);
    }

    /// Writes a text in markdown that stays, laid out where there is a screen.
    pub(super) fn tell(&mut self, markdown: &str) {
        let text = match self.look {
            Some(look) => screen(markdown, look),
            None => plain(markdown),
        };
        self.erase();
        self.write(&text);
    }

    /// Writes one quiet line, on a terminal alone.
    pub(super) fn hint(&mut self, line: &str) {
        if let Some(look) = self.look {
            let style = Style::new().dim().force_styling(look.color);
            self.write_lines(&[style.apply_to(inert(line)).to_string()]);
        }
    }

    /// Writes a question's lines, the last without a line feed if somebody answers, and draws nothing below it.
    pub(super) fn pause(&mut self, question: &str) {
        self.erase();
        self.paused = true;
        self.write(&inert(question));
    }

    /// Draws again.
    pub(super) fn resume(&mut self) {
        self.paused = false;
    }

    fn write_lines(&mut self, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        self.erase();
        self.write(&format!("{}\n", lines.join("\n")));
    }

    /// Writes at once. Where standard error is closed there is nobody left to tell.
    fn write(&mut self, text: &str) {
        let written = self.err.write_all(text.as_bytes());
        if written.and_then(|()| self.err.flush()).is_err() {
            self.look = None;
        }
    }
}
