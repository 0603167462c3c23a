//! What is sent along with a message, when it cannot be had.
//! Invariant: verdicts come from what was fetched and from what the messenger was handed.
//! It must not know where files are kept.

use std::sync::atomic::{AtomicU32, Ordering};

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
