//! How often a provider that fails is asked, all layers together (PROTOCOLS, "Model providers"), and what the log
//! says of it.
//! Invariant: the server's own ledger is the count.
//! It must not know which layer asks again.

use std::io;

use corvid_testkit::model_server::{Fault, Reply, Script, When};

use crate::stage::scene;

/// One `run` against a server that always fails so.
fn check(fault: Fault, requests: usize) -> io::Result<()> {
    let script = Script::new().otherwise(Reply::fault(fault));
    let scene = scene()?.with_model(script)?;
    let failed = scene.run(["-e", "hello"])?;
    assert_eq!(failed.code, Some(5), "{}", failed.all());
    let ledger = scene.model().map(|model| model.ledger().len());
    assert_eq!(ledger, Some(requests), "{}", failed.all());
    Ok(())
}

#[test]
fn a_busy_provider_is_asked_five_times() -> io::Result<()> {
    check(Fault::busy(429, "0"), 5)?;
    check(Fault::busy(503, "0"), 5)
}

#[test]
fn a_failing_provider_is_asked_three_times() -> io::Result<()> {
    check(Fault::busy(500, "0"), 3)
}

#[test]
fn a_refusal_is_not_asked_about_again() -> io::Result<()> {
    check(Fault::status(401, "invalid_api_key", "no"), 1)
}

#[test]
fn the_log_says_whose_turn_failed() -> io::Result<()> {
    let busy = Reply::fault(Fault::busy(503, "0"));
    let script = Script::new()
        .once(When::any(), busy)
        .otherwise(Reply::text("at last"));
    let scene = scene()?
        .with_model(script)?
        .with_variable("CORVID_LOG", "warn,corvid_llm=debug");
    let said = scene.run(["-s", "x", "-e", "hello"])?;
    assert_eq!(said.stdout, "at last\n", "{}", said.all());
    let turn =
        r#"turn{session=x channel="terminal" turn=1}: corvid_llm::transport: model request failed"#;
    assert!(said.stderr.contains(turn), "{}", said.stderr);
    Ok(())
}
