//! Requests to providers: clients, time-outs, retries before the first byte.
//! Invariant: no redirect is followed; only before the first byte is a request made again; dropping ends it.
//! It must not know what a body says, beyond a refusal's reason.

use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use corvid_core::wire::Millis;
use corvid_core::{Clock, ModelError, ModelSink};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Response, Url};

use crate::config::Timeouts;
use crate::endpoint::Endpoint;
use crate::fault::{Refusal, final_error, read_complaint, refusal, transient};
use crate::retry::{Class, wait_ms};

/// How long one connection may take. It is the one time-out that the clients keep themselves, on the
/// machine's own time; the first byte's, which goes through `Clock`, bounds it from above.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the end of the transfer may come after the end of the answer, in milliseconds.
const SETTLE_MS: u64 = 100;

/// Bytes of a refusal's body that are read.
const REFUSAL_BYTES: usize = 64 * 1024;

/// How this program calls itself to providers.
const USER_AGENT: &str = concat!("corvid/", env!("CARGO_PKG_VERSION"));

/// The clients, built when they are first needed, and the time they go by.
pub(crate) struct Transport {
    clock: Arc<dyn Clock>,
    plain: OnceLock<Result<Client, String>>,
    secure: OnceLock<Result<Client, String>>,
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
            plain: OnceLock::new(),
            secure: OnceLock::new(),
        }
    }

    /// The time it goes by.
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Makes the request until it is accepted or the table says that it is over.
    ///
    /// # Errors
    /// What the last attempt failed with.
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
                return Err(error);
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
            let client = self.client(&url).ok()?;
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
            .client(endpoint.chat())?
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
        let retry_after = retry_after_ms(response.headers(), self.clock.now());
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

    fn client(&self, url: &Url) -> Result<&Client, ModelError> {
        let client = match url.scheme() {
            "https" => self.secure.get_or_init(secure_client),
            _ => self.plain.get_or_init(plain_client),
        };
        client
            .as_ref()
            .map_err(|error| final_error(format!("no HTTP client can be made: {error}")))
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

/// The client for `http://`: it has no root certificates to load, and speaks to no proxy, which would
/// read along.
fn plain_client() -> Result<Client, String> {
    build(|builder| builder.tls_certs_only([]).no_proxy())
}

/// The client for `https://`, with the machine's root certificates (3–5 ms to load). A proxy that the
/// environment names is used: it sees the host's name and nothing else.
fn secure_client() -> Result<Client, String> {
    build(|builder| builder.https_only(true))
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one builder of clients"
)]
fn build(
    configure: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> Result<Client, String> {
    install_crypto();
    configure(Client::builder())
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .build()
        .map_err(|error| root_cause(&error))
}

/// Names the one cryptography provider of this process. Another part may have done so before.
fn install_crypto() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        if rustls::crypto::ring::default_provider()
            .install_default()
            .is_err()
        {
            tracing::debug!("a cryptography provider was installed before");
        }
    });
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

/// The innermost reason, which is the one that a person can act on.
fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
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

/// What the headers ask to wait: `retry-after-ms`, or `Retry-After` in seconds or as a date.
fn retry_after_ms(headers: &HeaderMap, now: Millis) -> Option<u64> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(asked) = text("retry-after-ms").and_then(|text| text.parse().ok()) {
        return Some(asked);
    }
    let asked = text("retry-after")?;
    match asked.parse::<f64>() {
        Ok(seconds) if seconds >= 0.0 => {
            u64::try_from(Duration::try_from_secs_f64(seconds).ok()?.as_millis()).ok()
        }
        Ok(_) => None,
        Err(_) => {
            let date = httpdate::parse_http_date(asked).ok()?;
            let since_epoch = date.duration_since(std::time::UNIX_EPOCH).ok()?;
            let at = Millis::try_from(since_epoch.as_millis()).ok()?;
            Some(u64::try_from(at.saturating_sub(now)).unwrap_or(0))
        }
    }
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
