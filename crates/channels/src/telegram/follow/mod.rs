//! Showing a turn while it goes on: typing, and one message that grows, or a draft.
//! Invariant: one message a turn, the one that the reply is put into, after such as stay since the turn went on; when this returns nothing of it is still
//! on its way. Best effort: whatever fails is passed over.
//! It must not know the reply.

mod act;
mod watch;

use corvid_core::wire::{LiveEvent, Millis};
use corvid_core::{FollowedTurn, draw, turn_post};
use tokio::sync::mpsc;

use self::act::{Act, Came, drafted, edited, finished, left, placed, typed};
use self::watch::Watch;
use super::api::Fault;
use super::post::{Poster, Previews, Stuck};
use super::render::{Rich, rich};
use super::spot::{MessageSpot, Spot};

/// How long Telegram shows that somebody types, in milliseconds.
const TYPING_MS: Millis = 5_000;

/// How long a reply may take before a message is begun for it, in milliseconds.
const SOON_MS: Millis = 1_000;

/// How often the time on a status line is brought up to date, in milliseconds.
const TIME_MS: Millis = 5_000;

/// How long nothing is tried after a fault, in milliseconds.
const FAULT_MS: Millis = 5_000;

/// The longest sleep, in milliseconds.
const NAP_MS: Millis = 60_000;

impl Poster {
    /// Shows a turn until `live` has ended.
    pub(in crate::telegram) async fn follow(
        &self,
        turn: &FollowedTurn,
        live: mpsc::Receiver<LiveEvent>,
    ) {
        if let Some(spot) = Spot::parse(&turn.to.conversation) {
            Follower::new(self, turn, spot).run(live).await;
        }
    }
}

/// One turn that is shown in one conversation.
struct Follower<'p> {
    poster: &'p Poster,
    post: String,
    spot: Spot,
    form: Form,
    watch: Watch,
    /// What still has to be left of a whole answer that the turn went on after.
    leaving: Vec<Rich>,
    /// Something has changed since the last look.
    changed: bool,
    /// What is shown, and since when.
    shown: Option<(Rich, Millis)>,
    begin_at: Millis,
    typing_at: Millis,
    /// Nothing is tried before.
    not_before: Millis,
    /// Nothing can be shown.
    given_up: bool,
}

/// How it is shown.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// In the message that the reply will be put into, once there is one.
    Message(Option<MessageSpot>),
    /// In a draft of that number.
    Draft(i64),
}

impl<'p> Follower<'p> {
    fn new(poster: &'p Poster, turn: &FollowedTurn, spot: Spot) -> Self {
        let post = turn_post(&turn.session, turn.turn, &turn.to);
        let form = match poster.previews {
            Previews::Drafts if spot.is_private() => Form::Draft(draft_number(&post)),
            Previews::Drafts | Previews::Edits => Form::Message(None),
        };
        Self {
            poster,
            post,
            spot,
            form,
            watch: Watch::default(),
            leaving: Vec::new(),
            changed: true,
            shown: None,
            begin_at: turn.started_at.saturating_add(SOON_MS),
            typing_at: poster.clock.now(),
            not_before: 0,
            given_up: false,
        }
    }

    async fn run(mut self, mut live: mpsc::Receiver<LiveEvent>) {
        let poster = self.poster;
        let mut is_live = true;
        let mut act: Option<Act<'p>> = None;
        loop {
            let now = poster.clock.now();
            if act.is_none() {
                // An answer that stays is left even if the reply is there already, which goes out only after this.
                act = self.next_to_leave(now);
            }
            if act.is_none() && is_live {
                act = self.next_act(now);
            }
            if act.is_none() && !is_live {
                return;
            }
            let wake_at = self.wake_at(now);
            tokio::select! {
                event = live.recv(), if is_live => match event {
                    Some(event) => self.take_in(event, &mut live),
                    None => is_live = false,
                },
                came = finished(&mut act) => {
                    act = None;
                    self.came(came);
                }
                () = poster.clock.sleep_until(wake_at), if act.is_none() => {}
            }
        }
    }

    /// Takes in an event, and what else is there already.
    fn take_in(&mut self, first: LiveEvent, live: &mut mpsc::Receiver<LiveEvent>) {
        let now = self.poster.clock.now();
        let mut next = Some(first);
        while let Some(event) = next {
            self.watch.apply(&event, now);
            next = live.try_recv().ok();
        }
        self.changed = true;
    }

