//! Fetching what was sent along with a message.
//! Invariant: what bots cannot have is said before anything is fetched, in words for the person who sent it.
//! It must not know where the file goes, nor who may send one.

use std::path::Path;

use async_trait::async_trait;
use corvid_core::{Fetch, FetchError};

use super::api::{Api, DownloadError, Fault};
use super::decode::Enclosed;
use crate::inert_line;

/// The largest file that Telegram lets a bot fetch, in bytes.
pub(super) const DOWNLOAD_LIMIT: u64 = 20 << 20;

/// A file that Telegram keeps.
pub(super) struct Kept {
    api: Api,
    file: String,
    name: String,
    bytes: Option<u64>,
}

impl Kept {
    /// What was sent along.
    pub(super) fn new(api: Api, enclosed: &Enclosed) -> Self {
        Self {
            api,
            file: enclosed.file.clone(),
            name: inert_line(&enclosed.name),
            bytes: enclosed.bytes,
        }
    }

    fn too_large(&self) -> FetchError {
        let size = self.bytes.map_or_else(String::new, |bytes| {
            format!(" of {} MB", bytes.div_ceil(1 << 20))
        });
        FetchError::Final(format!(
            "`{}`{size} is too large: Telegram lets bots fetch at most {} MB",
            self.name,
            DOWNLOAD_LIMIT >> 20
        ))
    }

    fn failed(&self, error: DownloadError) -> FetchError {
        match error {
            DownloadError::TooLarge(_) | DownloadError::Fault(Fault::TooLong(_)) => {
                self.too_large()
            }
            DownloadError::Fault(
                fault @ (Fault::Refused(_)
                | Fault::Blocked(_)
                | Fault::MessageGone(_)
                | Fault::Unparsed(_)
                | Fault::Moved(_)
                | Fault::NotModified),
            ) => FetchError::Final(format!("`{}` cannot be fetched: {fault}", self.name)),
            DownloadError::Fault(
                fault @ (Fault::Wait { .. }
                | Fault::Unreachable(_)
                | Fault::Unauthorized
                | Fault::Conflict),
            ) => FetchError::Retry(format!("`{}` is not fetched yet: {fault}", self.name)),
            DownloadError::Kept(error) => {
                FetchError::Retry(format!("`{}` cannot be kept: {error}", self.name))
            }
        }
    }
}

#[async_trait]
impl Fetch for Kept {
    async fn fetch(&self, into: &Path) -> Result<(), FetchError> {
        if self.bytes.is_some_and(|bytes| bytes > DOWNLOAD_LIMIT) {
            return Err(self.too_large());
        }
        let path = self.api.file(&self.file).await;
        let path = path.map_err(|fault| self.failed(fault.into()))?;
        let fetched = self.api.download(&path, into, DOWNLOAD_LIMIT).await;
        fetched.map_err(|error| self.failed(error))
    }
}
