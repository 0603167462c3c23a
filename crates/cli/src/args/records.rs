//! The words of the commands that show and set up: `sessions`, `model`, `config`.
//! Invariant: only what works is in it.
//! It must not know how a command does its work.

use clap::{Args, Subcommand};

use super::Json;

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
    /// Show what a turn changed in files
    Diff(Turn),
}

/// A turn and its changes.
#[derive(Debug, Args)]
pub(crate) struct Turn {
    /// The session's name or id [default: the session used last]
    #[arg(value_name = "SESSION")]
    pub(crate) session: Option<String>,
    /// The turn's number [default: the last that changed a file]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) turn: Option<u32>,
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
        /// Its value; lists are separated by colons (hosts by commas), rules are a list of TOML
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Check the config file and the environment
    Check,
}
