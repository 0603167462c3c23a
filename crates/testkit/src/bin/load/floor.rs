//! The floors: what the machine takes in the same minute for the least that must be done.
//! Invariant: a floor contains nothing of the program that is measured.
//! It must not judge.

use std::error::Error;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use corvid_testkit::ModelServer;
use corvid_testkit::model_server::Script;
use serde_json::Value;

/// The word by which this program does nothing.
pub(crate) const EMPTY: &str = "empty";

/// Bytes of a small commit: a frame of the write-ahead log.
const FRAME: usize = 4096 + 24;

/// A program that does nothing, of the same size as `agent`: this one, lengthened by zeros.
pub(crate) fn empty_program(folder: &Path, agent: &Path) -> io::Result<PathBuf> {
    let empty = folder.join("empty");
    fs::copy(std::env::current_exe()?, &empty)?;
    let size = fs::metadata(agent)?.len();
    let file = OpenOptions::new().write(true).open(&empty)?;
    if file.metadata()?.len() < size {
        file.set_len(size)?;
    }
    fs::set_permissions(&empty, Permissions::from_mode(0o755))?;
    Ok(empty)
}

/// A file on the disk of the store, to see what a small commit costs there.
pub(crate) struct Disk {
    file: File,
}

impl Disk {
    /// A file in this folder.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::create(folder.join("floor"))?,
        })
    }

    /// How long it takes to append the bytes of a small commit and have them on the disk.
    pub(crate) fn sync(&mut self) -> io::Result<Duration> {
        let started = Instant::now();
        self.file.write_all(&[7; FRAME])?;
        self.file.sync_data()?;
        Ok(started.elapsed())
    }
}

/// How long the scripted server takes for these requests, one after the other, without the program.
pub(crate) fn server_alone(
    script: &Script,
    bodies: &[Value],
    count: usize,
) -> Result<Vec<Duration>, Box<dyn Error>> {
    let server = ModelServer::start(script.clone())?;
    let url = server.url();
    let address = url.trim_start_matches("http://").trim_end_matches("/v1");
    (0..count)
        .map(|_| {
            let started = Instant::now();
            let mut stream = BufReader::new(TcpStream::connect(address)?);
            stream.get_ref().set_nodelay(true)?;
            for body in bodies {
                exchange(&mut stream, &body.to_string())?;
            }
            Ok(started.elapsed())
        })
        .collect()
}

/// One request and its chunked answer.
fn exchange(stream: &mut BufReader<TcpStream>, body: &str) -> io::Result<()> {
    let length = body.len();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: floor\r\nauthorization: Bearer k\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.get_mut().write_all(request.as_bytes())?;
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let size = u64::from_str_radix(line.trim_end(), 16).map_err(io::Error::other)?;
        // Each chunk, the empty last one too, ends with a line break of its own.
        io::copy(&mut stream.by_ref().take(size + 2), &mut io::sink())?;
        if size == 0 {
            return Ok(());
        }
    }
}
