//! Where texts are cut, and that nothing of any text is lost.

use proptest::prelude::*;

use super::*;

fn utf16(limit: usize) -> Room {
    Room {
        limit,
        unit: char::len_utf16,
    }
}

fn hold(range: Range<usize>, kind: HoldKind) -> Hold {
    Hold { range, kind }
}

fn check(text: &str, holds: &[Hold], limit: usize, expect: &[&str]) {
    let pieces = split(text, holds, utf16(limit));
    let pieces: Vec<&str> = pieces.into_iter().map(|range| &text[range]).collect();
    assert_eq!(pieces, expect);
}

#[test]
fn a_short_text_is_one_piece() {
    check("one two", &[], 7, &["one two"]);
    check("", &[], 7, &[]);
    check(" \n ", &[], 7, &[]);
}

#[test]
fn a_paragraph_ends_a_piece_before_a_line_and_a_line_before_a_word() {
    check("aa bb\n\ncc\ndd ee", &[], 12, &["aa bb", "cc\ndd ee"]);
    check("aa bb\ncc dd ee", &[], 10, &["aa bb", "cc dd ee"]);
    check("aa bb cc dd", &[], 9, &["aa bb cc", "dd"]);
}

#[test]
fn a_paragraph_that_comes_too_soon_ends_no_piece() {
    check(
        "a\n\nbbb ccc ddd eee",
        &[],
        12,
        &["a\n\nbbb ccc", "ddd eee"],
    );
}

#[test]
fn a_long_word_is_cut_between_characters() {
    check("🐦🐦🐦", &[], 4, &["🐦🐦", "🐦"]);
    check("aaae\u{301}b", &[], 4, &["aaa", "e\u{301}b"]);
    check("🐦🐦", &[], 1, &["🐦", "🐦"]);
}

#[test]
fn what_belongs_together_is_cut_only_where_it_cannot_fit() {
    let link = [hold(4..11, HoldKind::Words)];
    check("see the map now", &link, 9, &["see", "the map", "now"]);
    let long = [hold(0..11, HoldKind::Words)];
    check("aaa bbb ccc", &long, 8, &["aaa bbb", "ccc"]);
}

#[test]
fn code_that_fits_goes_whole_into_the_next_piece() {
    let code = [hold(6..13, HoldKind::Code)];
    check(
        "look:\na b\nc d\n\nend",
        &code,
        11,
        &["look:", "a b\nc d", "end"],
    );
}

#[test]
fn code_that_does_not_fit_keeps_its_blanks() {
    let code = [hold(0..22, HoldKind::Code)];
    check(
        "if a:\n    b\n\n    c\nd e",
        &code,
        14,
        &["if a:\n    b\n", "    c\nd e"],
    );
}

#[test]
fn a_hundred_thousand_holds_are_no_burden() {
    let text = "a b\n\n".repeat(100_000);
    let kinds = [HoldKind::Words, HoldKind::Code];
    let holds: Vec<Hold> = (0..100_000)
        .map(|number| hold(number * 5..number * 5 + 3, kinds[number % 2]))
        .collect();
    let pieces = split(&text, &holds, utf16(4_096));
    assert_eq!(pieces.len(), 500_000_usize.div_ceil(4_096));
}

fn visible(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

proptest! {
    #[test]
    fn nothing_is_lost_and_every_piece_fits(
        text in "([a-c]{1,9}|[ \n]{1,3}|🐦|e\u{301}|\u{200d}){0,60}",
        limit in 2_usize..40,
        bounds in proptest::collection::vec((0_usize..200, 0_usize..40, any::<bool>()), 0..5),
    ) {
        let at = |wanted: usize| (0..=wanted.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let holds: Vec<Hold> = bounds
            .iter()
            .map(|(start, length, code)| hold(
                at(*start)..at(start + length),
                if *code { HoldKind::Code } else { HoldKind::Words },
            ))
            .collect();
        let pieces = split(&text, &holds, utf16(limit));
        let joined: String = pieces.iter().map(|range| &text[range.clone()]).collect();
        prop_assert_eq!(visible(&joined), visible(&text));
        for piece in &pieces {
            prop_assert!(fits(&text[piece.clone()], utf16(limit)), "{:?}", &text[piece.clone()]);
        }
    }
}
