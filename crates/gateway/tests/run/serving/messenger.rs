//! A messenger that keeps what it is handed, and fails where a test says so.
//! Invariant: a delivery is entered when it is handed over, and again when it has gone out.
//! It must not know the gateway.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use corvid_core::wire::{LiveEvent, Question};
use corvid_core::{
    Channel, Content, DeliverError, Delivery, FollowedTurn, Heard, HeardOutcome, Inbox,
    ListenError, Messenger, Note, OutcomeQuestion, Questions,
};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// The one channel.
pub(super) const CHANNEL: &str = "messenger";
/// Our account there.
pub(super) const ACCOUNT: &str = "77";

/// What becomes of one delivery.
pub(super) enum Mishap {
    /// It fails so.
    Fails(DeliverError),
    /// It goes out once the test lets it.
    Waits(CancellationToken),
}

#[derive(Default)]
pub(super) struct Chat {
    inbox: watch::Sender<Option<Arc<dyn Inbox>>>,
    /// What was handed over, in order, as `conversation: text`.
    begun: watch::Sender<Vec<String>>,
    /// What has gone out, in order.
    sent: watch::Sender<Vec<Delivery>>,
    /// What becomes of the next deliveries whose text holds the word.
    mishaps: Mutex<VecDeque<(&'static str, Mishap)>>,
    /// The turns that are shown.
    shown: watch::Sender<Vec<u32>>,
    /// Lets shows end; none where they end by themselves.
    pub(super) show: Mutex<Option<CancellationToken>>,
}

impl Chat {
    /// The inbox, once the messenger listens.
    pub(super) async fn listening(&self) -> Arc<dyn Inbox> {
        let mut inbox = self.inbox.subscribe();
        let inbox = inbox.wait_for(Option::is_some).await.unwrap().clone();
        inbox.unwrap()
    }

    /// Lets the next delivery that holds `word` meet with something.
    pub(super) fn meets(&self, word: &'static str, mishap: Mishap) {
        self.mishaps.lock().unwrap().push_back((word, mishap));
    }

    /// Lets the next delivery that holds `word` fail.
    pub(super) fn fails(&self, word: &'static str, error: DeliverError) {
        self.meets(word, Mishap::Fails(error));
    }

    /// Lets the next delivery that holds `word` wait.
    pub(super) fn waits(&self, word: &'static str) -> CancellationToken {
        let let_go = CancellationToken::new();
        self.meets(word, Mishap::Waits(let_go.clone()));
        let_go
    }

    /// What was handed over so far.
    pub(super) fn begun(&self) -> Vec<String> {
        self.begun.borrow().clone()
    }

    /// Returns once this was handed over.
    pub(super) async fn until_begun(&self, line: &str) {
        let mut begun = self.begun.subscribe();
        let begun = begun.wait_for(|begun| begun.iter().any(|entry| entry == line));
        drop(begun.await.unwrap());
    }

    /// Returns once so many have gone out, with all of them as `conversation: text`.
    pub(super) async fn sent(&self, count: usize) -> Vec<String> {
        let sent = self.deliveries(count).await;
        sent.iter().map(line).collect()
    }

    /// Returns once so many have gone out.
    pub(super) async fn deliveries(&self, count: usize) -> Vec<Delivery> {
        let mut sent = self.sent.subscribe();
        sent.wait_for(|sent| sent.len() >= count)
            .await
            .unwrap()
            .clone()
    }

    /// Returns once a turn is shown.
    pub(super) async fn until_shown(&self) {
        let mut shown = self.shown.subscribe();
        drop(shown.wait_for(|shown| !shown.is_empty()).await.unwrap());
    }

    fn mishap(&self, text: &str) -> Option<Mishap> {
        let mut mishaps = self.mishaps.lock().unwrap();
        let place = mishaps.iter().position(|(word, _)| text.contains(word))?;
        mishaps.remove(place).map(|(_, mishap)| mishap)
    }
}

fn line(delivery: &Delivery) -> String {
    format!("{}: {}", delivery.to.conversation, delivery.text)
}

#[async_trait]
impl Channel for Chat {
    fn name(&self) -> &'static str {
        CHANNEL
    }

    async fn deliver(&self, delivery: &Delivery) -> Result<String, DeliverError> {
        self.begun.send_modify(|begun| begun.push(line(delivery)));
        match self.mishap(&delivery.text) {
            Some(Mishap::Fails(error)) => return Err(error),
            Some(Mishap::Waits(let_go)) => let_go.cancelled().await,
            None => {}
        }
        if let Content::File { path, .. } = &delivery.content {
            assert!(path.exists(), "a file is there as long as it is being sent");
        }
        self.sent.send_modify(|sent| sent.push(delivery.clone()));
        Ok(delivery.id.to_string())
    }
}

#[async_trait]
impl Messenger for Chat {
    fn account(&self) -> &'static str {
        ACCOUNT
    }

    async fn listen(&self, inbox: Arc<dyn Inbox>) -> ListenError {
        self.inbox.send_replace(Some(inbox));
        std::future::pending().await
    }

    async fn follow(&self, turn: &FollowedTurn, mut live: mpsc::Receiver<LiveEvent>) {
        self.shown.send_modify(|shown| shown.push(turn.turn));
        while live.recv().await.is_some() {}
        let show = self.show.lock().unwrap().clone();
        if let Some(show) = show {
            show.cancelled().await;
        }
    }

    async fn note(&self, _note: &Note) {}
}

#[async_trait]
impl Questions for Chat {
    async fn ask_outcome(&self, _question: &OutcomeQuestion) -> HeardOutcome {
        HeardOutcome::Nobody
    }

    async fn ask(&self, _question: &Question) -> Heard {
        Heard::Nobody
    }
}
