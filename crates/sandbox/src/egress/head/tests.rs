//! What is understood of a head, what goes on of it, and what is refused.
//! Invariant: heads are byte strings as a client sends them, without the empty line at their end.
//! It must not know connections.

use proptest::prelude::*;

use super::*;

fn head(lines: &str) -> Vec<u8> {
    format!("{}\r\n\r\n", lines.replace('\n', "\r\n")).into_bytes()
}

fn goes_on(lines: &str) -> (String, String, Framing) {
    match read(&head(lines)) {
        Ok(Asked::Plain(plain)) => (
            plain.target.to_string(),
            String::from_utf8(plain.head).unwrap(),
            plain.body,
        ),
        other => panic!("{lines}: {other:?}"),
    }
}

fn check_refused(lines: &str, status: Status) {
    match read(&head(lines)) {
        Err(refusal) => assert_eq!(refusal.status(), status, "{lines}: {refusal}"),
        Ok(asked) => panic!("{lines}: {asked:?}"),
    }
}

#[test]
fn a_request_goes_on_with_the_host_it_named() {
    let (target, head, body) = goes_on(
        "GET http://Example.org/a?b=c HTTP/1.1\nHost: other.org\nAccept: */*\nX-A:  two words \nX-A: again",
    );
    assert_eq!(target, "example.org:80");
    assert_eq!(body, Framing::Length(0));
    assert_eq!(
        head,
        "GET /a?b=c HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\nX-A: two words\r\nX-A: again\r\n\
         Connection: close\r\n\r\n"
    );
}

#[test]
fn what_is_of_the_connection_stays() {
    let (_, head, body) = goes_on(
        "POST http://[::1]:8080 HTTP/1.0\nCONNECTION: close, X-Once\nConnection: Accept\nKeep-Alive: 5\nTE: trailers\n\
         Trailer: X\nUpgrade: h2c\nProxy-Authorization: Basic x\nProxy-Connection: keep-alive\nproxy-X: y\nX-Once: 1\n\
         Accept: */*\nContent-Length: 007\nExpect: 100-continue",
    );
    assert_eq!(body, Framing::Length(7));
    assert_eq!(
        head,
        "POST / HTTP/1.0\r\nHost: [::1]:8080\r\nExpect: 100-continue\r\nContent-Length: 7\r\nConnection: close\r\n\r\n"
    );
}

#[test]
fn a_url_without_a_path_has_one() {
    let first_line = |lines: &str| goes_on(lines).1.lines().next().unwrap().to_owned();
    assert_eq!(first_line("GET HTTP://a.b HTTP/1.1"), "GET / HTTP/1.1");
    assert_eq!(
        first_line("GET http://a.b?x=/y HTTP/1.1"),
        "GET /?x=/y HTTP/1.1"
    );
    assert_eq!(
        first_line("OPTIONS http://a.b HTTP/1.1"),
        "OPTIONS * HTTP/1.1"
    );
    assert_eq!(
        first_line("GET http://a.b//c@d:1 HTTP/1.1"),
        "GET //c@d:1 HTTP/1.1"
    );
}

#[test]
fn a_body_is_framed_in_one_way() {
    let (_, head, body) = goes_on("PUT http://a.b/ HTTP/1.1\nTransfer-Encoding: Chunked");
    assert_eq!(body, Framing::Chunked);
    assert!(
        head.contains("\r\nTransfer-Encoding: chunked\r\n"),
        "{head}"
    );
    let (_, head, body) = goes_on("PUT http://a.b/ HTTP/1.1\nContent-Length: 0");
    assert_eq!(body, Framing::Length(0));
    assert!(head.contains("\r\nContent-Length: 0\r\n"), "{head}");
}

#[test]
fn a_tunnel_names_host_and_port() {
    let asked = |lines: &str| read(&head(lines)).map(|asked| asked.target().to_string());
    assert_eq!(
        asked("CONNECT Example.org:443 HTTP/1.1\nHost: x"),
        Ok("example.org:443".to_owned())
    );
    assert_eq!(
        asked("CONNECT [::ffff:7f00:1]:22 HTTP/1.1"),
        Ok("127.0.0.1:22".to_owned())
    );
    for wrong in [
        "example.org",
        "example.org:",
        "example.org:0",
        "http://example.org:443",
        "user@example.org:443",
        "example.org:443/",
        "*.example.org:443",
        "127.1:443",
        "0x7f.1:443",
        "2130706433:443",
        "/",
    ] {
        check_refused(&format!("CONNECT {wrong} HTTP/1.1"), Status::Malformed);
    }
    check_refused(
        "CONNECT a.b:443 HTTP/1.1\nContent-Length: 1",
        Status::Malformed,
    );
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    for headers in [
        "Content-Length: 1\nContent-Length: 1",
        "Content-Length: 1\ncontent-length: 2",
        "Content-Length: 1\nTransfer-Encoding: chunked",
        "Content-Length: 1, 1",
        "Content-Length: +1",
        "Content-Length: -1",
        "Content-Length: 0x1",
        "Content-Length:",
        "Content-Length: 18446744073709551616",
        "Transfer-Encoding: chunked\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding:\u{b}chunked",
        "Transfer-Encoding : chunked",
        "Host: a.b\nHost: c.d",
        "X: a\n folded",
        " X: a",
        "X",
        "X: a\u{0}b",
        ": x",
        "X: a\u{d}b",
    ] {
        check_refused(
            &format!("POST http://a.b/ HTTP/1.1\n{headers}"),
            Status::Malformed,
        );
    }
    check_refused(
        "POST http://a.b/ HTTP/1.0\nTransfer-Encoding: chunked",
        Status::Malformed,
    );
}

