//! A lane that asks: what is committed when, and what an answer from anywhere leads to.
//! Invariant: nothing that a rule says to ask about runs before `question.answered` is committed.
//! It must not know how a question is shown.

use std::sync::Arc;

use corvid_agent::LaneError;
use corvid_core::redact::Redactor;
use corvid_core::wire::{
    Answer, Answerer, Effect, EventBody, InputId, LiveEvent, Mode, Question, Scope, Subject,
};
use corvid_core::{AppendError, Heard, Secret};
use tokio::sync::watch;

use super::model::Line;
use super::scene::Scene;
use super::tools::{FakeTool, Run};
use crate::script::{START, admission, admitted, allow, id, opened, person, replies};

const PUT: (&str, &str, &str) = ("a", "web.put", "{\"n\":1}");
const RAN: [&str; 2] = ["begin web.put 1.1.0", "end web.put 1.1.0"];

fn heard(answer: Answer) -> Heard {
    let by = Answerer {
        channel: "terminal".to_owned(),
        person: person("1000"),
    };
    Heard::Answered { answer, by }
}

/// A model that asks for these calls, each in a step of its own, and then is done.
fn scene(calls: &[(&'static str, &'static str, &'static str)]) -> Scene {
    let asks = calls.iter().map(|call| Line::Asks(vec![*call]));
    Scene::new(asks.chain([Line::Says("done")])).with(FakeTool::new("web.put", Effect::Unsafe, []))
}

fn questions(scene: &Scene) -> Vec<Question> {
    let events = scene.journal.events().into_iter();
    let asked = events.filter_map(|body| match body {
        EventBody::QuestionAsked(question) => Some(*question),
        _ => None,
    });
    asked.collect()
}

/// The newest question, once another one is shown.
async fn newest(shown: &mut watch::Receiver<Vec<Question>>) -> Question {
    shown.changed().await.expect("the scene lives");
    let newest = shown.borrow_and_update().last().cloned();
    newest.expect("a question was shown")
}

#[tokio::test]
async fn an_allowed_call_runs_after_its_answer_is_committed() {
    let scene = scene(&[PUT]);
    scene.questions.hear([heard(allow(Scope::Once))]);
    let ended = scene.say("i1").await;
    assert_eq!(ended.text(), "done");
    assert_eq!(scene.ledger.lines(), RAN);
    let expected = [
        vec![
            "session.opened",
            "input.admitted",
            "lane.claimed",
            "turn.started",
            "model.requested",
        ],
        vec!["model.answered", "call.decided", "question.asked"],
        vec!["question.answered", "tool.started"],
        vec!["tool.finished", "model.requested"],
        vec!["model.answered", "reply.composed"],
    ];
    assert_eq!(scene.journal.commits(), expected);
    let question = &questions(&scene)[0];
    assert_eq!(question.expires_at, START + 600_000);
    assert_eq!(question.to.len(), 1);
}

#[tokio::test]
async fn nobody_to_ask_denies_and_the_turn_goes_on() {
    let scene = scene(&[PUT]);
    let ended = scene.say("i1").await;
    assert_eq!(ended.text(), "done");
    assert_eq!(scene.ledger.lines(), [""; 0]);
    assert_eq!(ended.reply().unapproved.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_shown_whole_is_denied() {
    let long = format!("{{\"n\":\"{}\"}}", "x".repeat(300_000));
    let shown_elsewhere = scene(&[PUT]);
    let limit = "is longer than 4,096 characters".to_owned();
    shown_elsewhere.questions.hear([Heard::TooLong(limit)]);
    shown_elsewhere.say("i1").await;
    assert_eq!(shown_elsewhere.ledger.lines(), [""; 0]);
    let never_shown = scene(&[("a", "web.put", long.leak())]);
    never_shown.say("i1").await;
    assert_eq!(never_shown.ledger.lines(), [""; 0]);
    assert_eq!(questions(&never_shown), []);
    let outcome = never_shown.outcome(id(1, 0)).map(|outcome| outcome.text);
    assert!(outcome.is_some_and(|text| text.contains("too long to be shown whole")));
}

#[tokio::test]
async fn the_flag_yes_answers_what_would_be_asked() {
    let scene = scene(&[PUT]);
    let mut input = admission("i1", Mode::Queue);
    input.flags.yes = true;
    scene
        .work("i1", vec![opened(), EventBody::InputAdmitted(input)])
        .await;
    assert_eq!(scene.ledger.lines(), RAN);
    assert_eq!(questions(&scene), []);
}

#[tokio::test]
async fn the_flag_yes_does_not_allow_what_is_denied() {
    let scene = Scene::new([
        Line::Asks(vec![("a", "web.post", "{}")]),
        Line::Says("done"),
    ])
    .with(FakeTool::new("web.post", Effect::Unsafe, []));
    let mut input = admission("i1", Mode::Queue);
    input.flags.yes = true;
    scene
        .work("i1", vec![opened(), EventBody::InputAdmitted(input)])
        .await;
    assert_eq!(scene.ledger.lines(), [""; 0]);
}

#[tokio::test]
async fn what_differs_by_the_time_it_would_run_is_asked_about_again() {
    let scene = Scene::new([Line::Asks(vec![PUT]), Line::Says("done")]).with(
        FakeTool::new("web.put", Effect::Unsafe, []).in_worlds(["as shown", "changed", "changed"]),
    );
    scene
        .questions
        .hear([heard(allow(Scope::Once)), heard(allow(Scope::Once))]);
    scene.say("i1").await;
    assert_eq!(scene.ledger.lines(), RAN);
    let bindings: Vec<_> = questions(&scene)
        .iter()
        .map(|question| question.approval().map(|approval| approval.binding.clone()))
        .collect();
    assert_eq!(bindings.len(), 2);
    assert_ne!(bindings[0], bindings[1]);
}

#[tokio::test]
async fn what_is_allowed_for_the_session_is_not_asked_again_and_anything_else_is() {
    let other = ("c", "web.put", "{\"n\":2}");
    let scene = scene(&[PUT, ("b", PUT.1, PUT.2), other]);
    scene.questions.hear([heard(allow(Scope::Session))]);
    let ended = scene.say("i1").await;
    let mut shown = scene.questions.shown();
    assert_eq!(
        shown.borrow_and_update().len(),
        2,
        "the same is not shown again"
    );
    assert_eq!(ended.reply().unapproved.len(), 1, "the other was");
    assert_eq!(scene.ledger.lines().len(), 4);
}

#[tokio::test]
async fn an_answer_from_elsewhere_wakes_the_lane() {
    let scene = scene(&[PUT]);
    scene.questions.hear([Heard::Shown]);
    let mut shown = scene.questions.shown();
    let (ended, ()) = tokio::join!(scene.say("i1"), async {
        let asked = newest(&mut shown).await.question;
        scene
            .journal
            .write([replies(asked.as_str(), allow(Scope::Once))]);
        scene.wake.notify_one();
    });
    assert_eq!(ended.text(), "done");
    assert_eq!(scene.ledger.lines(), RAN);
    let told = ended.live.iter().any(|event| match event {
        LiveEvent::Committed { event } => {
            matches!(event.body, EventBody::QuestionAnswered { .. })
        }
        _ => false,
    });
    assert!(told, "who watches hears of it");
}

#[tokio::test]
async fn an_answer_whose_giver_died_before_waking_the_lane_is_found() {
    let scene = scene(&[PUT]);
    scene.questions.hear([Heard::Shown]);
    let mut shown = scene.questions.shown();
    let (ended, ()) = tokio::join!(scene.say("i1"), async {
        let asked = newest(&mut shown).await.question;
        scene
            .journal
            .write([replies(asked.as_str(), allow(Scope::Once))]);
        while scene.count("tool.started") == 0 {
            scene.clock.advance(100);
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(ended.text(), "done");
    assert_eq!(scene.ledger.lines(), RAN);
}

#[tokio::test]
async fn of_two_answers_the_first_that_is_committed_counts() {
    let scene = scene(&[PUT]);
    scene.questions.hear([heard(allow(Scope::Once))]);
    let mut shown = scene.questions.shown();
    let denied = async {
        let asked = newest(&mut shown).await.question;
        let reason = "no".to_owned();
        scene
            .journal
            .write([replies(asked.as_str(), Answer::Deny { reason })]);
    };
    let (ended, ()) = tokio::join!(scene.say("i1"), denied);
    assert_eq!(ended.text(), "done");
    let allowed_by_then = scene.ledger.lines() == RAN;
    let denied = scene.outcome(id(1, 0)).is_none();
    assert!(allowed_by_then != denied, "one of the two counts");
    assert_eq!(scene.count("tool.started"), usize::from(allowed_by_then));
}

#[tokio::test]
async fn time_denies_by_the_clock() {
    let scene = scene(&[PUT]);
    scene.questions.hear([Heard::Shown]);
    let mut shown = scene.questions.shown();
    let (ended, ()) = tokio::join!(scene.say("i1"), async {
        shown.changed().await.expect("the scene lives");
        scene.clock.advance(600_000);
    });
    assert_eq!(ended.text(), "done");
    assert_eq!(scene.ledger.lines(), [""; 0]);
    assert_eq!(scene.count("timer.fired"), 1);
}

#[tokio::test]
async fn an_open_question_survives_its_process() {
    let before = scene(&[PUT]);
    before.questions.hear([Heard::Shown]);
    let mut shown = before.questions.shown();
    tokio::select! {
        _ = before.say("i1") => unreachable!("nobody answers"),
        _ = shown.changed() => {}
    }
    let after = scene(&[]).after(before.journal.events());
    after.questions.hear([heard(allow(Scope::Once))]);
    assert_eq!(after.work("i1", Vec::new()).await.text(), "done");
    assert_eq!(after.ledger.lines(), RAN);
    assert_eq!(
        questions(&after).len(),
        1,
        "the same question was shown again"
    );
}

#[tokio::test]
async fn an_inquiry_is_answered_by_what_is_said_next() {
    let scene = Scene::new([
        Line::Asks(vec![("a", "ask_user", "{\"question\":\"Which?\"}")]),
        Line::Says("done"),
    ])
    .with(FakeTool::new("ask_user", Effect::Pure, []));
    scene.questions.hear([Heard::Shown]);
    let mut shown = scene.questions.shown();
    let (ended, ()) = tokio::join!(scene.say("i1"), async {
        let asked = newest(&mut shown).await;
        assert!(matches!(asked.subject, Subject::Inquiry(_)));
        scene.journal.write([admitted("i2")]);
        scene.wake.notify_one();
    });
    let answered = [InputId::new("i1"), InputId::new("i2")];
    assert_eq!(ended.reply().inputs, answered);
    let request = scene.model.requests().pop().expect("a second request");
    assert!(format!("{:?}", request.messages).contains("text of i2"));
    assert_eq!(scene.ledger.lines(), [""; 0], "a question is never run");
}

#[tokio::test]
async fn a_secret_is_neither_stored_nor_sent_nor_shown() {
    const KEY: &str = "sk-0123456789abcdefghij";
    let mut scene = Scene::new([Line::Writes(vec![
        Some("the key is sk-012345"),
        Some("6789abcdefghij."),
    ])]);
    scene.redactor = Arc::new(Redactor::new([("API_KEY".to_owned(), Secret::new(KEY))]));
    let mut input = admission("i1", Mode::Queue);
    input.parts = vec![corvid_core::wire::Part::text(format!("use {KEY}"))];
    let first = vec![opened(), EventBody::InputAdmitted(input)];
    let ended = scene.work("i1", first).await;
    assert_eq!(ended.text(), "the key is [redacted:API_KEY].");
    let seen = format!(
        "{:?} {:?} {:?}",
        scene.journal.events(),
        scene.model.requests(),
        ended.live
    );
    assert!(!seen.contains(KEY) && !seen.contains("sk-0123"), "{seen}");
}

#[tokio::test]
async fn grants_of_earlier_processes_hold() {
    let before = scene(&[PUT]);
    before.questions.hear([heard(allow(Scope::Session))]);
    before.say("i1").await;
    let after = scene(&[PUT]).after(before.journal.events());
    let ended = after.work("i2", vec![admitted("i2")]).await;
    assert_eq!(ended.reply().unapproved, [""; 0]);
    let expected = ["begin web.put 2.1.0", "end web.put 2.1.0"];
    assert_eq!(after.ledger.lines(), expected);
    assert_eq!(
        after.count("question.asked"),
        2,
        "each run is in the journal"
    );
}

#[tokio::test]
async fn a_grant_does_not_hold_for_what_may_not_be_repeated_any_more() {
    let before = scene(&[PUT]);
    before.questions.hear([heard(allow(Scope::Session))]);
    before.say("i1").await;
    let asks = [Line::Asks(vec![PUT]), Line::Says("done")];
    let after = Scene::new(asks)
        .with(FakeTool::new("web.put", Effect::Unsafe, []).unrepeatable())
        .after(before.journal.events());
    let ended = after.work("i2", vec![admitted("i2")]).await;
    assert_eq!(ended.reply().unapproved.len(), 1, "it was asked about");
    assert_eq!(after.ledger.lines(), [""; 0]);
}

#[tokio::test]
async fn a_grant_that_the_journal_refuses_is_not_tried_again_and_again() {
    let before = scene(&[PUT]);
    before.questions.hear([heard(allow(Scope::Session))]);
    before.say("i1").await;
    let mut after = scene(&[PUT]).after(before.journal.events());
    // Its time is up as it is asked.
    after.limits.question_ms = 0;
    let ended = after.work("i2", vec![admitted("i2")]).await.result;
    let refused = matches!(ended, Err(LaneError::Journal(AppendError::NotOpen { .. })));
    assert!(refused, "{ended:?}");
}

#[tokio::test]
async fn a_running_call_is_asked_to_go_on_beside_the_turn() {
    let scene = Scene::new([Line::Asks(vec![PUT]), Line::Says("done")]).with(FakeTool::new(
        "web.put",
        Effect::Unsafe,
        [Run::UntilBackground],
    ));
    scene.questions.hear([heard(allow(Scope::Once))]);
    let (ended, ()) = tokio::join!(scene.say("i1"), async {
        while scene.ledger.lines().is_empty() {
            tokio::task::yield_now().await;
        }
        scene.background.notify_one();
    });
    assert_eq!(ended.text(), "done");
    let outcome = scene.outcome(id(1, 0)).map(|outcome| outcome.text);
    assert_eq!(outcome.as_deref(), Some("moved"));
}
