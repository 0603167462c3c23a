//! What the log may not hold.

use std::io;
use std::sync::{Arc, Mutex};

use corvid_testkit::telegram::{Fault, Plan, Say};
use tracing_subscriber::fmt::MakeWriter;

use super::{Outcome, Scene, confirmed};

/// Everything that is logged, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_token_is_in_no_log() -> Outcome {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let logged = tracing::subscriber::set_default(subscriber);
    let scene = Scene::begin()?;
    for fault in [Fault::ResetBefore, Fault::Garbage, Fault::CutBefore] {
        scene
            .people()
            .fault(Plan::once(fault.clone()).on("getMe"))?;
        scene.people().fault(Plan::once(fault).on("getUpdates"))?;
    }
    scene
        .people()
        .say(Say::private(7, "see").photo(vec![7; 5_000]))?;
    scene.until(confirmed).await?;
    let sent = scene.inbox.attachments.lock().expect("no panic").remove(0);
    let folder = tempfile::tempdir()?;
    scene
        .people()
        .fault(Plan::once(Fault::CutBefore).on("download"))?;
    let broken = sent.source.fetch(&folder.path().join("broken")).await;
    tracing::info!(?broken, "this is in the log");
    sent.source.fetch(&folder.path().join("whole")).await?;
    scene.people().revoke_token()?;
    tracing::error!(end = ?scene.end().await, "and so is this");
    drop(logged);
    let log = String::from_utf8_lossy(&log.0.lock().expect("no panic")).into_owned();
    assert!(
        log.contains("this is in the log") && log.contains("telegram.token"),
        "{log}"
    );
    let secret = scene
        .fake
        .token()
        .split_once(':')
        .map_or("", |(_, secret)| secret);
    assert!(!secret.is_empty() && !log.contains(secret), "{log}");
    Ok(())
}
