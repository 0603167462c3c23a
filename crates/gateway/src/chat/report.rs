//! Telling how things are: commands, what runs and waits, jobs, cost.
//! Invariant: reads alone (a cancelled job apart); what others named is inert.
//! It must not know how an answer is shown.

use corvid_agent::fold::{CallState, State, Turn};
use corvid_core::Jobs as _;
use corvid_core::wire::{CallStatus, JobId, Millis, Requester, Role, SessionId};
use corvid_store::Spent;

use super::turns::{counted, is_own_job};
use super::{COMMANDS, Speaker, code};
use crate::Gateway;
use crate::error::GatewayError;

/// How many jobs are listed.
const LISTED: usize = 10;

impl Gateway {
    /// What somebody hears first.
    pub(crate) fn greeting(&self, requester: &Requester) -> String {
        let mut lines = vec![
            "Hello! Write what you want done, in plain words, and send files along if they help. I work in a sandboxed \
             folder of this conversation's own, and ask here before anything leaves it."
                .to_owned(),
            "While I work, another message joins in; /queue keeps one for later, and /stop ends everything. /status \
             says what I am at, /help lists the rest."
                .to_owned(),
        ];
        if requester.role == Role::Owner {
            lines.push(
                "You are an owner: you decide what is allowed, and /pair lets others in."
                    .to_owned(),
            );
        }
        if self.ports.settings.default_model.is_empty() {
            lines.push(
                "**No model is set up yet**, so I cannot answer: `agent model` on my machine says how.".to_owned(),
            );
        }
        lines.join("\n\n")
    }

    /// `/status`.
    pub(super) async fn tell_state(
        &self,
        session: Option<&SessionId>,
    ) -> Result<String, GatewayError> {
        let model = self.model(session).await?;
        let model = model.map_or_else(|| "none is set up".to_owned(), |model| code(&model));
        let Some(session) = session else {
            return Ok(format!("Nothing was said here yet.\n- Model: {model}"));
        };
        let now = self.clock.now();
        let state = self.state(session).await?;
        let turn = state.as_ref().and_then(|state| state.turn.as_ref());
        let mut lines = vec![
            turn.map_or_else(|| "Nothing runs.".to_owned(), |turn| running(turn, now)),
            format!("- Session: {}", code(session.as_str())),
            format!("- Model: {model}"),
        ];
        if let Some(folder) = self.folder(Some(session)).await? {
            lines.push(format!("- Folder: {}", code(&folder)));
        }
        let waiting = state
            .as_ref()
            .map_or(0, |state: &State| state.waiting.len());
        if waiting > 0 {
            lines.push(format!("- Waiting: {}", counted(waiting, "message")));
        }
        let questions = self.store.open_questions(Some(session)).await?.len();
        if questions > 0 {
            lines.push(format!("- Unanswered: {}", counted(questions, "question")));
        }
        let jobs = self.store.open_jobs(Some(session)).await?.len();
        if jobs > 0 {
            lines.push(format!("- Running: {} (/jobs)", counted(jobs, "job")));
        }
        Ok(lines.join("\n"))
    }

    /// `/cost`.
    pub(super) async fn tell_cost(
        &self,
        session: Option<&SessionId>,
    ) -> Result<String, GatewayError> {
        let spent = match session {
            Some(session) => self.store.spent(session).await?,
            None => Spent::default(),
        };
        let Spent {
            usage,
            calls,
            turns,
        } = spent;
        if calls == 0 {
            return Ok("This session has used nothing yet.".to_owned());
        }
        let turns = counted(usize::try_from(turns).unwrap_or(usize::MAX), "turn");
        let calls = counted(usize::try_from(calls).unwrap_or(usize::MAX), "model call");
        let (read, cached) = (grouped(usage.input_tokens), grouped(usage.cached_tokens));
        let written = grouped(usage.output_tokens);
        Ok(format!(
            "This session, {turns} and {calls}: {read} tokens read ({cached} of them from the cache), {written} written."
        ))
    }

    /// `/jobs`.
    pub(super) async fn see_to_own_jobs(
        &self,
        said: &Speaker,
        session: Option<&SessionId>,
        rest: &str,
    ) -> Result<String, GatewayError> {
        let Some(session) = session else {
            return Ok("There are no jobs here.".to_owned());
        };
        match rest.split_once(char::is_whitespace) {
            None if rest.is_empty() => self.list_jobs(session).await,
            Some(("cancel", named)) => self.cancel_named(said, session, named.trim()).await,
            _ => Ok("Use it as `/jobs` or `/jobs cancel JOB`.".to_owned()),
        }
    }

