//! Requests to providers: time-outs, and retries before the first byte.
//! Invariant: only before the first byte is a request made again; all waiting goes by `Clock`; dropping ends it.
//! It must not know what a body says, beyond a refusal's reason.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use corvid_core::wire::{Fault, Millis};
use corvid_core::{Clock, ModelError, ModelSink};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Response, Url};

use crate::client::{Clients, root_cause};
use crate::config::Timeouts;
use crate::endpoint::Endpoint;
use crate::fault::{Refusal, read_complaint, refusal, transient};
use crate::retry::{Class, asked_ms, wait_ms};

/// How long the end of the transfer may come after the end of the answer, in milliseconds.
const SETTLE_MS: u64 = 100;

/// Bytes of a refusal's body that are read.
const REFUSAL_BYTES: usize = 64 * 1024;

/// The clients and the time they go by.
pub(crate) struct Transport {
    clock: Arc<dyn Clock>,
    clients: Clients,
}

/// One request as it is sent, as often as it takes.
pub(crate) struct Outgoing<'a> {
    /// Where to.
    pub(crate) endpoint: &'a Endpoint,
    /// The model, for the sentence of a refusal.
    pub(crate) model: &'a str,
    /// The JSON.
    pub(crate) body: Bytes,
    /// How long the provider may be silent.
    pub(crate) timeouts: Timeouts,
}

/// An accepted request whose body is still to come.
pub(crate) struct Incoming {
    response: Response,
    clock: Arc<dyn Clock>,
    provider: String,
    timeouts: Timeouts,
    /// When the provider will have been silent for too long.
    due: Millis,
    begun: bool,
}

impl Transport {
    /// A transport that goes by that time.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            clients: Clients::default(),
        }
    }

    /// The time it goes by.
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Makes the request until it is accepted or the table says that it is over.
    ///
    /// # Errors
    /// What the last attempt failed with: an outage where all attempts were made, else as it is.
    pub(crate) async fn send(
        &self,
        outgoing: &Outgoing<'_>,
        live: &dyn ModelSink,
    ) -> Result<Incoming, ModelError> {
        let mut made = 0;
        loop {
            let refused = match self.attempt(outgoing).await {
                Ok(incoming) => return Ok(incoming),
                Err(refused) => refused,
            };
            made += 1;
            let Refusal { class, error } = refused;
            let Some(wait) = wait_ms(class, made, error.retry_after_ms, jitter()) else {
                return Err(given_up(class, error));
            };
            tracing::debug!(attempt = made, wait_ms = wait, "model request failed");
            // The wait begins before anybody hears of it.
            let until = after(&*self.clock, wait);
            live.waiting(wait, &error.message);
            self.clock.sleep_until(until).await;
        }
    }

    /// Fetches a small document without any key, within that many milliseconds.
    pub(crate) async fn probe(&self, url: Url, limit_ms: u64, limit_bytes: usize) -> Option<Bytes> {
        let fetch = async {
            let client = self.clients.of(&url).ok()?;
            let response = client.get(url).send().await.ok()?;
            let response = response.error_for_status().ok()?;
            Some(read_bounded(response, limit_bytes).await)
        };
        tokio::select! {
            biased;
            found = fetch => found,
            () = self.clock.sleep_until(after(&*self.clock, limit_ms)) => None,
        }
    }

    async fn attempt(&self, outgoing: &Outgoing<'_>) -> Result<Incoming, Refusal> {
        let endpoint = outgoing.endpoint;
        let first_byte = outgoing.timeouts.first_byte;
        let due = after(&*self.clock, millis(first_byte));
        let exchange = async {
            let request = self.request(outgoing).map_err(decided)?;
            let response = request.send().await;
            let response = response.map_err(|error| unreachable_host(endpoint, &error))?;
            if response.status().is_success() {
                return Ok(response);
            }
            Err(self.read_refusal(outgoing, response).await)
        };
        let response = tokio::select! {
            biased;
            response = exchange => response?,
            () = self.clock.sleep_until(due) => {
                return Err(decided(silent(endpoint.provider(), first_byte)));
            }
        };
        Ok(Incoming {
            response,
            clock: self.clock.clone(),
            provider: endpoint.provider().to_owned(),
            timeouts: outgoing.timeouts,
            due,
            begun: false,
        })
    }

    fn request(&self, outgoing: &Outgoing<'_>) -> Result<reqwest::RequestBuilder, ModelError> {
        let endpoint = outgoing.endpoint;
        let mut request = self
            .clients
            .of(endpoint.chat())?
            .post(endpoint.chat().clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "text/event-stream")
            .body(outgoing.body.clone());
        if let Some(authorization) = endpoint.authorization()? {
            request = request.header(AUTHORIZATION, authorization);
        }
        Ok(request)
    }

    async fn read_refusal(&self, outgoing: &Outgoing<'_>, response: Response) -> Refusal {
        let status = response.status().as_u16();
        let retry_after = asked_ms(response.headers(), self.clock.now());
        let body = read_bounded(response, REFUSAL_BYTES).await;
        let complaint = read_complaint(&String::from_utf8_lossy(&body));
        refusal(
            outgoing.endpoint,
            outgoing.model,
            status,
            retry_after,
            &complaint,
        )
    }
}

