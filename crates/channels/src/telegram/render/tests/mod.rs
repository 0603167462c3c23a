//! What people read on Telegram, and that no text breaks the rules of its entities.

mod cards;
mod lawful;

use corvid_core::wire::{Address, DeliveryId, Ending, InputId, SessionId};
use corvid_core::{Content, Delivery, Reply};
use teloxide_core::types::MessageEntityKind;

use super::*;
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
