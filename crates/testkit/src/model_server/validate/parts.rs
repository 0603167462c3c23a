//! The parts of a message: text, and in a person's message pictures that the request holds whole.
//! Invariant: a picture that passes is one that every provider can read: its bytes are what its type says.
//! It must not know in which message a part stands, beyond who says it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::Findings;

/// The most bytes of a picture that every provider takes.
const MAX_BYTES: usize = 5_000_000;

/// Checks the parts of a message; only a person sends pictures.
pub(super) fn check(place: &str, of_a_person: bool, parts: &[Value], found: &mut Findings) {
    for (index, part) in parts.iter().enumerate() {
        let place = format!("{place}.content[{index}]");
        let Some(part) = part.as_object() else {
            found.add(format!("{place} is no object"));
            continue;
        };
        match part.get("type").and_then(Value::as_str) {
            Some("text") => {
                found.known_keys(&place, part, &["type", "text"]);
                let text = part.get("text").and_then(Value::as_str);
                if text.is_none_or(str::is_empty) {
                    found.add(format!("{place}: `text` is missing or empty"));
                }
            }
            Some("image_url") if of_a_person => {
                found.known_keys(&place, part, &["type", "image_url"]);
                match part.get("image_url").and_then(Value::as_object) {
                    Some(image) => picture(&place, image, found),
                    None => found.add(format!("{place}: `image_url` is missing or no object")),
                }
            }
            Some("image_url") => found.add(format!("{place}: only a person sends pictures")),
            kind => found.add(format!("{place}: type {kind:?} is unknown")),
        }
    }
}

fn picture(place: &str, image: &Map<String, Value>, found: &mut Findings) {
    found.known_keys(place, image, &["url", "detail"]);
    let details = ["auto", "low", "high"];
    if let Some(detail) = image.get("detail")
        && !details.iter().any(|known| detail == known)
    {
        found.add(format!("{place}: `detail` is none of {details:?}"));
    }
    let url = image.get("url").and_then(Value::as_str).unwrap_or("");
    let Some((media_type, data)) = url
        .strip_prefix("data:")
        .and_then(|url| url.split_once(";base64,"))
    else {
        found.add(format!("{place}: `url` holds no picture as base64"));
        return;
    };
    let Ok(bytes) = STANDARD.decode(data) else {
        found.add(format!("{place}: what follows `base64,` is none"));
        return;
    };
    if bytes.len() > MAX_BYTES {
        let length = bytes.len();
        found.add(format!(
            "{place}: a picture of {length} bytes; providers take {MAX_BYTES}"
        ));
    }
    if !is_a(media_type, &bytes) {
        found.add(format!("{place}: the bytes are no `{media_type}`"));
    }
}

/// Whether bytes begin as those of that type do; false for types that are not taken.
fn is_a(media_type: &str, bytes: &[u8]) -> bool {
    match media_type {
        "image/png" => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
        "image/jpeg" => bytes.starts_with(b"\xff\xd8\xff"),
        "image/gif" => bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a"),
        "image/webp" => bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check_parts(of_a_person: bool, parts: &Value, expect: &[&str]) {
        let mut found = Findings::default();
        let list = parts.as_array().map(Vec::as_slice).unwrap_or_default();
        check("m", of_a_person, list, &mut found);
        assert_eq!(found.list, expect, "{parts}");
    }

    fn url(url: impl Into<String>) -> Value {
        json!({ "type": "image_url", "image_url": { "url": url.into() } })
    }

    fn data(media_type: &str, bytes: &[u8]) -> Value {
        url(format!(
            "data:{media_type};base64,{}",
            STANDARD.encode(bytes)
        ))
    }

    #[test]
    fn a_person_says_something_and_shows_something() {
        let text = json!({ "type": "text", "text": "look" });
        let gif = data("image/gif", b"GIF89a");
        check_parts(true, &json!([text, gif]), &[]);
        check_parts(
            false,
            &json!([text, gif]),
            &["m.content[1]: only a person sends pictures"],
        );
        check_parts(
            true,
            &json!([{ "type": "text", "text": "" }, { "type": "video" }, 7]),
            &[
                "m.content[0]: `text` is missing or empty",
                "m.content[1]: type Some(\"video\") is unknown",
                "m.content[2] is no object",
            ],
        );
    }

    #[test]
    fn a_picture_is_what_it_says() {
        let check = |part: Value, expect: &str| {
            check_parts(true, &json!([part]), &[expect]);
        };
        check(
            url("https://example.org/a.png"),
            "m.content[0]: `url` holds no picture as base64",
        );
        check(
            url("data:image/png;base64,****"),
            "m.content[0]: what follows `base64,` is none",
        );
        check(
            data("image/png", b"GIF89a"),
            "m.content[0]: the bytes are no `image/png`",
        );
        check(
            data("image/webp", b"RIFF"),
            "m.content[0]: the bytes are no `image/webp`",
        );
        check(
            data("image/svg+xml", b"<svg/>"),
            "m.content[0]: the bytes are no `image/svg+xml`",
        );
        let mut large = b"GIF89a".to_vec();
        large.resize(MAX_BYTES + 1, 0);
        check(
            data("image/gif", &large),
            "m.content[0]: a picture of 5000001 bytes; providers take 5000000",
        );
    }
}
