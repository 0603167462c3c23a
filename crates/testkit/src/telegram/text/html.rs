//! `parse_mode` HTML.
//! Invariant: strict: a tag that is unknown, not closed or closed in the wrong order is refused.
//! It must not know how long a text may be.

use serde_json::{Value, json};

use super::{Worded, units, unparsed};
use crate::telegram::refusal::Refusal;

/// A tag that is open.
struct Open {
    tag: String,
    entity: Value,
    begin: usize,
}

/// Parses HTML.
pub(super) fn parse(html: &str) -> Result<Worded, Refusal> {
    let mut worded = Worded::default();
    let mut open: Vec<Open> = Vec::new();
    let mut at = 0;
    while let Some(next) = html[at..].find(['<', '&']) {
        worded.text.push_str(&html[at..at + next]);
        at += next;
        let rest = &html[at..];
        if rest.starts_with('&') {
            let (character, length) = reference(rest);
            worded.text.push(character);
            at += length;
            continue;
        }
        let end = rest
            .find('>')
            .ok_or_else(|| unparsed(format!("Unclosed start tag at byte offset {at}")))?;
        let inside = &rest[1..end];
        if let Some(name) = inside.strip_prefix('/') {
            close(&mut worded, &mut open, name.trim(), at)?;
        } else {
            open.push(begin(inside, at, units(&worded.text))?);
        }
        at += end + 1;
    }
    worded.text.push_str(&html[at..]);
    if let Some(left) = open.last() {
        return Err(unparsed(format!(
            "Can't find end tag corresponding to start tag \"{}\"",
            left.tag
        )));
    }
    worded.entities.sort_by_key(|entity| {
        let (begin, end) = super::entities::span(entity);
        (begin, std::cmp::Reverse(end))
    });
    Ok(worded)
}

/// A tag that opens.
fn begin(inside: &str, at: usize, begin: usize) -> Result<Open, Refusal> {
    let name = inside.split_whitespace().next().unwrap_or_default();
    let tag = name.to_ascii_lowercase();
    let attribute = |wanted: &str| {
        let (_, rest) = inside.split_once(&format!("{wanted}="))?;
        let quote = rest.chars().next().filter(|c| ['"', '\''].contains(c))?;
        rest[1..].split(quote).next().map(str::to_owned)
    };
    let entity = match tag.as_str() {
        "b" | "strong" => json!({ "type": "bold" }),
        "i" | "em" => json!({ "type": "italic" }),
        "u" | "ins" => json!({ "type": "underline" }),
        "s" | "strike" | "del" => json!({ "type": "strikethrough" }),
        "tg-spoiler" => json!({ "type": "spoiler" }),
        "span" if attribute("class").as_deref() == Some("tg-spoiler") => {
            json!({ "type": "spoiler" })
        }
        "span" => {
            let why = format!("Tag \"span\" must have class \"tg-spoiler\" at byte offset {at}");
            return Err(unparsed(why));
        }
        "a" => attribute("href").map_or(
            Value::Null,
            |url| json!({ "type": "text_link", "url": url }),
        ),
        "code" => match attribute("class") {
            Some(class) if class.starts_with("language-") => {
                json!({ "type": "code", "language": class.trim_start_matches("language-") })
            }
            _ => json!({ "type": "code" }),
        },
        "pre" => json!({ "type": "pre" }),
        "blockquote" if inside.contains("expandable") => json!({ "type": "expandable_blockquote" }),
        "blockquote" => json!({ "type": "blockquote" }),
        _ => {
            let why = format!("Unsupported start tag \"{name}\" at byte offset {at}");
            return Err(unparsed(why));
        }
    };
    Ok(Open { tag, entity, begin })
}

/// A tag that closes.
fn close(worded: &mut Worded, open: &mut Vec<Open>, name: &str, at: usize) -> Result<(), Refusal> {
    let Some(opened) = open.pop() else {
        return Err(unparsed(format!("Unexpected end tag at byte offset {at}")));
    };
    if !name.is_empty() && !name.eq_ignore_ascii_case(&opened.tag) {
        return Err(unparsed(format!(
            "Unmatched end tag at byte offset {at}, expected \"</{}>\", found \"</{name}>\"",
            opened.tag
        )));
    }
    let length = units(&worded.text) - opened.begin;
    let mut entity = opened.entity;
    // A language is that of the `pre` around the code; alone it says nothing.
    if let (Some(outer), Some(language)) = (open.last_mut(), entity.get("language").cloned())
        && outer.tag == "pre"
        && outer.begin == opened.begin
    {
        outer.entity["language"] = language;
        return Ok(());
    }
    if let Value::Object(fields) = &mut entity {
        if fields.get("type") == Some(&json!("code")) {
            fields.remove("language");
        }
        fields.insert("offset".to_owned(), json!(opened.begin));
        fields.insert("length".to_owned(), json!(length));
        if length > 0 {
            worded.entities.push(entity);
        }
    }
    Ok(())
}

/// A character reference, and its length; an ampersand that begins none stands for itself.
fn reference(text: &str) -> (char, usize) {
    let known = [
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&amp;", '&'),
        ("&quot;", '"'),
    ];
    if let Some((name, character)) = known.iter().find(|(name, _)| text.starts_with(name)) {
        return (*character, name.len());
    }
    let numeric = text.strip_prefix("&#").and_then(|rest| {
        let (number, _) = rest.split_once(';')?;
        let code = match number.strip_prefix('x') {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        Some((char::from_u32(code)?, number.len() + 3))
    });
    numeric.unwrap_or(('&', 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(html: &str) -> String {
        let refusal = parse(html).err().map(|refusal| refusal.description);
        refusal.unwrap_or_default()
    }

    #[test]
    fn tags_become_entities() {
        let html = "🐦 <b>a <i>b</i></b> &lt;<pre><code class=\"language-rust\">x</code></pre>";
        let expect = Worded {
            text: "🐦 a b <x".to_owned(),
            entities: vec![
                json!({ "type": "bold", "offset": 3, "length": 3 }),
                json!({ "type": "italic", "offset": 5, "length": 1 }),
                json!({ "type": "pre", "language": "rust", "offset": 8, "length": 1 }),
            ],
        };
        assert_eq!(parse(html), Ok(expect));
    }

    #[test]
    fn tags_that_do_not_match_are_refused_as_the_server_does() {
        let check = |html: &str, why: &str| {
            assert_eq!(
                refused(html),
                format!("Bad Request: can't parse entities: {why}")
            );
        };
        check(
            "a <b>b",
            "Can't find end tag corresponding to start tag \"b\"",
        );
        check("a</b>", "Unexpected end tag at byte offset 1");
        check("<x>a</x>", "Unsupported start tag \"x\" at byte offset 0");
        check(
            "<b><i>a</b></i>",
            "Unmatched end tag at byte offset 7, expected \"</i>\", found \"</b>\"",
        );
    }
}
