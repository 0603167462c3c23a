//! `system.run` and `output.read` on a scripted sandbox.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use corvid_core::wire::{CallId, OutputRef};
use corvid_core::{CommandEnd, CommandEnding, CommandRecord, Reconciled, SandboxError, ToolOutput};
use serde_json::json;

use crate::sandbox::Act;
use crate::scene::Scene;

const FIRST: CallId = CallId {
    turn: 1,
    step: 1,
    index: 0,
};

const TIMED_OUT: &str = "timed out; killed with all its processes; `timeout_secs` may be up to 300, with `background` \
                         up to 86400\nso far\n";

async fn check(act: Act, expect: &str) {
    let scene = Scene::new();
    scene.sandbox.script(act);
    let output = scene.call("system.run", json!({ "command": "x" })).await;
    assert_eq!(output, Ok(ToolOutput::text(expect)));
}

#[tokio::test]
async fn a_command_tells_its_end_and_its_output() {
    check(Act::exits(0, "hello\n"), "exit code 0\nhello\n").await;
    check(Act::exits(3, ""), "exit code 3\n(no output)").await;
    check(
        Act::ends(CommandEnding::Signaled { signal: 11 }, "half"),
        "killed by signal 11 (SIGSEGV)\nhalf",
    )
    .await;
    check(Act::ends(CommandEnding::TimedOut, "so far\n"), TIMED_OUT).await;
}

/// A call that is only looked at, and may be denied, starts nothing.
#[tokio::test]
async fn a_command_is_said_to_come_once_its_call_is_allowed() {
    let scene = Scene::new();
    let arguments = json!({ "command": "x" });
    let expected = || scene.sandbox.expected.load(Ordering::Relaxed);
    scene
        .invocation("system.run", 0, arguments.clone())
        .expect("valid");
    assert_eq!(expected(), 0);
    scene.sandbox.script(Act::exits(0, ""));
    scene.text("system.run", arguments).await;
    assert_eq!(expected(), 1);
}

#[tokio::test]
async fn output_is_harmless_to_look_at() {
    check(
        Act::exits(0, b"\x1b[31mred\x1b[0m\xff\x1b]0;title\x07\r\nend".to_vec()),
        "exit code 0\nred\u{fffd}\nend",
    )
    .await;
    let scene = Scene::new();
    let mut act = Act::exits(0, "");
    act.lines = vec!["\x1b[2Jgone\x07", "\x1b[0m "];
    scene.sandbox.script(act);
    scene.text("system.run", json!({ "command": "x" })).await;
    assert_eq!(*scene.shown.0.lock().expect("lock"), ["gone"]);
}

#[tokio::test]
async fn a_long_output_is_cut_and_can_be_read_on() {
    let scene = Scene::new();
    let lines: Vec<_> = (0..100_000).map(|n| format!("line {n:06}\n")).collect();
    let whole = lines.concat();
    scene.sandbox.script(Act::exits(0, whole.clone()));
    let output = scene
        .call("system.run", json!({ "command": "x" }))
        .await
        .expect("it ran");
    let kept = OutputRef {
        call: FIRST,
        kept_bytes: 1_200_000,
        total_bytes: 1_200_000,
    };
    assert_eq!(output.output, Some(kept));
    let (head, rest) = output.text.split_once("\n[… ").expect("a marker");
    let (marker, tail) = rest.split_once(" …]\n").expect("a marker's end");
    // Two thirds and one third of 10,000 characters, less what would be half a line.
    let head = head.strip_prefix("exit code 0\n").expect("the end");
    assert_eq!(whole.get(..6_660), Some(format!("{head}\n").as_str()));
    assert_eq!(Some(tail), whole.get(whole.len() - 3_324..));
    assert_eq!(
        marker,
        "1190016 bytes cut of 1200000 kept; `output.read` with call \"1.1.0\" and offset 6660 shows them"
    );

    // Reading on page by page gives the very same output, and then says that it is at its end.
    let (mut offset, mut read) = (6_660_usize, format!("{head}\n"));
    loop {
        let page = json!({ "call": "1.1.0", "offset": offset });
        let page = scene
            .call_at("output.read", 1, page)
            .await
            .expect("a page")
            .text;
        let (text, marker) = page.rsplit_once("\n[… ").expect("a marker");
        read += text;
        if marker.ends_with("this is its end …]") {
            break;
        }
        let (_, next) = marker.split_once("offset ").expect("the next offset");
        offset = next.trim_end_matches(" …]").parse().expect("a number");
    }
    assert!(read == whole, "the pages are the output");
}

#[tokio::test]
async fn control_sequences_alone_do_not_count() {
    let output = format!("{}plain", "\x1b[1m".repeat(20_000));
    check(Act::exits(0, output), "exit code 0\nplain").await;
    let full = "x".repeat(10_000);
    check(
        Act::exits(0, format!("{full}\x1b[0m")),
        &format!("exit code 0\n{full}"),
    )
    .await;
}

