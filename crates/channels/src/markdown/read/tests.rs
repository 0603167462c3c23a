//! What markdown is read as, and that hostile sources stay bounded and inert.

use proptest::prelude::*;

use super::*;

fn plain(text: &str) -> Span {
    Span {
        text: text.to_owned(),
        face: Face::default(),
        link: None,
    }
}

fn depth(blocks: &[Block]) -> usize {
    let inner = |block: &Block| match block {
        Block::Quote(blocks) => 1 + depth(blocks),
        Block::List { items, .. } => 2 + items.iter().map(|item| depth(item)).max().unwrap_or(0),
        _ => 0,
    };
    blocks.iter().map(inner).max().unwrap_or(0)
}

#[test]
fn a_tight_list_holds_paragraphs() {
    assert_eq!(
        read("1. one\n2. two\n"),
        [Block::List {
            start: Some(1),
            items: vec![
                vec![Block::Paragraph(vec![plain("one")])],
                vec![Block::Paragraph(vec![plain("two")])],
            ],
        }]
    );
}

#[test]
fn html_is_text() {
    assert_eq!(
        read("a <b>c</b>"),
        [Block::Paragraph(vec![plain("a <b>c</b>")])]
    );
}

#[test]
fn code_keeps_its_lines_and_loses_its_escapes() {
    assert_eq!(
        read("```rust ignore\nfn a() {}\n\u{1b}]0;x\n```"),
        [Block::Code {
            language: "rust".to_owned(),
            text: "fn a() {}\n␛]0;x\n".to_owned(),
        }]
    );
}

#[test]
fn a_link_without_a_text_shows_where_it_leads() {
    let link = |text: &str, target: &str| Span {
        link: Some(target.to_owned()),
        ..plain(text)
    };
    assert_eq!(
        read("[](http://a) ![](http://b)[![c](http://d)](http://e)"),
        [Block::Paragraph(vec![
            link("http://a", "http://a"),
            plain(" "),
            link("http://b", "http://b"),
            link("c", "http://e"),
        ])]
    );
}

#[test]
fn a_character_reference_is_inert_as_well() {
    assert_eq!(
        read("a&#27;[2J&#x202e;b"),
        [Block::Paragraph(vec![plain("a␛[2J\u{fffd}b")])]
    );
    assert_eq!(
        read("[x](http://a/&#27;)"),
        [Block::Paragraph(vec![Span {
            link: Some("http://a/␛".to_owned()),
            ..plain("x")
        }])]
    );
}

#[test]
fn a_hundred_thousand_quotes_are_read_and_bounded() {
    let blocks = read(&format!("{} deep", ">".repeat(100_000)));
    assert!(depth(&blocks) <= MAX_DEPTH);
    assert!(format!("{blocks:?}").contains("deep"));
}

proptest! {
    #[test]
    fn any_text_is_a_bounded_document(source in "[-a-z0-9>*_`~|#\\[\\]()<\n ]{0,200}") {
        prop_assert!(depth(&read(&source)) <= MAX_DEPTH + 1);
    }
}
