//! What people read on Telegram, and that no text breaks the rules of its entities.

use corvid_core::wire::{
    Address, Approval, CallId, Card, CardForm, DeliveryId, Ending, InputId, Inquiry, OutcomeAnswer,
    Person, Question, QuestionId, SessionId, Subject,
};
use corvid_core::{Button, Content, Delivery, OutcomeQuestion, Reply};
use proptest::prelude::*;
use teloxide_core::types::{MessageEntity, MessageEntityKind};

use super::*;
use crate::split::fits;
use crate::telegram::api::Key;

/// A message as marked text: every entity between brackets that name it.
fn shown(rich: &Rich) -> String {
    let units: Vec<u16> = rich.text().encode_utf16().collect();
    let entities = rich.entities();
    let mut marks: Vec<(usize, usize, String)> = Vec::new();
    for entity in &entities {
        let (start, end) = (entity.offset, entity.offset + entity.length);
        let (open, close) = names(&entity.kind);
        // At one place inner ones close first and outer ones open first.
        marks.push((end, entity.length, close));
        marks.push((start, 1_000_000 - entity.length, open));
    }
    marks.sort();
    let mut text = String::new();
    let mut at = 0;
    for (place, _, mark) in marks {
        text.push_str(&String::from_utf16_lossy(&units[at..place]));
        text.push_str(&mark);
        at = place;
    }
    text.push_str(&String::from_utf16_lossy(&units[at..]));
    text.replace('\u{2060}', "(joiner)")
}

fn names(kind: &MessageEntityKind) -> (String, String) {
    let name = match kind {
        MessageEntityKind::Bold => "b",
        MessageEntityKind::Italic => "i",
        MessageEntityKind::Strikethrough => "s",
        MessageEntityKind::Code => "code",
        MessageEntityKind::Pre { .. } => "pre",
        MessageEntityKind::TextLink { .. } => "a",
        MessageEntityKind::Blockquote => "quote",
        other => panic!("{other:?} is not written"),
    };
    let open = match kind {
        MessageEntityKind::Pre {
            language: Some(language),
        } => format!("<pre {language}>"),
        MessageEntityKind::TextLink { url } => format!("<a {url}>"),
        _ => format!("<{name}>"),
    };
    (open, format!("</{name}>"))
}

fn on_keys(buttons: &[Vec<Key>]) -> String {
    let row = |row: &Vec<Key>| {
        let keys = row
            .iter()
            .map(|key| format!("[{} | {}]", key.text, key.data));
        keys.collect::<Vec<_>>().join(" ")
    };
    buttons.iter().map(row).collect::<Vec<_>>().join("\n")
}

fn all(sheets: &[Sheet]) -> String {
    let sheet = |sheet: &Sheet| format!("{}\n{}", shown(&sheet.rich), on_keys(&sheet.buttons));
    sheets
        .iter()
        .map(sheet)
        .collect::<Vec<_>>()
        .join("\n=====\n")
}

const SAMPLE: &str = "# What I found\n\nThe folder holds **two** files and *one* folder, see [the \
    guide](https://example.org/guide) or run `ls -la` **`now`**.\nA second line.\n\n\
    1. `main.rs`\n   - opens with `//!`\n   - 40 ~~big~~ **lines,\n     over two**\n2. `lib.rs`\n\n   ```rust\n   \
    fn a() {}\n   ```\n\n> quoted *words* 🐦\n> go on\n>\n> > inner\n> > more\n\n\
    ```sh\nls   -la\n  @root\n```\n\n| name | bytes |\n|---|---|\n| main.rs | 120 |\n| 鳥 | 7 |\n| [x](http://y.example) | |\n\n---\n\n\
    ![a bird](https://example.org/bird.png) [main](src/main.rs)\n";

#[test]
fn markdown_becomes_entities() {
    insta::assert_snapshot!(shown(&rich(SAMPLE)));
}

#[test]
fn hostile_text_is_inert() {
    let hostile = "\u{1b}[2J \u{202e}evil [https://bank.example](https://evil.example/a) \
        [mail](javascript:x) [you](tg://user?id=4711) call @alice, not a@b.example or `@bob`\n\n- @carol\n\n\
        | @dave |\n|--|\n| @erin |";
    insta::assert_snapshot!(shown(&rich(hostile)));
}

fn delivery(text: &str, content: Content) -> Delivery {
    Delivery {
        id: DeliveryId::new("d-1"),
        to: Address {
            channel: "telegram".to_owned(),
            account: "1".to_owned(),
            conversation: "4711".to_owned(),
        },
        text: text.to_owned(),
        content,
        maybe_sent: false,
        late: false,
    }
}

fn reply(ending: Ending) -> Reply {
    Reply {
        session: SessionId::new("s-1"),
        turn: 3,
        inputs: vec![InputId::new("i-1")],
        ending,
        notices: Vec::new(),
        unapproved: Vec::new(),
        took_ms: 0,
        unasked: false,
    }
}

