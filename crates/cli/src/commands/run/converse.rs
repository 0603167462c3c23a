//! A conversation of one run: its message, the answer, and what its background jobs tell afterwards.
//! Invariant: each reply is printed once, and the exit code tells of the worst of them.
//! It must not know how a turn runs.

use std::convert::Infallible;

use anyhow::bail;
use corvid_channels::inert_line;
use corvid_channels::terminal::{Printed, Terminal};
use corvid_core::JobView;
use corvid_core::wire::{Ending, LiveEvent, ReplyComposed, SessionId};
use corvid_gateway::{Answered, Gateway, GatewayError, Inbound, Target};
use corvid_store::Store;
use tokio::sync::mpsc;

use super::meanwhile;
use super::signals::Interrupt;
use crate::exit::{Exit, Refused};

/// Live events that may wait to be shown; a commit waits for a listener that is further behind.
const LIVE_EVENTS: usize = 64;

/// How much of a command is named while it is waited for, in characters.
const SHOWN: usize = 60;

/// Whoever takes part.
pub(super) struct Conversation<'a> {
    pub(super) gateway: &'a Gateway,
    pub(super) store: &'a Store,
    pub(super) terminal: &'a Terminal,
    pub(super) interrupt: &'a Interrupt,
    /// Whether the message begins a session whose name the person did not choose.
    pub(super) is_new: bool,
    /// Whether a person sits at the terminal.
    pub(super) is_watched: bool,
}

impl Conversation<'_> {
    /// Sees a message answered, and then what became of the jobs that were begun.
    ///
    /// # Errors
    /// With the sentence for the person.
    pub(super) async fn hold(&self, inbound: &Inbound) -> anyhow::Result<Exit> {
        if !self.is_watched {
            return self.talk(inbound).await;
        }
        tokio::select! {
            exit = self.talk(inbound) => exit,
            never = self.move_on_key(inbound) => match never {},
        }
    }

    /// Sends a running command to the background whenever the person presses the key for that.
    async fn move_on_key(&self, inbound: &Inbound) -> Infallible {
        let key = self.terminal.background();
        loop {
            key.notified().await;
            let (Target::Session(session) | Target::Existing(session)) = &inbound.target else {
                continue;
            };
            let from = &inbound.origin;
            let moved = self.gateway.background(session, from, &inbound.person);
            if let Err(error) = moved.await {
                self.terminal.notice(&error.to_string());
            }
        }
    }

    async fn talk(&self, inbound: &Inbound) -> anyhow::Result<Exit> {
        let stop = self.interrupt.stop();
        let run = |live| self.gateway.run(inbound, live, stop);
        let answered = self.answer(run).await?;
        let mut printed = vec![answered.reply.turn];
        let mut exit = self.show(&answered).await?;
        while let Some(answered) = self.job().await? {
            let next = self.show(&answered).await?;
            printed.push(answered.reply.turn);
            if exit == Exit::Done {
                exit = next;
            }
        }
        self.tell_others(&answered.session, &printed).await;
        if self.is_new {
            let session = &answered.session;
            self.terminal
                .hint(&format!("session {session}; `agent run -c -e …` goes on"));
        }
        Ok(match (answered.reply.ending, self.interrupt.signal()) {
            (_, Some(signal)) if printed.len() > 1 => Exit::Signal(signal),
            (Ending::Stopped, Some(signal)) => Exit::Signal(signal),
            _ => exit,
        })
    }

    /// Shows what happens until the answer is there.
    async fn answer<T>(
        &self,
        answering: impl AsyncFnOnce(mpsc::Sender<LiveEvent>) -> Result<T, GatewayError>,
    ) -> anyhow::Result<T> {
        let (live, events) = mpsc::channel(LIVE_EVENTS);
        let (answered, ()) = tokio::join!(answering(live), self.terminal.follow(events));
        answered.map_err(|error| match self.interrupt.signal() {
            Some(signal) => Refused::new(Exit::Signal(signal), error.to_string()).into(),
            None => error.into(),
        })
    }

    /// Waits for the next job of this process and has its end answered; none if there is no job left.
    async fn job(&self) -> anyhow::Result<Option<Answered>> {
        let jobs = self.gateway.running_jobs();
        if jobs.is_empty() {
            return Ok(None);
        }
        let open: Vec<&JobView> = jobs.iter().filter(|job| job.ended.is_none()).collect();
        if !open.is_empty() {
            self.terminal.notice(&waiting(&open));
        }
        self.terminal.turn_page().await;
        let stop = self.interrupt.stop();
        self.answer(async |live| self.gateway.next_job(live, stop).await)
            .await
    }

    /// Prints a reply, if it was not printed by now, and says what is to be done about it.
    async fn show(&self, answered: &Answered) -> anyhow::Result<Exit> {
        let Answered { session, reply, .. } = answered;
        if answered.repeated {
            let printed = self.terminal.print_recorded(session, reply);
            if let Printed::Failed(reason) = printed.await {
                bail!("the reply is recorded but standard output did not take it: {reason}");
            }
            self.terminal
                .hint("the recorded answer; no new turn was made");
        }
        if reply.unapproved.is_empty() {
            return Ok(Exit::from(reply.ending));
        }
        for line in ways_on(session) {
            self.terminal.notice(&line);
        }
        Ok(match Exit::from(reply.ending) {
            Exit::Done => Exit::Unapproved,
            other => other,
        })
    }

    /// Tells of the messages of others that were answered on the way. The answer stands, whatever becomes of
    /// these lines.
    async fn tell_others(&self, session: &SessionId, printed: &[u32]) {
        let mut others: Vec<ReplyComposed> = self.terminal.composed();
        others.retain(|reply| !printed.contains(&reply.turn));
        let lines = meanwhile::lines(self.store, session, &others).await;
        for line in lines.unwrap_or_default() {
            self.terminal.notice(&line);
        }
    }
}

/// What the person can do about what nobody could approve.
fn ways_on(session: &SessionId) -> [String; 3] {
    [
        format!("allow it:    agent run -s {session} --yes -e \"go on\""),
        format!("be asked:    agent run -s {session} -e \"go on\"   (in a terminal)"),
        "why it asks: agent policy show, agent policy explain \"TOOL: WHAT\"".to_owned(),
    ]
}

fn waiting(jobs: &[&JobView]) -> String {
    let what = match jobs {
        [job] => format!("1 background job: {}", title(job)),
        [first, ..] => format!("{} background jobs: {}, …", jobs.len(), title(first)),
        [] => "no background job".to_owned(),
    };
    format!("waiting for {what}; Ctrl-C ends it")
}

fn title(job: &JobView) -> String {
    let title = inert_line(&job.title);
    let mut shown: String = title.chars().take(SHOWN).collect();
    if shown.len() < title.len() {
        shown.push('…');
    }
    shown
}
