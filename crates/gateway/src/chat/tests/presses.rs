//! Buttons: who may press them, and what old ones do.
//! Invariant: verdicts come from what ran and from the journal, not from the toast alone.
//! It must not know how a button looks.

use corvid_core::Choice;
use corvid_core::wire::{CallId, Ending, OutcomeAnswer, QuestionId};

use super::*;

fn answers(question: &Question, choice: Choice) -> Button {
    Button::Answer {
        question: question.question.clone(),
        choice,
    }
}

#[tokio::test]
async fn a_press_by_somebody_else_changes_nothing() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = group();
    let (answered, ()) = tokio::join!(process.say(MEMBER, &at, "call door"), async {
        let question = process.question().await;
        let allow = || answers(&question, Choice::Once);
        let before = process.kinds(&process.session(&at).await).await;
        for (person, toast) in [
            (STRANGER, "You may not do that here."),
            ("-100", "You may not do that here."),
            (OTHER, "This question is for an owner."),
            (MEMBER, "This question is for an owner."),
        ] {
            let pressed = process.press(person, &at, allow()).await;
            assert_eq!(pressed, Pressed::told(toast), "{person}");
        }
        let after = process.kinds(&process.session(&at).await).await;
        assert_eq!(after, before);
        assert_eq!(process.doors(), 0);
        let press = Process::press_of(OWNER, &at, Some(allow()));
        let session = process.session(&at).await;
        let taken = Pressed::wakes("Allowed, this once.", session);
        assert_eq!(process.press_again(&press).await, taken);
        // The messenger hands the same press in again: the same toast, and nothing more.
        assert_eq!(process.press_again(&press).await, taken);
        let deny = process
            .press(OWNER, &at, answers(&question, Choice::Deny))
            .await;
        assert_eq!(deny.toast, "Already answered by 1.");
    });
    assert_eq!(answered.reply.text, "it said: opened");
    assert_eq!(process.doors(), 1);
}

#[tokio::test]
async fn who_was_revoked_presses_in_vain() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = private(OWNER);
    let (answered, ()) = tokio::join!(process.say(OWNER, &at, "call door"), async {
        let question = process.question().await;
        process.access.set_allowed(Vec::new());
        let pressed = process
            .press(OWNER, &at, answers(&question, Choice::Once))
            .await;
        assert_eq!(pressed, Pressed::told("You may not do that here."));
        process.access.set_allowed(vec![allowed()]);
        process
            .press(OWNER, &at, answers(&question, Choice::Deny))
            .await;
    });
    assert_eq!(process.doors(), 0);
    assert_eq!(answered.reply.ending, Ending::Answered);
}

#[tokio::test]
async fn a_shell_is_not_allowed_for_a_session_by_a_forged_button() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = private(OWNER);
    let (_, ()) = tokio::join!(process.say(OWNER, &at, "call door"), async {
        let question = process.question().await;
        let forged = answers(&question, Choice::Session);
        let pressed = process.press(OWNER, &at, forged).await;
        assert_eq!(
            pressed,
            Pressed::told("This question cannot be answered like that.")
        );
        let numbered = process
            .press(OWNER, &at, answers(&question, Choice::Number(0)))
            .await;
        assert_eq!(numbered, Pressed::told("That button is too old."));
        process
            .press(OWNER, &at, answers(&question, Choice::Deny))
            .await;
    });
    assert_eq!(process.doors(), 0);
}

#[tokio::test]
async fn a_choice_is_answered_by_its_number() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = private(MEMBER);
    let (answered, ()) = tokio::join!(process.say(MEMBER, &at, "call way"), async {
        let question = process.question().await;
        let beyond = process
            .press(MEMBER, &at, answers(&question, Choice::Number(2)))
            .await;
        assert_eq!(beyond, Pressed::told("That button is too old."));
        let other = process
            .press(OTHER, &at, answers(&question, Choice::Number(0)))
            .await;
        assert_eq!(other, Pressed::told("This question is for 2 or an owner."));
        let pressed = process
            .press(MEMBER, &at, answers(&question, Choice::Number(1)))
            .await;
        assert_eq!(pressed.toast, "Answered: right");
    });
    assert!(
        answered.reply.text.contains("right"),
        "{}",
        answered.reply.text
    );
}

