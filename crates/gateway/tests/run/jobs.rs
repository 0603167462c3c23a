//! Jobs that outlast their turn and their process, and what their ends lead to.
//! Invariant: verdicts come from the journal, from what the channel sent and from what the tools did.
//! It must not look inside the gateway.

use corvid_core::wire::{EventBody, JobId, SessionId};
use corvid_gateway::{GatewayError, Target};

use crate::channel::Mishap;
use crate::hands::{kinds, terminal};
use crate::scene::{Scene, ask};
use crate::work;

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
async fn what_a_dead_process_was_sending_of_a_job_is_sent_again() {
    let scene = Scene::new();
    let dead = scene.process().await;
    dead.run(&ask("k1", "call kettle.boil", work()))
        .await
        .unwrap();
    scene.runs().release.notify_one();
    dead.break_channel(Mishap::Hangs);
    tokio::select! {
        _ = dead.next_job() => unreachable!("it hangs"),
        () = dead.sending() => {}
    }
    dead.seem_dead();
    let next = scene.process().await;
    next.run(&ask("k2", "hello", work())).await.unwrap();
    let told = next.next_job().await.map(|answered| answered.reply.text);
    assert!(
        told.as_ref().is_some_and(|text| text.contains("hot")),
        "{told:?}"
    );
    assert_eq!(next.given_up("work").await, [""; 0]);
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

#[tokio::test]
async fn who_asks_again_for_a_message_hears_of_the_jobs_of_its_session() {
    let scene = Scene::new();
    let dead = scene.process().await;
    let inbound = ask("k1", "call kettle.boil", Target::New);
    dead.run(&inbound).await.unwrap();
    dead.seem_dead();
    let next = scene.process().await;
    assert!(next.run(&inbound).await.unwrap().repeated);
    let told = next.next_job().await.map(|answered| answered.reply.text);
    assert!(
        told.as_ref()
            .is_some_and(|text| text.contains("was cut off")),
        "{told:?}"
    );
}
