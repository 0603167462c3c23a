//! Sessions as people in chats see them: theirs, what was chosen, what waits, what it cost.
//! Invariant: a job says nothing and is nobody.
//! It must not know lanes.

use corvid_core::Journal as _;
use corvid_core::wire::{EventBody, JobId, Person, Role, SessionId, Usage};
use corvid_store::{Choices, OpenInput, Spent};

use super::{admit, answer, asked, chat, person, said, talked};
use crate::hands::{job_end, job_start};
use crate::scene::{Lane, Scene, model_answered, model_requested, open};

#[tokio::test]
async fn a_person_sees_the_sessions_in_which_they_spoke() {
    let scene = Scene::new();
    let store = scene.open().await;
    for (session, by) in [("a", "1"), ("b", "2"), ("c", "1")] {
        talked(&store, session, "-5", by).await;
    }
    let shared = SessionId::new("b");
    let mut later = open(
        &shared,
        vec![EventBody::InputAdmitted(said("-5", "1", "k", "me too"))],
    );
    later.at = 9;
    store.append(later).await.unwrap();
    let of = async |id: &str, limit| -> Vec<String> {
        let rows = store.sessions_of(&person(id), limit).await.unwrap();
        rows.into_iter().map(|row| row.id.to_string()).collect()
    };
    assert_eq!(of("1", 9).await, ["b", "a", "c"]);
    assert_eq!(of("1", 1).await, ["b"]);
    assert_eq!(of("2", 9).await, ["b"]);
    assert!(of("3", 9).await.is_empty());
    assert_eq!(store.spoke_in(&shared, &person("1")).await, Ok(true));
    let session = SessionId::new("a");
    assert_eq!(store.spoke_in(&session, &person("2")).await, Ok(false));
    let namesake = Person {
        channel: "discord".to_owned(),
        id: "1".to_owned(),
    };
    assert_eq!(store.spoke_in(&shared, &namesake).await, Ok(false));
}

#[tokio::test]
async fn a_job_speaks_for_nobody_but_its_input_waits() {
    let scene = Scene::new();
    let store = scene.open().await;
    let mut lane = Lane::begin(&store, "s").await;
    let start = EventBody::JobStarted(Box::new(job_start("j-1")));
    let mut events = vec![start];
    events.extend(job_end("j-1", "make: done"));
    for event in &mut events {
        if let EventBody::InputAdmitted(admission) = event {
            admission.origin = chat("1");
            "1".clone_into(&mut admission.requester.id);
        }
    }
    store.append(open(&lane.session, events)).await.unwrap();
    lane.head += 3;
    assert_eq!(store.spoke_in(&lane.session, &person("1")).await, Ok(false));
    assert_eq!(store.sessions_of(&person("1"), 9).await, Ok(vec![]));
    let open = store.open_inputs("telegram", "777").await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].job, Some(JobId::new("j-1")));
    let input = open[0].input.clone();
    answer(&mut lane, input, "1", "made").await;
    assert_eq!(store.open_inputs("telegram", "777").await, Ok(vec![]));
}

#[tokio::test]
async fn what_waits_is_found_by_its_account_and_by_its_session() {
    let scene = Scene::new();
    let (store, other) = (scene.open().await, scene.open().await);
    let (mut lane, first) = asked(&store, "s", "1", "11").await;
    let second = said("2", "12", "second", "and this");
    let row = OpenInput {
        session: lane.session.clone(),
        input: second.input.clone(),
        origin: chat("2"),
        external_id: "second".to_owned(),
        requester: second.requester.clone(),
        at: 2,
        job: None,
    };
    assert_eq!(row.requester.role, Role::Owner);
    admit(&store, &lane.session, second).await;
    lane.head += 1;
    lane.admit("at the terminal", "hello").await;
    let ids = |rows: Vec<OpenInput>| rows.into_iter().map(|row| row.input).collect::<Vec<_>>();
    let open = other.open_inputs("telegram", "777").await.unwrap();
    assert_eq!(ids(open), [first.clone(), row.input.clone()]);
    let open = other.session_open_inputs(&lane.session).await.unwrap();
    assert_eq!(open.len(), 3);
    assert_eq!(other.open_inputs("telegram", "778").await, Ok(vec![]));
    answer(&mut lane, first, "1", "hi").await;
    let open = other.open_inputs("telegram", "777").await;
    assert_eq!(open, Ok(vec![row]));
}

#[tokio::test]
async fn a_choice_takes_the_place_of_the_one_before() {
    let scene = Scene::new();
    let store = scene.open().await;
    let session = SessionId::new("s");
    assert_eq!(store.choices(&session).await, Ok(Choices::default()));
    let chosen = Choices {
        model: Some("custom/small".to_owned()),
        working_dir: Some("/work".to_owned()),
    };
    assert_eq!(store.choose(&session, &chosen).await, Ok(()));
    assert_eq!(store.choices(&session).await, Ok(chosen));
    assert_eq!(store.choose(&session, &Choices::default()).await, Ok(()));
    assert_eq!(store.choices(&session).await, Ok(Choices::default()));
}

#[tokio::test]
async fn a_session_costs_what_its_answers_used() {
    let scene = Scene::new();
    let store = scene.open().await;
    let mut lane = talked(&store, "s", "1", "11").await;
    let nothing = store.spent(&SessionId::new("none")).await;
    assert_eq!(nothing, Ok(Spent::default()));
    let usage = |input_tokens| Usage {
        input_tokens,
        cached_tokens: 3,
        output_tokens: 2,
    };
    for input_tokens in [10, 1_u64 << 40] {
        let mut answered = model_answered(1, "so");
        if let EventBody::ModelAnswered(answer) = &mut answered {
            answer.usage = usage(input_tokens);
        }
        let events = vec![model_requested(1), answered];
        lane.append(events).await.unwrap();
    }
    let spent = Spent {
        usage: Usage {
            input_tokens: 10 + (1 << 40),
            cached_tokens: 6,
            output_tokens: 4,
        },
        calls: 3,
        turns: 1,
    };
    assert_eq!(store.spent(&lane.session).await, Ok(spent));
}
