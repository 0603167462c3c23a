//! What was sent along with a message: fetched, put into the working folder, listened to.
//! Invariant: only for who may speak, and at the same place however often it is fetched.
//! It must not know the messenger that has it.

use std::io;
use std::path::{Path, PathBuf};

use corvid_core::wire::{Millis, Part};
use corvid_core::{Attachment, AttachmentKind, FetchError, Said};

use super::Host;
use crate::surroundings::Unheard;

/// How long to wait before fetching something again, in milliseconds.
const FETCH_PAUSES_MS: [Millis; 2] = [1_000, 3_000];
/// After how long it is not fetched again, in milliseconds: nobody else's messages are taken meanwhile.
const FETCH_MS: Millis = 15_000;

/// What came of what was sent along.
pub(super) enum Unpacked {
    /// Parts for the message; none if nothing was sent along.
    Parts(Vec<Part>),
    /// Nothing of it could be taken, and why.
    Nothing(String),
}

impl Host {
    /// Takes what was sent along into the working folder.
    pub(super) async fn unpack(&self, said: &Said, folder: &Path) -> Unpacked {
        let mut parts = Vec::new();
        let mut refused = Vec::new();
        for (index, attachment) in said.attachments.iter().enumerate() {
            let key = format!("{}-{index}", said.external_id);
            match self.unpack_one(attachment, &key, folder).await {
                Ok(taken) => parts.extend(taken),
                Err(why) => refused.push(why),
            }
        }
        if parts.is_empty() && !refused.is_empty() {
            return Unpacked::Nothing(refused.join(" "));
        }
        parts.extend(
            refused
                .into_iter()
                .map(|why| Part::text(format!("[{why}]"))),
        );
        Unpacked::Parts(parts)
    }

    /// Takes one of them; or says, for the person, why not.
    async fn unpack_one(
        &self,
        attachment: &Attachment,
        key: &str,
        folder: &Path,
    ) -> Result<Vec<Part>, String> {
        let fetched = match self.new_file(key).await {
            Ok(fetched) => fetched,
            Err(error) => return Err(format!("A file could not be taken: {error}.")),
        };
        let taken = match self.fetch(attachment, &fetched).await {
            Ok(()) => self.take_in(attachment, key, folder, &fetched).await,
            Err(why) => Err(why),
        };
        // Where it was moved into the folder it is gone already.
        drop(tokio::fs::remove_file(&fetched).await);
        taken
    }

    /// Fetches one of them, trying again where that may help: but not so long that it keeps everybody else's
    /// messages from being taken.
    async fn fetch(&self, attachment: &Attachment, into: &Path) -> Result<(), String> {
        let clock = &self.gateway.clock;
        let mut pauses = FETCH_PAUSES_MS.iter();
        let until = clock.now().saturating_add(FETCH_MS);
        loop {
            let why = match attachment.source.fetch(into).await {
                Ok(()) => return Ok(()),
                Err(FetchError::Final(why)) => return Err(why),
                Err(FetchError::Retry(why)) => why,
            };
            drop(tokio::fs::remove_file(into).await);
            let Some(pause) = pauses.next().filter(|_| clock.now() < until) else {
                return Err(format!(
                    "A file could not be fetched ({why}); send it again."
                ));
            };
            clock.sleep_until(clock.now().saturating_add(*pause)).await;
        }
    }

    async fn take_in(
        &self,
        attachment: &Attachment,
        key: &str,
        folder: &Path,
        fetched: &Path,
    ) -> Result<Vec<Part>, String> {
        let surroundings = &self.serving.surroundings;
        let mut parts = Vec::new();
        if attachment.kind == AttachmentKind::Voice {
            match surroundings
                .transcribe(fetched, &attachment.media_type)
                .await
            {
                Ok(text) => {
                    return Ok(vec![spoken(attachment, text)]);
                }
                Err(Unheard::NotSetUp(why)) => return Err(why),
                Err(Unheard::Failed(why)) => {
                    parts.push(Part::text(format!(
                        "[A voice message was not understood: {why}]"
                    )));
                }
            }
        }
        let bytes = tokio::fs::metadata(fetched)
            .await
            .map_or(0, |file| file.len());
        let kept = surroundings.keep_file(folder, key, &attachment.name, fetched);
        kept.await.map(|path| {
            parts.push(Part::File {
                path,
                media_type: attachment.media_type.clone(),
                bytes,
                image: attachment.kind == AttachmentKind::Image,
            });
            parts
        })
    }

    /// Where something is fetched to, in Corvid's own folder; nothing is there.
    async fn new_file(&self, key: &str) -> io::Result<PathBuf> {
        let folder = self.gateway.ports.outputs.root().join(".incoming");
        tokio::fs::create_dir_all(&folder).await?;
        let name = corvid_core::draw::sha256_hex(key.as_bytes());
        let file = folder.join(name);
        drop(tokio::fs::remove_file(&file).await);
        Ok(file)
    }
}

/// What was heard in a recording: its sender's own words, or those of somebody else, which are data.
fn spoken(attachment: &Attachment, text: String) -> Part {
    match attachment.quoted.clone() {
        Some((form, by)) => Part::Quote { form, by, text },
        None => Part::Text { text },
    }
}
