//! Approvals at a real terminal: which keys answer, which do not, and what is left when nobody waits any more.

use std::future::Future;
use std::io;

use corvid_core::wire::{
    Address, Answer, Answerer, Approval, CallId, Card, CardForm, Person, Question, QuestionId,
    Requester, Role, Scope, Subject,
};
use corvid_core::{Heard, Questions as _};

use super::seat::{START, Seat};
use crate::terminal::Look;

/// Ten and a half minutes.
const TIME: i64 = 630_000;

pub(super) const WIDE: Look = Look {
    width: 80,
    color: false,
};

const KEYS: &str = "  y/n/e? · 10 min left ";

pub(super) fn question(subject: Subject) -> Question {
    Question {
        question: QuestionId::new("q-1"),
        call: CallId {
            turn: 1,
            step: 1,
            index: 0,
        },
        subject,
        shown_in: vec![Address {
            channel: "terminal".to_owned(),
            account: "1000".to_owned(),
            conversation: "c".to_owned(),
        }],
        to: vec![Person {
            channel: "terminal".to_owned(),
            id: "1000".to_owned(),
        }],
        expires_at: START + TIME,
    }
}

pub(super) fn approval(body: &str, repeatable: bool) -> Question {
    question(Subject::Approval(Approval {
        tool: "system.run".to_owned(),
        rule: "default preset".to_owned(),
        reason: "it leaves the sandbox".to_owned(),
        card: Card {
            title: "run a command with network access".to_owned(),
            facts: vec![("network".to_owned(), "crates.io".to_owned())],
            body: body.to_owned(),
            form: CardForm::Command,
        },
        binding: "b".to_owned(),
        repeatable,
    }))
}

pub(super) fn heard(answer: Answer) -> Heard {
    Heard::Answered {
        answer,
        by: Answerer {
            channel: "terminal".to_owned(),
            person: Requester {
                id: "1000".to_owned(),
                role: Role::Owner,
            },
        },
    }
}

fn allowed(scope: Scope) -> Heard {
    heard(Answer::Allow { scope })
}

pub(super) fn denied(reason: &str) -> Heard {
    heard(Answer::Deny {
        reason: reason.to_owned(),
    })
}

/// What came of asking while the person did this.
pub(super) async fn meanwhile<T>(
    asking: impl Future<Output = T>,
    person: impl Future<Output = io::Result<()>>,
) -> io::Result<T> {
    let (heard, done) = tokio::join!(asking, person);
    done?;
    Ok(heard)
}

/// Presses keys one after the other; those in brackets decide nothing.
pub(super) async fn press_all(seat: &Seat, keys: &[&str]) -> io::Result<()> {
    for key in keys {
        // What came before has been taken in once the next minute is waited for.
        seat.clock.next_wait().await;
        match key.strip_prefix('(').and_then(|key| key.strip_suffix(')')) {
            Some(tried) => seat.tries(tried).await?,
            None => seat.presses(key).await?,
        }
    }
    Ok(())
}

/// Presses these keys one by one at an approval that may be repeated.
async fn check(keys: &[&str], expect: Heard) -> io::Result<()> {
    let seat = Seat::new(WIDE)?;
    let question = approval("cargo fetch", true);
    let answer = meanwhile(seat.terminal.ask(&question), async {
        seat.sees("y/s/n/e?").await;
        assert!(seat.is_raw()?);
        press_all(&seat, keys).await
    });
    assert_eq!(answer.await?, expect, "{keys:?}");
    assert!(!seat.is_raw()?);
    assert!(
        !seat.screen.text().contains("allowed"),
        "said before the journal has it"
    );
    Ok(())
}

#[tokio::test]
async fn a_single_key_answers() -> io::Result<()> {
    check(&["y"], allowed(Scope::Once)).await?;
    check(&["S"], allowed(Scope::Session)).await?;
    check(&["(q)", "y"], allowed(Scope::Once)).await
}

#[tokio::test]
async fn a_denial_may_say_why_or_what_to_do_instead() -> io::Result<()> {
    check(&["n", "\r"], denied("")).await?;
    check(&["n", "too wide\r"], denied("too wide")).await?;
    let pasted = "(usx\u{7f}e \u{1b}[200~--offline\n\u{1b}[201~)";
    check(&["e", "\r", pasted, "\r"], denied("use --offline")).await?;
    check(&["n", "\u{1b}", "y"], allowed(Scope::Once)).await
}

#[tokio::test]
async fn what_may_not_be_repeated_is_not_offered_for_the_session() -> io::Result<()> {
    let seat = Seat::new(WIDE)?;
    let question = approval("sh -c x", false);
    let script = async {
        seat.sees(KEYS).await;
        seat.tries("s").await?;
        seat.screen
            .ends("press one of these keys · 10 min left ")
            .await;
        Ok::<(), io::Error>(())
    };
    tokio::select! {
        heard = seat.terminal.ask(&question) => panic!("{heard:?}"),
        done = script => done?,
    }
    assert!(!seat.screen.text().contains("session"));
    Ok(())
}

