//! Commands that go on beside their turn.

use std::fs;
use std::path::Path;

use corvid_core::{Adoption, Reconciled};
use serde_json::{Value, json};

use crate::scene::{Heard, Scene, untimed};

fn background(command: &str) -> Value {
    json!({ "command": command, "background": true })
}

async fn begin(scene: &Scene, index: u32, command: &str) -> Adoption {
    let told = scene.run(index, background(command)).await;
    assert!(told.starts_with("runs in the background"), "{told}");
    scene.jobs.take().expect("a job")
}

/// Waits until the job has printed something.
async fn has_printed(output: &Path) {
    while fs::metadata(output).map_or(0, |known| known.len()) == 0 {
        tokio::task::yield_now().await;
    }
}

pub(crate) async fn a_background_command_ends_and_reports(scene: Scene) {
    let adopted = begin(&scene, 0, "echo done; exit 3").await;
    let output = scene.invocation(0, "system.run", background("x"));
    let file = output.outputs.file(&output.session, output.call);
    assert!(!file.exists(), "it began before it was polled");
    let ended = adopted.run.await.expect("it ran");
    assert_eq!(untimed(&ended.text), "exit code 3\ndone\n");
}

pub(crate) async fn a_moved_command_goes_on_as_it_was(scene: Scene) {
    let command = "echo begun $$; while [ ! -e go ]; do sleep 0.01; done; echo ended $$";
    let mut call = scene.invocation(0, "system.run", json!({ "command": command }));
    let (heard, mut lines) = Heard::new();
    call.progress = std::sync::Arc::new(heard);
    let tool = scene.tool("system.run");
    let (told, first) = tokio::join!(tool.run(&call), async {
        let first = lines.recv().await.expect("a line");
        call.background.cancel();
        first
    });
    let told = told.expect("it was moved").text;
    assert!(told.starts_with("runs in the background as job j-host0;"));
    let adopted = scene.jobs.take().expect("a job");
    assert!(adopted.begun);
    // Its turn is over, and may be stopped as well.
    call.cancel.cancel();
    let go_on = async {
        let next = scene.run(1, json!({ "command": "touch go" })).await;
        assert_eq!(next, "exit code 0\n(no output)");
    };
    let (ended, ()) = tokio::join!(adopted.run, go_on);
    let text = ended.expect("it ran").text;
    let process = first.strip_prefix("begun ").expect("its process");
    let whole = format!("\nbegun {process}\nended {process}\n");
    assert!(
        text.starts_with("exit code 0") && text.ends_with(&whole),
        "{text}"
    );
}

pub(crate) async fn a_cancelled_job_ends(scene: Scene) {
    let adopted = begin(&scene, 0, "setsid sleep 1000 & echo begun; wait").await;
    let call = scene.invocation(0, "system.run", background("x"));
    let file = call.outputs.file(&call.session, call.call);
    let cancel = async {
        has_printed(&file).await;
        let so_far = scene
            .call(1, "job.output", json!({ "job": "j-host0" }))
            .await;
        let so_far = so_far.expect("what it printed");
        assert_eq!(so_far, "job j-host0 goes on, at most 3600 s\nbegun\n");
        adopted.cancel.cancel();
    };
    let (ended, ()) = tokio::join!(adopted.run, cancel);
    let text = untimed(&ended.expect("it ran").text);
    assert!(text.starts_with("stopped before its end;"), "{text}");
    assert!(text.ends_with("\nbegun\n"), "{text}");
}

pub(crate) async fn the_end_of_a_job_whose_process_died_is_known(scene: Scene) {
    let adopted = begin(&scene, 0, "echo begun; sleep 1000").await;
    let call = scene.invocation(0, "system.run", background("echo begun; sleep 1000"));
    let file = call.outputs.file(&call.session, call.call);
    tokio::select! {
        biased;
        _ended = adopted.run => panic!("it ended by itself"),
        // Dropped with the process that has it.
        () = has_printed(&file) => {}
    }
    // What comes after it forgets no record whose end is not told.
    scene.run(1, json!({ "command": "true" })).await;
    let tool = scene.tool("system.run");
    let proof = adopted.start.proof.as_ref();
    let Reconciled::Interrupted(output) = tool.job_end(&call, proof).await else {
        panic!("its end was not known");
    };
    assert!(output.text.ends_with("\nbegun\n"), "{}", output.text);
    // The call that began it is done: it is known by its job.
    let Reconciled::Done(told) = tool.reconcile(&call, proof).await else {
        panic!("the call was not known by its job");
    };
    assert!(
        told.text
            .starts_with("runs in the background as job j-host0;")
    );
    let never = scene.invocation(2, "system.run", background("true"));
    assert_eq!(tool.job_end(&never, proof).await, Reconciled::NotDone);
}

pub(crate) async fn many_jobs_end_one_by_one(scene: Scene) {
    for index in 0..20 {
        scene.run(index, background(&format!("echo {index}"))).await;
        let ended = scene.jobs.run().await.expect("it ran");
        assert_eq!(untimed(&ended.text), format!("exit code 0\n{index}\n"));
    }
    // Only the record of the last is left: its end may not be in the journal yet.
    let records = scene.beside("state/outputs/s-host/commands/jobs");
    let locks = fs::read_dir(records).expect("records");
    let locks = locks.map(|entry| entry.expect("an entry").file_name());
    let locks = locks.filter(|name| name.to_string_lossy().ends_with(".lock"));
    assert_eq!(locks.collect::<Vec<_>>(), ["host19.lock"]);
}