impl Incoming {
    /// The media type without its parameters, lower case; empty where there is none.
    pub(crate) fn media_type(&self) -> String {
        let value = self.response.headers().get(CONTENT_TYPE);
        let value = value.and_then(|value| value.to_str().ok());
        let media_type = value.and_then(|value| value.split(';').next());
        media_type.unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// The next piece of the body, or `None` at its clean end.
    ///
    /// # Errors
    /// A transient one if the connection breaks or the provider is silent for too long.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, ModelError> {
        let provider = &self.provider;
        let piece = tokio::select! {
            biased;
            piece = self.response.chunk() => piece,
            () = self.clock.sleep_until(self.due) => {
                let limit = if self.begun { self.timeouts.idle } else { self.timeouts.first_byte };
                return Err(silent(provider, limit));
            }
        };
        let piece = piece.map_err(|error| {
            let cause = root_cause(&error);
            transient(format!("{provider} broke off in the middle: {cause}"))
        })?;
        self.begun = true;
        self.due = after(&*self.clock, millis(self.timeouts.idle));
        Ok(piece)
    }

    /// Reads the little that follows a whole answer, so that the connection can serve the next request.
    /// Nothing in it matters any more, and a server that keeps the connection open is not waited for.
    pub(crate) async fn settle(mut self) {
        let due = after(&*self.clock, SETTLE_MS);
        loop {
            tokio::select! {
                biased;
                piece = self.response.chunk() => if !matches!(piece, Ok(Some(_))) { return },
                () = self.clock.sleep_until(due) => return,
            }
        }
    }
}

/// What the caller is told when the table says that it is over.
fn given_up(class: Class, error: ModelError) -> ModelError {
    match class {
        Class::Decided => error,
        Class::Busy | Class::Unreachable => ModelError {
            fault: Fault::Outage,
            ..error
        },
    }
}

fn decided(error: ModelError) -> Refusal {
    Refusal {
        class: Class::Decided,
        error,
    }
}

fn unreachable_host(endpoint: &Endpoint, error: &reqwest::Error) -> Refusal {
    let provider = endpoint.provider();
    let error = transient(format!(
        "{provider} cannot be reached at {}: {}; check the network and `providers.{provider}.base_url`",
        endpoint.host(),
        root_cause(error)
    ));
    Refusal {
        class: Class::Unreachable,
        error,
    }
}

fn silent(provider: &str, limit: Duration) -> ModelError {
    transient(format!(
        "{provider} was silent for {} s",
        limit.as_secs_f64()
    ))
}

/// At most `limit` bytes of a body; what breaks off is kept as it is.
async fn read_bounded(mut response: Response, limit: usize) -> Bytes {
    let mut body = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        let left = limit - body.len();
        body.extend_from_slice(&piece[..piece.len().min(left)]);
        if body.len() == limit {
            break;
        }
    }
    body.into()
}

fn after(clock: &dyn Clock, wait_ms: u64) -> Millis {
    let wait = Millis::try_from(wait_ms).unwrap_or(Millis::MAX);
    clock.now().saturating_add(wait)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A random byte; without the system's generator the waits are merely all alike.
fn jitter() -> u8 {
    let mut byte = [0];
    getrandom::fill(&mut byte).map_or(0, |()| byte[0])
}
