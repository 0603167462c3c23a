//! Waiting by a clock that the test moves: the real binary, a real provider's "come back later", no real time.
//! Invariant: nothing here sleeps.
//! It must not know how a wait is made.

use std::io;

use corvid_testkit::model_server::{End, Entry, Fault, Reply, Script, When};
use corvid_testkit::{ClockServer, LIMIT, Scene};

const START: i64 = 1_800_000_000_000;
const ASKED_SECS: i64 = 30;

#[test]
fn a_busy_provider_is_waited_for_as_long_as_it_asked() -> Result<(), Box<dyn std::error::Error>> {
    let busy = Fault::busy(429, ASKED_SECS.to_string());
    let script = Script::new()
        .once(When::any(), Reply::fault(busy))
        .otherwise(Reply::text("at last"));
    let (scene, clock) = stage(script)?;
    let model = scene.model().ok_or("no model")?;

    let asking = scene.start_run(["-e", "are you there?"])?;
    assert!(model.wait_for(LIMIT, |entries| ended(entries) == 1));
    let waited_for = next_wait(&clock)?;
    assert!(waited_for >= START + ASKED_SECS * 1_000, "{waited_for}");
    assert_eq!(model.ledger().len(), 1, "nothing is asked before its time");
    clock.clock().set(waited_for);

    let said = asking.wait()?;
    assert_eq!((said.stdout.as_str(), said.code), ("at last\n", Some(0)));
    assert_eq!(model.violations(), [] as [String; 0]);
    Ok(())
}

#[test]
fn a_connection_that_breaks_is_tried_three_times_in_all() -> Result<(), Box<dyn std::error::Error>>
{
    let (scene, clock) = stage(Script::new().otherwise(Reply::fault(Fault::Refuse)))?;
    let model = scene.model().ok_or("no model")?;
    let asking = scene.start_run(["-e", "are you there?"])?;
    for made in 1..=2 {
        assert!(model.wait_for(LIMIT, |entries| entries.len() == made));
        clock.clock().set(next_wait(&clock)?);
    }
    let failed = asking.wait()?;
    assert_eq!(failed.code, Some(5), "{}", failed.all());
    assert_eq!(model.ledger().len(), 3);
    Ok(())
}

/// A scene whose model follows the script, and the clock that its programs go by.
fn stage(script: Script) -> io::Result<(Scene, ClockServer)> {
    let clock = ClockServer::start(START)?;
    let scene = Scene::new(env!("CARGO_BIN_EXE_agent"))?
        .with_model(script)?
        .with_variable("CORVID_CLOCK", clock.address().to_string());
    Ok((scene, clock))
}

/// When the program that waits will go on; the time-out of a silent provider lies beyond that.
fn next_wait(clock: &ClockServer) -> io::Result<i64> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let before_timeout = START + 2 * ASKED_SECS * 1_000;
    let wait = clock.clock().next_wait_before(before_timeout);
    Ok(runtime.block_on(async { tokio::time::timeout(LIMIT, wait).await })?)
}

fn ended(entries: &[Entry]) -> usize {
    let complete = |entry: &&Entry| entry.end == End::Complete;
    entries.iter().filter(complete).count()
}
