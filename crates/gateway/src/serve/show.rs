//! Showing a session's turns while they go on, in the conversations that they answer.
//! Invariant: best effort, and never in the way of a commit; a reply is delivered only after its turn's show has ended.
//! It must not know how a messenger shows anything.

use std::sync::Arc;

use corvid_core::wire::{
    Address, Answer, Answerer, Event, EventBody, InputId, LiveEvent, Millis, Question, QuestionId,
    Scope, SessionId,
};
use corvid_core::{FollowedTurn, Messenger, Note, OutcomeQuestion, TaskKind};
use corvid_store::OpenInput;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Host;

/// Live events that may wait for a messenger; a slow one misses some.
const LIVE: usize = 256;
/// How long a messenger may take to end what it shows of a turn, in milliseconds: longer than one call to its service,
/// for one that was cut off may still arrive there, and then it may be after the reply.
const END_MS: Millis = 15_000;

/// The show of one errand's turns.
pub(super) struct Show(JoinHandle<()>);

/// A turn that is being shown.
struct Followed {
    turn: u32,
    senders: Vec<mpsc::Sender<LiveEvent>>,
    tasks: Vec<JoinHandle<()>>,
}

/// What the show knows.
struct Showing {
    host: Arc<Host>,
    session: SessionId,
    followed: Option<Followed>,
    /// Questions of the turn that have no answer yet.
    asked: Vec<Question>,
}

impl Show {
    /// A show that lasts as long as somebody holds the sender.
    pub(super) fn begin(host: &Arc<Host>, session: &SessionId) -> (Self, mpsc::Sender<LiveEvent>) {
        let (sender, mut live) = mpsc::channel(LIVE);
        let mut showing = Showing {
            host: Arc::clone(host),
            session: session.clone(),
            followed: None,
            asked: Vec::new(),
        };
        let tasks = &host.gateway.tasks;
        let task = tasks.spawn(TaskKind::Service, "show", async move {
            while let Some(event) = live.recv().await {
                showing.take(event).await;
            }
            showing.end_turn().await;
        });
        (Self(task), sender)
    }

    /// Lets everything stand as it is shown now.
    pub(super) fn leave(self) {
        self.0.abort();
    }

    /// Waits for the end of the show.
    pub(super) async fn end(self) {
        // One that panicked has ended too.
        drop(self.0.await);
    }
}

impl Showing {
    async fn take(&mut self, event: LiveEvent) {
        if let LiveEvent::Committed { event } = &event {
            self.committed(event).await;
        }
        if let Some(followed) = &self.followed {
            for sender in &followed.senders {
                // Who cannot keep up misses something that the reply will say.
                drop(sender.try_send(event.clone()));
            }
        }
        if let LiveEvent::Committed { event } = &event
            && let EventBody::ReplyComposed(_) = event.body
        {
            self.end_turn().await;
            self.host.outbox.nudge();
        }
    }

    async fn committed(&mut self, event: &Event) {
        match &event.body {
            EventBody::TurnStarted(start) => {
                let mut open = self.open_inputs().await;
                open.retain(|input| start.inputs.contains(&input.input));
                self.follow(start.turn, event.at, open).await;
            }
            // A turn that was begun before this process: it took up the oldest input that is open.
            EventBody::ModelRequested { turn, .. } if self.followed.is_none() => {
                let mut open = self.open_inputs().await;
                open.truncate(1);
                self.follow(*turn, event.at, open).await;
            }
            EventBody::InputSteered { inputs, .. } => self.taken_up(inputs).await,
            // The person reads it, or waits; whoever runs the daemon may be the one who can mend it.
            EventBody::ModelFailed { message, .. } => {
                tracing::warn!(session = %self.session, reason = message, "the model did not answer");
            }
            EventBody::QuestionAsked(question) => self.asked.push((**question).clone()),
            EventBody::QuestionAnswered {
                question,
                answer,
                by,
            } => self.answered(question, answer, by.as_ref()).await,
            EventBody::OutcomeAnswered { call, answer, .. } => {
                let note = Note::OutcomeSettled {
                    key: OutcomeQuestion::key_of(&self.session, *call),
                    answer: *answer,
                };
                self.note_everywhere(&note);
            }
            _ => {}
        }
    }

