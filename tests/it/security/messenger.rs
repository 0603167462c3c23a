//! People on a messenger: whoever is not let in, calls themselves like somebody else, presses what is not theirs, or
//! comes too late, changes nothing.

use std::fs;
use std::io;
use std::path::PathBuf;

use corvid_testkit::LIMIT;
use corvid_testkit::model_server::{Reply, Script, When};
use corvid_testkit::telegram::{Group, Person, Say, SeenChat, SeenMessage};
use serde_json::{Value, json};

use crate::daemon::{ADA, BOB, Stage};

/// Somebody whom nobody knows.
const MALLORY: i64 = 666;

/// A group with all three of them.
const GROUP: i64 = -1_000_000_000_001;

const WRITTEN: &str = "written.txt";

/// A bot whose owner is Ada, whose member is Bob, and whose model writes a file when it is told to; Ada is asked first.
fn stage(content: &str) -> io::Result<Stage> {
    let write = json!({ "path": WRITTEN, "content": content });
    let script = Script::new()
        .on(
            When::user("go").results(0),
            Reply::call("file.write", &write),
        )
        .otherwise(Reply::text("done"));
    let stage = Stage::new(script)?
        .set("CORVID__TELEGRAM__OWNERS", &ADA.to_string())
        .set("CORVID__TELEGRAM__MEMBERS", &BOB.to_string())
        .set("CORVID__TELEGRAM__GROUPS", &GROUP.to_string());
    let rule = "[[policy.rules]]\ntool = \"file.write\"\nresource = \"*\"\neffect = \"ask\"\n";
    fs::write(stage.scene().home().join("config.toml"), rule)?;
    let people = [(ADA, "Ada"), (BOB, "Bob"), (MALLORY, "Mallory")];
    for (id, name) in people {
        stage.telegram().person(Person {
            first_name: name.to_owned(),
            username: Some(name.to_lowercase()),
            ..Person::new(id)
        })?;
    }
    let all = people.map(|(id, _)| id);
    stage
        .telegram()
        .group(Group::supergroup(GROUP, "birds", all))?;
    stage.started()
}

/// The files that were written, whichever session did.
fn written(stage: &Stage) -> io::Result<Vec<PathBuf>> {
    let workspace = stage.scene().user_home().join("corvid");
    let mut found = Vec::new();
    for folder in fs::read_dir(workspace)? {
        let file = folder?.path().join(WRITTEN);
        if file.exists() {
            found.push(file);
        }
    }
    Ok(found)
}

fn card(chat: &SeenChat) -> Option<&SeenMessage> {
    chat.by_bot().find(|message| !message.buttons.is_empty())
}

/// What somebody is shown for pressing a button below the card of a chat.
fn presses(stage: &Stage, chat: i64, person: i64, button: &str) -> io::Result<String> {
    let telegram = stage.telegram();
    let seen = stage.sees(chat, |chat| card(chat).is_some())?;
    let message = card(&seen).map_or(0, |message| message.id);
    let press = telegram.press(chat, person, message, button)?;
    telegram.wait_for(LIMIT, |telegram| {
        Ok(telegram.press_answer(&press)?.is_some())
    })?;
    let answer = telegram.press_answer(&press)?;
    Ok(answer.map(|answer| answer.text).unwrap_or_default())
}

#[test]
fn a_changed_name_gives_no_access() -> io::Result<()> {
    let stage = stage("x")?;
    stage.telegram().person(Person {
        first_name: "Ada".to_owned(),
        username: Some("ada".to_owned()),
        ..Person::new(MALLORY)
    })?;
    stage.say(MALLORY, "go")?;
    stage.hears(MALLORY, "agent pair approve")?;
    stage.say(MALLORY, "/approve")?;
    stage.say(MALLORY, "/status")?;
    let group = format!("@{} go", stage.telegram().setup()?.bot_username);
    stage.telegram().say(Say::to(GROUP, MALLORY, group))?;
    stage.rests()?;
    assert_eq!(stage.telegram().chat(MALLORY)?.by_bot().count(), 1);
    assert_eq!(stage.telegram().chat(GROUP)?.by_bot().count(), 0);
    let model = stage.scene().model();
    assert_eq!(model.map(|model| model.ledger().len()), Some(0));
    Ok(())
}

