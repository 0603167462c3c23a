//! The config through its own door: a file's text and an environment in, settings or problems out.

use std::path::{Path, PathBuf};

use super::settings::Settings;
use super::{Composed, DaemonConfig, Environment, Home, Layered, Problems, Value};

fn home() -> Home {
    Home {
        config_file: PathBuf::from("/c/config.toml"),
        state: PathBuf::from("/c/state"),
        user: Some(PathBuf::from("/home/u")),
    }
}

fn compose(text: &str, environment: &Environment) -> Result<Layered, Problems> {
    Layered::compose(&home(), text, environment)
}

fn problems(text: &str, environment: &Environment) -> String {
    match compose(text, environment) {
        Ok(_) => "no problem".to_owned(),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn the_table_and_the_types_name_the_same_keys() -> anyhow::Result<()> {
    let settings = Settings::of(&compose("", &Environment::default())?)?;
    assert_eq!(settings.turn.max_steps, 25);
    assert_eq!(settings.providers.len(), corvid_llm::PRESETS.len());
    Ok(())
}

#[test]
fn the_example_names_every_key_and_parses_to_the_defaults() -> anyhow::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config.example.toml");
    let text = std::fs::read_to_string(path)?;
    let defaults = compose("", &Environment::default())?;
    let example = compose(&text, &Environment::default())?;
    for (name, setting) in example.iter() {
        assert!(example.is_set(name), "the example lacks `{name}`");
        assert_eq!(defaults.get(name).map(|d| &d.value), Ok(&setting.value));
    }
    Ok(())
}

#[test]
fn the_environment_wins_over_the_file() -> anyhow::Result<()> {
    let text = "[turn]\nmax_steps = 3\n[providers.openai]\nbase_url = \"http://file/v1\"\n";
    let environment = Environment::from([
        ("CORVID__TURN__MAX_STEPS", "7"),
        ("OPENAI_BASE_URL", "http://variable/v1"),
        ("TOGETHER_BASE_URL", "http://together/v1"),
    ]);
    let layered = compose(text, &environment)?;
    let value = |name: &str| layered.get(name).map(|setting| setting.value.clone());
    assert_eq!(value("turn.max_steps"), Ok(Value::Count(7)));
    // A provider's usual variable is older than our file, which was written for Corvid.
    assert_eq!(
        value("providers.openai.base_url"),
        Ok(Value::text("http://file/v1"))
    );
    assert_eq!(
        value("providers.together.base_url"),
        Ok(Value::text("http://together/v1"))
    );
    Ok(())
}

#[test]
fn every_problem_names_key_place_and_fix() {
    let environment = Environment::from([
        ("CORVID__TOOLS__TIMEOT_SECS", "3"),
        ("CORVID__TURN__MAX_STEPS", "many"),
        ("OPENAI_BASE_URL", "api.openai.com"),
    ]);
    let text = "model = \"gpt-5\"\nstore = 3\n\n[tools]\ntimeout_secs = \"soon\"\nmax_fil_mb = 3\n\
        [tols]\noutput_chars = 900\n[sandbox]\ntoolchains = [\"relative\"]\n[zebra]\n";
    insta::assert_snapshot!(problems(text, &environment));
}

#[test]
fn rules_read_the_same_from_sections_lists_and_variables() -> anyhow::Result<()> {
    let sections = "[[policy.rules]]\ntool = \"system.run\"\nresource = \"git push*\"\neffect = \"ask\"\n\
        [[policy.rules]]\ntool = \"file.*\"\nresource = \"*.lock\"\neffect = \"deny\"\nreason = \"ours\"\n\
        person = \"terminal:*\"\nsession = \"x-*\"\n";
    let list = r#"[{ tool = "system.run", resource = "git push*", effect = "ask" },
        { tool = "file.*", resource = "*.lock", effect = "deny", reason = "ours", person = "terminal:*", session = "x-*" }]"#;
    let none = Environment::default();
    let rules = |layered: Layered| layered.get("policy.rules").map(|it| it.value.clone());
    let from_sections = rules(compose(sections, &none)?);
    let from_list = rules(compose(&format!("[policy]\nrules = {list}\n"), &none)?);
    let environment = Environment::from([("CORVID__POLICY__RULES", list)]);
    assert_eq!(from_sections, from_list);
    assert_eq!(from_list, rules(compose("", &environment)?));
    // What `config show` prints can be pasted, and `config get` is what `config set` takes.
    let plain = compose(sections, &none)?.plain("policy.rules");
    let plain = plain.map_err(|problem| anyhow::anyhow!(problem.text))?;
    assert_eq!(
        from_sections,
        rules(compose(&format!("[policy]\nrules = {plain}\n"), &none)?)
    );
    insta::assert_snapshot!(plain);
    Ok(())
}

#[test]
fn every_problem_of_a_rule_names_the_rule_and_the_fix() {
    let text = "[policy]\npreset = \"bold\"\n[[policy.rules]]\ntool = \"system.run\"\nresorce = \"git push*\"\n\
        effect = \"ask\"\n[[policy.rules]]\ntool = \"\"\nresource = 3\neffect = \"forbid\"\nperson = \"me\"\n\
        [network]\nprivate_hosts = [\"http://x\"]\n";
    insta::assert_snapshot!(problems(text, &Environment::default()));
    let variable = |value| {
        let environment = Environment::from([("CORVID__POLICY__RULES", value)]);
        problems("", &environment)
    };
    insta::assert_snapshot!(variable("[{ tool = \"x\" }]"));
    insta::assert_snapshot!(variable("git push"));
    insta::assert_snapshot!(variable("[\"git push\"]"));
    insta::assert_snapshot!(variable("[]\nmodel = \"x\""));
}

