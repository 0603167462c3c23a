//! What Telegram refuses, loses and asks for.

use corvid_core::wire::Ending;
use corvid_core::{Channel as _, Content, DeliverError, Reply};
use corvid_testkit::telegram::{Fault as Trouble, Group, Plan};

use crate::telegram::scene::{Outcome, PERSON, Scene, at, delivery, reply};

#[tokio::test]
async fn a_wish_to_wait_is_handed_on_and_heeded() -> Outcome {
    let scene = Scene::begin()?;
    let bot = scene.bot()?;
    let busy = Plan::once(Trouble::Busy { retry_after: 7 }).on("sendMessage");
    scene.server().fault(busy)?;
    let said = delivery("here", Content::Reply(reply()));
    let done = scene.hurried(bot.deliver(&said)).await;
    let Err(DeliverError::Retry { after_ms, .. }) = done else {
        panic!("{done:?}");
    };
    assert_eq!(after_ms, Some(7_000));
    // Even if nobody minds, the bot waits.
    scene.hurried(bot.deliver(&said)).await?;
    assert_eq!(scene.texts()?, ["here"]);
    scene.well_behaved()
}

#[tokio::test]
async fn text_whose_faces_are_not_taken_goes_plain() -> Outcome {
    let scene = Scene::begin()?;
    let refusal = Trouble::Status {
        code: 400,
        description: "Bad Request: can't parse entities: unsupported".to_owned(),
    };
    scene
        .server()
        .fault(Plan::once(refusal).on("editMessageText"))?;
    let said = delivery("**here**", Content::Reply(reply()));
    scene.hurried(scene.bot()?.deliver(&said)).await?;
    let chat = scene.chat()?;
    assert_eq!(chat.bot_texts(), ["here"]);
    assert!(chat.by_bot().all(|message| message.entities.is_empty()));
    scene.well_behaved()
}

#[tokio::test]
async fn what_is_refused_again_and_again_is_said_at_least() -> Outcome {
    let scene = Scene::begin()?;
    let refusal = Trouble::Status {
        code: 400,
        description: "Bad Request: BUTTON_DATA_INVALID".to_owned(),
    };
    scene
        .server()
        .fault(Plan::once(refusal).on("editMessageText").times(2))?;
    let said = Reply {
        ending: Ending::Failed,
        ..reply()
    };
    let said = delivery("here", Content::Reply(said));
    scene.hurried(scene.bot()?.deliver(&said)).await?;
    assert_eq!(scene.texts()?, ["⚠️ here"]);
    scene.well_behaved()
}

#[tokio::test]
async fn a_deleted_message_is_sent_anew() -> Outcome {
    let scene = Scene::begin()?;
    let said = delivery("here", Content::Reply(reply()));
    scene.hurried(scene.bot()?.deliver(&said)).await?;
    let first = scene.chat()?.by_bot().next().map(|message| message.id);
    scene
        .server()
        .delete_message(PERSON, first.ok_or("a message")?)?;
    scene.hurried(scene.bot()?.deliver(&said)).await?;
    assert_eq!(scene.texts()?, ["here"]);
    scene.hurried(scene.bot()?.deliver(&said)).await?;
    assert_eq!(scene.texts()?, ["here"]);
    Ok(())
}

#[tokio::test]
async fn who_blocked_the_bot_is_told_nothing_more() -> Outcome {
    let scene = Scene::begin()?;
    scene.server().block(PERSON)?;
    let said = delivery("here", Content::Notice);
    let done = scene.hurried(scene.bot()?.deliver(&said)).await;
    assert!(matches!(done, Err(DeliverError::Dead(_))), "{done:?}");
    Ok(())
}

#[tokio::test]
async fn an_upgraded_group_is_followed() -> Outcome {
    let scene = Scene::begin()?;
    scene.server().group(Group::basic(-5, "crows", [PERSON]))?;
    scene.server().migrate(-5, -1_000_005)?;
    let mut said = delivery("here", Content::Reply(reply()));
    said.to = at("-5");
    let done = scene.hurried(scene.bot()?.deliver(&said)).await;
    let Err(DeliverError::Moved(to)) = done else {
        panic!("{done:?}");
    };
    assert_eq!(to, at("-1000005"));
    said.to = to;
    scene.hurried(scene.bot()?.deliver(&said)).await?;
    assert_eq!(scene.server().chat(-1_000_005)?.bot_texts(), ["here"]);
    Ok(())
}

#[tokio::test]
async fn a_revoked_token_is_tried_again_later() -> Outcome {
    let scene = Scene::begin()?;
    scene.server().revoke_token()?;
    let said = delivery("here", Content::Notice);
    let done = scene.hurried(scene.bot()?.deliver(&said)).await;
    let Err(DeliverError::Retry { reason, .. }) = done else {
        panic!("{done:?}");
    };
    assert!(!reason.contains("fake-token"), "{reason}");
    Ok(())
}
