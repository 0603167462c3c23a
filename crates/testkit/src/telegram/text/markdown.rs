//! `parse_mode` `MarkdownV2`, and the old `Markdown`.
//! Invariant: strict: a reserved character that is not escaped is refused, as is an entity that does not end.
//! It must not know how long a text may be.

use serde_json::{Value, json};

use super::{Worded, units, unparsed};
use crate::telegram::refusal::Refusal;

/// Characters that must be escaped where they format nothing.
const RESERVED: &str = "_*[]()~`>#+-=|{}.!";

/// An entity that has begun.
struct Open {
    marker: &'static str,
    kind: &'static str,
    begin: usize,
    at: usize,
}

/// Parses `MarkdownV2`.
pub(super) fn parse(text: &str) -> Result<Worded, Refusal> {
    let markers = [
        ("||", "spoiler"),
        ("__", "underline"),
        ("_", "italic"),
        ("*", "bold"),
        ("~", "strikethrough"),
        ("[", "text_link"),
    ];
    Parser::new(text, &markers, RESERVED).parse()
}

/// Parses the old `Markdown`.
pub(super) fn parse_old(text: &str) -> Result<Worded, Refusal> {
    let markers = [("_", "italic"), ("*", "bold"), ("[", "text_link")];
    Parser::new(text, &markers, "").parse()
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    markers: &'a [(&'static str, &'static str)],
    reserved: &'static str,
    worded: Worded,
    open: Vec<Open>,
}

impl<'a> Parser<'a> {
    fn new(
        text: &'a str,
        markers: &'a [(&'static str, &'static str)],
        reserved: &'static str,
    ) -> Self {
        Self {
            text,
            at: 0,
            markers,
            reserved,
            worded: Worded::default(),
            open: Vec::new(),
        }
    }

    fn parse(mut self) -> Result<Worded, Refusal> {
        while let Some(character) = self.text[self.at..].chars().next() {
            let rest = &self.text[self.at..];
            if let Some(escaped) = rest.strip_prefix('\\').and_then(|rest| rest.chars().next())
                && escaped.is_ascii_punctuation()
            {
                self.worded.text.push(escaped);
                self.at += 2;
            } else if rest.starts_with('`') {
                self.code()?;
            } else if rest.starts_with(']') && self.top() == Some("[") {
                self.link()?;
            } else if let Some((marker, kind)) = self.marker() {
                self.mark(marker, kind);
            } else if self.reserved.contains(character) {
                return Err(unparsed(format!(
                    "Character '{character}' is reserved and must be escaped with the preceding '\\'"
                )));
            } else {
                self.worded.text.push(character);
                self.at += character.len_utf8();
            }
        }
        if let Some(left) = self.open.last() {
            return Err(cut(left.kind, left.at));
        }
        self.worded.entities.sort_by_key(|entity| {
            let (begin, end) = super::entities::span(entity);
            (begin, std::cmp::Reverse(end))
        });
        Ok(self.worded)
    }

    fn top(&self) -> Option<&'static str> {
        self.open.last().map(|open| open.marker)
    }

    fn marker(&self) -> Option<(&'static str, &'static str)> {
        let rest = &self.text[self.at..];
        let found = self
            .markers
            .iter()
            .find(|(marker, _)| rest.starts_with(marker));
        found.copied()
    }

    /// Begins an entity, or ends the one that began with the same marker.
    fn mark(&mut self, marker: &'static str, kind: &'static str) {
        let begin = units(&self.worded.text);
        if self.top() == Some(marker) && marker != "[" {
            if let Some(opened) = self.open.pop() {
                self.add(json!({ "type": kind }), opened.begin);
            }
        } else {
            let at = self.at;
            self.open.push(Open {
                marker,
                kind,
                begin,
                at,
            });
        }
        self.at += marker.len();
    }

    fn code(&mut self) -> Result<(), Refusal> {
        let rest = &self.text[self.at..];
        let fence = if rest.starts_with("```") { "```" } else { "`" };
        let kind = if fence == "`" { "code" } else { "pre" };
        let inside = &rest[fence.len()..];
        let end = inside.find(fence).ok_or_else(|| cut(kind, self.at))?;
        let mut content = &inside[..end];
        let mut entity = json!({ "type": kind });
        if let Some((language, code)) = content.split_once('\n').filter(|_| kind == "pre") {
            if !language.is_empty() && !language.contains(char::is_whitespace) {
                entity["language"] = json!(language);
                content = code;
            } else if language.is_empty() {
                content = code;
            }
        }
        let begin = units(&self.worded.text);
        self.worded
            .text
            .push_str(&content.replace("\\`", "`").replace("\\\\", "\\"));
        self.add(entity, begin);
        self.at += fence.len() * 2 + end;
        Ok(())
    }

    /// Ends the text of a link, whose address follows in parentheses.
    fn link(&mut self) -> Result<(), Refusal> {
        let rest = &self.text[self.at + 1..];
        let Some(opened) = self.open.pop() else {
            return Ok(());
        };
        let address = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
        let Some((url, _)) = address else {
            return Err(cut("text_link", opened.at));
        };
        self.at += url.len() + 3;
        self.add(
            json!({ "type": "text_link", "url": url.replace('\\', "") }),
            opened.begin,
        );
        Ok(())
    }

    fn add(&mut self, mut entity: Value, begin: usize) {
        let length = units(&self.worded.text) - begin;
        entity["offset"] = json!(begin);
        entity["length"] = json!(length);
        if length > 0 {
            self.worded.entities.push(entity);
        }
    }
}

fn cut(kind: &str, at: usize) -> Refusal {
    let name = match kind {
        "text_link" => "TextUrl".to_owned(),
        "pre" => "Pre".to_owned(),
        kind => {
            let (first, rest) = kind.split_at(1);
            first.to_ascii_uppercase() + rest
        }
    };
    unparsed(format!(
        "Can't find end of {name} entity at byte offset {at}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_become_entities() {
        let text = "*a _b_* \\. [c](http://x.y) `d`\n```rust\ne```";
        let expect = Worded {
            text: "a b . c d\ne".to_owned(),
            entities: vec![
                json!({ "type": "bold", "offset": 0, "length": 3 }),
                json!({ "type": "italic", "offset": 2, "length": 1 }),
                json!({ "type": "text_link", "url": "http://x.y", "offset": 6, "length": 1 }),
                json!({ "type": "code", "offset": 8, "length": 1 }),
                json!({ "type": "pre", "language": "rust", "offset": 10, "length": 1 }),
            ],
        };
        assert_eq!(parse(text), Ok(expect));
    }

    #[test]
    fn what_does_not_end_or_is_not_escaped_is_refused() {
        let refused = |parsed: Result<Worded, Refusal>| {
            let refusal = parsed.err().map(|refusal| refusal.description);
            refusal.unwrap_or_default()
        };
        let check = |text: &str, why: &str| {
            let expect = format!("Bad Request: can't parse entities: {why}");
            assert_eq!(refused(parse(text)), expect);
        };
        check("a *b", "Can't find end of Bold entity at byte offset 2");
        check("`b", "Can't find end of Code entity at byte offset 0");
        check(
            "a.b",
            "Character '.' is reserved and must be escaped with the preceding '\\'",
        );
        assert!(refused(parse_old("a_b")).contains("Can't find end of Italic entity"));
        assert!(parse_old("a.b").is_ok());
    }
}
