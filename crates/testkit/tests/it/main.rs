//! The fakes as a person or another process uses them: through their binaries and sockets.
//! Invariant: nothing here reaches into the crate beyond its public API.
//! It must not know Corvid.

#[cfg(feature = "telegram")]
mod fake_telegram;
mod model_server;
