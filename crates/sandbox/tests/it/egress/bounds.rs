//! What a client can take of the proxy: bytes, connections, time. Time is paused, so that waiting costs none.
//! Invariant: whatever a client does, others are served and the proxy ends when it is told to.
//! It must not know where requests go.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout};

use super::scene::{Names, Proxy, Server, answer, outline};

const REFUSED: &str = "GET http://other.test/ HTTP/1.1\r\n\r\n";

fn proxy() -> Proxy {
    Proxy::start(&["web.test"], &[], Names::default())
}

#[tokio::test]
async fn a_head_has_a_limit() {
    let proxy = proxy();
    let fits = format!(
        "GET http://other.test/ HTTP/1.1\r\nX: {}\r\n\r\n",
        "x".repeat(65_000)
    );
    assert!(proxy.send(fits).await.starts_with("HTTP/1.1 403 "));
    let endless = format!(
        "GET http://other.test/ HTTP/1.1\r\nX: {}",
        "x".repeat(70_000)
    );
    let said = proxy.send(endless).await;
    assert_eq!(
        outline(&said).0,
        "HTTP/1.1 431 the head of the request is longer than 65536 bytes"
    );
    let many = "X: y\r\n".repeat(200);
    let said = proxy
        .send(format!("GET http://other.test/ HTTP/1.1\r\n{many}\r\n"))
        .await;
    assert_eq!(
        outline(&said).0,
        "HTTP/1.1 431 the request has more than 128 headers"
    );
}

/// However a head trickles in, it has one time for all of it.
#[tokio::test(start_paused = true)]
async fn a_slow_head_is_late() {
    let proxy = proxy();
    let begun = Instant::now();
    let mut client = proxy.connect().await;
    for byte in b"GET http://a" {
        client.write_all(&[*byte]).await.unwrap();
        assert!(
            timeout(Duration::from_secs(2), client.readable())
                .await
                .is_err()
        );
    }
    let said = answer(&mut client).await;
    assert_eq!(
        outline(&said).0,
        "HTTP/1.1 408 no request came in 30 seconds"
    );
    let waited = begun.elapsed().as_secs();
    assert!((29..=33).contains(&waited), "{waited}");
}

#[tokio::test]
async fn a_tunnel_on_which_nothing_moves_ends() {
    let server = Server::start("127.0.0.1:0", "never", "").await;
    let target = format!("127.0.0.1:{}", server.port);
    let proxy = Proxy::start(&[&target], &["127.0.0.1"], Names::default());
    let mut client = proxy.connect().await;
    let connect = format!("CONNECT {target} HTTP/1.1\r\n\r\n");
    client.write_all(connect.as_bytes()).await.unwrap();
    client.read_exact(&mut [0; 39]).await.unwrap();
    tokio::time::pause();
    let begun = Instant::now();
    assert_eq!(answer(&mut client).await, "");
    let waited = begun.elapsed().as_secs();
    assert!((300..=601).contains(&waited), "{waited}");
    assert_eq!(server.got().await, [""]);
}

#[tokio::test(start_paused = true)]
async fn more_connections_than_are_served_wait() {
    let proxy = proxy();
    let mut idle = Vec::new();
    for _ in 0..64 {
        let mut client = proxy.connect().await;
        client.write_all(b"GET").await.unwrap();
        idle.push(client);
    }
    let mut next = proxy.connect().await;
    next.write_all(REFUSED.as_bytes()).await.unwrap();
    // Nothing is left to be done but to wait, so time passes.
    assert!(
        timeout(Duration::from_secs(5), next.readable())
            .await
            .is_err()
    );
    idle.pop();
    assert!(answer(&mut next).await.starts_with("HTTP/1.1 403 "));
}

#[tokio::test]
async fn everything_ends_when_it_is_told_to() {
    let server = Server::start("127.0.0.1:0", "never", "").await;
    let target = format!("127.0.0.1:{}", server.port);
    let proxy = Proxy::start(&[&target], &["127.0.0.1"], Names::default());
    let mut tunnel = proxy.connect().await;
    let connect = format!("CONNECT {target} HTTP/1.1\r\n\r\n");
    tunnel.write_all(connect.as_bytes()).await.unwrap();
    tunnel.read_exact(&mut [0; 39]).await.unwrap();
    tunnel.write_all(b"heard").await.unwrap();
    let mut silent = proxy.connect().await;
    silent.write_all(b"GET").await.unwrap();
    proxy.end().await;
    for client in [&mut tunnel, &mut silent] {
        match client.read(&mut [0]).await {
            Ok(count) => assert_eq!(count, 0),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
        }
    }
    let refused = tokio::net::TcpStream::connect(proxy.address)
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    assert_eq!(server.got().await.len(), 1);
}