#[test]
fn what_is_no_request_to_a_proxy_is_refused() {
    for line in [
        "GET / HTTP/1.1",
        "GET * HTTP/1.1",
        "GET a.b HTTP/1.1",
        "GET https://a.b/ HTTP/1.1",
        "GET ftp://a.b/ HTTP/1.1",
        "GET http:/a.b HTTP/1.1",
        "GET http:// HTTP/1.1",
        "GET http:///x HTTP/1.1",
        "GET http://u:p@a.b/ HTTP/1.1",
        "GET http://a.b#x HTTP/1.1",
        "GET http://a.b/x#y HTTP/1.1",
        "GET http://a.b\\@c.d/ HTTP/1.1",
        "GET http://a.b:/ HTTP/1.1",
        "GET http://a.b:80:80/ HTTP/1.1",
        "GET http://2130706433/ HTTP/1.1",
        "GET http://127.1/ HTTP/1.1",
        "GET http://a.b/ü HTTP/1.1",
        "GET http://a.b/ HTTP/2.0",
        "GET http://a.b/",
        "GET  http://a.b/ HTTP/1.1",
        "GET http://a.b/ HTTP/1.1 x",
        "GET http://a.b/ x HTTP/1.1",
        "",
        "\u{16}\u{3}\u{1}",
        "G(T http://a.b/ HTTP/1.1",
    ] {
        check_refused(line, Status::Malformed);
    }
    let many = "\nX: y".repeat(MAX_HEADERS + 1);
    check_refused(&format!("GET http://a.b/ HTTP/1.1{many}"), Status::TooLong);
    for bare in [
        &b"GET http://a.b/ HTTP/1.1\n\n"[..],
        b"GET http://a.b/ HTTP/1.1\nX: y\r\n\r\n",
    ] {
        let refusal = read(bare).unwrap_err();
        assert_eq!(refusal.status(), Status::Malformed);
    }
}

#[test]
fn the_end_is_found_however_it_arrives() {
    let whole = b"GET http://a.b/ HTTP/1.1\r\nX: y\r\n\r\nmore";
    let mut searched = 0;
    let found = (0..=whole.len()).find_map(|length| {
        let found = end(&whole[..length], searched);
        searched = length;
        found
    });
    assert_eq!(found, Some(whole.len() - "more".len()));
    assert_eq!(end(whole, 0), found);
    assert_eq!(end(b"GET\n\nmore", 0), Some(5));
}

proptest! {
    /// Whatever goes on is one head for the host that is checked, as any server reads it.
    #[test]
    fn what_goes_on_is_one_request(
        method in "[A-Z]{3,5}",
        path in "[!-~]{0,20}",
        headers in prop::collection::vec(("[A-Za-z-]{1,17}", "[ -~\\t]{0,12}"), 0..6),
    ) {
        let headers = headers.iter().fold(String::new(), |all, (name, value)| all + "\r\n" + name + ": " + value);
        let sent = format!("{method} http://a.b/{path} HTTP/1.1{headers}\r\n\r\n");
        if let Ok(Asked::Plain(plain)) = read(sent.as_bytes()) {
            let mut headers = [EMPTY_HEADER; MAX_HEADERS];
            let mut request = httparse::Request::new(&mut headers);
            let parsed = request.parse(&plain.head);
            prop_assert_eq!(parsed, Ok(httparse::Status::Complete(plain.head.len())));
            prop_assert_eq!(request.method, Some(method.as_str()));
            prop_assert_eq!(find(request.headers, "host").collect::<Vec<_>>(), [b"a.b"]);
            prop_assert_eq!(find(request.headers, "connection").collect::<Vec<_>>(), [b"close"]);
            prop_assert!(framing(request.headers, 1) == Ok(plain.body));
            prop_assert_eq!(end(&plain.head, 0), Some(plain.head.len()));
        }
    }

    #[test]
    fn no_bytes_fail_otherwise(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _read = read(&bytes).is_ok();
    }
}
