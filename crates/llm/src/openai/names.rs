//! Tool names as OpenAI-compatible providers take them, `^[a-zA-Z0-9_-]{1,64}$`, and back.
//! Invariant: within one request no two tools share a name, and the same tools always get the same names.
//! It must not know which tools there are.

use std::collections::HashMap;

use corvid_core::draw::sha256_hex;

/// Characters of a name at most.
const LONGEST: usize = 64;

/// Hex digits of a name's hash that tell it apart where its plain form is taken or too long.
const HASH_DIGITS: usize = 8;

/// The names of one request, in both directions.
#[derive(Clone, Debug, Default)]
pub struct ToolNames {
    given: HashMap<String, String>,
    ours: HashMap<String, String>,
}

impl ToolNames {
    /// Names these tools, dots becoming underscores. A name that is valid as it is keeps itself; after
    /// that the earlier of two gets the plain form, so the order must be a stable one.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: Vec<&str> = names.into_iter().collect();
        let mut table = Self::default();
        let (valid, other): (Vec<&str>, Vec<&str>) =
            names.into_iter().partition(|name| is_valid(name));
        for name in valid.into_iter().chain(other) {
            table.add(name);
        }
        table
    }

    /// The name that the provider is given for ours; ours itself if it was never named.
    pub fn given<'a>(&'a self, ours: &'a str) -> &'a str {
        self.given.get(ours).map_or(ours, String::as_str)
    }

    /// Our name for what the provider wrote; as written where it is none of the given ones.
    pub fn ours<'a>(&'a self, given: &'a str) -> &'a str {
        self.ours.get(given).map_or(given, String::as_str)
    }

    fn add(&mut self, name: &str) {
        if self.given.contains_key(name) {
            return;
        }
        let mut given = plain_form(name);
        let mut round = 0_u64;
        while self.ours.contains_key(&given) {
            given = hashed_form(name, round);
            round += 1;
        }
        self.ours.insert(given.clone(), name.to_owned());
        self.given.insert(name.to_owned(), given);
    }
}

fn is_valid(name: &str) -> bool {
    (1..=LONGEST).contains(&name.len()) && name.bytes().all(is_allowed)
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn plain_form(name: &str) -> String {
    let form = allowed_characters(name);
    if is_valid(&form) {
        form
    } else {
        hashed_form(name, 0)
    }
}

/// The beginning of the name and a hash of all of it.
fn hashed_form(name: &str, round: u64) -> String {
    let mut form = allowed_characters(name);
    form.truncate(LONGEST - HASH_DIGITS - 1);
    let hash = sha256_hex(format!("{round}:{name}").as_bytes());
    format!("{form}_{}", &hash[..HASH_DIGITS])
}

/// One allowed character for each of the name's; the result is ASCII.
fn allowed_characters(name: &str) -> String {
    name.chars()
        .map(|c| match u8::try_from(c) {
            Ok(byte) if is_allowed(byte) => c,
            _ => '_',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn dots_become_underscores() {
        let names = ToolNames::new(["file.read", "system.run"]);
        assert_eq!(names.given("system.run"), "system_run");
        assert_eq!(names.ours("system_run"), "system.run");
    }

    #[test]
    fn a_name_as_written_in_the_prompt_is_understood() {
        let names = ToolNames::new(["system.run"]);
        assert_eq!(names.ours("system.run"), "system.run");
        assert_eq!(names.ours("made_up"), "made_up");
    }

    #[test]
    fn a_valid_name_keeps_itself_whatever_stands_before_it() {
        let names = ToolNames::new(["ask.user", "ask_user"]);
        assert_eq!(names.given("ask_user"), "ask_user");
        assert_eq!(names.given("ask.user"), "ask_user_4c321983");
        assert_eq!(names.ours("ask_user_4c321983"), "ask.user");
    }

    proptest! {
        #[test]
        fn any_names_are_valid_unique_and_map_back(
            names in proptest::collection::vec(prop_oneof!["[a-c._ü-]{0,3}", ".{0,80}"], 0..20)
        ) {
            let table = ToolNames::new(names.iter().map(String::as_str));
            let again = ToolNames::new(names.iter().map(String::as_str));
            let mut seen = HashSet::new();
            for name in names.iter().collect::<HashSet<_>>() {
                let given = table.given(name);
                prop_assert!(is_valid(given), "{given}");
                prop_assert!(seen.insert(given.to_owned()), "{given} twice");
                prop_assert_eq!(table.ours(given), name);
                prop_assert_eq!(again.given(name), given);
            }
        }
    }
}
