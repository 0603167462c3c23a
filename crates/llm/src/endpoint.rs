//! Where one provider is reached, and with which key.
//! Invariant: a key is bound to one address when it is configured and is never put on a request to another;
//! whatever a provider says is scrubbed of it.
//! It must not know requests, answers or models.

use std::net::IpAddr;

use corvid_core::ModelError;
use reqwest::Url;
use reqwest::header::HeaderValue;

use crate::config::ProviderKey;
use crate::fault::final_error;

/// Keys shorter than this are not looked for in texts: they would match ordinary words.
const SHORTEST_SCRUBBED: usize = 6;

/// One provider's address and key.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    provider: String,
    chat: Url,
    key: Option<ProviderKey>,
    key_variable: Option<&'static str>,
}

impl Endpoint {
    /// Binds a key to an address, the one up to and without `/chat/completions`.
    ///
    /// # Errors
    /// A final [`ModelError`] that names the provider if the address is none.
    pub(crate) fn new(
        provider: &str,
        base_url: &str,
        key: Option<ProviderKey>,
        key_variable: Option<&'static str>,
    ) -> Result<Self, ModelError> {
        let invalid = |why: &str| {
            final_error(format!(
                "`providers.{provider}.base_url` is `{base_url}`, {why}; give an address such as https://host/v1"
            ))
        };
        let parsed = Url::parse(base_url.trim()).map_err(|_| invalid("which is no address"))?;
        if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none() {
            return Err(invalid("which is neither http:// nor https://"));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            let why = "which holds a name or a password";
            return Err(final_error(format!(
                "`providers.{provider}.base_url` is an address {why}; a key goes into `providers.{provider}.key_file`"
            )));
        }
        let mut chat = parsed;
        let path = format!("{}/chat/completions", chat.path().trim_end_matches('/'));
        chat.set_path(&path);
        chat.set_fragment(None);
        Ok(Self {
            provider: provider.to_owned(),
            chat,
            key: key.filter(|key| !key.secret.expose().trim().is_empty()),
            key_variable,
        })
    }

    /// The provider's name.
    pub(crate) fn provider(&self) -> &str {
        &self.provider
    }

    /// Where chat completions are asked for.
    pub(crate) fn chat(&self) -> &Url {
        &self.chat
    }

    /// Whether the key travels unencrypted to another machine.
    pub(crate) fn bares_key(&self) -> bool {
        let host = self.chat.host_str().unwrap_or_default();
        self.key.is_some() && self.chat.scheme() == "http" && !is_this_machine(host)
    }

    /// Host and port, for a person.
    pub(crate) fn host(&self) -> String {
        let host = self.chat.host_str().unwrap_or_default();
        match self.chat.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Where the key comes from, if there is one.
    pub(crate) fn key_source(&self) -> Option<&str> {
        self.key.as_ref().map(|key| key.source.as_str())
    }

    /// How a person sets the key.
    pub(crate) fn how_to_set_key(&self) -> String {
        let command = format!(
            "`agent config set providers.{}.key_file FILE`",
            self.provider
        );
        match self.key_variable {
            Some(variable) => format!("set {variable} or use {command}"),
            None => format!("use {command}"),
        }
    }

    /// The header that carries the key, which hides in logs.
    ///
    /// # Errors
    /// A final [`ModelError`] that names where the key came from if it cannot be a header.
    pub(crate) fn authorization(&self) -> Result<Option<HeaderValue>, ModelError> {
        let Some(key) = &self.key else {
            return Ok(None);
        };
        let bearer = format!("Bearer {}", key.secret.expose().trim());
        let mut value = HeaderValue::from_str(&bearer).map_err(|_| {
            final_error(format!(
                "the key of {} from {} holds characters that no key has; {}",
                self.provider,
                key.source,
                self.how_to_set_key()
            ))
        })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// A provider's text without the key, should it repeat it.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let secret = self.key.as_ref().map(|key| key.secret.expose().trim());
        match secret {
            Some(secret) if secret.len() >= SHORTEST_SCRUBBED => text.replace(secret, "[key]"),
            _ => text.to_owned(),
        }
    }
}

/// Whether an address's host is this machine, by its name or a loopback address.
fn is_this_machine(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use corvid_core::Secret;

    fn endpoint(base_url: &str, key: &str) -> Result<Endpoint, String> {
        let key = ProviderKey::new(Secret::new(key), "OPENAI_API_KEY");
        Endpoint::new("openai", base_url, Some(key), Some("OPENAI_API_KEY"))
            .map_err(|error| error.message)
    }

    #[test]
    fn the_path_is_appended_once() {
        for base_url in ["https://h/v1", "https://h/v1/", " https://h/v1 "] {
            let chat = endpoint(base_url, "k").map(|e| e.chat.to_string());
            assert_eq!(chat.as_deref(), Ok("https://h/v1/chat/completions"));
        }
        let azure = endpoint("https://h/a?api-version=1", "k").map(|e| e.chat.to_string());
        assert_eq!(
            azure.as_deref(),
            Ok("https://h/a/chat/completions?api-version=1")
        );
    }

    #[test]
    fn what_is_no_address_is_refused_by_name() {
        for base_url in ["", "api.openai.com", "file:///etc/passwd", "https://"] {
            let error = endpoint(base_url, "k").map(|_| ()).unwrap_err();
            assert!(error.contains("providers.openai.base_url"), "{error}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        let error = endpoint("https://me:hunter22@h/v1", "k")
            .map(|_| ())
            .unwrap_err();
        assert!(!error.contains("hunter22"), "{error}");
    }

    #[test]
    fn the_key_shows_in_the_header_alone() {
        let endpoint = endpoint("https://h/v1", "sk-123456\n").expect("an address");
        let header = endpoint.authorization().expect("a key").expect("a header");
        assert_eq!(header.as_bytes(), b"Bearer sk-123456");
        assert_eq!(format!("{header:?}"), "Sensitive");
        assert!(!format!("{endpoint:?}").contains("123456"));
        assert_eq!(endpoint.scrub("bad key sk-123456!"), "bad key [key]!");
    }

    #[test]
    fn a_key_is_bare_only_on_an_open_way_to_another_machine() {
        let check = |base_url: &str, key: &str, bare: bool| {
            let endpoint = endpoint(base_url, key).map(|endpoint| endpoint.bares_key());
            assert_eq!(endpoint, Ok(bare), "{base_url}");
        };
        check("http://192.168.1.5:8000/v1", "k", true);
        check("http://localhost.example/v1", "k", true);
        check("http://192.168.1.5:8000/v1", " ", false);
        check("https://host/v1", "k", false);
        for own in ["localhost", "127.0.0.1", "127.1", "[::1]"] {
            check(&format!("http://{own}:8080/v1"), "k", false);
        }
    }

    #[test]
    fn a_blank_key_is_no_key() {
        let endpoint = endpoint("https://h/v1", " \n").expect("an address");
        assert_eq!(endpoint.key_source(), None);
        assert_eq!(endpoint.authorization(), Ok(None));
    }

    #[test]
    fn a_key_that_cannot_be_sent_is_named_by_its_source() {
        let endpoint = endpoint("https://h/v1", "sk-\n1").expect("an address");
        let error = endpoint.authorization().unwrap_err().message;
        assert!(error.contains("from OPENAI_API_KEY"), "{error}");
        assert!(!error.contains("sk-"), "{error}");
    }
}
