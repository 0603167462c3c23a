//! What people choose for a session: its folder, its model.
//! Invariant: a choice holds from the next message on, and only if it could be kept to.
//! It must not know who reads what was chosen.

use corvid_core::draw;
use corvid_core::wire::SessionId;
use corvid_store::Choices;

use super::{Speaker, code};
use crate::Gateway;
use crate::error::GatewayError;
use crate::surroundings::Surroundings;

/// What stands for no choice.
const DEFAULT: &str = "default";

impl Gateway {
    /// `/cd`.
    pub(super) async fn change_folder(
        &self,
        said: &Speaker,
        session: Option<&SessionId>,
        named: &str,
        around: &dyn Surroundings,
    ) -> Result<String, GatewayError> {
        if named.is_empty() {
            return Ok(match self.folder(session).await? {
                Some(folder) => format!("I work in {}. `/cd FOLDER` changes it.", code(&folder)),
                None => "I work in a folder of this conversation's own. `/cd FOLDER` changes it."
                    .to_owned(),
            });
        }
        let folder = match around.check_folder(named).await {
            Ok(folder) => folder.to_string_lossy().into_owned(),
            Err(sentence) => return Ok(sentence),
        };
        let told = format!("From the next message on I work in {}.", code(&folder));
        let chosen = |choices| Choices {
            working_dir: Some(folder),
            ..choices
        };
        self.choose(said, session, chosen).await?;
        Ok(told)
    }

    /// The folder in which a session works; none where it has none yet.
    pub(super) async fn folder(
        &self,
        session: Option<&SessionId>,
    ) -> Result<Option<String>, GatewayError> {
        let Some(session) = session else {
            return Ok(None);
        };
        if let Some(folder) = self.store.choices(session).await?.working_dir {
            return Ok(Some(folder));
        }
        let row = self.store.session(session).await?;
        Ok(row.map(|row| row.working_dir))
    }

    /// `/model`.
    pub(super) async fn change_model(
        &self,
        said: &Speaker,
        session: Option<&SessionId>,
        named: &str,
    ) -> Result<String, GatewayError> {
        let usual = &self.ports.settings.default_model;
        if named.is_empty() {
            let model = self.model(session).await?;
            let model = model.map_or_else(
                || "No model is set up; `agent model` on my machine does that.".to_owned(),
                |model| format!("This session uses {}.", code(&model)),
            );
            return Ok(format!("{model} `/model NAME` changes it here."));
        }
        let model = if named == DEFAULT {
            None
        } else {
            if let Err(error) = self.ports.models.open(named) {
                return Ok(error.message);
            }
            Some(named.to_owned())
        };
        let told = code(model.as_deref().unwrap_or(usual));
        self.choose(said, session, |choices| Choices { model, ..choices })
            .await?;
        Ok(format!("From the next turn on this session uses {told}."))
    }

    /// The model of a session's next turn; none where none is set up.
    pub(super) async fn model(
        &self,
        session: Option<&SessionId>,
    ) -> Result<Option<String>, GatewayError> {
        let chosen = match session {
            Some(session) => self.store.choices(session).await?.model,
            None => None,
        };
        let usual = &self.ports.settings.default_model;
        Ok(chosen.or_else(|| Some(usual.clone()).filter(|usual| !usual.is_empty())))
    }

    /// Chooses something for the session here; one begins if there is none.
    async fn choose(
        &self,
        said: &Speaker,
        session: Option<&SessionId>,
        choose: impl FnOnce(Choices) -> Choices,
    ) -> Result<(), GatewayError> {
        let session = if let Some(session) = session {
            session.clone()
        } else {
            let (new, now) = (draw::session_id(), self.clock.now());
            self.store.bind_new(&said.origin, &new, now).await?
        };
        let choices = choose(self.store.choices(&session).await?);
        Ok(self.store.choose(&session, &choices).await?)
    }
}
