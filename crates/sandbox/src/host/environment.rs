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

/// What a command gets: the allow-list, the named variables, and its private temp folder as home.
pub(super) fn for_command(
    inherited: &[(String, String)],
    named: &[String],
    temp: &Path,
) -> Vec<(String, String)> {
    let temp = temp.display().to_string();
    let fixed = [
        ("HOME", temp.as_str()),
        ("TMPDIR", temp.as_str()),
        ("TERM", "dumb"),
    ];
    let mut environment: Vec<_> = inherited
        .iter()
        .filter(|(name, _)| is_taken(name) || named.contains(name))
        .filter(|(name, _)| fixed.iter().all(|(fixed, _)| fixed != name))
        .cloned()
        .collect();
    for (name, value) in DEFAULTS {
        if environment.iter().all(|(inherited, _)| inherited != name) {
            environment.push(((*name).to_owned(), (*value).to_owned()));
        }
    }
    environment.extend(fixed.map(|(name, value)| (name.to_owned(), value.to_owned())));
    environment
}

fn is_taken(name: &str) -> bool {
    TAKEN.contains(&name) || name.starts_with("LC_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_names_pass() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let inherited = [
            pair("OPENAI_API_KEY", "sk-secret"),
            pair("LD_PRELOAD", "/tmp/evil.so"),
            pair("BASH_ENV", "/tmp/evil.sh"),
            pair("HOME", "/home/someone"),
            pair("LC_ALL", "C.UTF-8"),
            pair("CARGO_HOME", "/opt/cargo"),
        ];
        let environment = for_command(&inherited, &["CARGO_HOME".to_owned()], Path::new("/t"));
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
