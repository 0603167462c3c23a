//! What of a running daemon changes with its config: the rules, and who may speak.
//! Invariant: a decision is made by one set of rules whole, the old ones or the new ones.
//! It must not know where a config comes from.

use std::sync::{Arc, PoisonError, RwLock};

use corvid_core::wire::Fault;
use corvid_core::{Model, ModelError, Models, Policy, PolicyDecision, PolicyRequest};
use corvid_llm::Catalogue;
use corvid_tools::policy::RulePolicy;

/// The name of the model that is none.
const MANUAL: &str = "manual";

/// Rules that can be replaced.
pub(super) struct LivePolicy(RwLock<Arc<RulePolicy>>);

impl LivePolicy {
    /// These rules, for now.
    pub(super) fn new(rules: RulePolicy) -> Self {
        Self(RwLock::new(Arc::new(rules)))
    }

    /// Decides by these rules from now on.
    pub(super) fn replace(&self, rules: RulePolicy) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }
}

impl Policy for LivePolicy {
    fn decide(&self, request: &PolicyRequest<'_>) -> PolicyDecision {
        let rules = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        rules.decide(request)
    }
}

/// The models that answer in messengers: all but `manual`, which is none.
pub(super) struct ModelsForPeople(pub(super) Catalogue);

impl Models for ModelsForPeople {
    fn open(&self, name: &str) -> Result<Arc<dyn Model>, ModelError> {
        if name.is_empty() || name == MANUAL {
            return Err(ModelError {
                fault: Fault::Final,
                message: "I have no language model yet, so I cannot answer; whoever runs me adds one: a key in e.g. \
                          OPENAI_API_KEY, or `agent config set model PROVIDER/MODEL`, and then `agent restart`"
                    .to_owned(),
                retry_after_ms: None,
            });
        }
        self.0.open(name)
    }
}

/// The model of people who have chosen none; empty if there is none.
pub(super) fn default_model(chosen: &str) -> String {
    if chosen == MANUAL {
        String::new()
    } else {
        chosen.to_owned()
    }
}
