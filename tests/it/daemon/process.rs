//! What the one who runs the daemon sees: it starts, is asked how it is, ends, and begins anew.

use std::fs;
use std::io;

use corvid_testkit::Process;
use corvid_testkit::model_server::{Fault, Reply, Script, When};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::{ADA, BOB, Stage, ready};
use crate::stage::scene;

#[test]
fn a_second_one_is_refused_and_says_which_runs() -> io::Result<()> {
    let stage = Stage::with_ada(Script::echo())?;
    let pid = stage.daemon()?.pid();
    let second = stage.agent(["start"])?;
    assert_eq!(second.code, Some(1), "{}", second.all());
    assert!(
        second
            .stderr
            .contains(&format!("process {pid} runs for this home")),
        "{}",
        second.stderr
    );
    assert!(second.stderr.contains("`agent stop`"), "{}", second.stderr);
    Ok(())
}

#[test]
fn what_a_killed_one_left_is_in_nobodys_way() -> io::Result<()> {
    let mut stage = Stage::with_ada(Script::echo())?;
    stage.kill()?;
    let file = stage.scene().state().join("daemon.pid");
    assert!(file.exists(), "it is left");
    let asked = stage.agent(["status"])?;
    assert_eq!(asked.code, Some(3), "{}", asked.all());
    let stopped = stage.agent(["stop"])?;
    assert_eq!(stopped.code, Some(0), "{}", stopped.all());
    stage.start()?;
    let pid = stage.daemon()?.pid();
    assert_eq!(fs::read_to_string(file)?, format!("{pid}\n"));
    Ok(())
}

#[test]
fn it_says_how_it_is_and_stops_when_asked() -> io::Result<()> {
    let mut stage = Stage::with_ada(Script::echo())?;
    stage.say(ADA, "moin")?;
    stage.hears(ADA, "you said: moin")?;
    let asked = stage.agent(["status", "--json"])?;
    assert_eq!(asked.code, Some(0), "{}", asked.all());
    let status: Value = serde_json::from_str(&asked.stdout)?;
    assert_eq!(status["running"], true);
    assert_eq!(status["pid"], stage.daemon()?.pid());
    assert_eq!(status["status"]["model"], "custom/scripted");
    assert_eq!(status["status"]["channels"][0]["detail"], "@corvid_bot");
    assert_eq!(status["status"]["channels"][0]["up"], true);
    let quiet = stage.agent(["status", "-q"])?;
    assert_eq!((quiet.code, quiet.all().as_str()), (Some(0), ""));

    let stopped = stage.agent(["stop"])?;
    assert_eq!(stopped.code, Some(0), "{}", stopped.all());
    assert!(stopped.stderr.ends_with("stopped\n"), "{}", stopped.stderr);
    assert_eq!(stage.ended()?.code, Some(0));
    let quiet = stage.agent(["status", "-q"])?;
    assert_eq!((quiet.code, quiet.all().as_str()), (Some(3), ""));
    assert!(!stage.scene().state().join("daemon.pid").exists());
    Ok(())
}

#[test]
fn a_turn_that_outlasts_the_grace_goes_on_with_the_next_start() -> io::Result<()> {
    let script = Script::new()
        .once(When::any(), Reply::fault(Fault::Silence))
        .otherwise(Reply::text("thought: {{user}}"));
    let mut stage = Stage::new(script)?
        .set("CORVID__TELEGRAM__OWNERS", &ADA.to_string())
        .set("CORVID__DAEMON__GRACE_SECS", "0")
        .started()?;
    stage.say(ADA, "long")?;
    stage.rests()?;
    stage.asks(1);
    let stopped = stage.agent(["stop"])?;
    assert_eq!(stopped.code, Some(0), "{}", stopped.all());
    assert_eq!(stage.ended()?.code, Some(0));
    stage.start()?;
    stage.hears(ADA, "thought: long")?;
    assert_eq!(stage.count(ADA, "thought: long")?, 1);
    Ok(())
}