#[test]
fn a_button_or_a_command_of_somebody_else_approves_nothing() -> io::Result<()> {
    let stage = stage("x")?;
    let bot = stage.telegram().setup()?.bot_username;
    let to_group = |person, text: String| stage.telegram().say(Say::to(GROUP, person, text));
    to_group(ADA, format!("@{bot} go"))?;
    for person in [BOB, MALLORY] {
        let toast = presses(&stage, GROUP, person, "✅ Allow once")?;
        assert!(
            !toast.to_lowercase().contains("allowed"),
            "{person}: {toast}"
        );
        to_group(person, format!("/approve@{bot}"))?;
    }
    stage.rests()?;
    assert_eq!(written(&stage)?, [] as [PathBuf; 0]);
    // Reactions are no answers: they are not even asked for.
    for poll in stage.telegram().calls_of("getUpdates")? {
        let kinds = poll.text("allowed_updates");
        assert!(!kinds.is_empty() && !kinds.contains("reaction"), "{kinds}");
    }
    assert_eq!(
        presses(&stage, GROUP, ADA, "✅ Allow once")?,
        "Allowed, this once."
    );
    stage.hears(GROUP, "done")?;
    assert_eq!(written(&stage)?.len(), 1);
    Ok(())
}

#[test]
fn what_is_too_long_to_be_shown_is_not_asked() -> io::Result<()> {
    // Below the limit of what a card may hold at all, above what people read on a telephone.
    let hidden = format!("{}tail", "x\n".repeat(12_000));
    let stage = stage(&hidden)?;
    stage.say(ADA, "go")?;
    let chat = stage.hears(ADA, "done")?;
    assert!(card(&chat).is_none(), "{:?}", chat.bot_texts());
    assert_eq!(written(&stage)?, [] as [PathBuf; 0]);
    Ok(())
}

#[test]
fn names_are_inert_where_somebody_decides_by_them() -> io::Result<()> {
    let stage = stage("x")?;
    let name = "\u{1b}[2K\rAda\n\u{202e}renwo";
    stage.telegram().person(Person {
        first_name: name.to_owned(),
        username: None,
        ..Person::new(MALLORY)
    })?;
    stage.say(MALLORY, "hello")?;
    stage.hears(MALLORY, "agent pair approve")?;
    stage.say(ADA, "\u{1b}[31mred\u{202e} title")?;
    stage.hears(ADA, "done")?;
    for words in [["pair", "list"], ["pair", "people"], ["sessions", "list"]] {
        let shown = stage.agent(words)?;
        assert_eq!(shown.code, Some(0), "{}", shown.all());
        let foreign = |c: &char| (c.is_control() && *c != '\n') || *c == '\u{202e}';
        let found: Vec<char> = shown.stdout.chars().filter(foreign).collect();
        assert_eq!(found, [] as [char; 0], "{words:?}: {:?}", shown.stdout);
    }
    assert_eq!(stage.agent(["pair", "list"])?.stdout.lines().count(), 1);
    Ok(())
}

#[test]
fn few_strangers_may_wait_and_five_guesses_end_it() -> io::Result<()> {
    let stage = stage("x")?;
    let mut codes = Vec::new();
    for stranger in MALLORY..MALLORY + 3 {
        stage.say(stranger, "hello")?;
        let chat = stage.hears(stranger, "agent pair approve")?;
        let text = chat.bot_texts().join(" ");
        let mut words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        let code = words.find(|word| word.len() == 9 && word.as_bytes()[4] == b'-');
        codes.push(code.unwrap_or_default().to_owned());
    }
    stage.say(MALLORY + 3, "hello")?;
    stage.rests()?;
    stage.say(ADA, "hello")?;
    stage.hears(ADA, "done")?;
    assert_eq!(stage.telegram().chat(MALLORY + 3)?.by_bot().count(), 0);
    let listed = stage.agent(["pair", "list", "--json"])?;
    let waiting: Vec<Value> = listed
        .stdout
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    assert_eq!(waiting.len(), 3, "{}", listed.stdout);
    for code in codes {
        assert_eq!(code.len(), 9, "{code}");
        assert!(!listed.stdout.contains(&code), "{}", listed.stdout);
    }
    for left in (0..5).rev() {
        let wrong = stage.agent(["pair", "approve", "2222-2222"])?;
        assert_eq!(wrong.code, Some(1), "{left}: {}", wrong.all());
    }
    // After five wrong ones nobody's is good any more.
    assert_eq!(stage.agent(["pair", "list", "--json"])?.stdout, "");
    Ok(())
}
