//! Every way in which a job ends in a process that lives, and what its session is told.
//! Invariant: whatever a job does, its session hears of it once.
//! It must not know the journal's tables.

use corvid_core::redact::Redactor;
use corvid_core::wire::{CallStatus, EventBody, InputId};
use corvid_core::{Adoption, Jobs as _, Secret, ToolError, ToolOutput, job_run};
use tokio_util::sync::CancellationToken;

use super::world::{Did, World};
use super::{NOON, ONE, Process, adoption, home, job_id, message};

#[tokio::test]
async fn a_job_is_noted_before_it_begins_and_its_end_is_told_with_what_it_yields() {
    let (home, world) = (home(), World::default());
    let process = Process::start(home.path(), &world).await;
    let session = process.open("s").await;
    let may_end = CancellationToken::new();
    let job = world.job(&session, 7, may_end.clone());
    process.desk.adopt(job).await.expect("a new job");
    let told = process.told(&session).await;
    assert_eq!((told.began.len(), told.ended.len()), (1, 0));
    process.until(&world, 7, Did::Begin).await;
    let running = process.desk.running();
    assert_eq!(process.desk.list(&session).await, Ok(running.clone()));
    assert_eq!(
        (running[0].title.as_str(), running[0].alive),
        ("make 7", true)
    );

    process.clock.advance(62_000);
    may_end.cancel();
    let ended = process.desk.next_ended().await.expect("it has ended");
    assert_eq!(ended.external_id, format!("job:{}", job_id(&session, 7)));
    let told = process.told(&session).await;
    let id = job_id(&session, 7);
    let expected =
        format!("[No person says this. Job {id} is done after 1 min 2 s: make 7]\n\nmade 7");
    assert_eq!(told.only(), expected);
    assert_eq!(told.ended[0].status, CallStatus::Ok);
    let kept = process
        .store
        .input("terminal", "1000", &ended.external_id)
        .await;
    let kept = kept.expect("reads").map(|row| row.input);
    assert_eq!(kept, Some(ended.input));
    assert_eq!(process.desk.next_ended().await, None, "nothing is left");
    let listed = process.desk.list(&session).await.expect("lists");
    assert_eq!(listed[0].ended, Some((NOON + 62_000, CallStatus::Ok)));
}

/// What is told of a job that does this.
async fn told_of(
    run: impl Future<Output = Result<ToolOutput, ToolError>> + Send + 'static,
) -> String {
    let (home, world) = (home(), World::default());
    let process = Process::start(home.path(), &world).await;
    let session = process.open("s").await;
    let job = Adoption {
        run: job_run(run),
        ..adoption(&session, 0)
    };
    process.desk.adopt(job).await.expect("a new job");
    assert!(process.desk.next_ended().await.is_some());
    let told = process.told(&session).await;
    let prefix = format!("[No person says this. Job {} ", job_id(&session, 0));
    let said = told
        .only()
        .strip_prefix(&prefix)
        .expect("the line on its end");
    said.to_owned()
}

#[tokio::test]
async fn a_failure_a_panic_and_a_notice_are_told() {
    let failed = told_of(async { Err(ToolError::Tell("no space".to_owned())) }).await;
    assert_eq!(failed, "failed after 0 s: make 0]\n\nno space");
    let fatal = told_of(async { Err(ToolError::Fatal("no helper".to_owned())) }).await;
    assert_eq!(fatal, "failed after 0 s: make 0]\n\nno helper");
    let panicked = told_of(async { panic!("all is lost") }).await;
    assert_eq!(
        panicked,
        "came to grief after 0 s: make 0]\n\nthis is a defect of Corvid: all is lost"
    );
    let noticed = told_of(async {
        let mut output = ToolOutput::text("");
        output.notice = Some("it cannot be undone".to_owned());
        Ok(output)
    });
    assert_eq!(
        noticed.await,
        "is done after 0 s: make 0]\n\nTell the person: it cannot be undone"
    );
}

#[tokio::test]
async fn a_job_that_has_begun_waits_for_nobody() {
    let (home, world) = (home(), World::default());
    let process = Process::with(home.path(), &world, ONE, Redactor::default()).await;
    let session = process.open("s").await;
    let may_end = CancellationToken::new();
    for number in 0..2 {
        let mut job = world.job(&session, number, may_end.clone());
        job.begun = number == 1;
        process.desk.adopt(job).await.expect("a new job");
        process.until(&world, number, Did::Begin).await;
    }
    may_end.cancel();
}

#[tokio::test]
async fn the_same_call_is_adopted_once() {
    let (home, world) = (home(), World::default());
    let process = Process::start(home.path(), &world).await;
    let session = process.open("s").await;
    let job = |number| world.job(&session, number, CancellationToken::new());
    process.desk.adopt(job(0)).await.expect("a new job");
    let again = process.desk.adopt(job(0)).await;
    let refusal = format!("job `{}` is there already", job_id(&session, 0));
    assert_eq!(again, Err(refusal.clone()));
    // Another process, which knows of it from the journal alone.
    let other = Process::start(home.path(), &world).await;
    assert_eq!(other.desk.adopt(job(0)).await, Err(refusal));
    assert_eq!(
        other.desk.next_ended().await,
        None,
        "it has none of its own"
    );
}

#[tokio::test]
async fn a_taken_key_does_not_keep_an_end_from_being_told() {
    let (home, world) = (home(), World::default());
    let process = Process::start(home.path(), &world).await;
    let session = process.open("s").await;
    let may_end = CancellationToken::new();
    let job = world.job(&session, 0, may_end.clone());
    process.desk.adopt(job).await.expect("a new job");
    // A person's message under the very key.
    let key = format!("job:{}", job_id(&session, 0));
    let mut message = message(&session, &key);
    message.input = InputId::new("i-mine");
    let mine = vec![EventBody::InputAdmitted(message)];
    process
        .desk
        .shared
        .append(&session, mine)
        .await
        .expect("a message");
    may_end.cancel();
    let ended = process
        .desk
        .next_ended()
        .await
        .expect("it is told all the same");
    assert!(ended.external_id.starts_with(&key) && ended.external_id != key);
    assert_eq!(process.told(&session).await.ended.len(), 1);
}

#[tokio::test]
async fn a_secret_is_neither_noted_nor_told() {
    let (home, world) = (home(), World::default());
    let value = "sk-live-0123456789abcdef";
    let secret = ("API_KEY".to_owned(), Secret::new(value));
    let redactor = Redactor::new([secret]);
    let process = Process::with(home.path(), &world, ONE, redactor).await;
    let session = process.open("s").await;
    let mut job = adoption(&session, 0);
    job.start.title = format!("curl -H {value}");
    job.start.arguments = serde_json::json!({ "command": job.start.title });
    job.run = job_run(async move { Ok(ToolOutput::text(format!("sent {value}"))) });
    process.desk.adopt(job).await.expect("a new job");
    assert!(!format!("{:?}", process.desk.running()).contains(value));
    assert!(process.desk.next_ended().await.is_some());
    let rows = process.store.jobs(None).await.expect("reads");
    let told = process.told(&session).await;
    let kept = format!("{rows:?} {told:?}");
    assert!(
        !kept.contains(value) && kept.contains("[redacted:API_KEY]"),
        "{kept}"
    );
}
