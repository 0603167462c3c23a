//! The built-in tools and the policy: what the agent can do, and whether it may.
//! Invariant: every tool declares its effect, and one that changes something can say afterwards whether it did.
//! It must not know who called, how code is confined, or any messenger or provider.

mod arguments;
mod blocking;
mod chat;
pub mod checkpoint;
mod config;
mod display;
mod file;
mod ignored;
mod job;
mod output;
pub mod policy;
mod system;

use std::sync::Arc;

use corvid_core::{Sandbox, Tool, Toolset};

pub use chat::SentPictures;
pub use config::Config;

/// The built-in tools; commands run in `sandbox`.
pub fn builtin(config: Config, sandbox: Arc<dyn Sandbox>) -> Toolset {
    let config = Arc::new(Config {
        // What a call gets without asking is never more than it may ask for.
        timeout: config.timeout.min(config.max_timeout),
        background: config.background.min(config.max_background),
        ..config
    });
    let shared = || Arc::clone(&config);
    let queue = Arc::new(file::Queue::default());
    let tools: [Arc<dyn Tool>; 12] = [
        Arc::new(chat::AskUser::new(shared())),
        Arc::new(chat::SendFile::new(shared())),
        Arc::new(file::Changer::<file::Edit>::new(
            shared(),
            Arc::clone(&queue),
        )),
        Arc::new(file::Changer::<file::Write>::new(shared(), queue)),
        Arc::new(file::List::new(shared())),
        Arc::new(file::Read::new(shared())),
        Arc::new(file::Search::new(shared())),
        Arc::new(job::Cancel::new(shared())),
        Arc::new(job::List::new(shared())),
        Arc::new(job::Output::new(shared())),
        Arc::new(output::Read::new(shared())),
        Arc::new(system::Run::new(shared(), sandbox)),
    ];
    Toolset::new(tools)
}
