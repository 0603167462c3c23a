//! Whether a message in a group is for the bot, and its words without the calling.
//! Invariant: only what Telegram marked as a mention or a command calls anybody; text that looks like one does not.
//! It must not know who may speak.

use std::ops::Range;

use super::incoming::{Entity, Message};
use super::{Identity, quote};

/// Whether it is mentioned, replied to, or given a command that is nobody else's. Words that are passed on call nobody.
pub(super) fn is_addressed(message: &Message, me: &Identity) -> bool {
    if let Some((_, named)) = command(message) {
        return named.is_none_or(|name| is_me(name, me));
    }
    let replied_to = quote::target(message).and_then(|target| target.from.as_ref());
    replied_to.is_some_and(|from| from.id == me.id)
        || calls(message)
            .iter()
            .any(|entity| mentions(message, entity, me))
}

/// The message's words without what only calls the bot: its mention at the beginning, its name on a command. Links
/// that hide behind words are spelled out.
pub(super) fn without_calling(message: &Message, me: &Identity) -> String {
    let words = message.words();
    let text = with_links(words, entities(message));
    if let Some((range, Some(name))) = command(message)
        && is_me(name, me)
    {
        // `/status@corvid_bot now` is `/status now`.
        let rest = text.get(range.end..).unwrap_or_default();
        let command = words.get(range).unwrap_or_default();
        let command = command.trim_end_matches(name).trim_end_matches('@');
        return format!("{command}{rest}");
    }
    let first = calls(message).first();
    let calls = first.filter(|first| first.offset == 0 && mentions(message, first, me));
    let range = calls.and_then(|first| bytes(words, first));
    let rest = range.and_then(|range| text.get(range.end..));
    match rest.map(|rest| rest.trim_start_matches([' ', ',', ':', '\n'])) {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        _ => text,
    }
}

/// What Telegram marked in the message's words.
fn entities(message: &Message) -> &[Entity] {
    if message.text.is_some() {
        &message.entities
    } else {
        &message.caption_entities
    }
}

/// Those of the marks that may call somebody.
fn calls(message: &Message) -> &[Entity] {
    match message.forward_origin {
        Some(_) => &[],
        None => entities(message),
    }
}

/// The command that the message begins with: where it stands, and the name of the bot that it is for.
fn command(message: &Message) -> Option<(Range<usize>, Option<&str>)> {
    let first = calls(message).first()?;
    if first.kind != "bot_command" || first.offset != 0 {
        return None;
    }
    let range = bytes(message.words(), first)?;
    let command = message.words().get(range.clone())?;
    Some((range, command.split_once('@').map(|(_, name)| name)))
}

fn mentions(message: &Message, entity: &Entity, me: &Identity) -> bool {
    match entity.kind.as_str() {
        "text_mention" => entity.user.as_ref().is_some_and(|user| user.id == me.id),
        "mention" => bytes(message.words(), entity)
            .and_then(|range| message.words().get(range)?.strip_prefix('@'))
            .is_some_and(|name| is_me(name, me)),
        _ => false,
    }
}

/// Telegram's names do not differ by case.
fn is_me(name: &str, me: &Identity) -> bool {
    !name.is_empty() && name.eq_ignore_ascii_case(&me.username)
}

/// Where a stretch stands in the text, in bytes; none if it stands nowhere.
fn bytes(text: &str, entity: &Entity) -> Option<Range<usize>> {
    let end = entity.offset.checked_add(entity.length)?;
    Some(byte_at(text, entity.offset)?..byte_at(text, end)?)
}

/// The byte at which that UTF-16 unit begins a character, or at which the text ends with it.
fn byte_at(text: &str, unit: usize) -> Option<usize> {
    let mut units = 0;
    for (byte, character) in text.char_indices() {
        if units >= unit {
            return (units == unit).then_some(byte);
        }
        units += character.len_utf16();
    }
    (units == unit).then_some(text.len())
}

/// The text with the addresses of its hidden links behind their words. What comes before the first is as it was.
fn with_links(text: &str, entities: &[Entity]) -> String {
    let links = entities.iter().filter(|entity| entity.kind == "text_link");
    let mut links: Vec<(usize, &str)> = links
        .filter_map(|link| Some((bytes(text, link)?.end, link.url.as_deref()?)))
        .collect();
    links.sort_by_key(|(end, _)| *end);
    let mut spelled = text.to_owned();
    for (end, url) in links.into_iter().rev() {
        spelled.insert_str(end, &format!(" ({url})"));
    }
    spelled
}
