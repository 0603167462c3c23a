//! What a provider's refusal means: the table from status and body to a class and a sentence.
//! Invariant: pure; every sentence names the thing and the fix, and none holds a key or a control character.
//! It must not know sockets or time.

use corvid_core::ModelError;
use corvid_core::wire::Fault;
use serde::Deserialize;
use serde_json::Value;

use crate::endpoint::Endpoint;
use crate::retry::Class;

/// Characters of a provider's own words that a person is shown.
const QUOTED_CHARS: usize = 300;

/// What stands between a provider and the status with which it refused a request as such.
const REFUSED: &str = " refused the request (";

/// A request that was refused, or an answer that broke off with a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Whether the transport tries again by itself.
    pub(crate) class: Class,
    /// What the caller is told if it does not.
    pub(crate) error: ModelError,
}

/// What a provider says about an error, however it wraps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Complaint {
    /// The machine-readable code or type; empty where there is none.
    pub code: String,
    /// The sentence.
    pub message: String,
    /// The HTTP status that it names, for errors inside a stream.
    pub status: Option<u16>,
}

/// A final error with that sentence.
pub(crate) fn final_error(message: String) -> ModelError {
    ModelError {
        fault: Fault::Final,
        message,
        retry_after_ms: None,
    }
}

/// An error after which the step is tried again, with that sentence.
pub(crate) fn transient(message: String) -> ModelError {
    ModelError {
        fault: Fault::Transient,
        message,
        retry_after_ms: None,
    }
}

/// What a refused request means. `retry_after_ms` is what the response's header asked for.
pub(crate) fn refusal(
    endpoint: &Endpoint,
    model: &str,
    status: u16,
    retry_after_ms: Option<u64>,
    complaint: &Complaint,
) -> Refusal {
    let provider = endpoint.provider();
    let said = said(endpoint, &complaint.message);
    if is_context_exceeded(status, complaint) {
        return decided(ModelError {
            fault: Fault::ContextExceeded,
            message: format!("the conversation is too long for `{model}` of {provider}{said}"),
            retry_after_ms: None,
        });
    }
    if is_quota_spent(status, complaint) {
        return decided(final_error(format!(
            "the quota or credit at {provider} is spent ({status}); add credit there or choose another model with `--model`{said}"
        )));
    }
    let class = class(status);
    let fault = match class {
        Class::Decided => Fault::Final,
        Class::Busy | Class::Unreachable => Fault::Transient,
    };
    let error = ModelError {
        fault,
        message: sentence(endpoint, model, status, &said),
        retry_after_ms,
    };
    Refusal { class, error }
}

fn class(status: u16) -> Class {
    match status {
        429 | 503 | 529 => Class::Busy,
        408 | 409 | 425 | 500..=599 => Class::Unreachable,
        _ => Class::Decided,
    }
}

fn sentence(endpoint: &Endpoint, model: &str, status: u16, said: &str) -> String {
    let provider = endpoint.provider();
    match status {
        401 => bad_key(endpoint),
        403 => format!(
            "{provider} forbids this with the key it was given (403); allow `{model}` there, or {}{said}",
            endpoint.how_to_set_key()
        ),
        404 => format!(
            "{provider} has no model `{model}` at {} (404); choose another with `--model`, or correct `providers.{provider}.base_url`{said}",
            endpoint.chat()
        ),
        300..=399 => format!(
            "{provider} redirects from {} ({status}), and a key is sent to no other place; set `providers.{provider}.base_url` to the new address",
            endpoint.host()
        ),
        429 | 503 | 529 => format!("{provider} is busy ({status}){said}"),
        408 | 409 | 425 | 500..=599 => format!("{provider} failed ({status}){said}"),
        _ => format!("{provider}{REFUSED}{status}){said}"),
    }
}

/// Whether a final error is a refusal of what was asked, or speaks of pictures; not of a key, a quota or an address.
pub(crate) fn is_about_the_request(error: &ModelError) -> bool {
    error.message.contains(REFUSED) || error.message.contains("image")
}

