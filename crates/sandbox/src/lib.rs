//! Where untrusted code runs: the host sandbox for commands, the proxy that is their one way out, and the paths
//! that file tools may touch.
//! Invariant: what is not granted is denied by the system itself, whatever a command or a path says.
//! It must not know tools, turns, or who asked.

pub mod egress;
mod grants;
mod host;
pub mod paths;

pub use grants::credential_paths;
pub use host::{HostConfig, HostSandbox, Isolation, Limits, boot_id, enter};
