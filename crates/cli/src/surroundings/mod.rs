//! The machine around a daemon's gateway: the folders of its sessions, files that were sent along, checkpoints, an ear.
//! Invariant: no folder handed out is one of Corvid's own or holds credentials; a file that was sent along lands
//! beneath its folder, whatever links commands have planted there.
//! It must not know a messenger.

mod inbox;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use corvid_core::Outputs;
use corvid_core::wire::{Address, SessionId};
use corvid_gateway::{Gateway, Surroundings, Target, Unheard};
use corvid_llm::Transcriber;
use corvid_sandbox::paths::Roots;
use corvid_tools::checkpoint::Checkpoints;

use crate::commands::undo;
use crate::config::Home;

/// This machine, for one daemon.
pub(crate) struct Machine {
    /// The folder in which sessions have theirs.
    pub(crate) workspace: PathBuf,
    /// Where `~` leads.
    pub(crate) home: Home,
    /// What no tool may touch.
    pub(crate) private: Vec<PathBuf>,
    /// Where whole outputs are kept.
    pub(crate) outputs: Outputs,
    /// Files as they were before turns changed them, and for how many days.
    pub(crate) checkpoints: Arc<Checkpoints>,
    /// How many days these are kept.
    pub(crate) keep_days: u64,
    /// Who listens to voice messages, if somebody does.
    pub(crate) ear: Option<Transcriber>,
}

#[async_trait]
impl Surroundings for Machine {
    async fn session_folder(&self, session: &SessionId) -> Result<PathBuf, String> {
        // A name that is none could lead elsewhere.
        if !Target::is_name(session.as_str()) {
            return Err(format!("`{session}` cannot name a folder"));
        }
        let folder = self.workspace.join(session.as_str());
        let private = self.private.clone();
        blocking(move || {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)
                .map_err(|error| {
                    format!("the folder {} cannot be made: {error}", folder.display())
                })?;
            usable(&folder, &private)
        })
        .await
    }

    async fn check_folder(&self, named: &str) -> Result<PathBuf, String> {
        let folder = match (named, &self.home.user) {
            ("~", Some(user)) => user.clone(),
            _ => self.home.expand(named)?,
        };
        let private = self.private.clone();
        blocking(move || usable(&folder, &private)).await
    }

    async fn keep_file(
        &self,
        folder: &Path,
        key: &str,
        name: &str,
        fetched: &Path,
    ) -> Result<String, String> {
        let (folder, fetched) = (folder.to_owned(), fetched.to_owned());
        let (key, name) = (key.to_owned(), name.to_owned());
        let private = self.private.clone();
        blocking(move || inbox::keep(&folder, &private, &key, &name, &fetched)).await
    }

    async fn transcribe(&self, recording: &Path, media_type: &str) -> Result<String, Unheard> {
        let Some(ear) = &self.ear else {
            return Err(Unheard::NotSetUp(
                "I cannot listen to voice messages yet: whoever runs me sets `transcription.url` to an endpoint that \
                 transcribes. Please write it."
                    .to_owned(),
            ));
        };
        let text = ear.transcribe(recording, media_type).await;
        text.map_err(|error| Unheard::Failed(error.message))
    }

    async fn undo(
        &self,
        gateway: &Gateway,
        session: &SessionId,
        from: &Address,
        person: &str,
    ) -> Result<String, String> {
        let undone = self.take_back(gateway, session, (from, person)).await;
        undone.map_err(|error| format!("{error:#}"))
    }

    async fn forget(&self, sessions: &[SessionId]) {
        for session in sessions {
            let outputs = tokio::fs::remove_dir_all(self.outputs.session_dir(session)).await;
            if let Err(error) = outputs
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!(%session, %error, "outputs of a deleted session stay");
            }
            if let Err(error) = self.checkpoints.forget(session) {
                tracing::warn!(%session, %error, "checkpoints of a deleted session stay");
            }
        }
    }
}

impl Machine {
    async fn take_back(
        &self,
        gateway: &Gateway,
        session: &SessionId,
        whose: (&Address, &str),
    ) -> anyhow::Result<String> {
        let (checkpoints, of) = (Arc::clone(&self.checkpoints), session.clone());
        let (turn, preview) = tokio::task::spawn_blocking(move || {
            let turn = undo::last(&checkpoints, &of, |turn| !turn.undone)?;
            anyhow::Ok((turn, checkpoints.undo_preview(&of, turn)?))
        })
        .await??;
        let report = if preview.restored.is_empty() {
            preview
        } else {
            undo::restore(gateway, &self.checkpoints, session, turn, whose).await?
        };
        let mut told = format!(
            "```\n{}```",
            undo::told(&report, turn, false, self.keep_days)
        );
        for sentence in &report.lost {
            told.push_str("\n\n");
            told.push_str(sentence);
        }
        Ok(told)
    }
}

/// A folder with its links followed, if tools may work in it.
fn usable(folder: &Path, private: &[PathBuf]) -> Result<PathBuf, String> {
    let roots = Roots::new(folder, &[], private).map_err(|error| error.to_string())?;
    let real = roots.working_dir();
    if real.to_str().is_none() {
        return Err(format!(
            "`{}` has a name that is no UTF-8; name another folder",
            folder.display()
        ));
    }
    Ok(real.to_owned())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| error.to_string())?
}

#[cfg(test)]
mod tests;
