//! How updates reach the inbox.

use corvid_core::wire::SessionId;
use corvid_core::{Button, Condition};
use corvid_testkit::telegram::{Group, Remote, Say};
use serde_json::json;

use super::{Outcome, Recorder, Scene, confirmed};

#[tokio::test]
async fn conversations_do_not_wait_for_each_other() -> Outcome {
    // Nobody is taken before all sixteen are there.
    let crowd = Recorder {
        crowd: Some(tokio::sync::Barrier::new(16)),
        ..Recorder::default()
    };
    let scene = Scene::with(crowd, 50)?;
    for person in 1..=16 {
        scene.people().say(Say::private(person, "hello"))?;
    }
    scene.until(confirmed).await?;
    assert_eq!(scene.inbox.distinct(), 16);
    Ok(())
}

#[tokio::test]
async fn a_group_that_moves_is_told_between_its_messages() -> Outcome {
    let scene = Scene::begin()?;
    let people = scene.people();
    people.group(Group::basic(-55, "The engine", [7]))?;
    people.say(Say::to(-55, 7, "@corvid_bot before"))?;
    people.migrate(-55, -1_001)?;
    people.say(Say::to(-1_001, 7, "@corvid_bot after"))?;
    scene.until(confirmed).await?;
    let taken = scene.inbox.taken();
    let texts: Vec<&str> = taken
        .iter()
        .map(|taken| taken.split_once(' ').map_or("", |(_, t)| t))
        .collect();
    assert_eq!(
        texts,
        ["7: before", "is now -1001", "is now -1001", "7: after"],
        "{taken:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_press_is_answered_with_what_the_inbox_says() -> Outcome {
    let scene = Scene::begin()?;
    let people = scene.people();
    people.say(Say::private(7, "hello"))?;
    let stop = Button::Stop {
        session: Button::tag(&SessionId::new("s-1")),
    };
    let message = super::super::super::api::Outgoing {
        chat: 7,
        text: "Shall I?".to_owned(),
        buttons: vec![vec![super::super::super::api::Key {
            text: "Stop".to_owned(),
            data: stop.encode(),
        }]],
        silent: true,
        ..Default::default()
    };
    let sent = scene.telegram.api.send(&message).await?;
    let press = people.press(7, 7, sent.0, "Stop")?;
    let answered = |people: &Remote| {
        people
            .press_answer(&press)
            .is_ok_and(|answer| answer.is_some())
    };
    scene.until(answered).await?;
    assert_eq!(
        scene.inbox.taken()[1],
        format!("7 presses {}", stop.encode())
    );
    let shown = people.press_answer(&press)?.map(|answer| answer.text);
    assert_eq!(shown.as_deref(), Some("taken"));
    Ok(())
}

#[tokio::test]
async fn an_edit_names_what_it_edits() -> Outcome {
    let scene = Scene::begin()?;
    let message = scene.people().say(Say::private(7, "helo"))?;
    scene.people().edit(7, message, "hello")?;
    scene.until(confirmed).await?;
    let taken = scene.inbox.taken();
    assert_eq!(taken[0], "7:1 7: helo");
    assert!(
        taken[1].starts_with("7:1:") && taken[1].ends_with(" 7: hello"),
        "{taken:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_webhook_that_somebody_left_is_taken_away() -> Outcome {
    let scene = Scene::begin()?;
    scene.people().set_webhook()?;
    scene.people().say(Say::private(7, "hello"))?;
    scene.until(confirmed).await?;
    assert_eq!(scene.inbox.taken(), ["7:1 7: hello"]);
    assert_eq!(
        scene.inbox.conditions(),
        [Condition::Up("@corvid_bot".to_owned())]
    );
    let kept = scene.people().calls_of("deleteWebhook")?;
    assert_ne!(kept[0].parameters["drop_pending_updates"], json!(true));
    Ok(())
}
