//! The clock server: one manual clock for several processes, a line protocol on loopback.
//! Invariant: every line gets one line back, a time in milliseconds, or `error` and a reason.
//! It must not know who asks.
//!
//! | line | answer |
//! |---|---|
//! | `now` | the time |
//! | `until T` | the time, once it is at least `T` |
//! | `set T` | the time, after moving to `T` |
//! | `advance MS` | the time, after moving on by `MS` |

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use corvid_core::Clock as _;
use corvid_core::wire::Millis;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::ManualClock;
use crate::loopback::Loopback;

/// A clock that several processes share; dropped, it stops serving.
#[derive(Debug)]
pub struct ClockServer {
    clock: Arc<ManualClock>,
    loopback: Loopback,
}

impl ClockServer {
    /// Starts a clock that stands at `now`, on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// If no port can be bound or no thread be started.
    pub fn start(now: Millis) -> io::Result<Self> {
        let clock = Arc::new(ManualClock::new(now));
        let served = Arc::clone(&clock);
        let loopback = Loopback::start("clock", move |stream| {
            let clock = Arc::clone(&served);
            async move {
                // A client may leave at any time; that is no failure of the clock.
                if let Err(error) = converse(&clock, stream).await {
                    tracing::debug!(%error, "a clock client left");
                }
            }
        })?;
        Ok(Self { clock, loopback })
    }

    /// Where it listens; what `CORVID_CLOCK` takes.
    pub fn address(&self) -> SocketAddr {
        self.loopback.address()
    }

    /// The clock itself, to move it from the test's own process.
    pub fn clock(&self) -> &Arc<ManualClock> {
        &self.clock
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Now,
    Until(Millis),
    Set(Millis),
    Advance(u64),
}

fn parse(line: &str) -> Result<Asked, String> {
    let number = |text: &str| {
        text.parse::<Millis>()
            .map_err(|_| format!("`{text}` is no time in milliseconds"))
    };
    match line.split_once(' ') {
        None if line == "now" => Ok(Asked::Now),
        Some(("until", time)) => number(time).map(Asked::Until),
        Some(("set", time)) => number(time).map(Asked::Set),
        Some(("advance", by)) => by
            .parse()
            .map(Asked::Advance)
            .map_err(|_| format!("`{by}` is no span in milliseconds")),
        _ => Err(format!(
            "`{line}` is none of now, until T, set T, advance MS"
        )),
    }
}

async fn converse(clock: &ManualClock, stream: TcpStream) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let answer = match parse(line.trim_end()) {
            Ok(Asked::Now) => clock.now().to_string(),
            Ok(Asked::Set(time)) => clock.set(time).to_string(),
            Ok(Asked::Advance(by_ms)) => clock.advance(by_ms).to_string(),
            Ok(Asked::Until(time)) => tokio::select! {
                () = clock.sleep_until(time) => clock.now().to_string(),
                // Nothing is said while one waits: whatever comes is the end of the connection.
                _ = stream.fill_buf() => return Ok(()),
            },
            Err(reason) => format!("error {reason}"),
        };
        stream.write_all(format!("{answer}\n").as_bytes()).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_strictly() {
        assert_eq!(parse("now"), Ok(Asked::Now));
        assert_eq!(parse("until 7"), Ok(Asked::Until(7)));
        assert_eq!(parse("advance 3"), Ok(Asked::Advance(3)));
        assert_eq!(
            parse("until soon"),
            Err("`soon` is no time in milliseconds".to_owned())
        );
        assert!(parse("NOW").is_err());
    }
}
