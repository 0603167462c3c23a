//! The seeded defects: each must be caught, and for the reason that is its own.
//! Invariant: a defect's scenario passes without the defect, so that what it catches is the defect.
//! It must not know how a defect is built in.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use rustix::process::Signal;
use serde_json::json;

use super::breach::Breach;
use super::messenger;
use super::pinned::Pinned;
use super::run::{WAITS, committed};
use super::stage::{Cue, Stage};
use super::trial::{Play, Situation, Trial};
use crate::model_server::{Reply, Script, When};

/// Every defect with the promise that it breaks.
pub const EXPECTED: [(&str, Breach); 11] = [
    ("acknowledge-before-commit", Breach::AcknowledgedTooEarly),
    ("skip-epoch-check", Breach::TwoLanes),
    ("drop-delivery-swap", Breach::DeliveredTwice),
    ("rerun-unsafe-call", Breach::UnsafeRepeated),
    ("append-without-head", Breach::BlindAppend),
    ("answer-twice", Breach::AnsweredTwice),
    ("skip-binding-check", Breach::RanOtherThanShown),
    ("admit-job-twice", Breach::JobToldTwice),
    ("confirm-before-commit", Breach::MessageLost),
    ("post-without-mark", Breach::ReplyRepeated),
    ("drop-update-key", Breach::TakenTwice),
];

/// How often a scenario is tried whose defect shows only if things meet at the right moment.
const TRIES: usize = 20;
/// How often the same scenario must pass without the defect.
const PASSES: usize = 3;

/// Plays the scenario that is to catch `defect`, with the defect seeded or without, and returns what it found.
///
/// # Errors
/// If there is no such defect, the binary cannot be run, or a file cannot be read.
pub fn catch(agent: &Path, defect: &str, seeded: bool) -> io::Result<BTreeSet<Breach>> {
    let seed = seeded.then_some(defect);
    let pinned = Pinned::new(agent)?;
    let agent = &pinned.path();
    match defect {
        "acknowledge-before-commit" => early_acknowledgement(agent, seed),
        "skip-epoch-check" => two_heirs(agent, seed),
        "drop-delivery-swap" => asked_again(agent, seed),
        "rerun-unsafe-call" => killed_after_an_unsafe_call(agent, seed),
        "append-without-head" => unseen_input(agent, seed),
        "answer-twice" => answered_twice(agent, seed),
        "skip-binding-check" => changed_behind_the_card(agent, seed),
        "admit-job-twice" => killed_after_a_job_was_told(agent, seed),
        "confirm-before-commit" => messenger::once(agent, seed, "inbox.before_commit"),
        "post-without-mark" => messenger::once(agent, seed, "delivery.after_send"),
        "drop-update-key" => messenger::once(agent, seed, "poll.before_confirm"),
        _ => Err(io::Error::other(format!("no defect `{defect}`"))),
    }
}

/// The process dies just before the commit of its admission.
fn early_acknowledgement(agent: &Path, defect: Option<&str>) -> io::Result<BTreeSet<Breach>> {
    let trial = Trial {
        play: Play::Effects,
        point: "store.before_commit",
        hit: 1,
        situation: Situation::Fresh,
        json: true,
    };
    // The words may still be on their way when the process dies, so one try may prove nothing.
    until_found(defect, || {
        Ok(trial.run(agent, defect)?.breaches.into_iter().collect())
    })
}

/// The process dies after an unsafe effect and before its outcome is written down.
fn killed_after_an_unsafe_call(agent: &Path, defect: Option<&str>) -> io::Result<BTreeSet<Breach>> {
    let trial = Trial {
        play: Play::Effects,
        point: "tool.after_run",
        hit: 3,
        situation: Situation::Fresh,
        json: false,
    };
    Ok(trial.run(agent, defect)?.breaches.into_iter().collect())
}

/// The same id is asked again after its reply was delivered.
fn asked_again(agent: &Path, defect: Option<&str>) -> io::Result<BTreeSet<Breach>> {
    let mut stage = Stage::new(agent, defect, &[])?;
    stage.play(cue("again"))?;
    stage.play(cue("again"))?;
    Ok(stage.evidence()?.breaches())
}

/// The owner of a session is killed while two others wait for it: one of them may take the session over.
fn two_heirs(agent: &Path, defect: Option<&str>) -> io::Result<BTreeSet<Breach>> {
    // Whether both look before either has leapt is a matter of luck, so one try may prove nothing.
    until_found(defect, || try_two_heirs(agent, defect))
}

