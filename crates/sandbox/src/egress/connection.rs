//! One connection of a client, from its first byte to its end.
//! Invariant: it carries one request or one tunnel, to one checked address; nothing is sent there before the
//! whole head is understood, and nothing after the request's own end.
//! It must not know other connections.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::allowed::Allowed;
use super::attempt::{Told, Verdict};
use super::body::{self, BUFFER, Moved};
use super::dial::{Resolve, dial};
use super::head::{self, Asked, MAX_HEAD, Plain};
use super::refusal::{Refusal, Status};

/// For a whole head, however it trickles in.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// On which nothing moves in any direction; twice that at most.
const IDLE_TIME: Duration = Duration::from_mins(5);
/// What a refused client may still send, so that it reads why before its connection is reset.
const LINGER_TIME: Duration = Duration::from_secs(2);
const LINGER_BYTES: u64 = 1 << 20;

const TUNNEL_OPEN: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

/// Why a connection ends.
enum Ended {
    /// The client is told why.
    Refused(Refusal),
    /// There is nobody to tell.
    Lost(io::Error),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

impl From<Refusal> for Ended {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Serves one client.
pub(super) async fn serve(
    mut client: TcpStream,
    allowed: &Allowed,
    resolver: &dyn Resolve,
    told: &Told,
) {
    let ended = match exchange(&mut client, allowed, resolver, told).await {
        Err(Ended::Refused(refusal)) => refuse(&mut client, &refusal).await,
        Err(Ended::Lost(error)) => Err(error),
        Ok(()) => Ok(()),
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the proxy was cut");
    }
}

async fn exchange(
    client: &mut TcpStream,
    allowed: &Allowed,
    resolver: &dyn Resolve,
    told: &Told,
) -> Result<(), Ended> {
    client.set_nodelay(true)?;
    let Some((head, rest)) = receive_head(client).await? else {
        return Ok(());
    };
    let asked = head::read(&head)?;
    let dialled = dial(asked.target(), allowed, resolver).await;
    told.tell(asked.target(), Verdict::of(dialled.as_ref().err()));
    let mut server = dialled?;
    server.set_nodelay(true)?;
    let moved = Moved::default();
    let relayed = async {
        match asked {
            Asked::Tunnel(_) => tunnel(client, &mut server, &rest, &moved).await,
            Asked::Plain(plain) => request(client, &mut server, plain, &rest, &moved).await,
        }
    };
    tokio::select! {
        relayed = relayed => relayed?,
        () = moved.stopped_for(IDLE_TIME) => {}
    }
    Ok(())
}

/// The head, and what was received after it; `None` if the client left without a word.
async fn receive_head(client: &mut TcpStream) -> Result<Option<(Vec<u8>, Vec<u8>)>, Ended> {
    let mut received = Vec::with_capacity(4096);
    let receive = async {
        let mut searched = 0;
        loop {
            let left = MAX_HEAD - received.len();
            if left == 0 {
                return Err(Ended::Refused(Refusal::new(
                    Status::TooLong,
                    format!("the head of the request is longer than {MAX_HEAD} bytes"),
                )));
            }
            let count = (&mut *client)
                .take(left as u64)
                .read_buf(&mut received)
                .await?;
            if count == 0 && received.is_empty() {
                return Ok(None);
            }
            if count == 0 {
                return Err(Refusal::malformed("the request ended in its head").into());
            }
            if let Some(end) = head::end(&received, searched) {
                return Ok(Some(end));
            }
            searched = received.len();
        }
    };
    let late = || {
        Refusal::new(
            Status::Late,
            format!("no request came in {} seconds", HEAD_TIME.as_secs()),
        )
    };
    let end = timeout(HEAD_TIME, receive).await.map_err(|_| late())??;
    Ok(end.map(|end| {
        let rest = received.split_off(end);
        (received, rest)
    }))
}

async fn tunnel(
    client: &mut TcpStream,
    server: &mut TcpStream,
    rest: &[u8],
    moved: &Moved,
) -> io::Result<()> {
    client.write_all(TUNNEL_OPEN).await?;
    server.write_all(rest).await?;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    tokio::try_join!(
        body::copy_all(&mut from_client, &mut to_server, moved),
        body::copy_all(&mut from_server, &mut to_client, moved),
    )?;
    Ok(())
}

/// Sends one request and passes on what comes back, to its end.
async fn request(
    client: &mut TcpStream,
    server: &mut TcpStream,
    plain: Plain,
    rest: &[u8],
    moved: &Moved,
) -> io::Result<()> {
    let (from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let mut from_client = BufReader::with_capacity(BUFFER, rest.chain(from_client));
    let sending = async {
        to_server.write_all(&plain.head).await?;
        body::copy_body(plain.body, &mut from_client, &mut to_server, moved).await?;
        // Whatever else the client has to say is not read; the server's end is the end.
        std::future::pending::<io::Result<Infallible>>().await
    };
    let receiving = body::copy_all(&mut from_server, &mut to_client, moved);
    tokio::select! {
        failed = sending => failed.map(|never| match never {}),
        received = receiving => received,
    }
}

/// Tells the client why, and lets it finish what it is sending.
async fn refuse(client: &mut TcpStream, refusal: &Refusal) -> io::Result<()> {
    let finish = async {
        client.write_all(refusal.answer().as_bytes()).await?;
        client.shutdown().await?;
        tokio::io::copy(&mut client.take(LINGER_BYTES), &mut tokio::io::sink()).await
    };
    match timeout(LINGER_TIME, finish).await {
        Ok(finished) => finished.map(|_| ()),
        Err(_) => Ok(()),
    }
}
