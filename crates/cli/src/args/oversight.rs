//! The words of the commands by which a person keeps hold of what the agent does: `policy`, `approvals`, `jobs`,
//! `undo`.
//! Invariant: only what works is in it.
//! It must not know how a command does its work.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Json, Run, Turn};

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  agent policy explain \"system.run: git push\"
  agent policy explain --hosts crates.io \"system.run: cargo fetch\"
  agent policy explain \"file.write: src/main.rs\"";

/// `policy`
#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
pub(crate) enum Policy {
    /// Show every rule in force, in order; the last that matches decides
    Show(Json),
    /// Say what would become of a call, which rule decides, and what would change it
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(Explained),
}

/// A call to explain.
#[derive(Debug, Args)]
pub(crate) struct Explained {
    /// The tool, a colon, and what it acts on: a command, a path
    pub(crate) call: String,
    /// The session that the call is made in
    #[arg(long, short, value_name = "NAME")]
    pub(crate) session: Option<String>,
    /// The folder that the call is made in [default: where you are]
    #[arg(long, value_name = "DIR")]
    pub(crate) cwd: Option<PathBuf>,
    /// Hosts that a command asks to reach
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    pub(crate) hosts: Vec<String>,
    /// Places outside the working folder that a command asks to write
    #[arg(long, value_name = "PATH", value_delimiter = ',')]
    pub(crate) writes: Vec<String>,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// `approvals`
#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
pub(crate) enum Approvals {
    /// List the questions that are open, the oldest first
    List(Json),
    /// Show a question whole: exactly what an answer would allow
    Show {
        /// The question's id, or how it begins
        #[arg(value_name = "ID")]
        question: String,
        #[command(flatten)]
        json: Json,
    },
    /// Allow what is asked
    Approve {
        /// The question's id, or how it begins
        #[arg(value_name = "ID")]
        question: String,
        /// Allow exactly the same for the rest of the session too
        #[arg(long)]
        session: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Deny what is asked
    Deny {
        /// The question's id, or how it begins
        #[arg(value_name = "ID")]
        question: String,
        /// Why, or what to do instead; the model is told
        #[arg(default_value = "", hide_default_value = true)]
        reason: String,
        #[command(flatten)]
        json: Json,
    },
    /// Answer what the agent wants to know
    Answer {
        /// The question's id, or how it begins
        #[arg(value_name = "ID")]
        question: String,
        /// The answer, or the number of a choice
        text: String,
        #[command(flatten)]
        json: Json,
    },
}

/// `jobs`
#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
pub(crate) enum Jobs {
    /// List the jobs that run or wait, the newest first
    List {
        /// Those that have ended as well
        #[arg(long, short)]
        all: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Show a job: its command, where it runs, how it stands
    Show {
        /// The job's id, or how it begins
        #[arg(value_name = "ID")]
        job: String,
        #[command(flatten)]
        json: Json,
    },
    /// Print what a job has written so far
    Output {
        /// The job's id, or how it begins
        #[arg(value_name = "ID")]
        job: String,
    },
    /// End a job
    Cancel {
        /// The job's id, or how it begins
        #[arg(value_name = "ID")]
        job: String,
    },
    /// Let the command that a session waits for go on in the background
    Background {
        /// The session's name or id [default: the session used last]
        session: Option<String>,
    },
}

/// `undo`
#[derive(Debug, Args)]
#[command(
    after_help = "A file that was changed since the turn is left as it is. What commands change in `.git` and in files \
                  that Git ignores is neither kept nor restored. `agent sessions diff` shows what a turn changed."
)]
pub(crate) struct Undo {
    #[command(flatten)]
    pub(crate) turn: Turn,
    /// Say what would be restored, and leave everything as it is
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

impl Undo {
    /// The message `/undo` in a session.
    pub(crate) fn said(run: Run) -> Self {
        Self {
            turn: Turn {
                session: run.session,
                turn: None,
            },
            dry_run: false,
            json: Json { json: run.json },
        }
    }
}
