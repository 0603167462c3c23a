//! What does not go through, and what the client reads instead.
//! Invariant: a server that must not be reached listens all the while and hears nothing.
//! It must not know what goes through.

use tokio::io::AsyncWriteExt as _;

use super::scene::{Names, Proxy, Server, answer, outline};

fn connect(target: &str) -> String {
    format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n")
}

#[tokio::test]
async fn a_host_that_is_not_granted_is_not_even_looked_up() {
    let proxy = Proxy::start(
        &["web.test", "*.sub.test:8443"],
        &["other.test"],
        Names::of(&[("other.test", &[&["127.0.0.1"]])]),
    );
    let said = proxy.send(connect("Other.test.:443")).await;
    let sentence = "`other.test:443` is not among the hosts that this command may reach; ask for it with `escalate`";
    assert_eq!(
        said,
        format!(
            "HTTP/1.1 403 {sentence}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{sentence}\n",
            sentence.len() + 1
        )
    );
    for other in [
        "web.test:8080",
        "sub.test:8443",
        "a.sub.test:443",
        "web.test.evil.test:443",
        "127.0.0.1:80",
    ] {
        let said = proxy.send(connect(other)).await;
        assert!(
            said.starts_with(&format!("HTTP/1.1 403 `{other}`")),
            "{said}"
        );
    }
    let plain = "GET http://other.test/ HTTP/1.1\r\n\r\n";
    assert!(
        proxy
            .send(plain)
            .await
            .starts_with("HTTP/1.1 403 `other.test:80`")
    );
    assert_eq!(proxy.names.asked(), [""; 0]);
    let told = proxy.told();
    assert_eq!(told.len(), 7);
    assert_eq!(told[0], format!("other.test:443 refused: {sentence}"));
}

/// The server listens on every address of the machine, so that whatever is dialled would be heard.
#[tokio::test]
async fn names_that_lead_inside_are_refused() {
    let server = Server::everywhere().await;
    let granted = format!("web.test:{}", server.port);
    for (addresses, is) in [
        (&["127.0.0.1"][..], "this machine's loopback"),
        (&["127.8.8.8"], "this machine's loopback"),
        (&["::1"], "this machine's loopback"),
        (&["::ffff:127.0.0.1"], "this machine's loopback"),
        (&["0.0.0.0"], "an unspecified address"),
        (&["::"], "an unspecified address"),
        (&["10.0.0.1"], "a private address"),
        (&["fd00::1"], "a private address"),
        (&["169.254.169.254"], "a cloud machine's metadata address"),
        (&["fe80::1"], "a link-local address"),
        (&["64:ff9b::7f00:1"], "this machine's loopback"),
        (&["2002:7f00:1::"], "this machine's loopback"),
        // One address that may not be reached is enough, wherever it stands.
        (&["192.0.43.8", "127.0.0.1"], "this machine's loopback"),
        (&["127.0.0.1", "192.0.43.8"], "this machine's loopback"),
    ] {
        let names = Names::of(&[("web.test", &[addresses])]);
        let proxy = Proxy::start(&[&granted], &["other.test"], names);
        let said = proxy.send(connect(&granted)).await;
        let expected = format!("`web.test` leads to {is}; ");
        assert!(
            outline(&said).1.starts_with(&expected),
            "{addresses:?}: {said}"
        );
        assert!(said.starts_with("HTTP/1.1 403 "), "{said}");
        assert!(proxy.told()[0].contains(&expected));
    }
    assert_eq!(server.got().await, [""; 0]);
}

#[tokio::test]
async fn nobody_opens_what_nobody_may_reach() {
    let granted = ["web.test", "169.254.169.254", "[fe80::1]"];
    let names = Names::of(&[("web.test", &[&["169.254.169.254"]])]);
    let proxy = Proxy::start(&granted, &granted, names);
    for (target, sentence) in [
        (
            "web.test:80",
            "`web.test` leads to a cloud machine's metadata address; no command can reach that",
        ),
        (
            "169.254.169.254:80",
            "`169.254.169.254` is a cloud machine's metadata address; no command can reach that",
        ),
        (
            "[fe80::1]:80",
            "`[fe80::1]` is a link-local address; no command can reach that",
        ),
    ] {
        assert_eq!(outline(&proxy.send(connect(target)).await).1, sentence);
    }
}

#[tokio::test]
async fn the_operator_alone_opens_private_addresses() {
    let server = Server::everywhere().await;
    let granted = format!("127.0.0.1:{}", server.port);
    let proxy = Proxy::start(&[&granted], &["web.test"], Names::default());
    let said = proxy.send(connect(&granted)).await;
    assert_eq!(
        outline(&said).1,
        "`127.0.0.1` is this machine's loopback; only the operator can open it, by naming the host in \
         `network.private_hosts`"
    );
    assert_eq!(server.got().await, [""; 0]);
}

