//! Taking back what commands changed.

use std::fs;

use corvid_core::Reconciled;
use corvid_core::wire::SessionId;
use corvid_tools::checkpoint::UndoReport;
use serde_json::{Value, json};

use crate::scene::{Heard, Scene};

const BESIDE: &str = "what a command in the background changes cannot be undone";

fn session() -> SessionId {
    SessionId::new("s-host")
}

async fn notice(scene: &Scene, index: u32, arguments: Value) -> Option<String> {
    let call = scene.invocation(index, "system.run", arguments);
    let ran = scene.tool("system.run").run(&call).await;
    ran.expect("it ran").notice
}

pub(crate) async fn a_command_is_taken_back(scene: Scene) {
    let (scene, checkpoints) = scene.with_checkpoints();
    let work = scene.beside("work");
    fs::write(work.join("a"), "before").expect("a file");
    let command =
        "echo after > a; mkdir -p made/deep; echo x > made/deep/b; rmdir sub; ln -s a link";
    assert_eq!(notice(&scene, 0, json!({ "command": command })).await, None);
    assert_eq!(notice(&scene, 1, json!({ "command": "cat a" })).await, None);
    let report = checkpoints.undo(&session(), 1).expect("undone");
    assert_eq!(report.restored, ["a", "link", "made/deep/b"]);
    assert_eq!(fs::read(work.join("a")).expect("the file"), b"before");
    let mut names: Vec<_> = fs::read_dir(&work)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["a", "sub"]);
}

pub(crate) async fn what_goes_on_beside_the_turn_is_said_not_to_be(scene: Scene) {
    let (scene, checkpoints) = scene.with_checkpoints();
    let beside = json!({ "command": "echo x > a", "background": true });
    assert_eq!(notice(&scene, 0, beside).await.as_deref(), Some(BESIDE));
    let adopted = scene.jobs.take().expect("a job");
    adopted.run.await.expect("it ran");
    let command = "echo before > b; echo begun; while [ ! -e go ]; do sleep 0.01; done; echo x > c";
    let mut call = scene.invocation(1, "system.run", json!({ "command": command }));
    let (heard, mut lines) = Heard::new();
    call.progress = std::sync::Arc::new(heard);
    let tool = scene.tool("system.run");
    let (told, ()) = tokio::join!(tool.run(&call), async {
        lines.recv().await.expect("a line");
        call.background.cancel();
    });
    assert_eq!(told.expect("it was moved").notice.as_deref(), Some(BESIDE));
    fs::write(scene.beside("work/go"), "").expect("a file");
    let adopted = scene.jobs.take().expect("a job");
    adopted.run.await.expect("it ran");
    let report = checkpoints.undo(&session(), 1).expect("undone");
    let kept = report.kept.clone().expect("what was there is kept");
    assert!(kept.join("b").is_file());
    // What it did before it was moved is known.
    let expect = UndoReport {
        restored: vec!["b".to_owned()],
        left: Vec::new(),
        lost: vec![BESIDE.to_owned()],
        kept: Some(kept),
    };
    assert_eq!(report, expect);
}

pub(crate) async fn a_command_that_was_cut_off_is_taken_back(scene: Scene) {
    let (scene, checkpoints) = scene.with_checkpoints();
    let command = json!({ "command": "echo half > a; echo begun; sleep 1000" });
    let mut call = scene.invocation(0, "system.run", command.clone());
    let (heard, mut lines) = Heard::new();
    call.progress = std::sync::Arc::new(heard);
    let tool = scene.tool("system.run");
    {
        // Dropping a call that runs is what its process's death does.
        let running = tool.run(&call);
        tokio::select! {
            ended = running => panic!("it ended: {ended:?}"),
            line = lines.recv() => assert!(line.is_some()),
        }
    }
    let call = scene.invocation(0, "system.run", command);
    let became = tool.reconcile(&call, None).await;
    let Reconciled::Interrupted(output) = became else {
        panic!("not interrupted: {became:?}");
    };
    assert_eq!(output.notice, None);
    let report = checkpoints.undo(&session(), 1).expect("undone");
    assert_eq!(
        (report.restored, report.lost),
        (vec!["a".to_owned()], Vec::new())
    );
    assert!(!scene.beside("work/a").exists());
}
