//! What there is to attack on a machine: another process, sockets, a terminal.
//! Invariant: all of it is real and in use while an attack runs.
//! It must not know the attacks.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::PathBuf;
use std::process::{Child, Command};

use rustix::pty::OpenptFlags;

use crate::scene::Scene;

/// What there is to attack beside a scene's folders.
pub(crate) struct Target {
    pub(crate) victim: Child,
    pub(crate) unix: PathBuf,
    pub(crate) datagram: PathBuf,
    pub(crate) tcp_port: u16,
    pub(crate) abstract_name: String,
    pub(crate) terminal: Terminal,
    _open: (UnixListener, UnixDatagram, TcpListener, UnixListener),
}

/// A terminal that somebody sits at.
pub(crate) struct Terminal {
    pub(crate) path: PathBuf,
    _open: (OwnedFd, std::fs::File),
}

impl Target {
    pub(crate) fn new(scene: &Scene) -> Self {
        use std::os::linux::net::SocketAddrExt as _;
        let (unix, datagram) = (scene.at("docker.sock"), scene.at("log.sock"));
        let abstract_name = scene.at("abstract").display().to_string();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let named = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        Self {
            victim: Command::new("sleep")
                .arg("600")
                .env("SECRET", "the-victim's")
                .spawn()
                .unwrap(),
            tcp_port: tcp.local_addr().unwrap().port(),
            terminal: Terminal::new(),
            _open: (
                UnixListener::bind(&unix).unwrap(),
                UnixDatagram::bind(&datagram).unwrap(),
                tcp,
                UnixListener::bind_addr(&named).unwrap(),
            ),
            unix,
            datagram,
            abstract_name,
        }
    }

    pub(crate) fn victim_lives(&mut self) -> bool {
        self.victim.try_wait().unwrap().is_none()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if self.victim.kill().is_ok() {
            self.victim.wait().unwrap();
        }
    }
}

impl Terminal {
    pub(crate) fn new() -> Self {
        let person = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        rustix::pty::grantpt(&person).unwrap();
        rustix::pty::unlockpt(&person).unwrap();
        let name = rustix::pty::ptsname(&person, Vec::new()).unwrap();
        let path = PathBuf::from(std::ffi::OsStr::from_bytes(name.as_bytes()));
        let device = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .unwrap();
        Self {
            path,
            _open: (person, device),
        }
    }

    /// Whether the system lets anybody type into a terminal at all.
    pub(crate) fn takes_input() -> bool {
        rustix::process::geteuid().is_root()
            || std::fs::read_to_string("/proc/sys/dev/tty/legacy_tiocsti")
                .is_ok_and(|setting| setting.trim() == "1")
    }
}
