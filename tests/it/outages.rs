//! How often a provider that fails is asked, all layers together (PROTOCOLS, "Model providers").
//! Invariant: the server's own ledger is the count.
//! It must not know which layer asks again.

use std::io;

use corvid_testkit::model_server::{Fault, Reply, Script};

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
