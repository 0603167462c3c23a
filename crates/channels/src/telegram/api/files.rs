//! Files to and from Telegram.
//! Invariant: a file is streamed, never held; what was not fetched whole is not left behind.
//! It must not know what a file is.

use std::io;
use std::path::Path;

use reqwest::multipart::{Form, Part};
use teloxide_core::payloads::GetFile;
use teloxide_core::types::{FileId, MessageId};
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt as _;

use super::Api;
use super::fault::Fault;
use super::outgoing::Document;
use super::transport::{Answered, unreachable};

/// Why a file was not fetched.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum DownloadError {
    /// Telegram did not give it.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// It is larger than was allowed.
    #[error("it is larger than {0} bytes")]
    TooLarge(u64),
    /// It cannot be kept.
    #[error("it cannot be kept: {0}")]
    Kept(#[from] io::Error),
}

impl Api {
    /// Where a file can be had for an hour; for [`Api::download`].
    pub(in super::super) async fn file(&self, id: &str) -> Answered<String> {
        let payload = GetFile::new(FileId(id.to_owned()));
        let file: teloxide_core::types::File = self.transport.call(&payload).await?;
        Ok(file.path)
    }

    /// Writes what [`Api::file`] told of to a new file of at most `limit` bytes.
    ///
    /// # Errors
    /// See [`DownloadError`]; nothing is left of the file then.
    pub(in super::super) async fn download(
        &self,
        path: &str,
        into: &Path,
        limit: u64,
    ) -> Result<(), DownloadError> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(into)
            .await?;
        let done = self.stream(path, &mut file, limit).await;
        drop(file);
        if done.is_err() {
            tokio::fs::remove_file(into).await?;
        }
        done
    }

    async fn stream(&self, path: &str, file: &mut File, limit: u64) -> Result<(), DownloadError> {
        let mut response = self.transport.download(path).await?;
        let status = response.status();
        if !status.is_success() {
            let reason = format!("Telegram answers {status} for the file");
            return Err(DownloadError::Fault(if status.is_client_error() {
                Fault::Refused(reason)
            } else {
                Fault::Unreachable(reason)
            }));
        }
        let mut left = limit;
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            left = u64::try_from(chunk.len())
                .ok()
                .and_then(|length| left.checked_sub(length))
                .ok_or(DownloadError::TooLarge(limit))?;
            file.write_all(&chunk).await?;
        }
        file.flush().await?;
        Ok(())
    }

    /// Sends a file, which people see under the document's name.
    pub(in super::super) async fn send_document(
        &self,
        document: &Document<'_>,
    ) -> Answered<MessageId> {
        let cannot_be_read =
            |error: io::Error| Fault::Refused(format!("the file cannot be read: {error}"));
        let file = File::open(document.path).await.map_err(cannot_be_read)?;
        let length = file.metadata().await.map_err(cannot_be_read)?.len();
        let part = Part::stream_with_length(file, length).file_name(document.name.to_owned());
        let mut form = Form::new()
            .text("chat_id", document.chat.to_string())
            .text("disable_notification", document.silent.to_string())
            .part("document", part);
        if let Some(thread) = document.thread {
            form = form.text("message_thread_id", thread.to_string());
        }
        if !document.caption.is_empty() {
            form = form.text("caption", document.caption.to_owned());
        }
        self.transport.upload("sendDocument", form).await
    }
}
