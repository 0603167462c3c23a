//! Models: providers that speak OpenAI's chat completions, and the built-in `manual`; and who listens to recordings.
//! Invariant: encode and decode are pure; a key goes to its own provider's host only; an answer is whole or
//! an error.
//! It must not know turns, the journal, the environment or any file.

mod catalogue;
mod client;
mod config;
mod endpoint;
mod fault;
mod manual;
pub mod openai;
mod presets;
mod retry;
mod sight;
pub mod sse;
mod transcribe;
mod transport;

pub use catalogue::{Catalogue, KeyState, ModelRow, Tested, catalogue};
pub use config::{Config, Images, ProviderConfig, ProviderKey, Timeouts};
pub use fault::Complaint;
pub use presets::{EndMark, KeyRule, PRESETS, Preset, Quirks, Streaming};
pub use transcribe::Transcriber;