    /// What is to be left behind now.
    fn next_to_leave(&mut self, now: Millis) -> Option<Act<'p>> {
        if self.given_up || now < self.not_before {
            return None;
        }
        if self.leaving.is_empty() {
            self.leaving = rich(&self.watch.take_interim()?).split();
        }
        let message = match self.form {
            Form::Message(message) => message,
            Form::Draft(_) => None,
        };
        let (post, pieces) = (self.post.clone(), std::mem::take(&mut self.leaving));
        Some(Box::pin(left(
            self.poster,
            post,
            self.spot,
            message,
            pieces,
        )))
    }

    /// What is due now.
    fn next_act(&mut self, now: Millis) -> Option<Act<'p>> {
        if self.given_up || self.watch.is_over() || now < self.not_before {
            return None;
        }
        let (poster, spot) = (self.poster, self.spot);
        if now >= self.typing_at && !self.watch.rests() {
            self.typing_at = now.saturating_add(TYPING_MS);
            return Some(Box::pin(typed(poster, spot)));
        }
        if now < self.begin_at || poster.pacer.preview_at(spot.chat) > now {
            return None;
        }
        if let Form::Message(None) = self.form {
            return Some(Box::pin(placed(poster, self.post.clone(), spot)));
        }
        let rich = self.due(now)?;
        if !poster.pacer.take_preview(spot.chat) {
            return None;
        }
        self.changed = false;
        self.shown = Some((rich.clone(), now));
        Some(match self.form {
            Form::Message(message) => {
                let post = self.post.clone();
                Box::pin(edited(poster, post, message?, rich))
            }
            Form::Draft(number) => Box::pin(drafted(poster, spot, number, rich)),
        })
    }

    /// What is to be shown now, if that is something else than what is shown.
    fn due(&mut self, now: Millis) -> Option<Rich> {
        let seen = self.watch.seen();
        let is_late = |(_, at): &(Rich, Millis)| now >= at.saturating_add(TIME_MS);
        let time_is_due = seen.is_timed() && self.shown.as_ref().is_none_or(is_late);
        if !self.changed && !time_is_due {
            return None;
        }
        let rich = seen.rich(now);
        if let Some((shown, at)) = &mut self.shown
            && *shown == rich
        {
            // It is as good as shown anew; else it would be due again at once.
            *at = now;
            self.changed = false;
            return None;
        }
        Some(rich)
    }

    /// When something may be due.
    fn wake_at(&self, now: Millis) -> Millis {
        let nap = now.saturating_add(NAP_MS);
        if self.given_up || self.watch.is_over() {
            return nap;
        }
        let next_edit = if self.changed || matches!(self.form, Form::Message(None)) {
            self.begin_at
                .max(self.poster.pacer.preview_at(self.spot.chat))
        } else if let Some((_, at)) = &self.shown
            && self.watch.seen().is_timed()
        {
            let free_at = self.poster.pacer.preview_at(self.spot.chat);
            at.saturating_add(TIME_MS).max(free_at)
        } else {
            nap
        };
        let typing_at = if self.watch.rests() {
            nap
        } else {
            self.typing_at
        };
        // Never at once: whatever was due by now has been looked at.
        next_edit
            .min(typing_at)
            .max(self.not_before)
            .clamp(now.saturating_add(1), nap)
    }

    fn came(&mut self, came: Came) {
        let stuck = match came {
            Came::Placed(Ok(message)) => {
                self.form = Form::Message(Some(message));
                self.changed = true;
                return;
            }
            Came::Left { next, rest, stuck } => {
                if let Some(message) = next {
                    self.form = Form::Message(Some(message));
                }
                self.leaving = rest;
                self.changed = true;
                match stuck {
                    None => return,
                    Some(stuck) => stuck,
                }
            }
            Came::Done(Ok(())) => return,
            Came::Placed(Err(stuck)) => stuck,
            Came::Done(Err(fault)) => fault.into(),
        };
        let fault = match stuck {
            Stuck::Fault(fault) => fault,
            Stuck::Marks(reason) => {
                tracing::warn!(%reason, "a turn is not shown");
                self.given_up = true;
                return;
            }
        };
        tracing::debug!(%fault, "a turn is not shown for a while");
        match fault {
            Fault::Wait { .. }
            | Fault::Unreachable(_)
            | Fault::Unauthorized
            | Fault::Conflict
            | Fault::Unparsed(_)
            | Fault::TooLong(_)
            | Fault::NotModified => {
                self.not_before = self.poster.clock.now().saturating_add(FAULT_MS);
                self.changed = true;
                self.shown = None;
            }
            // Somebody deleted the message, or nobody is there to see one: the reply is tried all the same.
            Fault::MessageGone(_) | Fault::Moved(_) | Fault::Blocked(_) | Fault::Refused(_) => {
                self.given_up = true;
            }
        }
    }
}

/// A draft's number, the same for the same post and never 0.
fn draft_number(post: &str) -> i64 {
    let digits: String = draw::sha256_hex(post.as_bytes()).chars().take(12).collect();
    i64::from_str_radix(&digits, 16).map_or(1, |number| number.max(1))
}

#[cfg(test)]
mod tests;
