//! Forgetting people.
//! Invariant: verdicts come from the store.
//! It must not know what else is kept of sessions.

use corvid_store::PersonRow;

use super::*;

async fn exists(process: &Process, session: &SessionId) -> bool {
    let row = process.store.session(session).await;
    row.expect("the store reads").is_some()
}

#[tokio::test]
async fn who_asks_is_forgotten_with_what_was_theirs_alone() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = private(STRANGER);
    let said = Process::said(STRANGER, &at, "hello");
    let row = PersonRow {
        person: corvid_core::wire::Person {
            channel: CHANNEL.to_owned(),
            id: STRANGER.to_owned(),
        },
        role: Role::Member,
        name: said.name.clone(),
        zone: None,
        since: 1,
    };
    process.store.let_in(&row).await.expect("the store writes");
    let own = process.say(STRANGER, &at, "hello").await.session;
    let shared = process.say(STRANGER, &group(), "hello").await.session;
    process.say(MEMBER, &group(), "hello too").await;
    // What is told of a reply that nobody has sent yet is no open input.
    let explained = process.answer(STRANGER, &at, "/forget").await;
    assert!(explained.starts_with("`/forget me` deletes"), "{explained}");
    assert!(exists(&process, &own).await);
    let answer = process.answer(STRANGER, &at, "/forget me").await;
    assert_eq!(answer, "You are forgotten, and 1 session is deleted.");
    assert!(!exists(&process, &own).await);
    assert!(exists(&process, &shared).await);
    let forgotten = process.machine.forgotten.lock().expect("the lock").clone();
    assert_eq!(forgotten, [own]);
    let known = process.gateway.known(&at, STRANGER).await;
    assert_eq!(known.expect("the store reads"), None);
}

#[tokio::test]
async fn nobody_is_forgotten_in_the_middle_of_their_turn() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = private(MEMBER);
    tokio::select! {
        _ = process.say(MEMBER, &at, "hang") => panic!("the model hangs"),
        () = async {
            process.script.hangs.notified().await;
            let answer = process.answer(MEMBER, &at, "/forget me").await;
            assert_eq!(answer, "Something of yours still runs; /stop it first, then /forget me again.");
        } => {}
    }
    let session = process.session(&at).await;
    assert!(exists(&process, &session).await);
}
