//! Every kind of event comes back as it went in.
//! Invariant: a kind without a sample here fails the test by name.
//! It must not know what the kinds are for.

use std::collections::BTreeSet;

use corvid_core::wire::{
    Answer, CallDecision, CallKey, CallOutcome, CallStatus, DeliveryId, Effect, EventBody, Fault,
    InputId, KINDS, OutcomeAnswer, OutputRef, ParkReason, QuestionId, Requester, Role, Scope,
    SessionId, Verdict,
};
use corvid_core::{Append, Fence, Journal as _, draw};

use crate::hands::{CALL, job_end, job_start, person, question};
use crate::scene::{
    Lane, Scene, admission, model_answered, model_requested, open, opened, reply, take,
    turn_started,
};

/// One of each kind that a lane writes.
fn samples(input: &InputId, delivery: &DeliveryId) -> Vec<EventBody> {
    let mut bodies = vec![
        turn_started(1, input),
        model_requested(1),
        model_answered(1, "two words, \"quoted\",\n and ünïcödé \u{1f426}"),
        EventBody::InputSteered {
            turn: 1,
            inputs: vec![input.clone()],
        },
        EventBody::ModelFailed {
            turn: 1,
            step: 1,
            attempt: 1,
            fault: Fault::Transient,
            message: "cut".to_owned(),
            retry_at: i64::MAX,
        },
    ];
    bodies.extend(call_samples());
    bodies.extend([
        EventBody::QuestionAsked(Box::new(question("q-1", true))),
        EventBody::QuestionAnswered {
            question: QuestionId::new("q-1"),
            answer: Answer::Allow {
                scope: Scope::Session,
            },
            by: Some(person("1000", Role::Owner)),
        },
        EventBody::JobStarted(Box::new(job_start("j-1"))),
    ]);
    bodies.extend(job_end("j-1", "make: done"));
    bodies.extend([
        EventBody::TurnUndone {
            turn: 1,
            restored: vec!["src/lib.rs".to_owned()],
            left: vec!["notes.md: changed since".to_owned()],
            by: person("1000", Role::Owner).person,
        },
        EventBody::StopRequested {
            by: Requester {
                id: "1000".to_owned(),
                role: Role::Member,
            },
        },
        reply(1, input.clone(), delivery, "done"),
        EventBody::TurnParked {
            turn: 1,
            until: 7,
            reason: ParkReason::ModelUnreachable,
        },
        EventBody::TimerFired { due_at: -1 },
    ]);
    bodies
}

fn call_samples() -> [EventBody; 4] {
    [
        EventBody::CallDecided(CallDecision {
            call: CALL,
            effect: Effect::Reconcilable,
            verdict: Verdict::Allow {
                rule: "system.run *".to_owned(),
                reason: "it stays inside".to_owned(),
            },
            timeout_ms: 30_000,
        }),
        EventBody::ToolStarted {
            call: CALL,
            key: CallKey::new("k"),
            attempt: 1,
            proof: Some(serde_json::json!({ "before": null, "sizes": [1, 2] })),
        },
        EventBody::ToolFinished {
            call: CALL,
            outcome: CallOutcome {
                status: CallStatus::Ok,
                text: "\0 and \u{fffd}".to_owned(),
                output: Some(OutputRef {
                    call: CALL,
                    kept_bytes: 1,
                    total_bytes: 1 << 40,
                }),
                notice: Some("cannot be undone".to_owned()),
            },
        },
        EventBody::OutcomeAnswered {
            call: CALL,
            answer: OutcomeAnswer::Skip,
            by: "nobody".to_owned(),
        },
    ]
}

#[tokio::test]
async fn every_kind_of_event_comes_back() {
    let scene = Scene::new();
    let store = scene.open().await;
    let session = SessionId::new("s");
    let mut taken = take(&store, &session, None, 0);
    let admitted = admission("k1", "hello");
    let input = admitted.input.clone();
    taken.events.insert(0, opened());
    taken.events.push(EventBody::InputAdmitted(admitted));
    let mut written = taken.events.clone();
    let first = store.append(taken).await;
    assert_eq!(first.map(|done| done.head).ok(), Some(3));
    let delivery = draw::delivery_id();
    let lane = Append {
        session: session.clone(),
        fence: Fence::Lane { epoch: 1, head: 3 },
        at: 9,
        events: samples(&input, &delivery),
    };
    written.extend(lane.events.clone());
    assert!(store.append(lane).await.is_ok());
    assert_eq!(store.begin_delivery(&delivery).await, Ok(true));
    let failed = EventBody::DeliveryFailed {
        delivery,
        reason: "gone".to_owned(),
    };
    written.push(failed.clone());
    assert!(store.append(open(&session, vec![failed])).await.is_ok());

    let kinds: BTreeSet<&str> = written.iter().map(EventBody::kind).collect();
    let known: BTreeSet<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, known, "each kind needs a sample");
    let read = store.read(&session, 0, u32::MAX).await;
    let read = read.unwrap_or_else(|error| panic!("the journal cannot be read: {error}"));
    let bodies: Vec<EventBody> = read.iter().map(|event| event.body.clone()).collect();
    assert_eq!(bodies, written);
    let times: Vec<i64> = read.iter().map(|event| event.at).collect();
    assert_eq!((times[0], times[3]), (2, 9));
}

#[tokio::test]
async fn reading_goes_on_from_a_position() {
    let scene = Scene::new();
    let lane = Lane::begin(&scene.open().await, "s").await;
    for number in 0..5 {
        let input = EventBody::InputAdmitted(admission(&number.to_string(), "hello"));
        let append = open(&lane.session, vec![input]);
        assert!(lane.store.append(append).await.is_ok());
    }
    let check = async |after, limit, expected: &[u64]| {
        let read = lane.store.read(&lane.session, after, limit).await;
        let events = read.unwrap_or_else(|error| panic!("the journal cannot be read: {error}"));
        let seqs: Vec<u64> = events.iter().map(|event| event.seq).collect();
        assert_eq!(seqs, expected);
    };
    check(0, 3, &[1, 2, 3]).await;
    check(3, 2, &[4, 5]).await;
    check(5, 100, &[6, 7]).await;
    check(7, 9, &[]).await;
    let nowhere = lane.store.read(&SessionId::new("t"), 0, 10).await;
    assert!(nowhere.is_ok_and(|events| events.is_empty()));
}

#[tokio::test]
async fn a_prompt_of_ten_megabytes_comes_back() {
    let scene = Scene::new();
    let lane = Lane::begin(&scene.open().await, "s").await;
    let admitted = admission("k1", &"ten bytes\n".repeat(1 << 20));
    let append = open(
        &lane.session,
        vec![EventBody::InputAdmitted(admitted.clone())],
    );
    assert!(lane.store.append(append).await.is_ok());
    let read = lane.store.read(&lane.session, 2, 1).await;
    let body = read
        .ok()
        .and_then(|mut events| events.pop())
        .map(|event| event.body);
    assert!(body == Some(EventBody::InputAdmitted(admitted)));
    let row = lane.store.session(&lane.session).await;
    assert_eq!(
        row.ok().flatten().map(|row| row.title),
        Some("ten bytes ".repeat(8).trim_end().to_owned())
    );
}
