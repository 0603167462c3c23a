//! What calls send into conversations beside the reply: kept as notices of the outbox, with a copy of each file.
//! Invariant: the copy is whole and on disk before the notice that names it, and the same call is one notice, however
//! often it runs.
//! It must not know how a messenger sends a file, nor where in the working folder it was.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use async_trait::async_trait;
use corvid_core::redact::Redactor;
use corvid_core::wire::{DeliveryId, Millis};
use corvid_core::{Clock, Content, FileToSend, Messenger, Outputs, Posts, Sent, draw};
use corvid_store::{Post, PostFile, Store};

use crate::access::Access;
use crate::error::GatewayError;
use crate::lanes::Lanes;

/// How old a copy must be before it can be one that a dead process left, in milliseconds: a day. A younger one may
/// belong to a call that is about to post it.
const LEFT_MS: Millis = 24 * 3_600_000;

/// Takes what the calls of this process send.
pub(crate) struct PostDesk {
    /// The store.
    pub(crate) store: Store,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Below which copies are kept.
    pub(crate) outputs: Outputs,
    /// Hides what must not be sent.
    pub(crate) redactor: Arc<Redactor>,
    /// Knows who delivers in this process.
    pub(crate) lanes: Lanes,
}

#[async_trait]
impl Posts for PostDesk {
    async fn send_file(&self, file: FileToSend) -> Result<Sent, String> {
        if Access::is_local(&file.to) {
            return Ok(Sent::SeenThere);
        }
        let FileToSend {
            key,
            to,
            file,
            name,
            caption,
        } = file;
        let key = format!("call {key}");
        let copy = self.keep(file, &key).await?;
        let post = Post {
            key,
            to,
            text: self.redactor.text(&caption).into_owned(),
            file: Some(PostFile {
                path: copy.clone(),
                name: self.redactor.text(&name).into_owned(),
            }),
            at: self.clock.now(),
        };
        let posted = self.post(&post, &copy).await;
        posted.map_err(|error| format!("the file could not be kept until it is sent: {error}"))?;
        if let Some(host) = self.lanes.host() {
            host.look_around();
        }
        Ok(Sent::OnItsWay)
    }
}

impl PostDesk {
    /// Posts a file, unless an earlier run of the call has.
    async fn post(&self, post: &Post, copy: &Path) -> Result<(), GatewayError> {
        let (id, new) = self.store.post(post).await?;
        if !new && !self.is_open(post, &id).await? {
            // It has been sent or given up, and with it the copy that it named.
            drop(tokio::fs::remove_file(copy).await);
        }
        Ok(())
    }

    async fn is_open(&self, post: &Post, id: &DeliveryId) -> Result<bool, GatewayError> {
        let to = &post.to;
        let open = self.store.open_outbox(&to.channel, &to.account).await?;
        Ok(open.iter().any(|row| row.delivery.id == *id))
    }

    /// Makes Corvid's own copy of a file, at the place that the notice's key has. One that is there already stays: the
    /// notice may name it.
    async fn keep(&self, file: File, key: &str) -> Result<PathBuf, String> {
        let folder = self.outputs.outgoing();
        let place = folder.join(draw::sha256_hex(key.as_bytes()));
        let copy = place.clone();
        let copied = tokio::task::spawn_blocking(move || copy_once(file, &folder, &place));
        let copied = copied.await.map_err(|error| error.to_string())?;
        match copied {
            Ok(()) => Ok(copy),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Err(format!(
                "the file is larger than {} MB, the most that can be sent",
                FileToSend::MAX_BYTES / 1_000_000
            )),
            Err(error) => Err(format!("the file could not be copied: {error}")),
        }
    }

    /// Removes old copies that no open delivery of these messengers names: their process died before it posted them.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn tidy(&self, messengers: &[Arc<dyn Messenger>]) -> Result<(), GatewayError> {
        let folder = self.outputs.outgoing();
        let before = self.clock.now().saturating_sub(LEFT_MS);
        let looked = tokio::task::spawn_blocking(move || old_files(&folder, before)).await;
        let old = looked.unwrap_or_default();
        if old.is_empty() {
            return Ok(());
        }
        let mut named = HashSet::new();
        for messenger in messengers {
            let open = self
                .store
                .open_outbox(messenger.name(), messenger.account());
            named.extend(
                open.await?
                    .into_iter()
                    .filter_map(|row| match row.delivery.content {
                        Content::File { path, .. } => Some(path),
                        Content::Reply(_) | Content::Notice => None,
                    }),
            );
        }
        for file in old {
            if !named.contains(&file) {
                drop(tokio::fs::remove_file(&file).await);
            }
        }
        Ok(())
    }
}

/// Copies a file so that a crash leaves the whole copy or none. Blocks.
fn copy_once(file: File, folder: &Path, place: &Path) -> io::Result<()> {
    if place.exists() {
        return Ok(());
    }
    let mut made = fs::DirBuilder::new();
    made.recursive(true).mode(0o700).create(folder)?;
    let part = place.with_extension("part");
    let whole = copy_bounded(file, &part).and_then(|()| fs::rename(&part, place));
    if whole.is_err() {
        drop(fs::remove_file(&part));
    }
    whole?;
    File::open(folder)?.sync_all()
}

fn copy_bounded(file: File, part: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut copy = options.open(part)?;
    let copied = io::copy(&mut file.take(FileToSend::MAX_BYTES + 1), &mut copy)?;
    if copied > FileToSend::MAX_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    copy.sync_all()
}

/// The files in a folder that were last written before a time; none if the folder cannot be read. Blocks.
fn old_files(folder: &Path, before: Millis) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_old = |entry: &fs::DirEntry| {
        let written = entry.metadata().and_then(|file| file.modified()).ok()?;
        let written = written.duration_since(UNIX_EPOCH).ok()?.as_millis();
        Some(Millis::try_from(written).ok()? < before)
    };
    entries
        .filter(|entry| is_old(entry) == Some(true))
        .map(|entry| entry.path())
        .collect()
}

#[cfg(test)]
mod tests;
