//! The tools that look at jobs.

use corvid_core::JobView;
use corvid_core::Jobs as _;
use corvid_core::wire::{CallStatus, JobId, SessionId};
use serde_json::{Value, json};

use crate::sandbox::Act;
use crate::scene::Scene;

fn background() -> Value {
    json!({ "command": " cargo\n build", "background": true })
}

#[tokio::test]
async fn jobs_are_listed_read_and_ended() {
    let scene = Scene::new();
    assert_eq!(
        scene.text("job.list", json!({})).await,
        "no job was begun in this session"
    );
    scene.call("system.run", background()).await.expect("a job");
    let second = json!({ "command": "make test", "background": true, "timeout_secs": 60 });
    scene.call_at("system.run", 1, second).await.expect("a job");
    assert_eq!(
        scene.text("job.list", json!({})).await,
        "j-key-1 goes on, at most 60 s: make test\nj-key-0 goes on, at most 3600 s: cargo  build"
    );
    let of = |job: &str| json!({ "job": job });
    assert_eq!(
        scene.text("job.output", of("j-key-1")).await,
        "job j-key-1 goes on, at most 60 s\n(nothing was printed so far)"
    );
    scene.sandbox.script(Act::exits(0, "all\ngreen\n"));
    scene.jobs.run().await.expect("it ran");
    assert_eq!(
        scene.text("job.output", of("j-key-1")).await,
        "job j-key-1 ended after 2.0 s\nall\ngreen\n"
    );
    let later = json!({ "job": "j-key-1", "offset": 4 });
    assert_eq!(
        scene.text("job.output", later).await,
        "job j-key-1 ended after 2.0 s\ngreen\n\n[… bytes 4 to 10 of 10; this is its end …]"
    );
    assert_eq!(
        scene.text("job.cancel", of("j-key-1")).await,
        "job j-key-1 ended after 2.0 s"
    );
    assert_eq!(
        scene.text("job.cancel", of("j-key-0")).await,
        "job j-key-0 was cancelled after 1.0 s"
    );
    assert!(scene.jobs.take().expect("a job").cancel.is_cancelled());
}

#[tokio::test]
async fn a_long_output_of_a_job_is_shown_from_its_end() {
    let scene = Scene::new();
    scene.call("system.run", background()).await.expect("a job");
    let lines: Vec<_> = (0..100_000).map(|n| format!("line {n:06}\n")).collect();
    scene.sandbox.script(Act::exits(0, lines.concat()));
    scene.jobs.run().await.expect("it ran");
    let text = scene.text("job.output", json!({ "job": "j-key-0" })).await;
    let mut shown = text.lines();
    assert_eq!(shown.next(), Some("job j-key-0 ended after 2.0 s"));
    assert_eq!(
        shown.next(),
        Some("[… bytes 1190004 to 1200000; offset 0 shows the beginning …]")
    );
    assert_eq!(shown.next(), Some("line 099167"));
    assert!(text.ends_with("line 099999\n"));
}

#[tokio::test]
async fn jobs_of_another_session_are_nobody_s() {
    let scene = Scene::new();
    let call = scene.invocation("system.run", 0, background());
    let call = call.expect("valid");
    scene.jobs.note(JobView {
        session: SessionId::new("s-other"),
        job: JobId::new("j-other"),
        call: call.call,
        key: call.key,
        title: "make".to_owned(),
        started_at: 0,
        timeout_ms: 1_000,
        ended: Some((1, CallStatus::Ok)),
        alive: true,
    });
    let listed = scene.jobs.list(&SessionId::new("s-other")).await;
    assert_eq!(listed.expect("a list").len(), 1);
    assert_eq!(
        scene.text("job.list", json!({})).await,
        "no job was begun in this session"
    );
    for tool in ["job.output", "job.cancel"] {
        let error = scene.error(tool, json!({ "job": "j-other" })).await;
        assert_eq!(
            error,
            "this session has no job \"j-other\"; `job.list` shows what there is"
        );
    }
}
