//! Reading the head of a request to a proxy, and writing the head that goes on.
//! Invariant: what goes on is written anew from what was understood, says one host and one length, and closes
//! the connection; whatever could be read in two ways is refused.
//! It must not know which hosts are allowed.

use httparse::{EMPTY_HEADER, Error, Header};

use super::host::{self, Target};
use super::refusal::{Refusal, Status};

/// Bytes of a head.
pub(super) const MAX_HEAD: usize = 64 * 1024;
/// Headers of a head.
const MAX_HEADERS: usize = 128;
/// Where a plain request goes that names no port.
const PLAIN_PORT: u16 = 80;

/// Headers that are about one connection, not about the request, and those that are written anew.
/// Beside them: whatever `Connection` names, and everything that begins with `Proxy-`.
const NOT_PASSED_ON: &[&str] = &[
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What a client asks a proxy for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Bytes in both ways, as they are.
    Tunnel(Target),
    /// One request.
    Plain(Plain),
}

/// One request, as it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plain {
    pub(super) target: Target,
    /// With the empty line at its end.
    pub(super) head: Vec<u8>,
    pub(super) body: Framing,
}

/// How long the body of a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// That many bytes; 0 where there is none.
    Length(u64),
    /// Until the chunk that ends it.
    Chunked,
}

impl Asked {
    pub(super) fn target(&self) -> &Target {
        match self {
            Self::Tunnel(target) => target,
            Self::Plain(plain) => &plain.target,
        }
    }
}

/// Where the head ends in what was received so far; `searched` bytes of it held no end the last time.
pub(super) fn end(received: &[u8], searched: usize) -> Option<usize> {
    const END: &[u8] = b"\r\n\r\n";
    // A head that ends in bare line feeds is refused at once instead of waiting for more.
    const BARE_END: &[u8] = b"\n\n";
    let from = searched.saturating_sub(END.len() - 1);
    (from..received.len()).find_map(|at| {
        let rest = &received[at..];
        [END, BARE_END]
            .into_iter()
            .find(|end| rest.starts_with(end))
            .map(|end| at + end.len())
    })
}

/// Reads a head, whole and nothing after it.
///
/// # Errors
/// The answer to a request that is none, or none for a proxy.
pub(super) fn read(head: &[u8]) -> Result<Asked, Refusal> {
    let bare = |at: &usize| head[*at] == b'\n' && (*at == 0 || head[*at - 1] != b'\r');
    if head.starts_with(b"\r\n") || (0..head.len()).any(|at| bare(&at)) {
        return Err(Refusal::malformed("this is no HTTP request"));
    }
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let parsed = request.parse(head).map_err(|error| match error {
        Error::TooManyHeaders => Refusal::new(
            Status::TooLong,
            format!("the request has more than {MAX_HEADERS} headers"),
        ),
        error => Refusal::malformed(&format!("this is no HTTP request: {error}")),
    })?;
    let (true, Some(method), Some(uri), Some(version)) = (
        parsed == httparse::Status::Complete(head.len()),
        request.method,
        request.path,
        request.version,
    ) else {
        return Err(Refusal::malformed("this is no HTTP request"));
    };
    let body = framing(request.headers, version)?;
    if method == "CONNECT" {
        return tunnel(uri, body);
    }
    plain(method, uri, version, request.headers, body).map(Asked::Plain)
}

fn tunnel(uri: &str, body: Framing) -> Result<Asked, Refusal> {
    if body != Framing::Length(0) {
        return Err(Refusal::malformed("a CONNECT request has no body"));
    }
    match host::split(uri) {
        Ok((host, Some(port))) => Ok(Asked::Tunnel(Target { host, port })),
        Ok((_, None)) => Err(Refusal::malformed(
            "a CONNECT request names a host and a port",
        )),
        Err(wrong) => Err(Refusal::malformed(&format!("the host `{uri}` {wrong}"))),
    }
}

