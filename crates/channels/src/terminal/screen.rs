//! Standard error: lines that stay, and on a terminal one line that moves below them; it is also where answers are
//! typed.
//! Invariant: the moving line is erased before anything else is written, and nothing moves in a pipe.
//! It must not know what the lines say.

use std::io::Write;

use console::{Style, truncate_str};
use corvid_core::wire::{LiveEvent, Millis};

use super::dialog::Prompt;
use super::live::Live;
use super::render::{Look, plain, screen};
use crate::inert::inert;

/// Standard error with the moving line.
pub(super) struct Screen {
    err: Box<dyn Write + Send>,
    look: Option<Look>,
    live: Live,
    drawn: bool,
    prompt: Option<Prompt>,
    offers: bool,
    over: bool,
}

/// How a card is laid out where standard error is no screen.
const PIPE: Look = Look {
    width: 80,
    color: false,
};

/// Makes a terminal tell pasted text from typed keys, and no longer.
const TELL_PASTES: &str = "\u{1b}[?2004h";
const MIX_PASTES: &str = "\u{1b}[?2004l";

impl Screen {
    /// A screen that draws as `look` says, or not at all.
    pub(super) fn new(err: Box<dyn Write + Send>, look: Option<Look>) -> Self {
        Self {
            err,
            look,
            live: Live::default(),
            drawn: false,
            prompt: None,
            offers: false,
            over: false,
        }
    }

    /// Whether anything moves here.
    pub(super) fn draws(&self) -> bool {
        self.look.is_some()
    }

    /// How it is drawn; none in a pipe.
    pub(super) fn look(&self) -> Option<Look> {
        self.look
    }

    /// How a card is laid out on a screen that has so many columns now.
    pub(super) fn card_look(&self, columns: Option<usize>) -> Look {
        let look = self.look.unwrap_or(PIPE);
        Look {
            width: columns.unwrap_or(look.width),
            ..look
        }
    }

    /// The screen has so many columns now.
    pub(super) fn resize(&mut self, columns: usize) {
        if let Some(look) = &mut self.look {
            look.width = columns;
        }
    }

    /// What has been seen of the turn.
    pub(super) fn live(&mut self) -> &mut Live {
        &mut self.live
    }

    /// Says in the moving line, or no longer, by which key the running call goes to the background.
    pub(super) fn offer(&mut self, offers: bool) {
        self.offers = offers;
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
        let Some(look) = self.look.filter(|_| self.prompt.is_none() && !self.over) else {
            return;
        };
        let Some(line) = self.live.line(now, tick, self.offers) else {
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

    /// Ends the moving line, until another turn is watched.
    pub(super) fn end(&mut self) {
        self.erase();
        self.over = true;
    }

    /// Lets the line move again.
    pub(super) fn go_on(&mut self) {
        self.over = false;
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
        self.draw_prompt();
    }

    /// Writes one quiet line, on a terminal alone.
    pub(super) fn hint(&mut self, line: &str) {
        if let Some(look) = self.look {
            let style = Style::new().dim().force_styling(look.color);
            self.write_lines(&[style.apply_to(inert(line)).to_string()]);
        }
    }

    /// Writes a card, which is inert already.
    pub(super) fn card(&mut self, card: &str) {
        self.erase();
        self.write(card);
        self.draw_prompt();
    }

    /// Shows the line at which an answer is typed, in place of what moves; in a pipe it is written once more.
    pub(super) fn prompt(&mut self, prompt: Prompt) {
        if self.look.is_some() && self.prompt.is_none() {
            self.write(TELL_PASTES);
        }
        self.prompt = Some(prompt);
        self.draw_prompt();
    }

    /// The typed line was ended, so that the cursor stands below it.
    pub(super) fn entered(&mut self) {
        self.prompt = None;
    }

    /// Nothing is typed any more.
    pub(super) fn unprompt(&mut self) {
        if self.prompt.take().is_none() {
            return;
        }
        if self.look.is_some() {
            self.erase();
            self.write(MIX_PASTES);
        } else {
            self.write("\n");
        }
    }

    fn draw_prompt(&mut self) {
        let Some(Prompt { text, back }) = self.prompt.clone() else {
            return;
        };
        if self.look.is_none() {
            self.write(&text);
            return;
        }
        let back = match back {
            0 => String::new(),
            columns => format!("\u{1b}[{columns}D"),
        };
        self.write(&format!("\r\u{1b}[2K{text}{back}"));
        self.drawn = true;
    }

    fn write_lines(&mut self, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        self.erase();
        if self.look.is_none() && self.prompt.is_some() {
            self.write("\n");
        }
        self.write(&format!("{}\n", lines.join("\n")));
        self.draw_prompt();
    }

    /// Writes at once. Where standard error is closed there is nobody left to tell.
    fn write(&mut self, text: &str) {
        let written = self.err.write_all(text.as_bytes());
        if written.and_then(|()| self.err.flush()).is_err() {
            self.look = None;
        }
    }
}
