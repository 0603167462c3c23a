//! Commands that may reach hosts: they reach those through the proxy, and nobody any other way.
//! Invariant: what reached a server is told by that server's own ledger.
//! It must not know how a proxy judges.

mod ways_out;

use std::sync::{Arc, Mutex};

use corvid_core::{CommandEnding, CommandSpec, Progress, Sandbox as _};
use corvid_sandbox::Isolation;
use tokio_util::sync::CancellationToken;

use crate::egress::scene::{Names, Server};
use crate::scene::{CancelAt, EVERY_ISOLATION, Ran, Scene, read};

const SAYS: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi";

/// Opens the proxy as file 3 of the shell.
const OPEN: &str = "exec 3<>/dev/tcp/127.0.0.1/${http_proxy##*:}";

/// A scene where `web.test` and `other.test` lead to this machine, as the operator wants.
fn scene(isolation: Isolation) -> Scene {
    Scene::with(|config| {
        config.isolation = isolation;
        config.private_hosts = vec!["*.test".to_owned()];
        let here: &[&[&str]] = &[&["127.0.0.1"]];
        config.resolver = Arc::new(Names::of(&[("web.test", here), ("other.test", here)]));
    })
}

fn reaching(scene: &Scene, host: &str, command: &str) -> CommandSpec {
    let mut spec = scene.spec("call", command);
    spec.wider.get_or_insert_default().hosts = vec![host.to_owned()];
    spec
}

/// Keeps what a command was turned away from.
#[derive(Default)]
struct Away(Mutex<Vec<String>>);

impl Progress for Away {
    fn show(&self, _line: &str) {}

    fn turned_away(&self, why: &str) {
        self.0.lock().unwrap().push(why.to_owned());
    }
}

async fn run(scene: &Scene, spec: &CommandSpec) -> (Ran, Vec<String>) {
    let away = Arc::new(Away::default());
    let progress = Arc::clone(&away) as Arc<dyn Progress>;
    let ended = scene
        .sandbox
        .run(spec, &CancellationToken::new(), progress)
        .await;
    let ran = Ran {
        end: ended.unwrap(),
        output: read(&spec.output),
    };
    let away = away.0.lock().unwrap().clone();
    (ran, away)
}

#[tokio::test]
async fn a_granted_host_is_reached_and_another_is_not() {
    for isolation in EVERY_ISOLATION {
        let server = Server::start("127.0.0.1:0", "\r\n\r\n", SAYS).await;
        let scene = scene(isolation);
        let host = format!("web.test:{}", server.port);
        let get = format!("{OPEN}; printf 'GET http://{host}/a HTTP/1.1\\r\\n\\r\\n' >&3; cat <&3");
        let (ran, away) = run(&scene, &reaching(&scene, &host, &get)).await;
        assert_eq!(
            (ran.output.as_str(), ran.code()),
            (SAYS, 0),
            "{isolation:?}"
        );
        assert_eq!(away, [""; 0], "{isolation:?}");

        let other = format!("other.test:{}", server.port);
        let connect =
            format!("{OPEN}; printf 'CONNECT {other} HTTP/1.1\\r\\n\\r\\n' >&3; head -1 <&3");
        let (ran, away) = run(&scene, &reaching(&scene, &host, &connect)).await;
        let why = format!(
            "`{other}` is not among the hosts that this command may reach; ask for it with `escalate`"
        );
        assert_eq!(
            ran.output,
            format!("HTTP/1.1 403 {why}\r\n"),
            "{isolation:?}"
        );
        assert_eq!(away, [why], "{isolation:?}");

        assert_eq!(
            server.got().await,
            [format!(
                "GET /a HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            )],
            "{isolation:?}"
        );
    }
}

#[tokio::test]
async fn a_tunnel_is_what_a_command_makes_of_it() {
    for isolation in EVERY_ISOLATION {
        let server = Server::start("127.0.0.1:0", "ping", "pong").await;
        let scene = scene(isolation);
        let host = format!("web.test:{}", server.port);
        let tunnel = format!(
            "{OPEN}; printf 'CONNECT {host} HTTP/1.1\\r\\n\\r\\n' >&3; read -r line <&3; read -r empty <&3; \
             printf ping >&3; cat <&3"
        );
        let (ran, _) = run(&scene, &reaching(&scene, &host, &tunnel)).await;
        assert_eq!(
            (ran.output.as_str(), ran.code()),
            ("pong", 0),
            "{isolation:?}"
        );
        assert_eq!(server.got().await, ["ping"], "{isolation:?}");
    }
}

#[tokio::test]
async fn nothing_is_served_without_a_grant_or_after_the_end() {
    for isolation in EVERY_ISOLATION {
        let scene = scene(isolation);
        let ran = scene
            .run("echo \"[$http_proxy$HTTPS_PROXY$ALL_PROXY]\"")
            .await;
        assert_eq!(ran.output, "[]\n", "{isolation:?}");
        let command = "echo -n ${HTTPS_PROXY##*:}; (exec 3<>/dev/tcp/127.0.0.1/${http_proxy##*:}; sleep 60) &";
        let (ran, _) = run(&scene, &reaching(&scene, "web.test", command)).await;
        let port: u16 = ran.output.parse().unwrap();
        let open = std::net::TcpStream::connect(("127.0.0.1", port));
        assert!(open.is_err(), "{isolation:?}");
    }
}

/// A command that is cancelled in the middle of a transfer cuts it.
#[tokio::test]
async fn a_cancelled_command_lets_go_of_its_tunnel() {
    for isolation in EVERY_ISOLATION {
        let server = Server::start("127.0.0.1:0", "never", "").await;
        let scene = scene(isolation);
        let host = format!("web.test:{}", server.port);
        let tunnel = format!(
            "{OPEN}; printf 'CONNECT {host} HTTP/1.1\\r\\n\\r\\n' >&3; read -r line <&3; printf there >&3; \
             echo open; cat <&3 >/dev/null; sleep 600"
        );
        let cancel = CancellationToken::new();
        let progress = CancelAt(cancel.clone(), Box::new(|line| line == "open"));
        let spec = reaching(&scene, &host, &tunnel);
        let end = scene
            .sandbox
            .run(&spec, &cancel, Arc::new(progress))
            .await
            .unwrap();
        assert_eq!(end.ending, CommandEnding::Stopped, "{isolation:?}");
        assert_eq!(server.got().await, ["there"], "{isolation:?}");
    }
}
