//! Questions answered from elsewhere, jobs that outlast their turn, turns taken back.
//! Invariant: verdicts come from the journal, from what the channel sent and from what the tools did.
//! It must not look inside the gateway.

use corvid_core::AppendError;
use corvid_core::wire::{Address, Answer, EventBody, JobId, QuestionId, Scope, SessionId};
use corvid_gateway::{Backgrounded, GatewayError, Target};

use crate::scene::{Process, Scene, ask};
use crate::work;

fn terminal() -> Address {
    ask("elsewhere", "", Target::New).origin
}

fn yes() -> Answer {
    Answer::Allow { scope: Scope::Once }
}

async fn kinds(process: &Process) -> Vec<&'static str> {
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
async fn a_job_outlasts_its_turn_and_its_end_is_answered_once() {
    let scene = Scene::new();
    let process = scene.process().await;
    let answered = process.run(&ask("k1", "call kettle.boil", work())).await;
    assert_eq!(answered.unwrap().reply.text, "it said: it boils");
    assert_eq!(process.gateway().running_jobs().len(), 1);
    scene.runs().release.notify_one();
    let told = process.next_job().await.unwrap().reply.text;
    assert!(
        told.starts_with("you said: ") && told.contains("hot"),
        "{told}"
    );
    assert!(process.next_job().await.is_none());
    assert_eq!(process.sent().len(), 2, "the reply and what the job led to");
    let ended = kinds(&process).await;
    let ended = ended.iter().filter(|kind| **kind == "job.finished").count();
    assert_eq!((ended, scene.runs().jobs()), (1, 1));
}

#[tokio::test]
async fn a_job_whose_process_died_is_told_by_the_next_at_work_in_the_session() {
    let scene = Scene::new();
    let dead = scene.process().await;
    dead.run(&ask("k1", "call kettle.boil", work()))
        .await
        .unwrap();
    dead.seem_dead();
    let (one, other) = (scene.process().await, scene.process().await);
    let (first, second) = (ask("k2", "hello", work()), ask("k3", "hi", work()));
    let (first, second) = tokio::join!(one.run(&first), other.run(&second));
    assert_eq!(first.unwrap().reply.text, "you said: hello");
    assert_eq!(second.unwrap().reply.text, "you said: hi");
    let events = one.events("work").await;
    let told = events.iter().filter(|event| match &event.body {
        EventBody::InputAdmitted(admission) => admission.job.is_some(),
        _ => false,
    });
    assert_eq!(told.count(), 1);
    // Who found it out delivers what is said about it, and the other does not.
    let (first, second) = (one.next_job().await, other.next_job().await);
    let said: Vec<String> = [first, second]
        .into_iter()
        .flatten()
        .map(|answered| answered.reply.text)
        .collect();
    assert!(
        matches!(said.as_slice(), [text] if text.contains("Job j-")),
        "{said:?}"
    );
}

#[tokio::test]
async fn a_job_is_cancelled_from_another_process() {
    let scene = Scene::new();
    let (owner, other) = (scene.process().await, scene.process().await);
    owner
        .run(&ask("k1", "call kettle.boil", work()))
        .await
        .unwrap();
    let job = JobId::new(scene.runs().job());
    let session = SessionId::new("work");
    let gateway = other.gateway();
    let view = gateway
        .cancel_job(&session, &job, &terminal(), "1000")
        .await
        .unwrap();
    assert!(view.ended.is_some(), "{view:?}");
    let told = owner.next_job().await.unwrap().reply.text;
    assert!(told.contains("cancelled"), "{told}");
    let stranger = gateway
        .cancel_job(&session, &job, &terminal(), "1001")
        .await;
    assert!(matches!(stranger, Err(GatewayError::Denied(_))));
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

#[tokio::test]
async fn what_a_job_told_before_its_process_died_is_answered_by_who_comes_next() {
    let scene = Scene::new();
    let dead = scene.process().await;
    let inbound = ask("k1", "call kettle.boil", work());
    dead.run(&inbound).await.unwrap();
    scene.runs().release.notify_one();
    let key = format!("job:{}", scene.runs().job());
    dead.sees_input(&key).await;
    dead.seem_dead();
    let next = scene.process().await;
    assert!(next.run(&inbound).await.unwrap().repeated);
    let told = next.next_job().await.unwrap().reply.text;
    assert!(told.contains("hot"), "{told}");
    assert!(next.next_job().await.is_none());
}

#[tokio::test]
async fn what_a_dead_process_was_told_is_shown_although_another_message_comes_with_it() {
    let scene = Scene::new();
    let dead = scene.process().await;
    dead.run(&ask("k1", "call kettle.boil", work()))
        .await
        .unwrap();
    scene.runs().release.notify_one();
    let key = format!("job:{}", scene.runs().job());
    dead.sees_input(&key).await;
    dead.seem_dead();
    let next = scene.process().await;
    let answered = next.run(&ask("k2", "hello", work())).await.unwrap();
    assert_eq!(answered.reply.text, "you said: hello");
    let told = next.next_job().await.map(|answered| answered.reply.text);
    assert!(
        told.as_ref().is_some_and(|text| text.contains("hot")),
        "{told:?}"
    );
    assert!(next.next_job().await.is_none());
    assert_eq!(next.given_up("work").await, [""; 0]);
    assert_eq!(next.sent().len(), 2);
}

#[tokio::test]
async fn what_came_of_a_job_is_sent_by_who_comes_next_if_its_process_died_before() {
    let scene = Scene::new();
    let (dead, other) = (scene.process().await, scene.process().await);
    dead.run(&ask("k1", "call kettle.boil", work()))
        .await
        .unwrap();
    scene.runs().release.notify_one();
    let key = format!("job:{}", scene.runs().job());
    dead.sees_input(&key).await;
    // The reply is composed on the way to the other's own, and is not the other's to send.
    other.run(&ask("k2", "hello", work())).await.unwrap();
    assert!(other.next_job().await.is_none());
    assert_eq!(other.open_deliveries("work").await, 1);
    dead.seem_dead();
    let next = scene.process().await;
    next.run(&ask("k3", "hi", work())).await.unwrap();
    let told = next.next_job().await.map(|answered| answered.reply.text);
    assert!(
        told.as_ref().is_some_and(|text| text.contains("hot")),
        "{told:?}"
    );
    assert!(next.next_job().await.is_none());
    assert_eq!(next.open_deliveries("work").await, 0);
}

#[tokio::test]
async fn a_job_that_ends_while_a_turn_runs_joins_it_and_is_answered_once() {
    let scene = Scene::new();
    let process = scene.process().await;
    process
        .run(&ask("k1", "call kettle.boil", work()))
        .await
        .unwrap();
    let hold = scene.hold("wait");
    let mut inbound = ask("k2", "wait", work());
    inbound.origin = ask("k1", "", work()).origin;
    let key = format!("job:{}", scene.runs().job());
    let (answered, ()) = tokio::join!(process.run(&inbound), async {
        hold.reached().await;
        scene.runs().release.notify_one();
        process.sees_input(&key).await;
        hold.release();
    });
    answered.unwrap();
    while process.next_job().await.is_some() {}
    let replies = process.events("work").await.into_iter();
    let told = replies.filter_map(|event| match event.body {
        EventBody::ReplyComposed(reply) => Some(reply.inputs.len()),
        _ => None,
    });
    assert_eq!(told.sum::<usize>(), 3, "each input has one reply");
}
