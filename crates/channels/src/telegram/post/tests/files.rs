//! Files: sent once, or said to be in doubt.

use std::io::Write as _;

use corvid_core::{Channel as _, Content, DeliverError, Delivery};
use corvid_testkit::telegram::{Fault as Trouble, Plan};
use tempfile::NamedTempFile;

use crate::telegram::scene::{Outcome, Scene, delivery};

fn file(caption: &str) -> Result<(NamedTempFile, Delivery), std::io::Error> {
    let mut kept = NamedTempFile::new()?;
    kept.write_all(b"crows")?;
    let content = Content::File {
        path: kept.path().to_owned(),
        name: "crows.txt".to_owned(),
    };
    let said = delivery(caption, content);
    Ok((kept, said))
}

#[tokio::test]
async fn a_file_is_sent_once_with_its_caption() -> Outcome {
    let scene = Scene::begin()?;
    let (_kept, said) = file("all **crows**")?;
    for _ in 0..3 {
        scene.hurried(scene.bot()?.deliver(&said)).await?;
        let chat = scene.chat()?;
        let messages: Vec<_> = chat.by_bot().collect();
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].text, "all crows");
        let sent = messages[0].file.as_ref().ok_or("a file")?;
        assert_eq!(
            (sent.name.as_str(), &*sent.bytes),
            ("crows.txt", &b"crows"[..])
        );
        assert_eq!(chat.sounds(), 0);
    }
    scene.well_behaved()
}

#[tokio::test]
async fn a_text_too_long_for_a_caption_comes_before_its_file() -> Outcome {
    let scene = Scene::begin()?;
    let (_kept, said) = file(&"all the crows ".repeat(100))?;
    scene.hurried(scene.bot()?.deliver(&said)).await?;
    let chat = scene.chat()?;
    let files: Vec<bool> = chat
        .by_bot()
        .map(|message| message.file.is_some())
        .collect();
    assert_eq!(files, [false, true]);
    scene.well_behaved()
}

#[tokio::test]
async fn a_file_whose_arrival_nobody_knows_is_not_sent_again() -> Outcome {
    let scene = Scene::begin()?;
    let (_kept, said) = file("all crows")?;
    scene
        .server()
        .fault(Plan::once(Trouble::CutAfter).on("sendDocument"))?;
    for _ in 0..3 {
        scene.hurried(scene.bot()?.deliver(&said)).await?;
    }
    let chat = scene.chat()?;
    let texts = chat.bot_texts();
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(texts[1].contains("may have arrived already"), "{texts:?}");
    assert_eq!(scene.server().calls_of("sendDocument")?.len(), 1);
    scene.well_behaved()
}

#[tokio::test]
async fn an_outage_uses_up_no_attempt_at_a_file() -> Outcome {
    let scene = Scene::begin()?;
    let (_kept, said) = file("all crows")?;
    scene.server().fault(Plan::always(Trouble::ResetBefore))?;
    for _ in 0..3 {
        let done = scene.hurried(scene.bot()?.deliver(&said)).await;
        assert!(matches!(done, Err(DeliverError::Retry { .. })), "{done:?}");
    }
    scene.server().lift()?;
    scene.hurried(scene.bot()?.deliver(&said)).await?;
    let chat = scene.chat()?;
    assert_eq!(
        chat.by_bot()
            .filter(|message| message.file.is_some())
            .count(),
        1
    );
    assert_eq!(chat.bot_texts(), ["all crows"]);
    scene.well_behaved()
}

#[tokio::test]
async fn a_file_that_telegram_does_not_take_is_said_so() -> Outcome {
    let scene = Scene::begin()?;
    let (_kept, said) = file("all crows")?;
    let refusal = Trouble::Status {
        code: 413,
        description: "Request Entity Too Large".to_owned(),
    };
    scene
        .server()
        .fault(Plan::always(refusal).on("sendDocument"))?;
    scene.hurried(scene.bot()?.deliver(&said)).await?;
    let texts = scene.texts()?;
    assert_eq!(texts.len(), 1);
    assert!(
        texts[0].contains("does not take the file crows.txt"),
        "{texts:?}"
    );
    Ok(())
}
