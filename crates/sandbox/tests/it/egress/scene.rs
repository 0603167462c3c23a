//! A proxy, the servers behind it and the names that lead to them.
//! Invariant: names lead where the scene says and nowhere else; every lookup and every byte at a server is kept.
//! It must not know what a test proves.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use corvid_core::{TaskKind, Tasks};
use corvid_sandbox::egress::{self, Allowed, Attempt, Resolve, Verdict};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    pub(crate) names: Arc<Names>,
    pub(crate) stop: CancellationToken,
    seen: Arc<Mutex<Vec<Attempt>>>,
    tasks: Tasks,
}

/// A resolver that answers from a table: the first lookup of a name gets the first answer, and so on; the
/// last one stays.
#[derive(Default)]
pub(crate) struct Names {
    answers: HashMap<String, Vec<Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    pub(crate) fn of(table: &[(&str, &[&[&str]])]) -> Self {
        let answers = table.iter().map(|(name, answers)| {
            let answers = answers
                .iter()
                .map(|answer| answer.iter().map(|address| address.parse().unwrap()))
                .map(Iterator::collect);
            ((*name).to_owned(), answers.collect())
        });
        Self {
            answers: answers.collect(),
            asked: Mutex::default(),
        }
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let mut asked = self.asked.lock().unwrap();
        let before = asked.iter().filter(|other| *other == name).count();
        asked.push(name.to_owned());
        let answers = self
            .answers
            .get(name)
            .ok_or_else(|| io::Error::other("no such name"))?;
        Ok(answers[before.min(answers.len() - 1)].clone())
    }
}

impl Proxy {
    /// Serves a proxy that leads to `hosts`; those in `private` may have private addresses.
    pub(crate) fn start(hosts: &[&str], private: &[&str], names: Names) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (names, seen) = (Arc::new(names), Arc::<Mutex<Vec<_>>>::default());
        let (tasks, stop) = (Tasks::default(), CancellationToken::new());
        let proxy = Self {
            address: listener.local_addr().unwrap(),
            names: Arc::clone(&names),
            stop: stop.clone(),
            seen: Arc::clone(&seen),
            tasks: tasks.clone(),
        };
        let allowed = Allowed::parse(&owned(hosts), &owned(private)).unwrap();
        let seen = Arc::new(move |attempt| seen.lock().unwrap().push(attempt));
        tasks.spawn(TaskKind::Service, "proxy", async move {
            egress::serve(listener, allowed, names, stop, seen)
                .await
                .unwrap();
        });
        proxy
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes and reads the whole answer.
    pub(crate) async fn send(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut client = self.connect().await;
        client.write_all(bytes.as_ref()).await.unwrap();
        answer(&mut client).await
    }

    /// What was told of attempts, one line each.
    pub(crate) fn told(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .map(
                |Attempt {
                     host,
                     port,
                     verdict,
                 }| match verdict {
                    Verdict::Reached => format!("{host}:{port} reached"),
                    Verdict::Refused(why) => format!("{host}:{port} refused: {why}"),
                    Verdict::Failed(why) => format!("{host}:{port} failed: {why}"),
                },
            )
            .collect()
    }

    /// Stops it and waits for its end.
    pub(crate) async fn end(&self) {
        self.stop.cancel();
        self.tasks.shutdown().await;
    }
}

/// Everything to the end of the connection.
pub(crate) async fn answer(client: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

/// The first line of an answer, and its last.
pub(crate) fn outline(answer: &str) -> (&str, &str) {
    let first = answer.lines().next().unwrap_or_default();
    (first, answer.lines().last().unwrap_or_default())
}

/// A server that keeps what it got.
pub(crate) struct Server {
    pub(crate) port: u16,
    got: Arc<Mutex<Vec<String>>>,
    tasks: Tasks,
}

impl Server {
    /// On this address. A connection gets the answer once what came ends with `until`; then the server says no
    /// more and listens to the end.
    pub(crate) async fn start(address: &str, until: &'static str, says: &'static str) -> Self {
        Self::on(TcpListener::bind(address).await.unwrap(), until, says)
    }

    /// On every address of the machine. A connection gets its answer at once.
    pub(crate) async fn everywhere() -> Self {
        let listener = match TcpListener::bind("[::]:0").await {
            Ok(listener) => listener,
            // A machine without IPv6.
            Err(_) => TcpListener::bind("0.0.0.0:0").await.unwrap(),
        };
        Self::on(listener, "", "heard")
    }

    fn on(listener: TcpListener, until: &'static str, says: &'static str) -> Self {
        let (got, tasks) = (Arc::<Mutex<Vec<_>>>::default(), Tasks::default());
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            got: Arc::clone(&got),
            tasks: tasks.clone(),
        };
        let stop = tasks.stopping();
        tasks.spawn(TaskKind::Service, "server", async move {
            while let Some(Ok((client, _))) = stop.run_until_cancelled(listener.accept()).await {
                let all = hear(client, until, says).await;
                got.lock().unwrap().push(all);
            }
        });
        server
    }

    /// What came, one text a connection, once the connections are over.
    pub(crate) async fn got(&self) -> Vec<String> {
        self.tasks.shutdown().await;
        self.got.lock().unwrap().clone()
    }
}

async fn hear(mut client: TcpStream, until: &str, says: &str) -> String {
    let mut all = Vec::new();
    while !all.ends_with(until.as_bytes()) {
        if client.read_buf(&mut all).await.unwrap() == 0 {
            break;
        }
    }
    client.write_all(says.as_bytes()).await.unwrap();
    client.shutdown().await.unwrap();
    // Whoever cuts it says nothing more either.
    match client.read_to_end(&mut all).await {
        Ok(_) | Err(_) => String::from_utf8(all).unwrap(),
    }
}
