//! Whether jobs may be noted as begun or ended. Pure.
//! Invariant: a job begins once and ends once, and its end is told by the input that comes with it.
//! It must not know what a job does.

use std::collections::HashMap;

use corvid_core::AppendError;
use corvid_core::faults::defect;
use corvid_core::wire::{EventBody, JobId, SessionId};

use super::decide::Prepared;
use super::seen::{JobSeen, Seen};

impl Seen {
    /// Checks that every job of an append is new where it begins, and open where it ends.
    ///
    /// # Errors
    /// [`AppendError::JobNotOpen`] for the first that is not.
    pub(super) fn check_jobs(&self, prepared: &Prepared) -> Result<(), AppendError> {
        let session = &prepared.append.session;
        let mut within = HashMap::new();
        for event in &prepared.append.events {
            let (job, ended) = match event {
                EventBody::JobStarted(start) => (&start.job, false),
                EventBody::JobFinished(end) => (&end.job, true),
                _ => continue,
            };
            let known = within.get(job).or_else(|| self.jobs.get(job));
            let refusal = if ended {
                why_not_ended(known, session)
            } else {
                known.map(|_| "is there already")
            };
            if let Some(reason) = refusal {
                let (job, reason) = (job.clone(), reason.to_owned());
                return Err(AppendError::JobNotOpen { job, reason });
            }
            let now = if ended {
                JobSeen::ended(session)
            } else {
                JobSeen::open(session)
            };
            within.insert(job, now);
        }
        Ok(())
    }
}

fn why_not_ended(known: Option<&JobSeen>, session: &SessionId) -> Option<&'static str> {
    match known {
        None => Some("is not known"),
        Some(job) if job.session != *session => Some("is not one of this session's"),
        Some(job) if job.ended && !defect("admit-job-twice") => Some("has ended already"),
        Some(_) => None,
    }
}

/// Checks that the end of a job and the input that tells of it come together.
///
/// # Errors
/// What is wrong with the append.
pub(super) fn check_pairs(events: &[EventBody]) -> Result<(), &'static str> {
    let ended = |event: &EventBody| match event {
        EventBody::JobFinished(end) => Some(end.job.clone()),
        _ => None,
    };
    let told = |event: &EventBody| match event {
        EventBody::InputAdmitted(admission) => admission.job.clone(),
        _ => None,
    };
    let ended: Vec<JobId> = events.iter().filter_map(ended).collect();
    let told: Vec<JobId> = events.iter().filter_map(told).collect();
    if ended == told {
        Ok(())
    } else {
        Err("the end of a job and the input that tells of it do not come together")
    }
}
