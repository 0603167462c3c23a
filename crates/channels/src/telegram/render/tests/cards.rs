//! Questions as people read them: all of what they would allow, and every character of it.

use corvid_core::wire::{
    Approval, CallId, Card, CardForm, Inquiry, OutcomeAnswer, Person, Question, QuestionId,
    SessionId, Subject,
};
use corvid_core::{Button, OutcomeQuestion};
use proptest::prelude::*;

use super::super::{MESSAGE, card};
use super::all;
use crate::split::fits;

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
    let lines: Vec<String> = (0..900).map(|n| format!("echo line {n}")).collect();
    let body = format!("{}\n", lines.join("\n"));
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

proptest! {
    #[test]
    fn a_card_shows_different_bytes_differently(one in "[ \t\na\u{200b}⏎␠⟨]{0,8}", other in "[ \t\na\u{200b}⏎␠⟨]{0,8}") {
        let shown = |body: &str| card::question(&approval(body, CardForm::Command)).map(|sheets| all(&sheets));
        prop_assert_eq!(one == other, shown(&one) == shown(&other));
    }
}
