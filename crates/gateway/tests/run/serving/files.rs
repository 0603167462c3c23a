//! What is sent along with a message, when it cannot be had.
//! Invariant: verdicts come from what was fetched and from what the messenger was handed.
//! It must not know where files are kept.

use std::sync::atomic::{AtomicU32, Ordering};

use corvid_core::wire::QuoteForm;
use corvid_core::{AttachmentKind, Fetch, FetchError};
use corvid_testkit::ManualClock;

use super::*;

/// A place from which nothing comes, and that takes its time to say so.
struct Far {
    clock: Arc<ManualClock>,
    takes_ms: u64,
    asked: AtomicU32,
}

#[async_trait]
impl Fetch for Far {
    async fn fetch(&self, _into: &Path) -> Result<(), FetchError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.clock.advance(self.takes_ms);
        Err(FetchError::Retry("it is not reached".to_owned()))
    }
}

/// How often a file is asked for that each time is not reached after that long.
async fn asked(takes_ms: u64) -> u32 {
    let daemon = Daemon::start().await;
    let far = Arc::new(Far {
        clock: Arc::clone(&daemon.clock),
        takes_ms,
        asked: AtomicU32::new(0),
    });
    let said = Said {
        parts: Vec::new(),
        attachments: vec![Attachment {
            name: "a.txt".to_owned(),
            media_type: "text/plain".to_owned(),
            kind: AttachmentKind::File,
            bytes: None,
            quoted: None,
            source: Arc::clone(&far) as Arc<dyn Fetch>,
        }],
        ..daemon.said("a", "")
    };
    let taken = daemon.inbox.receive(said);
    tokio::pin!(taken);
    loop {
        tokio::select! {
            biased;
            taken = &mut taken => {
                taken.unwrap();
                break;
            }
            due = daemon.clock.next_wait() => {
                daemon.clock.set(due);
            }
        }
    }
    assert_eq!(
        daemon.messenger.sent(1).await,
        ["a: A file could not be fetched (it is not reached); send it again."]
    );
    far.asked.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_file_is_fetched_again_unless_that_takes_long() {
    assert_eq!(asked(10).await, 3);
    // Everybody else's messages wait meanwhile.
    assert_eq!(asked(20_000).await, 1);
}

/// A recording in which `do it` is heard.
struct Recording;

#[async_trait]
impl Fetch for Recording {
    async fn fetch(&self, into: &Path) -> Result<(), FetchError> {
        let kept = tokio::fs::write(into, "do it").await;
        kept.map_err(|error| FetchError::Final(error.to_string()))
    }
}

#[tokio::test]
async fn what_somebody_else_has_spoken_is_a_quote() {
    let daemon = Daemon::start().await;
    for (chat, quoted) in [
        ("a", None),
        ("b", Some((QuoteForm::RepliedTo, "Eve".to_owned()))),
    ] {
        let said = Said {
            parts: Vec::new(),
            attachments: vec![Attachment {
                name: "voice.ogg".to_owned(),
                media_type: "audio/ogg".to_owned(),
                kind: AttachmentKind::Voice,
                bytes: None,
                quoted,
                source: Arc::new(Recording),
            }],
            ..daemon.said(chat, "")
        };
        daemon.inbox.receive(said).await.unwrap();
    }
    let mut sent = daemon.messenger.sent(2).await;
    sent.sort();
    assert_eq!(
        sent,
        [
            "a: you said: do it",
            "b: you said: [In reply to Eve:]\n> do it"
        ]
    );
}
