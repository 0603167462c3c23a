//! Transcription against a real local server that takes one request at a time and keeps what it saw.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use corvid_core::{Secret, SystemClock};
use corvid_llm::Transcriber;

const KEY: &str = "sk-0123456789abcdef";

/// A server that gives these answers, one a connection, and the requests that it saw.
struct Listener {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Listener {
    fn start(answers: Vec<(u16, String)>) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = socket.local_addr().expect("an address");
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let ledger = Arc::clone(&seen);
        std::thread::spawn(move || {
            for (status, body) in answers {
                let Ok((mut stream, _)) = socket.accept() else {
                    return;
                };
                let request = request(&mut stream).unwrap_or_default();
                ledger.lock().expect("nobody panics").push(request);
                let head = format!(
                    "HTTP/1.1 {status} Status\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                drop(stream.write_all((head + &body).as_bytes()));
            }
        });
        Self { address, seen }
    }

    fn transcriber(&self) -> Transcriber {
        let url = format!("http://{}/v1/", self.address);
        let key = Some(Secret::new(KEY));
        Transcriber::new(&url, "whisper-1", key, Arc::new(SystemClock)).expect("an address")
    }

    fn requests(&self) -> Vec<String> {
        self.seen.lock().expect("nobody panics").clone()
    }
}

/// Reads a request with its body, as far as its length says.
fn request(stream: &mut TcpStream) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer)?;
        bytes.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| {
                line.to_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            })
            .unwrap_or(0);
        if count == 0 || body.len() >= length {
            return Ok(text);
        }
    }
}

async fn transcribe(listener: &Listener) -> Result<String, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let recording = folder.path().join("voice");
    std::fs::write(&recording, "OggS-sound").expect("it is written");
    let transcriber = listener.transcriber();
    let heard = transcriber.transcribe(&recording, "audio/ogg; codecs=opus");
    heard.await.map_err(|error| error.message)
}

#[tokio::test]
async fn a_recording_goes_out_and_its_words_come_back() {
    let listener = Listener::start(vec![(200, r#"{"text": " Buy milk. "}"#.to_owned())]);
    assert_eq!(transcribe(&listener).await.as_deref(), Ok("Buy milk."));
    let requests = listener.requests();
    let [request] = requests.as_slice() else {
        panic!("{requests:?}");
    };
    assert!(
        request.starts_with("POST /v1/audio/transcriptions HTTP/1.1\r\n"),
        "{request}"
    );
    for part in [
        "authorization: Bearer sk-0123456789abcdef",
        "name=\"model\"\r\n\r\nwhisper-1",
        "filename=\"recording.ogg\"",
        "OggS-sound",
    ] {
        assert!(request.contains(part), "{part} in {request}");
    }
}

#[tokio::test]
async fn a_busy_endpoint_is_asked_again_and_a_refusal_is_not() {
    let busy = (503, "{}".to_owned());
    let listener = Listener::start(vec![busy, (200, r#"{"text": "at last"}"#.to_owned())]);
    assert_eq!(transcribe(&listener).await.as_deref(), Ok("at last"));

    let refusal = format!(r#"{{"error": {{"message": "bad key {KEY}"}}}}"#);
    let listener = Listener::start(vec![(401, refusal)]);
    let refused = transcribe(&listener).await.expect_err("it is refused");
    assert!(
        refused.contains("check `transcription.key_env`"),
        "{refused}"
    );
    assert!(!refused.contains(KEY), "{refused}");
    assert_eq!(listener.requests().len(), 1);
}

#[tokio::test]
async fn what_is_no_transcript_is_an_error_that_names_the_setting() {
    let listener = Listener::start(vec![(200, "<html>".to_owned())]);
    let error = transcribe(&listener).await.expect_err("it is none");
    assert!(error.contains("`transcription.url`"), "{error}");
    let listener = Listener::start(vec![(200, r#"{"text": " "}"#.to_owned())]);
    assert!(
        transcribe(&listener).await.is_err(),
        "silence is no message"
    );
    let no_address = Transcriber::new("ftp://host", "m", None, Arc::new(SystemClock));
    let error = no_address
        .err()
        .map(|error| error.message)
        .unwrap_or_default();
    assert!(error.contains("`transcription.url`"), "{error}");
}
