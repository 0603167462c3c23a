//! The seeded defects: each must be caught, and for the reason that is its own.
//! Invariant: a defect's scenario passes without the defect, so that what it catches is the defect.
//! It must not know how a defect is built in.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use rustix::process::Signal;

use super::breach::Breach;
use super::pinned::Pinned;
use super::run::{WAITS, committed};
use super::stage::{Cue, Stage};
use super::trial::{Situation, Trial};

/// Every defect with the promise that it breaks.
pub const EXPECTED: [(&str, Breach); 5] = [
    ("acknowledge-before-commit", Breach::AcknowledgedTooEarly),
    ("skip-epoch-check", Breach::TwoLanes),
    ("drop-delivery-swap", Breach::DeliveredTwice),
    ("rerun-unsafe-call", Breach::UnsafeRepeated),
    ("append-without-head", Breach::BlindAppend),
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
        _ => Err(io::Error::other(format!("no defect `{defect}`"))),
    }
}

/// The process dies just before the commit of its admission.
fn early_acknowledgement(agent: &Path, defect: Option<&str>) -> io::Result<BTreeSet<Breach>> {
    let trial = Trial {
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
