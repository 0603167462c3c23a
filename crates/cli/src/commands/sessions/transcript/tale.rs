//! What is told of questions, jobs and undone turns, as text without a look.
//! Invariant: pure; whoever answered is named as the one place that authorizes saw them.
//! It must not know where it is printed.

use corvid_core::wire::{
    Answer, Answerer, CallStatus, Event, EventBody, JobEnd, JobStart, Question, Requester, Scope,
    Subject,
};

/// Lines under a card or an answer stand this far in.
const INDENT: &str = "  ";

/// What is asked, and with how much of the card a person remembers it by.
pub(super) fn asked(question: &Question, shown: usize) -> String {
    let (heading, body) = match &question.subject {
        Subject::Approval(approval) => {
            let card = &approval.card;
            let facts = card
                .facts
                .iter()
                .map(|(name, value)| format!("{name}: {value}\n"));
            let reason = format!("because: {} ({})\n", approval.reason, approval.rule);
            let body = format!(
                "{}\n{}{reason}",
                card.body.trim_end(),
                facts.collect::<String>()
            );
            (format!("? asked: {}", card.title), body)
        }
        Subject::Inquiry(inquiry) => {
            let choices = inquiry.choices.iter().enumerate();
            let choices = choices.map(|(index, choice)| format!("{}. {choice}\n", index + 1));
            (
                "? asked:".to_owned(),
                format!("{}\n{}", inquiry.text, choices.collect::<String>()),
            )
        }
    };
    format!(
        "{heading}\n{}",
        indented(&corvid_core::text::clip(&body, shown, ""))
    )
}

/// What came of a question.
pub(super) fn answered(answer: &Answer, by: Option<&Answerer>) -> String {
    let Some(by) = by else {
        return "✗ nobody could be asked".to_owned();
    };
    let who = person(&by.person, &by.channel);
    match answer {
        Answer::Allow { scope } => match scope {
            Scope::Once => format!("✓ allowed once by {who}"),
            Scope::Session => format!("✓ allowed for this session by {who}"),
            Scope::Earlier => format!("✓ allowed, as {who} did for this session before"),
        },
        Answer::Deny { reason } if reason.is_empty() => format!("✗ denied by {who}"),
        Answer::Deny { reason } => format!("✗ denied by {who}: {reason}"),
        Answer::Text { text } => format!("✓ answered by {who}: {text}"),
    }
}

/// What an event that answers no call by itself means for the open question: its end, if it is that.
pub(super) fn settled(question: &Question, event: &Event) -> Option<String> {
    match &event.body {
        EventBody::QuestionAnswered {
            question: id,
            answer,
            by,
        } if *id == question.question => Some(answered(answer, by.as_ref())),
        EventBody::InputAdmitted(admission) => {
            let (answer, _) = question.answered_by(admission)?;
            Some(match answer {
                Answer::Text { .. } => "✓ answered by this message".to_owned(),
                _ => "✗ denied by this message".to_owned(),
            })
        }
        EventBody::TimerFired { due_at } if *due_at >= question.expires_at => {
            Some("✗ nobody answered in time".to_owned())
        }
        _ => None,
    }
}

/// A job's beginning.
pub(super) fn job_started(start: &JobStart) -> String {
    format!("⧗ {} goes on in the background: {}", start.job, start.title)
}

/// A job's end.
pub(super) fn job_finished(end: &JobEnd) -> String {
    let how = match end.status {
        CallStatus::Ok => "has ended",
        CallStatus::Failed | CallStatus::Fatal => "has failed",
        CallStatus::Interrupted => "was interrupted",
        CallStatus::Stopped => "was stopped",
        CallStatus::Unknown => "has ended, nobody knows how",
    };
    let by = end.cancelled_by.as_ref();
    let by = by.map_or(String::new(), |by| format!(" by {}", by.id));
    format!("⧗ {} {how}{by}", end.job)
}

/// A turn that was taken back.
pub(super) fn undone(turn: u32, restored: &[String], left: &[String], by: &Requester) -> String {
    let restored = restored.iter().map(|path| format!("restored {path}\n"));
    let left = left.iter().map(|path| format!("left {path}\n"));
    let lines: String = restored.chain(left).collect();
    format!(
        "↶ turn {turn} was undone by {}\n{}",
        by.id,
        indented(&lines)
    )
}

fn person(person: &Requester, channel: &str) -> String {
    format!("{} ({channel})", person.id)
}

fn indented(text: &str) -> String {
    let lines: Vec<String> = text
        .trim_end()
        .lines()
        .map(|line| format!("{INDENT}{line}"))
        .collect();
    lines.join("\n")
}
