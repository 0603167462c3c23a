//! What is confirmed, and when.

use corvid_core::Condition;
use corvid_testkit::telegram::{Mode, Say};
use serde_json::{Value, json};

use super::{Outcome, Recorder, Scene, confirmed};

#[tokio::test]
async fn what_was_taken_is_confirmed() -> Outcome {
    let scene = Scene::begin()?;
    for text in ["one", "two", "three"] {
        scene.people().say(Say::private(7, text))?;
    }
    scene.until(confirmed).await?;
    assert_eq!(
        scene.inbox.taken(),
        ["7:1 7: one", "7:2 7: two", "7:3 7: three"]
    );
    assert_eq!(
        scene.inbox.conditions(),
        [Condition::Up("@corvid_bot".to_owned())]
    );
    assert_eq!(scene.people().violations()?, [] as [String; 0]);
    Ok(())
}

#[tokio::test]
async fn what_was_not_taken_is_neither_confirmed_nor_lost() -> Outcome {
    let refusing = Recorder {
        refusals: 3.into(),
        ..Recorder::default()
    };
    let scene = Scene::with(refusing, 50)?;
    scene.people().say(Say::private(7, "one"))?;
    scene.people().say(Say::private(7, "two"))?;
    scene.until(confirmed).await?;
    // In order, although the first was refused several times.
    assert_eq!(scene.inbox.taken(), ["7:1 7: one", "7:2 7: two"]);
    let polls = scene.people().calls_of("getUpdates")?;
    assert_eq!(polls[0].parameters["offset"], Value::Null);
    assert_eq!(
        polls[1].parameters["offset"],
        polls[0].answer["result"][1]["update_id"]
            .as_i64()
            .unwrap_or(0)
            + 1
    );
    Ok(())
}

#[tokio::test]
async fn who_dies_before_the_commit_gets_it_again() -> Outcome {
    // It waits for a second message for ever, and is dropped while it does.
    let stuck = Recorder {
        crowd: Some(tokio::sync::Barrier::new(2)),
        ..Recorder::default()
    };
    let scene = Scene::with(stuck, 50)?;
    scene.people().say(Say::private(7, "one"))?;
    let told = |people: &corvid_testkit::telegram::Remote| {
        let polls = people.calls_of("getUpdates").unwrap_or_default();
        polls
            .iter()
            .any(|poll| poll.answer["result"][0].is_object())
    };
    scene.until(told).await?;
    assert_eq!(scene.people().pending()?, 1);
    let next = Scene {
        inbox: Recorder::default().into(),
        ..scene
    };
    next.until(confirmed).await?;
    assert_eq!(next.inbox.taken(), ["7:1 7: one"]);
    Ok(())
}

#[tokio::test]
async fn everything_arrives_whatever_the_order_and_however_often() -> Outcome {
    let scene = Scene::begin()?;
    scene.people().updates(Mode {
        twice: true,
        shuffle: Some(5),
        held: false,
    })?;
    for number in 0..150 {
        scene.people().say(Say::private(number % 9 + 1, "hello"))?;
    }
    scene.until(confirmed).await?;
    assert_eq!(scene.inbox.taken().len(), 300);
    assert_eq!(scene.inbox.distinct(), 150);
    Ok(())
}

#[tokio::test]
async fn an_offset_is_sent_until_it_has_arrived() -> Outcome {
    let scene = Scene::with(Recorder::default(), 1)?;
    scene.people().say(Say::private(7, "one"))?;
    let polls = |people: &corvid_testkit::telegram::Remote| -> Vec<Value> {
        let calls = people.calls_of("getUpdates").unwrap_or_default();
        calls
            .into_iter()
            .map(|call| call.parameters["offset"].clone())
            .collect()
    };
    scene.until(|people| polls(people).len() == 3).await?;
    let offsets = polls(scene.people());
    // Numbers that start anew below it are not left out for good.
    assert!(
        offsets[0].is_null() && offsets[1].is_i64() && offsets[2].is_null(),
        "{offsets:?}"
    );
    Ok(())
}

#[tokio::test]
async fn commands_are_offered_once() -> Outcome {
    let scene = Scene::begin()?;
    let polled = |people: &corvid_testkit::telegram::Remote| {
        people
            .calls_of("getUpdates")
            .is_ok_and(|polls| !polls.is_empty())
    };
    scene.until(polled).await?;
    scene.until(polled).await?;
    let offered = json!({ "command": "help", "description": "say what I can do" });
    assert_eq!(scene.people().commands()?, [offered]);
    assert_eq!(scene.people().calls_of("setMyCommands")?.len(), 1);
    Ok(())
}
