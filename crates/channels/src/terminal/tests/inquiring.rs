//! Questions that are answered by a text, in lines or elsewhere, at a real terminal or at none.

use std::io;

use corvid_core::wire::{Answer, CallId, Inquiry, OutcomeAnswer, Question, Subject};
use corvid_core::{Heard, HeardOutcome, OutcomeQuestion, Questions as _};

use super::asking::{WIDE, approval, denied, heard, meanwhile, press_all, question};
use super::seat::{Screen, Seat};
use crate::terminal::{Form, Surface, Terminal};

fn inquiry(choices: &[&str]) -> Question {
    question(Subject::Inquiry(Inquiry {
        text: "Which **colour**?".to_owned(),
        choices: choices.iter().map(|choice| (*choice).to_owned()).collect(),
    }))
}

fn text(text: &str) -> Heard {
    heard(Answer::Text {
        text: text.to_owned(),
    })
}

#[tokio::test]
async fn a_choice_is_named_by_its_number_or_in_words() -> io::Result<()> {
    for (keys, expect) in [
        (&["2\r"][..], text("green")),
        (&["\r", "blau\u{1b}[H\u{1b}[Cx\r"], text("bxlau")),
        (&["3\r"], text("3")),
        (&["no\r"], text("no")),
        (&["(x)", "\u{1b}", "\u{1b}"], denied("")),
    ] {
        let seat = Seat::new(WIDE)?;
        let question = inquiry(&["red", "green"]);
        let answer = meanwhile(seat.terminal.ask(&question), async {
            seat.sees("a number or your answer: ").await;
            press_all(&seat, keys).await
        });
        assert_eq!(answer.await?, expect, "{keys:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_dumb_terminal_answers_in_lines() -> io::Result<()> {
    let seat = Seat::dumb()?;
    let question = approval("cargo fetch", true);
    seat.types("y\n")?;
    let answer = meanwhile(seat.terminal.ask(&question), async {
        seat.sees("y/s/n/e? · 10 min left ").await;
        assert!(!seat.is_raw()?);
        seat.types("what\n")?;
        seat.screen
            .ends("press one of these keys · 10 min left ")
            .await;
        seat.types("n\n")?;
        seat.screen.ends("why not (or just Enter): ").await;
        seat.types("too wide\n")
    });
    assert_eq!(answer.await?, denied("too wide"));
    assert!(!seat.screen.text().contains('\u{1b}'));
    let question = inquiry(&["red", "green"]);
    let answer = meanwhile(seat.terminal.ask(&question), async {
        seat.sees("a number or your answer: ").await;
        seat.types("1\n")
    });
    assert_eq!(answer.await?, text("red"));
    Ok(())
}

fn unknown() -> OutcomeQuestion {
    OutcomeQuestion {
        session: corvid_core::wire::SessionId::new("work"),
        shown_in: Vec::new(),
        call: CallId {
            turn: 1,
            step: 1,
            index: 0,
        },
        tool: "system.run".to_owned(),
        arguments: r#"{"command":"git push"}"#.to_owned(),
        reason: "the power failed".to_owned(),
    }
}

#[tokio::test]
async fn a_person_settles_an_unknown_outcome() -> io::Result<()> {
    let seat = Seat::new(WIDE)?;
    let question = unknown();
    for (key, expect) in [("w", OutcomeAnswer::Worked), ("r", OutcomeAnswer::Retry)] {
        let answer = meanwhile(seat.terminal.ask_outcome(&question), async {
            seat.screen.ends("  r/w/s? ").await;
            seat.clock.advance(300);
            seat.presses(key).await
        });
        let heard = HeardOutcome::Answered {
            answer: expect,
            by: "1000".to_owned(),
        };
        assert_eq!(answer.await?, heard);
    }
    Ok(())
}

fn nobody_at(err: &Screen, waits: bool) -> Terminal {
    let surface = Surface {
        out: Box::new(io::sink()),
        form: Form::Plain,
        err: Box::new(err.clone()),
        progress: None,
        person: None,
        waits,
    };
    Terminal::new(surface, std::sync::Arc::new(corvid_core::SystemClock))
}

#[tokio::test]
async fn where_nobody_sits_nothing_is_asked_unless_it_waits() {
    let err = Screen::default();
    let question = approval("cargo fetch", true);
    assert_eq!(nobody_at(&err, false).ask(&question).await, Heard::Nobody);
    assert_eq!(err.text(), "");
    assert_eq!(nobody_at(&err, true).ask(&question).await, Heard::Shown);
    insta::assert_snapshot!(err.text());
}

#[tokio::test]
async fn a_question_beyond_reading_is_not_shown() {
    let err = Screen::default();
    let question = approval(&"x".repeat(256 * 1024 + 1), true);
    let Heard::TooLong(limit) = nobody_at(&err, true).ask(&question).await else {
        panic!("it was shown");
    };
    assert!(limit.contains("262144"), "{limit}");
    assert_eq!(err.text(), "");
}
