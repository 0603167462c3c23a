//! The ways out that a command tries beside the proxy, and the proxy's place that it tries to take.
//! Invariant: whoever must not be reached listens all the while, and bare commands do reach it.
//! It must not know how a command is kept in.

use std::io::ErrorKind;
use std::net::{TcpListener, UdpSocket};

use corvid_sandbox::Isolation;

use super::{reaching, run, scene};
use crate::scene::EVERY_ISOLATION;

fn perl(steps: &str) -> String {
    format!("perl -MSocket=:all -e '({steps}) or exit 1'")
}

/// Ways out that bare commands have beside the proxy.
fn ways_out(tcp: &TcpListener, udp: &UdpSocket) -> Vec<(&'static str, String)> {
    let (tcp, udp) = (
        tcp.local_addr().unwrap().port(),
        udp.local_addr().unwrap().port(),
    );
    let mapped = "inet_pton(AF_INET6, \"::ffff:127.0.0.1\")";
    let stream = |family: &str, then: String| {
        perl(&format!("socket(S, {family}, SOCK_STREAM, 0) and {then}"))
    };
    let datagram = |family: &str, to: String| {
        perl(&format!(
            "socket(S, {family}, SOCK_DGRAM, 0) and send(S, \"x\", 0, {to})"
        ))
    };
    let mut ways = vec![
        ("TCP", format!("exec 3<>/dev/tcp/127.0.0.1/{tcp}")),
        (
            "TCP by another address",
            format!("exec 3<>/dev/tcp/127.0.0.9/{tcp}"),
        ),
        (
            "UDP",
            datagram(
                "AF_INET",
                format!("pack_sockaddr_in({udp}, INADDR_LOOPBACK)"),
            ),
        ),
    ];
    // What a system can be set not to have at all.
    if UdpSocket::bind("[::]:0").is_ok() {
        ways.push((
            "TCP by a mapped address",
            stream(
                "AF_INET6",
                format!("connect(S, pack_sockaddr_in6({tcp}, {mapped}))"),
            ),
        ));
        ways.push((
            "UDP by a mapped address",
            datagram("AF_INET6", format!("pack_sockaddr_in6({udp}, {mapped})")),
        ));
    }
    if opens_with_bytes() {
        ways.push((
            "TCP that opens with its first bytes",
            stream(
                "AF_INET",
                format!("send(S, \"x\", 0x20000000, pack_sockaddr_in({tcp}, INADDR_LOOPBACK))"),
            ),
        ));
    }
    ways
}

/// Whether this system's clients may send before a connection is there.
fn opens_with_bytes() -> bool {
    std::fs::read_to_string("/proc/sys/net/ipv4/tcp_fastopen").is_ok_and(|setting| {
        setting
            .trim()
            .parse::<u32>()
            .is_ok_and(|bits| bits & 1 == 1)
    })
}

/// Whether anything came since the last look.
fn heard(tcp: &TcpListener, udp: &UdpSocket) -> bool {
    let of = |found: std::io::Result<()>| match found {
        Ok(()) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
            false
        }
    };
    let called = of(tcp.accept().map(|_| ()));
    of(udp.recv(&mut [0]).map(|_| ())) || called
}

#[tokio::test]
async fn there_is_no_other_way_out() {
    let tcp = TcpListener::bind("0.0.0.0:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    tcp.set_nonblocking(true).unwrap();
    udp.set_nonblocking(true).unwrap();
    for (name, way) in ways_out(&tcp, &udp) {
        let bare = scene(Isolation::Full).run_bare(&way);
        assert!(bare.status.success(), "{name} proves nothing: {bare:?}");
        assert!(heard(&tcp, &udp), "{name} proves nothing");
        for isolation in EVERY_ISOLATION {
            let scene = scene(isolation);
            let (ran, _) = run(&scene, &reaching(&scene, "web.test", &way)).await;
            assert!(!heard(&tcp, &udp), "{isolation:?}: {name}: {}", ran.output);
            // In a network of its own what is sent without a connection goes nowhere, and that is no error.
            let alone = isolation == Isolation::Full && name.starts_with("UDP");
            assert!(
                alone || ran.code() != 0,
                "{isolation:?}: {name}: {}",
                ran.output
            );
        }
    }
}

/// Sockets below and beside TCP, which a system may not have or give to root alone: a command has none.
#[tokio::test]
async fn other_kinds_of_sockets_are_refused() {
    for isolation in EVERY_ISOLATION {
        let scene = scene(isolation);
        for (name, socket) in [
            ("raw packets", "AF_INET, SOCK_RAW, 255"),
            ("raw packets of IPv6", "AF_INET6, SOCK_RAW, 255"),
            ("frames", "17, SOCK_RAW, 768"),
            ("TCP of several paths", "AF_INET, SOCK_STREAM, 262"),
            ("virtual machines", "40, SOCK_STREAM, 0"),
        ] {
            let attack = perl(&format!("socket(S, {socket})"));
            let (ran, _) = run(&scene, &reaching(&scene, "web.test", &attack)).await;
            assert_ne!(ran.code(), 0, "{isolation:?}: {name}: {}", ran.output);
        }
    }
}

/// What asks the network for a name finds nobody to ask: the proxy alone looks names up.
#[tokio::test]
async fn names_are_looked_up_outside_alone() {
    for isolation in EVERY_ISOLATION {
        let scene = scene(isolation);
        let (ran, _) = run(
            &scene,
            &reaching(&scene, "web.test", "getent hosts web.test"),
        )
        .await;
        assert_ne!(ran.code(), 0, "{isolation:?}: {}", ran.output);
    }
}

/// The listener stays with the agent: a command neither has it nor gets its port.
#[tokio::test]
async fn a_command_cannot_take_the_proxys_place() {
    for isolation in EVERY_ISOLATION {
        let scene = scene(isolation);
        let attack = "perl -MSocket -e '$p = shift; for $a (INADDR_LOOPBACK, INADDR_ANY) { \
             socket(S, AF_INET, SOCK_STREAM, 0) or exit 1; setsockopt(S, SOL_SOCKET, $_, 1) for (SO_REUSEADDR, 15); \
             bind(S, pack_sockaddr_in($p, $a)) and listen(S, 1) and exit 0 } exit 1' ${http_proxy##*:}";
        let (ran, _) = run(&scene, &reaching(&scene, "web.test", attack)).await;
        assert_ne!(ran.code(), 0, "{isolation:?}: {}", ran.output);
        // No file of the shell's is a socket: neither the listener nor the lifeline.
        let sockets = "perl -e 'for (0..1023) { open(F, \"<&=\", $_) and -S F and exit 1 } exit 0'";
        let (ran, _) = run(&scene, &reaching(&scene, "web.test", sockets)).await;
        assert_eq!(ran.code(), 0, "{isolation:?}: {}", ran.output);
    }
}
