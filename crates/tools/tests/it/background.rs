//! Commands that go on beside their turn, and the tools that look at them.

use std::sync::Arc;

use corvid_core::wire::{CallKey, JobId};
use corvid_core::{
    CommandEnd, CommandEnding, CommandRecord, Invocation, Reconciled, ToolOutput, draw,
};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::sandbox::Act;
use crate::scene::Scene;

const TOLD: &str =
    "runs in the background as job j-key-0; you will be told when it ends, so do not poll";

fn background() -> Value {
    json!({ "command": " cargo\n build", "background": true })
}

/// A command that waits, and what lets it go on.
fn waiting(scene: &Scene, output: &str) -> Arc<Notify> {
    let gate = Arc::new(Notify::new());
    let mut act = Act::exits(0, output);
    act.gate = Some(Arc::clone(&gate));
    scene.sandbox.script(act);
    gate
}

fn invocation(scene: &Scene, index: u32, arguments: Value) -> Invocation {
    let call = scene.invocation("system.run", index, arguments);
    call.expect("valid")
}

#[tokio::test]
async fn a_background_command_is_noted_before_it_begins() {
    let scene = Scene::new();
    let mut act = Act::exits(3, "done\n");
    act.lines = vec!["nobody waits for this"];
    scene.sandbox.script(act);
    let output = scene.call("system.run", background()).await;
    assert_eq!(output, Ok(ToolOutput::text(TOLD)));
    assert!(scene.sandbox.commands.lock().expect("lock").is_empty());

    let adopted = scene.jobs.take().expect("a job");
    assert!(!adopted.begun);
    let call = invocation(&scene, 0, background());
    let start = adopted.start.clone();
    assert_eq!(start.job, JobId::new("j-key-0"));
    assert_eq!(start.job, draw::job_id(&call.key));
    assert_eq!((start.call, start.tool.as_str()), (call.call, "system.run"));
    assert_eq!(start.arguments, background());
    assert_eq!(start.title, "cargo  build");
    assert_eq!(start.timeout_ms, 3_600_000);
    assert!(start.proof.is_some_and(|proof| proof["boot"].is_string()));
    assert_eq!(
        (start.origin, start.requester),
        (call.origin, call.requester)
    );

    let ended = adopted.run.await.expect("it ran");
    assert_eq!(ended.text, "exit code 3\ndone\n");
    assert!(scene.shown.0.lock().expect("lock").is_empty());
}

#[tokio::test]
async fn a_job_that_is_not_taken_is_not_begun() {
    let scene = Scene::new();
    *scene.jobs.broken.lock().expect("lock") = Some("too many jobs");
    let error = scene.error("system.run", background()).await;
    assert_eq!(error, "too many jobs");
    assert!(scene.sandbox.commands.lock().expect("lock").is_empty());
}

#[tokio::test]
async fn what_jobs_left_behind_is_kept_until_it_is_told() {
    let scene = Scene::new();
    scene.call("system.run", background()).await.expect("a job");
    for index in [1, 2] {
        scene.sandbox.script(Act::exits(0, ""));
        let asked = json!({ "command": "x" });
        let ran = scene.call_at("system.run", index, asked).await;
        ran.expect("it ran");
        // The second command runs after the job has ended.
        if index == 1 {
            scene.sandbox.script(Act::exits(0, ""));
            scene.jobs.run().await.expect("it ran");
        }
    }
    let commands = scene.sandbox.commands.lock().expect("lock").clone();
    let kept: Vec<Vec<_>> = commands
        .iter()
        .map(|command| command.kept.iter().map(CallKey::as_str).collect())
        .collect();
    assert_eq!(kept, [vec!["key-0"], vec!["key-0"], vec![]]);
    // A job must not forget the record of a turn's own command, which may have just ended.
    assert_eq!(commands[0].record_dir, commands[2].record_dir);
    assert_ne!(commands[1].record_dir, commands[0].record_dir);

    *scene.jobs.broken.lock().expect("lock") = Some("the store failed");
    let error = scene.error("system.run", json!({ "command": "x" })).await;
    assert_eq!(error, "the store failed");
}

#[tokio::test]
async fn a_running_command_goes_on_as_a_job() {
    let scene = Scene::new();
    let gate = waiting(&scene, "whole\n");
    let call = invocation(&scene, 0, json!({ "command": "make" }));
    let tool = scene.tool("system.run");
    let running = tool.run(&call);
    scene.background.cancel();
    assert_eq!(running.await.expect("moved"), ToolOutput::text(TOLD));
    // Its turn may end now, or be stopped.
    scene.cancel.cancel();
    let adopted = scene.jobs.take().expect("a job");
    assert!(adopted.begun && !adopted.cancel.is_cancelled());
    // It now has the time of a job, and the sandbox leaves it that.
    assert_eq!(adopted.start.timeout_ms, 3_600_000);
    let time = scene.sandbox.commands.lock().expect("lock")[0].timeout;
    assert_eq!(time.as_secs(), 3_600);
    gate.notify_one();
    let ended = adopted.run.await.expect("it ran");
    assert_eq!(ended.text, "exit code 0\nwhole\n");
    // It was begun once.
    assert_eq!(scene.sandbox.commands.lock().expect("lock").len(), 1);
}

