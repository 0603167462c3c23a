//! One question and the person at the keyboard: showing, reading, drawing the line at which they type.
//! Invariant: dropped at any await, it has given the keyboard back and read nothing that it does not use.
//! It must not know what is asked.

use std::sync::Mutex;

use corvid_core::Clock;
use corvid_core::wire::Millis;

use super::card::legend;
use super::dialog::{Dialog, Prompt, SETTLE};
use super::keyboard::{Change, Changes, Ear, Key, Keyboard, Keys, Manner};
use super::locked;
use super::render::Look;
use super::screen::Screen;

/// Up to here the time left is told in seconds, beyond it in minutes; in milliseconds.
const LAST_SECONDS: Millis = 120_000;

/// A question under way.
pub(super) struct Talk<'t> {
    /// Where it is shown.
    pub(super) screen: &'t Mutex<Screen>,
    /// The time.
    pub(super) clock: &'t dyn Clock,
    /// Where the answer is typed.
    pub(super) keyboard: &'t Keyboard,
    /// What is asked, laid out.
    pub(super) card: &'t (dyn Fn(Look) -> String + Sync),
    /// When it is too late.
    pub(super) expires_at: Option<Millis>,
}

/// Why the reading ended.
enum End<T> {
    Said(T),
    /// The keyboard is gone.
    Gone,
    /// The person stops this job.
    Stop,
    /// The job was stopped and goes on.
    Continued,
}

impl Talk<'_> {
    /// Asks until there is an answer; none if the keyboard is gone.
    pub(super) async fn run<T: Clone + Send + Sync>(&self, mut dialog: Dialog<T>) -> Option<T> {
        let mut changes = Changes::new();
        loop {
            self.come_to_front().await;
            self.show(&dialog);
            // What was typed before the card was there is no answer to it.
            self.keyboard.forget();
            dialog.appear(self.clock.now());
            let by_key = locked(self.screen).look().is_some();
            let manner = if by_key { Manner::Keys } else { Manner::Lines };
            let ear = self.keyboard.listen(manner).ok()?;
            let end = if by_key {
                self.keys(&ear, &mut dialog, &mut changes).await
            } else {
                self.lines(&ear, &mut dialog, &mut changes).await
            };
            drop(ear);
            match end {
                End::Said(answer) => return Some(answer),
                End::Gone => return None,
                End::Continued => {}
                End::Stop => {
                    locked(self.screen).unprompt();
                    changes.stop_job(self.clock).await;
                }
            }
        }
    }

    fn show<T: Clone>(&self, dialog: &Dialog<T>) {
        let look = self.look();
        let text = format!("{}{}", (self.card)(look), legend(&dialog.legend(), look));
        locked(self.screen).card(&text);
    }

    /// How the screen is now; it may have been resized since the program started.
    fn look(&self) -> Look {
        locked(self.screen).card_look(self.keyboard.columns())
    }

    /// Waits until what is typed is meant for this job.
    async fn come_to_front(&self) {
        if !self.keyboard.is_in_front() {
            locked(self.screen).keep(&["a question waits; `fg` brings it here".to_owned()]);
            self.keyboard.in_front(self.clock).await;
        }
    }

    async fn keys<T: Clone + Send + Sync>(
        &self,
        ear: &Ear,
        dialog: &mut Dialog<T>,
        changes: &mut Changes,
    ) -> End<T> {
        let mut keys = Keys::default();
        let mut read_at = self.clock.now();
        let mut drawn = None;
        let mut look = self.look();
        loop {
            let now = self.clock.now();
            self.draw(dialog, look, now, &mut drawn);
            let key_settles = keys.waits().then(|| read_at.saturating_add(SETTLE));
            let wakes = [key_settles, dialog.settles_at(), self.time_changes_at(now)];
            tokio::select! {
                // Keys first, so that one is never taken to stand alone while another waits to be read.
                biased;
                bytes = ear.read() => {
                    if bytes.is_empty() {
                        return End::Gone;
                    }
                    read_at = self.clock.now();
                    for key in keys.push(&bytes) {
                        if key == Key::Control('z') {
                            return End::Stop;
                        }
                        dialog.key(&key, read_at);
                    }
                }
                change = changes.next() => match change {
                    Change::Continued => return End::Continued,
                    Change::Resized => self.resize(dialog, &mut look, &mut drawn),
                },
                () = sleep_until(self.clock, wakes) => {
                    let now = self.clock.now();
                    if key_settles.is_some_and(|time| time <= now)
                        && let Some(key) = keys.quiet()
                    {
                        dialog.key(&key, now);
                    }
                    dialog.quiet(now);
                }
            }
            if let Some(answer) = dialog.said() {
                return End::Said(answer.clone());
            }
        }
    }

    /// As [`Talk::keys`], where nothing can be drawn anew: whole lines.
    async fn lines<T: Clone + Send + Sync>(
        &self,
        ear: &Ear,
        dialog: &mut Dialog<T>,
        changes: &mut Changes,
    ) -> End<T> {
        let mut typed = Vec::new();
        loop {
            let now = self.clock.now();
            self.draw(dialog, self.look(), now, &mut None);
            while !typed.contains(&b'\n') {
                tokio::select! {
                    bytes = ear.read() => {
                        if bytes.is_empty() {
                            return End::Gone;
                        }
                        typed.extend(bytes);
                    }
                    change = changes.next() => if change == Change::Continued {
                        return End::Continued;
                    }
                }
            }
            locked(self.screen).entered();
            let now = self.clock.now();
            for line in String::from_utf8_lossy(&std::mem::take(&mut typed)).lines() {
                dialog.line(line, now);
            }
            if let Some(answer) = dialog.said() {
                return End::Said(answer.clone());
            }
        }
    }

    /// Draws the line at which the answer is typed, if it looks other than before.
    fn draw<T: Clone>(
        &self,
        dialog: &Dialog<T>,
        look: Look,
        now: Millis,
        drawn: &mut Option<Prompt>,
    ) {
        let left = self
            .expires_at
            .map(|end| time_left(end.saturating_sub(now)));
        let prompt = dialog.prompt(look.width.saturating_sub(1), &left.unwrap_or_default());
        if drawn.as_ref() != Some(&prompt) {
            locked(self.screen).prompt(prompt.clone());
            *drawn = Some(prompt);
        }
    }

    /// On a narrower screen a terminal breaks the card's lines where text of others would stand at the edge.
    fn resize<T: Clone>(&self, dialog: &Dialog<T>, look: &mut Look, drawn: &mut Option<Prompt>) {
        let before = std::mem::replace(look, self.look());
        if look.width < before.width {
            self.show(dialog);
        }
        *drawn = None;
    }

    /// When the time left reads otherwise.
    fn time_changes_at(&self, now: Millis) -> Option<Millis> {
        let left = self.expires_at?.saturating_sub(now);
        let step = if left > LAST_SECONDS { 60_000 } else { 1_000 };
        (left > 0).then(|| now.saturating_add(left % step + 1))
    }
}

fn time_left(left: Millis) -> String {
    match left {
        ..=0 => "time is up".to_owned(),
        1..=LAST_SECONDS => format!("{} s left", left / 1_000),
        _ => format!("{} min left", left / 60_000),
    }
}

/// Returns at the earliest of some times; never, if there is none.
async fn sleep_until(clock: &dyn Clock, times: [Option<Millis>; 3]) {
    match times.into_iter().flatten().min() {
        Some(time) => clock.sleep_until(time).await,
        None => std::future::pending().await,
    }
}
