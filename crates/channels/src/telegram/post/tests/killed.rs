//! A process that dies at any moment of a delivery, and calls whose answers are lost.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use corvid_core::{Channel as _, Content, Delivery, Reply};
use corvid_testkit::telegram::{Fault as Trouble, Plan};

use crate::telegram::post::PLACEHOLDER;
use crate::telegram::scene::{Outcome, Scene, delivery, reply};

/// More moments than a delivery has.
const MOMENTS: usize = 500;

/// Runs a future until it has waited so often, and drops it there; true if it came to its end before.
async fn lives(future: impl Future, mut moments: usize) -> bool {
    let mut future = pin!(future);
    std::future::poll_fn(move |context| match future.as_mut().poll(context) {
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending if moments == 0 => Poll::Ready(false),
        Poll::Pending => {
            moments -= 1;
            Poll::Pending
        }
    })
    .await
}

/// Kills at every moment, delivers again, and looks at what is seen each time.
async fn killed_everywhere(said: &Delivery, look: impl Fn(&[String], usize)) -> Outcome {
    for moment in 0..MOMENTS {
        let scene = Scene::begin()?;
        let bot = scene.bot()?;
        let done = lives(scene.hurried(bot.deliver(said)), moment).await;
        drop(bot);
        scene.hurried(scene.bot()?.deliver(said)).await?;
        let chat = scene.chat()?;
        assert!(
            chat.by_bot()
                .filter(|m| m.text == PLACEHOLDER)
                .all(|m| m.silent)
        );
        look(&scene.texts()?, chat.sounds());
        scene.well_behaved()?;
        if done {
            assert!(moment > 5, "it was never killed");
            return Ok(());
        }
    }
    Err("it never came to its end".into())
}

fn without_strays(texts: &[String]) -> Vec<&str> {
    let strays = texts.iter().filter(|text| *text == PLACEHOLDER).count();
    assert!(strays <= 1, "{texts:?}");
    let said = texts.iter().filter(|text| *text != PLACEHOLDER);
    said.map(String::as_str).collect()
}

#[tokio::test]
async fn a_reply_is_there_once_wherever_its_process_dies() -> Outcome {
    let said = Reply {
        took_ms: 60_000,
        ..reply()
    };
    let said = delivery("here it is", Content::Reply(said));
    killed_everywhere(&said, |texts, sounds| {
        let said = without_strays(texts);
        assert_eq!(said.first(), Some(&"here it is"));
        // Heard once, or not at all if it died while it was being said.
        let is_heard = said.len() - 1;
        assert!(is_heard <= 1, "{texts:?}");
        assert_eq!(sounds, is_heard);
    })
    .await
}

#[tokio::test]
async fn a_reply_of_several_messages_is_there_once_and_in_order() -> Outcome {
    let paragraphs =
        |from: usize| (from..from + 90).map(|n| format!("paragraph {n} {}\n\n", "x".repeat(70)));
    let long: String = paragraphs(100).collect();
    let said = delivery(&long, Content::Reply(reply()));
    killed_everywhere(&said, |texts, _| {
        let said = without_strays(texts);
        let joined = said.join("\n\n");
        assert_eq!(
            joined.split_whitespace().collect::<Vec<_>>(),
            long.split_whitespace().collect::<Vec<_>>()
        );
    })
    .await
}

#[tokio::test]
async fn a_call_whose_answer_is_lost_is_made_good() -> Outcome {
    for (method, call) in [
        ("sendMessage", 0),
        ("editMessageText", 0),
        ("editMessageText", 1),
    ] {
        for trouble in [
            Trouble::CutAfter,
            Trouble::ResetAfter,
            Trouble::Garbage,
            Trouble::CutBefore,
            Trouble::ResetBefore,
            Trouble::Status {
                code: 502,
                description: "Bad Gateway".to_owned(),
            },
        ] {
            let scene = Scene::begin()?;
            let plan = Plan::once(trouble.clone()).on(method).after(call);
            scene.server().fault(plan)?;
            let said = delivery("here", Content::Reply(reply()));
            let bot = scene.bot()?;
            let mut delivered = 0;
            while delivered < 2 {
                let done = scene.hurried(bot.deliver(&said)).await;
                delivered += usize::from(done.is_ok());
            }
            let texts = scene.texts()?;
            assert_eq!(without_strays(&texts), ["here"], "{method} {trouble:?}");
            scene.well_behaved()?;
        }
    }
    Ok(())
}