#[tokio::test]
async fn a_moved_command_is_ended_as_a_job() {
    let scene = Scene::new();
    let _gate = waiting(&scene, "half\n");
    let call = invocation(&scene, 0, json!({ "command": "make" }));
    scene.background.cancel();
    let moved = scene.tool("system.run").run(&call).await;
    assert_eq!(moved.expect("moved"), ToolOutput::text(TOLD));
    let adopted = scene.jobs.take().expect("a job");
    adopted.cancel.cancel();
    let ended = adopted.run.await.expect("it ran");
    assert!(ended.text.starts_with("stopped before its end;"));
}

#[tokio::test]
async fn a_command_that_cannot_be_moved_stays_with_its_turn() {
    let scene = Scene::new();
    *scene.jobs.broken.lock().expect("lock") = Some("too many jobs");
    let gate = waiting(&scene, "whole\n");
    scene.background.cancel();
    let asked = json!({ "command": "make" });
    let (text, ()) = tokio::join!(scene.text("system.run", asked), async {
        while scene.shown.0.lock().expect("lock").is_empty() {
            tokio::task::yield_now().await;
        }
        gate.notify_one();
    });
    assert_eq!(text, "exit code 0\nwhole\n");
    let shown = scene.shown.0.lock().expect("lock").clone();
    assert_eq!(shown, ["it stays with its turn: too many jobs"]);
    assert_eq!(scene.sandbox.commands.lock().expect("lock").len(), 1);

    let _gate = waiting(&scene, "");
    scene.cancel.cancel();
    let text = scene.text("system.run", json!({ "command": "make" })).await;
    assert!(text.starts_with("stopped before its end;"), "{text}");
}

#[tokio::test]
async fn a_call_that_became_a_job_is_known_by_it() {
    let scene = Scene::new();
    let asked = json!({ "command": "make" });
    scene.background.cancel();
    let _gate = waiting(&scene, "");
    let moved = scene.call("system.run", asked.clone()).await;
    moved.expect("moved");
    let found = scene.after_crash("system.run", asked, |_| {}).await;
    assert_eq!(found, Reconciled::Done(ToolOutput::text(TOLD)));
}

#[tokio::test]
async fn a_background_call_that_was_not_noted_never_began() {
    let scene = Scene::new();
    let found = scene.after_crash("system.run", background(), |_| {}).await;
    assert_eq!(found, Reconciled::NotDone);
    *scene.jobs.broken.lock().expect("lock") = Some("the store failed");
    let found = scene.after_crash("system.run", background(), |_| {}).await;
    assert_eq!(found, Reconciled::Unknown("the store failed".to_owned()));
}

#[tokio::test]
async fn what_became_of_a_call_is_known_on_a_system_that_lacks_less() {
    let before = Scene::new();
    *before.sandbox.lacking.lock().expect("lock") = vec!["no Landlock".to_owned()];
    let asked = json!({ "command": "x", "escalate": { "reason": "to look" } });
    let call = invocation(&before, 0, asked);
    let scene = Scene::new();
    let records = &scene.sandbox.records;
    let record = CommandRecord::NotStarted;
    records.lock().expect("lock").push_back(record);
    let found = scene.tool("system.run").reconcile(&call, None).await;
    assert_eq!(found, Reconciled::NotDone);
}

#[tokio::test]
async fn the_end_of_a_dead_process_s_job_is_found_out() {
    let stopped = CommandEnd {
        ending: CommandEnding::Stopped,
        kept_bytes: 4,
        total_bytes: 4,
        duration_ms: 1,
    };
    let interrupted = |text: &str| Reconciled::Interrupted(ToolOutput::text(text));
    let cases = [
        (CommandRecord::NotStarted, Reconciled::NotDone),
        (
            CommandRecord::Ended(stopped),
            interrupted(
                "stopped before its end; killed with all its processes; what it had done by then stays \
                 done\nhalf",
            ),
        ),
        (
            CommandRecord::Unknown("the power was lost".to_owned()),
            Reconciled::Unknown("the power was lost".to_owned()),
        ),
    ];
    for (record, expect) in cases {
        let scene = Scene::new();
        scene.call("system.run", background()).await.expect("a job");
        scene.sandbox.script(Act::exits(0, "half"));
        let adopted = scene.jobs.take().expect("a job");
        adopted.run.await.expect("it ran");
        let records = &scene.sandbox.records;
        records.lock().expect("lock").push_back(record);
        let call = invocation(&scene, 0, background());
        let tool = scene.tool("system.run");
        let found = tool.job_end(&call, adopted.start.proof.as_ref()).await;
        assert_eq!(found, expect);
    }
}
