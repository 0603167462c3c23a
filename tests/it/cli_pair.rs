//! `agent pair` as the one who runs the agent types it; the messenger's side of it is in `daemon`.

use std::io;

use corvid_testkit::Output;

use crate::stage::scene;

fn check(said: &Output, code: i32, words: &str) {
    assert_eq!(said.code, Some(code), "{}", said.all());
    assert!(
        said.all().contains(words),
        "{words} is not in {}",
        said.all()
    );
}

#[test]
fn with_nobody_there_every_command_says_so() -> io::Result<()> {
    let scene = scene()?;
    check(&scene.agent(["pair", "list"])?, 0, "nobody waits");
    check(&scene.agent(["pair", "people"])?, 0, "nobody is let in yet");
    check(
        &scene.agent(["pair", "approve", "K7M2-9Q4X"])?,
        1,
        "nobody waits",
    );
    check(
        &scene.agent(["pair", "revoke", "telegram:1"])?,
        1,
        "was not let in",
    );
    check(
        &scene.agent(["pair", "revoke", "ada"])?,
        1,
        "e.g. telegram:4711",
    );
    check(
        &scene.agent(["pair", "approve", "x", "--role", "king"])?,
        2,
        "owner",
    );
    assert_eq!(scene.agent(["pair", "list", "--json"])?.stdout, "");
    Ok(())
}

#[test]
fn whom_the_config_lets_in_is_told_and_stays_until_it_is_changed() -> io::Result<()> {
    let scene = scene()?.with_config("[telegram]\nowners = [4711]\nmembers = [12]\n")?;
    let people = scene.agent(["pair", "people"])?;
    assert_eq!(
        people.stdout,
        "telegram:12  member  by the config\ntelegram:4711  owner   by the config\n",
    );
    let json = scene.agent(["pair", "people", "--json"])?;
    assert_eq!(json.stdout.lines().count(), 2, "{}", json.stdout);
    check(
        &scene.agent(["pair", "revoke", "telegram:4711"])?,
        1,
        "`telegram.owners`",
    );
    Ok(())
}
