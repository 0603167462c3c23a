//! Handing a batch in.
//! Invariant: different conversations at once, one conversation in order; whatever is not taken is handed in again.
//! It must not know how a batch came, nor what it confirms.

use std::collections::HashMap;
use std::sync::Arc;

use corvid_core::{Attachment, Inbox, NotTaken, Press, Said, TaskKind};
use futures_util::StreamExt as _;

use super::super::Telegram;
use super::super::decode::{self, Decoded, Heard, Pressed};
use super::super::files::Kept;
use super::pause::pause;

/// How many conversations hand in at once.
const AT_ONCE: usize = 16;

/// Hands in what one bot hears.
pub(super) struct Hand<'a> {
    telegram: &'a Telegram,
    inbox: &'a dyn Inbox,
}

impl<'a> Hand<'a> {
    /// To that inbox.
    pub(super) fn new(telegram: &'a Telegram, inbox: &'a dyn Inbox) -> Self {
        Self { telegram, inbox }
    }

    /// Returns when all of a batch was taken.
    pub(super) async fn batch(&self, batch: Vec<Decoded>) {
        futures_util::stream::iter(lines(batch))
            .for_each_concurrent(AT_ONCE, async |line| {
                for decoded in line {
                    self.until_taken(decoded).await;
                }
            })
            .await;
    }

    async fn until_taken(&self, decoded: Decoded) {
        let mut refusals = 0;
        while let Err(NotTaken(reason)) = self.take(&decoded).await {
            tracing::warn!(reason, "a message was not taken and is handed in again");
            pause(&*self.telegram.clock, refusals).await;
            refusals += 1;
        }
    }

    async fn take(&self, decoded: &Decoded) -> Result<(), NotTaken> {
        match decoded {
            Decoded::Said(heard) => self.inbox.receive(self.said(heard)).await,
            Decoded::Pressed(pressed) => self.press(pressed).await,
            Decoded::Moved { from, to } => {
                let origin = |chat| decode::origin(&self.telegram.account, chat, None);
                self.inbox.moved(&origin(*from), &origin(*to)).await
            }
            Decoded::Standing { .. } | Decoded::Nothing(_) => Ok(()),
        }
    }

    /// Whoever pressed waits for an answer, and the others need not wait for it to arrive.
    async fn press(&self, pressed: &Pressed) -> Result<(), NotTaken> {
        let origin = decode::origin(&self.telegram.account, pressed.chat, pressed.thread);
        let press = Press {
            origin,
            external_id: format!("cb:{}", pressed.callback),
            person: pressed.person.to_string(),
            button: pressed.button.clone(),
        };
        let toast = self.inbox.press(press).await?;
        let api = self.telegram.api.clone();
        let callback = pressed.callback.clone();
        let answer = async move {
            if let Err(fault) = api.answer_press(&callback, &toast).await {
                tracing::debug!(%fault, "a press was not answered");
            }
        };
        let tasks = &self.telegram.tasks;
        drop(tasks.spawn(TaskKind::Service, "telegram press", answer));
        Ok(())
    }

    fn said(&self, heard: &Heard) -> Said {
        let enclosed = heard.enclosed.iter();
        let attachments = enclosed.map(|enclosed| Attachment {
            name: enclosed.name.clone(),
            media_type: enclosed.media_type.clone(),
            kind: enclosed.kind,
            bytes: enclosed.bytes,
            quoted: enclosed.quoted.clone(),
            source: Arc::new(Kept::new(self.telegram.api.clone(), enclosed)),
        });
        Said {
            origin: decode::origin(&self.telegram.account, heard.chat, heard.thread),
            place: heard.place,
            external_id: heard.external_id.clone(),
            edits: heard.edits.clone(),
            person: heard.person.to_string(),
            name: heard.name.clone(),
            parts: heard.parts.clone(),
            attachments: attachments.collect(),
            together: heard.together.clone(),
            at: heard.at,
        }
    }
}

/// What happens in one conversation, or in two of which one became the other, in its order.
fn lines(batch: Vec<Decoded>) -> Vec<Vec<Decoded>> {
    let moves: HashMap<i64, i64> = batch.iter().filter_map(moved).collect();
    let mut places: HashMap<i64, usize> = HashMap::new();
    let mut lines: Vec<Vec<Decoded>> = Vec::new();
    for decoded in batch {
        let Some(chat) = chat(&decoded) else { continue };
        let chat = moves.get(&chat).copied().unwrap_or(chat);
        let place = *places.entry(chat).or_insert(lines.len());
        if place == lines.len() {
            lines.push(Vec::new());
        }
        if let Some(line) = lines.get_mut(place) {
            line.push(decoded);
        }
    }
    lines
}

fn moved(decoded: &Decoded) -> Option<(i64, i64)> {
    match decoded {
        Decoded::Moved { from, to } => Some((*from, *to)),
        Decoded::Said(_) | Decoded::Pressed(_) | Decoded::Standing { .. } | Decoded::Nothing(_) => {
            None
        }
    }
}

fn chat(decoded: &Decoded) -> Option<i64> {
    match decoded {
        Decoded::Said(heard) => Some(heard.chat),
        Decoded::Pressed(pressed) => Some(pressed.chat),
        Decoded::Moved { to, .. } => Some(*to),
        Decoded::Standing { .. } | Decoded::Nothing(_) => None,
    }
}
