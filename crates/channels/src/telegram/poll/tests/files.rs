//! Fetching what was sent along.

use corvid_core::{AttachmentKind, FetchError};
use corvid_testkit::telegram::{Fault, Plan, Say};

use super::{Outcome, Scene, confirmed};

#[tokio::test]
async fn a_file_is_fetched_whole() -> Outcome {
    let scene = Scene::begin()?;
    let content: Vec<u8> = (0..300_000_u32).map(|byte| byte.to_le_bytes()[0]).collect();
    scene.people().say(Say::private(7, "see").document(
        "notes.bin",
        "application/x-notes",
        content.clone(),
    ))?;
    scene.until(confirmed).await?;
    let sent = scene.inbox.attachments.lock().expect("no panic").remove(0);
    assert_eq!(
        (sent.name.as_str(), sent.kind),
        ("notes.bin", AttachmentKind::File)
    );
    let folder = tempfile::tempdir()?;
    let into = folder.path().join("notes.bin");
    sent.source.fetch(&into).await?;
    assert!(std::fs::read(&into)? == content);
    // What is there is never written over.
    assert!(matches!(
        sent.source.fetch(&into).await,
        Err(FetchError::Retry(_))
    ));
    assert!(std::fs::read(&into)? == content);
    Ok(())
}

#[tokio::test]
async fn what_is_too_large_is_said_to_be() -> Outcome {
    let scene = Scene::begin()?;
    let film = Say::private(7, "see").document("film.mkv", "video/x-matroska", b"film".to_vec());
    scene.people().say(film.told_size(31_000_000))?;
    scene.until(confirmed).await?;
    let sent = scene.inbox.attachments.lock().expect("no panic").remove(0);
    let folder = tempfile::tempdir()?;
    let into = folder.path().join("film.mkv");
    let refused = sent.source.fetch(&into).await;
    let said = "`film.mkv` of 30 MB is too large: Telegram lets bots fetch at most 20 MB";
    assert_eq!(refused, Err(FetchError::Final(said.to_owned())));
    assert!(!into.exists());
    assert_eq!(scene.people().calls_of("getFile")?, []);
    Ok(())
}

#[tokio::test]
async fn a_file_that_breaks_off_leaves_nothing_behind() -> Outcome {
    let scene = Scene::begin()?;
    scene
        .people()
        .say(Say::private(7, "see").photo(vec![7; 5_000]))?;
    scene.until(confirmed).await?;
    let sent = scene.inbox.attachments.lock().expect("no panic").remove(0);
    assert_eq!(sent.kind, AttachmentKind::Image);
    let folder = tempfile::tempdir()?;
    let into = folder.path().join("photo.jpg");
    for (method, fault) in [
        ("getFile", Fault::CutBefore),
        ("download", Fault::CutBefore),
    ] {
        scene.people().fault(Plan::once(fault).on(method))?;
        let refused = sent.source.fetch(&into).await;
        assert!(
            matches!(refused, Err(FetchError::Retry(_))),
            "{method}: {refused:?}"
        );
        assert!(!into.exists(), "{method}");
    }
    sent.source.fetch(&into).await?;
    assert_eq!(std::fs::read(&into)?.len(), 5_000);
    Ok(())
}