/// What an error event inside a stream means: as the refusal of its status, but the step is tried again
/// where the status says nothing.
pub(crate) fn broken_off(endpoint: &Endpoint, model: &str, complaint: &Complaint) -> ModelError {
    let status = complaint.status.unwrap_or(500);
    refusal(endpoint, model, status, None, complaint).error
}

/// Reads what a provider says about an error from the body of a refusal, JSON or not.
pub(crate) fn read_complaint(body: &str) -> Complaint {
    match serde_json::from_str::<Value>(body) {
        Ok(value) => complaint_in(&value),
        Err(_) if body.trim_start().starts_with('<') => Complaint::default(),
        Err(_) => Complaint {
            message: body.to_owned(),
            ..Complaint::default()
        },
    }
}

/// Reads what a provider says about an error from its JSON: `{"error": {…}}`, `{"error": "…"}`,
/// `{"message": …}`, or any of them in an array.
pub(crate) fn complaint_in(value: &Value) -> Complaint {
    #[derive(Deserialize)]
    struct Fields {
        message: Option<Value>,
        code: Option<Value>,
        r#type: Option<Value>,
    }
    let value = value.get(0).unwrap_or(value);
    let error = value.get("error").unwrap_or(value);
    if let Value::String(message) = error {
        return Complaint {
            message: message.clone(),
            ..Complaint::default()
        };
    }
    let Ok(fields) = Fields::deserialize(error) else {
        return Complaint::default();
    };
    let status = fields.code.as_ref().and_then(status_in);
    let code = [fields.code, fields.r#type]
        .into_iter()
        .flatten()
        .find_map(|value| value.as_str().map(str::to_owned));
    Complaint {
        code: code.unwrap_or_default(),
        message: fields.message.map(plain).unwrap_or_default(),
        status,
    }
}

fn decided(error: ModelError) -> Refusal {
    Refusal {
        class: Class::Decided,
        error,
    }
}

fn status_in(code: &Value) -> Option<u16> {
    let number = code.as_u64().or_else(|| code.as_str()?.parse().ok())?;
    u16::try_from(number)
        .ok()
        .filter(|n| (300..=599).contains(n))
}

fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// The provider's own words on a bad key are left out: some repeat a part of it.
fn bad_key(endpoint: &Endpoint) -> String {
    let provider = endpoint.provider();
    let fix = endpoint.how_to_set_key();
    match endpoint.key_source() {
        Some(source) => format!("{provider} does not accept the key from {source} (401); {fix}"),
        None => format!("{provider} wants a key (401); {fix}"),
    }
}

/// `: "…"` with the provider's words on one line, or nothing.
fn said(endpoint: &Endpoint, message: &str) -> String {
    let scrubbed = endpoint.scrub(message);
    let words: Vec<&str> = scrubbed
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    let line = words.join(" ");
    let line = line.trim_end_matches('.');
    if line.is_empty() {
        return String::new();
    }
    let mut quoted: String = line.chars().take(QUOTED_CHARS).collect();
    if quoted.len() < line.len() {
        quoted.push('…');
    }
    format!(": {quoted}")
}

fn is_context_exceeded(status: u16, complaint: &Complaint) -> bool {
    const CODES: &[&str] = &["context_length_exceeded", "exceed_context_size_error"];
    /// The one sentence of a 429 that no waiting helps against: the request alone is over the limit.
    const OVER_THE_LIMIT: &str = "request too large";
    const WORDS: &[&str] = &[
        "maximum context length",
        "context length",
        "context window",
        "context size",
        "prompt is too long",
        OVER_THE_LIMIT,
        "too many tokens",
        "input is too long",
    ];
    if status == 413 || CODES.contains(&complaint.code.as_str()) {
        return true;
    }
    let message = complaint.message.to_lowercase();
    match status {
        400 | 422 | 500 => WORDS.iter().any(|word| message.contains(word)),
        // "Too many tokens, please wait" is a throttle.
        429 => message.contains(OVER_THE_LIMIT),
        _ => false,
    }
}

fn is_quota_spent(status: u16, complaint: &Complaint) -> bool {
    const CODES: &[&str] = &["insufficient_quota", "billing_hard_limit_reached"];
    status == 402 || CODES.contains(&complaint.code.as_str())
}
