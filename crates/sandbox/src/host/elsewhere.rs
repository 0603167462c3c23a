//! Systems that are not Linux: what is portable, and nothing else.
//! Invariant: says of everything that it is not there, so that every command asks and none is half confined.
//! It must not know how commands are begun or ended; the portable part does.

use std::io;
use std::process::{Child, Command, ExitCode};

use tokio::net::UnixStream;

use super::config::Isolation;
use super::plan::Confinement;
use super::portable;

/// Where a process finds the numbers of its open files.
pub(super) const OPEN_FILES: &str = "/dev/fd";

/// What is left where nothing can be enforced.
pub(super) const UNCONFINED: Isolation = Isolation::Nothing;

/// How a supervisor settled.
pub(super) enum Settled {
    /// As planned.
    Whole,
    /// Never here.
    #[expect(
        dead_code,
        reason = "other systems may lack namespaces that were planned"
    )]
    WithoutNamespaces(String),
}

/// What a quick look says of namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlook {
    /// Never here.
    #[expect(dead_code, reason = "other systems may have namespaces")]
    Good,
    /// There are none.
    None,
    /// Never here.
    #[expect(dead_code, reason = "other systems may have to be asked by trying")]
    Unclear,
}

pub(super) fn no_namespaces() -> String {
    "this system has no namespaces".to_owned()
}

pub(super) fn expected() -> Outlook {
    Outlook::None
}

pub(super) fn missing(_isolation: Isolation) -> Vec<String> {
    portable::missing()
}

pub(super) fn ports_held() -> bool {
    false
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "other systems have to act, which may fail"
)]
pub(super) fn settle(_isolation: Isolation) -> io::Result<Settled> {
    Ok(Settled::Whole)
}

/// There is no network but the machine's, in which the parent listens.
#[expect(
    clippy::unnecessary_wraps,
    reason = "other systems have to act, which may fail"
)]
pub(super) fn open_way_out(_plan: &Confinement) -> io::Result<()> {
    Ok(())
}

pub(super) fn stage(_isolation: Isolation) -> io::Result<Command> {
    portable::stage()
}

pub(super) fn end(stage: &Child, _isolation: Isolation) -> i32 {
    portable::end(stage)
}

/// There is no stage that confines.
pub(super) fn confine() -> ExitCode {
    ExitCode::FAILURE
}

/// There are no namespaces to look for.
pub(super) fn probe() -> ExitCode {
    ExitCode::FAILURE
}

/// No supervisor has a listener to hand over.
pub(super) async fn receive(_supervisor: &UnixStream) -> io::Result<std::net::TcpListener> {
    std::future::ready(Err(io::ErrorKind::Unsupported.into())).await
}

/// What names the machine's present boot.
pub(super) fn boot_id() -> io::Result<String> {
    let told = Command::new("/usr/sbin/sysctl")
        .args(["-n", "kern.bootsessionuuid"])
        .output()?;
    String::from_utf8(told.stdout).map_err(io::Error::other)
}
