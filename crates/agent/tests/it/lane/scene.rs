//! A lane with everything around it, so that a test reads like what happens.
//! Invariant: the journal, the model, the tools and the clock outlive the lane, as the world does.
//! It must not know what a test is after.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use corvid_agent::{Hooks, Lane, LaneError, LanePorts, Settings, Takeover};
use corvid_core::redact::Redactor;
use corvid_core::wire::{
    CallId, CallOutcome, EventBody, InputId, Limits, LiveEvent, OutcomeAnswer, OwnerId, Question,
    ReplyComposed,
};
use corvid_core::{
    AppendError, Ground, Heard, HeardOutcome, Journal as _, Loaded, NoJobs, NoPosts,
    OutcomeQuestion, Outputs, Policy, PolicyDecision, PolicyEffect, PolicyRequest, Questions,
    Tasks, Tool, Toolset,
};
use corvid_testkit::ManualClock;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::journal::MemoryJournal;
use super::model::{Line, OneModel, ScriptedModel};
use super::tools::{FakeTool, Ledger};
use crate::script::{START, admitted, limits, opened, person, session};

/// Live events that a scene keeps; more than any test brings about.
const LIVE: usize = 1_000;

/// A session and its surroundings.
pub(super) struct Scene {
    pub(super) journal: Arc<MemoryJournal>,
    pub(super) model: Arc<ScriptedModel>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) questions: Arc<ScriptedQuestions>,
    pub(super) ledger: Ledger,
    pub(super) limits: Limits,
    pub(super) wake: Arc<Notify>,
    pub(super) background: Arc<Notify>,
    pub(super) leave: CancellationToken,
    pub(super) stop: CancellationToken,
    pub(super) redactor: Arc<Redactor>,
    tools: Vec<Arc<dyn Tool>>,
}

/// How a lane ended, and what was shown meanwhile.
pub(super) struct Ended {
    pub(super) result: Result<ReplyComposed, LaneError>,
    pub(super) live: Vec<LiveEvent>,
}

impl Ended {
    /// The reply's text.
    pub(super) fn text(&self) -> &str {
        &self.reply().text
    }

    /// The reply.
    pub(super) fn reply(&self) -> &ReplyComposed {
        self.result.as_ref().expect("the lane has its reply")
    }
}

impl Scene {
    /// A session that is not there yet, and a model with these lines.
    pub(super) fn new(lines: impl IntoIterator<Item = Line>) -> Self {
        Self {
            journal: Arc::default(),
            model: Arc::new(ScriptedModel::new(lines.into_iter().collect())),
            clock: Arc::new(ManualClock::new(START)),
            questions: Arc::default(),
            ledger: Ledger::default(),
            limits: limits(),
            wake: Arc::default(),
            background: Arc::default(),
            leave: CancellationToken::new(),
            stop: CancellationToken::new(),
            redactor: Arc::default(),
            tools: Vec::new(),
        }
    }

    /// The session as earlier processes left it.
    pub(super) fn after(mut self, bodies: impl IntoIterator<Item = EventBody>) -> Self {
        self.journal = Arc::new(MemoryJournal::written(bodies));
        self
    }

    /// With one more tool.
    pub(super) fn with(mut self, mut tool: FakeTool) -> Self {
        tool.ledger = self.ledger.clone();
        self.tools.push(Arc::new(tool));
        self
    }

    /// Says something in a session that is not there yet, and works until it has its reply.
    pub(super) async fn say(&self, input: &str) -> Ended {
        self.work(input, vec![opened(), admitted(input)]).await
    }

    /// Takes the session over, beginning with `first`, and works until the input has its reply.
    pub(super) async fn work(&self, until: &str, first: Vec<EventBody>) -> Ended {
        let (live, mut heard) = mpsc::channel(LIVE);
        let hooks = Hooks {
            live,
            wake: Arc::clone(&self.wake),
            background: Arc::clone(&self.background),
            heads: watch::Sender::new(0),
            leave: self.leave.clone(),
            stop: self.stop.clone(),
            stopper: person("1000"),
        };
        let loaded = match self.journal.load(&session(), 1 << 20).await {
            Err(AppendError::NoSuchSession(_)) => Loaded {
                events: Vec::new(),
                head: 0,
                claim: None,
                grants: Vec::new(),
            },
            loaded => loaded.expect("memory does not fail"),
        };
        let takeover = Takeover {
            session: session(),
            owner: OwnerId::new("o-lane"),
            loaded,
            ground: Ground::Free,
            first,
            until: InputId::new(until),
        };
        let lane = Lane::take(Arc::new(self.ports()), hooks, takeover);
        let result = lane.run().await;
        let mut live = Vec::new();
        while let Ok(event) = heard.try_recv() {
            live.push(event);
        }
        Ended { result, live }
    }

