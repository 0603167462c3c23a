//! Attacks of a hostile command: each succeeds bare, so that it proves something, and fails in the sandbox.
//! Invariant: an attack is one shell line; it succeeds if and only if it exits with 0.
//! It must not know how an attack is stopped.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::PathBuf;
use std::process::{Child, Command};

use corvid_sandbox::Isolation;
use nix::libc;
use rustix::pty::OpenptFlags;

use crate::scene::{EVERY_ISOLATION, Scene};

/// What there is to attack beside a scene's folders.
struct Target {
    victim: Child,
    unix: PathBuf,
    datagram: PathBuf,
    tcp_port: u16,
    abstract_name: String,
    terminal: Terminal,
    _open: (UnixListener, UnixDatagram, TcpListener, UnixListener),
}

/// A terminal that somebody sits at.
struct Terminal {
    path: PathBuf,
    _open: (OwnedFd, std::fs::File),
}

impl Target {
    fn new(scene: &Scene) -> Self {
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

    fn victim_lives(&mut self) -> bool {
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
    fn new() -> Self {
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
    fn takes_input() -> bool {
        rustix::process::geteuid().is_root()
            || std::fs::read_to_string("/proc/sys/dev/tty/legacy_tiocsti")
                .is_ok_and(|setting| setting.trim() == "1")
    }
}

/// Every attack by name, on these targets.
fn attacks(scene: &Scene, target: &Target) -> Vec<(&'static str, String)> {
    let home = scene.at("home").display().to_string();
    let pid = target.victim.id();
    let mut attacks = vec![
        ("read a credential", format!("cat {home}/.ssh/id")),
        ("read the state", format!("cat {home}/state/journal")),
        ("list a private folder", format!("ls {home}/.ssh")),
        ("read beside", format!("cat {home}/notes")),
        (
            "read through a link",
            format!("ln -s {home}/.ssh in; cat in/id"),
        ),
        (
            "link a secret in",
            format!("ln {home}/.ssh/id mine && cat mine"),
        ),
        ("read the environment", "test -n \"$API_KEY\"".to_owned()),
        (
            "read another's environment",
            format!("grep -q the-victim /proc/{pid}/environ"),
        ),
        (
            "read through another's root",
            format!("cat /proc/{pid}/root/{home}/.ssh/id"),
        ),
        ("read another's memory map", format!("cat /proc/{pid}/maps")),
        ("write outside", format!("echo x > {home}/new")),
        ("overwrite outside", format!("echo x > {home}/notes")),
        (
            "truncate outside",
            format!("perl -e 'truncate(shift, 0) or exit 1' {home}/notes"),
        ),
        ("move outside", format!("touch f && mv f {home}/moved")),
        ("make a folder outside", format!("mkdir {home}/made")),
        ("remove outside", format!("rm {home}/notes")),
        ("signal", format!("kill -KILL {pid}")),
        ("trace", trace()),
        ("read memory", read_memory()),
        (
            "write to a terminal",
            format!("echo x > {}", target.terminal.path.display()),
        ),
    ];
    attacks.extend(socket_attacks(target));
    if Terminal::takes_input() {
        attacks.push(("type into a terminal", type_into(&target.terminal.path)));
    }
    attacks
}

fn socket_attacks(target: &Target) -> Vec<(&'static str, String)> {
    let perl = |steps: &str| format!("perl -MSocket -e '({steps}) or exit 1'");
    let connect = |family: &str, address: String| {
        perl(&format!(
            "socket(S, {family}, SOCK_STREAM, 0) and connect(S, {address})"
        ))
    };
    vec![
        (
            "reach Docker's socket",
            connect(
                "AF_UNIX",
                format!("pack_sockaddr_un(\"{}\")", target.unix.display()),
            ),
        ),
        (
            "reach an abstract socket",
            connect(
                "AF_UNIX",
                format!("pack_sockaddr_un(\"\\0{}\")", target.abstract_name),
            ),
        ),
        (
            "turn a pair of sockets outside",
            perl(&format!(
                "socketpair(A, B, AF_UNIX, SOCK_DGRAM, 0) and connect(A, pack_sockaddr_un(\"{}\"))",
                target.datagram.display()
            )),
        ),
        (
            "reach the machine's loopback",
            connect(
                "AF_INET",
                format!("pack_sockaddr_in({}, INADDR_LOOPBACK)", target.tcp_port),
            ),
        ),
        ("talk to the kernel", perl("socket(S, 16, SOCK_RAW, 0)")),
    ]
}

/// Attaches to a child of its own, which every system allows.
fn trace() -> String {
    const ATTACH: i32 = 16;
    format!(
        "perl -e '$p = fork; if (!$p) {{ sleep 9 }} $r = syscall({}, {ATTACH}, $p, 0, 0); kill 9, $p; exit($r != 0)'",
        libc::SYS_ptrace
    )
}

/// Reads its own memory as if it were another's.
fn read_memory() -> String {
    format!(
        "perl -e '$b = \"x\" x 8; $v = pack(\"pQ\", $b, 8); exit(syscall({}, $$ + 0, $v, 1, $v, 1, 0) != 8)'",
        libc::SYS_process_vm_readv
    )
}

/// Takes the terminal over as its own and types into it.
fn type_into(terminal: &std::path::Path) -> String {
    format!(
        "perl -MPOSIX -e 'POSIX::setsid(); open(T, \"+<\", \"{}\") && ioctl(T, 0x5412, my $x = \"x\") or exit 1'",
        terminal.display()
    )
}

#[tokio::test]
async fn every_attack_succeeds_bare_and_fails_in_the_sandbox() {
    let names: Vec<_> = {
        let scene = Scene::new(Isolation::Full);
        let target = Target::new(&scene);
        attacks(&scene, &target)
            .into_iter()
            .map(|(name, _)| name)
            .collect()
    };
    for (index, name) in names.into_iter().enumerate() {
        let scene = Scene::new(Isolation::Full);
        let target = Target::new(&scene);
        let (_, attack) = attacks(&scene, &target).swap_remove(index);
        let bare = scene.run_bare(&attack);
        assert!(bare.status.success(), "{name} proves nothing: {bare:?}");
        for isolation in EVERY_ISOLATION {
            let scene = Scene::new(isolation);
            let mut target = Target::new(&scene);
            let before = scene.everything_outside();
            let (_, attack) = attacks(&scene, &target).swap_remove(index);
            let ran = scene.run(&attack).await;
            assert_ne!(ran.code(), 0, "{isolation:?}: {name}: {}", ran.output);
            assert!(target.victim_lives(), "{isolation:?}: {name}");
            assert_eq!(scene.everything_outside(), before, "{isolation:?}: {name}");
        }
    }
}

/// Where there are namespaces, what Landlock cannot deny is denied too.
#[tokio::test]
async fn permissions_and_times_outside_stay_as_they_are() {
    let attack = "chmod 777 ../notes || touch -c -d 2001-01-01 ../notes";
    let scene = Scene::new(Isolation::Full);
    assert!(scene.run_bare(attack).status.success());
    let scene = Scene::new(Isolation::Full);
    let ran = scene.run(attack).await;
    assert_eq!(
        ran.code() != 0,
        scene.has_namespaces().await,
        "{}",
        ran.output
    );
}

/// Calls with arguments that would fail in another way if the filter let them through.
#[tokio::test]
async fn refused_calls_are_not_permitted() {
    let plain = [
        libc::SYS_bpf,
        libc::SYS_io_uring_setup,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_mount,
        libc::SYS_open_by_handle_at,
        libc::SYS_kexec_load,
        libc::SYS_init_module,
    ]
    .map(|call| (format!("syscall({call}, -1, 0, 0, 0, 0, 0)"), libc::EPERM));
    let special = [
        (format!("syscall({}, 0, 0)", libc::SYS_clone3), libc::ENOSYS),
        // A user namespace by the older call.
        (
            format!("syscall({}, 0x10000011, 0, 0, 0, 0)", libc::SYS_clone),
            libc::EPERM,
        ),
        // Terminal requests, one with something in the half that the kernel does not look at.
        ("ioctl(STDIN, 0x5412, 0)".to_owned(), libc::EPERM),
        ("ioctl(STDIN, 0x100005412, 0)".to_owned(), libc::EPERM),
        ("ioctl(STDIN, 0x541c, 0)".to_owned(), libc::EPERM),
    ];
    let (calls, expected): (Vec<_>, Vec<_>) = plain
        .into_iter()
        .chain(special)
        .map(|(call, errno)| (format!("{call}; print 0 + $!, \" \";"), errno.to_string()))
        .unzip();
    for isolation in EVERY_ISOLATION {
        let ran = Scene::new(isolation)
            .run(&format!("perl -e '{}'", calls.concat()))
            .await;
        let seen: Vec<_> = ran.output.split_whitespace().collect();
        assert_eq!(seen, expected, "{isolation:?}");
    }
}

#[tokio::test]
async fn only_internet_sockets_and_only_with_a_network_of_ones_own() {
    let script = "use Socket; for $f (1 .. 45) { \
                  for $t (SOCK_STREAM, SOCK_DGRAM, SOCK_RAW) { \
                  print \"$f \" if socket(S, $f, $t, 0) } }";
    for isolation in EVERY_ISOLATION {
        let scene = Scene::new(isolation);
        let ran = scene.run(&format!("perl -e '{script}'")).await;
        let mut families: Vec<_> = ran.output.split_whitespace().collect();
        assert_eq!(families.contains(&"2"), scene.has_namespaces().await);
        families.retain(|family| !["2", "10"].contains(family));
        assert_eq!(families, [""; 0], "{isolation:?}");
    }
}

/// Test suites and development servers need these.
#[tokio::test]
async fn what_programs_need_still_works() {
    let pair = "perl -MSocket -e 'socketpair(A, B, AF_UNIX, SOCK_STREAM, 0) or die; syswrite(A, 1); sysread(B, $x, 1); print $x'";
    for isolation in EVERY_ISOLATION {
        let scene = Scene::new(isolation);
        let own_processes = scene.has_namespaces().await;
        let check = async |command: &str, expected: &str| {
            let ran = scene.run(command).await;
            assert_eq!(ran.output, expected, "{isolation:?}: {command}");
        };
        check(pair, "1").await;
        check(
            "echo x > f && mkdir -p d/e && mv f d/e/g && cat d/e/g && rm -r d",
            "x\n",
        )
        .await;
        check("echo x > $TMPDIR/f && cat $TMPDIR/f", "x\n").await;
        check("cat <(echo substituted)", "substituted\n").await;
        check(
            "printf '#!/bin/sh\\necho ran' > s && chmod +x s && ./s",
            "ran\n",
        )
        .await;
        check("head -c 3 /dev/zero | wc -c; : > /dev/null", "3\n").await;
        check("for i in 1 2 3; do echo $i & wait; done", "1\n2\n3\n").await;
        check("(sleep 0.01; echo late) & wait", "late\n").await;
        check(
            "test -t 0 -o -t 1 -o -t 2 || echo no terminal",
            "no terminal\n",
        )
        .await;
        check(
            "ls /proc/self/fd/ 2>/dev/null | tr '\\n' ' '",
            if own_processes { "0 1 2 3 " } else { "" },
        )
        .await;
    }
}

/// Test suites and development servers talk to themselves.
#[tokio::test]
async fn a_command_has_a_loopback_of_its_own() {
    let server = "use Socket; socket(S, AF_INET, SOCK_STREAM, 0) or exit 1; \
                  bind(S, pack_sockaddr_in(0, INADDR_LOOPBACK)); listen(S, 1); \
                  socket(C, AF_INET, SOCK_STREAM, 0); connect(C, getsockname(S)) or exit 1";
    let scene = Scene::new(Isolation::Full);
    let ran = scene.run(&format!("perl -e '{server}'")).await;
    assert_eq!(ran.code() == 0, scene.has_namespaces().await);
}
