//! What Telegram and its people do to a bot in mid-run: its token is revoked, somebody else polls, a person blocks it, a
//! group is upgraded, a message is deleted. It is told once, and the rest goes on.
//! Invariant: verdicts come from the chats, the messenger's ledger and the daemon's log.
//! It must not know how a fault is handled.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

use corvid_testkit::LIMIT;
use corvid_testkit::model_server::{Reply, Script, When};
use corvid_testkit::telegram::{Group, Remote, Say};

use crate::daemon::{ADA, BOB, Stage};

/// A basic group, and what it is once it is upgraded.
const GROUP: i64 = -77;
const UPGRADED: i64 = -1_000_000_000_077;

/// A model that thinks about some messages until the gate is opened.
fn thinking() -> Script {
    Script::new()
        .on(
            When::user("think"),
            Reply::text("answer to {{user}}").gate("thought"),
        )
        .otherwise(Reply::text("answer to {{user}}"))
}

fn stage() -> io::Result<Stage> {
    Stage::new(thinking())?
        .set("CORVID__TELEGRAM__OWNERS", &format!("{ADA},{BOB}"))
        .set("CORVID__TELEGRAM__GROUPS", &GROUP.to_string())
        .started()
}

fn thought(stage: &Stage) {
    if let Some(model) = stage.scene().model() {
        model.open("thought");
    }
}

/// How often the daemon's log says this.
fn logged(stage: &Stage, text: &str) -> io::Result<usize> {
    let log = stage.agent(["logs", "-n", "100000"])?;
    Ok(log.stdout.matches(text).count())
}

fn polls(remote: &Remote) -> io::Result<usize> {
    Ok(remote.calls_of("getUpdates")?.len())
}

#[test]
fn a_token_that_is_revoked_is_told_once_and_the_terminal_goes_on() -> io::Result<()> {
    let stage = stage()?;
    stage.say(ADA, "hello")?;
    stage.hears(ADA, "answer to hello")?;
    stage.telegram().revoke_token()?;
    let daemon = stage.daemon()?;
    let told = daemon.hear_aside(|said| said.contains("not listening").then_some(()));
    assert!(told.is_some(), "it is told");
    let said = stage.agent(["run", "-e", "from the terminal"])?;
    assert_eq!(
        said.stdout,
        "answer to from the terminal\n",
        "{}",
        said.all()
    );
    let status = stage.agent(["status"])?;
    assert_eq!(status.code, Some(0), "{}", status.all());
    assert!(
        status.stdout.contains("does not listen"),
        "{}",
        status.stdout
    );
    assert_eq!(logged(&stage, "not listening")?, 1);
    Ok(())
}

#[test]
fn a_second_poller_is_told_once_and_outlived() -> io::Result<()> {
    let stage = stage()?;
    let remote = stage.telegram();
    assert!(remote.wait_for(LIMIT, |remote| Ok(polls(remote)? > 0))?);
    let mut other = TcpStream::connect(remote.url().trim_start_matches("http://"))?;
    let poll = format!(
        "GET /bot{}/getUpdates?timeout=50 HTTP/1.1\r\nhost: fake\r\nconnection: close\r\n\r\n",
        stage.token()
    );
    other.write_all(poll.as_bytes())?;
    let daemon = stage.daemon()?;
    let told = daemon.hear_aside(|said| said.contains("another program").then_some(()));
    assert!(told.is_some(), "it is told");
    // It is tried again after a moment, and then the other one is the one that is in the way.
    let mut answer = String::new();
    other.read_to_string(&mut answer)?;
    assert!(answer.contains("409"), "{answer}");
    stage.say(ADA, "who is there?")?;
    stage.hears(ADA, "answer to who is there?")?;
    stage.rests()?;
    assert_eq!(stage.count(ADA, "who is there?")?, 1);
    assert_eq!(logged(&stage, "another program")?, 1);
    Ok(())
}

#[test]
fn who_blocks_the_bot_keeps_nobody_else_waiting() -> io::Result<()> {
    let stage = stage()?;
    stage.say(BOB, "think")?;
    stage.rests()?;
    stage.asks(1);
    stage.telegram().block(BOB)?;
    thought(&stage);
    let dead = |said: &str| said.contains("a conversation is dead").then_some(());
    assert!(stage.daemon()?.hear_aside(dead).is_some(), "it is told");
    stage.say(ADA, "hello")?;
    stage.hears(ADA, "answer to hello")?;
    assert_eq!(stage.count(BOB, "answer")?, 0);
    // Who writes again may be written to again.
    stage.telegram().unblock(BOB)?;
    stage.say(BOB, "back")?;
    stage.hears(BOB, "answer to back")?;
    assert_eq!(stage.count(BOB, "answer")?, 1);
    assert_eq!(logged(&stage, "a conversation is dead")?, 1);
    Ok(())
}

#[test]
fn a_group_that_is_upgraded_in_mid_turn_has_its_answer_once() -> io::Result<()> {
    let stage = stage()?;
    let remote = stage.telegram();
    remote.group(Group::basic(GROUP, "birds", [ADA, BOB]))?;
    remote.say(Say::to(GROUP, ADA, "@corvid_bot think"))?;
    stage.rests()?;
    stage.asks(1);
    remote.migrate(GROUP, UPGRADED)?;
    stage.rests()?;
    thought(&stage);
    stage.hears(UPGRADED, "answer to")?;
    remote.say(Say::to(UPGRADED, ADA, "@corvid_bot and here?"))?;
    stage.hears(UPGRADED, "and here?")?;
    stage.rests()?;
    assert_eq!(stage.count(UPGRADED, "think")?, 1);
    assert_eq!(stage.count(UPGRADED, "and here?")?, 1);
    assert_eq!(stage.count(GROUP, "answer")?, 0);
    let sessions = stage.agent(["sessions", "list", "--json"])?;
    assert_eq!(sessions.stdout.lines().count(), 1, "{}", sessions.stdout);
    Ok(())
}

#[test]
fn a_placeholder_that_is_deleted_is_replaced() -> io::Result<()> {
    let stage = stage()?;
    stage.say(ADA, "think")?;
    let chat = stage.sees(ADA, |chat| chat.by_bot().next().is_some())?;
    let placeholder = chat.by_bot().next().map_or(0, |message| message.id);
    stage.telegram().delete_message(ADA, placeholder)?;
    thought(&stage);
    stage.hears(ADA, "answer to think")?;
    stage.rests()?;
    let chat = stage.telegram().chat(ADA)?;
    assert_eq!(chat.bot_texts(), ["answer to think"]);
    assert_eq!(chat.sounds(), 0);
    Ok(())
}
