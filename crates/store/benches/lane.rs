//! What a lane waits for before its first step: opening the store, and loading a session that is young or old.
//! Invariant: the old session has ten times the turns of the young one; loading it must cost at most 1.1 times.
//! It must not know the store's insides.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use corvid_core::wire::{
    Address, Admission, DeliveryDraft, Ending, EventBody, Finish, Flags, Limits, Mode, ModelAnswer,
    Part, Patience, ReplyComposed, Requester, Role, SessionId, TurnStart, Usage,
};
use corvid_core::{Append, Fence, Journal as _, Tasks, draw};
use corvid_store::{Config, Store};
use criterion::Criterion;
use tempfile::TempDir;
use tokio::runtime::Runtime;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const YOUNG: u32 = 200;
const OLD: u32 = 2_000;

/// About 4,000 tokens.
const CONTEXT_BYTES: u64 = 16_000;

fn main() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let folder = TempDir::new()?;
    let config = Config {
        path: folder.path().join("corvid.db"),
    };
    let young = SessionId::new("young");
    let old = SessionId::new("old");
    let store = runtime.block_on(async {
        let store = Store::open(&config, &Tasks::default()).await?;
        fill(&store, &young, YOUNG).await?;
        fill(&store, &old, OLD).await?;
        Ok::<_, Box<dyn std::error::Error>>(store)
    })?;

    let mut criterion = Criterion::default()
        .configure_from_args()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    criterion.bench_function("open an existing store", |bencher| {
        bencher.iter(|| runtime.block_on(Store::open(&config, &Tasks::default())));
    });
    criterion.bench_function("open it and ask for the first time", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let store = Store::open(&config, &Tasks::default()).await;
                match store {
                    Ok(store) => store.latest_session("terminal", "1000").await.is_ok(),
                    Err(_) => false,
                }
            })
        });
    });
    for session in [&young, &old] {
        criterion.bench_function(&format!("load {session}"), |bencher| {
            bencher.iter(|| runtime.block_on(store.load(session, CONTEXT_BYTES)));
        });
    }
    print_ratio(&runtime, &store, &young, &old)?;
    print_restart(&runtime, folder.path(), &config)
}

/// Alternates the two and compares the medians, since whatever else the machine does falls on single times.
fn print_ratio(
    runtime: &Runtime,
    store: &Store,
    young: &SessionId,
    old: &SessionId,
) -> Outcome<()> {
    const BOUTS: usize = 401;
    let mut spent = [Vec::new(), Vec::new()];
    let mut events = [0; 2];
    for _ in 0..BOUTS {
        for (index, session) in [young, old].into_iter().enumerate() {
            let start = Instant::now();
            let loaded = runtime.block_on(store.load(session, CONTEXT_BYTES))?;
            spent[index].push(start.elapsed());
            events[index] = loaded.events.len();
        }
    }
    let [young, old] = spent.map(|mut times| {
        times.sort();
        times[BOUTS / 2].as_secs_f64()
    });
    writeln!(
        std::io::stdout(),
        "load at turn {OLD} ({} events) against turn {YOUNG} ({} events): {:.2} ×",
        events[1],
        events[0],
        old / young,
    )?;
    Ok(())
}

/// A copy as a crash leaves it: the log is not yet folded into the file.
fn print_restart(runtime: &Runtime, folder: &Path, config: &Config) -> Outcome<()> {
    let copy = folder.join("crashed.db");
    std::fs::copy(&config.path, &copy)?;
    let log = folder.join("corvid.db-wal");
    let bytes = std::fs::copy(&log, folder.join("crashed.db-wal"))?;
    let start = Instant::now();
    let opened = runtime.block_on(Store::open(&Config { path: copy }, &Tasks::default()))?;
    let spent = start.elapsed();
    drop(opened);
    writeln!(
        std::io::stdout(),
        "open after a crash with {} KiB of log: {:.2} ms",
        bytes / 1024,
        spent.as_secs_f64() * 1e3,
    )?;
    Ok(())
}

async fn fill(store: &Store, session: &SessionId, turns: u32) -> Outcome<()> {
    let owner = store.owner().clone();
    let opened = vec![
        EventBody::SessionOpened {
            working_dir: "/work".to_owned(),
        },
        EventBody::LaneClaimed {
            epoch: 1,
            owner: owner.clone(),
        },
    ];
    let fence = Fence::Take {
        owner,
        seen: None,
        head: 0,
        ground: corvid_core::Ground::Free,
    };
    let mut head = append(store, session, fence, opened).await?;
    for turn in 1..=turns {
        let (admission, lane) = events(session, turn);
        append(store, session, Fence::Open, vec![admission]).await?;
        let fence = Fence::Lane {
            epoch: 1,
            head: head + 1,
        };
        head = append(store, session, fence, lane).await?;
    }
    Ok(())
}

async fn append(
    store: &Store,
    session: &SessionId,
    fence: Fence,
    events: Vec<EventBody>,
) -> Outcome<u64> {
    let append = Append {
        session: session.clone(),
        fence,
        at: 1,
        events,
    };
    Ok(store.append(append).await?.head)
}

/// One turn of about 500 bytes of transcript: its admission, and what its lane writes.
fn events(session: &SessionId, turn: u32) -> (EventBody, Vec<EventBody>) {
    let input = draw::input_id();
    let to = Address {
        channel: "terminal".to_owned(),
        account: "1000".to_owned(),
        conversation: "4711".to_owned(),
    };
    let admission = Admission {
        input: input.clone(),
        origin: to.clone(),
        external_id: format!("{session}-{turn}"),
        requester: Requester {
            id: "1000".to_owned(),
            role: Role::Owner,
        },
        parts: vec![Part::text("question ".repeat(20))],
        mode: Mode::Steer,
        working_dir: "/work".to_owned(),
        flags: Flags::default(),
        job: None,
        together: None,
        replaces: None,
        zone: None,
    };
    let started = TurnStart {
        turn,
        inputs: vec![input.clone()],
        model: "custom/scripted".to_owned(),
        limits: Limits {
            max_steps: 25,
            parallel_calls: 8,
            attempts: 3,
            patience: Patience::GiveUp,
            question_ms: Limits::default_question_ms(),
        },
    };
    let answered = ModelAnswer {
        turn,
        step: 1,
        attempt: 1,
        text: "answer ".repeat(50),
        calls: Vec::new(),
        finish: Finish::Stop,
        usage: Usage::default(),
    };
    let reply = ReplyComposed {
        turn,
        inputs: vec![input.clone()],
        text: "answer ".repeat(50),
        ending: Ending::Answered,
        notices: Vec::new(),
        unapproved: Vec::new(),
        took_ms: 0,
        unasked: false,
        deliveries: vec![DeliveryDraft {
            delivery: draw::delivery_id(),
            to,
            inputs: vec![input],
        }],
    };
    let lane = vec![
        EventBody::TurnStarted(started),
        EventBody::ModelAnswered(answered),
        EventBody::ReplyComposed(reply),
    ];
    (EventBody::InputAdmitted(admission), lane)
}
