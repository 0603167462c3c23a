//! Between the channels and the lanes: who may speak, admission, lanes, and the way of a reply back.
//! Invariant: an input is acknowledged only once it is in the journal, and answered from the journal alone.
//! It must not know how a messenger encodes anything, nor how a turn reasons.

mod access;
mod answer;
mod chat;
mod errand;
mod error;
mod inbound;
mod jobs;
mod lanes;
mod outbox;
mod pairing;
mod people;
mod posts;
mod questions;
mod run;
mod serve;
mod surroundings;
mod wake;

use std::sync::Arc;

use corvid_agent::LanePorts;
use corvid_core::redact::Redactor;
use corvid_core::{Channel, Clock, Journal, Models, Outputs, Policy, Tasks, Toolset};
use corvid_store::Store;

use jobs::{DeskParts, JobDesk};
use posts::PostDesk;
use questions::{AllChannels, Outcomes};

pub use access::{Access, Allowed};
pub use answer::{AnswerReceipt, Backgrounded};
pub use chat::{COMMANDS, ChatCommand};
pub use corvid_agent::Settings;
pub use error::GatewayError;
pub use inbound::{Inbound, Target};
pub use jobs::JobLimits;
pub use pairing::LetIn;
pub use run::Answered;
pub use serve::{Served, Serving};
pub use surroundings::{Surroundings, Unheard};

/// What a gateway is made of.
pub struct Parts {
    /// The store.
    pub store: Store,
    /// Who may speak.
    pub access: Access,
    /// The models.
    pub models: Arc<dyn Models>,
    /// The tools offered.
    pub tools: Toolset,
    /// What may run.
    pub policy: Arc<dyn Policy>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The channels that this process hosts.
    pub channels: Vec<Arc<dyn Channel>>,
    /// Where outputs are kept.
    pub outputs: Outputs,
    /// Hides what must not be written down, shown or sent.
    pub redactor: Arc<Redactor>,
    /// How many jobs run.
    pub job_limits: JobLimits,
    /// Where tasks run.
    pub tasks: Tasks,
    /// How lanes are configured.
    pub settings: Settings,
}

/// The gateway of one process.
pub struct Gateway {
    store: Store,
    access: Access,
    clock: Arc<dyn Clock>,
    channels: Vec<Arc<dyn Channel>>,
    tasks: Tasks,
    ports: Arc<LanePorts>,
    lanes: lanes::Lanes,
    jobs: Arc<JobDesk>,
    posts: Arc<PostDesk>,
    outcomes: Arc<Outcomes>,
}

impl Gateway {
    /// A gateway that hosts no lane yet.
    pub fn new(parts: Parts) -> Self {
        let journal: Arc<dyn Journal> = Arc::new(parts.store.clone());
        let outcomes = Arc::new(Outcomes::default());
        let jobs = Arc::new(JobDesk::new(DeskParts {
            store: parts.store.clone(),
            clock: Arc::clone(&parts.clock),
            tasks: parts.tasks.clone(),
            tools: parts.tools.clone(),
            outputs: parts.outputs.clone(),
            redactor: Arc::clone(&parts.redactor),
            limits: parts.job_limits,
        }));
        let lanes = lanes::Lanes::default();
        let posts = Arc::new(PostDesk {
            store: parts.store.clone(),
            clock: Arc::clone(&parts.clock),
            outputs: parts.outputs.clone(),
            redactor: Arc::clone(&parts.redactor),
            lanes: lanes.clone(),
        });
        let lane_ports = LanePorts {
            journal,
            models: parts.models,
            tools: parts.tools,
            policy: parts.policy,
            questions: Arc::new(AllChannels {
                channels: parts.channels.clone(),
                outcomes: Arc::clone(&outcomes),
            }),
            clock: Arc::clone(&parts.clock),
            jobs: jobs.clone(),
            posts: posts.clone(),
            redactor: parts.redactor,
            outputs: parts.outputs,
            tasks: parts.tasks.clone(),
            settings: parts.settings,
        };
        Self {
            store: parts.store,
            access: parts.access,
            clock: parts.clock,
            channels: parts.channels,
            tasks: parts.tasks,
            ports: Arc::new(lane_ports),
            lanes,
            jobs,
            posts,
            outcomes,
        }
    }
}