#[tokio::test]
async fn what_was_typed_before_the_card_answers_nothing() -> io::Result<()> {
    let seat = Seat::new(WIDE)?;
    seat.types("yyyy\n")?;
    let question = approval("cargo fetch", false);
    let answer = meanwhile(seat.terminal.ask(&question), async {
        seat.screen.ends(KEYS).await;
        seat.types("y")?;
        seat.screen.ends("that came too early · 10 min left ").await;
        // It counts from there again.
        seat.clock.advance(300);
        seat.presses("y").await
    });
    assert_eq!(answer.await?, allowed(Scope::Once));
    Ok(())
}

#[tokio::test]
async fn a_paste_is_no_answer() -> io::Result<()> {
    let seat = Seat::new(WIDE)?;
    let question = approval("cargo fetch", false);
    let answer = meanwhile(seat.terminal.ask(&question), async {
        seat.sees(KEYS).await;
        assert!(seat.screen.text().contains("\u{1b}[?2004h"));
        for pasted in ["yyyy", "\u{1b}[200~y\u{1b}[201~", "y\n"] {
            seat.clock.advance(40);
            seat.types(pasted)?;
            let hint = match pasted.len() {
                ..5 => "one key at a time",
                _ => "a paste is no answer",
            };
            seat.screen.ends(&format!("{hint} · 10 min left ")).await;
        }
        seat.clock.advance(40);
        seat.presses("y").await
    });
    assert_eq!(answer.await?, allowed(Scope::Once));
    assert!(seat.screen.text().ends_with("\u{1b}[?2004l"));
    Ok(())
}

#[tokio::test]
async fn a_dropped_question_gives_the_terminal_back_and_eats_nothing() -> io::Result<()> {
    let seat = Seat::new(WIDE)?;
    let question = approval("cargo fetch", false);
    let script = async {
        seat.screen.ends(KEYS).await;
        seat.is_raw()
    };
    tokio::select! {
        heard = seat.terminal.ask(&question) => panic!("{heard:?}"),
        raw = script => assert!(raw?),
    }
    assert!(!seat.is_raw()?);
    assert!(seat.screen.text().ends_with("\r\u{1b}[2K\u{1b}[?2004l"));
    seat.types("ls\n")?;
    assert_eq!(seat.unread().await?, "ls\n");
    // The keyboard is free for the next one.
    let answer = meanwhile(seat.terminal.ask(&question), async {
        seat.screen.ends(KEYS).await;
        seat.clock.advance(300);
        seat.presses("y").await
    });
    assert_eq!(answer.await?, allowed(Scope::Once));
    Ok(())
}

#[tokio::test]
async fn a_closed_window_is_nobody() -> io::Result<()> {
    let mut seat = Seat::new(WIDE)?;
    let question = approval("cargo fetch", false);
    let screen = seat.screen.clone();
    let terminal = &seat.terminal;
    let asking = terminal.ask(&question);
    tokio::pin!(asking);
    tokio::select! {
        heard = &mut asking => panic!("{heard:?}"),
        () = screen.ends(KEYS) => {}
    }
    seat.person = None;
    assert_eq!(asking.await, Heard::Nobody);
    assert_eq!(seat.terminal.ask(&question).await, Heard::Nobody);
    Ok(())
}

#[tokio::test]
async fn the_time_left_counts_down() -> io::Result<()> {
    let seat = Seat::new(WIDE)?;
    let question = approval("cargo fetch", false);
    let script = async {
        seat.screen.ends(KEYS).await;
        seat.clock.advance(30_001);
        seat.screen.ends("9 min left ").await;
        seat.clock.set(START + TIME - 61_000);
        seat.screen.ends("61 s left ").await;
        seat.clock.set(START + TIME);
        seat.screen.ends("time is up ").await;
    };
    tokio::select! {
        heard = seat.terminal.ask(&question) => panic!("{heard:?}"),
        () = script => {}
    }
    Ok(())
}

#[tokio::test]
async fn a_narrower_screen_gets_the_card_again() -> io::Result<()> {
    let seat = Seat::new(WIDE)?;
    let question = approval(&"x".repeat(50), false);
    let script = async {
        seat.screen.ends(KEYS).await;
        seat.resize(40)?;
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::WINCH)?;
        seat.screen.shows(|seen| seen.contains("\n  ┊ xxx")).await;
        seat.screen.ends(KEYS).await;
        Ok::<(), io::Error>(())
    };
    tokio::select! {
        heard = seat.terminal.ask(&question) => panic!("{heard:?}"),
        done = script => done?,
    }
    Ok(())
}
