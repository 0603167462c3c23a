//! `agent approvals`: the questions that wait, shown whole, and answering them from here.
//! Invariant: an answer is told as given only after it is in the journal.
//! It must not know how a turn asks.

use anyhow::{Context as _, bail};
use corvid_channels::inert_line;
use corvid_channels::terminal::{Look, card_lines};
use corvid_core::AppendError;
use corvid_core::wire::{Answer, Millis, Question, QuestionId, Scope, Subject};
use corvid_gateway::GatewayError;
use corvid_store::{QuestionRow, QuestionState};
use serde_json::json;

use super::console::{ALIKE, Console, the_one};
use super::moment;
use crate::args::Approvals;
use crate::config::{Environment, Home};
use crate::exit::Exit;
use crate::output::{out_look, print, print_json, say};

/// How questions are named where one is not found.
const WHAT: (&str, &str) = ("question", "agent approvals list");

/// How much of what is asked a line of the list shows, in characters.
const SHOWN: usize = 60;

/// How a card is laid out where there is no screen.
const PLAIN: Look = Look {
    width: 100,
    color: false,
};

/// Does what `approvals` asks.
///
/// # Errors
/// With the sentence for the person.
pub(super) async fn approvals(
    command: Approvals,
    home: &Home,
    environment: &Environment,
) -> anyhow::Result<Exit> {
    let console = Console::open(home, environment).await?;
    let done = act(&console, command, environment).await;
    console.close().await;
    done.map(|()| Exit::Done)
}

async fn act(
    console: &Console,
    command: Approvals,
    environment: &Environment,
) -> anyhow::Result<()> {
    match command {
        Approvals::List(json) => list(console, json.json).await,
        Approvals::Show { question, json } => {
            let row = find(console, &question).await?;
            if json.json {
                print_json(&as_json(&row))
            } else {
                print(&shown(&row, console.clock.now(), environment))
            }
        }
        Approvals::Approve {
            question,
            session,
            json,
        } => {
            let row = find(console, &question).await?;
            let scope = if session { Scope::Session } else { Scope::Once };
            let answer = Answer::Allow { scope };
            check(&row.question, &answer)?;
            give(console, &row, answer, json.json).await
        }
        Approvals::Deny {
            question,
            reason,
            json,
        } => {
            let row = find(console, &question).await?;
            give(console, &row, Answer::Deny { reason }, json.json).await
        }
        Approvals::Answer {
            question,
            text,
            json,
        } => {
            let row = find(console, &question).await?;
            let answer = Answer::Text {
                text: chosen(&row.question, text),
            };
            check(&row.question, &answer)?;
            give(console, &row, answer, json.json).await
        }
    }
}

/// The question whose id it is, or begins so.
async fn find(console: &Console, given: &str) -> anyhow::Result<QuestionRow> {
    let store = &console.store;
    let ids = match given.trim() {
        "" => Vec::new(),
        begins => store.question_ids(begins, ALIKE).await?,
    };
    let row = store.question(the_one(&ids, given, WHAT)?).await?;
    row.with_context(|| format!("the question `{given}` is gone"))
}

/// A choice may be answered by its number.
fn chosen(question: &Question, text: String) -> String {
    let Subject::Inquiry(inquiry) = &question.subject else {
        return text;
    };
    let number = text.trim().parse::<usize>().ok();
    let choice = number.and_then(|number| inquiry.choices.get(number.checked_sub(1)?));
    choice.cloned().unwrap_or(text)
}

/// Whether this is a way to answer that question.
fn check(question: &Question, answer: &Answer) -> anyhow::Result<()> {
    let id = &question.question;
    if question.takes(answer) {
        return Ok(());
    }
    match (&question.subject, answer) {
        (Subject::Inquiry(_), _) => {
            bail!("`{id}` asks for words, not for an approval; `agent approvals answer {id} TEXT`")
        }
        (Subject::Approval(_), Answer::Text { .. }) => bail!(
            "`{id}` asks for an approval; `agent approvals approve {id}`, or `agent approvals deny {id} REASON`"
        ),
        (Subject::Approval(_), _) => bail!(
            "`{id}` cannot be allowed for the session: the same bytes may do something else next time (a shell, an \
             interpreter, a change to a file); leave out `--session`"
        ),
    }
}

/// Gives an answer, and says so once it is in the journal.
async fn give(
    console: &Console,
    row: &QuestionRow,
    answer: Answer,
    as_json: bool,
) -> anyhow::Result<()> {
    let id = &row.question.question;
    let given = console
        .gateway
        .answer(id, answer.clone(), &console.from, &console.person)
        .await;
    let receipt = match given {
        Ok(receipt) => receipt,
        Err(GatewayError::Journal(AppendError::NotOpen { reason, .. })) => {
            bail!("{}", not_open(console, id, &reason).await?)
        }
        Err(error) => return Err(error.into()),
    };
    let session = &receipt.session;
    if as_json {
        return print_json(&json!({
            "question": id,
            "session": session,
            "answer": answer,
            "awaited": receipt.awaited,
        }));
    }
    print(&format!("{id}: {}\n", told(&answer)))?;
    if !receipt.awaited {
        say(&format!(
            "nobody waits for it any more: the answer is recorded, and the next `agent run -s {session} -e …` goes on \
             with it"
        ));
    }
    Ok(())
}

