//! Questions: one answer each, by who may, in time, whoever races.
//! Invariant: an answer is in force exactly if its append says that it happened.
//! It must not know how a question is shown.

use corvid_core::Journal as _;
use corvid_core::wire::{
    Answer, EventBody, Inquiry, Person, QuestionId, Role, Scope, SessionId, Subject,
};
use corvid_store::QuestionState;

use crate::hands::{
    allow, answer_at, answered, asking, deny, owner, person, question, refusal, state,
};
use crate::scene::{Lane, Scene};

#[tokio::test]
async fn a_question_is_open_until_it_is_answered_and_both_are_read_whole() {
    let scene = Scene::new();
    let store = scene.open().await;
    let lane = asking(&store, &question("q-one", true)).await;
    let rows = store.open_questions(None).await.expect("reads");
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].question, question("q-one", true));
    assert_eq!((&rows[0].session, rows[0].asked_at), (&lane.session, 3));
    assert_eq!(rows[0].state, QuestionState::Open);
    let elsewhere = store.open_questions(Some(&SessionId::new("t"))).await;
    assert_eq!(elsewhere, Ok(vec![]));

    // Answered by another process, which needs no claim.
    let other = scene.open().await;
    let answer = answered("q-one", allow(Scope::Once), owner());
    let done = other.append(answer_at(&lane, 99, answer)).await;
    assert!(done.is_ok(), "{done:?}");
    let expected = QuestionState::Answered {
        answer: allow(Scope::Once),
        by: Some(owner()),
        at: 99,
    };
    assert_eq!(state(&store, "q-one").await, expected);
    assert_eq!(store.open_questions(Some(&lane.session)).await, Ok(vec![]));
    assert_eq!(store.question(&QuestionId::new("q-two")).await, Ok(None));
    let ids = store.question_ids("q-o", 9).await;
    assert_eq!(ids, Ok(vec![QuestionId::new("q-one")]));
    assert_eq!(store.question_ids("q-z", 9).await, Ok(vec![]));
}

#[tokio::test]
async fn of_many_answers_at_once_one_acts() {
    let scene = Scene::new();
    let stores = [scene.open().await, scene.open().await];
    let lane = asking(&stores[0], &question("q", false)).await;
    let mut answers = Vec::new();
    for number in 0..16 {
        let answer = match number % 2 {
            0 => allow(Scope::Once),
            _ => deny(&number.to_string()),
        };
        let append = answer_at(&lane, 50, answered("q", answer, owner()));
        answers.push((stores[number / 8].clone(), append));
    }
    let mut tries = tokio::task::JoinSet::new();
    for (store, append) in answers {
        tries.spawn(async move { store.append(append).await });
    }
    let outcomes = tries.join_all().await;
    let (done, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(done.len(), 1, "one of them acts");
    for outcome in refused {
        assert_eq!(refusal(outcome), "question `q` was answered already");
    }
    let given = lane.events().await.into_iter();
    let given = given.filter(|event| event.body.kind() == "question.answered");
    assert_eq!(given.count(), 1);
}

#[tokio::test]
async fn an_answer_must_fit_its_question() {
    let scene = Scene::new();
    let store = scene.open().await;
    let mut mine = question("q", false);
    mine.to.push(Person {
        channel: "terminal".to_owned(),
        id: "1001".to_owned(),
    });
    let lane = asking(&store, &mine).await;
    let other = Lane::begin(&store, "other").await;
    let member = |id: &str| person(id, Role::Member);
    let mut elsewhere = person("1001", Role::Member);
    elsewhere.channel = "telegram".to_owned();
    let once = || allow(Scope::Once);
    let text = Answer::Text {
        text: "yes".to_owned(),
    };
    let refused = [
        (
            &lane,
            100,
            answered("q", once(), owner()),
            "is past its time",
        ),
        (
            &lane,
            99,
            answered("q", once(), member("1002")),
            "is for somebody else to answer",
        ),
        (
            &lane,
            99,
            answered("q", once(), elsewhere),
            "is for somebody else to answer",
        ),
        (
            &lane,
            99,
            answered("q", once(), None),
            "needs somebody who answers it",
        ),
        (
            &lane,
            99,
            answered("q", deny(""), None),
            "needs somebody who answers it",
        ),
        (
            &lane,
            99,
            answered("q", allow(Scope::Session), owner()),
            "cannot be allowed for the session, since the same command may do something else next time; allow it once",
        ),
        (
            &lane,
            99,
            answered("q", allow(Scope::Earlier), owner()),
            "cannot be allowed by what was allowed before",
        ),
        (
            &lane,
            99,
            answered("q", text, owner()),
            "asks for an approval; allow or deny it",
        ),
        (
            &other,
            99,
            answered("q", once(), owner()),
            "is not one of this session's",
        ),
        (
            &lane,
            99,
            answered("q-no", once(), owner()),
            "is not known; `agent approvals list` shows what is open",
        ),
    ];
    for (lane, at, answer, reason) in refused {
        let id = match &answer {
            EventBody::QuestionAnswered { question, .. } => question.to_string(),
            other => panic!("no answer: {other:?}"),
        };
        let outcome = store.append(answer_at(lane, at, answer)).await;
        assert_eq!(refusal(outcome), format!("question `{id}` {reason}"));
    }
    assert_eq!(state(&store, "q").await, QuestionState::Open);
    let answer = answered("q", once(), member("1001"));
    assert!(store.append(answer_at(&lane, 99, answer)).await.is_ok());
}

#[tokio::test]
async fn an_inquiry_takes_words_and_no_approval() {
    let scene = Scene::new();
    let store = scene.open().await;
    let mut inquiry = question("q", false);
    inquiry.subject = Subject::Inquiry(Inquiry {
        text: "which branch?".to_owned(),
        choices: vec!["main".to_owned()],
    });
    let lane = asking(&store, &inquiry).await;
    let approval = answered("q", allow(Scope::Once), owner());
    let outcome = store.append(answer_at(&lane, 5, approval)).await;
    let expected = "question `q` asks for words, not for an approval; answer it with a text";
    assert_eq!(refusal(outcome), expected);
    let words = Answer::Text {
        text: "main".to_owned(),
    };
    let answer = answered("q", words, owner());
    assert!(store.append(answer_at(&lane, 5, answer)).await.is_ok());
}

#[tokio::test]
async fn an_allowing_answer_of_nobody_is_refused_to_a_lane_too() {
    let scene = Scene::new();
    let store = scene.open().await;
    let mut lane = asking(&store, &question("q", true)).await;
    let outcome = lane
        .append(vec![answered("q", allow(Scope::Once), None)])
        .await;
    assert_eq!(
        refusal(outcome),
        "question `q` needs somebody who answers it"
    );
    let twice = vec![
        answered("q", deny(""), owner()),
        answered("q", allow(Scope::Once), owner()),
    ];
    let outcome = lane.append(twice).await;
    assert_eq!(refusal(outcome), "question `q` was answered already");
    assert_eq!(state(&store, "q").await, QuestionState::Open);
}
