//! What the agent is told of where a command wanted to go.
//! Invariant: the same thing is told once, and not without end.
//! It must not know what is done with it.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::host::Target;
use super::refusal::{Refusal, Status};

/// How many different attempts of one command are told.
const MAX_TOLD: usize = 256;

/// Where a command wanted to go, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// The host in its normal spelling, IPv6 in brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What came of it.
    pub verdict: Verdict,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// There was a connection.
    Reached,
    /// It must not be reached; the sentence names the host and the fix.
    Refused(String),
    /// It may be reached, but could not be; the sentence says why.
    Failed(String),
}

impl Verdict {
    pub(super) fn of(refusal: Option<&Refusal>) -> Self {
        match refusal {
            None => Self::Reached,
            Some(refusal) if refusal.status() == Status::Forbidden => {
                Self::Refused(refusal.sentence().to_owned())
            }
            Some(refusal) => Self::Failed(refusal.sentence().to_owned()),
        }
    }
}

/// Takes attempts as they are made.
pub type Seen = Arc<dyn Fn(Attempt) + Send + Sync>;

/// Tells each attempt once.
pub(super) struct Told {
    before: Mutex<HashSet<Attempt>>,
    seen: Seen,
}

impl Told {
    pub(super) fn new(seen: Seen) -> Self {
        Self {
            before: Mutex::default(),
            seen,
        }
    }

    pub(super) fn tell(&self, target: &Target, verdict: Verdict) {
        let attempt = Attempt {
            host: target.host.to_string(),
            port: target.port,
            verdict,
        };
        let is_new = {
            let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
            before.len() < MAX_TOLD && before.insert(attempt.clone())
        };
        if is_new {
            (self.seen)(attempt);
        }
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Told").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::host::Host;

    #[test]
    fn attempts_are_told_once_and_not_without_end() {
        let count = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&count);
        let told = Told::new(Arc::new(move |_| *counted.lock().unwrap() += 1));
        for port in [1, 2, 1, 2, 1] {
            let host = Host::parse("a.b").unwrap();
            told.tell(&Target { host, port }, Verdict::Reached);
        }
        assert_eq!(*count.lock().unwrap(), 2);
        for port in 0..2000 {
            let host = Host::parse("a.b").unwrap();
            told.tell(&Target { host, port }, Verdict::Failed(String::new()));
        }
        assert_eq!(*count.lock().unwrap(), MAX_TOLD);
    }
}
