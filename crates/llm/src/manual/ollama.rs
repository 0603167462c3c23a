//! Looking for an Ollama on this machine, to name it.
//! Invariant: asks one loopback address for its list of models, without a key, and gives up soon.
//! It must not use what it finds.

use std::net::SocketAddr;

use reqwest::Url;
use serde::Deserialize;

use crate::transport::Transport;

/// How long the look may take, in milliseconds.
const LIMIT_MS: u64 = 150;

/// Bytes of the list that are read.
const LIST_BYTES: usize = 256 * 1024;

/// Models that are named.
const NAMED: usize = 3;

/// Characters of a model's name that are shown.
const NAME_CHARS: usize = 80;

#[derive(Deserialize)]
struct Tags {
    models: Vec<Tag>,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
}

/// A few words on the Ollama that answers at `address`, or `None`.
pub(super) async fn mention(address: SocketAddr, transport: &Transport) -> Option<String> {
    let url = Url::parse(&format!("http://{address}/api/tags")).ok()?;
    let body = transport.probe(url, LIMIT_MS, LIST_BYTES).await?;
    describe(address, &body)
}

fn describe(address: SocketAddr, body: &[u8]) -> Option<String> {
    let tags: Tags = serde_json::from_slice(body).ok()?;
    let uses: Vec<String> = tags
        .models
        .iter()
        .map(|tag| tag.name.as_str())
        .filter(|name| is_plain(name))
        .take(NAMED)
        .map(|name| format!("`--model ollama/{name}`"))
        .collect();
    Some(if uses.is_empty() {
        format!(
            "an Ollama answers at {address} but has no model yet; `ollama pull NAME` fetches one"
        )
    } else {
        format!(
            "an Ollama answers at {address}: use it with {}",
            uses.join(" or ")
        )
    })
}

/// Whoever listens there might send anything, and the name is shown as part of a command.
fn is_plain(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._:/-".contains(c);
    (1..=NAME_CHARS).contains(&name.len()) && name.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expect: Option<&str>) {
        let address = SocketAddr::from(([127, 0, 0, 1], 11434));
        assert_eq!(describe(address, body.as_bytes()).as_deref(), expect);
    }

    #[test]
    fn models_are_named_as_they_are_used() {
        check(
            r#"{"models":[{"name":"qwen3:8b","size":1},{"name":"llama3.2"}]}"#,
            Some(
                "an Ollama answers at 127.0.0.1:11434: use it with `--model ollama/qwen3:8b` or `--model ollama/llama3.2`",
            ),
        );
    }

    #[test]
    fn names_that_are_none_are_passed_over() {
        check(
            r#"{"models":[{"name":"x`; rm -rf ~"},{"name":""}]}"#,
            Some(
                "an Ollama answers at 127.0.0.1:11434 but has no model yet; `ollama pull NAME` fetches one",
            ),
        );
    }

    #[test]
    fn something_else_on_that_port_is_not_named() {
        check("<html></html>", None);
        check("{}", None);
    }
}
