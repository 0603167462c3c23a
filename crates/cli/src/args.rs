//! The command line: every command, option and word of help.
//! Invariant: only what works is in it.
//! It must not know how a command does its work.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

const EXIT_CODES: &str = "\
Exit codes:
  0    answered
  1    an error; the message names the fix
  2    the command line is wrong
  3    the model declined, or there is no model to ask
  4    a limit was reached, or the turn was stopped
  5    the model or the turn failed
  130  interrupted by Ctrl-C (the first stops the turn and records it, the second ends at once);
       143 the same by SIGTERM
  Standard output holds the answer alone; why there is none goes to standard error (but in `--json`).";

const VARIABLES: &str = "\
Environment:
  CORVID_HOME    config and state in this one folder
  CORVID_LOG     what is logged to standard error [default: warn], e.g. corvid_llm=debug
  CORVID__A__B   the config key `a.b`; `agent config show` lists all keys
  NO_COLOR       no colours";

const RUN_EXAMPLES: &str = "\
Examples:
  agent run -e \"what's in this folder?\"
  git diff | agent run -e \"review this\"
  agent run -s garden -e \"plan the beds\"     go on in the session `garden`, or begin it
  agent run -c -e \"and the next step?\"       go on in the session used last
  agent run --id nightly-42 -e \"tidy up\"     asked again with this key, it prints the same answer";

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
        after_help = RUN_EXAMPLES,
        after_long_help = format!("{RUN_EXAMPLES}\n\n{EXIT_CODES}")
    )]
    Run(Run),
    /// What was said before
    #[command(subcommand)]
    Sessions(Sessions),
    /// The language models
    #[command(subcommand)]
    Model(Model),
    /// The configuration
    #[command(subcommand)]
    Config(Config),
    /// Check that everything Corvid needs is there
    Doctor(Json),
    /// Print a completion script for a shell
    #[command(
        after_help = "For bash: agent completions bash > ~/.local/share/bash-completion/completions/agent"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// `run`
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
    /// Where a message lands that was given without `-e`, so that the error can say so.
    #[arg(hide = true, value_name = "TEXT")]
    pub(crate) stray: Vec<String>,
}

/// `sessions`
#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
pub(crate) enum Sessions {
    /// List sessions, the latest first
    List {
        /// How many
        #[arg(long, short = 'n', value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
        #[command(flatten)]
        json: Json,
    },
    /// Show what was said and done in a session
    Show {
        /// The session's name or id
        #[arg(value_name = "ID")]
        session: String,
        #[command(flatten)]
        json: Json,
    },
}

/// `model`
#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
pub(crate) enum Model {
    /// List providers, and which of them has a key
    List(Json),
    /// Make one tiny request to a model
    Test {
        /// `provider/model` or a provider's name [default: the model that `run` would use]
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
}

/// `config`
#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
pub(crate) enum Config {
    /// Print where the config file is
    Path,
    /// Show every key with its value and where that comes from
    Show(Json),
    /// Print one key's value
    Get {
        /// The key, e.g. `tools.timeout_secs`
        key: String,
    },
    /// Set a key in the config file; comments in it stay
    Set {
        /// The key, e.g. `tools.timeout_secs`
        key: String,
        /// Its value; lists are separated by colons
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Check the config file and the environment
    Check,
}

/// An answer for programs.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Json {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
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
