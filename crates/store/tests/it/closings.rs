//! Questions that end by something else than an answer of their own, and what answers leave behind.
//! Invariant: whatever ends a question for its session ends it for everybody.
//! It must not know how a question is shown.

use corvid_core::wire::{EventBody, InputId, Role, Scope};
use corvid_core::{Grant, Journal as _};
use corvid_store::QuestionState;

use crate::hands::{
    allow, answer_at, answered, asked, asking, deny, owner, person, question, refusal, state,
};
use crate::scene::{Lane, Scene, admission, open, reply};

#[tokio::test]
async fn a_message_answers_if_it_is_from_somebody_who_may() {
    let scene = Scene::new();
    let store = scene.open().await;
    let lane = asking(&store, &question("q", false)).await;
    let mut from_stranger = admission("k1", "do it");
    from_stranger.requester = person("1002", Role::Member).person;
    let said_nothing = admission("k2", "  ");
    for message in [from_stranger, said_nothing] {
        let append = open(&lane.session, vec![EventBody::InputAdmitted(message)]);
        assert!(store.append(append).await.is_ok());
        assert_eq!(state(&store, "q").await, QuestionState::Open);
    }
    let message = EventBody::InputAdmitted(admission("k3", "not like this"));
    assert!(store.append(answer_at(&lane, 7, message)).await.is_ok());
    let expected = QuestionState::Answered {
        answer: deny("not like this"),
        by: Some(owner()),
        at: 7,
    };
    assert_eq!(state(&store, "q").await, expected);
    let too_late = answered("q", allow(Scope::Once), owner());
    let outcome = store.append(answer_at(&lane, 8, too_late)).await;
    assert_eq!(refusal(outcome), "question `q` was answered already");
}

#[tokio::test]
async fn a_question_closes_with_its_time_and_with_its_turn() {
    let scene = Scene::new();
    let store = scene.open().await;
    let lane = &mut Lane::begin(&store, "s").await;
    let stop = EventBody::StopRequested {
        by: person("1000", Role::Owner).person,
    };
    let input = InputId::new("i-1");
    let delivery = corvid_core::draw::delivery_id();
    let closing = [
        (
            "q-1",
            EventBody::TimerFired { due_at: 100 },
            "is past its time",
        ),
        ("q-2", stop, "was closed when its turn ended"),
        (
            "q-3",
            reply(1, input, &delivery, "done"),
            "was closed when its turn ended",
        ),
    ];
    for (id, event, reason) in closing {
        let early = EventBody::TimerFired { due_at: 99 };
        let asks = vec![asked(&question(id, false)), early];
        lane.append(asks).await.expect("it asks");
        assert_eq!(state(&store, id).await, QuestionState::Open);
        let expired = matches!(event, EventBody::TimerFired { .. });
        lane.append(vec![event]).await.expect("it closes");
        let expected = if expired {
            QuestionState::Expired { at: 3 }
        } else {
            QuestionState::Closed { at: 3 }
        };
        assert_eq!(state(&store, id).await, expected);
        let too_late = answered(id, allow(Scope::Once), owner());
        let outcome = store.append(answer_at(lane, 4, too_late)).await;
        assert_eq!(refusal(outcome), format!("question `{id}` {reason}"));
    }
}

#[tokio::test]
async fn what_is_allowed_for_the_session_is_loaded_with_it() {
    let scene = Scene::new();
    let store = scene.open().await;
    let lane = &mut Lane::begin(&store, "s").await;
    let answers = [
        ("q-1", deny("no")),
        ("q-2", allow(Scope::Once)),
        ("q-3", allow(Scope::Session)),
    ];
    for (id, answer) in answers {
        let asks = vec![asked(&question(id, true)), answered(id, answer, owner())];
        lane.append(asks).await.expect("asked and answered at once");
    }
    // Allowed before, and so nobody is asked again; and denied, since nobody can be.
    for (id, answer, by) in [
        ("q-4", allow(Scope::Earlier), Some(owner())),
        ("q-5", deny("nobody there"), None),
    ] {
        let asks = vec![asked(&question(id, true)), answered(id, answer, by)];
        lane.append(asks).await.expect("asked and answered at once");
    }
    // Long after, when a lane does not begin with these events any more.
    for key in ["k1", "k2"] {
        let input = lane.admit(key, "question").await;
        lane.answer(input, "answer").await;
    }
    let loaded = store.load(&lane.session, 0).await.expect("loads");
    assert!(
        loaded
            .events
            .iter()
            .all(|event| event.body.kind() != "question.asked")
    );
    let grant = Grant {
        binding: "binding of q-3".to_owned(),
        by: person("1000", Role::Owner),
    };
    assert_eq!(loaded.grants, vec![grant]);
    let fresh = Lane::begin(&store, "other").await;
    let loaded = store.load(&fresh.session, 0).await.expect("loads");
    assert_eq!(loaded.grants, vec![], "another session's are its own");
}
