//! How calls travel: over HTTP, each with its own time-out.
//! Invariant: one request a call; a server that fails is neither waited for nor asked again, and no error names the
//! address, which holds the token. Certificates are loaded at the first https request.
//! It must not know what a call does.

use std::error::Error;
use std::sync::OnceLock;
use std::time::Duration;

use corvid_core::Secret;
use reqwest::multipart::Form;
use reqwest::{Client, RequestBuilder, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use teloxide_core::net::TELEGRAM_API_URL;
use teloxide_core::requests::Payload;

use super::ApiConfig;
use super::fault::{Envelope, Fault};

/// What came of a call.
pub(in super::super) type Answered<R> = Result<R, Fault>;

/// The longest answer that is read, in bytes. A hundred updates of full length are below a megabyte.
const ANSWER_LIMIT: usize = 16 << 20;

/// How this program calls itself.
const USER_AGENT: &str = concat!("corvid/", env!("CARGO_PKG_VERSION"));

/// How long a call may take.
#[derive(Clone, Copy)]
pub(super) struct Patience(Duration);

impl Patience {
    /// For a call that answers at once.
    pub(super) const CALL: Self = Self(Duration::from_secs(10));
    /// For a file of the largest size over a slow line.
    pub(super) const FILE: Self = Self(Duration::from_mins(2));

    /// As long, and that much longer.
    pub(super) fn longer_by_secs(self, secs: u32) -> Self {
        Self(self.0 + Duration::from_secs(secs.into()))
    }
}

/// A connection to a Bot API server in one bot's name.
pub(super) struct Transport {
    base: Url,
    token: Secret,
    bot: String,
    client: OnceLock<Result<Client, String>>,
}

impl Transport {
    /// Nothing is connected yet.
    pub(super) fn new(config: &ApiConfig) -> Result<Self, String> {
        let address = config.api_url.as_deref().unwrap_or(TELEGRAM_API_URL);
        Ok(Self {
            base: base(address)?,
            bot: bot_id(config.token.expose())?,
            token: config.token.clone(),
            client: OnceLock::new(),
        })
    }

    /// The token's part before the colon.
    pub(super) fn bot_id(&self) -> &str {
        &self.bot
    }

    /// A call that answers at once.
    pub(super) async fn call<P, R>(&self, payload: &P) -> Answered<R>
    where
        P: Payload + Serialize + Sync,
        R: DeserializeOwned,
    {
        self.call_named(P::NAME, payload, Patience::CALL).await
    }

    /// A call by its name.
    pub(super) async fn call_named<R: DeserializeOwned>(
        &self,
        method: &str,
        payload: &(impl Serialize + Sync),
        patience: Patience,
    ) -> Answered<R> {
        let body = serde_json::to_vec(payload)
            .map_err(|error| Fault::Refused(format!("the call cannot be written: {error}")))?;
        let request = self
            .client()?
            .post(self.url(&[], method))
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(body);
        opened(request, patience).await
    }

    /// A call that carries a file.
    pub(super) async fn upload<R: DeserializeOwned>(
        &self,
        method: &str,
        form: Form,
    ) -> Answered<R> {
        let request = self.client()?.post(self.url(&[], method)).multipart(form);
        opened(request, Patience::FILE).await
    }

    /// The content of a file that Telegram keeps, as it begins to arrive.
    pub(super) async fn download(&self, path: &str) -> Answered<Response> {
        let request = self.client()?.get(self.url(&["file"], path));
        request
            .timeout(Patience::FILE.0)
            .send()
            .await
            .map_err(unreachable)
    }

    fn client(&self) -> Answered<&Client> {
        let built = self.client.get_or_init(|| client(self.base.scheme()));
        built.as_ref().map_err(|reason| {
            Fault::Unreachable(format!("no connection can be made from here: {reason}"))
        })
    }

    /// `{base}/{before}/bot{token}/{after}`.
    fn url(&self, before: &[&str], after: &str) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty()
                .extend(before)
                .push(&format!("bot{}", self.token.expose()))
                .extend(after.split('/'));
        }
        url
    }
}

/// Sends a request and opens its answer.
async fn opened<R: DeserializeOwned>(request: RequestBuilder, patience: Patience) -> Answered<R> {
    let response = request
        .timeout(patience.0)
        .send()
        .await
        .map_err(unreachable)?;
    let status = response.status();
    let body = read(response).await?;
    let envelope: Envelope<R> = serde_json::from_slice(&body).map_err(|error| {
        Fault::Unreachable(if status.is_success() {
            format!("Telegram's answer cannot be read: {error}")
        } else {
            format!("Telegram answers {status}")
        })
    })?;
    envelope.open()
}

async fn read(mut response: Response) -> Answered<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > ANSWER_LIMIT {
            let reason = "Telegram's answer is longer than 16 MB";
            return Err(Fault::Unreachable(reason.to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The innermost reason: the outer ones name the address.
pub(super) fn unreachable(error: reqwest::Error) -> Fault {
    if error.is_timeout() {
        return Fault::Unreachable("Telegram does not answer in time".to_owned());
    }
    let mut cause: &dyn Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let cause = match cause.downcast_ref::<reqwest::Error>() {
        Some(_) => error.without_url().to_string(),
        None => cause.to_string(),
    };
    Fault::Unreachable(format!("Telegram cannot be reached: {cause}"))
}

/// A client for servers of that scheme. One without certificates and without a proxy, which would read the token,
/// for `http`; for `https` the machine's root certificates (3–5 ms to load) and the proxy that the environment names.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one builder of clients for messengers"
)]
fn client(scheme: &str) -> Result<Client, String> {
    install_crypto();
    let builder = match scheme {
        "https" => Client::builder().https_only(true),
        _ => Client::builder().tls_certs_only([]).no_proxy(),
    };
    builder
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(Patience::CALL.0)
        .tcp_nodelay(true)
        .build()
        .map_err(|error| error.to_string())
}

/// Names the one cryptography provider of this process. Another part may have done so before.
fn install_crypto() {
    let provider = rustls::crypto::ring::default_provider();
    if provider.install_default().is_err() {
        tracing::debug!("a cryptography provider was installed before");
    }
}

fn base(address: &str) -> Result<Url, String> {
    let fix =
        "expected one like `https://api.telegram.org`; set `telegram.api_url`, or leave it out";
    let url = Url::parse(address).map_err(|error| {
        format!("`{address}` is no address of a Bot API server ({error}): {fix}")
    })?;
    if matches!(url.scheme(), "http" | "https") && url.has_host() {
        Ok(url)
    } else {
        Err(format!(
            "`{address}` is no address of a Bot API server: {fix}"
        ))
    }
}

/// The bot's id from its token. What else was found there is not said: it may be a part of a token.
fn bot_id(token: &str) -> Result<String, String> {
    let is_secret = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    match token.trim().split_once(':') {
        Some((id, secret))
            if token.trim() == token
                && (1..=19).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_digit())
                && secret.len() >= 20
                && secret.chars().all(is_secret) =>
        {
            Ok(id.to_owned())
        }
        _ => Err(
            "the Telegram token is none: one looks like `123456789:AAE…` (digits, a colon, 35 letters and digits) and \
             comes from @BotFather; then `agent config set telegram.token …`"
                .to_owned(),
        ),
    }
}
