//! The measurements of `corvid-load telegram`: a daemon in front of the fake Bot API, idle and in a crowd.
//! Invariant: a reply counts once it stands whole in its chat, by the fake's own ledger.
//! It must not know what a figure is held to, nor how it is shown.

mod daemon;
mod report;

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use corvid_testkit::model_server::{Reply, Script};
use corvid_testkit::telegram::{Call, Remote, Say};
use corvid_testkit::{FakeTelegram, ModelServer, Scene};
use serde_json::Value;

use crate::floor;
use crate::report::Spread;
use daemon::Daemon;
pub(crate) use report::Crowd;

/// How long the daemon is watched while nothing happens.
const IDLE: Duration = Duration::from_secs(10);

/// How often the ledger is looked at, so that looking takes little from the daemon; what it says is exact all the same.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long a round of replies may take at most.
const ROUND_LIMIT: Duration = Duration::from_mins(10);

/// Measures `messages` rounds in which everybody of `chats` private chats writes at once.
pub(crate) fn run(agent: &Path, chats: usize, messages: usize) -> Result<Crowd, Box<dyn Error>> {
    let script = Script::new().otherwise(Reply::text("{{user}}"));
    let fake = FakeTelegram::start()?;
    let people = fake.remote();
    people.strict_pace(true)?;
    let members: Vec<i64> = (1..=i64::try_from(chats)?).collect();
    let scene = Scene::new(agent)?
        .with_model(script.clone())?
        .with_telegram(&fake, &[])
        .with_variable("CORVID__TELEGRAM__MEMBERS", listed(&members));
    let started = Instant::now();
    let daemon = Daemon::start(&scene)?;
    let to_accepting = started.elapsed();
    let (idle_kib, ran) = (daemon.memory_kib()?, daemon.processor_time()?);
    std::thread::sleep(IDLE);
    let idle_processor = daemon.processor_time()?.saturating_sub(ran);
    let mut seen = people.ledger()?.len();
    let (mut rounds, mut kib) = (Vec::new(), Vec::new());
    let mut disk = floor::Disk::new(&scene.state())?;
    let mut syncs = Vec::new();
    for number in 0..messages {
        syncs.push(disk.sync()?);
        rounds.push(round(people, &members, number, &mut seen)?);
        kib.push(daemon.memory_kib()?);
    }
    let calls = people.ledger()?;
    let bodies: Vec<Value> = scene.model().map(first_body).unwrap_or_default();
    let crowd = Crowd {
        chats,
        to_accepting,
        idle_kib,
        idle_processor,
        rounds,
        kib,
        writes: calls.iter().filter(|call| writes(call)).count(),
        hurried: calls.iter().filter(|call| call.hurried).count(),
        faults: calls.into_iter().flat_map(|call| call.faults).collect(),
        doubled: doubled(people, &members, messages)?,
        sync: Spread::of(syncs),
        server: Spread::of(floor::server_alone(&script, &bodies, 30)?),
        exchange: Spread::of(exchanges(people, 30)?),
    };
    daemon.end()?;
    Ok(crowd)
}

/// Everybody's number, as the daemon's environment takes it.
fn listed(members: &[i64]) -> String {
    let numbers: Vec<String> = members.iter().map(i64::to_string).collect();
    numbers.join(",")
}

/// What this person writes in this round, and is answered with.
fn words(person: i64, round: usize) -> String {
    format!("round {round} of person {person};")
}

/// Everybody writes at once; how long each waits until the reply stands whole in their chat.
fn round(
    people: &Remote,
    members: &[i64],
    number: usize,
    seen: &mut usize,
) -> Result<Vec<Duration>, Box<dyn Error>> {
    let mut waiting: BTreeMap<i64, String> = members
        .iter()
        .map(|person| (*person, words(*person, number)))
        .collect();
    let began = people.uptime_us()?;
    people.say_all(
        waiting
            .iter()
            .map(|(person, text)| Say::private(*person, text)),
    )?;
    let mut waits = Vec::with_capacity(members.len());
    let all_answered = people.wait_for(ROUND_LIMIT, |people| {
        std::thread::sleep(LOOK_EVERY);
        let calls = people.calls_from(*seen)?;
        // What is still open is looked at again; only polls stay open for long.
        let open = |call: &Call| call.answer.is_null() && call.method != "getUpdates";
        let open = calls.iter().position(open);
        for call in &calls[..open.unwrap_or(calls.len())] {
            let (chat, text) = (call.chat.unwrap_or_default(), call.text("text"));
            if waiting.get(&chat).is_some_and(|words| text.contains(words)) {
                waiting.remove(&chat);
                waits.push(Duration::from_micros(call.at_us.saturating_sub(began)));
            }
            *seen += 1;
        }
        Ok(waiting.is_empty())
    })?;
    if all_answered {
        Ok(waits)
    } else {
        Err(format!(
            "{} chats were never answered in round {number}",
            waiting.len()
        )
        .into())
    }
}

/// Whether a call writes into a chat.
fn writes(call: &Call) -> bool {
    ["sendMessage", "editMessageText"].contains(&call.method.as_str())
}

/// Replies that stand in their chat more than once, or not at all.
fn doubled(people: &Remote, members: &[i64], rounds: usize) -> io::Result<usize> {
    let mut doubled = 0;
    for person in members {
        let chat = people.chat(*person)?;
        for round in 0..rounds {
            let words = words(*person, round);
            let replies = chat
                .by_bot()
                .filter(|message| message.text.contains(&words));
            doubled += usize::from(replies.count() != 1);
        }
    }
    Ok(doubled)
}

/// The body of the first request, to see what the model's server takes for it alone.
fn first_body(model: &ModelServer) -> Vec<Value> {
    let first = model.ledger().into_iter().next();
    first.map(|entry| entry.body).into_iter().collect()
}

/// How long the least exchange with the fake takes.
fn exchanges(people: &Remote, count: usize) -> io::Result<Vec<Duration>> {
    (0..count)
        .map(|_| {
            let started = Instant::now();
            people.uptime_us()?;
            Ok(started.elapsed())
        })
        .collect()
}
