//! Deliveries as people see them, on a server that speaks the Bot API.

mod faults;
mod files;
mod killed;

use corvid_core::wire::Ending;
use corvid_core::{Channel as _, Content, DeliverError, Reply};
use corvid_testkit::telegram::{Fault as Trouble, Plan};

use super::PLACEHOLDER;
use crate::telegram::scene::{FORUM, Outcome, PERSON, Scene, TOPIC, at, delivery, reply};

#[tokio::test]
async fn a_reply_is_one_silent_message_however_often_it_is_delivered() -> Outcome {
    let scene = Scene::begin()?;
    let said = delivery("Here **it** is.", Content::Reply(reply()));
    for _ in 0..3 {
        let id = scene.hurried(scene.bot()?.deliver(&said)).await?;
        let chat = scene.chat()?;
        let messages: Vec<_> = chat.by_bot().collect();
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].text, "Here it is.");
        assert_eq!(messages[0].history, [PLACEHOLDER, "Here it is."]);
        assert_eq!(messages[0].entities.len(), 1);
        assert_eq!(id, format!("{PERSON}:{}", messages[0].id));
        assert_eq!(chat.sounds(), 0);
    }
    scene.well_behaved()
}

#[tokio::test]
async fn a_long_turn_is_heard_once_at_its_end() -> Outcome {
    let scene = Scene::begin()?;
    let said = Reply {
        took_ms: 120_000,
        ..reply()
    };
    let said = delivery("Here it is.", Content::Reply(said));
    for _ in 0..3 {
        scene.hurried(scene.bot()?.deliver(&said)).await?;
        let chat = scene.chat()?;
        assert_eq!(chat.bot_texts(), ["Here it is.", "Done in 2 min."]);
        let messages: Vec<_> = chat.by_bot().collect();
        assert_eq!(messages[1].reply_to, Some(messages[0].id));
        assert_eq!(chat.sounds(), 1);
    }
    scene.well_behaved()
}

#[tokio::test]
async fn a_failed_turn_can_be_tried_again() -> Outcome {
    let scene = Scene::begin()?;
    let said = Reply {
        ending: Ending::Failed,
        ..reply()
    };
    let said = delivery("the model is gone", Content::Reply(said));
    scene.hurried(scene.bot()?.deliver(&said)).await?;
    let chat = scene.chat()?;
    let buttons: Vec<_> = chat.by_bot().flat_map(|message| &message.buttons).collect();
    assert_eq!(buttons[0][0].text, "🔁 Retry");
    scene.well_behaved()
}

#[tokio::test]
async fn a_long_reply_takes_several_messages_and_a_shorter_one_takes_them_back() -> Outcome {
    let scene = Scene::begin()?;
    let long = "one two three four five six seven\n\n".repeat(300);
    let said = delivery(&long, Content::Reply(reply()));
    scene.hurried(scene.bot()?.deliver(&said)).await?;
    assert_eq!(scene.texts()?.len(), 3);
    let said = delivery("short", Content::Reply(reply()));
    scene.hurried(scene.bot()?.deliver(&said)).await?;
    assert_eq!(scene.texts()?, ["short"]);
    scene.well_behaved()
}

#[tokio::test]
async fn a_very_long_reply_has_the_whole_in_a_file() -> Outcome {
    let scene = Scene::begin()?;
    let long = "one two three four five six seven\n\n".repeat(1_000);
    let said = delivery(&long, Content::Reply(reply()));
    for _ in 0..2 {
        scene.hurried(scene.bot()?.deliver(&said)).await?;
        let chat = scene.chat()?;
        let files: Vec<_> = chat.by_bot().filter_map(|m| m.file.as_ref()).collect();
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].name, "answer.md");
        assert_eq!(files[0].bytes, long.as_bytes());
        assert_eq!(chat.sounds(), 0);
    }
    scene.well_behaved()
}

#[tokio::test]
async fn a_topic_is_a_conversation_of_its_own() -> Outcome {
    let scene = Scene::begin()?;
    let mut said = delivery("there", Content::Notice);
    said.to = at(&format!("{FORUM}/{TOPIC}"));
    scene.hurried(scene.bot()?.deliver(&said)).await?;
    let chat = scene.server().chat(FORUM)?;
    let threads: Vec<_> = chat.by_bot().map(|message| message.thread).collect();
    assert_eq!(threads, [Some(TOPIC)]);
    assert!(scene.texts()?.is_empty());
    scene.well_behaved()
}

#[tokio::test]
async fn a_burst_of_replies_keeps_to_the_pace() -> Outcome {
    let scene = Scene::begin()?;
    scene.server().strict_pace(true)?;
    let bot = scene.bot()?;
    for turn in 0..12 {
        let said = Reply { turn, ..reply() };
        let said = delivery(&format!("answer {turn}"), Content::Reply(said));
        scene.hurried(bot.deliver(&said)).await?;
    }
    assert_eq!(scene.texts()?.len(), 12);
    let refused = scene.server().ledger()?;
    assert!(
        refused
            .iter()
            .all(|call| call.refused().is_none() && !call.hurried)
    );
    scene.well_behaved()
}

#[tokio::test]
async fn an_empty_world_is_no_conversation() -> Outcome {
    let scene = Scene::begin()?;
    let mut said = delivery("x", Content::Notice);
    said.to = at("nowhere");
    let done = scene.hurried(scene.bot()?.deliver(&said)).await;
    assert!(matches!(done, Err(DeliverError::Gone(_))), "{done:?}");
    scene.server().fault(Plan::once(Trouble::Garbage))?;
    assert!(scene.marks.is_empty());
    Ok(())
}
