//! What the fold costs: replaying 2,000 turns, asking what is due, and building a request late in a session
//! against early in it.
//! Invariant: each turn holds one tool call, as most real ones do; the context budget is 4,000 tokens.
//! It must not measure a journal's storage or a model's codec; their crates do.

use std::hint::black_box;
use std::time::{Duration, Instant};

use corvid_agent::fold::{State, due};
use corvid_agent::{Settings, prompt};
use corvid_core::wire::{
    Address, Admission, CallDecision, CallId, CallOutcome, CallStatus, DeliveryDraft, DeliveryId,
    Effect, Ending, Event, EventBody, Finish, Flags, InputId, Limits, Mode, ModelAnswer, OwnerId,
    Part, Patience, ReplyComposed, Requester, Role, ToolCall, TurnStart, Usage, Verdict,
};
use corvid_core::{Toolset, draw};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

const TURNS: u32 = 2_000;
const EARLY: u32 = 200;
const CONTEXT_TOKENS: u64 = 4_000;

/// Requests that are built for one figure of the ratio, and how often that is done.
const REQUESTS: u32 = 2_000;
const ROUNDS: usize = 9;

fn settings() -> Settings {
    Settings {
        default_model: "test/scripted".to_owned(),
        limits: limits(),
        context_tokens: CONTEXT_TOKENS,
    }
}

fn limits() -> Limits {
    Limits {
        max_steps: 25,
        parallel_calls: 8,
        attempts: 3,
        patience: Patience::Park,
        question_ms: 600_000,
    }
}

fn terminal() -> Address {
    Address {
        channel: "terminal".to_owned(),
        account: "1000".to_owned(),
        conversation: "tty".to_owned(),
    }
}

/// A session of that many turns with one tool call each, its last turn just about to ask the model.
fn session(turns: u32) -> Vec<Event> {
    let mut bodies = vec![
        EventBody::SessionOpened {
            working_dir: "/work".to_owned(),
        },
        EventBody::LaneClaimed {
            epoch: 1,
            owner: OwnerId::new("o-1"),
        },
    ];
    for turn in 1..turns {
        bodies.extend(beginning(turn));
        bodies.extend(call(turn));
        bodies.extend(end(turn));
    }
    bodies.extend(beginning(turns));
    (1_u64..)
        .zip(1_700_000_000_000_i64..)
        .zip(bodies)
        .map(|((seq, at), body)| Event { seq, at, body })
        .collect()
}

fn input(turn: u32) -> InputId {
    InputId::new(format!("i-{turn}"))
}

fn beginning(turn: u32) -> [EventBody; 2] {
    let admission = Admission {
        input: input(turn),
        origin: terminal(),
        external_id: format!("x-{turn}"),
        requester: Requester {
            id: "1000".to_owned(),
            role: Role::Owner,
        },
        parts: vec![Part::text("what changed in this folder since yesterday?")],
        mode: Mode::Steer,
        working_dir: "/work".to_owned(),
        flags: Flags::default(),
        job: None,
        together: None,
        replaces: None,
        zone: None,
    };
    [
        EventBody::InputAdmitted(admission),
        EventBody::TurnStarted(TurnStart {
            turn,
            inputs: vec![input(turn)],
            model: "test/scripted".to_owned(),
            limits: limits(),
        }),
    ]
}

fn requested(turn: u32, step: u32) -> EventBody {
    EventBody::ModelRequested {
        turn,
        step,
        attempt: 1,
        model: "test/scripted".to_owned(),
        prompt_hash: "00".repeat(32),
    }
}

fn answered(turn: u32, step: u32, text: &str, calls: Vec<ToolCall>) -> EventBody {
    EventBody::ModelAnswered(ModelAnswer {
        turn,
        step,
        attempt: 1,
        text: text.to_owned(),
        calls,
        finish: Finish::Stop,
        usage: Usage::default(),
    })
}

fn call(turn: u32) -> [EventBody; 5] {
    let id = CallId {
        turn,
        step: 1,
        index: 0,
    };
    let asked = ToolCall {
        id,
        provider_id: format!("call_{turn}"),
        name: "system.run".to_owned(),
        arguments: format!(r#"{{"command":"git log -n {turn}"}}"#),
    };
    let rule = "default".to_owned();
    [
        requested(turn, 1),
        answered(turn, 1, "", vec![asked]),
        EventBody::CallDecided(CallDecision {
            call: id,
            effect: Effect::Reconcilable,
            verdict: Verdict::Allow {
                rule,
                reason: String::new(),
            },
            timeout_ms: 30_000,
        }),
        EventBody::ToolStarted {
            call: id,
            key: draw::call_key(&corvid_core::wire::SessionId::new("s-bench"), id),
            attempt: 1,
            proof: None,
        },
        EventBody::ToolFinished {
            call: id,
            outcome: CallOutcome {
                status: CallStatus::Ok,
                text: "one line of a log that says what changed\n".repeat(10),
                output: None,
                notice: None,
            },
        },
    ]
}

fn end(turn: u32) -> [EventBody; 3] {
    let text = "Three files changed: the fold, its driver and their tests.";
    [
        requested(turn, 2),
        answered(turn, 2, text, Vec::new()),
        EventBody::ReplyComposed(ReplyComposed {
            turn,
            inputs: vec![input(turn)],
            text: text.to_owned(),
            ending: Ending::Answered,
            notices: Vec::new(),
            unapproved: Vec::new(),
            took_ms: 0,
            unasked: false,
            deliveries: vec![DeliveryDraft {
                delivery: DeliveryId::new(format!("d-{turn}")),
                to: terminal(),
                inputs: vec![input(turn)],
            }],
        }),
    ]
}

fn replay(events: &[Event]) -> State {
    State::replay(settings().transcript_bytes(), events)
}

fn build_request(state: &State, settings: &Settings, tools: &Toolset) {
    if let Some(turn) = &state.turn {
        black_box(prompt::request(state, turn, settings, tools));
    }
}

/// The median time of building one request.
fn request_time(state: &State) -> Duration {
    let (settings, tools) = (settings(), Toolset::default());
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            for _ in 0..REQUESTS {
                build_request(state, &settings, &tools);
            }
            begun.elapsed() / REQUESTS
        })
        .collect();
    times.sort_unstable();
    times[ROUNDS / 2]
}

#[expect(clippy::print_stdout, reason = "a bench reports to whoever runs it")]
fn print_ratio(early: &State, late: &State) {
    let (early, late) = (request_time(early), request_time(late));
    let ratio = late.as_secs_f64() / early.as_secs_f64();
    println!(
        "request at turn {TURNS}: {late:?}, at turn {EARLY}: {early:?}, ratio {ratio:.2} (must be ≤ 1.1)"
    );
}

fn fold(criterion: &mut Criterion) {
    let (early_events, late_events) = (session(EARLY), session(TURNS));
    let (early, late) = (replay(&early_events), replay(&late_events));
    criterion.bench_function("replay 2,000 turns", |bencher| {
        bencher.iter_batched(|| (), |()| replay(&late_events), BatchSize::PerIteration);
    });
    criterion.bench_function("due", |bencher| bencher.iter(|| due(black_box(&late))));
    let (settings, tools) = (settings(), Toolset::default());
    for (turn, state) in [(EARLY, &early), (TURNS, &late)] {
        criterion.bench_function(&format!("request at turn {turn}"), |bencher| {
            bencher.iter(|| build_request(black_box(state), &settings, &tools));
        });
    }
    print_ratio(&early, &late);
}

criterion_group!(benches, fold);
criterion_main!(benches);
