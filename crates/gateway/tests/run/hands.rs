//! Questions answered from elsewhere, turns taken back.
//! Invariant: verdicts come from the journal, from what the channel sent and from what the tools did.
//! It must not look inside the gateway.

use corvid_core::AppendError;
use corvid_core::wire::{Address, Answer, QuestionId, Scope, SessionId};
use corvid_gateway::{Backgrounded, GatewayError, Target};

use crate::scene::{Process, Scene, ask};
use crate::work;

pub(crate) fn terminal() -> Address {
    ask("elsewhere", "", Target::New).origin
}

fn yes() -> Answer {
    Answer::Allow { scope: Scope::Once }
}

pub(crate) async fn kinds(process: &Process) -> Vec<&'static str> {
    let events = process.events("work").await;
    events.iter().map(|event| event.body.kind()).collect()
}

#[tokio::test]
async fn an_answer_from_another_process_lets_the_call_run_once() {
    let scene = Scene::new();
    let (waiting, other) = (scene.process().await, scene.process().await);
    let inbound = ask("k1", "call door.open", work());
    let (answered, ()) = tokio::join!(waiting.run(&inbound), async {
        let question = waiting.shown().await.question;
        let gateway = other.gateway();
        let receipt = gateway
            .answer(&question, yes(), &terminal(), "1000")
            .await
            .unwrap();
        assert!(receipt.awaited);
        let again = gateway.answer(&question, yes(), &terminal(), "1000").await;
        let refused = matches!(
            again,
            Err(GatewayError::Journal(AppendError::NotOpen { .. }))
        );
        assert!(refused, "{again:?}");
    });
    assert_eq!(answered.unwrap().reply.text, "it said: opened");
    assert_eq!(scene.runs().doors(), 1);
}

#[tokio::test]
async fn a_denial_from_elsewhere_is_told_with_its_reason() {
    let scene = Scene::new();
    let (waiting, other) = (scene.process().await, scene.process().await);
    let inbound = ask("k1", "call door.open", work());
    let (answered, ()) = tokio::join!(waiting.run(&inbound), async {
        let question = waiting.shown().await.question;
        let reason = "it is cold outside".to_owned();
        let deny = Answer::Deny { reason };
        other
            .gateway()
            .answer(&question, deny, &terminal(), "1000")
            .await
            .unwrap();
    });
    let text = answered.unwrap().reply.text;
    assert_eq!(
        text,
        "it said: the person denied this call: it is cold outside"
    );
    assert_eq!(scene.runs().doors(), 0);
}

#[tokio::test]
async fn what_the_approver_says_in_another_terminal_denies() {
    let scene = Scene::new();
    let (waiting, other) = (scene.process().await, scene.process().await);
    let first = ask("k1", "call door.open", work());
    let second = ask("k2", "leave it shut", work());
    let (denied, said) = tokio::join!(waiting.run(&first), async {
        waiting.shown().await;
        other.run(&second).await
    });
    let text = denied.unwrap().reply.text;
    assert_eq!(text, "it said: the person denied this call: leave it shut");
    assert_eq!(said.unwrap().reply.text, "you said: leave it shut");
    assert_eq!(scene.runs().doors(), 0);
}

#[tokio::test]
async fn strangers_and_unknown_questions_are_refused() {
    let scene = Scene::new();
    let process = scene.process().await;
    let inbound = ask("k1", "call door.open", work());
    let waits = async {
        let question = process.shown().await.question;
        let gateway = process.gateway();
        let stranger = gateway.answer(&question, yes(), &terminal(), "1001").await;
        assert!(
            matches!(stranger, Err(GatewayError::Denied(_))),
            "{stranger:?}"
        );
        let unknown = QuestionId::new("q-none");
        let none = gateway.answer(&unknown, yes(), &terminal(), "1000").await;
        assert!(
            matches!(none, Err(GatewayError::NoSuchQuestion(_))),
            "{none:?}"
        );
        let text = Answer::Text {
            text: "open it".to_owned(),
        };
        let unfit = gateway.answer(&question, text, &terminal(), "1000").await;
        let refused = matches!(
            unfit,
            Err(GatewayError::Journal(AppendError::NotOpen { .. }))
        );
        assert!(refused, "{unfit:?}");
        assert_eq!(scene.runs().doors(), 0);
    };
    tokio::select! {
        _ = process.run(&inbound) => unreachable!("nobody answered"),
        () = waits => {}
    }
}

#[tokio::test]
async fn an_answer_to_a_dead_process_is_acted_on_by_the_next() {
    let scene = Scene::new();
    let inbound = ask("k1", "call door.open", work());
    let dead = scene.process().await;
    let question = tokio::select! {
        _ = dead.run(&inbound) => unreachable!("nobody answered"),
        question = dead.shown() => question.question,
    };
    dead.die().await;
    let next = scene.process().await;
    let receipt = next
        .gateway()
        .answer(&question, yes(), &terminal(), "1000")
        .await;
    assert!(!receipt.unwrap().awaited);
    let answered = next.run(&inbound).await.unwrap();
    assert_eq!(answered.reply.text, "it said: opened");
    assert_eq!(scene.runs().doors(), 1);
}

#[tokio::test]
async fn a_process_that_lives_without_a_lane_does_not_wait_for_an_answer() {
    let scene = Scene::new();
    let (idle, other) = (scene.process().await, scene.process().await);
    let inbound = ask("k1", "call door.open", work());
    let question = tokio::select! {
        _ = idle.run(&inbound) => unreachable!("nobody answered"),
        question = idle.shown() => question.question,
    };
    let gateway = other.gateway();
    let receipt = gateway.answer(&question, yes(), &terminal(), "1000").await;
    assert!(!receipt.unwrap().awaited);
}

#[tokio::test]
async fn nothing_is_moved_where_nobody_is_at_work() {
    let scene = Scene::new();
    let process = scene.process().await;
    process.run(&ask("k1", "hello", work())).await.unwrap();
    let session = SessionId::new("work");
    let moved = process
        .gateway()
        .background(&session, &terminal(), "1000")
        .await;
    assert_eq!(moved.unwrap(), Backgrounded::NobodyAtWork);
}

#[tokio::test]
async fn a_turn_is_taken_back_only_at_rest_and_the_model_is_told() {
    let scene = Scene::new();
    let process = scene.process().await;
    let session = SessionId::new("work");
    let here = terminal();
    let undo = async || {
        let files = async || (vec!["a.txt".to_owned()], Vec::new());
        let gateway = process.gateway();
        gateway.undo(&session, 1, &here, "1000", files).await
    };
    process.run(&ask("k1", "hello", work())).await.unwrap();
    undo().await.unwrap();
    let hold = scene.hold("wait");
    let inbound = ask("k2", "wait", work());
    let (answered, ()) = tokio::join!(process.run(&inbound), async {
        hold.reached().await;
        let busy = undo().await;
        assert!(matches!(busy, Err(GatewayError::AtWork(_))), "{busy:?}");
        hold.release();
    });
    answered.unwrap();
    let undone = kinds(&process).await;
    let undone = undone.iter().filter(|kind| **kind == "turn.undone").count();
    assert_eq!(undone, 1);
}
