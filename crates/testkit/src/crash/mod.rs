//! The crash suite: the real binary is killed at every named point and must lose and repeat nothing.
//! Invariant: verdicts come from the fakes' ledgers, process outputs and files alone; a point that is not
//! reached is a failure.
//! It must not know how the program keeps its promises.

mod breach;
mod evidence;
mod hands;
mod messenger;
mod page;
mod pinned;
mod run;
mod seeded;
mod stage;
mod trial;

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use corvid_core::faults::POINTS;

use pinned::Pinned;
use trial::{Outcome, Play, Situation, Trial, hits_of_a_run};

pub use breach::Breach;
pub use messenger::messenger;
pub use seeded::{EXPECTED, catch};

/// How often every point is hit.
pub const TRIALS: usize = 20;

/// How many trials run at once.
const AT_ONCE: usize = 3;

/// What the suite found.
#[derive(Debug, Default)]
pub struct Report {
    /// Each point with its counts.
    pub points: Vec<PointReport>,
    /// What was counted beside, a line each.
    pub notes: Vec<String>,
    /// Everything that went wrong, in full; empty if every promise was kept.
    pub failures: Vec<String>,
    /// How long it took.
    pub took: Duration,
}

/// One point's counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointReport {
    /// The point, with the play if it is not the plain one.
    pub point: String,
    /// How often one undisturbed run hits it.
    pub hits_of_a_run: usize,
    /// How many processes were killed there.
    pub reached: usize,
}

/// Runs the whole suite with the binary `agent`, which must be built with the feature `faults`.
///
/// # Errors
/// If the binary cannot be run at all, or a trial's files cannot be read.
pub fn suite(agent: &Path) -> io::Result<Report> {
    let started = Instant::now();
    let pinned = Pinned::new(agent)?;
    let agent = &pinned.path();
    let rows = rows();
    let mut hits = Vec::new();
    for play in [Play::Effects, Play::Hands] {
        let points: Vec<_> = rows
            .iter()
            .filter(|row| row.0 == play)
            .map(|row| row.1)
            .collect();
        hits.extend(hits_of_a_run(agent, play, &points)?);
    }
    let trials: Vec<(usize, Trial)> = rows
        .iter()
        .zip(&hits)
        .enumerate()
        .flat_map(|(index, ((play, point), hits))| {
            trials(*play, point, *hits)
                .into_iter()
                .map(move |trial| (index, trial))
        })
        .collect();
    let outcomes = at_once(AT_ONCE, &trials, |(_, trial)| trial.run(agent, None))?;
    let mut report = Report::default();
    for (index, ((play, point), hits_of_a_run)) in rows.into_iter().zip(hits).enumerate() {
        let of_point = || outcomes.iter().filter(|((at, _), _)| *at == index);
        let reached = of_point().filter(|(_, outcome)| outcome.reached).count();
        for ((_, trial), outcome) in of_point() {
            report.failures.extend(failure(trial, outcome));
        }
        report.points.push(PointReport {
            point: match play {
                Play::Effects => point.to_owned(),
                Play::Hands => format!("{point} (hands)"),
            },
            hits_of_a_run,
            reached,
        });
    }
    report.took = started.elapsed();
    Ok(report)
}

/// Every point with the play in which it is hit; those of the store in both, so that a process dies between
/// every two commits of either. The plain play comes first. Those that only a messenger has are hit in its own play.
fn rows() -> Vec<(Play, &'static str)> {
    let place = |point: &str| point.split('.').next().unwrap_or_default().to_owned();
    let of_hands = |point: &&str| ["question", "answer", "job"].contains(&place(point).as_str());
    let of_messengers = |point: &&str| {
        ["inbox", "poll", "notice", "press", "post"].contains(&place(point).as_str())
    };
    let plain = POINTS
        .iter()
        .copied()
        .filter(|point| !of_hands(point) && !of_messengers(point));
    let hands = POINTS
        .iter()
        .copied()
        .filter(|point| of_hands(point) || point.starts_with("store."));
    let plain = plain.map(|point| (Play::Effects, point));
    plain
        .chain(hands.map(|point| (Play::Hands, point)))
        .collect()
}

/// A point's trials: every situation, every hit that a run has, with JSON lines and without.
fn trials(play: Play, point: &'static str, hits: usize) -> Vec<Trial> {
    let mut situations = vec![Situation::Fresh, Situation::Continuing, Situation::Again];
    match point.split_once('.') {
        _ if play == Play::Hands => {}
        Some(("admit", _)) => situations.push(Situation::Busy),
        // Only points behind the first answer: until then the other one has to be kept waiting.
        Some(("tool" | "reply" | "delivery", _)) => situations.push(Situation::Watched),
        _ => {}
    }
    // Whoever answers commits too, and a job's end that joins the turn saves a commit or two.
    let hits = match play {
        Play::Effects => hits,
        Play::Hands => hits.saturating_sub(3),
    };
    (0..TRIALS)
        .map(|index| Trial {
            play,
            point,
            hit: 1 + index * hits / TRIALS,
            situation: situations[index % situations.len()],
            json: (index / situations.len()) % 2 == 0,
        })
        .collect()
}

/// Runs all trials, several at once; yields each with how it went.
fn at_once<T: Clone + fmt::Debug + Sync + Send, O: Send>(
    count: usize,
    trials: &[T],
    run: impl Fn(&T) -> io::Result<O> + Sync,
) -> io::Result<Vec<(T, O)>> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<io::Result<(T, O)>>> = Mutex::default();
    let work = || {
        while let Some(trial) = trials.get(next.fetch_add(1, Ordering::Relaxed)) {
            let outcome = run(trial)
                .map(|outcome| (trial.clone(), outcome))
                .map_err(|error| io::Error::new(error.kind(), format!("{trial:?}: {error}")));
            done.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(outcome);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..count {
            scope.spawn(work);
        }
    });
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.into_iter().collect()
}

fn failure(trial: &Trial, outcome: &Outcome) -> Option<String> {
    let mut reasons: Vec<String> = outcome.breaches.iter().map(Breach::to_string).collect();
    if !outcome.reached {
        reasons.push("the point was not reached".to_owned());
    }
    let evidence = &outcome.evidence;
    (!reasons.is_empty()).then(|| format!("{trial:?}: {}\n{evidence}", reasons.join("; ")))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:36} {:>12} {:>8}",
            "crash point", "hits per run", "reached"
        )?;
        for PointReport {
            point,
            hits_of_a_run,
            reached,
        } in &self.points
        {
            writeln!(f, "{point:36} {hits_of_a_run:>12} {reached:>5}/{TRIALS}")?;
        }
        for note in &self.notes {
            writeln!(f, "{note}")?;
        }
        let failures = self.failures.len();
        write!(f, "{failures} failures in {:.1} s", self.took.as_secs_f64())?;
        for failure in &self.failures {
            write!(f, "\n\n{failure}")?;
        }
        Ok(())
    }
}
