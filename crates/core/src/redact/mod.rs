//! Taking secrets out of text: exact values and the forms in which they usually travel (base64, URL, hex, JSON).
//! Base64 and hex are also found when broken over lines, as `base64` and `xxd -p` break them.
//! Invariant: a hit is replaced whole by `[redacted:NAME]`, and how a stream is cut changes nothing of what comes out.
//! It must not know where a secret comes from, nor where the text goes. It is no boundary: whoever can run code can
//! write a secret in a form of their own (reversed, say); what must not leak must not be readable.

mod finder;
mod forms;
mod lines;
mod spelling;
mod stream;

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::Secret;
use crate::wire::EventBody;
use forms::Forms;

pub use stream::RedactStream;

/// What every mark begins with.
pub const MARK: &str = "[redacted";

/// The shortest value that is looked for, in characters: shorter ones would be found in innocent text.
const SHORTEST: usize = 16;

/// Whether text holds what stands in place of a secret. What is written from such text would destroy the secret.
pub fn is_marked(text: &str) -> bool {
    text.contains(MARK)
}

/// Takes secrets out of text. What it looks for is worked out at the first use; without secrets it costs nothing.
#[derive(Default)]
pub struct Redactor {
    secrets: Vec<(String, Secret)>,
    forms: OnceLock<Arc<Forms>>,
}

impl Redactor {
    /// Takes out these values, each with the name that stands in its place. Space around a value does not count,
    /// and values under 16 characters are not looked for.
    pub fn new(secrets: impl IntoIterator<Item = (String, Secret)>) -> Self {
        let secrets = secrets.into_iter().filter_map(|(name, secret)| {
            let value = secret.expose().trim();
            (value.chars().count() >= SHORTEST).then(|| (name, Secret::new(value)))
        });
        Self {
            secrets: secrets.collect(),
            forms: OnceLock::new(),
        }
    }

    /// Whether there is nothing to take out.
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// The names and values, for another process that takes them out.
    pub fn values(&self) -> Vec<(String, Secret)> {
        self.secrets.clone()
    }

