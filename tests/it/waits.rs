//! Waiting by a clock that the test moves: the real binary, a real provider's "come back later", no real time.
//! Invariant: nothing here sleeps.
//! It must not know how a wait is made.

use std::time::Duration;

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
    let clock = ClockServer::start(START)?;
    let scene = Scene::new(env!("CARGO_BIN_EXE_agent"))?
        .with_model(script)?
        .with_variable("CORVID_CLOCK", clock.address().to_string());
    let model = scene.model().ok_or("no model")?;

    let asking = scene.start_run(["-e", "are you there?"])?;
    assert!(model.wait_for(LIMIT, |entries| ended(entries) == 1));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    // The time-out of a silent provider lies beyond the wait that it asked for.
    let before_timeout = START + 2 * ASKED_SECS * 1_000;
    let waited_for = runtime.block_on(async {
        let wait = clock.clock().next_wait_before(before_timeout);
        tokio::time::timeout(Duration::from_secs(30), wait).await
    })?;
    assert!(waited_for >= START + ASKED_SECS * 1_000, "{waited_for}");
    assert_eq!(model.ledger().len(), 1, "nothing is asked before its time");
    clock.clock().set(waited_for);

    let said = asking.wait()?;
    assert_eq!((said.stdout.as_str(), said.code), ("at last\n", Some(0)));
    assert_eq!(model.violations(), [] as [String; 0]);
    Ok(())
}

fn ended(entries: &[Entry]) -> usize {
    let complete = |entry: &&Entry| entry.end == End::Complete;
    entries.iter().filter(complete).count()
}
