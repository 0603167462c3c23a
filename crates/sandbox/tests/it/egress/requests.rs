//! What goes through: one request or one tunnel, to the very address that was checked.
//! Invariant: a server sees what is expected to the byte.
//! It must not know what is refused.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::scene::{Names, Proxy, Server, answer};

const SAYS: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";
const NEXT: &str = "GET http://inner.test/stolen HTTP/1.1\r\nHost: inner.test\r\n\r\n";

fn here(name: &str) -> Names {
    Names::of(&[(name, &[&["127.0.0.1"]])])
}

#[tokio::test]
async fn a_request_goes_through_once_and_is_told() {
    let server = Server::start("127.0.0.1:0", "\r\n\r\n", SAYS).await;
    let port = server.port;
    let proxy = Proxy::start(
        &[&format!("web.test:{port}")],
        &["web.test"],
        here("web.test"),
    );
    let answer = proxy
        .send(format!(
            "GET http://WEB.test:{port}/a?b HTTP/1.1\r\nHost: inner.test\r\nProxy-Authorization: x\r\n\
             Connection: keep-alive\r\nAccept: */*\r\n\r\n{NEXT}"
        ))
        .await;
    assert_eq!(answer, SAYS);
    assert_eq!(
        server.got().await,
        [format!(
            "GET /a?b HTTP/1.1\r\nHost: web.test:{port}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        )]
    );
    assert_eq!(proxy.told(), [format!("web.test:{port} reached")]);
    assert_eq!(proxy.names.asked(), ["web.test"]);
}

#[tokio::test]
async fn nothing_goes_on_after_the_end_of_a_body() {
    for (headers, body, goes_on) in [
        (
            "Content-Length: 4",
            "a=bc",
            "Content-Length: 4\r\nConnection: close\r\n\r\na=bc",
        ),
        (
            "Transfer-Encoding: chunked",
            "4;x=y\r\na=bc\r\n0\r\nTrailer: x\r\n\r\n",
            "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n4\r\na=bc\r\n0\r\n\r\n",
        ),
    ] {
        let until = if body.len() == 4 { "a=bc" } else { "0\r\n\r\n" };
        let server = Server::start("127.0.0.1:0", until, SAYS).await;
        let url = format!("127.0.0.1:{}", server.port);
        let proxy = Proxy::start(&[&url], &["127.0.0.1"], Names::default());
        let sent = format!("POST http://{url}/ HTTP/1.1\r\n{headers}\r\n\r\n{body}{NEXT}");
        assert_eq!(proxy.send(sent).await, SAYS);
        let got = server.got().await;
        assert_eq!(
            got,
            [format!("POST / HTTP/1.1\r\nHost: {url}\r\n{goes_on}")]
        );
    }
}

/// A body whose end is in doubt leaves the server with a request that never ends.
#[tokio::test]
async fn a_body_in_doubt_is_cut_where_the_doubt_begins() {
    let server = Server::start("127.0.0.1:0", "never", SAYS).await;
    let url = format!("127.0.0.1:{}", server.port);
    let proxy = Proxy::start(&[&url], &["127.0.0.1"], Names::default());
    let sent = format!(
        "POST http://{url}/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\n\r\n{NEXT}"
    );
    assert_eq!(proxy.send(sent).await, "");
    let got = server.got().await;
    assert_eq!(got.len(), 1);
    assert!(got[0].ends_with("\r\n\r\n2\r\nab\r\n"), "{got:?}");
}

#[tokio::test]
async fn a_tunnel_carries_bytes_both_ways_to_their_ends() {
    let server = Server::start("127.0.0.1:0", "bye", "\0\u{1}served").await;
    let port = server.port;
    let proxy = Proxy::start(
        &[&format!("web.test:{port}")],
        &["web.test"],
        here("web.test"),
    );
    let mut client = proxy.connect().await;
    let connect =
        format!("CONNECT web.test:{port} HTTP/1.1\r\nHost: web.test:{port}\r\n\r\nearly ");
    client.write_all(connect.as_bytes()).await.unwrap();
    let mut opened = [0; 39];
    client.read_exact(&mut opened).await.unwrap();
    assert_eq!(&opened, b"HTTP/1.1 200 Connection established\r\n\r\n");
    client.write_all(b"late bye").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(answer(&mut client).await, "\0\u{1}served");
    assert_eq!(server.got().await, ["early late bye"]);
}

#[tokio::test]
async fn much_goes_through_whole() {
    const LENGTH: usize = 3 << 20;
    let body = "0123456789abcdef".repeat(LENGTH / 16);
    let server = Server::start("127.0.0.1:0", "END", SAYS).await;
    let url = format!("127.0.0.1:{}", server.port);
    let proxy = Proxy::start(&[&url], &["127.0.0.1"], Names::default());
    let sent = format!(
        "PUT http://{url}/ HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}END",
        LENGTH + 3
    );
    assert_eq!(proxy.send(sent).await, SAYS);
    let got = server.got().await;
    assert!(got[0].ends_with(&(body + "END")));
}

/// A name that leads elsewhere the second time is looked up once, and what was checked is dialled.
#[tokio::test]
async fn the_checked_address_is_dialled() {
    let server = Server::start("127.0.0.1:0", "\r\n\r\n", SAYS).await;
    let port = server.port;
    let other = Server::start(&format!("127.0.0.2:{port}"), "\r\n\r\n", "other").await;
    let names = Names::of(&[("web.test", &[&["127.0.0.1"], &["127.0.0.2"]])]);
    let granted = format!("web.test:{port}");
    let proxy = Proxy::start(&[&granted], &["web.test"], names);
    let get = format!("GET http://{granted}/ HTTP/1.1\r\n\r\n");
    assert_eq!(proxy.send(&get).await, SAYS);
    assert_eq!(proxy.names.asked(), ["web.test"]);
    assert_eq!(server.got().await.len(), 1);
    assert_eq!(other.got().await, [""; 0]);
}

#[tokio::test]
async fn the_next_address_is_tried() {
    let server = Server::start("127.0.0.1:0", "\r\n\r\n", SAYS).await;
    let granted = format!("web.test:{}", server.port);
    let names = Names::of(&[("web.test", &[&["::1", "127.0.0.3", "::ffff:127.0.0.1"]])]);
    let proxy = Proxy::start(&[&granted], &["web.test"], names);
    let get = format!("GET http://{granted}/ HTTP/1.1\r\n\r\n");
    assert_eq!(proxy.send(&get).await, SAYS);
}
