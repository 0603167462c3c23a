//! What the sandbox was said to lack when a call was last looked at.
//! Invariant: a call runs with no more lacking than was known when it was decided on; what is not known is nothing.
//! It must not know what was decided, nor what is lacking when the call runs: the sandbox compares.
//!
//! A call may wait long between its decision and its run, and after a crash another process runs it, on a
//! system that may enforce less. Nobody was asked about that.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use corvid_core::draw::sha256_hex;
use serde_json::Value;

/// The most calls that are remembered; of a turn that is still at work they are far fewer.
const MOST: usize = 1_024;

/// Calls with what was lacking for them, the newest last; those for which nothing was are left out.
#[derive(Default)]
pub(super) struct Lacks {
    known: Mutex<VecDeque<(String, Vec<String>)>>,
}

impl Lacks {
    /// Remembers what is lacking for a call that is looked at.
    pub(super) fn note(&self, arguments: &Value, working_dir: &Path, lacking: &[String]) {
        let mut known = self.lock();
        if known.is_empty() && lacking.is_empty() {
            return;
        }
        let name = name(arguments, working_dir);
        known.retain(|(known, _)| *known != name);
        if !lacking.is_empty() {
            known.push_back((name, lacking.to_vec()));
        }
        if known.len() > MOST {
            known.pop_front();
        }
    }

    /// What was lacking for the call.
    pub(super) fn known(&self, arguments: &Value, working_dir: &Path) -> Vec<String> {
        let known = self.lock();
        if known.is_empty() {
            return Vec::new();
        }
        let name = name(arguments, working_dir);
        let found = known.iter().find(|(known, _)| *known == name);
        found.map_or_else(Vec::new, |(_, lacking)| lacking.clone())
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(String, Vec<String>)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name(arguments: &Value, working_dir: &Path) -> String {
    sha256_hex(format!("{arguments}\0{}", working_dir.display()).as_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_last_look_at_a_call_is_remembered() {
        let lacks = Lacks::default();
        let (call, place) = (json!({ "command": "ls" }), Path::new("/work"));
        let nothing: Vec<String> = Vec::new();
        let lacking = vec!["Landlock".to_owned()];
        assert_eq!(lacks.known(&call, place), nothing);
        lacks.note(&call, place, &lacking);
        assert_eq!(lacks.known(&call, place), lacking);
        assert_eq!(lacks.known(&call, Path::new("/other")), nothing);
        assert_eq!(lacks.known(&json!({ "command": "l" }), place), nothing);
        lacks.note(&call, place, &[]);
        assert_eq!(lacks.known(&call, place), nothing);
    }

    #[test]
    fn old_calls_are_forgotten() {
        let lacks = Lacks::default();
        let place = Path::new("/work");
        let lacking = vec!["Landlock".to_owned()];
        for number in 0..=MOST {
            lacks.note(&json!(number), place, &lacking);
        }
        assert_eq!(lacks.known(&json!(0), place), Vec::<String>::new());
        assert_eq!(lacks.known(&json!(1), place), lacking);
    }
}