fn plain(
    method: &str,
    uri: &str,
    version: u8,
    headers: &[Header<'_>],
    body: Framing,
) -> Result<Plain, Refusal> {
    let (authority, resource) = split_uri(uri)?;
    let (host, port) = host::split(authority)
        .map_err(|wrong| Refusal::malformed(&format!("the host `{authority}` {wrong}")))?;
    let target = Target {
        host,
        port: port.unwrap_or(PLAIN_PORT),
    };
    let resource = match resource {
        "" if method == "OPTIONS" => "*".to_owned(),
        "" => "/".to_owned(),
        query if query.starts_with('?') => format!("/{query}"),
        path => path.to_owned(),
    };
    let mut head = format!("{method} {resource} HTTP/1.{version}\r\nHost: ").into_bytes();
    head.extend(host_header(&target).bytes());
    head.extend(b"\r\n");
    let named = named_by_connection(headers);
    for header in headers {
        if is_passed_on(header.name, &named) {
            head.extend(header.name.bytes());
            head.extend(b": ");
            head.extend(header.value);
            head.extend(b"\r\n");
        }
    }
    match body {
        Framing::Chunked => head.extend(b"Transfer-Encoding: chunked\r\n"),
        Framing::Length(0) if find(headers, "content-length").next().is_none() => {}
        Framing::Length(length) => head.extend(format!("Content-Length: {length}\r\n").bytes()),
    }
    head.extend(b"Connection: close\r\n\r\n");
    Ok(Plain { target, head, body })
}

/// Splits `http://authority/path?query`.
fn split_uri(uri: &str) -> Result<(&str, &str), Refusal> {
    const SCHEME: &str = "http://";
    match uri.get(..SCHEME.len()) {
        Some(scheme) if scheme.eq_ignore_ascii_case(SCHEME) => {}
        _ if uri.starts_with('/') || uri == "*" => {
            return Err(Refusal::malformed(
                "this is a proxy; a request to it names a whole URL",
            ));
        }
        _ => {
            return Err(Refusal::malformed(
                "the proxy takes http URLs; use CONNECT for everything else",
            ));
        }
    }
    let rest = &uri[SCHEME.len()..];
    if !rest.bytes().all(|byte| byte.is_ascii_graphic()) || rest.contains('#') {
        return Err(Refusal::malformed(
            "the URL has characters that must be percent-encoded, or a fragment",
        ));
    }
    Ok(rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len())))
}

fn host_header(target: &Target) -> String {
    if target.port == PLAIN_PORT {
        target.host.to_string()
    } else {
        target.to_string()
    }
}

fn find<'a>(headers: &'a [Header<'_>], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value)
}

/// How long the body is, if there is one way alone to tell (RFC 9112, 6.3).
fn framing(headers: &[Header<'_>], version: u8) -> Result<Framing, Refusal> {
    const TWO_WAYS: &str = "the request says in more than one way how long it is";
    if find(headers, "host").count() > 1 {
        return Err(Refusal::malformed("the request has more than one host"));
    }
    let mut lengths = find(headers, "content-length");
    let mut encodings = find(headers, "transfer-encoding");
    let found = (lengths.next(), encodings.next());
    if lengths.next().is_some() || encodings.next().is_some() {
        return Err(Refusal::malformed(TWO_WAYS));
    }
    match found {
        (None, None) => Ok(Framing::Length(0)),
        (Some(length), None) => parse_length(length).map(Framing::Length).ok_or_else(|| {
            Refusal::malformed("the request has a content length that is no number")
        }),
        (None, Some(encoding)) if version == 1 && encoding.eq_ignore_ascii_case(b"chunked") => {
            Ok(Framing::Chunked)
        }
        (None, Some(_)) => Err(Refusal::malformed(
            "of transfer encodings, `chunked` alone is served, and by HTTP/1.1",
        )),
        (Some(_), Some(_)) => Err(Refusal::malformed(TWO_WAYS)),
    }
}

fn parse_length(value: &[u8]) -> Option<u64> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let number = str::from_utf8(value).ok()?.parse().ok()?;
    digits.then_some(number)
}

/// The headers that are of this connection only because it says so, in lower case.
fn named_by_connection(headers: &[Header<'_>]) -> Vec<String> {
    find(headers, "connection")
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(|name| String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase())
        .collect()
}

fn is_passed_on(name: &str, named: &[String]) -> bool {
    let name = name.to_ascii_lowercase();
    !name.starts_with("proxy-") && !NOT_PASSED_ON.contains(&name.as_str()) && !named.contains(&name)
}

#[cfg(test)]
mod tests;
