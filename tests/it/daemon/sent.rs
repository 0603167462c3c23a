//! What is sent along with a message: files, and voice.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::TcpListener;

use corvid_testkit::model_server::Script;
use corvid_testkit::telegram::Say;

use super::{ADA, BOB, Stage};

#[test]
fn a_file_lands_in_the_working_folder_of_who_may_speak() -> io::Result<()> {
    let stage = Stage::with_ada(Script::echo())?;
    let sent = |person| Say::private(person, "look").document("../a.txt", "text/plain", *b"sent");
    stage.telegram().say(sent(BOB))?;
    stage.hears(BOB, "agent pair approve")?;
    stage.telegram().say(sent(ADA))?;
    stage.hears(ADA, "inbox/a-")?;
    let mut found = Vec::new();
    for session in fs::read_dir(stage.scene().user_home().join("corvid"))? {
        for file in fs::read_dir(session?.path().join("inbox"))? {
            found.push(fs::read_to_string(file?.path())?);
        }
    }
    assert_eq!(found, ["sent"], "nothing of the stranger's");
    assert_eq!(stage.telegram().calls_of("getFile")?.len(), 1);
    Ok(())
}

#[test]
fn a_voice_message_is_answered_as_what_it_says() -> io::Result<()> {
    let ear = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/v1", ear.local_addr()?);
    let listening = std::thread::spawn(move || -> io::Result<()> {
        let (mut stream, _) = ear.accept()?;
        let mut heard = Vec::new();
        let mut buffer = [0; 4096];
        while !heard.windows(9).any(|piece| piece == b"OggSvoice") {
            match stream.read(&mut buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => heard.extend_from_slice(&buffer[..count]),
            }
        }
        let body = r#"{"text": "buy milk"}"#;
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        )
    });
    let stage = Stage::new(Script::echo())?
        .set("CORVID__TELEGRAM__OWNERS", &ADA.to_string())
        .set("CORVID__TRANSCRIPTION__URL", &url)
        .started()?;
    stage
        .telegram()
        .say(Say::private(ADA, "").voice(*b"OggSvoice"))?;
    stage.hears(ADA, "you said: buy milk")?;
    assert!(listening.join().is_ok_and(|heard| heard.is_ok()));
    Ok(())
}

#[test]
fn without_an_ear_a_voice_message_is_answered_with_what_lacks() -> io::Result<()> {
    let stage = Stage::with_ada(Script::echo())?;
    stage
        .telegram()
        .say(Say::private(ADA, "").voice(*b"OggSvoice"))?;
    stage.hears(ADA, "transcription.url")?;
    assert!(
        stage
            .scene()
            .model()
            .is_some_and(|model| model.ledger().is_empty())
    );
    Ok(())
}
