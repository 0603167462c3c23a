//! What of an event's text counts as transcript, and what of a message names its session. Pure.
//! Invariant: bytes are counted by what the model is shown, the measure of `Message::bytes`.
//! It must not know why it is counted.

use corvid_core::wire::{Answer, EventBody, Part, Verdict};

/// Characters of a session's title.
const TITLE_CHARACTERS: usize = 80;

/// Bytes of text that the model is shown because of this event.
pub(super) fn transcript_bytes(event: &EventBody) -> u64 {
    let bytes = match event {
        EventBody::InputAdmitted(admission) => message_bytes(&admission.parts),
        EventBody::ModelAnswered(answer) => answer
            .calls
            .iter()
            .map(|call| call.name.len() + call.arguments.len())
            .sum::<usize>()
            .saturating_add(answer.text.len()),
        EventBody::ToolFinished { outcome, .. } => outcome.text.len(),
        EventBody::CallDecided(decision) => match &decision.verdict {
            Verdict::Allow { .. } | Verdict::Ask { .. } | Verdict::Inquire { .. } => 0,
            Verdict::Deny { reason, .. }
            | Verdict::Invalid { reason }
            | Verdict::Repeated { reason } => reason.len(),
        },
        EventBody::QuestionAnswered { answer, .. } => match answer {
            Answer::Allow { .. } => 0,
            Answer::Deny { reason: text } | Answer::Text { text } => text.len(),
        },
        EventBody::TurnUndone { restored, .. } => restored.iter().map(String::len).sum(),
        _ => 0,
    };
    bytes as u64
}

/// Bytes of text in a message.
pub(super) fn message_bytes(parts: &[Part]) -> usize {
    parts.iter().map(|part| part.said().len()).sum()
}

/// The first characters of a message, on one line.
pub(super) fn clip_title(parts: &[Part]) -> String {
    let mut title = String::new();
    for word in parts
        .iter()
        .flat_map(|part| part.own_words().split_whitespace())
    {
        if !title.is_empty() {
            title.push(' ');
        }
        title.extend(word.chars().take(TITLE_CHARACTERS));
        // At most four bytes a character: enough is read, however long the message.
        if title.len() > 4 * TITLE_CHARACTERS {
            break;
        }
    }
    let clipped: String = title.chars().take(TITLE_CHARACTERS).collect();
    clipped.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_short_line() {
        let check = |text: &str, expect: &str| assert_eq!(clip_title(&[Part::text(text)]), expect);
        check("what's in\n  this folder?", "what's in this folder?");
        check("", "");
        check(&"ü".repeat(100), &"ü".repeat(80));
        check(&"word ".repeat(10_000), "word ".repeat(16).trim_end());
    }
}
