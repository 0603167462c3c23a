//! One exchange with the control socket, blocking or not.
//! Invariant: an answer ends with its connection, so that nothing is left over for the next one.
//! It must not know what is said.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::telegram::control::Command;

/// Gives a command and blocks until it is answered.
pub(super) fn ask<T: DeserializeOwned>(address: SocketAddr, command: &Command) -> io::Result<T> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.write_all(&request(command)?)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    read(&answer)
}

/// Gives a command and resolves once it is answered.
pub(super) async fn ask_later<T: DeserializeOwned>(
    address: SocketAddr,
    command: &Command,
) -> io::Result<T> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    stream.write_all(&request(command)?).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    read(&answer)
}

/// A command as a request: its name is the path, its fields are the body.
fn request(command: &Command) -> io::Result<Vec<u8>> {
    let spelled = serde_json::to_value(command)?;
    let fields = spelled.as_object().and_then(|fields| fields.iter().next());
    let (name, fields) = fields.ok_or(io::ErrorKind::InvalidInput)?;
    let body = fields.to_string();
    let length = body.len();
    let head = format!(
        "POST /_control/{name} HTTP/1.1\r\nhost: fake\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    Ok((head + &body).into_bytes())
}

/// Reads an answer that ends with its connection.
fn read<T: DeserializeOwned>(answer: &[u8]) -> io::Result<T> {
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let body = head.map_or(&b""[..], |at| &answer[at + 4..]);
    if answer.starts_with(b"HTTP/1.1 200") {
        return Ok(serde_json::from_slice(body)?);
    }
    let refused: Value = serde_json::from_slice(body).unwrap_or_default();
    let reason = refused["error"]
        .as_str()
        .unwrap_or("the fake did not answer");
    Err(io::Error::other(reason.to_owned()))
}
