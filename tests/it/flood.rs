//! A flood: ten thousand messages from hundreds of people, each told twice, in any order.
//! Invariant: what counts is read from the database file; what memory it took, from the system.
//! It must not know how a message is admitted.

use std::collections::BTreeSet;
use std::io::{self, Write as _, stderr};
use std::time::Duration;

use corvid_testkit::model_server::{Reply, Script};
use corvid_testkit::telegram::{Mode, Say};
use corvid_testkit::{ClockServer, StateFile};

use crate::chats::memory_kib;
use crate::daemon::Stage;

/// How many people write, and how often each.
const PEOPLE: i64 = 500;
const EACH: i64 = 20;

/// By how much the daemon may grow while it takes everything, in KiB: sessions at work, no messages.
const GROWTH_KIB: u64 = 96 * 1_024;

/// How long that may take, on a slow machine that has much else to do as well.
const PATIENCE: Duration = Duration::from_mins(4);

/// The clock stands still, so that no reply and no typing is in the way; the model never answers.
#[test]
fn ten_thousand_messages_told_twice_are_taken_once() -> io::Result<()> {
    let clock = ClockServer::start(1_800_000_000_000)?;
    let script = Script::new().otherwise(Reply::text("never").gate("never"));
    let people: Vec<i64> = (1..=PEOPLE).collect();
    let ids: Vec<String> = people.iter().map(i64::to_string).collect();
    let stage = Stage::new(script)?
        .set("CORVID_CLOCK", &clock.address().to_string())
        .set("CORVID__TELEGRAM__MEMBERS", &ids.join(","))
        .started()?;
    let pid = stage.daemon()?.pid();
    let telegram = stage.telegram();
    telegram.updates(Mode {
        twice: true,
        shuffle: Some(4711),
        held: true,
    })?;
    let said = (0..EACH).flat_map(|number| {
        let text = move |person: &i64| Say::private(*person, format!("{number} of {person}"));
        people.iter().map(text).collect::<Vec<_>>()
    });
    telegram.say_all(said)?;
    let total = usize::try_from(PEOPLE * EACH).unwrap_or(0);
    assert_eq!(telegram.pending()?, 2 * total);
    let (before_kib, _) = memory_kib(pid)?;
    let began = telegram.uptime_us()?;
    telegram.updates(Mode::default())?;
    let taken = telegram.wait_for(PATIENCE, |remote| Ok(remote.pending()? == 0))?;
    assert!(taken, "{} updates are left", telegram.pending()?);
    let took_ms = (telegram.uptime_us()? - began) / 1_000;
    let (after_kib, peak_kib) = memory_kib(pid)?;
    writeln!(
        stderr(),
        "{total} twice in {took_ms} ms; {before_kib} KiB before, {after_kib} after, {peak_kib} at most"
    )?;

    let mut file = StateFile::open(&stage.scene().state())?;
    let inputs = file.inputs()?;
    assert_eq!(file.integrity()?, "ok");
    file.close()?;
    let ids: BTreeSet<&str> = inputs
        .iter()
        .map(|input| input.external_id.as_str())
        .collect();
    assert_eq!((inputs.len(), ids.len()), (total, total));
    let sessions: BTreeSet<&str> = inputs.iter().map(|input| input.session.as_str()).collect();
    assert_eq!(sessions.len(), people.len());
    let grown = peak_kib.saturating_sub(before_kib);
    assert!(grown <= GROWTH_KIB, "{before_kib} KiB grew to {peak_kib}");
    Ok(())
}