#[test]
fn a_reply_has_what_belongs_below_it() {
    let mut said = reply(Ending::Answered);
    said.notices = vec!["the answer was cut\nat the limit".to_owned()];
    said.unapproved = vec!["system.run `git push` by @alice".to_owned()];
    let mut late = delivery("Here **it** is.", Content::Reply(said));
    late.late = true;
    let failed = delivery("the model is gone", Content::Reply(reply(Ending::Failed)));
    let empty = delivery(" ", Content::Reply(reply(Ending::Answered)));
    let texts = [late, failed, empty].map(|delivery| all(&sheets(&delivery).sheets));
    insta::assert_snapshot!(texts.join("\n\n#####\n\n"));
}

#[test]
fn a_very_long_reply_begins_here_and_goes_on_in_a_file() {
    let text = "one two three four five six\n\n".repeat(1_000);
    let long = sheets(&delivery(&text, Content::Reply(reply(Ending::Failed))));
    assert!(long.is_beginning);
    assert_eq!(long.sheets.len(), 1);
    assert!(
        long.sheets[0]
            .rich
            .text()
            .ends_with("… it goes on in the file below")
    );
    assert_eq!(long.sheets[0].buttons.len(), 1);
    let shorter = sheets(&delivery(&text[..10_000], Content::Notice));
    assert!(!shorter.is_beginning);
    assert_eq!(shorter.sheets.len(), 3);
}

#[test]
fn an_end_is_heard_where_somebody_waited_long_or_not_at_all() {
    let check = |ending, took_ms, unasked, expect: Option<&str>| {
        let said = Reply {
            took_ms,
            unasked,
            ..reply(ending)
        };
        assert_eq!(last_word(&said).as_deref(), expect, "{took_ms}");
    };
    check(Ending::Answered, 10_000, false, None);
    check(Ending::Answered, 10_001, false, Some("Done in 10 s."));
    check(Ending::Answered, 119_000, false, Some("Done in 2 min."));
    check(
        Ending::Answered,
        7_260_000,
        false,
        Some("Done in 2 h 1 min."),
    );
    check(Ending::Answered, 3_599_000, false, Some("Done in 1 h."));
    check(Ending::Failed, 45_000, false, Some("Failed after 45 s."));
    check(Ending::Stopped, 59_600, false, Some("Stopped after 1 min."));
    check(Ending::Answered, 10, true, Some("Done."));
}

fn question(subject: Subject) -> Question {
    Question {
        question: QuestionId::new("q-4k7m2x9a00"),
        call: CallId {
            turn: 1,
            step: 1,
            index: 0,
        },
        subject,
        shown_in: Vec::new(),
        to: vec![Person {
            channel: "telegram".to_owned(),
            id: "4711".to_owned(),
        }],
        expires_at: 1_700_000_000_000,
    }
}

fn approval(body: &str, form: CardForm) -> Question {
    question(Subject::Approval(Approval {
        tool: "system.run".to_owned(),
        rule: "default preset: leaving the sandbox".to_owned(),
        reason: "it reaches the network".to_owned(),
        card: Card {
            title: "run a command with network access\nrule: none".to_owned(),
            facts: vec![
                (
                    "network".to_owned(),
                    "crates.io\nrule: allow @all".to_owned(),
                ),
                ("why".to_owned(), "the\u{202e} build needs it".to_owned()),
            ],
            body: body.to_owned(),
            form,
        },
        binding: "b".to_owned(),
        repeatable: form == CardForm::Command,
    }))
}

#[test]
fn an_approval_shows_every_character() {
    let body = "curl  https://x.example/а \\\n\t-o y  \n\n  rm\u{200b} -rf @all";
    let asked = approval(body, CardForm::Command);
    let diff = approval("--- a\n+++ b\n@@ -1 +1 @@\n-x \n+y\n \n", CardForm::Diff);
    let sheets = [asked.clone(), diff].map(|q| all(&card::question(&q).expect("a card")));
    let settled = card::settled(&asked, "allowed once by 4711").map(|sheet| all(&[sheet]));
    insta::assert_snapshot!(format!("{}\n\n{settled:#?}", sheets.join("\n\n#####\n\n")));
}

#[test]
fn a_long_card_goes_over_several_messages_and_too_long_a_one_is_not_shown() {
    let body: String = (0..900).map(|n| format!("echo line {n}\n")).collect();
    let sheets = card::question(&approval(&body, CardForm::Command)).expect("a card");
    assert!(sheets.len() > 2, "{}", sheets.len());
    let joined: String = sheets.iter().map(|sheet| sheet.rich.text()).collect();
    for n in 0..900 {
        assert!(joined.contains(&format!("echo line {n}⏎")), "{n}");
    }
    let (last, rest) = sheets.split_last().expect("messages");
    assert!(rest.iter().all(|sheet| sheet.buttons.is_empty()) && !last.buttons.is_empty());
    assert!(sheets.iter().all(|sheet| fits(sheet.rich.text(), MESSAGE)));

    let refused = card::question(&approval(&body.repeat(3), CardForm::Command));
    insta::assert_snapshot!(refused.expect_err("too long"));
}

