//! A bot's token in the config: where it may stand, and that it is shown nowhere.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;

use corvid_testkit::FakeTelegram;

use crate::stage::scene;

const TOKEN: &str = "123456789:AAF-a_token-that_nobody-may_see0";

/// The part of it that is secret.
const SECRET: &str = "AAF-a_token";

#[test]
fn a_token_is_set_and_shown_nowhere() -> io::Result<()> {
    let scene = scene()?;
    for arguments in [
        &["config", "set", "telegram.token", TOKEN][..],
        &["config", "get", "telegram.token"],
        &["config", "show"],
        &["config", "show", "--json"],
        &["config", "check"],
        &["doctor"],
        &["pair", "people"],
    ] {
        let said = scene.agent(arguments)?;
        assert_eq!(said.code, Some(0), "{}", said.all());
        assert!(!said.all().contains(SECRET), "{}", said.all());
    }
    let file = scene.home().join("config.toml");
    assert!(fs::read_to_string(&file)?.contains(TOKEN));
    assert_eq!(file.metadata()?.permissions().mode() & 0o777, 0o600);
    let shown = scene.agent(["config", "get", "telegram.token"])?;
    assert_eq!(shown.stdout, "123456789:…\n");
    Ok(())
}

#[test]
fn what_is_no_token_is_refused_without_being_shown() -> io::Result<()> {
    let scene = scene()?;
    let said = scene.agent(["config", "set", "telegram.token", "AAF-a_token only"])?;
    assert_eq!(said.code, Some(1), "{}", said.all());
    assert!(said.stderr.contains("@BotFather"), "{}", said.stderr);
    let file = scene.with_config("[telegram]\ntoken = \"AAF-a_token only\"\n")?;
    let read = file.agent(["config", "check"])?;
    let variable = file.with_variable("TELEGRAM_BOT_TOKEN", "AAF-a_token");
    let twin = variable.agent(["config", "check"])?;
    for said in [said, read, twin] {
        assert_eq!(said.code, Some(1), "{}", said.all());
        assert!(!said.all().contains(SECRET), "{}", said.all());
    }
    Ok(())
}

#[test]
fn a_token_that_others_can_read_is_refused() -> io::Result<()> {
    let scene = scene()?.with_config(&format!("[telegram]\ntoken = \"{TOKEN}\"\n"))?;
    let open = |mode| fs::Permissions::from_mode(mode);
    let file = scene.home().join("config.toml");
    fs::set_permissions(&file, open(0o644))?;
    fs::set_permissions(scene.home(), open(0o755))?;
    let said = scene.agent(["start"])?;
    assert_eq!(said.code, Some(2), "{}", said.all());
    assert!(said.stderr.contains("chmod 600"), "{}", said.stderr);
    assert!(!said.all().contains(SECRET), "{}", said.all());
    fs::set_permissions(&file, open(0o600))?;
    let checked = scene.agent(["config", "check"])?;
    assert_eq!(checked.code, Some(0), "{}", checked.all());
    Ok(())
}

#[test]
fn the_usual_variable_holds_where_the_config_says_nothing() -> io::Result<()> {
    let other = "987654321:BBF-a_token-that_nobody-may_see0";
    let scene = scene()?.with_variable("TELEGRAM_BOT_TOKEN", other);
    let used = |scene: &corvid_testkit::Scene| scene.agent(["config", "get", "telegram.token"]);
    assert_eq!(used(&scene)?.stdout, "987654321:…\n");
    scene.agent(["config", "set", "telegram.token", TOKEN])?;
    assert_eq!(used(&scene)?.stdout, "123456789:…\n");
    Ok(())
}

#[test]
fn the_doctor_asks_telegram_only_where_it_is_told_to() -> io::Result<()> {
    let telegram = FakeTelegram::start()?;
    let scene = scene()?
        .with_variable("TELEGRAM_BOT_TOKEN", telegram.token())
        .with_variable("CORVID__TELEGRAM__API_URL", telegram.url());
    let looked = scene.agent(["doctor"])?;
    assert_eq!(looked.code, Some(0), "{}", looked.all());
    assert!(
        looked
            .stdout
            .contains("bot 4242, its token from TELEGRAM_BOT_TOKEN"),
        "{}",
        looked.stdout
    );
    assert!(telegram.remote().ledger()?.is_empty(), "nothing was asked");
    let asked = scene.agent(["doctor", "--online"])?;
    assert!(
        asked.stdout.contains("Telegram knows it as @corvid_bot"),
        "{}",
        asked.stdout
    );
    telegram.remote().revoke_token()?;
    let refused = scene.agent(["doctor", "--online"])?;
    assert_eq!(refused.code, Some(1), "{}", refused.all());
    assert!(
        refused.stdout.contains("refuses the token"),
        "{}",
        refused.stdout
    );
    Ok(())
}
