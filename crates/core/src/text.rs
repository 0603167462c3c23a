//! Bounding text for the model: head and tail, and a marker that says what was cut.
//! Invariant: never splits a character, never yields more characters than asked plus the marker.
//! It must not know where the text came from.

/// Keeps at most `limit` characters of `text`: its first two thirds and its last third of them, with a
/// marker between that says how many characters were cut and ends with `hint`.
pub fn clip(text: &str, limit: usize, hint: &str) -> String {
    let count = text.chars().count();
    if count <= limit {
        return text.to_owned();
    }
    let tail = limit / 3;
    let head = limit - tail;
    let cut = count - limit;
    let head_end = byte_of_char(text, head);
    let tail_start = byte_of_char(text, count - tail);
    format!(
        "{}\n[… {cut} characters cut{hint} …]\n{}",
        &text[..head_end],
        &text[tail_start..]
    )
}

fn byte_of_char(text: &str, index: usize) -> usize {
    text.char_indices()
        .nth(index)
        .map_or(text.len(), |(byte, _)| byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_text_is_left_alone() {
        assert_eq!(clip("grüße", 5, ""), "grüße");
    }

    #[test]
    fn long_text_keeps_head_and_tail() {
        assert_eq!(
            clip("äbcdefghij", 6, "; see x"),
            "äbcd\n[… 4 characters cut; see x …]\nij"
        );
    }
}
