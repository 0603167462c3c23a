//! The only way out of a command's network namespace: a proxy that checks where each connection goes.
//! Invariant: a connection goes to a granted host and port, under an address that was checked and is dialled
//! as it was checked; whatever else a client says reaches nobody.
//! It must not know who asked for a host, nor how a command is kept from going another way.
//!
//! What a tunnel carries is not looked at: where several hosts share one address (content delivery networks),
//! a command that may reach one of them may ask that address for another.

mod address;
mod allowed;
mod attempt;
mod body;
mod connection;
mod dial;
mod head;
mod host;
mod refusal;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

pub use address::{AddressCheck, is_public};
pub use allowed::Allowed;
pub use attempt::{Attempt, Seen, Verdict};
pub use dial::{Resolve, SystemResolver};

/// Connections at once; more wait until one ends.
const MAX_CONNECTIONS: usize = 64;
/// After a connection could not be accepted (too many open files).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves an HTTP proxy on a listener, which may live in another network namespace, until `stop` is cancelled;
/// then every connection has ended too. `seen` gets each different attempt once.
///
/// # Errors
/// The listener is none.
pub async fn serve(
    listener: std::net::TcpListener,
    allowed: Allowed,
    resolver: Arc<dyn Resolve>,
    stop: CancellationToken,
    seen: Seen,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let told = attempt::Told::new(seen);
    // All in this one task, so that none outlives it.
    let mut open = FuturesUnordered::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            client = accept(&listener), if open.len() < MAX_CONNECTIONS => {
                open.push(connection::serve(client, &allowed, resolver.as_ref(), &told));
            }
            Some(()) = open.next() => {}
        }
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((client, _)) => return client,
            Err(error) => {
                tracing::debug!(%error, "the proxy cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