    fn ports(&self) -> LanePorts {
        LanePorts {
            journal: Arc::clone(&self.journal) as _,
            models: Arc::new(OneModel(Arc::clone(&self.model))),
            tools: Toolset::new(self.tools.iter().cloned()),
            policy: Arc::new(NoNetwork),
            questions: Arc::clone(&self.questions) as _,
            clock: Arc::clone(&self.clock) as _,
            jobs: Arc::new(NoJobs),
            posts: Arc::new(NoPosts),
            redactor: Arc::clone(&self.redactor),
            outputs: Outputs::new("/outputs"),
            tasks: Tasks::default(),
            settings: Settings {
                default_model: "test/scripted".to_owned(),
                limits: self.limits,
                context_tokens: 128_000,
            },
        }
    }

    /// The outcome of a call in the journal.
    pub(super) fn outcome(&self, id: CallId) -> Option<CallOutcome> {
        self.journal
            .events()
            .into_iter()
            .find_map(|body| match body {
                EventBody::ToolFinished { call, outcome } if call == id => Some(outcome),
                _ => None,
            })
    }

    /// How often the journal holds an event of this kind.
    pub(super) fn count(&self, kind: &str) -> usize {
        let events = self.journal.events();
        events.iter().filter(|body| body.kind() == kind).count()
    }
}

/// Denies `web.post` and asks about `web.put`, so that a test can have both; allows all else.
struct NoNetwork;

impl Policy for NoNetwork {
    fn decide(&self, request: &PolicyRequest<'_>) -> PolicyDecision {
        PolicyDecision {
            effect: match request.tool {
                "web.post" => PolicyEffect::Deny,
                "web.put" => PolicyEffect::Ask,
                _ => PolicyEffect::Allow,
            },
            rule: "no-network".to_owned(),
            reason: "nothing leaves this test".to_owned(),
        }
    }
}

/// Gives the same answer to every question and keeps the questions.
pub(super) struct ScriptedQuestions {
    answer: Mutex<(OutcomeAnswer, String)>,
    asked: Mutex<Vec<OutcomeQuestion>>,
    heard: Mutex<VecDeque<Heard>>,
    shown: watch::Sender<Vec<Question>>,
}

impl Default for ScriptedQuestions {
    fn default() -> Self {
        Self {
            answer: Mutex::new((OutcomeAnswer::Skip, "nobody".to_owned())),
            asked: Mutex::default(),
            heard: Mutex::default(),
            shown: watch::Sender::default(),
        }
    }
}

impl ScriptedQuestions {
    /// From now on person 1000 answers this.
    pub(super) fn answer(&self, answer: OutcomeAnswer) {
        let mut now = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        *now = (answer, "1000".to_owned());
    }

    /// What comes of showing the next questions, one after the other; after that nobody is there.
    pub(super) fn hear(&self, heard: impl IntoIterator<Item = Heard>) {
        let mut next = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        next.extend(heard);
    }

    /// Every durable question that was shown so far.
    pub(super) fn shown(&self) -> watch::Receiver<Vec<Question>> {
        self.shown.subscribe()
    }

    /// Every question so far.
    pub(super) fn asked(&self) -> Vec<OutcomeQuestion> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[async_trait]
impl Questions for ScriptedQuestions {
    async fn ask_outcome(&self, question: &OutcomeQuestion) -> HeardOutcome {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.push(question.clone());
        let (answer, by) = self
            .answer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        HeardOutcome::Answered { answer, by }
    }

    async fn ask(&self, question: &Question) -> Heard {
        self.shown.send_modify(|shown| shown.push(question.clone()));
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.pop_front().unwrap_or(Heard::Nobody)
    }
}
