//! The HTTP clients: how connections are made, and to whom.
//! Invariant: no redirect is followed; certificates are loaded at the first https request and not before.
//! It must not know requests, keys or providers.

use std::error::Error;
use std::sync::OnceLock;
use std::time::Duration;

use corvid_core::ModelError;
use reqwest::{Client, Url};

use crate::fault::final_error;

/// How long one connection may take. It is the one time-out that the clients keep themselves, on the
/// machine's own time; the first byte's, which goes through `Clock`, bounds it from above.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How this program calls itself to providers.
const USER_AGENT: &str = concat!("corvid/", env!("CARGO_PKG_VERSION"));

/// The clients, built when they are first needed.
#[derive(Default)]
pub(crate) struct Clients {
    plain: OnceLock<Result<Client, String>>,
    secure: OnceLock<Result<Client, String>>,
}

impl Clients {
    /// The client for that address.
    ///
    /// # Errors
    /// A final one if it cannot be built (no root certificates, say).
    pub(crate) fn of(&self, url: &Url) -> Result<&Client, ModelError> {
        let client = match url.scheme() {
            "https" => self.secure.get_or_init(secure_client),
            _ => self.plain.get_or_init(plain_client),
        };
        client
            .as_ref()
            .map_err(|error| final_error(format!("no HTTP client can be made: {error}")))
    }
}

/// The innermost reason, which is the one that a person can act on.
pub(crate) fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scheme_has_its_client_and_only_when_asked() {
        let clients = Clients::default();
        let of = |url: &str| {
            clients
                .of(&Url::parse(url).expect("an address"))
                .map(|_| ())
        };
        assert_eq!(of("http://127.0.0.1:1/v1"), Ok(()));
        assert!(clients.secure.get().is_none(), "no certificates for http");
        assert_eq!(of("https://127.0.0.1:1/v1"), Ok(()));
        assert!(clients.secure.get().is_some());
    }
}
