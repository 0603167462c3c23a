//! Waiting before something is tried again.
//! Invariant: pauses grow up to a minute, and no two bots wait alike.
//! It must not know what is tried.

use corvid_core::Clock;
use corvid_core::wire::Millis;

/// The first and the longest pause.
const PAUSE_MS: Millis = 1_000;
const LONGEST_PAUSE_MS: Millis = 60_000;

/// A pause that grows with the number of those before it.
pub(super) async fn pause(clock: &dyn Clock, earlier: u32) {
    let longest = PAUSE_MS.saturating_mul(1 << earlier.min(6));
    let longest = longest.min(LONGEST_PAUSE_MS);
    // Half of it is left to chance, lest everybody come back at once.
    let wait = longest / 2 + longest / 2 * Millis::from(chance()) / 255;
    sleep(clock, wait).await;
}

/// A pause of so many milliseconds.
pub(super) async fn sleep(clock: &dyn Clock, wait: Millis) {
    clock.sleep_until(clock.now().saturating_add(wait)).await;
}

/// A random byte; the middle where the system has none.
fn chance() -> u8 {
    let mut byte = [127];
    match getrandom::fill(&mut byte) {
        Ok(()) => byte[0],
        Err(_) => 127,
    }
}
