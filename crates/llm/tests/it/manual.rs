//! The built-in command reader, through the same seam as every model.
//! Invariant: conversations are written as they happen; the only server is a fake Ollama.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use corvid_core::wire::Finish;
use corvid_core::{Answer, Clock, Message, Models, UNSAID};
use corvid_llm::{Config, catalogue};
use corvid_testkit::ManualClock;

use crate::scene::{Ear, assistant, request, result, user};

/// An address at which nobody listens.
fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

/// A server that answers one request with this body and hands back what it was asked.
fn ollama(body: &'static str) -> (SocketAddr, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
            head.push(byte[0]);
        }
        let length = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).expect("a client");
        String::from_utf8_lossy(&head).into_owned()
    });
    (address, asked)
}

async fn answer(messages: impl IntoIterator<Item = Message>, local_ollama: SocketAddr) -> Answer {
    let clock = Arc::new(ManualClock::new(0));
    let config = Config {
        local_ollama,
        ..Config::default()
    };
    let catalogue = catalogue(config, Arc::clone(&clock) as Arc<dyn Clock>);
    let ear = Ear::new(clock);
    let model = catalogue.open("manual").expect("it is built in");
    let answer = model.answer(&request(messages), &ear).await;
    let answer = answer.expect("it never fails");
    assert_eq!(ear.heard().text, answer.text);
    answer
}

#[tokio::test]
async fn a_command_becomes_a_call() {
    let answer = answer([user("run ls -la")], nobody()).await;
    assert_eq!(answer.finish, Finish::ToolCalls);
    assert_eq!(answer.text, "");
    assert_eq!(answer.calls[0].name, "system.run");
    assert_eq!(answer.calls[0].arguments, r#"{"command":"ls -la"}"#);
    assert!(!answer.calls[0].provider_id.is_empty());
}

#[tokio::test]
async fn a_result_is_shown_as_it_is() {
    let ran = [
        user("run cat x"),
        assistant(1, "", &[("call_0", "system.run", "{}")]),
        result("call_0", "system.run", "*a*\n```\nb\n"),
    ];
    let answer = answer(ran, nobody()).await;
    assert_eq!(answer.finish, Finish::Stop);
    assert_eq!(answer.calls, []);
    assert_eq!(
        answer.text,
        "I am Corvid's built-in command reader, no language model.\n\n````\n*a*\n```\nb\n````"
    );
}

#[tokio::test]
async fn what_was_said_meanwhile_is_answered_too() {
    let steered = [
        user("run a"),
        assistant(1, "", &[("call_0", "system.run", "{}")]),
        result("call_0", "system.run", "of a"),
        user("read b"),
        user("read c"),
    ];
    let answer = answer(steered, nobody()).await;
    assert_eq!(answer.finish, Finish::ToolCalls);
    assert!(answer.text.contains("of a"), "{}", answer.text);
    let paths: Vec<&str> = answer.calls.iter().map(|c| c.arguments.as_str()).collect();
    assert_eq!(paths, [r#"{"path":"b"}"#, r#"{"path":"c"}"#]);
    assert_ne!(answer.calls[0].provider_id, answer.calls[1].provider_id);
}

#[tokio::test]
async fn the_end_of_a_job_is_shown_and_not_taken_for_a_command() {
    let told = format!("{UNSAID}Job j-1 is done after 3 s: run all]\n\nexit code 0\ngreen\n");
    let ended = [
        user("background run all"),
        assistant(1, "", &[("call_0", "system.run", "{}")]),
        result("call_0", "system.run", "runs in the background as job j-1"),
        assistant(2, "so it is", &[]),
        user(&told),
    ];
    let answer = answer(ended, nobody()).await;
    assert_eq!(answer.finish, Finish::Stop);
    assert_eq!(answer.calls, []);
    assert_eq!(
        answer.text,
        "I am Corvid's built-in command reader, no language model. Job j-1 is done after 3 s: run all.\n\n```\n\
         exit code 0\ngreen\n```"
    );
}

#[tokio::test]
async fn help_lists_what_the_tools_allow() {
    let answer = answer([user("help")], nobody()).await;
    assert_eq!(answer.finish, Finish::Stop);
    insta::assert_snapshot!(answer.text);
}

#[tokio::test]
async fn anything_else_is_declined_in_one_line() {
    let answer = answer([user("why is the sky blue?")], nobody()).await;
    assert_eq!(answer.finish, Finish::Declined);
    insta::assert_snapshot!(answer.text);
}

#[tokio::test]
async fn an_ollama_on_this_machine_is_named_but_not_used() {
    let (address, asked) = ollama(r#"{"models":[{"name":"qwen3:8b"}]}"#);
    let answer = answer([user("read")], address).await;
    assert_eq!(answer.finish, Finish::Declined);
    let expect = format!(
        "I am Corvid's built-in command reader, no language model: that command is written `read <file>`. To add a model, set OPENAI_API_KEY or OPENROUTER_API_KEY or TOGETHER_API_KEY; an Ollama answers at {address}: use it with `--model ollama/qwen3:8b`."
    );
    assert_eq!(answer.text, expect);
    let asked = asked.join().expect("a request");
    assert!(asked.starts_with("GET /api/tags HTTP/1.1\r\n"), "{asked}");
    assert!(!asked.to_lowercase().contains("authorization"), "{asked}");
}

#[tokio::test]
async fn a_silent_port_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let clock = Arc::new(ManualClock::new(0));
    let config = Config {
        local_ollama: address,
        ..Config::default()
    };
    let catalogue = catalogue(config, Arc::clone(&clock) as Arc<dyn Clock>);
    let ear = Ear::new(Arc::clone(&clock));
    let model = catalogue.open("manual").expect("it is built in");
    let request = request([user("hello")]);
    let time = async {
        assert_eq!(clock.next_wait().await, 150);
        clock.advance(150);
    };
    let (answer, ()) = tokio::join!(model.answer(&request, &ear), time);
    assert_eq!(answer.map(|answer| answer.finish), Ok(Finish::Declined));
    drop(listener);
}
