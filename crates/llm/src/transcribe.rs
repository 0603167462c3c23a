//! Listening: a recording goes to an endpoint that speaks OpenAI's `/audio/transcriptions`, and its words come back.
//! Invariant: the key goes to that address and to no other; no redirect is followed; all waiting goes by `Clock`.
//! It must not know who has spoken, nor what becomes of the words.

use std::path::Path;
use std::sync::Arc;

use corvid_core::{Clock, ModelError, Secret};
use reqwest::Response;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::multipart::{Form, Part};
use serde::Deserialize;

use crate::client::{Clients, root_cause};
use crate::fault::{final_error, read_complaint, transient};

/// How long a transcription may take, in milliseconds: some times as long as the longest voice message needs.
const LIMIT_MS: i64 = 120_000;

/// How often a busy or failing endpoint is asked, and how long to wait in between, in milliseconds.
const ATTEMPTS: u32 = 3;
const PAUSE_MS: i64 = 1_000;

/// Bytes of an answer that are read.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// Characters of a complaint that are told.
const LONGEST_COMPLAINT: usize = 300;

/// What stands in place of the key in what the endpoint says.
const KEY: &str = "[key]";

/// An endpoint that transcribes. Nothing is connected before the first recording.
pub struct Transcriber {
    url: Url,
    model: String,
    key: Option<Secret>,
    clock: Arc<dyn Clock>,
    clients: Clients,
}

/// What the endpoint answers.
#[derive(Deserialize)]
struct Transcript {
    text: String,
}

/// Whether another attempt may help.
enum Failed {
    Perhaps(ModelError),
    Surely(ModelError),
}

impl Transcriber {
    /// The endpoint at `base_url`, which is the address up to and without `/audio/transcriptions`.
    ///
    /// # Errors
    /// A final one, with the setting, if that is no address.
    pub fn new(
        base_url: &str,
        model: impl Into<String>,
        key: Option<Secret>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ModelError> {
        let invalid = || {
            final_error(format!(
                "`transcription.url` is `{base_url}`, which is no address; give one such as https://host/v1"
            ))
        };
        let mut url = Url::parse(base_url.trim()).map_err(|_| invalid())?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(invalid());
        }
        let path = format!("{}/audio/transcriptions", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Ok(Self {
            url,
            model: model.into(),
            key: key.filter(|key| !key.expose().trim().is_empty()),
            clock,
            clients: Clients::default(),
        })
    }

    /// What is said in a recording of that media type.
    ///
    /// # Errors
    /// One sentence: it cannot be read, or the endpoint refuses, fails, or says nothing for too long.
    pub async fn transcribe(
        &self,
        recording: &Path,
        media_type: &str,
    ) -> Result<String, ModelError> {
        let sound = tokio::fs::read(recording).await;
        let sound =
            sound.map_err(|error| final_error(format!("the recording cannot be read: {error}")))?;
        let due = self.clock.now().saturating_add(LIMIT_MS);
        tokio::select! {
            biased;
            text = self.ask(&sound, media_type) => text,
            () = self.clock.sleep_until(due) => Err(transient(format!(
                "{} took longer than {} s to transcribe it", self.host(), LIMIT_MS / 1_000
            ))),
        }
    }

    async fn ask(&self, sound: &[u8], media_type: &str) -> Result<String, ModelError> {
        let mut made = 1;
        loop {
            match self.attempt(sound.to_vec(), media_type).await {
                Ok(text) => return Ok(text),
                Err(Failed::Perhaps(error)) if made < ATTEMPTS => {
                    tracing::debug!(attempt = made, %error, "a transcription failed");
                    let until = self.clock.now().saturating_add(PAUSE_MS);
                    self.clock.sleep_until(until).await;
                    made += 1;
                }
                Err(Failed::Perhaps(error) | Failed::Surely(error)) => return Err(error),
            }
        }
    }

    async fn attempt(&self, sound: Vec<u8>, media_type: &str) -> Result<String, Failed> {
        let part = Part::bytes(sound).file_name(format!("recording.{}", ending(media_type)));
        let form = Form::new()
            .text("model", self.model.clone())
            .text("response_format", "json")
            .part("file", part);
        let client = self.clients.of(&self.url).map_err(Failed::Surely)?;
        let mut request = client.post(self.url.clone()).multipart(form);
        if let Some(authorization) = self.authorization().map_err(Failed::Surely)? {
            request = request.header(AUTHORIZATION, authorization);
        }
        let response = request.send().await.map_err(|error| {
            Failed::Perhaps(transient(format!(
                "{} cannot be reached: {}; check the network and `transcription.url`",
                self.host(),
                root_cause(&error.without_url())
            )))
        })?;
        let status = response.status().as_u16();
        let body = read(response).await;
        let body = String::from_utf8_lossy(&body);
        if status != 200 {
            return Err(self.refused(status, &body));
        }
        let answer: Result<Transcript, _> = serde_json::from_str(&body);
        let answer = answer.map_err(|_| {
            Failed::Surely(final_error(format!(
                "{} did not answer as a transcribing endpoint does; check `transcription.url`",
                self.host()
            )))
        })?;
        let text = answer.text.trim();
        if text.is_empty() {
            let nothing = "nothing is said in it that could be understood".to_owned();
            return Err(Failed::Surely(final_error(nothing)));
        }
        Ok(text.to_owned())
    }

    fn refused(&self, status: u16, body: &str) -> Failed {
        let complaint = read_complaint(body);
        let said = self.scrubbed(&complaint.message);
        let host = self.host();
        match status {
            429 | 500..=599 => {
                Failed::Perhaps(transient(format!("{host} fails ({status}): {said}")))
            }
            401 | 403 => Failed::Surely(final_error(format!(
                "{host} refuses the key ({status}): {said}; check `transcription.key_env`"
            ))),
            _ => Failed::Surely(final_error(format!("{host} refuses it ({status}): {said}"))),
        }
    }

    fn authorization(&self) -> Result<Option<HeaderValue>, ModelError> {
        let Some(key) = &self.key else {
            return Ok(None);
        };
        let value = HeaderValue::from_str(&format!("Bearer {}", key.expose().trim()));
        let mut value = value.map_err(|_| {
            final_error(
                "the variable that `transcription.key_env` names holds something that cannot be sent as a key"
                    .to_owned(),
            )
        })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// What the endpoint says, without the key that it may repeat.
    fn scrubbed(&self, said: &str) -> String {
        let scrubbed = match &self.key {
            Some(key) => said.replace(key.expose().trim(), KEY),
            None => said.to_owned(),
        };
        scrubbed.chars().take(LONGEST_COMPLAINT).collect()
    }

    fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }
}

/// The ending by which endpoints know a recording's form; messengers speak in Ogg.
fn ending(media_type: &str) -> &'static str {
    let plain = media_type.split(';').next().unwrap_or_default().trim();
    match plain {
        "audio/mpeg" | "audio/mp3" => "mp3",
        "audio/mp4" | "audio/m4a" | "audio/x-m4a" | "audio/aac" => "m4a",
        "audio/wav" | "audio/x-wav" => "wav",
        "audio/webm" | "video/webm" => "webm",
        "audio/flac" | "audio/x-flac" => "flac",
        "video/mp4" => "mp4",
        _ => "ogg",
    }
}

/// As much of a body as is looked at.
async fn read(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        let left = LONGEST_ANSWER - body.len();
        body.extend_from_slice(&piece[..piece.len().min(left)]);
        if body.len() == LONGEST_ANSWER {
            break;
        }
    }
    body
}
