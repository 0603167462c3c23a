//! The third play: people write to a bot whose daemon is killed and started again, while they, the messenger and the
//! model go on.
//! Invariant: the last daemon is left alone, so that a missing answer is the program's fault.
//! It must not know the defects.

mod evidence;
mod people;
mod stage;

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use corvid_core::faults::POINTS;

use super::breach::Breach;
use super::pinned::Pinned;
use super::{PointReport, Report, TRIALS, at_once};
use evidence::Evidence;
use people::{Person, WISHES, Wish};
use stage::Stage;

/// How often the daemon is killed on one stage. A step is given up for good after it has met three crashes.
const KILLS: usize = 2;

/// How many trials run at once; they wait for people more than they work.
const AT_ONCE: usize = 6;

/// Points that are not on the path of a message: what a terminal and a job do.
const ELSEWHERE: [&str; 4] = ["admit", "answer", "job", "question.after_answer"];

/// One trial.
#[derive(Clone, Copy, Debug)]
struct Trial {
    point: &'static str,
    /// At which hit each daemon is killed.
    hits: [usize; KILLS],
}

/// How a trial went.
#[derive(Debug)]
struct Outcome {
    /// How many daemons were killed at the point.
    reached: usize,
    breaches: BTreeSet<Breach>,
    evidence: Evidence,
}

/// Runs the play at every point of a message's path, with the binary `agent`, which must be built with the feature
/// `faults`.
///
/// # Errors
/// If the binary cannot be run at all, or a trial's files cannot be read.
pub fn messenger(agent: &Path) -> io::Result<Report> {
    let started = std::time::Instant::now();
    let pinned = Pinned::new(agent)?;
    let agent = &pinned.path();
    let elsewhere = |point: &str| ELSEWHERE.iter().any(|place| point.starts_with(place));
    let points: Vec<&'static str> = POINTS
        .iter()
        .copied()
        .filter(|point| !elsewhere(point))
        .collect();
    let hits = hits_of_a_round(agent, &points)?;
    let trials: Vec<Trial> = points
        .iter()
        .zip(&hits)
        .flat_map(|(point, hits)| trials(point, *hits))
        .collect();
    let outcomes = at_once(AT_ONCE, &trials, |trial| trial.run(agent, None, &WISHES))?;
    let mut report = Report::default();
    for (point, hits_of_a_run) in points.into_iter().zip(hits) {
        let of_point = outcomes.iter().filter(|(trial, _)| trial.point == point);
        report.points.push(PointReport {
            point: format!("{point} (messenger)"),
            hits_of_a_run,
            reached: of_point.map(|(_, outcome)| outcome.reached).sum(),
        });
    }
    let sum = |count: fn(&Evidence) -> usize| -> usize {
        outcomes
            .iter()
            .map(|(_, outcome)| count(&outcome.evidence))
            .sum()
    };
    report.notes = vec![
        format!(
            "{} silent placeholders left by {} crashes, in several conversations at once; at most one by each in each",
            sum(Evidence::placeholders),
            sum(|evidence| evidence.crashes)
        ),
        format!("{} messages left with buttons", sum(Evidence::open_cards)),
    ];
    report.failures = outcomes.iter().filter_map(failure).collect();
    report.took = started.elapsed();
    Ok(report)
}

/// Kills one daemon on the way of one person's wish, and judges.
///
/// # Errors
/// As [`messenger`].
pub(super) fn once(
    agent: &Path,
    defect: Option<&str>,
    point: &'static str,
) -> io::Result<BTreeSet<Breach>> {
    let trial = Trial {
        point,
        hits: [1, 1],
    };
    Ok(trial.run(agent, defect, &[Wish::Talk])?.breaches)
}

/// A point's trials, over every hit that a round has for sure: what comes together is told in fewer commits and
/// polls.
fn trials(point: &'static str, hits: usize) -> Vec<Trial> {
    let sure = (hits * 2 / 3).max(1);
    let hit = |index: usize| 1 + index * sure / TRIALS;
    let trial = |first: usize| Trial {
        point,
        hits: std::array::from_fn(|kill| hit(first + kill)),
    };
    (0..TRIALS).step_by(KILLS).map(trial).collect()
}

impl Trial {
    fn run(&self, agent: &Path, defect: Option<&str>, wishes: &[Wish]) -> io::Result<Outcome> {
        let rounds: Vec<Vec<Person>> = (0..)
            .take(KILLS)
            .map(|round| Person::of_round(round, wishes))
            .collect();
        let mut stage = Stage::new(agent, defect, &rounds.concat())?;
        let mut reached = 0;
        for (people, hit) in rounds.into_iter().zip(self.hits) {
            let daemon = stage.start(Some(&format!("{}:{hit}", self.point)))?;
            stage.say(people)?;
            stage.play(&daemon)?;
            reached += usize::from(stage.bury(daemon)?);
        }
        let last = stage.start(None)?;
        stage.play(&last)?;
        stage.end(last)?;
        let evidence = stage.evidence(reached)?;
        Ok(Outcome {
            reached,
            breaches: evidence.breaches(),
            evidence,
        })
    }
}

fn hits_of_a_round(agent: &Path, points: &[&'static str]) -> io::Result<Vec<usize>> {
    let people = Person::of_round(0, &WISHES);
    let mut stage = Stage::new(agent, None, &people)?;
    let daemon = stage.start(None)?;
    stage.say(people)?;
    stage.play(&daemon)?;
    stage.end(daemon)?;
    let hits = points.iter().map(|point| stage.hits(point)).collect();
    let evidence = stage.evidence(0)?;
    let breaches = evidence.breaches();
    if breaches.is_empty() {
        hits
    } else {
        let reason = format!("an undisturbed round fails: {breaches:?}\n{evidence}");
        Err(io::Error::other(reason))
    }
}

fn failure((trial, outcome): &(Trial, Outcome)) -> Option<String> {
    let mut reasons: Vec<String> = outcome.breaches.iter().map(Breach::to_string).collect();
    if outcome.reached < KILLS {
        reasons.push(format!("the point was reached {} times", outcome.reached));
    }
    let evidence = &outcome.evidence;
    (!reasons.is_empty()).then(|| format!("{trial:?}: {}\n{evidence}", reasons.join("; ")))
}
