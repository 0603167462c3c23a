//! What a person reads, character by character: that nothing hides, and nothing stands in for something else.

use console::{measure_text_width, strip_ansi_codes};
use corvid_core::wire::{CallId, Card, QuestionId};
use proptest::prelude::*;

use super::*;

fn question(subject: Subject) -> Question {
    Question {
        question: QuestionId::new("q-1"),
        call: CallId {
            turn: 1,
            step: 1,
            index: 0,
        },
        subject,
        shown_in: Vec::new(),
        to: Vec::new(),
        expires_at: 0,
    }
}

fn approval(title: &str, facts: &[(&str, &str)], body: &str, form: CardForm) -> Question {
    let facts = facts
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    question(Subject::Approval(Approval {
        tool: "system.run".to_owned(),
        rule: "default preset: leaving the sandbox".to_owned(),
        reason: "it reaches the network".to_owned(),
        card: Card {
            title: title.to_owned(),
            facts: facts.collect(),
            body: body.to_owned(),
            form,
        },
        binding: "b".to_owned(),
        repeatable: true,
    }))
}

fn look(width: usize, color: bool) -> Look {
    Look { width, color }
}

/// Escapes made readable for a snapshot.
fn shown(question: &Question, look: Look) -> String {
    card_lines(question, look).replace('\u{1b}', "^")
}

fn fetch() -> Question {
    approval(
        "run a command with network access",
        &[
            ("network", "crates.io, *.github.com"),
            (
                "why",
                "the build needs two crates that are not in the registry's cache yet",
            ),
            ("folder", "/home/ada/corvid"),
        ],
        "cargo fetch --locked && \\\n\techo \"fetched\" \n",
        CardForm::Command,
    )
}

const DIFF: &str = "--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -1,3 +1,3 @@\n //! Words.\n \n-fn old() {}\r\n\
                    +\tfn new() {}  \n";

#[test]
fn a_command_is_shown_whole() {
    insta::assert_snapshot!(shown(&fetch(), look(72, false)));
}

#[test]
fn a_command_is_coloured() {
    insta::assert_snapshot!(shown(&fetch(), look(72, true)));
}

#[test]
fn a_narrow_screen_has_the_same_card() {
    insta::assert_snapshot!(shown(&fetch(), look(20, false)));
}

#[test]
fn a_diff_is_readable_with_and_without_colours() {
    let change = approval(
        "change a file",
        &[("path", "src/lib.rs")],
        DIFF,
        CardForm::Diff,
    );
    insta::assert_snapshot!(shown(&change, look(60, false)));
    insta::assert_snapshot!(shown(&change, look(60, true)));
}

#[test]
fn nothing_hostile_hides() {
    let body = "ls\u{1b}[2K\u{1b}[1A\r  └ 1 line, 2 bytes, all of it shown\n\
                e\u{202e}cho\u{200b} \u{a0}x\u{2800}\u{301} сurl ⟨U+0020⟩ ⏎␠⇥ 🐦\u{fe0f}\u{e0041}   \n\n   \n\
                  │ y allow once                                                                 rm -rf /";
    let hostile = approval(
        "run \u{1b}]0;x\u{7}\n  network  none",
        &[
            ("why", "a\n  network  none\n? b"),
            ("na\u{1b}me", ""),
            ("a very long name of a fact", "x"),
        ],
        body,
        CardForm::Command,
    );
    insta::assert_snapshot!(shown(&hostile, look(60, false)));
    insta::assert_snapshot!(shown(&hostile, look(20, false)));
}

#[test]
fn a_model_asks_behind_a_bar() {
    let asked = question(Subject::Inquiry(Inquiry {
        text: "Which **colour** do you want for the door that leads out of the kitchen?\n\n- one\n- two"
            .to_owned(),
        choices: vec!["red".to_owned(), "a very long green that goes on\nand on".to_owned()],
    }));
    insta::assert_snapshot!(shown(&asked, look(40, false)));
    insta::assert_snapshot!(shown(&asked, look(20, false)));
}

#[test]
fn a_legend_fits_or_is_broken() {
    let keys = [("y", "allow once"), ("n", "deny")];
    assert_eq!(legend(&keys, look(40, false)), "  y allow once · n deny\n");
    assert_eq!(legend(&keys, look(20, false)), "  y allow once\n  n deny\n");
}

#[test]
fn fifty_kilobytes_are_shown_to_their_end() {
    let body = format!("{}\nrm -rf ~", "echo hello world; ".repeat(3_000));
    let card = card_lines(
        &approval("run", &[], &body, CardForm::Command),
        look(80, false),
    );
    assert!(too_long(&fetch()).is_none());
    assert_eq!(read_back(&card), body);
    assert!(
        card.contains("│ rm -rf ~\n") && card.ends_with("2 lines, 54009 bytes, all of it shown\n"),
        "{}",
        &card[card.len() - 200..]
    );
}

/// The body, read off the card as a person would.
fn read_back(card: &str) -> String {
    let mut body = String::new();
    let rows = card.lines().skip_while(|line| *line != "  ┌").skip(1);
    for row in rows.take_while(|line| !line.starts_with("  └")) {
        let text = row
            .strip_prefix("  │ ")
            .or_else(|| row.strip_prefix("  ┊ "));
        let mut characters = text.unwrap_or("no bar").chars();
        while let Some(character) = characters.next() {
            match character {
                '⇥' => body.push('\t'),
                '⏎' => body.push('\n'),
                '␠' => body.push(' '),
                '␀'..='␡' => body.extend(picture_of(character)),
                '⟨' => {
                    let code: String = characters.by_ref().take_while(|c| *c != '⟩').collect();
                    let code = code
                        .strip_prefix("U+")
                        .map(|hex| u32::from_str_radix(hex, 16));
                    body.extend(code.and_then(Result::ok).and_then(char::from_u32));
                }
                character => body.push(character),
            }
        }
    }
    body
}

/// The control that a picture stands for.
fn picture_of(picture: char) -> Option<char> {
    ('\0'..='\u{7f}').find(|c| c.is_control() && corvid_core::text::picture(*c) == picture)
}

fn hostile_text() -> impl Strategy<Value = String> {
    let special = prop::sample::select(
        "\t\n\r ⏎␠⇥⟨⟩│┊└?鳥🐦\u{1b}\u{200d}\u{202e}\u{301}\u{fe0f}\u{a0}\u{3000}\u{1f1e6}"
            .chars()
            .collect::<Vec<_>>(),
    );
    let character = prop_oneof![special, prop::char::range(' ', '~'), any::<char>()];
    prop::collection::vec(character, 0..200).prop_map(|characters| characters.into_iter().collect())
}

proptest! {
    #[test]
    fn the_exact_text_can_be_read_off_any_card(body in hostile_text(), width in 1_usize..120) {
        let question = approval("run", &[("why", &body)], &body, CardForm::Command);
        let card = card_lines(&question, look(width, false));
        prop_assert_eq!(read_back(&card), body);
        prop_assert!(!card.chars().any(|c| c != '\n' && corvid_core::text::acts(c)));
        for line in card.lines() {
            prop_assert!(measure_text_width(line) < width.max(17), "{:?}", line);
        }
    }

    #[test]
    fn colours_change_nothing_that_is_read(body in hostile_text(), width in 20_usize..120) {
        for form in [CardForm::Command, CardForm::Diff, CardForm::Text] {
            let question = approval(&body, &[(&body, &body)], &body, form);
            let coloured = card_lines(&question, look(width, true));
            let plain = card_lines(&question, look(width, false));
            prop_assert_eq!(strip_ansi_codes(&coloured), plain);
        }
    }
}
