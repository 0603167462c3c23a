//! Taking secrets out of bytes that come in pieces.
//! Invariant: what comes out is the same however the input is cut; held back is only what may be the beginning of
//! a hit, and never as much as the longest form with all the breaks that it may have.
//! It must not know where the bytes come from.

use std::sync::Arc;

use super::forms::Forms;

/// A stream of bytes from which secrets are taken out.
pub struct RedactStream {
    /// None if there is nothing to take out.
    forms: Option<Arc<Forms>>,
    held: Vec<u8>,
}

impl RedactStream {
    pub(super) fn new(forms: Option<Arc<Forms>>) -> Self {
        Self {
            forms,
            held: Vec::new(),
        }
    }

    /// Takes the next bytes and gives those that are settled.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let Some(forms) = &self.forms else {
            return bytes.to_vec();
        };
        self.held.extend_from_slice(bytes);
        let mut settled = Vec::with_capacity(self.held.len());
        let mut at = 0;
        let mut open = forms.unfinished(&self.held, at);
        for hit in forms.hits(&self.held) {
            // A hit that begins before anything unfinished can neither grow nor be preceded any more.
            if hit.start >= open {
                break;
            }
            settled.extend_from_slice(&self.held[at..hit.start]);
            settled.extend_from_slice(hit.mark.as_bytes());
            at = hit.end;
            if open < at {
                open = forms.unfinished(&self.held, at);
            }
        }
        settled.extend_from_slice(&self.held[at..open]);
        self.held.drain(..open);
        settled
    }

    /// Gives what was held back: nothing more is to come.
    pub fn finish(self) -> Vec<u8> {
        let Some(forms) = &self.forms else {
            return Vec::new();
        };
        let mut settled = Vec::with_capacity(self.held.len());
        let mut at = 0;
        for hit in forms.hits(&self.held) {
            settled.extend_from_slice(&self.held[at..hit.start]);
            settled.extend_from_slice(hit.mark.as_bytes());
            at = hit.end;
        }
        settled.extend_from_slice(&self.held[at..]);
        settled
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::Secret;
    use crate::redact::{Redactor, spelling};

    /// Values that begin with each other, repeat themselves, and need escaping, so that hits compete.
    const VALUES: [&str; 5] = [
        "abababababababab",
        "ababababababababab-longer",
        "babababababababa\n\"/ä",
        "aaaaaaaaaaaaaaaab",
        "the one at the end of 5",
    ];

    fn redactor() -> Redactor {
        Redactor::new(VALUES.iter().enumerate().map(|(index, value)| {
            let name = format!("NAME_{index}");
            (name, Secret::new(*value))
        }))
    }

    /// Text in which values, their beginnings and their ends stand side by side.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            (0..VALUES.len(), 0..26_usize, 0..26_usize).prop_map(|(value, from, to)| {
                let whole = VALUES[value].chars();
                whole.skip(from / 3).take(to).collect::<String>()
            }),
            (0..VALUES.len()).prop_map(|value| VALUES[value].to_owned()),
            (0..VALUES.len()).prop_map(|value| serde_json::json!(VALUES[value]).to_string()),
            (encoded(), 0..80_usize)
                .prop_map(|(text, cut)| { text.chars().take(cut).collect::<String>() }),
            encoded(),
            "[abä -]{0,6}",
            "[\r\n \t]{0,3}",
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    /// A value in base64 or hex, broken into lines.
    fn encoded() -> impl Strategy<Value = String> {
        let by = prop::sample::select(vec!["\n", "\r\n", "\n  ", "\r\n\t", "\n      "]);
        (
            0..VALUES.len(),
            any::<prop::sample::Index>(),
            1..50_usize,
            by,
        )
            .prop_map(|(value, form, width, by)| {
                let forms = spelling::breakable(VALUES[value]);
                let lines: Vec<_> = form.get(&forms).chunks(width).collect();
                let lines = lines.iter().map(|line| String::from_utf8_lossy(line));
                lines.collect::<Vec<_>>().join(by)
            })
    }

    /// Without the blanks and line breaks.
    fn squeezed(text: &str) -> String {
        text.split_ascii_whitespace().collect()
    }

    proptest! {
        #[test]
        fn nothing_of_a_broken_form_is_left(before in "[a-z]{0,9}\n?", text in encoded()) {
            let redacted = redactor().text(&format!("{before}{text}\n.")).into_owned();
            prop_assert!(redacted.contains(crate::redact::MARK), "{redacted}");
            prop_assert!(!squeezed(&redacted).contains(&squeezed(&text)), "{redacted}");
        }

        #[test]
        fn how_a_stream_is_cut_changes_nothing(
            text in text(),
            sizes in prop::collection::vec(1..40_usize, 1..20),
        ) {
            let redactor = redactor();
            let whole = redactor.text(&text).into_owned();
            let mut stream = redactor.stream();
            let mut out = Vec::new();
            let mut rest = text.as_bytes();
            for size in sizes.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, after) = rest.split_at((*size).min(rest.len()));
                out.extend(stream.push(piece));
                prop_assert!(stream.held.len() < stream.forms.as_ref().map_or(0, |forms| forms.longest()));
                rest = after;
            }
            out.extend(stream.finish());
            prop_assert_eq!(String::from_utf8(out), Ok(whole.clone()));
            for value in VALUES {
                prop_assert!(!whole.contains(value));
            }
        }
    }

    #[test]
    fn only_what_may_be_a_beginning_is_held_back() {
        let redactor = redactor();
        let mut stream = redactor.stream();
        assert_eq!(stream.push(b"plain text, the one"), b"plain text, ");
        assert_eq!(stream.push(b" at last, "), b"the one at last, ");
        assert_eq!(stream.push(b"the one at the end of"), b"");
        assert_eq!(stream.push(b" 5."), b"[redacted:NAME_4].");
        assert_eq!(stream.push(b"ab"), b"");
        assert_eq!(stream.finish(), b"ab");
    }

    #[test]
    fn the_beginning_of_a_broken_form_is_held_back() {
        let redactor = redactor();
        let mut stream = redactor.stream();
        assert_eq!(stream.push(b"see\r"), b"see\r");
        assert_eq!(stream.push(b"\n74686520\r"), b"\n");
        assert_eq!(stream.push(b"\n  6f6e65206174207468"), b"");
        assert_eq!(stream.push(b"\n"), b"");
        assert_eq!(stream.push(b"  "), b"");
        assert_eq!(
            stream.push(b"6520656e64206f662035\n"),
            b"[redacted:NAME_4]\n"
        );
        assert_eq!(stream.push(b"746865\n"), b"");
        assert_eq!(stream.push(b"\n"), b"746865\n\n");
        assert_eq!(stream.finish(), b"");
    }

    #[test]
    fn without_secrets_everything_passes_at_once() {
        let mut stream = Redactor::default().stream();
        assert_eq!(stream.push(b"the one at"), b"the one at");
        assert_eq!(stream.finish(), b"");
    }
}
