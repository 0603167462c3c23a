//! Keys and time in, an answer out, without a terminal.

use proptest::prelude::*;

use super::*;

/// A question with an answer to each of two keys, the second with a text.
fn dialog() -> Dialog<String> {
    let ways = vec![
        Way {
            key: "y",
            words: &["yes"],
            meaning: "yes",
            then: Then::Say("yes".to_owned()),
        },
        Way {
            key: "n",
            words: &["no"],
            meaning: "no",
            then: Then::Type(Typed {
                label: "why not",
                says: Box::new(|text| (!text.is_empty()).then(|| format!("no: {text}"))),
            }),
        },
    ];
    let mut dialog = Dialog::new(ways, None);
    dialog.appear(0);
    dialog
}

/// Plays keys at their times, each followed by quiet until the next, and returns the answer a second later.
fn played(keys: &[(Millis, Key)]) -> Option<String> {
    let mut dialog = dialog();
    for (at, key) in keys {
        dialog.quiet(*at - 1);
        dialog.key(key, *at);
    }
    let last = keys.last().map_or(0, |(at, _)| *at);
    dialog.quiet(last + 1_000);
    dialog.said().cloned()
}

fn check(keys: &[(Millis, Key)], expect: Option<&str>) {
    assert_eq!(played(keys).as_deref(), expect, "{keys:?}");
}

const Y: Key = Key::Char('y');

#[test]
fn a_key_alone_decides() {
    check(&[(300, Y)], Some("yes"));
    check(&[(1_000, Key::Char('x')), (1_100, Y)], Some("yes"));
}

#[test]
fn a_key_too_early_puts_off_those_that_follow() {
    check(&[(299, Y)], None);
    check(&[(200, Y), (400, Y), (600, Y)], None);
    check(&[(200, Y), (500, Y)], Some("yes"));
}

#[test]
fn no_key_of_a_burst_decides() {
    check(&[(400, Y), (400, Y)], None);
    check(&[(400, Y), (439, Key::Char('e'))], None);
    check(&[(400, Key::Char('e')), (439, Y)], None);
    check(&[(400, Key::Paste("y".to_owned()))], None);
    check(&[(400, Key::Other), (440, Y)], Some("yes"));
}

#[test]
fn a_text_is_sent_by_the_enter_at_its_end() {
    let typed = |text: &str| Key::Paste(text.to_owned());
    let n = (400, Key::Char('n'));
    check(
        &[n.clone(), (500, typed("a")), (500, Key::Enter)],
        Some("no: a"),
    );
    check(
        &[
            n.clone(),
            (500, typed("a")),
            (510, Key::Enter),
            (520, typed("b")),
            (530, Key::Enter),
        ],
        Some("no: a\nb"),
    );
    check(&[n.clone(), (500, Key::Enter)], None);
    check(
        &[
            n.clone(),
            (500, typed("a")),
            (600, Key::Escape),
            (700, Key::Escape),
            (800, Y),
        ],
        Some("yes"),
    );
    check(
        &[
            n.clone(),
            (500, typed("a")),
            (600, Key::Control('d')),
            (700, Key::Enter),
        ],
        Some("no: a"),
    );
    check(&[n, (500, Key::Control('d')), (600, Y)], Some("yes"));
}

#[test]
fn lines_answer_by_letter_or_word() {
    for (lines, expect) in [
        (&["y"][..], Some("yes")),
        (&[" YES "], Some("yes")),
        (&["yes please"], None),
        (&["no because"], Some("no: because")),
        (&["n", "", "because"], Some("no: because")),
        (&["", "whatever"], None),
    ] {
        let mut dialog = dialog();
        dialog.line("y", 299);
        for line in lines {
            dialog.line(line, 599);
        }
        assert_eq!(dialog.said().map(String::as_str), expect, "{lines:?}");
    }
}

proptest! {
    #[test]
    fn the_prompt_fits_and_is_inert(text in any::<String>(), width in 0_usize..100, at in 299_i64..302) {
        let mut dialog = dialog();
        for way in ["menu", "text"] {
            let prompt = dialog.prompt(width, "9 min left");
            prop_assert!(console::measure_text_width(&prompt.text) <= width, "{way}: {prompt:?}");
            prop_assert!(prompt.back <= width);
            prop_assert!(!prompt.text.chars().any(corvid_core::text::acts));
            dialog.key(&Key::Char('n'), at + 300);
            dialog.quiet(at + 400);
            dialog.key(&Key::Paste(text.clone()), at + 500);
        }
    }
}
