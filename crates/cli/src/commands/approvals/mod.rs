//! `agent approvals`: the questions that wait, shown whole, and answering them from here.
//! Invariant: an answer is told as given only after it is in the journal.
//! It must not know how a turn asks.

mod shown;

use anyhow::{Context as _, bail};
use corvid_channels::inert_line;
use corvid_core::AppendError;
use corvid_core::wire::{Answer, Question, QuestionId, Scope, Subject};
use corvid_gateway::GatewayError;
use corvid_store::{QuestionRow, QuestionState};
use serde_json::json;

use super::console::{ALIKE, Console, named_enough, the_one};
use shown::{as_json, listed, shown, told};

use super::moment;
use crate::args::Approvals;
use crate::config::{Environment, Home};
use crate::exit::Exit;
use crate::output::{print, print_json, say};

/// How questions are named where one is not found.
const WHAT: (&str, &str) = ("question", "agent approvals list");

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
            let row = find_to_answer(console, &question).await?;
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
            let row = find_to_answer(console, &question).await?;
            give(console, &row, Answer::Deny { reason }, json.json).await
        }
        Approvals::Answer {
            question,
            text,
            json,
        } => {
            let row = find_to_answer(console, &question).await?;
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

/// The same, if enough of its id is given to answer it.
async fn find_to_answer(console: &Console, given: &str) -> anyhow::Result<QuestionRow> {
    let row = find(console, given).await?;
    named_enough(&row.question.question, given)?;
    Ok(row)
}

/// What the words of an answer say.
fn chosen(question: &Question, text: String) -> String {
    match &question.subject {
        Subject::Inquiry(inquiry) => inquiry.chosen(&text).to_owned(),
        Subject::Approval(_) => text,
    }
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
            "`{id}` cannot be allowed for the session: the same bytes may do something else next time (a shell, or \
             a program that goes by files in the folder); leave out `--session`"
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
