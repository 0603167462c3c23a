//! What was sent along with a message: fetched, put into the working folder, listened to.
//! Invariant: only for who may speak, and at the same place however often it is fetched.
//! It must not know the messenger that has it.

use std::path::{Path, PathBuf};

use corvid_core::wire::Part;
use corvid_core::{Attachment, AttachmentKind, FetchError, Said};

use super::Host;
use crate::error::GatewayError;
use crate::surroundings::Unheard;

/// What came of what was sent along.
pub(super) enum Unpacked {
    /// Parts for the message; none if nothing was sent along.
    Parts(Vec<Part>),
    /// Nothing of it could be taken, and why.
    Nothing(String),
}

impl Host {
    /// Takes what was sent along into the working folder.
    pub(super) async fn unpack(
        &self,
        said: &Said,
        folder: &Path,
    ) -> Result<Unpacked, GatewayError> {
        let mut parts = Vec::new();
        let mut refused = Vec::new();
        for (index, attachment) in said.attachments.iter().enumerate() {
            let key = format!("{}-{index}", said.external_id);
            match self.unpack_one(attachment, &key, folder).await? {
                Ok(taken) => parts.extend(taken),
                Err(why) => refused.push(why),
            }
        }
        if parts.is_empty() && !refused.is_empty() {
            return Ok(Unpacked::Nothing(refused.join(" ")));
        }
        parts.extend(
            refused
                .into_iter()
                .map(|why| Part::text(format!("[{why}]"))),
        );
        Ok(Unpacked::Parts(parts))
    }

    /// Takes one of them; or says, for the person, why not.
    async fn unpack_one(
        &self,
        attachment: &Attachment,
        key: &str,
        folder: &Path,
    ) -> Result<Result<Vec<Part>, String>, GatewayError> {
        let fetched = self.new_file(key).await?;
        let taken = match attachment.source.fetch(&fetched).await {
            Ok(()) => self.take_in(attachment, key, folder, &fetched).await,
            Err(FetchError::Final(why)) => Ok(Err(why)),
            Err(FetchError::Retry(why)) => Err(GatewayError::NotFetched(why)),
        };
        // Where it was moved into the folder it is gone already.
        drop(tokio::fs::remove_file(&fetched).await);
        taken
    }

    async fn take_in(
        &self,
        attachment: &Attachment,
        key: &str,
        folder: &Path,
        fetched: &Path,
    ) -> Result<Result<Vec<Part>, String>, GatewayError> {
        let surroundings = &self.serving.surroundings;
        let mut parts = Vec::new();
        if attachment.kind == AttachmentKind::Voice {
            match surroundings
                .transcribe(fetched, &attachment.media_type)
                .await
            {
                Ok(text) => {
                    return Ok(Ok(vec![Part::text(text)]));
                }
                Err(Unheard::NotSetUp(why)) => return Ok(Err(why)),
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
        Ok(kept.await.map(|path| {
            parts.push(Part::File {
                path,
                media_type: attachment.media_type.clone(),
                bytes,
                image: attachment.kind == AttachmentKind::Image,
            });
            parts
        }))
    }

    /// Where something is fetched to, in Corvid's own folder; nothing is there.
    async fn new_file(&self, key: &str) -> Result<PathBuf, GatewayError> {
        let folder = self.gateway.ports.outputs.root().join("incoming");
        let made = tokio::fs::create_dir_all(&folder).await;
        made.map_err(|error| GatewayError::NotFetched(error.to_string()))?;
        let name = corvid_core::draw::sha256_hex(key.as_bytes());
        let file = folder.join(name);
        drop(tokio::fs::remove_file(&file).await);
        Ok(file)
    }
}
