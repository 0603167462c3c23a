//! Stopping what runs.
//! Invariant: verdicts come from how turns and jobs ended.
//! It must not know how a turn ends.

use corvid_core::wire::{CallStatus, Ending};

use super::*;

#[tokio::test]
async fn a_stop_ends_the_turn_of_who_says_it() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = group();
    let (answered, ()) = tokio::join!(process.say(MEMBER, &at, "hang"), async {
        process.script.hangs.notified().await;
        let refused = process.answer(OTHER, &at, "/stop").await;
        assert_eq!(
            refused,
            "That is somebody else's request; they or an owner can stop it."
        );
        let session = process.session(&at).await;
        let button = Button::Stop {
            session: Button::tag(&session),
        };
        let pressed = process.press(OTHER, &at, button).await;
        assert_eq!(pressed, Pressed::told(refused));
        let stopped = |event: &EventBody| matches!(event, EventBody::StopRequested { .. });
        assert!(!process.has(&session, stopped).await);
        let (act, answer) = process.command(MEMBER, &at, "/stop").await;
        assert_eq!((act, answer.as_str()), (Act::Wake(session), "Stopping."));
    });
    assert_eq!(answered.reply.ending, Ending::Stopped);
    assert_eq!(
        process.answer(MEMBER, &at, "/stop").await,
        "Nothing runs here."
    );
}

#[tokio::test]
async fn an_owner_stops_everybodys_turn_by_a_button() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = group();
    let (answered, ()) = tokio::join!(process.say(MEMBER, &at, "hang"), async {
        process.script.hangs.notified().await;
        let session = process.session(&at).await;
        // Its own button still works where another session has begun meanwhile.
        process.answer(MEMBER, &at, "/new").await;
        let button = Button::Stop {
            session: Button::tag(&session),
        };
        let pressed = process.press(OWNER, &at, button).await;
        assert_eq!(pressed, Pressed::wakes("Stopping.", session));
    });
    assert_eq!(answered.reply.ending, Ending::Stopped);
}

#[tokio::test]
async fn a_stop_ends_the_jobs_of_who_says_it() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = group();
    process.say(MEMBER, &at, "call kettle").await;
    let session = process.session(&at).await;
    let jobs = process.answer(OTHER, &at, "/jobs").await;
    assert!(jobs.contains("`boil 'water'`: runs for"), "{jobs}");
    assert_eq!(
        process.answer(OTHER, &at, "/stop").await,
        "Nothing runs here."
    );
    let job = process.gateway.running_jobs().remove(0).job;
    let named = format!("/jobs cancel {job}");
    let refused = process.answer(OTHER, &at, &named).await;
    assert_eq!(
        refused,
        "That is somebody else's job; they or an owner can end it."
    );
    let open = process.store.open_jobs(Some(&session)).await;
    assert_eq!(open.expect("the store reads").len(), 1);
    assert_eq!(process.answer(MEMBER, &at, "/stop").await, "Ending 1 job.");
    while !process.has(&session, is_cancelled).await {
        tokio::task::yield_now().await;
    }
}

fn is_cancelled(event: &EventBody) -> bool {
    matches!(event, EventBody::JobFinished(end)
        if end.cancelled_by.as_ref().is_some_and(|by| by.id == MEMBER))
}

#[tokio::test]
async fn a_job_is_ended_by_name() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = private(MEMBER);
    process.say(MEMBER, &at, "call kettle").await;
    let job = process.gateway.running_jobs().remove(0).job;
    let short: String = job.as_str().chars().take(6).collect();
    let answer = process
        .answer(MEMBER, &at, &format!("/jobs cancel `{short}`"))
        .await;
    assert_eq!(answer, format!("Job `{job}` has ended."));
    let row = process.store.job(&job).await.expect("the store reads");
    let end = row.and_then(|row| row.ended).map(|(_, end)| end.status);
    assert!(
        end.is_some_and(|status| status != CallStatus::Unknown),
        "{end:?}"
    );
    let gone = process.answer(MEMBER, &at, "/jobs cancel").await;
    assert_eq!(gone, "Use it as `/jobs` or `/jobs cancel JOB`.");
    let gone = process.answer(MEMBER, &at, "/jobs cancel j-x").await;
    assert_eq!(gone, "No running job `j-x` here; /jobs lists them.");
}

#[tokio::test]
async fn what_runs_is_told() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = private(MEMBER);
    assert!(
        process
            .answer(MEMBER, &at, "/status")
            .await
            .starts_with("Nothing was said here yet.")
    );
    assert_eq!(
        process.answer(MEMBER, &at, "/cost").await,
        "This session has used nothing yet."
    );
    process.say(MEMBER, &at, "hello").await;
    assert_eq!(
        process.answer(MEMBER, &at, "/cost").await,
        "This session, 1 turn and 1 model call: 1,200 tokens read (200 of them from the cache), 30 written."
    );
    let session = process.session(&at).await;
    tokio::select! {
        _ = process.say(MEMBER, &at, "call bell") => panic!("the bell rings for ever"),
        () = async {
            process.runs.rings.notified().await;
            let status = process.answer(MEMBER, &at, "/status").await;
            let expect = format!(
                "Turn 2 runs for 0 s; `bell` at work.\n- Session: `{session}`\n- Model: `test/script`\n- Folder: `/tmp`"
            );
            assert_eq!(status, expect);
        } => {}
    }
}

/// The message is in the journal, but no lane has taken it up when the stop comes.
#[tokio::test]
async fn a_stop_right_behind_a_message_ends_its_turn() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = private(MEMBER);
    let session = process.say(MEMBER, &at, "hello").await.session;
    let inbound = Process::inbound(session.clone(), MEMBER, &at, "hang");
    let requester = process.gateway.known(&at, MEMBER).await;
    let requester = requester.expect("the store answers").expect("a member");
    let admission = inbound.admission(draw::input_id(), requester);
    let admitted = EventBody::InputAdmitted(admission);
    process
        .gateway
        .note(&session, admitted)
        .await
        .expect("the store writes");
    let (answered, answer) = tokio::join!(
        async {
            // Not before the stop has looked.
            tokio::task::yield_now().await;
            process.run(&inbound).await
        },
        process.answer(MEMBER, &at, "/stop"),
    );
    assert_eq!(answer, "Stopping.");
    assert_eq!(answered.expect("an answer").reply.ending, Ending::Stopped);
}
