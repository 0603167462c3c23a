//! The client of the clock server, a `Clock` for real processes under test.
//! Invariant: shows the server's time and nothing else; without its server it stands still.
//! It must not know the process that uses it.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream as StdStream};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use corvid_core::Clock;
use corvid_core::wire::Millis;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A clock whose time is served by a [`ClockServer`](super::ClockServer).
#[derive(Debug)]
pub struct ServedClock {
    server: SocketAddr,
    line: Mutex<Line>,
}

/// The connection over which `now` is asked, and the last answer.
#[derive(Debug)]
struct Line {
    stream: BufReader<StdStream>,
    last: Millis,
}

impl ServedClock {
    /// Connects to the clock server at `server`, e.g. `127.0.0.1:4242`.
    ///
    /// # Errors
    /// If `server` is no address, or no clock answers there.
    pub fn connect(server: &str) -> io::Result<Self> {
        let server: SocketAddr = server.parse().map_err(|_| {
            let reason = format!("`{server}` is no socket address; expected e.g. 127.0.0.1:4242");
            io::Error::new(io::ErrorKind::InvalidInput, reason)
        })?;
        let stream = StdStream::connect(server)?;
        stream.set_nodelay(true)?;
        let mut line = Line {
            stream: BufReader::new(stream),
            last: 0,
        };
        line.ask()?;
        Ok(Self {
            server,
            line: Mutex::new(line),
        })
    }

    async fn wait(&self, time: Millis) -> io::Result<()> {
        let mut stream = tokio::io::BufReader::new(TcpStream::connect(self.server).await?);
        stream
            .write_all(format!("until {time}\n").as_bytes())
            .await?;
        let mut answer = String::new();
        stream.read_line(&mut answer).await?;
        read(&answer).map(drop)
    }
}

impl Line {
    fn ask(&mut self) -> io::Result<Millis> {
        self.stream.get_mut().write_all(b"now\n")?;
        let mut answer = String::new();
        self.stream.read_line(&mut answer)?;
        self.last = read(&answer)?;
        Ok(self.last)
    }
}

fn read(answer: &str) -> io::Result<Millis> {
    answer.trim_end().parse().map_err(|_| {
        let reason = format!("the clock server answered `{}`", answer.trim_end());
        io::Error::new(io::ErrorKind::InvalidData, reason)
    })
}

#[async_trait]
impl Clock for ServedClock {
    fn now(&self) -> Millis {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.ask().unwrap_or_else(|error| {
            tracing::error!(%error, "the clock server is gone");
            line.last
        })
    }

    async fn sleep_until(&self, time: Millis) {
        if let Err(error) = self.wait(time).await {
            // Returning would claim that the time has come.
            tracing::error!(%error, time, "the clock server is gone");
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ClockServer;

    #[tokio::test]
    async fn a_client_sleeps_by_the_servers_time() -> io::Result<()> {
        let server = ClockServer::start(5_000)?;
        let client = ServedClock::connect(&server.address().to_string())?;
        assert_eq!(client.now(), 5_000);
        let ((), moved) = tokio::join!(client.sleep_until(6_000), async {
            let waited_for = server.clock().next_wait().await;
            server.clock().set(waited_for)
        });
        assert_eq!((moved, client.now()), (6_000, 6_000));
        Ok(())
    }

    #[tokio::test]
    async fn a_sleeper_that_leaves_is_forgotten() -> io::Result<()> {
        let server = ClockServer::start(0)?;
        let client = ServedClock::connect(&server.address().to_string())?;
        tokio::select! {
            () = client.sleep_until(10) => {}
            time = server.clock().next_wait() => assert_eq!(time, 10),
        }
        // The server sees the closed connection a moment later; a new wait is told apart by its time.
        tokio::select! {
            () = client.sleep_until(20) => {}
            () = server.clock().waits_are(&[20]) => {}
        }
        Ok(())
    }

    #[test]
    fn a_wrong_address_is_named() {
        let error = ServedClock::connect("nowhere").map_err(|error| error.to_string());
        assert_eq!(
            error.err().as_deref(),
            Some("`nowhere` is no socket address; expected e.g. 127.0.0.1:4242")
        );
    }
}
