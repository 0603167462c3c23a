//! What changed in a file, as a person and a model like to see it: a unified diff, or only its size.
//! Invariant: short, whatever the files are.
//! It must not know why the file changed.

use similar::{ChangeTag, TextDiff};

use crate::display::visible;

/// The longest diff that is shown, in characters.
const SHOWN_CHARS: usize = 2_000;

/// The largest content that is compared, in bytes; finding the difference takes time.
const COMPARED: usize = 256 * 1024;

/// Lines shown around a change.
const CONTEXT: usize = 2;

/// How much time finding the difference may take; after that it is only roughly the smallest.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(200);

/// One line that counts, and the diff below it where that is short.
pub(crate) fn describe(before: &[u8], after: &[u8]) -> String {
    let comparable = before.len().max(after.len()) <= COMPARED;
    let (Ok(before_text), Ok(after_text), true) = (
        std::str::from_utf8(before),
        std::str::from_utf8(after),
        comparable,
    ) else {
        return format!("{} bytes before, {} now", before.len(), after.len());
    };
    let diff = TextDiff::configure()
        .timeout(PATIENCE)
        .diff_lines(before_text, after_text);
    let count = |tag| {
        diff.iter_all_changes()
            .filter(|change| change.tag() == tag)
            .count()
    };
    let (added, removed) = (count(ChangeTag::Insert), count(ChangeTag::Delete));
    let shown = diff.unified_diff().context_radius(CONTEXT).to_string();
    let summary = format!("lines: +{added} -{removed}");
    if shown.chars().count() > SHOWN_CHARS {
        return summary;
    }
    // Line ends are the file's own affair.
    let shown = shown.trim_end().replace("\r\n", "\n");
    format!("{summary}\n{}", visible(&shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_change_is_shown_and_a_large_one_counted() {
        assert_eq!(
            describe(b"a\nb\nc\nd\ne\n", b"a\nb\nX\nd\ne\n"),
            "lines: +1 -1\n@@ -1,5 +1,5 @@\n a\n b\n-c\n+X\n d\n e"
        );
        let long = "line of text\n".repeat(1_000);
        assert_eq!(describe(b"", long.as_bytes()), "lines: +1000 -0");
        assert_eq!(describe(b"\xff", b"ab"), "1 bytes before, 2 now");
    }
}
