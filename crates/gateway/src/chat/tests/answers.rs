//! Questions answered by commands.
//! Invariant: as for presses: only who may answer does, and only what they have seen.
//! It must not know how a card looks.

use super::*;

#[tokio::test]
async fn a_command_allows_what_is_asked_here_once() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = private(OWNER);
    let (answered, ()) = tokio::join!(process.say(OWNER, &at, "call door"), async {
        process.question().await;
        let said = Process::said(OWNER, &at, "/approve");
        let (act, answer) = process.take(&said).await;
        assert_eq!(answer, "Allowed, this once.");
        assert!(matches!(act, Act::Wake(_)), "{act:?}");
        // The same message again: nothing is said or done twice.
        assert_eq!(process.take(&said).await.0, Act::Done);
    });
    assert_eq!(answered.reply.text, "it said: opened");
    assert_eq!(process.doors(), 1);
    assert_eq!(process.posted(&at).await.len(), 1);
    let late = process.answer(OWNER, &at, "/approve").await;
    assert_eq!(late, "Nothing waits to be allowed here.");
}

#[tokio::test]
async fn a_denial_takes_its_reason_along() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = private(OWNER);
    let (answered, ()) = tokio::join!(process.say(OWNER, &at, "call door"), async {
        process.question().await;
        let answer = process.answer(OWNER, &at, "/deny it is cold outside").await;
        assert_eq!(answer, "Denied.");
    });
    assert!(
        answered.reply.text.ends_with("it is cold outside"),
        "{}",
        answered.reply.text
    );
    assert_eq!(process.doors(), 0);
}

#[tokio::test]
async fn a_member_cannot_allow_their_own_turn_more() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = group();
    let (answered, ()) = tokio::join!(process.say(MEMBER, &at, "call door"), async {
        process.question().await;
        let answer = process.answer(MEMBER, &at, "/approve").await;
        assert_eq!(answer, "This question is for an owner.");
        assert_eq!(process.doors(), 0);
        let answer = process.answer(OWNER, &at, "/approve").await;
        assert_eq!(answer, "Allowed, this once.");
    });
    assert_eq!(answered.reply.text, "it said: opened");
}

#[tokio::test]
async fn a_message_from_before_the_question_is_no_consent() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = private(OWNER);
    let (answered, ()) = tokio::join!(process.say(OWNER, &at, "call door"), async {
        process.question().await;
        let mut early = Process::said(OWNER, &at, "/approve");
        early.at -= 600_000;
        let (act, answer) = process.take(&early).await;
        assert_eq!(act, Act::Done);
        assert!(answer.starts_with("That question came after"), "{answer}");
        process.answer(OWNER, &at, "/deny").await;
    });
    assert_eq!(process.doors(), 0);
    assert_eq!(answered.reply.turn, 1);
}
