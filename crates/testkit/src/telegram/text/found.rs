//! Entities that the server finds in what people write: commands, mentions, addresses.
//! Invariant: what is found begins at a word's start.
//! It must not know whether a command or a name exists.

use serde_json::{Value, json};

use super::units;

/// The entities in a text that nobody formatted.
pub(in super::super) fn found(text: &str) -> Vec<Value> {
    let mut entities = Vec::new();
    let mut at = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let length = at_command(word)
            .or_else(|| at_mention(word))
            .or_else(|| at_url(word));
        if let Some((kind, length)) = length {
            let offset = units(&text[..at]);
            let length = units(&word[..length]);
            entities.push(json!({ "type": kind, "offset": offset, "length": length }));
        }
        at += word.len();
    }
    entities
}

fn at_command(word: &str) -> Option<(&'static str, usize)> {
    let name = name_length(word.strip_prefix('/')?);
    let after = &word[name + 1..];
    let to = after
        .strip_prefix('@')
        .map_or(0, |to| match name_length(to) {
            0..=2 => 0,
            length => length + 1,
        });
    (1..=64)
        .contains(&name)
        .then_some(("bot_command", name + 1 + to))
}

fn at_mention(word: &str) -> Option<(&'static str, usize)> {
    let name = name_length(word.strip_prefix('@')?);
    (3..=32).contains(&name).then_some(("mention", name + 1))
}

fn at_url(word: &str) -> Option<(&'static str, usize)> {
    let begins = word.starts_with("http://") || word.starts_with("https://");
    begins.then_some((
        "url",
        word.trim_end().trim_end_matches(['.', ',', '!', '?']).len(),
    ))
}

fn name_length(text: &str) -> usize {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.find(|c| !part(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_mentions_and_addresses_are_found() {
        let text = "/go@corvid_bot 🐦 @corvid_bot, see https://x.y/z. a/b @x";
        let seen: Vec<_> = found(text).iter().map(ToString::to_string).collect();
        assert_eq!(
            seen,
            [
                r#"{"length":14,"offset":0,"type":"bot_command"}"#,
                r#"{"length":11,"offset":18,"type":"mention"}"#,
                r#"{"length":13,"offset":35,"type":"url"}"#,
            ]
        );
    }
}
