//! What a person is shown of a command in the real sandbox, and what their answer is bound to.

use corvid_core::{Sandbox as _, ToolError};
use serde_json::{Value, json};

use crate::scene::Scene;

fn asked() -> Value {
    json!({
        "command": "curl https://a.org",
        "escalate": { "reason": "to look", "hosts": ["a.org"] },
    })
}

async fn binding(scene: &Scene, index: u32, arguments: Value) -> Value {
    let preview = scene.preview(index, arguments).await;
    preview.expect("a card").binding
}

pub(crate) async fn a_long_command_is_shown_whole_or_refused(scene: Scene) {
    let long = format!("echo {}\n\t; rm -rf hidden ", "x".repeat(50_000));
    let preview = scene.preview(0, json!({ "command": long })).await;
    assert_eq!(preview.expect("a card").card.body, long);
    let longer = format!("echo {}", "x".repeat(128 * 1024));
    let refused = scene.preview(0, json!({ "command": longer })).await;
    assert!(matches!(refused, Err(ToolError::Tell(text)) if text.contains("at most")));
}

pub(crate) async fn the_same_call_has_the_same_binding(scene: Scene) {
    let first = binding(&scene, 0, asked()).await;
    // Another call, so another key, other records and another temp folder.
    assert_eq!(binding(&scene, 1, asked()).await, first);
    assert!(scene.sandbox.lacking(&scene.beside("work")).is_empty());
}

pub(crate) async fn whatever_makes_it_another_run_changes_the_binding(scene: Scene) {
    let first = binding(&scene, 0, asked()).await;
    for (argument, value) in [
        ("command", json!("curl https://a.org ")),
        ("background", json!(true)),
        ("timeout_secs", json!(29)),
        ("working_dir", json!("sub")),
        ("escalate", Value::Null),
        (
            "escalate",
            json!({ "reason": "to look", "hosts": ["a.org", "*.a.org"] }),
        ),
    ] {
        let mut changed = asked();
        changed[argument] = value;
        assert_ne!(
            binding(&scene, 0, changed.clone()).await,
            first,
            "{changed}"
        );
    }
    let mut elsewhere = scene.invocation(0, "system.run", asked());
    elsewhere.working_dir = scene.beside("work/sub");
    let elsewhere = scene.tool("system.run").preview(&elsewhere).await;
    assert_ne!(elsewhere.expect("a card").binding, first);
    let scene = scene.with_variable("CARGO_HOME", "/somewhere");
    let other = binding(&scene, 0, asked()).await;
    assert_ne!(other, first);
    let scene = scene.with_variable("CARGO_HOME", "/elsewhere");
    assert_ne!(binding(&scene, 0, asked()).await, other);
}

pub(crate) async fn private_and_system_places_are_not_even_asked_for(scene: Scene) {
    let state = scene.beside("state").display().to_string();
    for place in [state.as_str(), "/etc", "../state", "/usr/local/../bin", "/"] {
        let escalate = json!({ "reason": "to see", "writes": [place] });
        let refused = scene
            .preview(0, json!({ "command": "true", "escalate": escalate }))
            .await;
        assert!(matches!(refused, Err(ToolError::Tell(_))), "{place}");
    }
}