    /// Begins to show a turn wherever it is answered.
    async fn follow(&mut self, turn: u32, started_at: Millis, inputs: Vec<OpenInput>) {
        self.end_turn().await;
        let mut conversations: Vec<(Address, Option<String>)> = Vec::new();
        for input in inputs {
            let known = conversations.iter().any(|(to, _)| *to == input.origin);
            if !known {
                let answers = input.job.is_none().then_some(input.external_id);
                conversations.push((input.origin, answers));
            }
        }
        let mut followed = Followed {
            turn,
            senders: Vec::new(),
            tasks: Vec::new(),
        };
        for (to, answers) in conversations {
            let Some(messenger) = self.host.messenger(&to).cloned() else {
                continue;
            };
            let shown = FollowedTurn {
                session: self.session.clone(),
                turn,
                to,
                started_at,
                answers,
            };
            let (sender, live) = mpsc::channel(LIVE);
            let tasks = &self.host.gateway.tasks;
            let task = tasks.spawn(TaskKind::Service, "follow", async move {
                messenger.follow(&shown, live).await;
            });
            followed.senders.push(sender);
            followed.tasks.push(task);
        }
        self.host.outbox.hold(&self.session, turn);
        self.followed = Some(followed);
    }

    /// Ends the show of a turn, and lets its reply go out.
    async fn end_turn(&mut self) {
        for question in std::mem::take(&mut self.asked) {
            self.settled(question, "nobody answered in time".to_owned());
        }
        let Some(followed) = self.followed.take() else {
            return;
        };
        drop(followed.senders);
        let clock = &self.host.gateway.clock;
        let until = clock.now().saturating_add(END_MS);
        for mut task in followed.tasks {
            tokio::select! {
                _ = &mut task => {}
                () = clock.sleep_until(until) => task.abort(),
            }
        }
        self.host.outbox.release(&self.session, followed.turn);
    }

    async fn taken_up(&self, inputs: &[InputId]) {
        for input in self.open_inputs().await {
            if inputs.contains(&input.input)
                && input.job.is_none()
                && let Some(messenger) = self.host.messenger(&input.origin)
            {
                let note = Note::TakenUp {
                    to: input.origin.clone(),
                    external_id: input.external_id,
                };
                self.tell(messenger, note);
            }
        }
    }

    async fn answered(&mut self, id: &QuestionId, answer: &Answer, by: Option<&Answerer>) {
        let known = self.asked.iter().position(|asked| asked.question == *id);
        let question = match known {
            Some(place) => Some(self.asked.swap_remove(place)),
            // It was asked before this process.
            None => match self.host.gateway.store.question(id).await {
                Ok(row) => row.map(|row| row.question),
                Err(error) => {
                    tracing::warn!(%error, "an answered question keeps its buttons");
                    None
                }
            },
        };
        if let Some(question) = question {
            self.settled(question, how(answer, by));
        }
    }

    fn settled(&self, question: Question, how: String) {
        let note = Note::Settled {
            question: Box::new(question),
            how,
        };
        self.note_everywhere(&note);
    }

    fn note_everywhere(&self, note: &Note) {
        for messenger in &self.host.serving.messengers {
            self.tell(messenger, note.clone());
        }
    }

    /// Tells a messenger without waiting for it: one that is not reached must not hold up what is shown.
    fn tell(&self, messenger: &Arc<dyn Messenger>, note: Note) {
        let messenger = Arc::clone(messenger);
        let tasks = &self.host.gateway.tasks;
        let stopping = tasks.stopping();
        tasks.spawn(TaskKind::Service, "note", async move {
            tokio::select! {
                () = messenger.note(&note) => {}
                () = stopping.cancelled() => {}
            }
        });
    }

    async fn open_inputs(&self) -> Vec<OpenInput> {
        let open = self.host.gateway.store.session_open_inputs(&self.session);
        open.await.unwrap_or_else(|error| {
            tracing::warn!(%error, "a turn is not shown while it goes on");
            Vec::new()
        })
    }
}

/// How a question was answered, in a few words.
fn how(answer: &Answer, by: Option<&Answerer>) -> String {
    let what = match answer {
        Answer::Allow { scope: Scope::Once } => "allowed once",
        Answer::Allow {
            scope: Scope::Session,
        } => "allowed for this session",
        Answer::Allow {
            scope: Scope::Earlier,
        } => "allowed earlier for this session",
        Answer::Deny { .. } => "denied",
        Answer::Text { .. } => "answered",
    };
    match by {
        Some(by) => format!("{what} by {}", by.person.id),
        None => format!("{what}: nobody could be asked"),
    }
}
