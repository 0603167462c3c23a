//! What each kind of key takes, and what it refuses.

use super::*;

fn check(kind: Kind, good: &[&str], bad: &[&str]) {
    let passes = |text: &str| kind.take_text(text).is_ok();
    for text in good {
        assert!(passes(text), "{text} should be allowed");
    }
    for text in bad {
        assert!(!passes(text), "{text} should be refused");
    }
}

#[test]
fn numbers_keep_their_bounds() {
    let kind = Kind::Count { least: 1, most: 9 };
    check(kind, &["1", " 9 "], &["0", "10", "-1", "1.5", "soon", ""]);
}

#[test]
fn models_name_a_known_provider() {
    check(
        Kind::Model,
        &[
            "",
            "openai",
            "openai/gpt-5-mini",
            "openrouter/a/b:c",
            "manual",
        ],
        &["gpt-5", "openai/", "openai/a b", "manual/x"],
    );
}

#[test]
fn addresses_are_plain() {
    check(
        Kind::Url,
        &["http://127.0.0.1:8080/v1", "https://host", ""],
        &[
            "host/v1",
            "ftp://x",
            "https://",
            "https://me:pw@host",
            "https://h/?q",
        ],
    );
}

#[test]
fn no_command_gets_a_providers_key() {
    check(
        Kind::Names,
        &["CARGO_HOME:RUSTUP_HOME", ""],
        &["CARGO_HOME:CUSTOM_API_KEY", "OPENAI_API_KEY", "A B"],
    );
}

#[test]
fn ids_are_numbers_and_those_of_groups_negative() {
    check(
        Kind::People,
        &["", "4711", "1, 2", "[]", "[4711]", " [1, 2] "],
        &["-1", "0", "@ada", "1 2", "[-1]", "[1", "[[1]]", "[\"1\"]"],
    );
    check(Kind::Groups, &["", "-1001234567890"], &["1", "ada"]);
    check(Kind::Switch, &["true", "false"], &["yes", "1", ""]);
}

#[test]
fn a_token_looks_like_one_and_is_shown_to_nobody() {
    let token = "123456789:AAF-bot_token-of-thirty-five-letters";
    check(
        Kind::BotToken,
        &["", token],
        &["AAF-bot_token", "123456789:", "123456789:AAF bot"],
    );
    let value = Kind::BotToken.take_text(token).expect("a token");
    let shown = format!("{value} {value:?} {}", serde_json::json!(value));
    assert!(!shown.contains("AAF"), "{shown}");
    assert!(shown.contains("123456789:…"), "{shown}");
    assert!(value.to_toml().to_string().contains(token));
}

#[test]
fn zones_are_named_as_the_database_names_them() {
    check(
        Kind::Zone,
        &["", "Europe/Berlin", "UTC"],
        &["CEST?", "Berlin"],
    );
}

#[test]
fn paths_are_absolute() {
    check(Kind::File, &["/a b", "~/x", ""], &["x", "./x", "~"]);
    check(Kind::Folder, &["/a b", "~/x"], &["x", ""]);
    check(Kind::Folders, &["/a:~/b", ""], &["/a:b"]);
    check(
        Kind::StoreUrl,
        &["sqlite:/a.db", ""],
        &["sqlite:a.db", "postgres:/x", "/a.db"],
    );
}

#[test]
fn lists_are_spelled_plainly_or_as_in_the_file() {
    for (kind, plain, toml) in [
        (Kind::People, "1,2", "[1, 2]"),
        (Kind::Groups, "-1,-2", "[-1, -2,]"),
        (
            Kind::Hosts,
            "a.example,[::1]:80",
            r#"["a.example", "[::1]:80"]"#,
        ),
        (Kind::Folders, "/a:~/b", r#"["/a", '~/b']"#),
        (Kind::Names, "A:B", r#"["A", "B"]"#),
    ] {
        let plain = kind.take_text(plain);
        assert!(plain.is_ok(), "{kind:?}");
        assert_eq!(kind.take_text(toml), plain);
    }
    check(Kind::Hosts, &["[::1]", "[::1]:80"], &["[::1"]);
}