/// Why an answer was not taken: who was first, if somebody was.
async fn not_open(console: &Console, id: &QuestionId, reason: &str) -> anyhow::Result<String> {
    let row = console.store.question(id).await?;
    Ok(match row.map(|row| row.state) {
        Some(QuestionState::Answered { answer, by, at }) => {
            let who = by.map_or("nobody could be asked".to_owned(), |by| {
                format!("by {} ({})", by.person.id, by.channel)
            });
            format!(
                "question `{id}` was answered already, {}: {}, {who}",
                moment(at),
                inert_line(&told(&answer))
            )
        }
        _ => format!("question `{id}` {reason}"),
    })
}

/// An answer as the person gave it.
fn told(answer: &Answer) -> String {
    match answer {
        Answer::Allow { scope } => match scope {
            Scope::Once => "allowed once".to_owned(),
            Scope::Session | Scope::Earlier => "allowed for this session".to_owned(),
        },
        Answer::Deny { reason } if reason.is_empty() => "denied".to_owned(),
        Answer::Deny { reason } => format!("denied: {reason}"),
        Answer::Text { text } => format!("answered: {text}"),
    }
}

async fn list(console: &Console, json: bool) -> anyhow::Result<()> {
    let rows = console.store.open_questions(None).await?;
    if json {
        return rows.iter().try_for_each(|row| print_json(&as_json(row)));
    }
    if rows.is_empty() {
        return print("no question is open\n");
    }
    let width = rows.iter().map(|row| row.session.as_str().len()).max();
    let now = console.clock.now();
    let lines: String = rows
        .iter()
        .map(|row| listed(row, width.unwrap_or(0), now))
        .collect();
    print(&lines)
}

fn listed(row: &QuestionRow, width: usize, now: Millis) -> String {
    let asked = match &row.question.subject {
        Subject::Approval(approval) => {
            format!("{}: {}", approval.card.title, approval.card.body)
        }
        Subject::Inquiry(inquiry) => inquiry.text.clone(),
    };
    let asked = inert_line(asked.trim());
    let mut shown: String = asked.chars().take(SHOWN).collect();
    if shown.len() < asked.len() {
        shown.push('…');
    }
    format!(
        "{}  {:width$}  {:>14}  {shown}\n",
        row.question.question,
        row.session.as_str(),
        left(row.question.expires_at, now),
    )
}

/// How long a question stays open.
fn left(expires_at: Millis, now: Millis) -> String {
    match (expires_at - now) / 1_000 {
        ..=0 => "time is up".to_owned(),
        secs @ 1..=90 => format!("{secs} s left"),
        secs @ 91..=5_400 => format!("{} min left", secs / 60),
        secs => format!("{} h left", secs / 3_600),
    }
}

/// A question whole, and how it stands.
fn shown(row: &QuestionRow, now: Millis, environment: &Environment) -> String {
    let question = &row.question;
    let id = &question.question;
    let card = card_lines(question, out_look(environment).unwrap_or(PLAIN));
    let stands = match &row.state {
        QuestionState::Open => match question.subject {
            Subject::Approval(_) => format!(
                "{}; `agent approvals approve {id}` or `agent approvals deny {id} REASON`",
                left(question.expires_at, now)
            ),
            Subject::Inquiry(_) => format!(
                "{}; `agent approvals answer {id} TEXT`",
                left(question.expires_at, now)
            ),
        },
        QuestionState::Answered { answer, at, .. } => {
            format!("{}: {}", moment(*at), inert_line(&told(answer)))
        }
        QuestionState::Expired { at } => format!("{}: its time was up", moment(*at)),
        QuestionState::Closed { at } => format!("{}: its turn ended", moment(*at)),
    };
    format!(
        "{id} · session {} · asked {}\n{card}{stands}\n",
        row.session,
        moment(row.asked_at)
    )
}

fn as_json(row: &QuestionRow) -> serde_json::Value {
    let state = match &row.state {
        QuestionState::Open => json!({ "state": "open" }),
        QuestionState::Answered { answer, by, at } => {
            json!({ "state": "answered", "answer": answer, "by": by, "at": at })
        }
        QuestionState::Expired { at } => json!({ "state": "expired", "at": at }),
        QuestionState::Closed { at } => json!({ "state": "closed", "at": at }),
    };
    json!({
        "question": row.question,
        "session": row.session,
        "asked_at": row.asked_at,
        "state": state,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_told_roughly() {
        let check = |secs: i64, expect: &str| assert_eq!(left(secs * 1_000, 0), expect);
        check(-3, "time is up");
        check(0, "time is up");
        check(59, "59 s left");
        check(599, "9 min left");
        check(7_200, "2 h left");
    }
}
