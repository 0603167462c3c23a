//! The environment of a command: an allow-list, never what the process happens to have.
//! Invariant: no value of a name that is not listed reaches a command; keys live in such values.
//! It must not know where the environment came from.

use std::path::Path;

/// Names that are taken over as they are. `LC_*` are too.
const TAKEN: &[&str] = &["PATH", "LANG", "LANGUAGE", "TZ", "USER", "LOGNAME"];

/// What a command gets where nothing is inherited.
const DEFAULTS: &[(&str, &str)] = &[
    ("PATH", "/usr/local/bin:/usr/bin:/bin"),
    ("LANG", "C.UTF-8"),
];

/// Names that every command gets with values of its own.
const OWN: &[&str] = &["HOME", "TMPDIR", "TERM"];

/// What programs read to find a proxy, in both spellings that are in use.
const PROXY: &[&str] = &[
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
];

/// What programs read to find what needs no proxy.
const NO_PROXY: &[&str] = &["NO_PROXY", "no_proxy"];

/// The names of a command's own loopback, which it reaches without the proxy.
const LOOPBACK: &[&str] = &["localhost", "127.0.0.1", "::1"];

/// The checking proxy's port on the loopback of a command that has a network of its own. Nobody else is there
/// before the command, and what the kernel gives out by itself begins higher.
pub(super) const PROXY_PORT: u16 = 18_021;

/// What all commands get: the allow-list and the named variables. Nothing else is kept.
pub(super) fn inherited(
    environment: Vec<(String, String)>,
    named: &[String],
) -> Vec<(String, String)> {
    let mut inherited = environment;
    inherited.retain(|(name, _)| {
        (is_taken(name) || named.contains(name)) && !OWN.contains(&name.as_str())
    });
    for (name, value) in DEFAULTS {
        if inherited.iter().all(|(there, _)| there != name) {
            inherited.push(((*name).to_owned(), (*value).to_owned()));
        }
    }
    inherited
}

/// What one command gets: what all do, and its private temp folder as home.
pub(super) fn for_command(inherited: &[(String, String)], temp: &Path) -> Vec<(String, String)> {
    let temp = temp.display().to_string();
    let own = [temp.clone(), temp, "dumb".to_owned()];
    let own = OWN.iter().map(|name| (*name).to_owned()).zip(own);
    inherited.iter().cloned().chain(own).collect()
}

/// What tells programs of the checking proxy. Whoever was granted a host that is named like the command's own
/// loopback is after the machine's, so that it is asked for through the proxy too.
pub(super) fn proxied(port: u16, granted: &[String]) -> Vec<(String, String)> {
    let proxy = format!("http://127.0.0.1:{port}");
    let pairs = |names: &[&str], value: &str| -> Vec<_> {
        let pair = |name: &&str| ((*name).to_owned(), value.to_owned());
        names.iter().map(pair).collect()
    };
    let is_granted = |name: &str| {
        let hosts = granted.iter().map(|host| match host.strip_prefix('[') {
            Some(address) => address.split(']').next(),
            None => host.split(':').next(),
        });
        hosts.flatten().any(|host| host == name)
    };
    let own: Vec<&str> = LOOPBACK
        .iter()
        .copied()
        .filter(|name| !is_granted(name))
        .collect();
    let mut environment = pairs(PROXY, &proxy);
    environment.extend(pairs(NO_PROXY, &own.join(",")));
    environment
}

fn is_taken(name: &str) -> bool {
    TAKEN.contains(&name) || name.starts_with("LC_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_granted_loopback_is_asked_for_through_the_proxy() {
        let check = |granted: &[&str], expect: &str| {
            let granted: Vec<String> = granted.iter().map(|host| (*host).to_owned()).collect();
            let told = proxied(18_021, &granted);
            let direct: Vec<&str> = told
                .iter()
                .filter(|(name, _)| NO_PROXY.contains(&name.as_str()))
                .map(|(_, value)| value.as_str())
                .collect();
            assert_eq!(direct, [expect; 2], "{granted:?}");
        };
        check(&["crates.io"], "localhost,127.0.0.1,::1");
        check(&["localhost:8080"], "127.0.0.1,::1");
        check(&["127.0.0.1", "[::1]:8080"], "localhost");
        check(&["localhost.example.org"], "localhost,127.0.0.1,::1");
    }

    #[test]
    fn only_listed_names_pass() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let environment = vec![
            pair("OPENAI_API_KEY", "sk-secret"),
            pair("LD_PRELOAD", "/tmp/evil.so"),
            pair("BASH_ENV", "/tmp/evil.sh"),
            pair("HOME", "/home/someone"),
            pair("LC_ALL", "C.UTF-8"),
            pair("CARGO_HOME", "/opt/cargo"),
        ];
        let inherited = inherited(environment, &["CARGO_HOME".to_owned()]);
        let environment = for_command(&inherited, Path::new("/t"));
        assert_eq!(
            environment,
            [
                pair("LC_ALL", "C.UTF-8"),
                pair("CARGO_HOME", "/opt/cargo"),
                pair("PATH", "/usr/local/bin:/usr/bin:/bin"),
                pair("LANG", "C.UTF-8"),
                pair("HOME", "/t"),
                pair("TMPDIR", "/t"),
                pair("TERM", "dumb"),
            ]
        );
    }
}
