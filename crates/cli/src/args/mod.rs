//! The command line: every command, option and word of help.
//! Invariant: only what works is in it.
//! It must not know how a command does its work.

mod daemon;
mod oversight;
mod records;
mod run;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use daemon::{Log, Pair, Status};
pub(crate) use oversight::{Approvals, Explained, Jobs, Policy, Undo};
pub(crate) use records::{Config, Model, Sessions, Turn};
pub(crate) use run::Run;

use run::EXAMPLES;

const EXIT_CODES: &str = "\
Exit codes:
  0    answered
  1    an error; the message names the fix
  2    the command line is wrong
  3    the model declined, or there is no model to ask
  4    a limit was reached, or the turn was stopped
  5    the model or the turn failed
  6    answered, but something needed an approval and got none
  130  interrupted by Ctrl-C (the first stops the turn and records it, the second ends at once);
       143 the same by SIGTERM
  Standard output holds the answer alone; why there is none goes to standard error (but in `--json`).";

const VARIABLES: &str = "\
Environment:
  CORVID_HOME    config and state in this one folder
  CORVID_LOG     what is logged to standard error [default: warn], e.g. corvid_llm=debug
  CORVID__A__B   the config key `a.b`; `agent config show` lists all keys
  NO_COLOR       no colours";

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "agent",
    version,
    about = "Corvid, an autonomous agent: it reasons, uses tools in a sandbox, and loses nothing",
    after_long_help = format!("{EXIT_CODES}\n\n{VARIABLES}"),
    after_help = "`agent --help` also tells exit codes and variables.",
    max_term_width = 100
)]
pub(crate) struct Line {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// A command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask once and print the answer
    #[command(
        after_help = EXAMPLES,
        after_long_help = format!("{EXAMPLES}\n\n{EXIT_CODES}")
    )]
    Run(Run),
    /// Run the agent for messengers, until it is stopped
    #[command(after_help = daemon::START)]
    Start,
    /// Stop the agent that runs for messengers
    #[command(after_help = daemon::STOP)]
    Stop,
    /// Let the agent that runs for messengers begin anew
    #[command(after_help = daemon::RESTART)]
    Restart,
    /// Say how the agent that runs for messengers is
    #[command(after_help = daemon::STATUS)]
    Status(Status),
    /// Show what the agent that runs for messengers has logged
    Logs(Log),
    /// Who may talk to the agent in messengers
    #[command(subcommand)]
    Pair(Pair),
    /// What was said before
    #[command(subcommand)]
    Sessions(Sessions),
    /// Questions that wait for an answer: what may run, what the agent wants to know
    #[command(subcommand)]
    Approvals(Approvals),
    /// Commands that run in the background
    #[command(subcommand)]
    Jobs(Jobs),
    /// Take back what a turn changed in files
    Undo(Undo),
    /// What runs without asking, what asks, what may not run
    #[command(subcommand)]
    Policy(Policy),
    /// The language models
    #[command(subcommand)]
    Model(Model),
    /// The configuration
    #[command(subcommand)]
    Config(Config),
    /// Check that everything Corvid needs is there
    Doctor(Doctor),
    /// Print a completion script for a shell
    #[command(
        after_help = "For bash: agent completions bash > ~/.local/share/bash-completion/completions/agent"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// An answer for programs.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Json {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `doctor`
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Doctor {
    /// Ask services elsewhere, too: whether Telegram knows the bot
    #[arg(long)]
    pub(crate) online: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Line::command().debug_assert();
    }

    #[test]
    fn help_reads_well() {
        // As wide as it gets, whatever the terminal of the person who runs the tests.
        let wide = |command: clap::Command| command.term_width(100).render_long_help();
        insta::assert_snapshot!("help", wide(Line::command()));
        for command in Line::command().get_subcommands().cloned() {
            let name = format!("help_{}", command.get_name());
            insta::assert_snapshot!(name, wide(command));
        }
    }
}
