//! `agent pair`: who may talk to the agent in messengers, and letting people in.
//! Invariant: people are named by a channel and their immutable number in it; what they call themselves is shown, inert,
//! and never goes by.
//! It must not know how a code is kept.

use anyhow::{Context as _, bail};
use corvid_channels::inert_line;
use corvid_core::wire::{Millis, Person, Role};
use corvid_gateway::LetIn;
use corvid_store::PersonRow;
use serde_json::json;

use super::console::Console;
use super::{daemon, moment};
use crate::args::Pair;
use crate::config::{Environment, Home};
use crate::exit::Exit;
use crate::output::{print, print_json, say};
use crate::wiring;

/// Does what `pair` asks.
///
/// # Errors
/// With the sentence for the person.
pub(super) async fn pair(
    command: Pair,
    home: &Home,
    environment: &Environment,
) -> anyhow::Result<Exit> {
    let console = Console::open(home, environment).await?;
    let done = act(&console, home, command).await;
    console.close().await;
    done.map(|()| Exit::Done)
}

async fn act(console: &Console, home: &Home, command: Pair) -> anyhow::Result<()> {
    match command {
        Pair::List(json) => list(console, json.json).await,
        Pair::Approve { code, role, json } => {
            approve(console, home, &code, role.map(Role::from), json.json).await
        }
        Pair::People(json) => people(console, json.json).await,
        Pair::Revoke { person } => revoke(console, &person).await,
    }
}

async fn list(console: &Console, as_json: bool) -> anyhow::Result<()> {
    let now = console.clock.now();
    let waiting = console.store.pairings(now).await?;
    if as_json {
        return waiting.iter().try_for_each(|row| {
            print_json(&json!({
                "person": row.person,
                "name": row.name,
                "offered_at": row.offered_at,
                "expires_at": row.expires_at,
            }))
        });
    }
    if waiting.is_empty() {
        return print("nobody waits to be let in; whoever writes to the bot is told a code\n");
    }
    let lines = waiting.iter().map(|row| {
        let minutes = minutes(row.expires_at.saturating_sub(now));
        format!(
            "{}  {}  was told a code {}, which holds for {minutes}\n",
            named(&row.person),
            inert_line(&row.name),
            moment(row.offered_at)
        )
    });
    print(&lines.collect::<String>())?;
    say(
        "`agent pair approve CODE` lets in whoever was told that code; they know it, nobody else does",
    );
    Ok(())
}

async fn approve(
    console: &Console,
    home: &Home,
    code: &str,
    role: Option<Role>,
    as_json: bool,
) -> anyhow::Result<()> {
    let came = console.gateway.let_in_by_code(code, role).await?;
    daemon::wake(home).await;
    match came {
        LetIn::In(row) if as_json => {
            print_json(&json!({ "person": row.person, "name": row.name, "role": row.role }))
        }
        LetIn::In(row) => print(&format!(
            "{}  {}  is let in as {}, and is told so\n",
            named(&row.person),
            inert_line(&row.name),
            role_name(row.role)
        )),
        LetIn::Wrong { left: 0 } => bail!(
            "`{}` is nobody's code, and it was one try too many: every code is void now; whoever wants in writes to \
             the bot again in an hour",
            inert_line(code)
        ),
        LetIn::Wrong { left } => {
            let tries = if left == 1 {
                "1 try is"
            } else {
                &format!("{left} tries are")
            };
            bail!(
                "`{}` is nobody's code; {tries} left before every code is void; `agent pair list` shows who waits",
                inert_line(code)
            )
        }
        LetIn::NonePending => bail!(
            "nobody waits to be let in: a code holds for an hour and once; whoever wants in writes to the bot (again)"
        ),
    }
}

async fn people(console: &Console, as_json: bool) -> anyhow::Result<()> {
    let rows = console.store.people().await?;
    let configured = configured(console);
    if as_json {
        rows.iter().try_for_each(|row| {
            print_json(&json!({
                "person": row.person,
                "name": row.name,
                "role": row.role,
                "since": row.since,
                "by": "pairing",
            }))
        })?;
        return configured.iter().try_for_each(|(person, role)| {
            print_json(&json!({ "person": person, "role": role, "by": "config" }))
        });
    }
    if rows.is_empty() && configured.is_empty() {
        return print("nobody is let in yet; `agent pair list` shows who waits\n");
    }
    print(&rows.iter().map(let_in).collect::<String>())?;
    let lines = configured.iter().map(|(person, role)| {
        format!(
            "{}  {:<6}  by the config\n",
            named(person),
            role_name(*role)
        )
    });
    print(&lines.collect::<String>())
}

fn let_in(row: &PersonRow) -> String {
    format!(
        "{}  {:<6}  since {}  {}\n",
        named(&row.person),
        role_name(row.role),
        moment(row.since),
        inert_line(&row.name)
    )
}

async fn revoke(console: &Console, typed: &str) -> anyhow::Result<()> {
    let (channel, id) = typed.split_once(':').with_context(|| {
        format!(
            "`{}` names nobody; write a channel and a number, e.g. telegram:4711; `agent pair people` shows them",
            inert_line(typed)
        )
    })?;
    let person = Person {
        channel: channel.to_owned(),
        id: id.to_owned(),
    };
    let (was_in, waited) = (
        console.store.revoke(&person).await?,
        console.store.refuse_pairing(&person).await?,
    );
    let is_configured = configured(console)
        .iter()
        .any(|(known, _)| *known == person);
    let name = named(&person);
    match (was_in, waited) {
        (true, _) => print(&format!("{name} is let in no longer, from now on\n"))?,
        (false, true) => print(&format!("{name}'s code is void\n"))?,
        (false, false) if is_configured => {}
        (false, false) => bail!("{name} was not let in; `agent pair people` shows who is"),
    }
    if is_configured {
        bail!(
            "the config lets {name} in; take the number out of `{channel}.owners` and `{channel}.members` \
             (`agent config show`)"
        );
    }
    Ok(())
}

/// The people whom the config lets in.
fn configured(console: &Console) -> Vec<(Person, Role)> {
    let mut people = Vec::new();
    for allowed in wiring::allowed(&console.composed) {
        for (ids, role) in [
            (&allowed.owners, Role::Owner),
            (&allowed.members, Role::Member),
        ] {
            people.extend(ids.iter().map(|id| {
                let person = Person {
                    channel: allowed.channel.clone(),
                    id: id.clone(),
                };
                (person, role)
            }));
        }
    }
    people.sort_by(|(one, _), (other, _)| one.id.cmp(&other.id));
    people
}

fn named(person: &Person) -> String {
    format!("{}:{}", inert_line(&person.channel), inert_line(&person.id))
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Member => "member",
    }
}

fn minutes(millis: Millis) -> String {
    match millis.max(0).div_euclid(60_000) {
        0 => "less than a minute".to_owned(),
        1 => "1 minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}
