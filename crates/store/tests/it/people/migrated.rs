//! A store of the first version, with sessions in it, is brought up to date by opening it.
//! Invariant: whatever could be read before reads the same, and what is new is there for old rows, too.
//! It must not know more of the tables than how the first version filled them.

use std::path::{Path, PathBuf};

use corvid_core::wire::{EventBody, Person, SessionId};
use corvid_core::{Journal as _, Tasks};
use corvid_store::{Config, DeliveryEnd, DeliveryRow, Store};
use sqlx::AssertSqlSafe;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::task::JoinSet;

use super::{admit, answer, asked, chat, person, said, talked};
use crate::hands::{job_end, job_start};
use crate::scene::{Scene, admission, open, open_session, terminal};

const FIRST: &str = include_str!("../../../../../migrations/0001_journal.sql");

/// What the first version had of each table that it filled as today's does.
const SAME: [&str; 8] = [
    "event", "session", "rest", "input", "question", "granted", "job", "claim",
];

/// Writes what is in a store to a new file, as the first version would have.
async fn write_first(from: &Path) -> PathBuf {
    let path = from.with_file_name("first.db");
    let copies = SAME.map(|table| format!("INSERT INTO {table} SELECT * FROM today.{table};"));
    let sql = format!(
        "ATTACH '{}' AS today; {FIRST}; {} INSERT INTO delivery SELECT id, session, seq, state, owner, external_id, reason FROM today.delivery; \
         PRAGMA application_id = 0x43727664; PRAGMA user_version = 1; PRAGMA journal_mode = WAL",
        from.display(),
        copies.concat(),
    );
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    let written = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection);
    written.await.unwrap();
    sqlx::Connection::close(connection).await.unwrap();
    path
}

/// Sessions of several people, with deliveries in every state, a job, and inputs that wait.
async fn fill(store: &Store) -> Vec<SessionId> {
    for (session, by) in [("a", "1"), ("b", "2")] {
        talked(store, session, "1", by).await;
    }
    let (mut lane, input) = asked(store, "c", "-5", "2").await;
    let sent = answer(&mut lane, input, "-5", "sent").await;
    store.begin_delivery(&sent).await.unwrap();
    let end = DeliveryEnd::Sent("m1".to_owned());
    store.end_delivery(&sent, end).await.unwrap();
    let input = admit(store, &lane.session, said("-5", "1", "more", "more")).await;
    lane.head += 1;
    let sending = answer(&mut lane, input, "-5", "sending").await;
    store.begin_delivery(&sending).await.unwrap();
    let mut events = vec![EventBody::JobStarted(Box::new(job_start("j-1")))];
    events.extend(job_end("j-1", "make: done"));
    store.append(open(&lane.session, events)).await.unwrap();
    let session = SessionId::new("t");
    open_session(store, &session).await.unwrap();
    admit(store, &session, admission("k", "at the terminal")).await;
    ["a", "b", "c", "t"].map(SessionId::new).to_vec()
}

async fn deliveries(store: &Store, sessions: &[SessionId]) -> Vec<DeliveryRow> {
    let mut rows = Vec::new();
    for session in sessions {
        rows.extend(store.deliveries(session).await.unwrap());
    }
    rows
}

#[tokio::test]
async fn a_store_of_the_first_version_reads_the_same() {
    let scene = Scene::new();
    let today = scene.open().await;
    let sessions = fill(&today).await;
    let path = write_first(&scene.path()).await;
    let config = Config { path };
    let store = Store::open(&config, &Tasks::default()).await.unwrap();

    assert_eq!(store.sessions(9).await, today.sessions(9).await);
    for session in &sessions {
        let (new, old) = (store.read(session, 0, 99), today.read(session, 0, 99));
        assert_eq!(new.await.unwrap(), old.await.unwrap());
        assert_eq!(
            store.session_open_inputs(session).await,
            today.session_open_inputs(session).await
        );
    }
    let rows = deliveries(&store, &sessions).await;
    assert_eq!(rows, deliveries(&today, &sessions).await);
    assert_eq!(rows.len(), 4);
    let outbox = store.open_outbox("telegram", "777").await;
    assert_eq!(outbox, today.open_outbox("telegram", "777").await);
    let to: Vec<_> = outbox
        .unwrap()
        .into_iter()
        .map(|row| row.delivery.to)
        .collect();
    assert_eq!(to, [chat("1"), chat("1"), chat("-5")]);
    let local = Person {
        channel: "terminal".to_owned(),
        id: terminal().account,
    };
    for who in [person("1"), person("2"), local] {
        let rows = store.sessions_of(&who, 9).await.unwrap();
        assert!(!rows.is_empty());
        assert_eq!(Ok(rows), today.sessions_of(&who, 9).await);
    }
    assert_eq!(store.open_jobs(None).await, today.open_jobs(None).await);

    // It goes on where it was.
    let next = talked(&store, "next", "1", "1").await;
    assert_eq!(store.deliveries(&next.session).await.unwrap().len(), 1);
    let health = store.check().await.unwrap();
    assert_eq!((health.version, health.problems), (2, vec![]));
}

#[tokio::test]
async fn of_many_who_open_it_at_once_one_brings_it_up_to_date() {
    let scene = Scene::new();
    let today = scene.open().await;
    let sessions = fill(&today).await;
    let path = write_first(&scene.path()).await;
    let mut set = JoinSet::new();
    for _ in 0..6 {
        let config = Config { path: path.clone() };
        set.spawn(async move { Store::open(&config, &Tasks::default()).await.unwrap() });
    }
    let stores = set.join_all().await;
    let expect = deliveries(&today, &sessions).await;
    for store in &stores {
        assert_eq!(deliveries(store, &sessions).await, expect);
    }
}
