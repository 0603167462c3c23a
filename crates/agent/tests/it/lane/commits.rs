//! How often a turn commits, and what each commit holds.
//! Invariant: one commit before each outside effect, and everything known by then shares it.
//! It must not know why an event is there.

use corvid_core::wire::Effect;

use super::model::Line;
use super::scene::Scene;
use super::tools::{FakeTool, Run};

const TAKE: &[&str] = &[
    "session.opened",
    "input.admitted",
    "lane.claimed",
    "turn.started",
    "model.requested",
];

#[tokio::test]
async fn a_plain_turn_of_a_fresh_lane_commits_twice() {
    let scene = Scene::new([Line::Says("hello")]);
    assert_eq!(scene.say("i1").await.text(), "hello");
    let expected = [TAKE, &["model.answered", "reply.composed"]];
    assert_eq!(scene.journal.commits(), expected);
}

#[tokio::test]
async fn a_turn_with_one_tool_commits_four_times() {
    for effect in [
        Effect::Pure,
        Effect::Idempotent,
        Effect::Reconcilable,
        Effect::Unsafe,
    ] {
        let asks = Line::Asks(vec![("a", "file.read", "{}")]);
        let scene = Scene::new([asks, Line::Says("read")]).with(FakeTool::new(
            "file.read",
            effect,
            [Run::Yields("text")],
        ));
        assert_eq!(scene.say("i1").await.text(), "read");
        let expected = [
            TAKE,
            &["model.answered", "call.decided", "tool.started"],
            &["tool.finished", "model.requested"],
            &["model.answered", "reply.composed"],
        ];
        assert_eq!(scene.journal.commits(), expected);
    }
}

#[tokio::test]
async fn what_needs_no_effect_needs_no_commit_of_its_own() {
    let asks = Line::Asks(vec![("a", "moon.land", "{}"), ("b", "web.post", "{}")]);
    let scene = Scene::new([asks, Line::Says("no luck")]).with(FakeTool::new(
        "web.post",
        Effect::Unsafe,
        [],
    ));
    assert_eq!(scene.say("i1").await.text(), "no luck");
    let decided = [
        "model.answered",
        "call.decided",
        "call.decided",
        "model.requested",
    ];
    let expected = [TAKE, &decided, &["model.answered", "reply.composed"]];
    assert_eq!(scene.journal.commits(), expected);
    assert!(scene.ledger.lines().is_empty());
}
