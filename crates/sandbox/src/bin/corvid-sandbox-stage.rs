//! A helper executable that is nothing but the sandbox's stages, for the tests of this crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    corvid_sandbox::enter().unwrap_or(ExitCode::from(2))
}
