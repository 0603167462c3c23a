//! What every provider demands of a transcript, stricter than our encoder's repair needs it to be.
//! Invariant: looks at the messages alone.
//! It must not know where they came from.

use std::collections::BTreeSet;
use std::sync::Arc;

use corvid_core::Message;

/// What is wrong with a transcript, or nothing: it begins with a person, each call is followed at once by its
/// one result in the calls' order, no result stands without its call, and no call id comes twice in a message.
pub(crate) fn complaint(messages: &[Arc<Message>]) -> Option<String> {
    let mut owed: Vec<&str> = Vec::new();
    let first = messages.first().map(AsRef::as_ref);
    if !matches!(first, None | Some(Message::User { .. })) {
        return Some("a person does not have the first word".to_owned());
    }
    for message in messages {
        match message.as_ref() {
            Message::Tool { provider_id, .. } => {
                if owed.first() != Some(&provider_id.as_str()) {
                    return Some(format!(
                        "the result of `{provider_id}` is not owed: {owed:?}"
                    ));
                }
                owed.remove(0);
            }
            Message::User { .. } | Message::Assistant { .. } if !owed.is_empty() => {
                return Some(format!("no result of {owed:?}"));
            }
            Message::User { .. } => {}
            Message::Assistant { text, calls } => {
                if text.is_empty() && calls.is_empty() {
                    return Some("the model says nothing at all".to_owned());
                }
                let mut ids = BTreeSet::new();
                for call in calls {
                    if !ids.insert(&call.provider_id) {
                        return Some(format!("the id `{}` comes twice", call.provider_id));
                    }
                    owed.push(&call.provider_id);
                }
            }
        }
    }
    (!owed.is_empty()).then(|| format!("no result of {owed:?} at the end"))
}

/// What is wrong with a request's transcript, or nothing: besides the above, somebody but the model has the
/// last word.
pub(crate) fn request_complaint(messages: &[Arc<Message>]) -> Option<String> {
    if let Some(Message::User { .. } | Message::Tool { .. }) = messages.last().map(AsRef::as_ref) {
        return complaint(messages);
    }
    Some("there is nothing for the model to answer".to_owned())
}

/// How many results the transcript holds, and how many calls.
pub(crate) fn results_and_calls(messages: &[Arc<Message>]) -> (usize, usize) {
    messages
        .iter()
        .fold((0, 0), |(results, calls), message| match message.as_ref() {
            Message::User { .. } => (results, calls),
            Message::Tool { .. } => (results + 1, calls),
            Message::Assistant { calls: asked, .. } => (results, calls + asked.len()),
        })
}