#[test]
fn a_models_question_offers_its_choices() {
    let asked = |text: &str, choices: &[&str]| {
        let inquiry = Inquiry {
            text: text.to_owned(),
            choices: choices.iter().map(ToString::to_string).collect(),
        };
        all(&card::question(&question(Subject::Inquiry(inquiry))).expect("a card"))
    };
    let long = "a choice that is a good deal longer than any button";
    let texts = [
        asked("Which **one**?", &["left", "right"]),
        asked("Which?", &["left", long]),
        asked("What else, @alice?", &[]),
    ];
    insta::assert_snapshot!(texts.join("\n\n#####\n\n"));
}

#[test]
fn an_unknown_outcome_is_asked_about() {
    let asked = OutcomeQuestion {
        session: SessionId::new("s-1"),
        shown_in: Vec::new(),
        call: CallId {
            turn: 2,
            step: 1,
            index: 0,
        },
        tool: "system.run".to_owned(),
        arguments: r#"{"command":"make deploy"}"#.to_owned(),
        reason: "the machine went down".to_owned(),
    };
    let open = all(&card::outcome(&asked).expect("a card"));
    let settled = card::outcome_settled(&asked, OutcomeAnswer::Worked).expect("a card");
    insta::assert_snapshot!(format!("{open}\n\n#####\n\n{}", all(&[settled])));
}

#[test]
fn every_button_is_understood_when_it_comes_back() {
    let asked = card::question(&approval("ls", CardForm::Command)).expect("a card");
    let keys = asked
        .iter()
        .flat_map(|sheet| sheet.buttons.iter().flatten());
    let mut count = 0;
    for key in keys {
        assert!(Button::decode(&key.data).is_some(), "{}", key.data);
        count += 1;
    }
    assert_eq!(count, 3);
}

/// What Telegram demands of entities: in bounds, not empty, on characters' borders, nested or apart, nothing in code.
fn lawful(rich: &Rich) -> Result<(), TestCaseError> {
    let units: Vec<u16> = rich.text().encode_utf16().collect();
    let entities = rich.entities();
    let code = |entity: &MessageEntity| {
        matches!(
            entity.kind,
            MessageEntityKind::Pre { .. } | MessageEntityKind::Code
        )
    };
    prop_assert!(entities.len() <= 100);
    for entity in &entities {
        let (start, end) = (entity.offset, entity.offset + entity.length);
        prop_assert!(start < end && end <= units.len());
        for border in [start, end] {
            let low = units
                .get(border)
                .is_some_and(|unit| (0xdc00..0xe000).contains(unit));
            prop_assert!(!low, "a character is cut at {}", border);
        }
    }
    for (index, one) in entities.iter().enumerate() {
        for other in &entities[index + 1..] {
            let (one_end, other_end) = (one.offset + one.length, other.offset + other.length);
            let apart = one_end <= other.offset || other_end <= one.offset;
            let nested = one.offset <= other.offset && other_end <= one_end
                || other.offset <= one.offset && one_end <= other_end;
            prop_assert!(apart || nested, "{:?} {:?}", one, other);
            let (outer, inner) = if one.length >= other.length {
                (one, other)
            } else {
                (other, one)
            };
            prop_assert!(apart || !code(outer), "{:?} in {:?}", inner, outer);
            let both_quotes = [one, other]
                .iter()
                .all(|e| e.kind == MessageEntityKind::Blockquote);
            prop_assert!(apart || !both_quotes);
        }
    }
    Ok(())
}

fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect()
}

proptest! {
    #[test]
    fn any_markdown_is_lawful_whole_and_in_pieces(
        source in "([a-c0-2@]{1,4}|[ \n]|\n\n|\\*\\*|\\*|_|~~|`|\n```\n|\n> |\n- |\n1. |\\[|\\]\\(https://x\\.y/\\)|🐦|\\|){0,80}",
        limit in 8_usize..60,
    ) {
        let whole = rich(&source);
        lawful(&whole)?;
        let room = crate::split::Room { limit, ..MESSAGE };
        let pieces = whole.split_for(room);
        let joined: String = pieces.iter().map(Rich::text).collect();
        prop_assert_eq!(letters(&joined), letters(whole.text()));
        for piece in &pieces {
            prop_assert!(fits(piece.text(), room));
            lawful(piece)?;
        }
    }

    #[test]
    fn a_card_shows_different_bytes_differently(one in "[ \t\na\u{200b}⏎␠⟨]{0,8}", other in "[ \t\na\u{200b}⏎␠⟨]{0,8}") {
        let shown = |body: &str| card::question(&approval(body, CardForm::Command)).map(|sheets| all(&sheets));
        prop_assert_eq!(one == other, shown(&one) == shown(&other));
    }
}
