//! Attacks of a hostile command: each succeeds bare, so that it proves something, and fails in the sandbox.
//! Invariant: an attack is one shell line; it succeeds if and only if it exits with 0.
//! It must not know how an attack is stopped.

use corvid_sandbox::Isolation;
use nix::libc;

use crate::scene::{EVERY_ISOLATION, Scene};
use crate::target::{Target, Terminal};

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
        // What is granted opens nothing else, so each is tried with a grant too.
        for (isolation, granted) in EVERY_ISOLATION
            .into_iter()
            .flat_map(|isolation| [(isolation, false), (isolation, true)])
        {
            let scene = Scene::new(isolation);
            let mut target = Target::new(&scene);
            let before = scene.everything_outside();
            let (_, attack) = attacks(&scene, &target).swap_remove(index);
            let mut spec = scene.spec("call", &attack);
            if granted {
                let site = scene.at("site");
                std::fs::create_dir(&site).unwrap();
                let wider = spec.wider.get_or_insert_default();
                wider.hosts = vec!["example.org".to_owned()];
                wider.writes = vec![site.display().to_string()];
            }
            let ran = scene.run_spec(&spec).await.unwrap();
            assert_ne!(ran.code(), 0, "{isolation:?}: {name}: {}", ran.output);
            assert!(target.victim_lives(), "{isolation:?}: {name}");
            assert_eq!(scene.everything_outside(), before, "{isolation:?}: {name}");
        }
    }
}

/// Where there are namespaces, what Landlock cannot deny is denied too; where there are none, that is said
/// before, and contents stay all the same.
#[tokio::test]
async fn permissions_and_times_outside_stay_as_they_are_or_it_is_said() {
    let attack = "chmod 777 ../notes || touch -c -d 2001-01-01 ../notes";
    let scene = Scene::new(Isolation::Full);
    assert!(scene.run_bare(attack).status.success());
    for isolation in EVERY_ISOLATION {
        let scene = Scene::new(isolation);
        let before = scene.everything_outside();
        let ran = scene.run(attack).await;
        match scene.sandbox.namespaces().await {
            Ok(()) => assert_ne!(ran.code(), 0, "{}", ran.output),
            Err(told) => assert!(told.contains("change the permissions"), "{told}"),
        }
        assert_eq!(scene.everything_outside(), before, "{isolation:?}");
    }
}

/// A key that nobody is to see is not kept where a log line could show it.
#[test]
fn the_sandbox_does_not_hold_keys() {
    let scene = Scene::new(Isolation::Full);
    let shown = format!("{:?}", scene.sandbox);
    assert!(shown.contains("PATH"), "{shown}");
    assert!(!shown.contains("API_KEY"), "{shown}");
}
