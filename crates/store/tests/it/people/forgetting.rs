//! Forgetting people and deleting sessions.
//! Invariant: what is deleted is gone from the file; what is anybody else's, or in use, is whole.
//! It must not know the tables.

use corvid_core::wire::{EventBody, Role, SessionId};
use corvid_core::{Journal as _, Mark, Marks as _, turn_post};
use corvid_store::{
    Choices, CommandState, Deletion, DeliveryEnd, Forgotten, Offer, Pairing, PersonRow, Store,
};

use super::{admit, answer, asked, chat, person, post, said, talked, told};
use crate::hands::{job_end, job_start, question};
use crate::scene::{Lane, Scene, admission, open};

fn ids(names: &[&str]) -> Vec<SessionId> {
    names.iter().map(|name| SessionId::new(*name)).collect()
}

async fn let_in(store: &Store, id: &str) {
    let row = PersonRow {
        person: person(id),
        role: Role::Member,
        name: "Ada".to_owned(),
        zone: Some("Europe/Berlin".to_owned()),
        since: 1,
    };
    store.let_in(&row).await.unwrap();
}

/// Everything that is in the files of the store, log included.
fn bytes(scene: &Scene) -> Vec<u8> {
    let names = ["corvid.db", "corvid.db-wal"];
    let files = names.map(|name| scene.path().with_file_name(name));
    files
        .iter()
        .flat_map(|file| std::fs::read(file).unwrap())
        .collect()
}

fn mentions(scene: &Scene, word: &str) -> bool {
    let bytes = bytes(scene);
    bytes
        .windows(word.len())
        .any(|found| found == word.as_bytes())
}

