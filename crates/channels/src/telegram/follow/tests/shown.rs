//! A turn on a server: one message that grows, at a pace that Telegram takes.

use corvid_core::wire::{
    CallStatus, EventBody, Inquiry, LiveEvent, Millis, Question, QuestionId, SessionId, Subject,
};
use corvid_core::{Channel as _, Content, FollowedTurn, Messenger as _};
use corvid_testkit::telegram::{Fault as Trouble, Plan};
use tokio::sync::mpsc;

use super::{CALL, answers, asks, committed, composed, delta, ends, joined, starts};
use crate::telegram::post::PLACEHOLDER;
use crate::telegram::scene::{Outcome, PERSON, START, Scene, at, delivery, reply};

fn turn() -> FollowedTurn {
    FollowedTurn {
        session: SessionId::new("s-1"),
        turn: 3,
        to: at(&PERSON.to_string()),
        started_at: START,
        answers: None,
    }
}

/// Follows a turn: each step has its events and a time to which the clock then goes on, until nothing is due any more.
async fn follow(scene: &Scene, steps: Vec<(Vec<LiveEvent>, Millis)>) -> Outcome {
    let bot = scene.bot()?;
    let (live, receiver) = mpsc::channel(64);
    let play = async {
        for (events, until) in steps {
            for event in events {
                live.send(event).await?;
            }
            while live.capacity() < live.max_capacity() {
                tokio::task::yield_now().await;
            }
            // Whoever sleeps until then has done all that was due before.
            loop {
                let next = scene.clock.next_wait().await;
                if next > START + until {
                    break;
                }
                scene.clock.set(next);
                // It is awake once it no longer waits for that time.
                while scene.clock.waits().contains(&next) {
                    tokio::task::yield_now().await;
                }
            }
            scene.clock.set(START + until);
        }
        drop(live);
        Ok::<(), Box<dyn std::error::Error>>(())
    };
    let turn = turn();
    let ((), played) = tokio::join!(bot.follow(&turn, receiver), play);
    played
}

#[tokio::test]
async fn a_short_turn_shows_nothing_but_typing() -> Outcome {
    let scene = Scene::begin()?;
    follow(
        &scene,
        vec![(vec![delta(1, 1, 0, "so")], 900), (vec![composed()], 900)],
    )
    .await?;
    assert!(scene.texts()?.is_empty());
    assert_eq!(scene.chat()?.action.as_deref(), Some("typing"));
    scene.well_behaved()
}

#[tokio::test]
async fn one_silent_message_grows_and_becomes_the_reply() -> Outcome {
    let scene = Scene::begin()?;
    scene.server().strict_pace(true)?;
    let steps = vec![
        (vec![delta(1, 1, 0, "Let me")], 2_500),
        (vec![delta(1, 1, 6, " see")], 5_500),
        (vec![asks("Let me see.", "cargo test"), starts()], 17_900),
        (vec![ends(CallStatus::Ok), delta(2, 1, 0, "All")], 22_000),
        (vec![delta(2, 1, 3, " well."), composed()], 22_100),
    ];
    follow(&scene, steps).await?;
    let chat = scene.chat()?;
    let messages: Vec<_> = chat.by_bot().collect();
    assert_eq!(messages.len(), 1);
    insta::assert_snapshot!(messages[0].history.join("\n---\n"));
    assert!(scene.server().calls_of("sendChatAction")?.len() >= 4);

    let said = delivery("All **well**.", Content::Reply(reply()));
    scene.hurried(scene.bot()?.deliver(&said)).await?;
    let chat = scene.chat()?;
    assert_eq!(chat.bot_texts(), ["All well."]);
    assert_eq!(chat.sounds(), 0);
    let ledger = scene.server().ledger()?;
    assert!(
        ledger
            .iter()
            .all(|call| !call.hurried && call.refused().is_none())
    );
    scene.well_behaved()
}

