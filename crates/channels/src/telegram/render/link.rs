//! Where a link of foreign text may lead, and what must be said beside it so that its text does not lie.
//! Invariant: a link leads to a web page, a mail program or a place in Telegram, never to a person.
//! It must not know how a link is shown.

use url::Url;

/// What becomes of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lead {
    /// It may be followed; where its text names another host than its own, that is to be shown.
    Link {
        /// Where to.
        url: Url,
        /// Its host.
        reveal: Option<String>,
    },
    /// It leads nowhere that may be followed: to be shown as the text that it is, unless its own text shows it.
    Text,
}

/// What becomes of a link with that visible text.
pub(super) fn lead(text: &str, target: &str) -> Lead {
    let Ok(url) = Url::parse(target) else {
        return Lead::Text;
    };
    let reveal = match url.scheme() {
        "http" | "https" => {
            let Some(host) = url.host_str().filter(|host| is_public(host)) else {
                return Lead::Text;
            };
            let disguised = !url.username().is_empty() || url.password().is_some();
            let other = hosts(text).any(|named| !same(&named, host));
            (disguised || other).then(|| host.to_owned())
        }
        "mailto" => {
            let other = text.contains('@') && !text.contains(url.path());
            other.then(|| url.path().to_owned())
        }
        "tg" if url.host_str().is_some_and(is_place) => None,
        _ => return Lead::Text,
    };
    Lead::Link { url, reveal }
}

/// Whether Telegram takes a link to that host: a message with one to `localhost` loses all of its faces.
fn is_public(host: &str) -> bool {
    host.contains('.') || host.starts_with('[')
}

/// Whether a `tg:` link leads to a place. One to a user is a mention, which calls that person.
fn is_place(host: &str) -> bool {
    let plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain && !host.is_empty() && !host.eq_ignore_ascii_case("user")
}

/// Whatever in a text reads like a host's name.
fn hosts(text: &str) -> impl Iterator<Item = String> {
    let plain: String = text
        .to_lowercase()
        .chars()
        .map(|c| if is_dot(c) { '.' } else { c })
        .collect();
    let words: Vec<String> = plain
        .split(|c: char| !(c.is_alphanumeric() || c == '.' || c == '-'))
        .map(|word| word.trim_matches('.').to_owned())
        .collect();
    words.into_iter().filter(|word| {
        let end = word.rsplit('.').next().unwrap_or_default();
        word.contains('.') && end.chars().count() >= 2 && end.chars().any(char::is_alphabetic)
            || word.parse::<std::net::Ipv4Addr>().is_ok()
    })
}

/// Dots, and what looks like one or counts as one in a host's name.
fn is_dot(c: char) -> bool {
    matches!(c, '.' | '\u{2024}' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}')
}

/// Whether the named host is the very one, or the domain that it is in.
fn same(named: &str, host: &str) -> bool {
    let bare = |name: &str| name.strip_prefix("www.").unwrap_or(name).to_owned();
    let (named, host) = (bare(named), bare(host));
    named == host
        || host
            .strip_suffix(&named)
            .is_some_and(|sub| sub.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A link's host, if it is to be shown; nothing if it is left alone; a dash if it may not be followed.
    fn check(text: &str, target: &str, expect: &str) {
        let found = match lead(text, target) {
            Lead::Link { reveal, .. } => reveal.unwrap_or_default(),
            Lead::Text => "-".to_owned(),
        };
        assert_eq!(found, expect, "[{text}]({target})");
    }

    #[test]
    fn an_honest_link_is_left_alone() {
        check("the guide", "https://example.org/guide", "");
        check("example.org/guide", "https://www.example.org/guide", "");
        check("https://example.org", "https://example.org/", "");
        check("docs at example.org", "https://docs.example.org/a", "");
        check("write me", "mailto:a@example.org", "");
        check("the channel", "tg://resolve?domain=corvid", "");
        check("version 1.2", "https://example.org", "");
        check("this machine", "http://127.0.0.1:8080/", "");
        check("this machine", "http://[::1]:8080/", "");
    }

    #[test]
    fn a_text_that_names_another_host_is_answered_by_the_true_one() {
        let evil = "https://evil.example/x";
        for text in [
            "https://bank.example",
            "bank.example",
            "go to BANK.example now",
            "bank\u{2024}example",
            "bank\u{3002}example",
            "evil.example.bank.example",
            "notevil.example",
            "127.0.0.1",
        ] {
            check(text, evil, "evil.example");
        }
        check(
            "the bank",
            "https://bank.example@evil.example/",
            "evil.example",
        );
        check("a@b.example", "mailto:c@d.example", "c@d.example");
    }

    #[test]
    fn a_foreign_script_is_shown_as_it_is_resolved() {
        check(
            "bank.example",
            "https://b\u{430}nk.example/",
            "xn--bnk-6cd.example",
        );
    }

    #[test]
    fn nothing_else_may_be_followed() {
        for target in [
            "javascript:alert(1)",
            "file:///etc/passwd",
            "data:text/html,x",
            "tg://user?id=4711",
            "TG://USER?id=4711",
            "tg://%75ser?id=4711",
            "tg:user?id=4711",
            "src/main.rs",
            "",
            "https://",
            "http://localhost:3000/",
        ] {
            check("x", target, "-");
        }
    }
}
