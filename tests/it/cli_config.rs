//! `agent config`, `model`, `doctor`, `completions`: what is set up, and setting it up.

use std::io;
use std::os::unix::fs::PermissionsExt as _;

use corvid_testkit::model_server::Script;
use serde_json::Value;

use crate::stage::{scene, shown};

#[test]
fn a_key_is_set_and_read_back_and_comments_stay() -> io::Result<()> {
    let scene = scene()?.with_config("# mine\n[turn]\nmax_steps = 3 # few\n")?;
    let set = scene.agent(["config", "set", "turn.max_steps", "9"])?;
    assert_eq!(set.code, Some(0), "{}", set.all());
    let file = scene.home().join("config.toml");
    assert_eq!(
        std::fs::read_to_string(&file)?,
        "# mine\n[turn]\nmax_steps = 9 # few\n"
    );
    assert_eq!(
        std::fs::metadata(&file)?.permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        scene.agent(["config", "get", "turn.max_steps"])?.stdout,
        "9\n"
    );
    let path = scene.agent(["config", "path"])?.stdout;
    assert_eq!(path, format!("{}\n", file.display()));
    let check = scene.agent(["config", "check"])?;
    assert!(
        check.stdout.contains("all right, 1 key set"),
        "{}",
        check.all()
    );
    Ok(())
}

#[test]
fn a_folder_that_is_not_granted_is_told() -> io::Result<()> {
    let scene = scene()?.with_config("[sandbox]\ntoolchains = [\"/\"]\n")?;
    let check = scene.agent(["config", "check"])?;
    assert_eq!(check.code, Some(0), "{}", check.all());
    assert!(
        check
            .stderr
            .contains("`sandbox.toolchains` names /, which is not granted"),
        "{}",
        check.all()
    );
    let doctor = scene.agent(["doctor"])?;
    assert!(
        doctor.stdout.contains("folder `/` is left out"),
        "{}",
        doctor.all()
    );
    Ok(())
}

#[test]
fn a_providers_key_is_granted_to_no_command() -> io::Result<()> {
    let scene = scene()?.with_variable("CORVID__SANDBOX__VARIABLES", "CUSTOM_API_KEY");
    let refused = scene.run(["-e", "help"])?;
    assert_eq!(refused.code, Some(1), "{}", refused.all());
    assert!(
        refused.stderr.contains("none of them a provider's key"),
        "{}",
        refused.stderr
    );
    Ok(())
}

#[test]
fn the_fix_that_an_error_names_works_on_the_broken_file() -> io::Result<()> {
    let scene = scene()?.with_config("[tools]\ntimeout_secs = \"soon\"\n")?;
    assert_eq!(scene.run(["-e", "help"])?.code, Some(1));
    let set = scene.agent(["config", "set", "tools.timeout_secs", "30"])?;
    assert_eq!(set.code, Some(0), "{}", set.all());
    assert_eq!(scene.run(["-e", "help"])?.code, Some(0));
    Ok(())
}

#[test]
fn a_value_that_contradicts_another_is_not_written() -> io::Result<()> {
    let scene = scene()?;
    let refused = scene.agent(["config", "set", "tools.timeout_secs", "400"])?;
    assert_eq!(refused.code, Some(1));
    assert!(
        refused
            .stderr
            .contains("agent config set tools.max_timeout_secs 400"),
        "{}",
        refused.stderr
    );
    assert!(!scene.home().join("config.toml").exists());
    Ok(())
}

#[test]
fn what_show_prints_is_a_config_file() -> io::Result<()> {
    let scene = scene()?.with_config("model = \"manual\"\n")?;
    let shown = scene.agent(["config", "show"])?.stdout;
    assert!(shown.starts_with("model = \"manual\" # "), "{shown}");
    let scene = scene.with_config(&shown)?;
    let again = scene.agent(["config", "show", "--json"])?;
    let keys: Value = serde_json::from_str(&again.stdout)?;
    assert_eq!(keys["model"]["value"], "manual", "{}", again.all());
    Ok(())
}

#[test]
fn a_variable_that_wins_over_the_file_is_named() -> io::Result<()> {
    let scene = scene()?.with_variable("CORVID__TURN__MAX_STEPS", "4");
    let set = scene.agent(["config", "set", "turn.max_steps", "9"])?;
    assert!(
        set.stderr.contains("`unset CORVID__TURN__MAX_STEPS`"),
        "{}",
        set.stderr
    );
    assert_eq!(
        scene.agent(["config", "get", "turn.max_steps"])?.stdout,
        "4\n"
    );
    Ok(())
}

