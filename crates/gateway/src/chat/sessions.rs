//! Which session a conversation goes on in.
//! Invariant: nobody is shown or given a session of somebody else's, unless they own the place; a group never gets
//! what somebody else said elsewhere.
//! It must not know a session's contents.

use corvid_core::wire::{EventBody, SessionId};
use corvid_core::{Journal as _, draw};
use corvid_store::SessionRow;

use super::report::ago;
use super::{Speaker, Told, code};
use crate::Gateway;
use crate::error::GatewayError;
use crate::inbound::Target;

/// How many sessions are listed.
const LISTED: u32 = 10;
/// How many are looked through for one that begins so.
const SOUGHT: u32 = 1_000;
/// Events read from the journal at once.
const READ_AT_ONCE: u32 = 1_000;

impl Gateway {
    /// `/new`.
    pub(super) async fn begin_new(
        &self,
        said: &Speaker,
        session: Option<&SessionId>,
    ) -> Result<String, GatewayError> {
        let new = draw::session_id();
        self.store
            .bind(&said.origin, &new, self.clock.now())
            .await?;
        let Some(old) = session else {
            return Ok("A new session. What can I do?".to_owned());
        };
        let running = self.state(old).await?.is_some_and(|old| !old.at_rest());
        let rest = if running {
            " What runs there goes on, and its answer comes here."
        } else {
            ""
        };
        let old = code(old.as_str());
        Ok(format!(
            "A new session. The last one is kept: /resume {old} goes back to it.{rest}"
        ))
    }

    /// `/sessions`.
    pub(super) async fn list_sessions(
        &self,
        said: &Speaker,
        session: Option<&SessionId>,
    ) -> Result<String, GatewayError> {
        if !said.is_private() {
            let here =
                session.map_or_else(|| "none yet".to_owned(), |session| code(session.as_str()));
            return Ok(format!(
                "Sessions are listed in a private chat alone. The one here: {here}."
            ));
        }
        let rows = self.visible_sessions(said, LISTED).await?;
        if rows.is_empty() {
            return Ok("There is no session yet. Write something, and one begins.".to_owned());
        }
        let mut lines = Vec::new();
        for row in &rows {
            lines.push(self.session_line(row, session).await?);
        }
        let lines = lines.join("\n");
        Ok(format!(
            "{lines}\n\n`/resume SESSION` goes on with one here."
        ))
    }

    async fn session_line(
        &self,
        row: &SessionRow,
        here: Option<&SessionId>,
    ) -> Result<String, GatewayError> {
        let mut channels: Vec<String> = Vec::new();
        for at in self.store.bound_to(&row.id).await? {
            if !channels.contains(&at.channel) {
                channels.push(at.channel);
            }
        }
        let (id, title) = (code(row.id.as_str()), code(&row.title));
        let when = ago(row.last_at, self.clock.now());
        let mut line = format!("- {id} {title}, {when}");
        if !channels.is_empty() {
            line.push_str(", ");
            line.push_str(&channels.join(", "));
        }
        if here == Some(&row.id) {
            line.push_str(", **here**");
        }
        Ok(line)
    }

    /// The sessions that this person may know of.
    async fn visible_sessions(
        &self,
        said: &Speaker,
        limit: u32,
    ) -> Result<Vec<SessionRow>, GatewayError> {
        Ok(if said.is_owner() {
            self.store.sessions(limit).await?
        } else {
            self.store.sessions_of(&said.person(), limit).await?
        })
    }

    /// `/resume`.
    pub(super) async fn resume(
        &self,
        said: &Speaker,
        here: Option<&SessionId>,
        named: &str,
    ) -> Result<Told, GatewayError> {
        if named.is_empty() {
            return Ok("Use it as `/resume SESSION`; /sessions lists them.".into());
        }
        let wanted = match self.session_named(said, named).await? {
            Ok(row) => row,
            Err(sentence) => return Ok(sentence.into()),
        };
        if here == Some(&wanted.id) {
            return Ok("This conversation is in that session already.".into());
        }
        if !said.is_private() && !self.is_theirs_alone(&wanted.id, said).await? {
            return Ok(
                "Others have spoken in that session elsewhere, so it cannot go on in a group."
                    .into(),
            );
        }
        let now = self.clock.now();
        self.store.bind(&said.origin, &wanted.id, now).await?;
        let (id, title) = (code(wanted.id.as_str()), code(&wanted.title));
        let folder = match self.store.choices(&wanted.id).await?.working_dir {
            Some(folder) => folder,
            None => wanted.working_dir,
        };
        let folder = code(&folder);
        Ok(format!("This conversation goes on in session {id} ({title}), in {folder}.").into())
    }

    /// The session of this name, or the one that begins so, among those that the person may know of. There being none
    /// and their not being let near it is the same.
    async fn session_named(
        &self,
        said: &Speaker,
        named: &str,
    ) -> Result<Result<SessionRow, String>, GatewayError> {
        let named = named.trim_matches('`');
        let none = || {
            let named = code(named);
            Err(format!(
                "There is no session {named}; /sessions lists them."
            ))
        };
        if !Target::is_name(named) {
            return Ok(none());
        }
        let id = SessionId::new(named);
        if let Some(row) = self.store.session(&id).await? {
            let may = said.is_owner() || self.store.spoke_in(&id, &said.person()).await?;
            return Ok(if may { Ok(row) } else { none() });
        }
        let mut rows = self.visible_sessions(said, SOUGHT).await?;
        rows.retain(|row| row.id.as_str().starts_with(named));
        Ok(match rows.len() {
            0 => none(),
            1 => Ok(rows.remove(0)),
            count => {
                let named = code(named);
                Err(format!(
                    "{count} sessions begin with {named}; give more of the name."
                ))
            }
        })
    }

    /// Whether nobody else has spoken in a session, but in this very conversation.
    pub(super) async fn is_theirs_alone(
        &self,
        session: &SessionId,
        said: &Speaker,
    ) -> Result<bool, GatewayError> {
        let person = said.person();
        let mut after = 0;
        loop {
            let events = self.store.read(session, after, READ_AT_ONCE).await?;
            let Some(last) = events.last() else {
                return Ok(true);
            };
            after = last.seq;
            let elsewhere = events.iter().any(|event| match &event.body {
                EventBody::InputAdmitted(input) => {
                    let is_theirs = (&input.origin.channel, &input.requester.id)
                        == (&person.channel, &person.id);
                    !is_theirs && input.origin != said.origin
                }
                _ => false,
            });
            if elsewhere {
                return Ok(false);
            }
        }
    }
}
