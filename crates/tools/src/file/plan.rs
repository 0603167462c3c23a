//! One change of one file: what is there, what will be, and the proof by which it is known afterwards.
//! Invariant: a plan is carried out only if the file still is as it was planned on.
//! It must not know why the file changes.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use corvid_core::draw::sha256_hex;
use corvid_core::wire::CallKey;
use corvid_core::{Reconciled, ToolError, ToolOutput};
use corvid_sandbox::paths::{Expect, Opened, Roots};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::diff::describe;
use super::told;
use crate::display::clean_line;

/// The longest path that the system takes, in bytes.
const PATH_CHARS: usize = 4_096;

/// What is there before a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// No such file.
    Absent,
    /// This content.
    Content(Vec<u8>),
}

/// A change that was thought through and not yet made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// What is there.
    pub(crate) before: Before,
    /// What will be.
    pub(crate) after: Vec<u8>,
    /// What is to be said beside what changed.
    pub(crate) note: Option<String>,
}

/// What the journal keeps with the start of a change: SHA-256 in hex of the file before (nothing if there
/// was none) and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Proof {
    before: Option<String>,
    after: String,
}

impl Before {
    /// Reads what is there; a file of more than `limit` bytes is not changed, and so not read either.
    ///
    /// # Errors
    /// The sentence for the model if the path cannot be written or read.
    pub(crate) fn read(roots: &Roots, path: &Path, limit: u64) -> Result<Self, ToolError> {
        let Some(Opened { file, stat }) = roots.open_own(path).map_err(told)? else {
            return Ok(Self::Absent);
        };
        let too_large = || {
            ToolError::Tell(format!(
                "`{}` has more than {limit} bytes; change it with a command",
                path.display()
            ))
        };
        if stat.len > limit {
            return Err(too_large());
        }
        let mut content = Vec::new();
        // One byte more than is allowed tells a file that has grown meanwhile.
        file.take(limit.saturating_add(1))
            .read_to_end(&mut content)
            .map_err(|error| {
                ToolError::Tell(format!("`{}` cannot be read: {error}", path.display()))
            })?;
        if content.len() as u64 > limit {
            return Err(too_large());
        }
        Ok(Self::Content(content))
    }

    fn expect(&self) -> Expect<'_> {
        match self {
            Self::Absent => Expect::Absent,
            Self::Content(content) => Expect::Content(content),
        }
    }

    fn hash(&self) -> Option<String> {
        match self {
            Self::Absent => None,
            Self::Content(content) => Some(sha256_hex(content)),
        }
    }
}

/// A change that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Made {
    /// What changed, for the model.
    pub(crate) text: String,
    /// The real path of the file.
    pub(crate) path: PathBuf,
}

impl Plan {
    /// What is there, if anything, and what will be.
    pub(crate) fn contents(&self) -> (Option<&[u8]>, &[u8]) {
        let before = match &self.before {
            Before::Absent => None,
            Before::Content(content) => Some(content.as_slice()),
        };
        (before, &self.after)
    }

    /// What reconciliation will need.
    pub(crate) fn proof(&self) -> Option<Value> {
        let proof = Proof {
            before: self.before.hash(),
            after: sha256_hex(&self.after),
        };
        serde_json::to_value(proof).ok()
    }

    /// Makes the change and says what changed.
    ///
    /// # Errors
    /// The sentence for the model; the file is then as it was.
    pub(crate) fn carry_out(
        &self,
        roots: &Roots,
        path: &Path,
        key: &CallKey,
    ) -> Result<Made, ToolError> {
        let replaced = roots
            .replace(path, &self.after, self.before.expect(), key.as_str())
            .map_err(told)?;
        let shown = clean_line(&roots.shown(&replaced.path).to_string_lossy(), PATH_CHARS);
        let bytes = self.after.len();
        let done = match &self.before {
            Before::Absent => format!("made {shown}, {bytes} bytes"),
            Before::Content(before) if *before == self.after => {
                format!("{shown} has this content already; nothing changed")
            }
            Before::Content(before) => {
                format!("changed {shown}: {}", describe(before, &self.after))
            }
        };
        let text = match &self.note {
            Some(note) => format!("{note}\n{done}"),
            None => done,
        };
        Ok(Made {
            text,
            path: replaced.path,
        })
    }
}

/// What became of a change that an earlier process began, with what that left behind removed. `limit` is
/// the size of the largest file that is changed at all.
pub(crate) fn reconcile(
    roots: &Roots,
    path: &Path,
    limit: u64,
    key: &CallKey,
    proof: Option<&Value>,
) -> Reconciled {
    if let Err(error) = roots.discard(path, key.as_str()) {
        tracing::debug!(%error, "a scratch file stays behind");
    }
    let Some(proof) = proof.and_then(|proof| Proof::deserialize(proof).ok()) else {
        return Reconciled::Unknown("the journal holds no hashes of the file".to_owned());
    };
    let now = match Before::read(roots, path, limit) {
        Ok(now) => now.hash(),
        Err(error) => return Reconciled::Unknown(error.to_string()),
    };
    let path = path.display();
    if now.as_ref() == Some(&proof.after) {
        let text = format!("{path} was written; the process was interrupted just after that");
        return Reconciled::Done(ToolOutput::text(text));
    }
    if now == proof.before {
        return Reconciled::NotDone;
    }
    Reconciled::Interrupted(ToolOutput::text(format!(
        "interrupted, and {path} is now neither as before nor as asked: something else changed it; read it \
         before going on"
    )))
}
