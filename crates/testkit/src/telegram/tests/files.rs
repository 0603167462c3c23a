//! Files in both directions.
//! Invariant: bytes are compared whole.
//! It must not know how files are kept.

use super::*;

/// Sends a raw request and returns the answer's head and body.
fn exchange(fake: &FakeTelegram, request: &[u8]) -> io::Result<(String, Vec<u8>)> {
    let mut stream = TcpStream::connect(fake.loopback.address())?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let head = head.unwrap_or(answer.len());
    let body = answer.get(head + 4..).unwrap_or_default().to_vec();
    Ok((String::from_utf8_lossy(&answer[..head]).into_owned(), body))
}

/// Uploads a file with these other fields.
fn upload(fake: &FakeTelegram, method: &str, fields: &str, content: &[u8]) -> io::Result<Value> {
    let field = if method == "sendPhoto" {
        "photo"
    } else {
        "document"
    };
    let mut body = Vec::new();
    for (name, value) in fields.split('&').filter_map(|field| field.split_once('=')) {
        write!(
            body,
            "--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        )?;
    }
    write!(
        body,
        "--b\r\ncontent-disposition: form-data; name=\"{field}\"; filename=\"notes.txt\"\r\n\
         content-type: text/plain\r\n\r\n"
    )?;
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n--b--\r\n");
    let mut request = format!(
        "POST /bot{}/{method} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         content-type: multipart/form-data; boundary=b\r\ncontent-length: {}\r\n\r\n",
        fake.token(),
        body.len()
    )
    .into_bytes();
    request.extend(body);
    let (_, answer) = exchange(fake, &request)?;
    Ok(serde_json::from_slice(&answer).unwrap_or_default())
}

fn fetch(fake: &FakeTelegram, path: &str) -> io::Result<(String, Vec<u8>)> {
    let token = fake.token();
    let request =
        format!("GET /file/bot{token}/{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    exchange(fake, request.as_bytes())
}

#[test]
fn a_document_arrives_byte_for_byte() -> Outcome {
    let fake = FakeTelegram::start()?;
    fake.remote().say(Say::private(7, "hello"))?;
    let content: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let sent = upload(&fake, "sendDocument", "chat_id=7&caption=it", &content)?;
    assert_eq!(
        sent["result"]["document"]["file_name"], "notes.txt",
        "{sent}"
    );
    assert_eq!(sent["result"]["caption"], "it");
    let chat = fake.remote().chat(7)?;
    let file = chat.messages[1].file.as_ref().ok_or("no file")?;
    assert_eq!(
        (file.media_type.as_str(), &file.bytes),
        ("text/plain", &content)
    );
    let edit = json!({ "chat_id": 7, "message_id": 2, "text": "x" });
    refused(
        &fake,
        "editMessageText",
        &edit,
        400,
        "Bad Request: there is no text in the message to edit",
    )?;
    assert_eq!(fake.remote().violations()?, [] as [String; 0]);
    Ok(())
}

#[test]
fn a_file_that_cannot_be_sent_is_refused() -> Outcome {
    let fake = FakeTelegram::start()?;
    fake.remote().say(Say::private(7, "hello"))?;
    let check = |fields: &str, content: &[u8], description: &str| -> Outcome {
        let answer = upload(&fake, "sendDocument", fields, content)?;
        assert_eq!(answer["description"], description);
        Ok(())
    };
    check("chat_id=7", b"", "Bad Request: file must be non-empty")?;
    check("chat_id=8", b"x", "Bad Request: chat not found")?;
    let caption = format!("chat_id=7&caption={}", "x".repeat(1_025));
    check(&caption, b"x", "Bad Request: message caption is too long")?;
    refused(
        &fake,
        "sendDocument",
        &json!({ "chat_id": 7, "document": "nowhere" }),
        400,
        "Bad Request: wrong file identifier/HTTP URL specified",
    )
}

#[test]
fn what_a_person_sends_can_be_fetched_unless_it_is_too_big() -> Outcome {
    let fake = FakeTelegram::start()?;
    let remote = fake.remote();
    remote.say(Say::private(7, "look").photo(*b"jpeg"))?;
    remote.say(Say::private(7, "").voice(*b"ogg"))?;
    remote.say(
        Say::private(7, "big")
            .document("a.iso", "x/y", *b"z")
            .told_size(21 << 20),
    )?;
    let told = done(&fake, "getUpdates", &json!({}))?;
    let largest = &told[0]["message"]["photo"][1];
    assert_eq!(told[0]["message"]["caption"], "look");
    assert_eq!(told[1]["message"]["voice"]["mime_type"], "audio/ogg");
    let file = done(&fake, "getFile", &json!({ "file_id": largest["file_id"] }))?;
    let path = file["file_path"].as_str().ok_or("no path")?;
    assert_eq!(fetch(&fake, path)?.1, b"jpeg");
    let big = json!({ "file_id": told[2]["message"]["document"]["file_id"] });
    refused(&fake, "getFile", &big, 400, "Bad Request: file is too big")?;
    refused(
        &fake,
        "getFile",
        &json!({ "file_id": "x" }),
        400,
        "Bad Request: wrong file_id or the file is temporarily unavailable",
    )?;
    let (head, _) = fetch(&fake, "files/none")?;
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
    Ok(())
}