#[tokio::test]
async fn old_buttons_say_so_and_do_nothing() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = private(OWNER);
    let failed = process.say(OWNER, &at, "fail").await;
    let tag = Button::tag(&failed.session);
    let retry = |turn| Button::Retry {
        session: tag.clone(),
        turn,
    };
    let outcome = Button::Outcome {
        session: tag.clone(),
        call: CallId {
            turn: 1,
            step: 1,
            index: 0,
        },
        answer: OutcomeAnswer::Retry,
    };
    let stop = Button::Stop {
        session: "00000000".to_owned(),
    };
    let gone = Button::Answer {
        question: QuestionId::new("q-gone"),
        choice: Choice::Once,
    };
    for (button, toast) in [
        (None, "That button is too old."),
        (Some(gone), "That question is gone."),
        (Some(outcome), "That is settled already."),
        (Some(stop), "That button is too old."),
        (Some(retry(7)), "The conversation has gone on since."),
    ] {
        let press = Process::press_of(OWNER, &at, button);
        assert_eq!(process.press_again(&press).await, Pressed::told(toast));
    }
    process.answer(OWNER, &at, "/new").await;
    let elsewhere = process.press(OWNER, &at, retry(1)).await;
    assert_eq!(
        elsewhere,
        Pressed::told("This conversation is in another session now.")
    );
}

#[tokio::test]
async fn only_who_asked_asks_again_and_only_what_failed() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = group();
    let failed = process.say(MEMBER, &at, "fail").await;
    assert_eq!(failed.reply.ending, Ending::Failed);
    let retry = Button::Retry {
        session: Button::tag(&failed.session),
        turn: 1,
    };
    for person in [OTHER, OWNER] {
        let pressed = process.press(person, &at, retry.clone()).await;
        assert_eq!(pressed, Pressed::told("Only who asked can ask it again."));
    }
    let again = Act::Admit {
        text: "fail".to_owned(),
        mode: Mode::Queue,
    };
    let pressed = process.press(MEMBER, &at, retry.clone()).await;
    assert_eq!(pressed.act, again);
    assert_eq!(process.command(MEMBER, &at, "/retry").await.0, again);
    process.say(MEMBER, &at, "hello").await;
    let stale = process.press(MEMBER, &at, retry).await;
    assert_eq!(stale, Pressed::told("The conversation has gone on since."));
    let fine = process.answer(MEMBER, &at, "/retry").await;
    assert_eq!(fine, "The last turn did not fail.");
}

#[tokio::test]
async fn a_retry_that_was_admitted_is_not_admitted_again() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = private(MEMBER);
    let failed = process.say(MEMBER, &at, "fail").await;
    let retry = Button::Retry {
        session: Button::tag(&failed.session),
        turn: 1,
    };
    let press = Process::press_of(MEMBER, &at, Some(retry));
    let inbound = Inbound {
        external_id: press.external_id.clone(),
        ..Process::inbound(failed.session.clone(), MEMBER, &at, "fail")
    };
    process.run(&inbound).await.expect("an answer");
    let pressed = process.press_again(&press).await;
    assert_eq!(pressed, Pressed::wakes("Asking again.", failed.session));
}

#[tokio::test]
async fn an_unknown_outcome_is_settled_by_whose_turn_it_is() {
    let scene = Scene::new();
    let dying = scene.process().await;
    let at = group();
    tokio::select! {
        _ = dying.say(MEMBER, &at, "call bell") => panic!("the bell rings for ever"),
        () = dying.runs.rings.notified() => {}
    }
    let lock = dying.store.owner_socket(dying.store.owner());
    std::fs::remove_file(lock.with_extension("lock")).expect("the lock of a process");
    let process = scene.process().await;
    let session = process.session(&at).await;
    let (answered, ()) = tokio::join!(process.say(MEMBER, &at, "and now?"), async {
        let mut shown = process.messenger.outcomes.subscribe();
        let shown = shown.wait_for(|shown| !shown.is_empty()).await;
        let call = shown.expect("the messenger lives")[0].call;
        let worked = || Button::Outcome {
            session: Button::tag(&session),
            call,
            answer: OutcomeAnswer::Worked,
        };
        let other = process.press(OTHER, &at, worked()).await;
        assert_eq!(
            other,
            Pressed::told("This question is for whoever asked, or an owner.")
        );
        let stranger = process.press(STRANGER, &at, worked()).await;
        assert_eq!(stranger, Pressed::told("You may not do that here."));
        let pressed = process.press(MEMBER, &at, worked()).await;
        assert_eq!(pressed.toast, "Taken as done.");
        let again = process.press(MEMBER, &at, worked()).await;
        assert_eq!(again, Pressed::told("That is settled already."));
    });
    assert_eq!(answered.reply.text, "you said: and now?");
    let by_member = |event: &EventBody| {
        matches!(event, EventBody::OutcomeAnswered { answer, by, .. }
            if *answer == OutcomeAnswer::Worked && by == MEMBER)
    };
    assert!(process.has(&session, by_member).await);
    dying.die().await;
}
