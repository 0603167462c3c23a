//! A command that was allowed a host reaches that host, and an address of one's own network only if the operator
//! says so.

use std::io::{self, Read as _, Write as _};
use std::net::TcpListener;

use corvid_testkit::Scene;
use corvid_testkit::model_server::{Reply, Script, When};
use serde_json::json;

use crate::stage::scene;

/// A server of this machine that answers once, and its port.
fn server() -> io::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || -> io::Result<()> {
        let (mut visitor, _) = listener.accept()?;
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") && visitor.read(&mut byte)? == 1 {
            head.push(byte[0]);
        }
        visitor
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nreached")
    });
    Ok(port)
}

/// A scene whose model wants to see that server through whatever proxy the command is given.
fn wanting(port: u16) -> io::Result<Scene> {
    let host = format!("127.0.0.1:{port}");
    let command = format!(
        "proxy=${{http_proxy#http://}}; proxy=${{proxy%/}}; exec 3<>/dev/tcp/${{proxy%:*}}/${{proxy##*:}}; \
         printf 'GET http://{host}/ HTTP/1.1\\r\\nHost: {host}\\r\\n\\r\\n' >&3; cat <&3"
    );
    let call = json!({
        "command": command,
        "escalate": { "reason": "to look", "hosts": [host] },
    });
    let script = Script::new()
        .on(When::any().results(0), Reply::call("system.run", &call))
        .on(When::any().result("reached"), Reply::text("it answered"))
        .on(When::any().result("403"), Reply::text("it is closed"))
        .otherwise(Reply::text("something else happened"));
    scene()?.with_model(script)
}

#[test]
fn ones_own_network_is_closed_unless_the_operator_opens_it() -> io::Result<()> {
    let port = server()?;
    let scene = wanting(port)?;
    let closed = scene.run(["-s", "closed", "--yes", "-e", "go"])?;
    assert_eq!(closed.stdout, "it is closed\n", "{}", closed.all());
    let opened = scene.with_variable(
        "CORVID__NETWORK__PRIVATE_HOSTS",
        format!("127.0.0.1:{port}"),
    );
    let said = opened.run(["-s", "opened", "--yes", "-e", "go"])?;
    let recorded = opened.agent(["sessions", "show", "opened"])?.stdout;
    assert_eq!(said.stdout, "it answered\n", "{recorded}");
    Ok(())
}

#[test]
fn without_an_answer_nothing_is_reached() -> io::Result<()> {
    let port = server()?;
    let scene = wanting(port)?;
    let denied = scene.run(["-s", "x", "-e", "go"])?;
    assert_eq!(denied.code, Some(6), "{}", denied.all());
    assert_eq!(denied.stdout, "something else happened\n");
    Ok(())
}