#[test]
fn a_rule_about_a_host_that_no_host_matches_is_a_problem() {
    let check = |host: &str, expect: bool| {
        let text = format!(
            "[[policy.rules]]\ntool = \"*\"\nresource = \"host:{host}\"\neffect = \"deny\"\n"
        );
        let problems = problems(&text, &Environment::default());
        assert_eq!(
            problems.contains("no `https://`"),
            expect,
            "{host}: {problems}"
        );
    };
    for host in [
        "https://example.com",
        "example.com/path",
        "example.com.",
        "a b",
        "",
    ] {
        check(host, true);
    }
    for host in ["example.com", "*.example.com:8443", "*", "[::1]:80"] {
        check(host, false);
    }
}

#[test]
fn broken_toml_is_shown_by_line_and_column() {
    insta::assert_snapshot!(problems(
        "model = \"manual\"\n[tools\nx = 1\n",
        &Environment::default()
    ));
    insta::assert_snapshot!(problems(
        "model = \"a\"\nmodel = \"b\"\n",
        &Environment::default()
    ));
}

#[test]
fn a_time_above_its_own_maximum_is_a_problem() {
    let text = "[tools]\ntimeout_secs = 400\n";
    insta::assert_snapshot!(problems(text, &Environment::default()));
}

#[test]
fn the_model_follows_the_design() -> anyhow::Result<()> {
    let check = |text: &str, environment: &Environment, expect: &str| -> anyhow::Result<()> {
        let layered = compose(text, environment)?;
        let composed = Composed::of(&layered, &home(), environment)?;
        assert_eq!(composed.model.name, expect);
        Ok(())
    };
    let none = Environment::default();
    let keys = Environment::from([("TOGETHER_API_KEY", "k"), ("OPENROUTER_API_KEY", "k")]);
    check("", &none, "manual")?;
    check("", &keys, "openrouter/openrouter/auto")?;
    check("model = \"together\"", &keys, "together")?;
    check(
        "[providers.ollama]\nmodel = \"qwen3\"",
        &none,
        "ollama/qwen3",
    )?;
    check(
        "[providers.ollama]\nmodel = \"qwen3\"",
        &keys,
        "openrouter/openrouter/auto",
    )?;
    check("[providers.custom]\nmodel = \"x\"", &none, "manual")
}

#[test]
fn private_folders_are_those_of_config_state_and_store() -> anyhow::Result<()> {
    let environment = Environment::default();
    let layered = compose("[store]\nurl = \"sqlite:~/db/c.db\"", &environment)?;
    let composed = Composed::of(&layered, &home(), &environment)?;
    for path in ["/c", "/c/state", "/home/u/db", "/home/u/.ssh"] {
        assert!(composed.private.contains(&PathBuf::from(path)), "{path}");
    }
    assert_eq!(composed.store.path, Path::new("/home/u/db/c.db"));
    Ok(())
}

/// What a daemon makes of it, or its problems.
fn daemon(text: &str, environment: &Environment) -> Result<DaemonConfig, String> {
    let of = || -> anyhow::Result<DaemonConfig> {
        let layered = compose(text, environment)?;
        let composed = Composed::of(&layered, &home(), environment)?;
        DaemonConfig::of(&layered, &composed, &home(), environment)
    };
    of().map_err(|error| error.to_string())
}

#[test]
fn what_is_not_set_of_a_daemon_is_none() {
    let none = daemon("", &Environment::default()).expect("the defaults");
    assert_eq!(none.telegram, None);
    assert_eq!(none.ear, None);
    assert_eq!(none.workspace, Path::new("/home/u/corvid"));
    assert_eq!((none.grace_ms, none.max_age_ms), (10_000, 86_400_000));
    let zone = daemon(
        "[daemon]\ntime_zone = \"Asia/Tokyo\"",
        &Environment::default(),
    );
    assert_eq!(
        zone.map(|daemon| daemon.zone),
        Ok(Some("Asia/Tokyo".to_owned()))
    );
}

#[test]
fn a_workspace_that_no_tool_may_touch_is_a_problem() {
    for folder in ["/c/state/x", "~/.ssh", "/c"] {
        let text = format!("[daemon]\nworkspace = \"{folder}\"");
        let problem = daemon(&text, &Environment::default());
        let problem = problem.expect_err(folder);
        assert!(problem.starts_with("`daemon.workspace` is"), "{problem}");
        assert!(
            problem.ends_with("`agent config set daemon.workspace ~/corvid`"),
            "{problem}"
        );
    }
}

#[test]
fn an_ear_has_the_key_of_its_variable_alone() {
    let text = "[transcription]\nurl = \"https://ear/v1\"\nkey_env = \"EAR_KEY\"";
    let environment = Environment::from([("EAR_KEY", " k-1 "), ("OPENAI_API_KEY", "other")]);
    let ear = daemon(text, &environment)
        .expect("an ear")
        .ear
        .expect("an ear");
    assert_eq!(
        ear.key.map(|key| key.expose().to_owned()),
        Some("k-1".to_owned())
    );
    let problem = daemon(text, &Environment::default()).expect_err("no key");
    assert!(problem.contains("EAR_KEY, which is not set"), "{problem}");
    let open = "[transcription]\nurl = \"https://ear/v1\"";
    let ear = daemon(open, &environment).expect("an ear").ear;
    assert!(
        ear.is_some_and(|ear| ear.key.is_none()),
        "no key is sent unasked"
    );
}
