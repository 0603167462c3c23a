//! The catalogue: what can be opened, what is missing, and which key goes where.
//! Invariant: every sentence that a person gets is compared as a whole.

use std::sync::Arc;

use corvid_core::{Models, Secret};
use corvid_llm::{
    Catalogue, Config, KeyState, PRESETS, ProviderConfig, ProviderKey, Tested, catalogue,
};
use corvid_testkit::ManualClock;
use corvid_testkit::model_server::{Fault, Reply, Script};

use crate::scene::{Scene, configured};

fn of(providers: impl IntoIterator<Item = ProviderConfig>) -> Catalogue {
    let config = Config {
        providers: providers.into_iter().collect(),
        ..Config::default()
    };
    catalogue(config, Arc::new(ManualClock::new(0)))
}

fn with_key(name: &str) -> ProviderConfig {
    ProviderConfig {
        key: Some(ProviderKey::new(Secret::new("sk-0123456789"), "A_FILE")),
        ..ProviderConfig::new(name)
    }
}

#[track_caller]
fn check_refused(catalogue: &Catalogue, name: &str, expect: &str) {
    let error = catalogue.open(name).map(|model| model.id().to_owned());
    assert_eq!(error.map_err(|error| error.message), Err(expect.to_owned()));
}

#[test]
fn a_model_is_opened_by_provider_and_model() {
    let catalogue = of([with_key("openrouter"), configured("groq", "https://g/v1")]);
    let open = |name: &str| {
        catalogue
            .open(name)
            .map(|m| (m.id().to_owned(), m.context_tokens()))
    };
    for (name, id, tokens) in [
        ("openrouter/a/b:free", "openrouter/a/b:free", 128_000),
        ("openrouter", "openrouter/openrouter/auto", 128_000),
        ("ollama/qwen3", "ollama/qwen3", 8_192),
        ("groq/x", "groq/x", 128_000),
        ("groq", "groq/scripted", 128_000),
        ("manual", "manual", 128_000),
    ] {
        assert_eq!(open(name), Ok((id.to_owned(), tokens)));
    }
}

#[test]
fn what_is_missing_is_named_with_the_fix() {
    let catalogue = of([]);
    check_refused(
        &catalogue,
        "openai/x",
        "openai wants a key; set OPENAI_API_KEY or use `agent config set providers.openai.key_file FILE`",
    );
    check_refused(
        &catalogue,
        "ollama",
        "`ollama` names no model; write `ollama/MODEL`, or set `providers.ollama.model`",
    );
    check_refused(
        &catalogue,
        "custom/x",
        "`custom` has no address; set `providers.custom.base_url`",
    );
    check_refused(
        &catalogue,
        "opnai/x",
        "no provider `opnai`; there are openai, openrouter, together, ollama, custom, and `custom` is any other server at `providers.custom.base_url`",
    );
}

#[test]
fn the_list_tells_where_keys_come_from() {
    let blank = ProviderConfig {
        key: Some(ProviderKey::new(Secret::new(" \n"), "OPENAI_API_KEY")),
        ..ProviderConfig::new("openai")
    };
    let catalogue = of([
        blank,
        with_key("together"),
        configured("groq", "https://g/v1"),
    ]);
    let rows: Vec<String> = catalogue
        .list()
        .into_iter()
        .map(|row| {
            let key = match row.key {
                KeyState::Present { source } => format!("from {source}"),
                KeyState::Missing { variable } => format!("missing {variable}"),
                KeyState::NotNeeded => "-".to_owned(),
            };
            let model = row.model.unwrap_or_default();
            let base_url = row.base_url.unwrap_or_default();
            format!("{} {model} {base_url} {key}", row.provider)
        })
        .collect();
    insta::assert_snapshot!(rows.join("\n"));
}

#[test]
fn every_default_model_can_be_opened_with_a_key() {
    for preset in PRESETS.iter().filter(|p| p.default_model.is_some()) {
        let opened = of([with_key(preset.name)]).open(preset.name);
        assert!(opened.is_ok(), "{}", preset.name);
    }
}

#[tokio::test]
async fn a_local_server_is_sent_no_key_unless_it_has_one() {
    // The other providers' keys are there; this server counts any token as a violation.
    let server = corvid_testkit::ModelServer::start(Script::echo().open()).expect("a free port");
    let local = ProviderConfig {
        key: None,
        ..configured("ollama", &server.url())
    };
    let catalogue = of([with_key("openai"), with_key("custom"), local]);
    let tested = catalogue.test("ollama").await;
    let expect = Tested {
        model: "ollama/scripted".to_owned(),
        latency_ms: 0,
    };
    assert_eq!(tested, Ok(expect));
    assert_eq!(server.violations(), [] as [String; 0]);
    assert!(server.ledger().iter().all(|entry| !entry.with_key));
}

#[tokio::test]
async fn a_test_is_one_small_request() {
    let scene = Scene::new(Script::echo());
    scene.catalogue.test("custom").await.expect("an answer");
    let ledger = scene.server.ledger();
    assert_eq!(ledger.len(), 1);
    assert!(ledger[0].body_bytes < 250, "{}", ledger[0].body_bytes);
    assert_eq!(scene.server.violations(), [] as [String; 0]);

    let refusing = Fault::status(401, "invalid_api_key", "no");
    let scene = Scene::new(Script::new().otherwise(Reply::fault(refusing)));
    let error = scene.catalogue.test("custom").await.expect_err("a refusal");
    assert!(error.message.contains("THE_KEY"), "{}", error.message);
}
