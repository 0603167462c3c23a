//! The words of the commands around what runs for messengers: `start`, `stop`, `restart`, `status`, `logs`, `pair`.
//! Invariant: only what works is in it.
//! It must not know how a command does its work.

use clap::{Args, Subcommand, ValueEnum};
use corvid_core::wire::Role;

use super::Json;

/// What stands below the help of `start`.
pub(super) const START: &str = "\
It stays in the foreground and belongs to whoever started it: a terminal, a service manager.
  agent config set telegram.token TOKEN   the bot that people write to; @BotFather makes one
  agent start
  agent pair approve CODE                 elsewhere, with the code that the bot told a person who
                                          wrote to it: lets them in, the first as owner

One runs for a home. SIGTERM or Ctrl-C ends it: what it is at work on has `daemon.grace_secs`, and
goes on with the next start if that is too short. A second one ends it at once. SIGHUP, or a change
of the config file, makes it read the config anew.

Exit codes: 0 stopped, 1 an error, 2 the config or the command line is wrong.";

/// What stands below the help of `stop`.
pub(super) const STOP: &str = "\
It waits until the agent has ended. What was running goes on with the next start.

Exit codes: 0 if none runs any more, else 1.";

/// What stands below the help of `restart`.
pub(super) const RESTART: &str = "\
The agent ends as with `agent stop` and then runs anew in the same process: the same number,
arguments, environment and starter, so that a service manager notices nothing. The config is read
anew, and a binary that was replaced is the new one. If the config is wrong, everything stays.";

/// What stands below the help of `status`.
pub(super) const STATUS: &str = "Exit codes: 0 it runs, 3 it does not.";

/// `status`
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Status {
    /// Say nothing; the exit code tells
    #[arg(long, short, conflicts_with = "json")]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// `logs`
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Log {
    /// Go on with what is logged from now on, until Ctrl-C
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// How many lines
    #[arg(long, short = 'n', value_name = "N", default_value_t = 100)]
    pub(crate) lines: usize,
}

/// `pair`
#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
pub(crate) enum Pair {
    /// List the people who wait to be let in
    List(Json),
    /// Let in whoever was told this code
    Approve {
        /// The code that the bot told them, e.g. K7M2-9Q4X
        code: String,
        /// What they may do [default: owner for the first, else member]
        #[arg(long, value_name = "ROLE")]
        role: Option<RoleName>,
        #[command(flatten)]
        json: Json,
    },
    /// List the people who may talk to the agent
    People(Json),
    /// Let somebody in no longer, or make their code void
    Revoke {
        /// The channel and the person's number in it, e.g. telegram:4711
        #[arg(value_name = "CHANNEL:ID")]
        person: String,
    },
}

/// A role as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleName {
    /// May do everything, and approves for others
    Owner,
    /// May talk to the agent
    Member,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Owner => Self::Owner,
            RoleName::Member => Self::Member,
        }
    }
}