#[tokio::test]
async fn an_answer_that_the_turn_went_on_after_stays() -> Outcome {
    for drafts in [false, true] {
        let mut scene = Scene::begin()?;
        scene.drafts = drafts;
        let steps = vec![
            (vec![delta(1, 1, 0, "It is")], 2_500),
            (vec![answers("It is **red**."), joined()], 5_500),
            (vec![delta(2, 1, 0, "No,")], 9_000),
            (vec![composed()], 9_100),
        ];
        follow(&scene, steps).await?;
        assert_eq!(scene.texts()?, ["It is red.", "No,"]);
        let said = delivery("No, blue.", Content::Reply(reply()));
        scene.hurried(scene.bot()?.deliver(&said)).await?;
        assert_eq!(scene.texts()?, ["It is red.", "No, blue."]);
        assert_eq!(scene.chat()?.sounds(), 0);
        scene.well_behaved()?;
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_stays_though_the_next_one_is_there_at_once() -> Outcome {
    let scene = Scene::begin()?;
    let events = vec![answers("It is red."), joined(), composed()];
    follow(
        &scene,
        vec![(vec![delta(1, 1, 0, "It")], 2_500), (events, 3_500)],
    )
    .await?;
    let said = delivery("No, blue.", Content::Reply(reply()));
    scene.hurried(scene.bot()?.deliver(&said)).await?;
    assert_eq!(scene.texts()?, ["It is red.", "No, blue."]);
    scene.well_behaved()
}

#[tokio::test]
async fn an_answer_that_stays_is_left_after_a_fault_too() -> Outcome {
    for method in ["editMessageText", "sendMessage"] {
        let scene = Scene::begin()?;
        let trouble = Plan::once(Trouble::ResetBefore).on(method).after(1);
        scene.server().fault(trouble)?;
        let steps = vec![
            (vec![delta(1, 1, 0, "It is")], 2_500),
            (vec![answers("It is red."), joined()], 20_000),
            (vec![composed()], 20_100),
        ];
        follow(&scene, steps).await?;
        let said = delivery("No, blue.", Content::Reply(reply()));
        scene.hurried(scene.bot()?.deliver(&said)).await?;
        assert_eq!(scene.texts()?, ["It is red.", "No, blue."], "{method}");
    }
    Ok(())
}

#[tokio::test]
async fn a_fast_writer_is_shown_about_once_a_second() -> Outcome {
    let scene = Scene::begin()?;
    scene.server().strict_pace(true)?;
    let mut steps = vec![(Vec::new(), 1_000)];
    for word in 0..300 {
        let text = delta(1, 1, word * 5, "word ");
        steps.push((vec![text], 1_000 + i64::try_from(word)? * 100));
    }
    steps.push((vec![composed()], 31_500));
    follow(&scene, steps).await?;
    let edits = scene.server().calls_of("editMessageText")?;
    assert!((20..=31).contains(&edits.len()), "{}", edits.len());
    assert!(
        edits
            .iter()
            .all(|call| !call.hurried && call.refused().is_none())
    );
    scene.well_behaved()
}

#[tokio::test]
async fn a_message_that_was_begun_before_a_restart_goes_on() -> Outcome {
    let scene = Scene::begin()?;
    follow(&scene, vec![(vec![delta(1, 1, 0, "Let me")], 3_000)]).await?;
    follow(&scene, vec![(vec![delta(1, 2, 0, "Again")], 9_000)]).await?;
    assert_eq!(scene.texts()?, ["Again"]);
    scene.well_behaved()
}

#[tokio::test]
async fn a_preview_that_was_deleted_is_not_begun_again() -> Outcome {
    let scene = Scene::begin()?;
    follow(&scene, vec![(vec![delta(1, 1, 0, "Let me")], 3_000)]).await?;
    let message = scene.chat()?.by_bot().next().map(|message| message.id);
    scene
        .server()
        .delete_message(PERSON, message.ok_or("a message")?)?;
    follow(&scene, vec![(vec![delta(1, 1, 0, "Let me see")], 9_000)]).await?;
    assert!(scene.texts()?.is_empty());
    // The reply comes all the same.
    let said = delivery("here", Content::Reply(reply()));
    scene.hurried(scene.bot()?.deliver(&said)).await?;
    assert_eq!(scene.texts()?, ["here"]);
    Ok(())
}

#[tokio::test]
async fn a_wish_to_wait_silences_the_preview_for_as_long() -> Outcome {
    let scene = Scene::begin()?;
    let busy = Plan::once(Trouble::Busy { retry_after: 20 }).on("editMessageText");
    scene.server().fault(busy)?;
    let steps = vec![
        (vec![delta(1, 1, 0, "Let me")], 10_000),
        (vec![delta(1, 1, 6, " see")], 30_000),
    ];
    follow(&scene, steps).await?;
    assert_eq!(scene.texts()?, ["Let me see"]);
    // Typing and edits alike came not before they were allowed to.
    scene.well_behaved()
}

#[tokio::test]
async fn while_a_person_is_asked_nothing_types() -> Outcome {
    let scene = Scene::begin()?;
    let asked = committed(EventBody::QuestionAsked(Box::new(Question {
        question: QuestionId::new("q-1"),
        call: CALL,
        subject: Subject::Inquiry(Inquiry {
            text: "Which?".to_owned(),
            choices: Vec::new(),
        }),
        shown_in: Vec::new(),
        to: Vec::new(),
        expires_at: START,
    })));
    follow(&scene, vec![(Vec::new(), 100), (vec![asked], 60_000)]).await?;
    assert_eq!(scene.server().calls_of("sendChatAction")?.len(), 1);
    assert_eq!(scene.texts()?, ["waits for an answer"]);
    scene.well_behaved()
}

#[tokio::test]
async fn drafts_leave_no_message_behind() -> Outcome {
    let mut scene = Scene::begin()?;
    scene.drafts = true;
    let steps = vec![
        (vec![delta(1, 1, 0, "Let **me**")], 2_500),
        (vec![delta(1, 1, 10, " see")], 5_500),
    ];
    follow(&scene, steps).await?;
    let chat = scene.chat()?;
    assert!(chat.bot_texts().is_empty());
    assert_eq!(chat.drafts.last().map(String::as_str), Some("Let me see"));
    let said = delivery("Seen.", Content::Reply(reply()));
    scene.hurried(scene.bot()?.deliver(&said)).await?;
    assert_eq!(scene.texts()?, ["Seen."]);
    scene.well_behaved()
}

#[tokio::test]
async fn nobody_is_kept_waiting_by_a_dead_server() -> Outcome {
    let scene = Scene::begin()?;
    scene.server().fault(Plan::always(Trouble::ResetBefore))?;
    let steps = vec![
        (vec![delta(1, 1, 0, "Let me")], 30_000),
        (vec![composed()], 30_000),
    ];
    follow(&scene, steps).await?;
    scene.server().lift()?;
    assert!(scene.texts()?.iter().all(|text| text == PLACEHOLDER));
    // Typing every five seconds at most, however often the clock was looked at.
    assert!(scene.server().ledger()?.len() <= 8);
    Ok(())
}
