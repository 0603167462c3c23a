//! Appends: one writer, fifty writers, and a bare sqlx loop in groups of fifty beside them; then the ratio of
//! the last two, which must be at least 60 %.
//! Invariant: all write the same event to a real file with the same settings; what differs is the store.
//! It must not know the store's insides.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use corvid_core::wire::{EventBody, SessionId};
use corvid_core::{Append, ClaimSeen, Fence, Journal as _, Tasks};
use corvid_store::{Config, Store};
use criterion::{Criterion, Throughput};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;
use tokio::runtime::Runtime;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Writers at once, and rows in one transaction of the bare loop.
const WRITERS: u32 = 50;

/// The table that the bare loop writes to: the journal's own, alone.
const TABLE: &str = "CREATE TABLE event (session TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, \
     kind TEXT NOT NULL, version INTEGER NOT NULL, payload TEXT NOT NULL, UNIQUE (session, seq)) STRICT";

const INSERT: &str =
    "INSERT INTO event (session, seq, at, kind, version, payload) VALUES (?, ?, ?, ?, ?, ?)";

/// Lanes on one store, each with its session claimed.
struct Lanes {
    store: Store,
    lanes: Vec<(SessionId, u64)>,
}

/// A connection as one would write it without a store.
struct Bare {
    connection: SqliteConnection,
    sessions: Vec<String>,
    seq: i64,
}

impl Lanes {
    async fn open(path: PathBuf, count: u32) -> Outcome<Self> {
        let store = Store::open(&Config { path }, &Tasks::default()).await?;
        let mut lanes = Vec::new();
        for number in 0..count {
            let session = SessionId::new(format!("s-{number:010}"));
            let owner = store.owner().clone();
            let append = Append {
                session: session.clone(),
                fence: Fence::Take {
                    owner: owner.clone(),
                    seen: None::<ClaimSeen>,
                    head: 0,
                    ground: corvid_core::Ground::Free,
                },
                at: 1,
                events: vec![
                    EventBody::SessionOpened {
                        working_dir: "/".to_owned(),
                    },
                    EventBody::LaneClaimed { epoch: 1, owner },
                ],
            };
            lanes.push((session, store.append(append).await?.head));
        }
        Ok(Self { store, lanes })
    }

    /// Every lane appends one event `rounds` times, all at once.
    async fn run(&mut self, rounds: u64) -> Outcome<Duration> {
        let start = Instant::now();
        let mut set = tokio::task::JoinSet::new();
        for (session, head) in self.lanes.clone() {
            let store = self.store.clone();
            set.spawn(async move {
                for head in head..head + rounds {
                    let append = Append {
                        session: session.clone(),
                        fence: Fence::Lane { epoch: 1, head },
                        at: 1,
                        events: vec![event()],
                    };
                    store.append(append).await?;
                }
                Ok::<_, corvid_core::AppendError>(())
            });
        }
        while let Some(done) = set.join_next().await {
            done??;
        }
        for (_, head) in &mut self.lanes {
            *head += rounds;
        }
        Ok(start.elapsed())
    }
}

impl Bare {
    async fn open(path: &Path) -> Outcome<Self> {
        let mut connection = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging()
            .connect()
            .await?;
        sqlx::raw_sql(TABLE).execute(&mut connection).await?;
        Ok(Self {
            connection,
            sessions: (0..WRITERS).map(|n| format!("s-{n:010}")).collect(),
            seq: 0,
        })
    }

    /// `rounds` transactions with one row for each session.
    async fn run(&mut self, rounds: u64) -> Outcome<Duration> {
        let start = Instant::now();
        for _ in 0..rounds {
            self.seq += 1;
            let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await?;
            for session in &self.sessions {
                let body = event();
                sqlx::query(INSERT)
                    .bind(session)
                    .bind(self.seq)
                    .bind(1)
                    .bind(body.kind())
                    .bind(body.version())
                    .bind(body.payload()?)
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await?;
        }
        Ok(start.elapsed())
    }
}

fn event() -> EventBody {
    EventBody::ModelRequested {
        turn: 1,
        step: 1,
        attempt: 1,
        model: "custom/scripted".to_owned(),
        prompt_hash: "0f".repeat(32),
    }
}

fn main() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let folder = TempDir::new()?;
    let mut one = runtime.block_on(Lanes::open(folder.path().join("one/corvid.db"), 1))?;
    let mut fifty =
        runtime.block_on(Lanes::open(folder.path().join("fifty/corvid.db"), WRITERS))?;
    let mut bare = runtime.block_on(Bare::open(&folder.path().join("bare.db")))?;

    let mut criterion = Criterion::default()
        .configure_from_args()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    let mut group = criterion.benchmark_group("append");
    group.bench_function("one writer", |bencher| {
        bencher.iter_custom(|rounds| timed(&runtime, one.run(rounds)));
    });
    group.throughput(Throughput::Elements(WRITERS.into()));
    group.bench_function("fifty writers", |bencher| {
        bencher.iter_custom(|rounds| timed(&runtime, fifty.run(rounds)));
    });
    group.bench_function("bare loop in groups of fifty", |bencher| {
        bencher.iter_custom(|rounds| timed(&runtime, bare.run(rounds)));
    });
    group.finish();
    print_ratio(&runtime, &mut fifty, &mut bare)
}

/// Alternates the two in short bouts and compares the medians, since whatever else the machine does falls on
/// single bouts.
fn print_ratio(runtime: &Runtime, fifty: &mut Lanes, bare: &mut Bare) -> Outcome<()> {
    const BOUTS: usize = 41;
    const ROUNDS: u32 = 10;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let before = fifty.store.commits();
    for _ in 0..BOUTS {
        ours.push(runtime.block_on(fifty.run(ROUNDS.into()))?);
        theirs.push(runtime.block_on(bare.run(ROUNDS.into()))?);
    }
    let commits = fifty.store.commits() - before;
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[BOUTS / 2].as_secs_f64() * 1e6 / f64::from(ROUNDS) / f64::from(WRITERS)
    };
    let (ours, theirs) = (median(&mut ours), median(&mut theirs));
    writeln!(
        std::io::stdout(),
        "store {ours:.1} µs an append ({commits} commits for {BOUTS} times {ROUNDS} rounds of {WRITERS}), bare loop {theirs:.1} µs: {:.0} %",
        100.0 * theirs / ours,
    )?;
    Ok(())
}

/// A run that failed takes no time, which criterion refuses.
fn timed(runtime: &Runtime, run: impl Future<Output = Outcome<Duration>>) -> Duration {
    runtime.block_on(run).unwrap_or_default()
}
