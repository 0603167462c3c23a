//! Files that calls send, up to the outbox.
//! Invariant: verdicts come from the outbox and from what lies on the disk.

use std::os::unix::fs::PermissionsExt as _;

use corvid_core::wire::{Address, CallKey};
use corvid_core::{
    Channel, DeliverError, Delivery, FollowedTurn, Heard, HeardOutcome, Inbox, ListenError, Note,
    OutcomeQuestion, Questions, Secret, SystemClock, Tasks,
};
use corvid_store::{Config, DeliveryEnd, OutboxRow};
use corvid_testkit::ManualClock;
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::*;

const KEY: &str = "a-secret-of-some-length";

struct Scene {
    home: TempDir,
    store: Store,
}

impl Scene {
    async fn new() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let path = home.path().join("corvid.db");
        let store = Store::open(&Config { path }, &Tasks::default()).await;
        let store = store.expect("the store opens");
        Self { home, store }
    }

    fn desk(&self, clock: Arc<dyn Clock>) -> PostDesk {
        PostDesk {
            store: self.store.clone(),
            clock,
            outputs: Outputs::new(self.home.path().join("outputs")),
            redactor: Arc::new(Redactor::new([("KEY".to_owned(), Secret::new(KEY))])),
            lanes: Lanes::default(),
        }
    }

    /// Sends what is in a file.
    async fn send(&self, key: &str, to: &Address, content: &str) -> Result<Sent, String> {
        let path = self.home.path().join("file");
        fs::write(&path, content).expect("a file");
        let file = FileToSend {
            key: CallKey::new(key),
            to: to.clone(),
            file: File::open(path).expect("a file"),
            name: format!("{KEY}.txt"),
            caption: format!("Here is {KEY}"),
        };
        self.desk(Arc::new(SystemClock)).send_file(file).await
    }

    async fn open(&self) -> Vec<OutboxRow> {
        let open = self.store.open_outbox("telegram", "77").await;
        open.expect("the outbox")
    }

    fn copies(&self) -> Vec<PathBuf> {
        let folder = self.home.path().join("outputs/.outgoing");
        old_files(&folder, Millis::MAX)
    }
}

fn chat(number: u32) -> Address {
    Address {
        channel: "telegram".to_owned(),
        account: "77".to_owned(),
        conversation: number.to_string(),
    }
}

#[tokio::test]
async fn a_file_waits_in_a_copy_that_nobody_else_reads_or_changes() {
    let scene = Scene::new().await;
    assert_eq!(scene.send("k", &chat(1), "one").await, Ok(Sent::OnItsWay));
    assert_eq!(scene.send("k", &chat(1), "two").await, Ok(Sent::OnItsWay));
    let open = scene.open().await;
    let [row] = open.as_slice() else {
        panic!("one call is one notice: {open:?}");
    };
    assert_eq!(row.delivery.to, chat(1));
    assert_eq!(row.delivery.text, "Here is [redacted:KEY]");
    let Content::File { path, name } = &row.delivery.content else {
        panic!("a file is sent: {row:?}");
    };
    assert_eq!(name, "[redacted:KEY].txt");
    assert_eq!(fs::read(path).expect("the copy"), b"one");
    let mode = |path: &Path| {
        fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(path), 0o600);
    assert_eq!(mode(path.parent().expect("a folder")), 0o700);
    assert_eq!(scene.copies(), std::slice::from_ref(path));
}

#[tokio::test]
async fn a_call_that_runs_again_after_its_file_was_sent_leaves_nothing() {
    let scene = Scene::new().await;
    scene.send("k", &chat(1), "one").await.expect("it is kept");
    let row = scene.open().await.remove(0);
    let id = &row.delivery.id;
    assert!(scene.store.begin_delivery(id).await.expect("begun"));
    let sent = DeliveryEnd::Sent("9".to_owned());
    scene.store.end_delivery(id, sent).await.expect("ended");
    for copy in scene.copies() {
        fs::remove_file(copy).expect("as the outbox does");
    }
    assert_eq!(scene.send("k", &chat(1), "two").await, Ok(Sent::OnItsWay));
    assert_eq!(scene.open().await, []);
    assert_eq!(scene.copies(), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn who_sits_before_the_folder_is_sent_nothing() {
    let scene = Scene::new().await;
    let terminal = Address {
        channel: "terminal".to_owned(),
        ..chat(1)
    };
    assert_eq!(scene.send("k", &terminal, "one").await, Ok(Sent::SeenThere));
    assert_eq!(scene.copies(), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn a_file_that_has_grown_too_large_is_not_kept() {
    let scene = Scene::new().await;
    let path = scene.home.path().join("large");
    let large = File::create(&path).expect("a file");
    let grown = large.set_len(FileToSend::MAX_BYTES + 1);
    grown.expect("a sparse file");
    let file = FileToSend {
        key: CallKey::new("k"),
        to: chat(1),
        file: File::open(path).expect("a file"),
        name: "large".to_owned(),
        caption: String::new(),
    };
    let sent = scene.desk(Arc::new(SystemClock)).send_file(file).await;
    let why = "the file is larger than 50 MB, the most that can be sent";
    assert_eq!(sent, Err(why.to_owned()));
    assert_eq!(scene.open().await, []);
    assert_eq!(scene.copies(), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn what_a_dead_process_left_goes_after_a_day() {
    let scene = Scene::new().await;
    scene.send("k", &chat(1), "one").await.expect("it is kept");
    let named = scene.copies();
    let left = scene.home.path().join("outputs/.outgoing/left.part");
    fs::write(&left, "half").expect("a file");
    let messengers: Vec<Arc<dyn Messenger>> = vec![Arc::new(Silent)];
    let now = SystemClock.now();
    for (later, stays) in [(0, true), (LEFT_MS + 60_000, false)] {
        let clock = Arc::new(ManualClock::new(now + later));
        let tidied = scene.desk(clock).tidy(&messengers).await;
        tidied.expect("the outbox is read");
        assert_eq!(left.exists(), stays, "after {later} ms");
    }
    assert_eq!(scene.copies(), named);
}

/// A messenger of which only the name matters.
struct Silent;

#[async_trait]
impl Channel for Silent {
    fn name(&self) -> &'static str {
        "telegram"
    }

    async fn deliver(&self, _delivery: &Delivery) -> Result<String, DeliverError> {
        Err(DeliverError::Gone("nothing is sent here".to_owned()))
    }
}

#[async_trait]
impl Messenger for Silent {
    fn account(&self) -> &'static str {
        "77"
    }

    async fn listen(&self, _inbox: Arc<dyn Inbox>) -> ListenError {
        ListenError::Final("nothing is heard here".to_owned())
    }

    async fn follow(
        &self,
        _turn: &FollowedTurn,
        _live: mpsc::Receiver<corvid_core::wire::LiveEvent>,
    ) {
    }

    async fn note(&self, _note: &Note) {}
}

#[async_trait]
impl Questions for Silent {
    async fn ask_outcome(&self, _question: &OutcomeQuestion) -> HeardOutcome {
        HeardOutcome::Nobody
    }

    async fn ask(&self, _question: &corvid_core::wire::Question) -> Heard {
        Heard::Nobody
    }
}
