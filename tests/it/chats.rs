//! Many chats at once: everybody is answered, nobody much later than the rest, and memory stays as it was. The figures
//! of a release come from `corvid-load telegram`.
//! Invariant: an answer counts from the moment at which its text stands in the chat, by the messenger's own ledger.
//! It must not know how sessions share the machine.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _, stderr};

use corvid_testkit::LIMIT;
use corvid_testkit::model_server::{Reply, Script};
use corvid_testkit::telegram::{Remote, Say};

use crate::daemon::Stage;

/// How many people write at once. A bot may write thirty times a second, and an answer takes it two calls.
const PEOPLE: i64 = 60;

/// By how much the daemon may grow from one round to the next, in KiB.
const GROWTH_KIB: u64 = 8 * 1_024;

/// The resident memory of a process, in KiB: now, and at most so far.
pub(crate) fn memory_kib(pid: u32) -> io::Result<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    Ok((of("VmRSS:"), of("VmHWM:")))
}

/// Everybody writes at once; how long each waited for their answer, in microseconds, the shortest first.
fn round(telegram: &Remote, people: &[i64], number: usize) -> io::Result<Vec<u64>> {
    let answer = |person: i64| format!("answer to {number} of {person};");
    let say = |person: &i64| Say::private(*person, format!("{number} of {person};"));
    let first = telegram.ledger()?.len();
    let began = telegram.uptime_us()?;
    telegram.say_all(people.iter().map(say))?;
    let mut waits: BTreeMap<i64, u64> = BTreeMap::new();
    let all = telegram.wait_for(LIMIT, |telegram| {
        for call in telegram.calls_from(first)? {
            let Some(chat) = call.chat.filter(|_| call.acted) else {
                continue;
            };
            if call.text("text") == answer(chat) {
                waits.entry(chat).or_insert(call.at_us - began);
            }
        }
        Ok(waits.len() == people.len())
    })?;
    assert!(all, "{} of {} are answered", waits.len(), people.len());
    let mut waits: Vec<u64> = waits.into_values().collect();
    waits.sort_unstable();
    Ok(waits)
}

#[test]
fn many_chats_at_once_are_answered_evenly() -> io::Result<()> {
    let people: Vec<i64> = (1..=PEOPLE).collect();
    let ids: Vec<String> = people.iter().map(i64::to_string).collect();
    let script = Script::new().otherwise(Reply::text("answer to {{user}}"));
    let stage = Stage::new(script)?
        .set("CORVID__TELEGRAM__MEMBERS", &ids.join(","))
        .started()?;
    let pid = stage.daemon()?.pid();
    let telegram = stage.telegram();
    let mut kib = Vec::new();
    for number in 0..3 {
        let waits = round(telegram, &people, number)?;
        let (median, slowest) = (waits[waits.len() / 2], waits[waits.len() - 1]);
        writeln!(
            stderr(),
            "round {number}: median {median} µs, slowest {slowest} µs"
        )?;
        assert!(
            slowest <= 3 * median,
            "median {median} µs, slowest {slowest} µs"
        );
        kib.push(memory_kib(pid)?.0);
    }
    writeln!(stderr(), "{kib:?} KiB")?;
    assert!(kib[2] <= kib[1] + GROWTH_KIB, "{kib:?} KiB");
    for person in people {
        let chat = telegram.chat(person)?;
        let texts = chat.bot_texts();
        let expect: Vec<String> = (0..3)
            .map(|n| format!("answer to {n} of {person};"))
            .collect();
        assert_eq!(texts, expect);
    }
    assert_eq!(telegram.violations()?, [] as [String; 0]);
    Ok(())
}