#[test]
fn it_begins_anew_in_its_own_place() -> io::Result<()> {
    let mut stage = Stage::with_ada(Script::echo())?;
    let pid = stage.daemon()?.pid();
    let restarted = stage.agent(["restart"])?;
    assert_eq!(restarted.code, Some(0), "{}", restarted.all());
    assert!(
        restarted
            .stderr
            .contains(&format!("process {pid} has begun anew")),
        "{}",
        restarted.stderr
    );
    let twice = stage.daemon()?.hear_aside(|said| {
        let count = said
            .lines()
            .filter(|line| line.starts_with("ready: "))
            .count();
        (count == 2).then_some(())
    });
    assert!(twice.is_some(), "it is ready a second time");
    stage.say(ADA, "again")?;
    stage.hears(ADA, "you said: again")?;
    let second = stage.agent(["start"])?;
    assert_eq!(second.code, Some(1), "it has the lock: {}", second.all());
    let stopped = stage.agent(["stop"])?;
    assert_eq!(stopped.code, Some(0), "{}", stopped.all());
    assert_eq!(stage.ended()?.code, Some(0));
    Ok(())
}

#[test]
fn a_second_signal_ends_it_at_once() -> io::Result<()> {
    let script = Script::new().otherwise(Reply::fault(Fault::Silence));
    let mut stage = Stage::new(script)?
        .set("CORVID__TELEGRAM__OWNERS", &ADA.to_string())
        .set("CORVID__DAEMON__GRACE_SECS", "600")
        .started()?;
    stage.say(ADA, "long")?;
    stage.rests()?;
    stage.asks(1);
    let daemon = stage.daemon()?;
    daemon.signal(Signal::TERM)?;
    assert!(
        daemon
            .hear_aside(|said| said.contains("ending").then_some(()))
            .is_some()
    );
    daemon.signal(Signal::INT)?;
    assert_eq!(stage.ended()?.code, Some(1));
    Ok(())
}

#[test]
fn a_stop_waits_for_nobody_who_is_waited_for() -> io::Result<()> {
    let call = json!({
        "command": "true",
        "escalate": { "reason": "to look", "hosts": ["example.com"] },
    });
    let asked = When::user("fetch").results(0);
    let script = Script::new()
        .on(asked, Reply::call("system.run", &call))
        .on(When::user("later"), Reply::fault(Fault::Refuse))
        .otherwise(Reply::text("well then"));
    let mut stage = Stage::new(script)?
        .set("CORVID__TELEGRAM__OWNERS", &format!("{ADA},{BOB}"))
        .set("CORVID__DAEMON__GRACE_SECS", "600")
        .started()?;
    stage.say(ADA, "fetch")?;
    stage.hears(ADA, "example.com")?;
    stage.say(BOB, "later")?;
    stage.hears(BOB, "waits ")?;
    let stopped = stage.agent(["stop"])?;
    assert_eq!(stopped.code, Some(0), "{}", stopped.all());
    assert_eq!(stage.ended()?.code, Some(0));
    let chat = stage.telegram().chat(ADA)?;
    let settled = chat
        .bot_texts()
        .iter()
        .any(|text| text.contains("nobody answered"));
    assert!(!settled, "{:#?}", chat.bot_texts());
    // The question is as open as before, and the answer leads on.
    stage.start()?;
    stage.say(ADA, "no, rather not")?;
    stage.hears(ADA, "well then")?;
    Ok(())
}

#[test]
fn a_model_that_fails_is_in_the_log() -> io::Result<()> {
    let refused = Fault::Status {
        code: 401,
        body: "{}".to_owned(),
        headers: std::collections::BTreeMap::new(),
    };
    let script = Script::new().otherwise(Reply::fault(refused));
    let stage = Stage::with_ada(script)?;
    stage.say(ADA, "moin")?;
    stage.hears(ADA, "does not accept the key")?;
    let logged = stage.agent(["logs"])?;
    let told = |line: &&str| line.contains("WARN") && line.contains("does not accept the key");
    assert_eq!(
        logged.stdout.lines().filter(told).count(),
        1,
        "{}",
        logged.stdout
    );
    Ok(())
}