#[test]
fn models_are_listed_and_tested_without_showing_a_key() -> io::Result<()> {
    let scene = scene()?
        .with_model(Script::echo())?
        .with_variable("OPENAI_API_KEY", "sk-secret-of-mine");
    let listed = scene.agent(["model", "list"])?;
    assert!(
        listed.stdout.contains("key in OPENAI_API_KEY"),
        "{}",
        listed.all()
    );
    assert!(listed.stdout.contains("\n* custom"), "{}", listed.stdout);
    let tested = scene.agent(["model", "test"])?;
    assert!(
        tested.stdout.starts_with("custom/scripted answered in "),
        "{}",
        tested.all()
    );
    for command in [
        ["config", "show"].as_slice(),
        &["doctor"],
        &["model", "list", "--json"],
        &["model", "list"],
    ] {
        let said = scene.agent(command)?.all();
        assert!(
            !said.contains("sk-secret") && !said.contains("key-of-the-scene"),
            "{said}"
        );
    }
    Ok(())
}

#[test]
fn a_key_on_an_open_way_is_warned_of() -> io::Result<()> {
    let warned = |address: &str| -> io::Result<Vec<bool>> {
        let scene = scene()?
            .with_variable("OPENAI_API_KEY", "sk-secret-of-mine")
            .with_variable("OPENAI_BASE_URL", address);
        let warning = format!("sent unencrypted to {address}");
        [["doctor"].as_slice(), &["model", "list"]]
            .into_iter()
            .map(|command| Ok(scene.agent(command)?.stdout.contains(&warning)))
            .collect()
    };
    assert_eq!(warned("http://192.0.2.7/v1")?, [true, true]);
    assert_eq!(warned("http://localhost:8080/v1")?, [false, false]);
    assert_eq!(warned("https://192.0.2.7/v1")?, [false, false]);
    Ok(())
}

#[test]
fn without_a_model_there_is_nothing_to_test() -> io::Result<()> {
    let tested = scene()?.agent(["model", "test"])?;
    assert_eq!(tested.code, Some(3), "{}", tested.all());
    assert!(
        tested.stderr.contains("set OPENAI_API_KEY"),
        "{}",
        tested.stderr
    );
    Ok(())
}

#[test]
fn a_model_that_does_not_answer_fails_the_test() -> io::Result<()> {
    let scene = scene()?.with_model_at("http://127.0.0.1:9/v1");
    let tested = scene.agent(["model", "test"])?;
    assert_eq!(tested.code, Some(5), "{}", tested.all());
    assert!(tested.stderr.contains("127.0.0.1:9"), "{}", tested.stderr);
    Ok(())
}

#[test]
fn the_doctor_looks_and_leaves_no_trace() -> io::Result<()> {
    let scene = scene()?;
    let looked = scene.agent(["doctor", "--json"])?;
    let findings: Value = serde_json::from_str(&looked.stdout)?;
    let names: Vec<&str> = findings
        .as_array()
        .map(|all| all.iter().filter_map(|one| one["what"].as_str()).collect())
        .unwrap_or_default();
    assert_eq!(
        names,
        [
            "corvid", "config", "store", "sandbox", "policy", "undo", "model", "telegram"
        ]
    );
    assert!(!scene.state().exists());
    scene.run(["-e", "help"])?;
    let looked = scene.agent(["doctor"])?;
    assert!(
        looked.stdout.contains("✓ sqlite     3.5"),
        "{}",
        looked.all()
    );
    Ok(())
}

#[test]
fn the_doctor_fails_on_a_broken_config_and_a_broken_store() -> io::Result<()> {
    let broken = scene()?.with_config("modl = \"x\"\n")?.agent(["doctor"])?;
    assert_eq!(broken.code, Some(1));
    assert!(
        broken.stdout.contains("did you mean `model`?"),
        "{}",
        broken.stdout
    );
    let scene = scene()?;
    std::fs::create_dir(scene.state())?;
    std::fs::write(
        scene.state().join("corvid.db"),
        "no database at all".repeat(100),
    )?;
    let broken = scene.agent(["doctor"])?;
    assert_eq!(broken.code, Some(1), "{}", broken.all());
    assert!(broken.stdout.contains("✗ store"), "{}", broken.stdout);
    Ok(())
}

#[test]
fn completions_are_there_for_every_shell() -> io::Result<()> {
    let scene = scene()?;
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = scene.agent(["completions", shell])?;
        assert_eq!(script.code, Some(0));
        assert!(script.stdout.contains("sessions"), "{shell}");
    }
    Ok(())
}

#[test]
fn agent_alone_shows_what_it_can() -> io::Result<()> {
    let scene = scene()?;
    insta::assert_snapshot!(shown(&scene, &scene.agent::<&str>([])?));
    Ok(())
}

#[test]
fn a_key_file_is_closed_to_tools_wherever_it_lies() -> io::Result<()> {
    let scene = scene()?;
    let file = scene.work().join("inner").join("key");
    std::fs::create_dir(scene.work().join("inner"))?;
    std::fs::write(&file, "sk-not-for-any-tool-to-see\n")?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
    let config = format!("[providers.openai]\nkey_file = \"{}\"\n", file.display());
    let scene = scene.with_config(&config)?;
    for ask in ["read inner/key", "search sk-not", "$ cat inner/key"] {
        let output = scene.agent(["run", "-m", "manual", "-e", ask])?;
        let all = output.all();
        assert!(!all.contains("for-any-tool"), "{ask}: {all}");
    }
    Ok(())
}