    /// The text without secrets.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.is_empty() {
            return Cow::Borrowed(text);
        }
        self.forms().replace(text)
    }

    /// Takes the secrets out of every text of a journal entry that somebody wrote.
    pub fn event(&self, body: &mut EventBody) {
        if self.is_empty() {
            return;
        }
        body.texts_mut(&mut |text| {
            if let Cow::Owned(without) = self.text(text) {
                *text = without;
            }
        });
    }

    /// The beginning of a stream of bytes.
    pub fn stream(&self) -> RedactStream {
        RedactStream::new((!self.is_empty()).then(|| Arc::clone(self.forms())))
    }

    fn forms(&self) -> &Arc<Forms> {
        self.forms
            .get_or_init(|| Arc::new(Forms::new(&self.secrets)))
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.secrets.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_tuple("Redactor").field(&names).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk-proj/Zm9v+bar?9Q==x~y";

    fn redactor(secrets: &[(&str, &str)]) -> Redactor {
        Redactor::new(
            secrets
                .iter()
                .map(|(name, value)| ((*name).to_owned(), Secret::new(*value))),
        )
    }

    #[test]
    fn a_value_gives_way_to_its_name() {
        let redactor = redactor(&[("API_KEY", KEY)]);
        let check = |text: &str, expect: &str| assert_eq!(redactor.text(text), expect);
        check("nothing here", "nothing here");
        check(
            &format!("key={KEY}, key={KEY}"),
            "key=[redacted:API_KEY], key=[redacted:API_KEY]",
        );
        check(&format!("ü{KEY}ü"), "ü[redacted:API_KEY]ü");
        assert!(matches!(redactor.text("nothing"), Cow::Borrowed(_)));
        assert!(is_marked(&redactor.text(KEY)));
        assert!(!is_marked("redacted"));
    }

    #[test]
    fn short_values_and_the_space_around_values_do_not_count() {
        let redactor = redactor(&[
            ("SHORT", "fifteen-letters"),
            ("UMLAUTS", "ääääääää"),
            ("LINE", "  sixteen-letters!\n"),
        ]);
        assert_eq!(
            redactor.text("fifteen-letters ääääääää sixteen-letters!"),
            "fifteen-letters ääääääää [redacted:LINE]"
        );
        let values = redactor.values();
        assert_eq!(
            values,
            [("LINE".to_owned(), Secret::new("sixteen-letters!"))]
        );
        assert!(Redactor::default().is_empty());
        assert_eq!(Redactor::default().text(KEY), KEY);
    }

    #[test]
    fn base64_and_hex_are_found_across_line_breaks() {
        let redactor = redactor(&[("API_KEY", KEY)]);
        let base64 = "c2stcHJvai9abTl2K2Jhcj85UT09eH55";
        let hex = "736b2d70726f6a2f5a6d39762b6261723f39513d3d787e79";
        for form in [base64, hex, &hex.to_uppercase()] {
            let cut = |at: usize, by: &str| format!("{}{by}{}", &form[..at], &form[at..]);
            let indented = format!("\n{}", " ".repeat(32));
            for by in ["\n", "\r\n", "\n    ", "\r\n\t ", &indented] {
                for at in 1..form.len() {
                    let text = format!("so: {} it is", cut(at, by));
                    assert_eq!(redactor.text(&text), "so: [redacted:API_KEY] it is");
                }
                let every: Vec<String> = form.chars().map(String::from).collect();
                let text = format!("word\n{}\nword", every.join(by));
                assert_eq!(redactor.text(&text), "word\n[redacted:API_KEY]\nword");
            }
            // What no encoder writes within a line is not a break.
            let far = format!("{indented} ");
            for by in ["\n\n", "\r", " ", " \n", "\n.", "\n\r", &far] {
                let text = cut(9, by);
                assert_eq!(redactor.text(&text), text);
            }
        }
        let text = format!("{}\n{}", &KEY[..9], &KEY[9..]);
        assert_eq!(redactor.text(&text), text, "a value as it is");
    }

    #[test]
    fn hits_with_and_without_line_breaks_take_turns() {
        let redactor = redactor(&[("API_KEY", KEY)]);
        let broken = "c2stcHJvai9abTl2K2\nJhcj85UT09eH55";
        let text = format!("{KEY}\n{broken}\n{broken}\n{KEY} {broken}{broken}\nend");
        let mark = "[redacted:API_KEY]";
        assert_eq!(
            redactor.text(&text),
            format!("{mark}\n{mark}\n{mark}\n{mark} {mark}{mark}\nend")
        );
    }

    #[test]
    fn the_longest_of_several_values_is_taken() {
        let long = format!("{KEY}-and-more");
        let redactor = redactor(&[("PART", KEY), ("WHOLE", &long)]);
        assert_eq!(redactor.text(&long), "[redacted:WHOLE]");
        assert_eq!(
            redactor.text(&format!("{KEY}-and-less")),
            "[redacted:PART]-and-less"
        );
    }

    #[test]
    fn debug_shows_names_alone() {
        let shown = format!("{:?}", redactor(&[("API_KEY", KEY)]));
        assert_eq!(shown, r#"Redactor(["API_KEY"])"#);
    }

    #[test]
    fn a_journal_entry_loses_its_secrets() {
        let mut body = EventBody::DeliveryFailed {
            delivery: crate::wire::DeliveryId::new("d-1"),
            reason: format!("refused with {KEY}"),
        };
        redactor(&[("API_KEY", KEY)]).event(&mut body);
        assert_eq!(
            body,
            EventBody::DeliveryFailed {
                delivery: crate::wire::DeliveryId::new("d-1"),
                reason: "refused with [redacted:API_KEY]".to_owned(),
            }
        );
    }
}
