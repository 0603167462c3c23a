//! The HTTP side that every fake server shares: one connection, and how it ends when its exchange broke off.
//! Invariant: a service that fails has its ending carried out on the bare connection.
//! It must not know what is served.

use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// How a connection ends when its exchange broke off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ending {
    /// In good order, as TCP sees it.
    #[default]
    Close,
    /// By a reset.
    Reset,
    /// With these bytes before it closes.
    Bytes(String),
}

/// The ending of one connection, which its exchanges may change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fate(Arc<Mutex<Ending>>);

impl Fate {
    /// Sets the ending.
    pub(crate) fn set(&self, ending: Ending) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = ending;
    }

    fn take(&self) -> Ending {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Serves one connection to its end. An exchange that fails ends the connection as its fate says.
pub(crate) async fn serve<S, F, B>(stream: TcpStream, exchange: S)
where
    S: Fn(Request<Incoming>, Fate) -> F,
    F: Future<Output = io::Result<Response<B>>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let fate = Fate::default();
    let service = service_fn(|request| Box::pin(exchange(request, fate.clone())));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let outcome = poll_fn(|context| connection.poll_without_shutdown(context)).await;
    let mut stream = connection.into_parts().io.into_inner();
    let ended = match fate.take() {
        Ending::Close => Ok(()),
        Ending::Reset => stream.set_zero_linger(),
        Ending::Bytes(bytes) => stream.write_all(bytes.as_bytes()).await,
    };
    if let (Err(error), _) | (_, Err(error)) = (outcome.map_err(io::Error::other), ended) {
        tracing::debug!(%error, "a connection broke");
    }
}
