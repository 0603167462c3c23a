//! What people who write to the bot see.

use std::io;

use corvid_testkit::model_server::{Fault, Reply, Script, When};

use super::{ADA, BOB, Stage};

#[test]
fn somebody_who_may_speak_is_answered_once() -> io::Result<()> {
    let stage = Stage::with_ada(Script::echo())?;
    stage.say(ADA, "moin")?;
    stage.hears(ADA, "you said: moin")?;
    stage.rests()?;
    assert_eq!(stage.count(ADA, "you said: moin")?, 1);
    let folder = stage.scene().user_home().join("corvid");
    assert_eq!(std::fs::read_dir(folder)?.count(), 1, "a session's folder");
    assert_eq!(stage.telegram().violations()?, Vec::<String>::new());
    Ok(())
}

#[test]
fn a_stranger_is_told_a_code_once_and_is_let_in_with_it() -> io::Result<()> {
    let mut stage = Stage::new(Script::echo())?.started()?;
    stage.say(BOB, "hello?")?;
    let chat = stage.hears(BOB, "agent pair approve")?;
    let code = code(chat.bot_texts()[0]);
    stage.say(BOB, "hello??")?;
    stage.rests()?;
    assert_eq!(
        stage.telegram().chat(BOB)?.by_bot().count(),
        1,
        "then silence"
    );

    let wrong = stage.agent(["pair", "approve", "0000-0000"])?;
    assert_eq!(wrong.code, Some(1), "{}", wrong.all());
    assert!(
        wrong.stderr.contains("4 tries are left"),
        "{}",
        wrong.stderr
    );
    let listed = stage.agent(["pair", "list"])?;
    assert!(
        listed.stdout.starts_with("telegram:4712"),
        "{}",
        listed.all()
    );
    let approved = stage.agent(["pair", "approve", &code.to_lowercase()])?;
    assert_eq!(approved.code, Some(0), "{}", approved.all());
    assert!(approved.stdout.contains("as owner"), "{}", approved.stdout);
    // The daemon is woken: the greeting does not wait for the next message.
    stage.sees(BOB, |chat| chat.by_bot().count() == 2)?;
    stage.say(BOB, "now?")?;
    stage.hears(BOB, "you said: now?")?;
    let again = stage.agent(["pair", "approve", &code])?;
    assert_eq!(again.code, Some(1), "a code is good once: {}", again.all());

    let people = stage.agent(["pair", "people"])?;
    assert!(
        people.stdout.starts_with("telegram:4712  owner"),
        "{}",
        people.all()
    );
    let revoked = stage.agent(["pair", "revoke", "telegram:4712"])?;
    assert_eq!(revoked.code, Some(0), "{}", revoked.all());
    stage.say(BOB, "still there?")?;
    stage.rests()?;
    assert_eq!(stage.count(BOB, "still there")?, 0);
    stage.kill()?;
    Ok(())
}

/// The code in the line that a stranger is told.
fn code(line: &str) -> String {
    let word = line
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .find(|word| word.len() == 9 && word.as_bytes()[4] == b'-');
    word.unwrap_or_default().to_owned()
}

#[test]
fn a_turn_that_a_kill_cuts_off_is_answered_once() -> io::Result<()> {
    let script = Script::new()
        .once(When::user("think"), Reply::fault(Fault::Silence))
        .otherwise(Reply::text("thought: {{user}}"));
    let mut stage = Stage::with_ada(script)?;
    stage.say(ADA, "think")?;
    stage.rests()?;
    stage.asks(1);
    stage.kill()?;
    stage.start()?;
    stage.hears(ADA, "thought: think")?;
    stage.say(ADA, "again")?;
    stage.hears(ADA, "thought: again")?;
    assert_eq!(stage.count(ADA, "thought: think")?, 1);
    Ok(())
}

#[test]
fn what_is_said_while_nobody_serves_is_answered_by_the_next() -> io::Result<()> {
    let mut stage = Stage::with_ada(Script::echo())?;
    stage.kill()?;
    stage.say(ADA, "anybody there?")?;
    stage.start()?;
    stage.hears(ADA, "you said: anybody there?")?;
    stage.rests()?;
    assert_eq!(stage.count(ADA, "anybody there?")?, 1);
    Ok(())
}

#[test]
fn a_session_goes_on_in_the_terminal_and_back() -> io::Result<()> {
    let stage = Stage::with_ada(Script::echo())?;
    stage.say(ADA, "from the phone")?;
    stage.hears(ADA, "from the phone")?;
    let listed = stage.agent(["sessions", "list", "--json"])?;
    let row: serde_json::Value = serde_json::from_str(&listed.stdout)?;
    let session = row["session"].as_str().unwrap_or_default().to_owned();
    let said = stage.scene().run(["-s", &session, "-e", "from the desk"])?;
    assert_eq!(said.stdout, "you said: from the desk\n", "{}", said.all());
    let shown = stage.agent(["sessions", "show", &session])?;
    for text in ["from the phone", "from the desk"] {
        assert!(shown.stdout.contains(text), "{}", shown.stdout);
    }

    let other = stage.scene().run(["-s", "garden", "-e", "beds"])?;
    assert_eq!(other.code, Some(0), "{}", other.all());
    stage.say(ADA, "/resume garden")?;
    stage.hears(ADA, "garden")?;
    stage.say(ADA, "and roses")?;
    stage.hears(ADA, "and roses")?;
    let shown = stage.agent(["sessions", "show", "garden"])?;
    assert!(shown.stdout.contains("and roses"), "{}", shown.stdout);
    Ok(())
}

#[test]
fn without_a_model_the_bot_says_what_is_missing() -> io::Result<()> {
    let stage = Stage::new(Script::new())?
        .set("CORVID__MODEL", "")
        .set("CORVID__PROVIDERS__CUSTOM__BASE_URL", "")
        .set("CORVID__TELEGRAM__OWNERS", &ADA.to_string())
        .started()?;
    stage.say(ADA, "hello")?;
    stage.hears(ADA, "no language model")?;
    Ok(())
}
