//! What goes wrong between here and Telegram.

use std::error::Error;

use corvid_core::{Clock as _, Condition, ListenError};
use corvid_testkit::telegram::{Fault, Plan, Remote, Say};

use super::super::super::{TelegramConfig, api};
use super::{Outcome, Scene, bot, confirmed};

#[tokio::test]
async fn a_revoked_token_is_final_and_says_the_way_out() -> Outcome {
    let scene = Scene::begin()?;
    scene.people().revoke_token()?;
    let ListenError::Final(said) = scene.end().await else {
        panic!("it would be tried again");
    };
    assert!(
        said.contains("bot 4242") && said.contains("agent config set telegram.token"),
        "{said}"
    );
    assert!(!said.contains("fake-token"), "{said}");
    Ok(())
}

/// Listens until a second poller gets in the way, and says how it ends.
async fn contested(scene: &Scene) -> Result<ListenError, Box<dyn Error>> {
    let second = bot(&scene.fake, scene.fake.token(), &scene.clock, 50)?;
    let before = scene.people().calls_of("getUpdates")?.len();
    let contest = async {
        let polling = |people: &Remote| Ok(people.calls_of("getUpdates")?.len() > before);
        scene.people().until(polling).await?;
        // It never ends; the first one does.
        drop(second.api.updates(None, 50).await);
        std::io::Result::Ok(())
    };
    tokio::select! {
        end = scene.end() => Ok(end),
        contested = contest => Err(format!("the newer poll ended: {contested:?}").into()),
    }
}

#[tokio::test]
async fn a_second_poller_is_named() -> Outcome {
    let scene = Scene::begin()?;
    let ListenError::Retry(said) = contested(&scene).await? else {
        panic!("it would not be tried again");
    };
    assert!(
        said.starts_with("another program receives the messages of Telegram bot 4242"),
        "{said}"
    );
    // Once there has been another one, nothing is well before a poll is.
    contested(&scene).await?;
    let up = Condition::Up("@corvid_bot".to_owned());
    assert_eq!(scene.inbox.conditions(), std::slice::from_ref(&up));
    scene.people().say(Say::private(7, "hello"))?;
    scene.until(confirmed).await?;
    assert_eq!(scene.inbox.conditions(), [up.clone(), up]);
    Ok(())
}

#[tokio::test]
async fn commands_that_cannot_be_offered_keep_nobody_from_writing() -> Outcome {
    for method in ["getMyCommands", "setMyCommands"] {
        let scene = Scene::begin()?;
        let busy = Fault::Busy { retry_after: 600 };
        scene.people().fault(Plan::always(busy).on(method))?;
        scene.people().say(Say::private(7, "hello"))?;
        let began = scene.clock.now();
        scene.until(confirmed).await?;
        assert_eq!(scene.clock.now(), began, "nothing is waited for");
        let up = Condition::Up("@corvid_bot".to_owned());
        assert_eq!(scene.inbox.conditions(), [up]);
        // After a fault that parts it from Telegram they are offered again.
        scene.people().lift()?;
        scene
            .people()
            .fault(Plan::once(Fault::ResetBefore).on("getUpdates"))?;
        scene.people().say(Say::private(7, "again"))?;
        scene
            .until(|people| people.commands().is_ok_and(|offered| !offered.is_empty()))
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_outage_is_told_and_outlived() -> Outcome {
    for fault in [
        Fault::ResetBefore,
        Fault::CutAfter,
        Fault::Garbage,
        Fault::Busy { retry_after: 7 },
        Fault::Status {
            code: 502,
            description: "Bad Gateway".to_owned(),
        },
    ] {
        let scene = Scene::begin()?;
        scene
            .people()
            .fault(Plan::once(fault.clone()).on("getUpdates"))?;
        scene
            .people()
            .fault(Plan::once(fault.clone()).on("getMe"))?;
        scene.people().say(Say::private(7, "hello"))?;
        scene.until(confirmed).await?;
        assert_eq!(scene.inbox.distinct(), 1, "{fault:?}");
        let conditions = scene.inbox.conditions();
        let up = |condition: &Condition| *condition == Condition::Up("@corvid_bot".to_owned());
        assert_eq!(
            conditions.iter().map(up).collect::<Vec<_>>(),
            [false, true, false, true],
            "{conditions:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn no_fault_names_the_token() -> Outcome {
    let scene = Scene::begin()?;
    let mut told = Vec::new();
    for fault in [Fault::ResetBefore, Fault::CutBefore, Fault::Garbage] {
        scene.people().fault(Plan::once(fault).on("getMe"))?;
        told.extend(
            scene
                .telegram
                .api
                .me()
                .await
                .err()
                .map(|fault| format!("{fault} {fault:?}")),
        );
    }
    drop(scene);
    let nowhere = api::Api::new(&api::ApiConfig {
        token: corvid_core::Secret::new("4242:fake-token-of-the-fake-bot_0123456789"),
        api_url: Some("https://127.0.0.1:1".to_owned()),
    })?;
    told.extend(
        nowhere
            .me()
            .await
            .err()
            .map(|fault| format!("{fault} {fault:?}")),
    );
    assert_eq!(told.len(), 4);
    for told in told {
        assert!(
            !told.contains("fake-token") && !told.contains("127.0.0.1"),
            "{told}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn what_is_no_token_is_refused_without_being_repeated() -> Outcome {
    let scene = Scene::begin()?;
    let long = "x".repeat(35);
    for token in [
        "",
        "secret",
        "4242",
        "4242:short",
        ":aaa",
        &format!("bot4242:{long}"),
        &format!("4242:{long} "),
    ] {
        let refused = bot(&scene.fake, token, &scene.clock, 50)
            .err()
            .unwrap_or_default();
        assert!(refused.contains("@BotFather"), "{token:?}: {refused}");
        assert!(token.is_empty() || !refused.contains(token), "{refused}");
    }
    let config = TelegramConfig {
        token: corvid_core::Secret::new(scene.fake.token()),
        api_url: Some("telegram.example".to_owned()),
        draft_previews: false,
        poll_secs: 50,
    };
    assert!(!format!("{config:?}").contains("fake-token"));
    Ok(())
}
