//! Random histories of questions and jobs in a session that two processes write to, against plain sets.
//! Invariant: the store and the plain model give the same outcome at every step, and the same rows at the end.
//! It must not know more of the contract than `core::journal` and `wire` say.

mod plain;

use std::collections::{BTreeMap, BTreeSet};

use corvid_core::wire::{
    Answer, EventBody, InputId, Person, QuestionId, Requester, Role, Scope, SessionId,
};
use corvid_core::{Append, AppendError, Fence, Journal as _, draw};
use corvid_store::{QuestionState, Store};
use proptest::prelude::*;

use crate::hands::{job_end, job_start, question};
use crate::scene::{Lane, Scene, admission, open, reply};
use plain::{Fate, Model, Step, Who};

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let process = || 0..2_usize;
    let who = || prop_oneof![Just(Who::Owner), Just(Who::Named), Just(Who::Other)];
    let answer = prop_oneof![
        Just(Scope::Once),
        Just(Scope::Session),
        Just(Scope::Session),
        Just(Scope::Earlier),
    ]
    .prop_map(|scope| Answer::Allow { scope });
    let answer = prop_oneof![
        4 => answer,
        2 => Just(Answer::Deny { reason: "no".to_owned() }),
        1 => Just(Answer::Text { text: "yes".to_owned() }),
    ];
    let step = prop_oneof![
        5 => (0..6_u8).prop_map(Step::Ask),
        6 => (process(), 0..6_u8, answer, who(), prop_oneof![4 => Just(99_i64), 1 => Just(100)])
            .prop_map(|(process, question, answer, by, at)|
                Step::Answer { process, question, answer, by, at }),
        1 => (who(), prop_oneof![Just(""), Just("not so")])
            .prop_map(|(by, text)| Step::Say { by, text }),
        1 => (98..102_i64).prop_map(Step::Timer),
        1 => Just(Step::Stop),
        1 => Just(Step::Reply),
        2 => (process(), 0..3_u8).prop_map(|(process, job)| Step::Begin { process, job }),
        3 => (process(), 0..3_u8).prop_map(|(process, job)| Step::End { process, job }),
    ];
    prop::collection::vec(step, 1..40)
}

/// The append of a step, and which process makes it; none for a question that is there, since no lane draws an
/// id twice.
fn append(step: &Step, model: &Model, lane: &Lane) -> Option<(usize, Append)> {
    let owner = || Requester {
        id: "1000".to_owned(),
        role: Role::Owner,
    };
    let of_lane = |event| {
        let mut append = open(&lane.session, vec![event]);
        append.fence = Fence::Lane {
            epoch: lane.epoch,
            head: lane.head,
        };
        (0, append)
    };
    let of_anyone = |process, events| (process, open(&lane.session, events));
    Some(match step {
        Step::Ask(number) if model.questions.contains_key(number) => return None,
        Step::Ask(number) => {
            let mut asked = question(&number.to_string(), number % 2 == 0);
            asked.to.push(Person {
                channel: "terminal".to_owned(),
                id: "1001".to_owned(),
            });
            of_lane(EventBody::QuestionAsked(Box::new(asked)))
        }
        Step::Answer {
            process,
            question,
            answer,
            by,
            at,
        } => {
            let answered = EventBody::QuestionAnswered {
                question: QuestionId::new(question.to_string()),
                answer: answer.clone(),
                by: Some(by.answerer()),
            };
            let (process, mut append) = of_anyone(*process, vec![answered]);
            append.at = *at;
            (process, append)
        }
        Step::Say { by, text } => {
            let mut said = admission(&draw::external_id(), text);
            said.requester = by.answerer().person;
            of_anyone(1, vec![EventBody::InputAdmitted(said)])
        }
        Step::Timer(due_at) => of_lane(EventBody::TimerFired { due_at: *due_at }),
        Step::Stop => of_anyone(1, vec![EventBody::StopRequested { by: owner() }]),
        Step::Reply => {
            let (delivery, input) = (draw::delivery_id(), InputId::new("i-none"));
            of_lane(reply(1, input, &delivery, "done"))
        }
        Step::Begin { process, job } => {
            let start = job_start(&job.to_string());
            of_anyone(*process, vec![EventBody::JobStarted(Box::new(start))])
        }
        Step::End { process, job } => of_anyone(*process, job_end(&job.to_string(), "done")),
    })
}

async fn play(steps: Vec<Step>) {
    let scene = Scene::new();
    let stores = [scene.open().await, scene.open().await];
    let mut lane = Lane::begin(&stores[0], "s").await;
    let mut model = Model::default();
    for step in steps {
        let Some((process, append)) = append(&step, &model, &lane) else {
            continue;
        };
        let happens = model.happens(&step);
        match stores[process].append(append).await {
            Ok(appended) => {
                assert!(happens, "{step:?} must be refused");
                lane.head = appended.head;
            }
            Err(AppendError::NotOpen { .. }) => {
                assert!(!happens && matches!(step, Step::Answer { .. }), "{step:?}");
            }
            Err(AppendError::JobNotOpen { .. }) => {
                let of_job = matches!(step, Step::Begin { .. } | Step::End { .. });
                assert!(!happens && of_job, "{step:?}");
            }
            Err(error) => panic!("{step:?} failed: {error}"),
        }
    }
    check(&stores[1], &lane.session, &model).await;
}

/// Compares what is left with the rows.
async fn check(store: &Store, session: &SessionId, model: &Model) {
    for (number, fate) in &model.questions {
        let id = QuestionId::new(number.to_string());
        let row = store.question(&id).await.unwrap().unwrap();
        let found = match row.state {
            QuestionState::Open => Fate::Open,
            QuestionState::Answered { .. } => Fate::Answered,
            QuestionState::Expired { .. } => Fate::Expired,
            QuestionState::Closed { .. } => Fate::Closed,
        };
        assert_eq!(found, *fate, "question {number}");
    }
    let open = store.open_questions(Some(session)).await.unwrap();
    let expected = model.questions.values();
    let expected = expected.filter(|fate| **fate == Fate::Open).count();
    assert_eq!(open.len(), expected);
    let loaded = store.load(session, 0).await.unwrap();
    let granted = loaded.grants.into_iter().map(|grant| grant.binding);
    assert_eq!(granted.collect::<BTreeSet<_>>(), model.granted);
    let jobs = store.jobs(Some(session)).await.unwrap();
    let jobs = jobs.iter().map(|row| {
        let number = row.start.job.as_str().parse().unwrap();
        (number, row.ended.is_none())
    });
    assert_eq!(jobs.collect::<BTreeMap<u8, bool>>(), model.jobs);
    let left = store.open_jobs(None).await.unwrap().len();
    assert_eq!(left, model.jobs.values().filter(|open| **open).count());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn questions_and_jobs_go_as_plain_sets_say(steps in steps()) {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(play(steps));
    }
}