    async fn list_jobs(&self, session: &SessionId) -> Result<String, GatewayError> {
        let jobs = self.jobs.list(session).await.map_err(GatewayError::Job)?;
        if jobs.is_empty() {
            return Ok("There are no jobs here.".to_owned());
        }
        let now = self.clock.now();
        let lines = jobs.iter().take(LISTED).map(|job| {
            let (id, title) = (code(job.job.as_str()), code(&job.title));
            let state = match job.ended {
                Some((at, status)) => format!("{} {}", ended(status), ago(at, now)),
                None if job.alive => format!("runs for {}", lasted(job.started_at, now)),
                None => "was cut off".to_owned(),
            };
            format!("- {id} {title}: {state}")
        });
        let lines: Vec<String> = lines.collect();
        let lines = lines.join("\n");
        Ok(format!("{lines}\n\n`/jobs cancel JOB` ends one."))
    }

    async fn cancel_named(
        &self,
        said: &Speaker,
        session: &SessionId,
        named: &str,
    ) -> Result<String, GatewayError> {
        let named = named.trim_matches('`');
        let open = self.store.open_jobs(Some(session)).await?;
        let mut alike = open
            .iter()
            .filter(|row| !named.is_empty() && row.start.job.as_str().starts_with(named));
        let (found, another) = (alike.next(), alike.next());
        let Some(row) = found.filter(|_| another.is_none()) else {
            let named = code(named);
            return Ok(format!("No running job {named} here; /jobs lists them."));
        };
        if !is_own_job(row, &said.requester, &said.origin) {
            return Ok("That is somebody else's job; they or an owner can end it.".to_owned());
        }
        let job: &JobId = &row.start.job;
        let cancelled = self.jobs.cancel(session, job, &said.requester).await;
        let id = code(job.as_str());
        Ok(match cancelled {
            Ok(view) if view.ended.is_some() => format!("Job {id} has ended."),
            Ok(_) => format!("Job {id} is being ended."),
            Err(sentence) => sentence,
        })
    }
}

/// `/help`.
pub(super) fn help(role: Role) -> String {
    let open = COMMANDS
        .iter()
        .filter(|entry| role == Role::Owner || entry.for_role == Role::Member);
    let lines = open.map(|entry| {
        let usage = if entry.usage.is_empty() {
            String::new()
        } else {
            format!(" `{}`", entry.usage)
        };
        format!("- /{}{usage}: {}", entry.name, entry.description)
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn running(turn: &Turn, now: Millis) -> String {
    let mut tools: Vec<String> = Vec::new();
    for call in &turn.calls {
        if let CallState::Running { .. } = call.state {
            tools.push(code(&call.asked.name));
        }
    }
    let at = if turn.is_stopped() {
        "it is being stopped".to_owned()
    } else if turn.question().is_some() {
        "it waits for an answer to a question".to_owned()
    } else if tools.is_empty() {
        "the model is at work".to_owned()
    } else {
        format!("{} at work", tools.join(", "))
    };
    let since = lasted(turn.started_at, now);
    format!("Turn {} runs for {since}; {at}.", turn.number)
}

fn ended(status: CallStatus) -> &'static str {
    match status {
        CallStatus::Ok => "done",
        CallStatus::Failed | CallStatus::Fatal => "failed",
        CallStatus::Interrupted => "was cut off",
        CallStatus::Stopped => "was ended",
        CallStatus::Unknown => "ended, nobody knows how,",
    }
}

/// How long something has gone on: `12 s`, `5 min`, `3 h`, `2 days`.
fn lasted(since: Millis, now: Millis) -> String {
    let seconds = now.saturating_sub(since).max(0) / 1_000;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// How long ago something was.
pub(super) fn ago(at: Millis, now: Millis) -> String {
    format!("{} ago", lasted(at, now))
}

/// A number with its thousands apart: `12,345`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_numbers_are_short() {
        for (passed_s, expect) in [
            (-5, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7_199, "119 min"),
            (7_200, "2 h"),
            (172_800, "2 days"),
        ] {
            assert_eq!(lasted(0, passed_s * 1_000), expect);
        }
        for (number, expect) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), expect);
        }
    }

    #[test]
    fn a_member_is_not_offered_what_only_an_owner_may() {
        let (owner, member) = (help(Role::Owner), help(Role::Member));
        for word in ["/cd", "/pair"] {
            assert!(owner.contains(word) && !member.contains(word), "{word}");
        }
        insta::assert_snapshot!(owner);
    }
}
