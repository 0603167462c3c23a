//! How the end of a job is put into words and into the journal.
//! Invariant: the end and the input that tells of it are one append, which happens once however often it is tried.
//! It must not know how a job is brought to its end.

use corvid_core::faults::crash_point;
use corvid_core::wire::{
    Admission, CallStatus, EventBody, Flags, JobEnd, JobStart, Millis, Mode, Part, Requester,
    SessionId,
};
use corvid_core::{
    Append, AppendError, Fence, Journal as _, Reconciled, ToolError, ToolOutput, UNSAID, draw,
};

use super::{EndedJob, Shared};

/// How a job ended, and what it yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// How.
    pub(super) status: CallStatus,
    /// The same in words that follow the job's name.
    how: String,
    /// What it yields.
    output: ToolOutput,
}

/// A job at its end.
pub(super) struct Ending<'a> {
    pub(super) session: &'a SessionId,
    pub(super) start: &'a JobStart,
    pub(super) outcome: &'a Outcome,
    /// How long it took, in milliseconds, where that is known.
    pub(super) took_ms: Option<Millis>,
    pub(super) cancelled_by: Option<Requester>,
}

impl Outcome {
    /// It came to its own end.
    pub(super) fn of(result: Result<ToolOutput, ToolError>) -> Self {
        match result {
            Ok(output) => Self::new(CallStatus::Ok, "is done", output),
            Err(ToolError::Tell(text) | ToolError::Fatal(text)) => {
                Self::new(CallStatus::Failed, "failed", ToolOutput::text(text))
            }
        }
    }

    /// It was ended.
    pub(super) fn stopped(how: &str, result: Result<ToolOutput, ToolError>) -> Self {
        let output = result.unwrap_or_else(|error| ToolOutput::text(error.to_string()));
        Self::new(CallStatus::Stopped, how, output)
    }

    /// It was ended before it began, or did not end when it was told to.
    pub(super) fn silent(how: &str) -> Self {
        Self::new(CallStatus::Stopped, how, ToolOutput::text(""))
    }

    /// Its work panicked.
    pub(super) fn panicked(message: &str) -> Self {
        let text = format!("this is a defect of Corvid: {message}");
        Self::new(CallStatus::Failed, "came to grief", ToolOutput::text(text))
    }

    /// What a tool found out about a job whose process has died.
    pub(super) fn found(became: Reconciled) -> Self {
        match became {
            Reconciled::Done(output) => Self::new(CallStatus::Ok, "is done", output),
            Reconciled::NotDone => Self::new(
                CallStatus::Interrupted,
                "never began, since its process ended",
                ToolOutput::text(""),
            ),
            Reconciled::Interrupted(output) => Self::new(
                CallStatus::Interrupted,
                "was cut off when its process ended",
                output,
            ),
            Reconciled::Unknown(reason) => Self::new(
                CallStatus::Unknown,
                "has ended, and it is not known how",
                ToolOutput::text(format!("{reason}; check before you repeat it")),
            ),
        }
    }

    fn new(status: CallStatus, how: &str, output: ToolOutput) -> Self {
        Self {
            status,
            how: how.to_owned(),
            output,
        }
    }
}

impl Ending<'_> {
    /// What the session is told: a line on how it ended, then what it yields.
    fn text(&self) -> String {
        let (job, how) = (&self.start.job, &self.outcome.how);
        let took = self.took_ms.map(spelled).unwrap_or_default();
        let title: Vec<&str> = self.start.title.split_whitespace().collect();
        let title = title.join(" ");
        let mut text = format!("{UNSAID}Job {job} {how}{took}: {title}]");
        let yields = self.outcome.output.text.trim_end();
        if !yields.is_empty() {
            text.extend(["\n\n", yields]);
        }
        if let Some(notice) = &self.outcome.output.notice {
            text.extend(["\n\nTell the person: ", notice]);
        }
        text
    }

    fn events(&self, external_id: String) -> (Admission, JobEnd) {
        let start = self.start;
        let admission = Admission {
            input: draw::input_id(),
            origin: start.origin.clone(),
            external_id,
            requester: start.requester.clone(),
            parts: vec![Part::text(self.text())],
            mode: Mode::Steer,
            working_dir: start.working_dir.clone(),
            flags: Flags::default(),
            job: Some(start.job.clone()),
            together: None,
            replaces: None,
            zone: None,
        };
        let end = JobEnd {
            job: start.job.clone(),
            status: self.outcome.status,
            cancelled_by: self.cancelled_by.clone(),
        };
        (admission, end)
    }
}

impl Shared {
    /// Tells the session once. None if it was told before, or is there no more.
    ///
    /// # Errors
    /// The store's; it may be tried again.
    pub(super) async fn tell(&self, ending: &Ending<'_>) -> Result<Option<EndedJob>, AppendError> {
        let key = format!("job:{}", ending.start.job);
        // A person may have used the key for a message of theirs; the job's row still sees to it that its end is
        // told once.
        let spare = format!("{key}:{}", draw::external_id());
        let told = match self.try_to_tell(ending, key).await {
            Err(AppendError::AlreadyAdmitted { .. } | AppendError::IdReused { .. }) => {
                self.try_to_tell(ending, spare).await?
            }
            told => told?,
        };
        if told.is_some() {
            self.forget(ending.session, ending.start).await;
        }
        Ok(told)
    }

    async fn try_to_tell(
        &self,
        ending: &Ending<'_>,
        external_id: String,
    ) -> Result<Option<EndedJob>, AppendError> {
        let (admission, end) = ending.events(external_id);
        let ended = EndedJob {
            session: ending.session.clone(),
            input: admission.input.clone(),
            origin: admission.origin.clone(),
            external_id: admission.external_id.clone(),
            requester: admission.requester.clone(),
        };
        let events = vec![
            EventBody::JobFinished(end),
            EventBody::InputAdmitted(admission),
        ];
        // The reply's delivery waits for this process as long as it is seen to live.
        self.parts.store.hold()?;
        crash_point("job.before_end");
        match self.append(ending.session, events).await {
            Ok(()) => {
                crash_point("job.after_end");
                Ok(Some(ended))
            }
            Err(AppendError::JobNotOpen { .. } | AppendError::NoSuchSession(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Appends events that number themselves, without secrets.
    pub(super) async fn append(
        &self,
        session: &SessionId,
        mut events: Vec<EventBody>,
    ) -> Result<(), AppendError> {
        for event in &mut events {
            self.parts.redactor.event(event);
        }
        let append = Append {
            session: session.clone(),
            fence: Fence::Open,
            at: self.parts.clock.now(),
            events,
        };
        self.parts.store.append(append).await.map(drop)
    }
}

/// ` after 1 h 2 min`, by the two largest units.
fn spelled(ms: Millis) -> String {
    let seconds = ms / 1_000;
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    match (hours, minutes, seconds % 60) {
        (0, 0, seconds) => format!(" after {seconds} s"),
        (0, minutes, seconds) => format!(" after {minutes} min {seconds} s"),
        (hours, minutes, _) => format!(" after {hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_spelled_by_its_two_largest_units() {
        let check = |ms, expect: &str| assert_eq!(spelled(ms), expect);
        check(0, " after 0 s");
        check(59_999, " after 59 s");
        check(61_000, " after 1 min 1 s");
        check(3_600_000, " after 1 h 0 min");
        check(100_000_000, " after 27 h 46 min");
    }
}
