//! Inputs as they are admitted.
//! Invariant: what a person allowed or limited travels with the input and holds for the turn it starts.
//! It must not know what becomes of an input.

use serde::{Deserialize, Serialize};

use super::question::Answerer;
use crate::id::{InputId, JobId};
use crate::message::{Address, Mode, Part, Requester};

/// An input as it was accepted. Unique on `(channel, account, external_id)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    /// Our id of the input.
    pub input: InputId,
    /// Where it came from and where the reply goes.
    pub origin: Address,
    /// The id under which the channel will never send another message.
    pub external_id: String,
    /// Who asked.
    pub requester: Requester,
    /// What was said.
    pub parts: Vec<Part>,
    /// What it does while a turn runs.
    pub mode: Mode,
    /// The folder for the turn it starts, absolute.
    pub working_dir: String,
    /// What the person allowed or limited with it.
    #[serde(default)]
    pub flags: Flags,
    /// The job whose end it tells; none for what a person said. It answers no question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// What inputs that belong together have in common (an album, a long paste in pieces): a turn takes them up
    /// together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub together: Option<String>,
    /// The input that this one corrects. If that still waits, this one is said in its stead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<InputId>,
    /// The person's time zone, an IANA name; none where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

impl Admission {
    /// Who said it, as one who may answer questions by it; none for what a job says.
    pub fn answerer(&self) -> Option<Answerer> {
        self.job.is_none().then(|| Answerer {
            channel: self.origin.channel.clone(),
            person: self.requester.clone(),
        })
    }
}

/// Flags that travel with an input and hold for the turn it starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flags {
    /// The model to use, `provider/model`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// A smaller step limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<u32>,
    /// Whatever a rule says to ask about is allowed; what is denied stays denied.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub yes: bool,
}
