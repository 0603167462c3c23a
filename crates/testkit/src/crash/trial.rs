//! One trial: a process is killed at the n-th hit of a point, started again with the same id, and judged.
//! Invariant: the last run of every id is left alone, so that a missing answer is the program's fault.
//! It must not know the defects.

use std::io;
use std::path::Path;

use super::breach::Breach;
use super::evidence::Evidence;
use super::run::WAITS;
use super::stage::{Cue, Stage};
use crate::process::Output;

/// The gate that holds a first answer back where two processes are to meet.
const GATE: &str = "meeting";

/// What is going on when the process is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Situation {
    /// It is the first process of all, on a session that is not there yet.
    Fresh,
    /// The session has a finished turn.
    Continuing,
    /// The process that is started next is killed at the same point, too.
    Again,
    /// Another process is at work in the session.
    Busy,
    /// Another process waits for the session with an input of its own.
    Watched,
}

/// What the processes do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Play {
    /// Every kind of effect, none of them asked about.
    Effects,
    /// An effect that a person is asked about, and a job.
    Hands,
}

/// One trial.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trial {
    /// What the processes do.
    pub(super) play: Play,
    /// The point.
    pub(super) point: &'static str,
    /// At which hit in its process.
    pub(super) hit: usize,
    /// What else goes on.
    pub(super) situation: Situation,
    /// Whether the processes print JSON lines.
    pub(super) json: bool,
}

/// How a trial went.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The point was reached and the process killed there.
    pub(super) reached: bool,
    /// What is wrong.
    pub(super) breaches: Vec<Breach>,
    /// What was left behind, to be shown if something is wrong.
    pub(super) evidence: Evidence,
}

impl Trial {
    /// Runs the trial.
    pub(super) fn run(&self, agent: &Path, defect: Option<&str>) -> io::Result<Outcome> {
        let held: &[_] = match self.situation {
            Situation::Fresh | Situation::Continuing | Situation::Again => &[],
            Situation::Busy => &[("other", GATE)],
            Situation::Watched => &[("main", GATE)],
        };
        let mut stage = match self.play {
            Play::Effects => Stage::new(agent, defect, held)?,
            Play::Hands => Stage::of_hands(agent, defect)?,
        };
        let crash = format!("{}:{}", self.point, self.hit);
        let killed = Cue {
            id: "main",
            json: self.json,
            // Where an answer comes through the process itself, it is that nobody is there.
            waits: self.point != "question.after_answer",
            crash: Some(&crash),
        };
        let alone = Cue {
            waits: true,
            crash: None,
            ..killed
        };
        let reached = if self.point.starts_with("answer.") {
            self.kill_who_answers(&mut stage, alone, &crash)?
        } else {
            self.kill(&mut stage, killed)?.was_killed()
        };
        stage.play(alone)?;
        let evidence = stage.evidence()?;
        Ok(Outcome {
            reached,
            breaches: evidence.breaches().into_iter().collect(),
            evidence,
        })
    }

    /// Plays a run during which the process that answers its question is killed; says whether it was.
    fn kill_who_answers(&self, stage: &mut Stage, alone: Cue<'_>, crash: &str) -> io::Result<bool> {
        if self.situation == Situation::Continuing {
            stage.play(Cue {
                id: "before",
                ..alone
            })?;
        }
        let acting = stage.enter(alone)?;
        let reached = stage.allow_all(&acting, Some(crash))?;
        stage.leave(acting)?;
        Ok(reached)
    }

    /// Plays the situation up to the kill and whatever else goes on, and returns the killed process's output.
    fn kill(&self, stage: &mut Stage, killed: Cue<'_>) -> io::Result<Output> {
        let another = |id| Cue {
            id,
            // Its lines tell when it waits.
            json: true,
            waits: true,
            crash: None,
        };
        match self.situation {
            Situation::Fresh => stage.play(killed),
            Situation::Continuing => {
                stage.play(another("before"))?;
                stage.play(killed)
            }
            Situation::Again => {
                let output = stage.play(killed)?;
                let first_hit = format!("{}:1", self.point);
                let crash = Some(first_hit.as_str());
                stage.play(Cue { crash, ..killed })?;
                Ok(output)
            }
            Situation::Busy => {
                let other = stage.enter(another("other"))?;
                stage.await_requests(1);
                let output = stage.play(killed)?;
                stage.open(GATE);
                stage.leave(other)?;
                Ok(output)
            }
            Situation::Watched => {
                let main = stage.enter(killed)?;
                stage.await_requests(1);
                let other = stage.enter(another("other"))?;
                other.process().hear(|said| said.contains(WAITS));
                stage.open(GATE);
                let output = stage.leave(main)?;
                stage.leave(other)?;
                Ok(output)
            }
        }
    }
}

/// How often one undisturbed first run of that play hits a point.
pub(super) fn hits_of_a_run(
    agent: &Path,
    play: Play,
    points: &[&'static str],
) -> io::Result<Vec<usize>> {
    let mut stage = match play {
        Play::Effects => Stage::new(agent, None, &[])?,
        Play::Hands => Stage::of_hands(agent, None)?,
    };
    let cue = Cue {
        id: "count",
        json: false,
        waits: true,
        crash: None,
    };
    let output = stage.play(cue)?;
    if !output.is_success() {
        let reason = format!("an undisturbed run fails: {output:?}");
        return Err(io::Error::other(reason));
    }
    points.iter().map(|point| stage.hits(point)).collect()
}
