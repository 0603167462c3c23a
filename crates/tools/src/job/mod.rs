//! `job.*`: looking at the calls that go on beside their turn, and ending them.
//! Invariant: only the jobs of the session that asks are seen or ended.
//! It must not know what a job does, nor which process runs it.

mod cancel;
mod list;
mod output;

use corvid_core::wire::CallStatus;
use corvid_core::{Invocation, JobView, ToolError};

pub(crate) use cancel::Cancel;
pub(crate) use list::List;
pub(crate) use output::Output;

/// The session's jobs, the newest first.
async fn jobs(call: &Invocation) -> Result<Vec<JobView>, ToolError> {
    let jobs = call.jobs.list(&call.session).await;
    jobs.map_err(ToolError::Tell)
}

/// The session's job of that name.
async fn find(call: &Invocation, name: &str) -> Result<JobView, ToolError> {
    let jobs = jobs(call).await?;
    let found = jobs.into_iter().find(|job| job.job.as_str() == name);
    found.ok_or_else(|| {
        ToolError::Tell(format!(
            "this session has no job {name:?}; `job.list` shows what there is"
        ))
    })
}

/// How a job stands, as the end of a sentence that names it.
fn standing(job: &JobView) -> String {
    let Some((ended_at, status)) = job.ended else {
        return if job.alive {
            format!("goes on, at most {} s", job.timeout_ms / 1_000)
        } else {
            "ended with its process; how is being found out".to_owned()
        };
    };
    let how = match status {
        CallStatus::Ok => "ended",
        CallStatus::Failed | CallStatus::Fatal => "failed",
        CallStatus::Interrupted => "was cut off",
        CallStatus::Stopped => "was cancelled",
        CallStatus::Unknown => "ended, nobody knows how,",
    };
    let took = u32::try_from((ended_at - job.started_at).max(0)).unwrap_or(u32::MAX);
    format!("{how} after {:.1} s", f64::from(took) / 1_000.0)
}

#[cfg(test)]
mod tests {
    use corvid_core::wire::{CallId, CallKey, JobId, Millis, SessionId};

    use super::*;

    #[test]
    fn a_job_tells_how_it_stands() {
        let check = |ended: Option<(Millis, CallStatus)>, alive, expect: &str| {
            let job = JobView {
                session: SessionId::new("s"),
                job: JobId::new("j-1"),
                call: CallId {
                    turn: 1,
                    step: 1,
                    index: 0,
                },
                key: CallKey::new("1"),
                title: "x".to_owned(),
                started_at: 1_000,
                timeout_ms: 90_000,
                ended,
                alive,
            };
            assert_eq!(standing(&job), expect);
        };
        check(None, true, "goes on, at most 90 s");
        check(
            None,
            false,
            "ended with its process; how is being found out",
        );
        check(Some((2_500, CallStatus::Ok)), true, "ended after 1.5 s");
        check(
            Some((1_000, CallStatus::Stopped)),
            false,
            "was cancelled after 0.0 s",
        );
        // A clock that was set back.
        check(Some((0, CallStatus::Failed)), true, "failed after 0.0 s");
    }
}
