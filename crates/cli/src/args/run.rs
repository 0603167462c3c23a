//! The words of `agent run`.
//! Invariant: only what works is in it.
//! It must not know how a turn runs.

use std::path::PathBuf;

use clap::Args;

/// What stands below its help.
pub(super) const EXAMPLES: &str = "\
Examples:
  agent run -e \"what's in this folder?\"
  git diff | agent run -e \"review this\"
  agent run -s garden -e \"plan the beds\"     go on in the session `garden`, or begin it
  agent run -c -e \"and the next step?\"       go on in the session used last
  agent run --id nightly-42 -e \"tidy up\"     asked again with this key, it prints the same answer
  agent run --yes -e \"fetch the crates\"      whatever a rule says to ask about is allowed
  agent run -c -e /undo                      take back what the last turn changed in files";

/// `run`
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line, which clap reads into a bool"
)]
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// What to ask; standard input is appended when it is not a terminal
    #[arg(
        short = 'e',
        long = "execute",
        value_name = "TEXT",
        allow_hyphen_values = true
    )]
    pub(crate) text: Option<String>,
    /// The session to go on with: a name (made if it is not there) or an id `s-…`
    #[arg(short, long, value_name = "NAME", conflicts_with = "continue_last")]
    pub(crate) session: Option<String>,
    /// Go on with the session used last
    #[arg(long = "continue", short = 'c')]
    pub(crate) continue_last: bool,
    /// A key of your own: asked again under it, the recorded answer is printed without a new turn
    #[arg(long, value_name = "KEY")]
    pub(crate) id: Option<String>,
    /// The model to use, `provider/model`
    #[arg(long, short, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// The folder to work in [default: where you are]
    #[arg(long, value_name = "DIR")]
    pub(crate) cwd: Option<PathBuf>,
    /// Print JSON lines: what happens as it happens, and last the reply
    #[arg(long)]
    pub(crate) json: bool,
    /// Stop after this many model calls
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) max_steps: Option<u32>,
    /// Allow whatever a rule says to ask about; what is denied stays denied
    #[arg(long)]
    pub(crate) yes: bool,
    /// With nobody at the terminal, wait until `agent approvals` answers instead of denying
    #[arg(long)]
    pub(crate) wait: bool,
    /// Where a message lands that was given without `-e`, so that the error can say so.
    #[arg(hide = true, value_name = "TEXT")]
    pub(crate) stray: Vec<String>,
}
