//! What happens beside the steps of a turn: questions and their answers, jobs, turns taken back.
//! Invariant: an answer is shown only as the journal has it, and says who gave it unless it was given here.
//! It must not know how a question is asked.

use std::collections::BTreeMap;

use corvid_core::wire::{
    Answer, Answerer, Approval, CallId, CallStatus, CardForm, EventBody, JobEnd, JobId, JobStart,
    Question, QuestionId, Requester, Scope, Subject,
};

use crate::inert::inert_line;

/// How much of a text is shown on a line of its own, in characters.
const SHOWN: usize = 200;

/// How much of a title the moving line shows, in characters.
const SHOWN_MOVING: usize = 40;

/// The open question and the running jobs, as far as they have been seen.
#[derive(Debug, Default)]
pub(super) struct Beside {
    open: Option<Box<Question>>,
    here: Option<(QuestionId, Answer)>,
    jobs: BTreeMap<JobId, (CallId, String)>,
}

impl Beside {
    /// This answer was given here.
    pub(super) fn answered_here(&mut self, question: &QuestionId, answer: &Answer) {
        self.here = Some((question.clone(), answer.clone()));
    }

    /// Whether a call goes on as a job.
    pub(super) fn has_job(&self, call: CallId) -> bool {
        self.jobs.values().any(|(of, _)| *of == call)
    }

    /// What is waited for; none if no question is open.
    pub(super) fn waiting(&self) -> Option<String> {
        let question = self.open.as_deref()?;
        let title = clipped(said(question), SHOWN_MOVING);
        Some(format!(
            "waiting for an answer · {title} · {}",
            question.question
        ))
    }

    /// Takes in an event and returns the lines that stay.
    pub(super) fn apply(&mut self, event: &EventBody) -> Option<String> {
        match event {
            EventBody::QuestionAsked(question) => {
                self.open = Some(question.clone());
                None
            }
            EventBody::QuestionAnswered {
                question,
                answer,
                by,
            } => {
                let open = self.closed(|open| open.question == *question)?;
                let here = self.here.take() == Some((question.clone(), answer.clone()));
                Some(answered(&open, answer, by.as_ref().filter(|_| !here)))
            }
            EventBody::InputAdmitted(admission) => {
                let open = self.open.as_deref()?;
                let (answer, by) = open.answered_by(admission)?;
                let open = self.closed(|_| true)?;
                Some(answered(&open, &answer, Some(&by)))
            }
            EventBody::TimerFired { due_at } => {
                let open = self.closed(|open| *due_at >= open.expires_at)?;
                let outcome = match open.subject {
                    Subject::Approval(_) => "denied",
                    Subject::Inquiry(_) => "left unanswered",
                };
                Some(format!("✗ time is up: {outcome}: {}", subject(&open)))
            }
            EventBody::StopRequested { .. } => {
                let open = self.closed(|_| true)?;
                Some(format!("✗ not answered: {}", subject(&open)))
            }
            EventBody::ReplyComposed(_) => {
                self.open = None;
                None
            }
            EventBody::JobStarted(job) => Some(self.started(job)),
            EventBody::JobFinished(end) => Some(self.finished(end)),
            EventBody::TurnUndone {
                turn,
                restored,
                left,
                by,
            } => Some(undone(*turn, restored, left, by)),
            _ => None,
        }
    }

    fn closed(&mut self, closes: impl Fn(&Question) -> bool) -> Option<Box<Question>> {
        self.open.take_if(|open| closes(open))
    }

    fn started(&mut self, job: &JobStart) -> String {
        let title = clipped(&job.title, SHOWN);
        let line = format!("→ job {} runs in the background: {title}", job.job);
        self.jobs.insert(job.job.clone(), (job.call, title));
        line
    }

    fn finished(&mut self, end: &JobEnd) -> String {
        let title = self.jobs.remove(&end.job);
        let title = title.map_or(String::new(), |(_, title)| format!(": {title}"));
        let by = end.cancelled_by.as_ref();
        let by = by.map_or(String::new(), |by| format!(" by {}", inert_line(&by.id)));
        let (mark, how) = match end.status {
            CallStatus::Ok => ("✓", "is done"),
            CallStatus::Failed | CallStatus::Fatal => ("✗", "failed"),
            CallStatus::Interrupted => ("✗", "was interrupted"),
            CallStatus::Stopped => ("✗", "was cancelled"),
            CallStatus::Unknown => ("?", "ended, and nobody knows how"),
        };
        format!("{mark} job {} {how}{by}{title}", end.job)
    }
}

fn answered(question: &Question, answer: &Answer, by: Option<&Answerer>) -> String {
    let by = by.map_or(String::new(), |by| {
        format!(
            " by {} ({})",
            inert_line(&by.person.id),
            inert_line(&by.channel)
        )
    });
    let subject = subject(question);
    match answer {
        Answer::Allow { scope } => {
            let scope = match scope {
                Scope::Once => "once",
                Scope::Session => "for this session",
                Scope::Earlier => "before, for this session",
            };
            format!("✓ allowed {scope}{by}: {subject}")
        }
        Answer::Deny { reason } => {
            let word = match question.subject {
                Subject::Approval(_) => "denied",
                Subject::Inquiry(_) => "left unanswered",
            };
            match reason.as_str() {
                "" => format!("✗ {word}{by}: {subject}"),
                reason => format!("✗ {word}{by}: {subject} · {}", clipped(reason, SHOWN)),
            }
        }
        Answer::Text { text } => format!("✓ answered{by}: {}", clipped(text, SHOWN)),
    }
}

fn subject(question: &Question) -> String {
    clipped(said(question), SHOWN)
}

/// What says most of a question on one line.
fn said(question: &Question) -> &str {
    match &question.subject {
        Subject::Approval(Approval { card, .. }) => match card.form {
            CardForm::Command => &card.body,
            CardForm::Diff | CardForm::Text => &card.title,
        },
        Subject::Inquiry(inquiry) => &inquiry.text,
    }
}

fn undone(turn: u32, restored: &[String], left: &[String], by: &Requester) -> String {
    let files = match restored.len() {
        1 => "1 file is".to_owned(),
        count => format!("{count} files are"),
    };
    let left = match left {
        [] => String::new(),
        left => format!("; left as they are: {}", clipped(&left.join(", "), SHOWN)),
    };
    let by = inert_line(&by.id);
    format!("↶ turn {turn} was undone by {by}: {files} as before{left}")
}

fn clipped(text: &str, most: usize) -> String {
    let line = inert_line(text);
    let mut shown: String = line.chars().take(most).collect();
    if shown.len() < line.len() {
        shown.push('…');
    }
    shown
}