fn try_two_heirs(agent: &Path, defect: Option<&str>) -> io::Result<BTreeSet<Breach>> {
    let mut stage = Stage::new(agent, defect, &[("owner", "held"), ("owner", "inherited")])?;
    let owner = stage.enter(cue("owner"))?;
    stage.await_requests(1);
    let heirs = [stage.enter(cue("one"))?, stage.enter(cue("other"))?];
    for heir in &heirs {
        heir.process().hear(|said| said.contains(WAITS));
    }
    owner.process().signal(Signal::KILL)?;
    stage.leave(owner)?;
    stage.await_requests(2);
    let claims = |said: &str| committed(said).any(|event| event["kind"] == "lane.claimed");
    for heir in &heirs {
        let settled = |said: &str| claims(said) || said.matches(WAITS).count() > 1;
        heir.process().hear(settled);
    }
    if heirs.iter().all(|heir| claims(&heir.process().stdout())) {
        return Ok(BTreeSet::from([Breach::TwoLanes]));
    }
    stage.open("inherited");
    for heir in heirs {
        stage.leave(heir)?;
    }
    stage.play(cue("owner"))?;
    Ok(stage.evidence()?.breaches())
}

/// A second input is admitted while the first one's lane is held up and cannot be woken; then it goes on.
fn unseen_input(agent: &Path, defect: Option<&str>) -> io::Result<BTreeSet<Breach>> {
    let mut stage = Stage::new(agent, defect, &[("first", "of the first")])?;
    let first = stage.enter(cue("first"))?;
    stage.await_requests(1);
    remove_owner_files(&stage, "sock")?;
    let second = stage.enter(cue("second"))?;
    second.process().hear(|said| said.contains(WAITS));
    stage.open("of the first");
    let unread = stage.leave(first)?;
    if unread.stderr.contains("grew unseen") {
        return Ok(BTreeSet::from([Breach::BlindAppend]));
    }
    stage.leave(second)?;
    Ok(stage.evidence()?.breaches())
}

/// The process that waits is killed, so that nobody acts on the first answer before the second comes.
fn answered_twice(agent: &Path, defect: Option<&str>) -> io::Result<BTreeSet<Breach>> {
    let mut stage = Stage::of_hands(agent, defect)?;
    let waiting = stage.enter(cue("twice"))?;
    let asked = waiting.asks(&[]).ok_or_else(never_asked)?;
    waiting.process().signal(Signal::KILL)?;
    stage.leave(waiting)?;
    for _ in 0..2 {
        stage.answer(&asked, &["approve"], None)?;
    }
    stage.play(cue("twice"))?;
    Ok(stage.evidence()?.breaches())
}

/// A file is changed by somebody else between the card and its answer.
fn changed_behind_the_card(agent: &Path, defect: Option<&str>) -> io::Result<BTreeSet<Breach>> {
    const SHOWN: &str = "as shown\n";
    const CHANGED: &str = "changed\n";
    const WRITTEN: &str = "as asked\n";
    let write = json!({ "path": "card.txt", "content": WRITTEN });
    let script = Script::new()
        .on(When::any().results(0), Reply::call("file.write", &write))
        .otherwise(Reply::text("answer to {{user}}"));
    let rule = "[[policy.rules]]\ntool = \"file.write\"\nresource = \"*\"\neffect = \"ask\"\n";
    let mut stage = Stage::set(agent, defect, script, rule)?;
    let file = stage.scene().work().join("card.txt");
    std::fs::write(&file, SHOWN)?;
    let waiting = stage.enter(cue("card"))?;
    let asked = waiting.asks(&[]).ok_or_else(never_asked)?;
    std::fs::write(&file, CHANGED)?;
    stage.answer(&asked, &["approve"], None)?;
    // What was never shown is asked about afresh, and is not allowed.
    if let Some(again) = waiting.asks(&[asked]) {
        stage.answer(&again, &["deny"], None)?;
    }
    stage.leave(waiting)?;
    let overwritten = std::fs::read_to_string(&file)? == WRITTEN;
    Ok(overwritten
        .then_some(Breach::RanOtherThanShown)
        .into_iter()
        .collect())
}

/// The process dies after the end of a job was told, and another one comes.
fn killed_after_a_job_was_told(agent: &Path, defect: Option<&str>) -> io::Result<BTreeSet<Breach>> {
    let trial = Trial {
        play: Play::Hands,
        point: "job.after_end",
        hit: 1,
        situation: Situation::Fresh,
        json: false,
    };
    Ok(trial.run(agent, defect)?.breaches.into_iter().collect())
}

fn never_asked() -> io::Error {
    io::Error::other("no question was shown")
}

/// Plays a scenario until it finds something: often with a defect, a few times without.
fn until_found(
    defect: Option<&str>,
    play: impl Fn() -> io::Result<BTreeSet<Breach>>,
) -> io::Result<BTreeSet<Breach>> {
    let tries = if defect.is_some() { TRIES } else { PASSES };
    for _ in 1..tries {
        let found = play()?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    play()
}

fn cue(id: &str) -> Cue<'_> {
    Cue {
        id,
        json: true,
        waits: true,
        crash: None,
    }
}

/// Removes the locks or sockets by which other processes find the owners of sessions.
fn remove_owner_files(stage: &Stage, extension: &str) -> io::Result<()> {
    for entry in std::fs::read_dir(stage.scene().state().join("owners"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}
