//! How the program ends, as the help documents it.
//! Invariant: one number for one meaning, of each command.
//! It must not know what a command did.

use std::fmt;
use std::process::ExitCode;

use corvid_core::wire::Ending;

/// The end of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked.
    Done,
    /// Something was wrong; it was said on standard error.
    Error,
    /// The command line is wrong.
    Usage,
    /// The model declined, or there is none.
    Declined,
    /// What was asked about does not run.
    NotRunning,
    /// A limit was reached, or the turn was stopped from elsewhere.
    Limited,
    /// The model or the turn failed.
    Failed,
    /// It was answered, but something needed an approval and got none.
    Unapproved,
    /// A signal of this number ended it.
    Signal(u8),
}

impl Exit {
    /// The number for the shell.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Error => 1,
            Self::Usage => 2,
            // Service managers know the number so.
            Self::Declined | Self::NotRunning => 3,
            Self::Limited => 4,
            Self::Failed => 5,
            Self::Unapproved => 6,
            Self::Signal(number) => 128 + number,
        }
    }
}

/// An error that ends the program with a code of its own.
#[derive(Debug)]
pub(crate) struct Refused {
    exit: Exit,
    text: String,
}

impl Refused {
    /// With this code and this sentence for the person.
    pub(crate) fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self {
            exit,
            text: text.into(),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Refused {}

impl From<&anyhow::Error> for Exit {
    fn from(error: &anyhow::Error) -> Self {
        error
            .downcast_ref::<Refused>()
            .map_or(Self::Error, |refused| refused.exit)
    }
}

impl From<Ending> for Exit {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Answered => Self::Done,
            Ending::Declined => Self::Declined,
            Ending::Limited | Ending::Stopped => Self::Limited,
            Ending::Failed | Ending::Crashed => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
