//! The built-in tools and the policy: what the agent can do, and whether it may.
//! Invariant: every tool declares its effect, and one that changes something can say afterwards whether it did.
//! It must not know who called, how code is confined, or any messenger or provider.

mod arguments;
mod blocking;
mod config;
mod output;
pub mod policy;
mod system;

use std::sync::Arc;

use corvid_core::{Sandbox, Tool, Toolset};

pub use config::Config;

/// The built-in tools; commands run in `sandbox`.
pub fn builtin(config: Config, sandbox: Arc<dyn Sandbox>) -> Toolset {
    let config = Arc::new(config);
    let tools: [Arc<dyn Tool>; 2] = [
        Arc::new(output::Read::new(Arc::clone(&config))),
        Arc::new(system::Run::new(config, sandbox)),
    ];
    Toolset::new(tools)
}
