//! Everything that stands in for the outside world in tests: a model server, a clock, outside effects.
//! Invariant: fakes stand at the wire, are strict with what they get, and keep a ledger of it.
//! It must not know the insides of what it tests; verdicts come from ledgers, outputs and files alone.

mod clock;
#[cfg(feature = "faults")]
pub mod crash;
mod effect_server;
mod http;
mod loopback;
pub mod model_server;
mod probe;
mod process;
mod scene;
#[cfg(feature = "sqlite")]
mod state_file;
pub mod telegram;

pub use clock::{ClockServer, ManualClock, ServedClock};
pub use effect_server::{EffectCall, EffectServer};
pub use model_server::ModelServer;
pub use probe::{PROBES, probes};
pub use process::{LIMIT, Output, Process};
pub use scene::Scene;
#[cfg(feature = "sqlite")]
pub use state_file::{LogMark, Recorded, RecordedInput, StateFile};
pub use telegram::FakeTelegram;
