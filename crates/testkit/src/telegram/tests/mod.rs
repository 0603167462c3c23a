//! The fake over real sockets, as a bot and a test meet it.
//! Invariant: a bot here is a bare socket, so that nothing smooths over what the server does.
//! It must not know how the server is built.

mod faults;
mod files;
mod places;
mod polling;
mod sending;
mod shapes;

use std::error::Error;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::*;
use crate::LIMIT;

type Outcome = Result<(), Box<dyn Error>>;

/// Begins a call of a method with these parameters.
fn begin(fake: &FakeTelegram, method: &str, parameters: &Value) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(fake.loopback.address())?;
    stream.set_read_timeout(Some(LIMIT))?;
    let (body, token) = (parameters.to_string(), fake.token());
    let length = body.len();
    write!(
        stream,
        "POST /bot{token}/{method} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )?;
    Ok(stream)
}

/// The answer to a call.
fn finish(mut stream: TcpStream) -> io::Result<Value> {
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    Ok(serde_json::from_str(body).unwrap_or_default())
}

fn call(fake: &FakeTelegram, method: &str, parameters: &Value) -> io::Result<Value> {
    finish(begin(fake, method, parameters)?)
}

/// Checks that a call is refused with this code and description.
fn refused(
    fake: &FakeTelegram,
    method: &str,
    parameters: &Value,
    code: u16,
    description: &str,
) -> Outcome {
    let answer = call(fake, method, parameters)?;
    assert_eq!(answer["ok"], false, "{method} {parameters}: {answer}");
    assert_eq!(answer["error_code"], code, "{answer}");
    assert_eq!(answer["description"], description);
    Ok(())
}

/// Checks that a call succeeds, and returns its result.
fn done(fake: &FakeTelegram, method: &str, parameters: &Value) -> Result<Value, Box<dyn Error>> {
    let mut answer = call(fake, method, parameters)?;
    if answer["ok"] == true {
        Ok(answer["result"].take())
    } else {
        Err(format!("{method} {parameters}: {answer}").into())
    }
}

#[test]
fn a_conversation_reads_like_a_chat() -> Outcome {
    let fake = FakeTelegram::start()?;
    let people = fake.remote();
    people.say(Say::private(7, "/start now"))?;
    let told = call(&fake, "GetUpdates", &json!({ "timeout": 5 }))?;
    let message = &told["result"][0]["message"];
    assert_eq!(message["text"], "/start now");
    assert_eq!(message["entities"][0]["type"], "bot_command");
    assert_eq!(message["chat"]["type"], "private");
    let keyboard = json!([[{ "text": "Go", "callback_data": "go" }]]);
    let sent = call(
        &fake,
        "sendMessage",
        &json!({ "chat_id": 7, "text": "…", "disable_notification": true }),
    )?;
    let id = sent["result"]["message_id"].as_i64().ok_or("no message")?;
    let edit = json!({
        "chat_id": 7, "message_id": id, "text": "done",
        "reply_markup": { "inline_keyboard": keyboard },
    });
    assert_eq!(call(&fake, "editMessageText", &edit)?["ok"], true);
    let again = call(&fake, "editMessageText", &edit)?;
    assert_eq!(again["error_code"], 400);
    assert!(
        again["description"]
            .to_string()
            .contains("message is not modified")
    );
    let chat = people.chat(7)?;
    assert_eq!(chat.bot_texts(), ["done"]);
    assert_eq!(chat.messages[1].history, ["…", "done"]);
    assert_eq!(chat.sounds(), 0);
    let press = people.press(7, 7, 2, "Go")?;
    let told = call(&fake, "getUpdates", &json!({ "offset": -1 }))?;
    assert_eq!(told["result"][0]["callback_query"]["data"], "go");
    let answer = json!({ "callback_query_id": press, "text": "went" });
    assert_eq!(call(&fake, "answerCallbackQuery", &answer)?["ok"], true);
    let shown = people.press_answer(&press)?.map(|answer| answer.text);
    assert_eq!(shown.as_deref(), Some("went"));
    assert_eq!(people.violations()?, [] as [String; 0]);
    Ok(())
}
