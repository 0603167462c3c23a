//! Taking what messengers hand in: who speaks, what it is, and its admission.
//! Invariant: whatever is acknowledged is in the journal or in the outbox, or was refused for good; the same message is
//! admitted once, however often it is handed in.
//! It must not know how a messenger spells anything.

use std::sync::Arc;

use async_trait::async_trait;
use corvid_core::faults::{crash_point, defect};
use corvid_core::wire::{Address, Admission, Flags, InputId, Mode, Part, Requester, SessionId};
use corvid_core::{
    Append, AppendError, Condition, Fence, Inbox, Journal as _, NotTaken, Place, Press, Said, draw,
};
use corvid_store::Post;

use super::Host;
use super::luggage::Unpacked;
use crate::chat::{self, Act, Speaker};
use crate::error::GatewayError;
use crate::inbound::admitting;

/// The daemon's inbox.
pub(super) struct Reception(pub(super) Arc<Host>);

#[async_trait]
impl Inbox for Reception {
    async fn receive(&self, said: Said) -> Result<(), NotTaken> {
        self.0.still_takes()?;
        let (origin, id) = (said.origin.clone(), said.external_id.clone());
        match self.0.receive(said).await {
            Ok(()) => Ok(()),
            Err(error) if error.may_pass() => Err(not_taken(error)),
            Err(error) => {
                // It would fail the same way each time, and keep all that comes after it waiting.
                tracing::error!(%error, "a message was not taken");
                let text = format!("I could not take that message: {error}.");
                let told = self.0.notify(&origin, &id, text).await;
                told.map_err(not_taken)
            }
        }
    }

    async fn press(&self, press: Press) -> Result<String, NotTaken> {
        self.0.still_takes()?;
        match self.0.press(press).await {
            Err(error) if !error.may_pass() => {
                tracing::error!(%error, "a press was not taken");
                Ok("That did not work; the log says why.".to_owned())
            }
            pressed => pressed.map_err(not_taken),
        }
    }

    async fn moved(&self, from: &Address, to: &Address) -> Result<(), NotTaken> {
        let store = &self.0.gateway.store;
        let moved = store.move_conversation(from, to).await;
        moved.map_err(|error| not_taken(error.into()))
    }

    fn report(&self, channel: &str, account: &str, condition: Condition) {
        self.0.listening.report(channel, account, condition);
    }
}

/// What a person wants admitted.
struct Wanted {
    /// Under which id.
    external_id: String,
    /// What is said.
    parts: Vec<Part>,
    mode: Mode,
    together: Option<String>,
    /// The external id of the message that it corrects.
    edits: Option<String>,
}

impl Host {
    fn still_takes(&self) -> Result<(), NotTaken> {
        if self.closing.is_cancelled() {
            return Err(NotTaken("the daemon is about to stop".to_owned()));
        }
        Ok(())
    }

    async fn receive(self: &Arc<Self>, said: Said) -> Result<(), GatewayError> {
        if said.place == (Place::Group { addressed: false }) {
            return Ok(());
        }
        let gateway = &self.gateway;
        let Some(requester) = gateway.known(&said.origin, &said.person).await? else {
            return self.told(gateway.meet(&said).await);
        };
        if !gateway.may_be_used_in(&said.origin, said.place).await? {
            return self.told(gateway.decline_group(&said, &requester).await);
        }
        gateway.store.revive_conversation(&said.origin).await?;
        let mut wanted = Wanted {
            external_id: said.external_id.clone(),
            parts: said.parts.clone(),
            mode: Mode::Steer,
            together: said.together.clone(),
            edits: said.edits.clone(),
        };
        let mut own = said.parts.iter().map(Part::own_words);
        if let Some(line) = own.find_map(chat::parse) {
            let act = if said.edits.is_none() {
                let speaker = Speaker::of(&said, requester.clone());
                let around = self.serving.surroundings.as_ref();
                gateway.command(&line, &speaker, around).await?
            } else {
                match chat::edited(&line) {
                    Ok(act) => act,
                    Err(why) => return self.notify(&said.origin, &said.external_id, why).await,
                }
            };
            self.outbox.nudge();
            match act {
                Act::Done => return Ok(()),
                Act::Wake(session) => {
                    self.attend(&session);
                    return Ok(());
                }
                Act::Admit { text, mode } => {
                    wanted.parts.retain(|part| part.own_words().is_empty());
                    wanted.parts.insert(0, Part::text(text));
                    wanted.mode = mode;
                    wanted.together = None;
                }
            }
        }
        self.admit_said(&said, requester, wanted).await
    }

    async fn press(self: &Arc<Self>, press: Press) -> Result<String, GatewayError> {
        let gateway = &self.gateway;
        crash_point("press.before_commit");
        let pressed = gateway.pressed(&press).await?;
        crash_point("press.after_commit");
        match pressed.act {
            Act::Done => {}
            Act::Wake(session) => self.attend(&session),
            Act::Admit { text, mode } => {
                let wanted = Wanted {
                    external_id: press.external_id.clone(),
                    parts: vec![Part::text(text)],
                    mode,
                    together: None,
                    edits: None,
                };
                if let Some(requester) = gateway.known(&press.origin, &press.person).await? {
                    let session = self.session_of(&press.origin).await?;
                    self.admit(&press.origin, &session, requester, wanted)
                        .await?;
                }
            }
        }
        self.outbox.nudge();
        Ok(pressed.toast)
    }