#[test]
fn who_asks_twice_for_a_restart_gets_it_at_once() -> io::Result<()> {
    let script = Script::new()
        .once(When::any(), Reply::fault(Fault::Silence))
        .otherwise(Reply::text("thought: {{user}}"));
    let mut stage = Stage::new(script)?
        .set("CORVID__TELEGRAM__OWNERS", &ADA.to_string())
        .set("CORVID__DAEMON__GRACE_SECS", "600")
        .started()?;
    stage.say(ADA, "long")?;
    stage.rests()?;
    stage.asks(1);
    let mut command = stage.scene().command();
    command.arg("restart");
    let first = Process::start(command, b"")?;
    let ends = stage
        .daemon()?
        .hear_aside(|said| said.contains("ending").then_some(()));
    assert!(ends.is_some(), "the first is heard");
    let second = stage.agent(["restart"])?;
    assert_eq!(second.code, Some(0), "{}", second.all());
    assert_eq!(first.wait()?.code, Some(0));
    stage.hears(ADA, "thought: long")?;
    // One that was asked to begin anew can still be stopped.
    let stopped = stage.agent(["stop"])?;
    assert_eq!(stopped.code, Some(0), "{}", stopped.all());
    assert_eq!(stage.ended()?.code, Some(0));
    Ok(())
}

#[test]
fn without_a_channel_it_says_how_to_add_one() -> io::Result<()> {
    let said = scene()?.agent(["start"])?;
    assert_eq!(said.code, Some(2), "{}", said.all());
    assert!(
        said.stderr
            .contains("agent config set telegram.token TOKEN\n"),
        "{}",
        said.stderr
    );
    let stopped = scene()?.agent(["stop"])?;
    assert_eq!(
        (stopped.code, stopped.stderr.as_str()),
        (Some(0), "none runs\n")
    );
    let restarted = scene()?.agent(["restart"])?;
    assert_eq!(restarted.code, Some(1), "{}", restarted.all());
    Ok(())
}

#[test]
fn a_wrong_config_starts_nothing() -> io::Result<()> {
    let scene = scene()?.with_config("[telegram]\nowners = [\"ada\"]\n")?;
    let said = scene.agent(["start"])?;
    assert_eq!(said.code, Some(2), "{}", said.all());
    assert!(said.stderr.contains("`telegram.owners`"), "{}", said.stderr);
    assert!(
        said.stderr.contains("agent config set telegram.owners"),
        "{}",
        said.stderr
    );
    Ok(())
}

#[test]
fn a_refused_token_is_told_once_and_stands_in_no_log() -> io::Result<()> {
    let stage = Stage::new(Script::echo())?;
    stage.telegram().revoke_token()?;
    let stage = stage.set("CORVID_LOG", "trace").started()?;
    let told = stage
        .daemon()?
        .hear_aside(|said| said.contains("not listening").then(|| said.to_owned()));
    assert!(told.is_some(), "it is told");
    let asked = stage.agent(["status"])?;
    assert_eq!(asked.code, Some(0), "{}", asked.all());
    assert!(asked.stdout.contains("does not listen"), "{}", asked.stdout);
    let secret = stage
        .token()
        .split(':')
        .nth(1)
        .unwrap_or_default()
        .to_owned();
    let logged = stage.agent(["logs", "-n", "100000"])?;
    assert_eq!(
        logged.stdout.matches("not listening").count(),
        1,
        "{}",
        logged.stdout
    );
    for text in [told.unwrap_or_default(), logged.stdout, asked.stdout] {
        assert!(!text.contains(&secret), "{text}");
    }
    Ok(())
}

#[test]
fn its_log_is_kept_and_followed() -> io::Result<()> {
    let mut stage = Stage::with_ada(Script::echo())?;
    let log = stage.scene().state().join("logs/agent.log");
    assert!(fs::read_to_string(&log)?.contains("ready"));
    let mut command = stage.scene().command();
    command.args(["logs", "-f", "-n", "1"]);
    let following = Process::start(command, b"")?;
    assert!(following.hear(|said| said.contains('\n')), "the last line");
    stage.agent(["stop"])?;
    assert!(
        following.hear(|said| said.contains("ended")),
        "{}",
        following.stdout()
    );
    let ended = stage.ended()?;
    assert!(
        ready(&ended.stderr).is_some_and(|line| line.contains("telegram 4242")),
        "{}",
        ended.stderr
    );
    following.kill()?;
    Ok(())
}
