//! Commands that run to their end within their turn.

use std::fs;

use corvid_core::Reconciled;
use serde_json::json;

use crate::scene::{Scene, untimed};

pub(crate) async fn ends_are_told(scene: Scene) {
    let command = "printf 'a\\033[31mb\\n'; cat ../state/key; echo made > new; exit 3";
    let text = scene.run(0, json!({ "command": command })).await;
    assert!(text.starts_with("exit code 3\nab\n"), "{text}");
    assert!(!text.contains("private"), "{text}");
    let made = fs::read(scene.beside("work/new")).expect("the file");
    assert_eq!(made, b"made\n");
    let there = json!({ "command": "basename \"$PWD\"; cat; ls ..", "working_dir": "sub" });
    assert_eq!(scene.run(1, there).await, "exit code 0\nsub\nnew\nsub\n");
    let text = scene.run(2, json!({ "command": "kill -9 $$" })).await;
    assert_eq!(text, "killed by signal 9 (SIGKILL)\n(no output)");
}

pub(crate) async fn what_came_before_time_was_up_is_told(scene: Scene) {
    // A second is enough, unless this machine has much else to do.
    for (index, seconds) in [(0, 1), (1, 5), (2, 25)] {
        let slow = json!({ "command": "echo so far; sleep 100", "timeout_secs": seconds });
        let text = scene.run(index, slow).await;
        assert!(text.starts_with("timed out"), "{text}");
        if text.ends_with("\nso far\n") {
            return;
        }
    }
    panic!("what the command said is never told");
}

pub(crate) async fn output_is_kept(scene: Scene) {
    let command = "i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done";
    let call = scene.invocation(4, "system.run", json!({ "command": command }));
    let output = scene.tool("system.run").run(&call).await.expect("it ran");
    assert!(untimed(&output.text).starts_with("exit code 0\nline 0\nline 1\n"));
    assert!(output.text.ends_with("line 4998\nline 4999\n"));
    let kept = output.output.expect("the rest is kept");
    let page = json!({ "call": kept.call.to_string(), "offset": kept.kept_bytes - 10 });
    let page = scene.call(5, "output.read", page).await.expect("a page");
    assert!(page.starts_with("line 4999\n"), "{page}");
}

pub(crate) async fn what_ended_is_known_afterwards(scene: Scene) {
    let any = json!({ "command": "any" });
    scene.run(4, json!({ "command": "true" })).await;
    let tool = scene.tool("system.run");
    let call = scene.invocation(4, "system.run", any.clone());
    let Reconciled::Done(output) = tool.reconcile(&call, None).await else {
        panic!("what ended was not known afterwards");
    };
    assert_eq!(untimed(&output.text), "exit code 0\n(no output)");
    let call = scene.invocation(9, "system.run", any);
    assert_eq!(tool.reconcile(&call, None).await, Reconciled::NotDone);
}

pub(crate) async fn a_host_that_was_not_granted_is_told(scene: Scene) {
    let command = "p=${HTTP_PROXY##*:}; exec 3<>/dev/tcp/127.0.0.1/${p%/}
        printf 'CONNECT b.test:443 HTTP/1.1\\r\\nHost: b.test:443\\r\\n\\r\\n' >&3; head -n 1 <&3";
    let escalate = json!({ "reason": "to see", "hosts": ["a.test"] });
    let asked = json!({ "command": command, "escalate": escalate });
    let text = scene.run(0, asked).await;
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("exit code 0"), "{text}");
    let away = lines.next().unwrap_or_default();
    assert!(
        away.starts_with("[turned away: ") && away.contains("b.test"),
        "{text}"
    );
    let status = lines.next().unwrap_or_default();
    assert!(status.starts_with("HTTP/1.1 403 "), "{text}");
}

pub(crate) async fn a_place_is_written_once_it_is_granted(scene: Scene) {
    for folder in ["granted", "other"] {
        fs::create_dir(scene.beside(folder)).expect("a folder");
    }
    let command = "echo a > ../granted/a; echo b > ../other/b; echo c > c; ls c";
    let without = scene.run(0, json!({ "command": command })).await;
    assert!(without.ends_with("\nc\n"), "{without}");
    assert!(!scene.beside("granted/a").exists());
    // As the model may name it: relative to the working folder.
    let escalate = json!({ "reason": "to see", "writes": ["../granted"] });
    let asked = json!({ "command": command, "escalate": escalate });
    scene.run(1, asked).await;
    assert!(scene.beside("granted/a").exists());
    assert!(!scene.beside("other/b").exists());
}