#[tokio::test]
async fn a_page_names_what_is_wrong() {
    let scene = Scene::new();
    scene.sandbox.script(Act::exits(0, "short"));
    scene.text("system.run", json!({ "command": "x" })).await;
    let error = scene.error("output.read", json!({ "call": "9.9.9" })).await;
    assert_eq!(
        error,
        "call 9.9.9 of this session kept no output; take the id from the marker of a cut output"
    );
    let past = json!({ "call": "1.1.0", "offset": 5 });
    assert_eq!(
        scene.error("output.read", past).await,
        "argument `offset` is 5, but the output of call 1.1.0 has 5 bytes"
    );
}

#[tokio::test]
async fn a_command_runs_where_and_as_long_as_asked() {
    let scene = Scene::new();
    scene.file("sub dir/x", "");
    scene.sandbox.script(Act::exits(0, ""));
    let asked = json!({ "command": "pwd", "working_dir": "sub dir" });
    scene.text("system.run", asked).await;
    let commands = scene.sandbox.commands.lock().expect("lock").clone();
    assert_eq!(commands.len(), 1);
    let folder = scene.path("sub dir");
    let folder = folder.canonicalize().expect("a folder");
    let expect = format!("cd -- '{}' || exit\npwd", folder.display());
    assert_eq!(commands[0].command, expect);
    assert_eq!(commands[0].working_dir, scene.path(""));
}

#[tokio::test(start_paused = true)]
async fn a_command_has_the_time_that_it_asked_for() {
    let begun = tokio::time::Instant::now();
    for (asked, expect) in [
        (json!({ "command": "x" }), 30),
        (json!({ "command": "x", "timeout_secs": 7 }), 37),
    ] {
        let scene = Scene::new();
        let mut act = Act::exits(0, "so far\n");
        act.gate = Some(Arc::default());
        scene.sandbox.script(act);
        let text = scene.text("system.run", asked).await;
        assert_eq!(text, TIMED_OUT);
        assert_eq!(begun.elapsed().as_secs(), expect);
    }
}

#[tokio::test]
async fn a_working_folder_outside_is_told_and_nothing_runs() {
    let scene = Scene::new();
    std::os::unix::fs::symlink("/usr", scene.path("out")).expect("a link");
    for folder in ["..", "/usr", "out", "sub/../.."] {
        let error = scene
            .error(
                "system.run",
                json!({ "command": "x", "working_dir": folder }),
            )
            .await;
        let named = format!("argument `working_dir` is {folder:?}; ");
        assert!(error.starts_with(&named), "{error}");
    }
    assert!(scene.sandbox.commands.lock().expect("lock").is_empty());
}

#[tokio::test]
async fn a_refusal_is_told_as_it_is() {
    let scene = Scene::new();
    let mut act = Act::exits(0, "");
    act.end = Err(SandboxError::Refused(
        "this kernel has no Landlock".to_owned(),
    ));
    scene.sandbox.script(act);
    assert_eq!(
        scene.error("system.run", json!({ "command": "x" })).await,
        "this kernel has no Landlock"
    );
}

#[tokio::test]
async fn an_earlier_process_left_a_record() {
    let end = |ending| {
        CommandRecord::Ended(CommandEnd {
            ending,
            kept_bytes: 4,
            total_bytes: 4,
            duration_ms: 1,
        })
    };
    let output = |text: &str| ToolOutput::text(text);
    let cases = [
        (CommandRecord::NotStarted, Reconciled::NotDone),
        (
            end(CommandEnding::Exited { code: 0 }),
            Reconciled::Done(output("exit code 0\nhalf")),
        ),
        (
            end(CommandEnding::Stopped),
            Reconciled::Interrupted(output(
                "stopped before its end; killed with all its processes; what it had done by then stays \
                 done\nhalf",
            )),
        ),
        (
            CommandRecord::Unknown("the power was lost".to_owned()),
            Reconciled::Unknown("the power was lost".to_owned()),
        ),
    ];
    for (record, expect) in cases {
        let scene = Scene::new();
        scene.sandbox.script(Act::exits(0, "half"));
        scene.text("system.run", json!({ "command": "x" })).await;
        scene
            .sandbox
            .records
            .lock()
            .expect("lock")
            .push_back(record);
        let found = scene
            .after_crash("system.run", json!({ "command": "x" }), |_| {})
            .await;
        assert_eq!(found, expect);
    }
}

#[tokio::test]
async fn after_a_restart_of_the_machine_a_missing_record_says_nothing() {
    let scene = Scene::new();
    scene
        .sandbox
        .records
        .lock()
        .expect("lock")
        .push_back(CommandRecord::NotStarted);
    let call = scene
        .invocation("system.run", 0, json!({ "command": "x" }))
        .expect("valid");
    let before = json!({ "boot": "another run of the machine" });
    let found = scene
        .tool("system.run")
        .reconcile(&call, Some(&before))
        .await;
    assert!(matches!(found, Reconciled::Unknown(_)), "{found:?}");
}
