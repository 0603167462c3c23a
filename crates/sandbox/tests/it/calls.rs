//! System calls and sockets that are refused, and what programs need that is not.
//! Invariant: a refused call is told from one that failed for another reason.
//! It must not know how a call is refused.

use corvid_sandbox::Isolation;
use nix::libc;

use crate::scene::{EVERY_ISOLATION, Scene};

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