    /// Admits a message with what was sent along.
    async fn admit_said(
        self: &Arc<Self>,
        said: &Said,
        requester: Requester,
        mut wanted: Wanted,
    ) -> Result<(), GatewayError> {
        let store = &self.gateway.store;
        let origin = &said.origin;
        let known = store.input(&origin.channel, &origin.account, &wanted.external_id);
        if let Some(input) = known.await? {
            // Nothing is fetched twice; only the worker may be missing.
            self.attend(&input.session);
            return Ok(());
        }
        let session = self.session_of(origin).await?;
        let folder = self.folder_of(&session).await?;
        match self.unpack(said, &folder).await {
            Unpacked::Parts(parts) => wanted.parts.extend(parts),
            Unpacked::Nothing(why) => {
                if wanted
                    .parts
                    .iter()
                    .all(|part| part.said().trim().is_empty())
                {
                    return self.notify(origin, &wanted.external_id, why).await;
                }
                wanted.parts.push(Part::text(format!("[{why}]")));
            }
        }
        self.admit(origin, &session, requester, wanted).await
    }

    async fn admit(
        self: &Arc<Self>,
        origin: &Address,
        session: &SessionId,
        requester: Requester,
        wanted: Wanted,
    ) -> Result<(), GatewayError> {
        let store = &self.gateway.store;
        let choices = store.choices(session).await?;
        let folder = self.folder_of(session).await?;
        let admission = Admission {
            input: draw::input_id(),
            origin: origin.clone(),
            external_id: if defect("drop-update-key") {
                draw::input_id().to_string()
            } else {
                wanted.external_id
            },
            zone: self.zone_of(origin, &requester).await?,
            requester,
            parts: wanted.parts,
            mode: wanted.mode,
            working_dir: folder.to_string_lossy().into_owned(),
            flags: Flags {
                model: choices.model,
                ..Flags::default()
            },
            job: None,
            replaces: self.corrected(origin, session, wanted.edits).await?,
            together: wanted.together,
        };
        let gathers = admission.together.is_some();
        let session = self.append(session, &admission).await?;
        if gathers {
            self.attend_gathering(&session);
        } else {
            self.attend(&session);
        }
        Ok(())
    }

    /// Puts an admission into the journal, once; yields the session that has it.
    async fn append(
        &self,
        session: &SessionId,
        admission: &Admission,
    ) -> Result<SessionId, GatewayError> {
        let gateway = &self.gateway;
        gateway.store.hold()?;
        loop {
            let row = gateway.store.session(session).await?;
            let mut events = admitting(admission, row.map_or(0, |row| row.head));
            for event in &mut events {
                gateway.ports.redactor.event(event);
            }
            let append = Append {
                session: session.clone(),
                fence: Fence::Open,
                at: gateway.clock.now(),
                events,
            };
            crash_point("inbox.before_commit");
            let appended = gateway.store.append(append).await;
            crash_point("inbox.after_commit");
            match appended {
                Ok(_) => return Ok(session.clone()),
                Err(AppendError::AlreadyAdmitted { session, .. }) => return Ok(session),
                // Somebody opened the session meanwhile.
                Err(AppendError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The session of a conversation; a new one where there is none.
    async fn session_of(&self, origin: &Address) -> Result<SessionId, GatewayError> {
        let store = &self.gateway.store;
        if let Some(session) = store.binding(origin).await? {
            return Ok(session);
        }
        let now = self.gateway.clock.now();
        Ok(store.bind_new(origin, &draw::session_id(), now).await?)
    }

    async fn folder_of(&self, session: &SessionId) -> Result<std::path::PathBuf, GatewayError> {
        let choices = self.gateway.store.choices(session).await?;
        if let Some(folder) = choices.working_dir {
            return Ok(folder.into());
        }
        let folder = self.serving.surroundings.session_folder(session).await;
        folder.map_err(GatewayError::Folder)
    }

    /// The input that an edit corrects, if it is in this session.
    async fn corrected(
        &self,
        origin: &Address,
        session: &SessionId,
        edits: Option<String>,
    ) -> Result<Option<InputId>, GatewayError> {
        let Some(external_id) = edits else {
            return Ok(None);
        };
        let store = &self.gateway.store;
        let original = store.input(&origin.channel, &origin.account, &external_id);
        let original = original.await?;
        let same = original.filter(|original| original.session == *session);
        Ok(same.map(|original| original.input))
    }

    async fn zone_of(
        &self,
        origin: &Address,
        requester: &Requester,
    ) -> Result<Option<String>, GatewayError> {
        let zone = self.gateway.zone(&origin.channel, &requester.id).await?;
        Ok(zone.or_else(|| self.serving.zone.clone()))
    }

    /// Tells a conversation something that no turn says, once for each message.
    async fn notify(
        &self,
        to: &Address,
        external_id: &str,
        text: String,
    ) -> Result<(), GatewayError> {
        let post = Post {
            key: format!("said {} {} {external_id}", to.channel, to.account),
            to: to.clone(),
            text,
            file: None,
            at: self.gateway.clock.now(),
        };
        self.gateway.store.post(&post).await?;
        self.outbox.nudge();
        Ok(())
    }

    /// What was posted is to go out.
    fn told(&self, posted: Result<(), GatewayError>) -> Result<(), GatewayError> {
        self.outbox.nudge();
        posted
    }
}

/// What the messenger is to hand in again. The sentence is for the log.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what `map_err` hands over"
)]
fn not_taken(error: GatewayError) -> NotTaken {
    NotTaken(error.to_string())
}