#[tokio::test]
async fn what_only_one_person_said_goes_and_the_rest_is_whole() {
    let scene = Scene::new();
    let store = scene.open().await;
    for id in ["1", "2"] {
        let_in(&store, id).await;
    }
    for (name, at, by) in [
        ("mine", "1", "1"),
        ("group", "-5", "1"),
        ("theirs", "2", "2"),
    ] {
        let lane = talked(&store, name, at, by).await;
        store.bind(&chat(at), &lane.session, 1).await.unwrap();
    }
    let group = SessionId::new("group");
    admit(&store, &group, said("-5", "2", "k2", "me too")).await;
    // A private conversation that now goes on in a session of several people.
    let also = talked(&store, "also", "1", "1").await;
    store.bind(&chat("1"), &group, 2).await.unwrap();
    let before = store.read(&group, 0, u32::MAX).await.unwrap();

    let forgotten = store.forget(&person("1")).await;
    let expect = Forgotten {
        sessions: ids(&["also", "mine"]),
        busy: vec![],
    };
    let forgotten = forgotten.map(|mut forgotten| {
        forgotten.sessions.sort();
        forgotten
    });
    assert_eq!(forgotten, Ok(expect));
    assert_eq!(store.person(&person("1")).await, Ok(None));
    assert_eq!(store.zone(&person("1")).await, Ok(None));
    assert_eq!(store.binding(&chat("1")).await, Ok(None));
    assert!(store.read(&also.session, 0, 9).await.unwrap().is_empty());

    assert!(store.person(&person("2")).await.unwrap().is_some());
    assert_eq!(store.read(&group, 0, u32::MAX).await.unwrap(), before);
    assert_eq!(store.binding(&chat("-5")).await, Ok(Some(group.clone())));
    let theirs = SessionId::new("theirs");
    assert_eq!(store.binding(&chat("2")).await, Ok(Some(theirs)));
    assert_eq!(store.session_open_inputs(&group).await.unwrap().len(), 1);
    let nothing = Ok(Forgotten::default());
    assert_eq!(store.forget(&person("1")).await, nothing);
    assert_eq!(store.check().await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_forgotten_is_not_left_in_the_file() {
    let scene = Scene::new();
    let store = scene.open().await;
    let (mut lane, input) = asked(&store, "s", "1", "1").await;
    let secret = said("1", "1", "k", "the word is xylophone");
    admit(&store, &lane.session, secret).await;
    lane.head += 1;
    answer(&mut lane, input, "1", "xylophone it is").await;
    let waiting = store.open_inputs("telegram", "777").await.unwrap();
    answer(&mut lane, waiting[0].input.clone(), "1", "a xylophone").await;
    let (id, _) = store
        .post(&post("k", "1", "xylophone noted"))
        .await
        .unwrap();
    store.begin_delivery(&id).await.unwrap();
    let sent = DeliveryEnd::Sent("m1".to_owned());
    store.end_delivery(&id, sent).await.unwrap();
    let kept = talked(&store, "other", "2", "2").await;
    assert!(mentions(&scene, "xylophone"));
    let forgotten = store.forget(&person("1")).await.unwrap();
    assert_eq!(forgotten.sessions, ids(&["s"]));
    assert!(!mentions(&scene, "xylophone"));
    assert!(!kept.events().await.is_empty());
}

#[tokio::test]
async fn who_was_never_seen_is_forgotten_easily() {
    let scene = Scene::new();
    let store = scene.open().await;
    let nothing = Ok(Forgotten::default());
    assert_eq!(store.forget(&person("1")).await, nothing);
    let pairing = Pairing {
        person: person("1"),
        name: "Ada".to_owned(),
        at: chat("1"),
        now: 0,
    };
    store.offer_pairing(&pairing, told).await.unwrap();
    assert_eq!(store.forget(&person("1")).await, nothing);
    assert_eq!(store.pairings(0).await, Ok(vec![]));
    let offer = store.offer_pairing(&pairing, told).await.unwrap();
    assert!(matches!(offer, Offer::Code(_)), "they are strangers again");
}

#[tokio::test]
async fn a_session_in_which_somebody_waits_is_kept() {
    let scene = Scene::new();
    let store = scene.open().await;
    let_in(&store, "1").await;
    let (mut lane, input) = asked(&store, "s", "1", "1").await;
    let deleted = store.delete_session(&lane.session).await;
    assert_eq!(deleted, Ok(Deletion::Open));
    let forgotten = store.forget(&person("1")).await.unwrap();
    assert_eq!(forgotten.busy, ids(&["s"]));
    assert_eq!(forgotten.sessions, []);
    answer(&mut lane, input, "1", "hi").await;
    let forgotten = store.forget(&person("1")).await.unwrap();
    assert_eq!(forgotten.sessions, ids(&["s"]));
    let gone = store.delete_session(&lane.session).await;
    assert_eq!(gone, Ok(Deletion::Unknown));
}

#[tokio::test]
async fn a_session_that_a_living_process_has_is_kept() {
    let scene = Scene::new();
    let (store, other) = (scene.open().await, scene.open().await);
    let lane = talked(&store, "s", "1", "1").await;
    let busy = Ok(Deletion::Busy(store.owner().clone()));
    assert_eq!(other.delete_session(&lane.session).await, busy);
    let session = lane.session.clone();
    drop((store, lane));
    scene.tasks.shutdown().await;
    let deleted = other.delete_session(&session).await;
    assert_eq!(deleted, Ok(Deletion::Deleted));
    assert_eq!(other.session(&session).await, Ok(None));
}

#[tokio::test]
async fn a_session_whose_job_runs_is_kept() {
    let scene = Scene::new();
    let store = scene.open().await;
    let mut lane = talked(&store, "s", "1", "1").await;
    let start = EventBody::JobStarted(Box::new(job_start("j-1")));
    store
        .append(open(&lane.session, vec![start]))
        .await
        .unwrap();
    let busy = Ok(Deletion::Busy(store.owner().clone()));
    assert_eq!(store.delete_session(&lane.session).await, busy);
    let end = job_end("j-1", "make: done");
    store.append(open(&lane.session, end)).await.unwrap();
    lane.head += 3;
    let open = store.session_open_inputs(&lane.session).await.unwrap();
    answer(&mut lane, open[0].input.clone(), "1", "made").await;
    let deleted = store.delete_session(&lane.session).await;
    assert_eq!(deleted, Ok(Deletion::Deleted));
}

#[tokio::test]
async fn nothing_of_a_deleted_session_is_left() {
    let scene = Scene::new();
    let store = scene.open().await;
    let session = SessionId::new("s");
    let mut lane = talked(&store, "s", "1", "1").await;
    let mark = Mark {
        part: 0,
        external_id: "m".to_owned(),
    };
    let turn = turn_post(&session, 1, &chat("1"));
    let posts = [&*turn, "outcome s 1.1.0", "question q-1"];
    let others = ["turn s2 1 telegram 777 1", "question q-2", "notice n-1"];
    for post in posts.iter().chain(&others) {
        store.mark(post, &mark).await.unwrap();
    }
    let asked = EventBody::QuestionAsked(Box::new(question("q-1", true)));
    lane.append(vec![asked]).await.unwrap();
    let chosen = Choices {
        model: Some("custom/small".to_owned()),
        working_dir: None,
    };
    store.choose(&session, &chosen).await.unwrap();
    store.bind(&chat("1"), &session, 1).await.unwrap();
    let begun = store.begin_command("telegram", "777", "1:1", 1).await;
    assert_eq!(begun, Ok(CommandState::Fresh));

    let deleted = store.delete_session(&session).await;
    assert_eq!(deleted, Ok(Deletion::Deleted));
    assert_eq!(store.choices(&session).await, Ok(Choices::default()));
    assert_eq!(store.binding(&chat("1")).await, Ok(None));
    assert_eq!(store.deliveries(&session).await, Ok(vec![]));
    assert_eq!(store.open_questions(None).await, Ok(vec![]));
    assert_eq!(store.open_outbox("telegram", "777").await, Ok(vec![]));
    assert_eq!(store.sessions_of(&person("1"), 9).await, Ok(vec![]));
    for post in posts {
        assert_eq!(store.marks(post).await, Ok(vec![]), "{post}");
    }
    for post in others {
        assert_eq!(store.marks(post).await.unwrap().len(), 1, "{post}");
    }
    let refused = store.append(open(
        &session,
        vec![EventBody::InputAdmitted(admission("k", "late"))],
    ));
    assert!(refused.await.is_err(), "there is no such session");
    // The name may be used again, from its first event on.
    let again = Lane::begin(&store, "s").await;
    assert_eq!(again.events().await.len(), 2);
}

#[tokio::test]
async fn a_message_that_comes_meanwhile_is_kept_or_refused() {
    let scene = Scene::new();
    let stores = [scene.open().await, scene.open().await];
    for round in 0..12 {
        let name = format!("s{round}");
        let lane = talked(&stores[0], &name, "1", "1").await;
        let session = lane.session.clone();
        let append = open(
            &session,
            vec![EventBody::InputAdmitted(said(
                "1",
                "1",
                &format!("late {round}"),
                "late",
            ))],
        );
        let (admitted, deleted) =
            tokio::join!(stores[1].append(append), stores[0].delete_session(&session));
        let events = lane.events().await;
        match (admitted, deleted) {
            (Ok(_), Ok(Deletion::Open)) => assert_eq!(events.len(), 8),
            (Err(_), Ok(Deletion::Deleted)) => assert!(events.is_empty()),
            other => panic!("{other:?}"),
        }
        let open = stores[0].session_open_inputs(&session).await.unwrap();
        assert_eq!(open.is_empty(), events.is_empty());
    }
}
