//! Words as the server takes them: parsed, checked, cleaned, measured.
//! Invariant: text that leaves here is what the real server would have stored.
//! It must not know which method brings the words.

mod clean;
mod entities;
mod found;
mod html;
mod markdown;

use serde_json::Value;

use super::refusal::Refusal;

pub(super) use found::found;

/// UTF-16 units of a message's text.
pub(super) const TEXT_LIMIT: usize = 4_096;

/// UTF-16 units of a caption.
pub(super) const CAPTION_LIMIT: usize = 1_024;

/// Text with its entities.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Worded {
    /// The text.
    pub(super) text: String,
    /// The entities, in the order of their offsets.
    pub(super) entities: Vec<Value>,
}

/// The length of text in UTF-16 units.
pub(super) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Words as a bot sends them: in a parse mode, or with entities. What the server would silently mend is a fault.
///
/// # Errors
/// As the real server says it.
pub(super) fn worded(
    text: &str,
    mode: &str,
    given: Vec<Value>,
    faults: &mut Vec<String>,
) -> Result<Worded, Refusal> {
    let parsed = match mode.to_ascii_lowercase().as_str() {
        "" => entities::checked(text, given, faults)?,
        "html" => html::parse(text)?,
        "markdownv2" => markdown::parse(text)?,
        "markdown" => markdown::parse_old(text)?,
        _ => return Err(Refusal::bad("unsupported parse_mode")),
    };
    Ok(clean::cleaned(parsed))
}

/// `can't parse entities: …`.
fn unparsed(why: impl AsRef<str>) -> Refusal {
    Refusal::bad(format!("can't parse entities: {}", why.as_ref()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn kinds() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "bold",
            "italic",
            "code",
            "pre",
            "blockquote",
            "spoiler",
        ])
    }

    proptest! {
        #[test]
        fn whatever_is_taken_has_its_entities_within_its_text(
            text in "[ab🐦 \n\t<>/&;*_`\\[\\]()\\\\.\u{202e}b-]{0,24}",
            mode in prop::sample::select(vec!["", "HTML", "MarkdownV2", "Markdown"]),
            spans in prop::collection::vec((kinds(), 0_i64..12, 0_i64..12), 0..4),
        ) {
            let given = spans.into_iter().map(|(kind, offset, length)| {
                json!({ "type": kind, "offset": offset, "length": length })
            });
            if let Ok(worded) = worded(&text, mode, given.collect(), &mut Vec::new()) {
                prop_assert_eq!(worded.text.trim_end_matches([' ', '\n']), &worded.text);
                for entity in &worded.entities {
                    let (begin, end) = entities::span(entity);
                    prop_assert!(begin >= 0 && begin < end, "{:?}", worded);
                    let all = i64::try_from(units(&worded.text)).unwrap_or(0);
                    prop_assert!(end <= all, "{:?}", worded);
                }
            }
        }

        #[test]
        fn entities_are_found_in_any_text(text in ".{0,40}") {
            for entity in found(&text) {
                let (begin, end) = entities::span(&entity);
                prop_assert!(begin < end && end <= i64::try_from(units(&text)).unwrap_or(0));
            }
        }
    }
}