/// What resolvers of some systems take for 127.0.0.1 is no host here, so that no pattern has to catch it.
#[tokio::test]
async fn other_spellings_of_the_loopback_lead_nowhere() {
    let server = Server::everywhere().await;
    let port = server.port;
    let proxy = Proxy::start(&[&format!("*.a.test:{port}")], &[], Names::default());
    for host in [
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "127.1",
        "127.0.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.a.0x1",
        "127.0.0.01",
        "0x7f.0.0.0x1",
        "127%2e0.0.1",
        "[::ffff:127.1]",
        "[::1%lo]",
        "::1",
        "a.test@127.0.0.1",
    ] {
        let said = proxy.send(connect(&format!("{host}:{port}"))).await;
        assert!(said.starts_with("HTTP/1.1 400 "), "{host}: {said}");
        let get = format!("GET http://{host}:{port}/ HTTP/1.1\r\n\r\n");
        let said = proxy.send(get).await;
        assert!(said.starts_with("HTTP/1.1 400 "), "{host}: {said}");
    }
    // One value, whatever the spelling, and that is not granted.
    for host in [
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:7f00:1]",
        "[::ffff:127.0.0.1]",
        "127.0.0.1.",
    ] {
        let said = proxy.send(connect(&format!("{host}:{port}"))).await;
        let expected = format!("HTTP/1.1 403 `127.0.0.1:{port}`");
        assert!(said.starts_with(&expected), "{host}: {said}");
    }
    assert_eq!(proxy.names.asked(), [""; 0]);
    assert_eq!(server.got().await, [""; 0]);
}

#[tokio::test]
async fn what_cannot_be_reached_says_why() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let hosts = [
        format!("gone.test:{closed}"),
        "unknown.test".to_owned(),
        "empty.test".to_owned(),
    ];
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let names = Names::of(&[("gone.test", &[&["127.0.0.1"]]), ("empty.test", &[&[]])]);
    let proxy = Proxy::start(&hosts, &["gone.test"], names);
    for (target, sentence) in [
        (
            hosts[0],
            format!(
                "`{}` cannot be reached: Connection refused (os error 111)",
                hosts[0]
            ),
        ),
        (
            "unknown.test:443",
            "`unknown.test` cannot be looked up: no such name".to_owned(),
        ),
        (
            "empty.test:443",
            "`empty.test` cannot be looked up: it has no address".to_owned(),
        ),
    ] {
        let said = proxy.send(connect(target)).await;
        let first = format!("HTTP/1.1 502 {sentence}");
        assert_eq!(outline(&said), (first.as_str(), sentence.as_str()));
        assert!(
            proxy
                .told()
                .contains(&format!("{target} failed: {sentence}"))
        );
    }
}

#[tokio::test]
async fn what_is_no_request_is_told_so() {
    let proxy = Proxy::start(&["web.test"], &[], Names::default());
    for (sent, line) in [
        (
            "GET / HTTP/1.1\r\nHost: web.test\r\n\r\n",
            "400 this is a proxy; a request to it names a whole URL",
        ),
        (
            "GET https://web.test/ HTTP/1.1\r\n\r\n",
            "400 the proxy takes http URLs; use CONNECT for everything else",
        ),
        (
            "CONNECT web.test HTTP/1.1\r\n\r\n",
            "400 a CONNECT request names a host and a port",
        ),
        (
            "\u{16}\u{3}\u{1}\r\n\r\n",
            "400 this is no HTTP request: invalid token",
        ),
        (
            "GET http://web.test/ HTTP/1.1\n\n",
            "400 this is no HTTP request",
        ),
        ("\r\n\r\n", "400 this is no HTTP request"),
        (
            "POST http://web.test/ HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "400 the request says in more than one way how long it is",
        ),
    ] {
        let said = proxy.send(sent).await;
        assert_eq!(outline(&said).0, format!("HTTP/1.1 {line}"), "{sent}");
    }
    let mut half = proxy.connect().await;
    half.write_all(b"GET http://web.test/ HT").await.unwrap();
    half.shutdown().await.unwrap();
    let said = answer(&mut half).await;
    assert_eq!(
        outline(&said).0,
        "HTTP/1.1 400 the request ended in its head"
    );
    assert_eq!(proxy.told(), [""; 0]);
}

/// A client in the middle of an upload still reads why it is refused, and is not cut off before.
#[tokio::test]
async fn a_refusal_reaches_who_is_still_sending() {
    let proxy = Proxy::start(&["web.test"], &[], Names::default());
    let mut client = proxy.connect().await;
    let head = "PUT http://other.test/ HTTP/1.1\r\nContent-Length: 300000\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    client.readable().await.unwrap();
    let body = vec![b'x'; 100_000];
    for _ in 0..3 {
        client.write_all(&body).await.unwrap();
    }
    client.shutdown().await.unwrap();
    assert!(answer(&mut client).await.starts_with("HTTP/1.1 403 "));
}
