//! `config set`: one value changed in the file, everything else in it left as it was written.
//! Invariant: the file is replaced whole or not at all, and never by one with a wrong value for the key.
//! It must not know what the key is for.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use toml_edit::{DocumentMut, Item, Table, TableLike};

use super::environment::Environment;
use super::keys::{Key, keys};
use super::problem::{Problem, Problems, Source};
use super::value::Value;
use super::{Home, Layered, file, unknown_key};

/// What `set` did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The value as it now stands in the file.
    pub(crate) value: Value,
    /// The variable that is set and wins over the file, if one is.
    pub(crate) overridden_by: Option<String>,
    /// What else is wrong in the file.
    pub(crate) remaining: Vec<Problem>,
}

/// Sets a key in the config file; makes the file (0600) and its folder (0700) if they are not there.
///
/// # Errors
/// For an unknown key, a value that is not allowed, a file that is no TOML or cannot be written.
pub(crate) fn set(
    home: &Home,
    environment: &Environment,
    name: &str,
    text: &str,
) -> anyhow::Result<Change> {
    let keys = keys();
    let key = keys
        .iter()
        .find(|key| key.name == name)
        .ok_or_else(|| anyhow!(unknown_key(name).text))?;
    let value = key.kind.take_text(text).map_err(|refusal| {
        let shown = format!("`{}`", corvid_channels::inert_line(text));
        Problems(Problem::of_refusal(
            key,
            &shown,
            &refusal,
            &Source::Argument,
        ))
    })?;
    let folder = make_folder(home.config_folder())?;
    folder
        .lock()
        .with_context(|| format!("{} cannot be locked", home.config_folder().display()))?;
    let before = file::read(&home.config_file)?;
    let after = edit(&home.config_file, &before, key, &value)?;
    let remaining = problems(home, &after);
    // A config that was wrong before is put right step by step; one that was right stays so.
    if !remaining.is_empty() && problems(home, &before).is_empty() {
        return Err(Problems(remaining))
            .context("it is left as it was, since with this value the config is wrong");
    }
    replace(&home.config_file, &after)?;
    let twin = key.twin();
    Ok(Change {
        value,
        overridden_by: environment.twin(&twin).is_some().then_some(twin),
        remaining,
    })
}

/// What is wrong with a file of this text.
fn problems(home: &Home, text: &str) -> Vec<Problem> {
    let composed = Layered::compose(home, text, &Environment::default());
    composed.err().map_or(Vec::new(), |problems| problems.0)
}

/// The text with one value changed, checked by reading it back.
fn edit(path: &Path, before: &str, key: &Key, value: &Value) -> anyhow::Result<String> {
    let mut document: DocumentMut = before
        .parse()
        .map_err(|error| Problems(vec![Problem::no_toml(path, before, &error)]))?;
    let (sections, last) = key.name.rsplit_once('.').unwrap_or(("", &key.name));
    let Some(table) = section(document.as_table_mut(), sections) else {
        // A value stands where the section should be; reading the file tells on which line.
        let found = file::parse(path, before, &keys());
        return Err(Problems(found.problems).into());
    };
    if table.get(last).is_some_and(Item::is_array_of_tables) {
        // Its name stands without a space before the sign that a value needs.
        table.remove(last);
    }
    put(table.entry(last).or_insert(Item::None), value);
    let after = document.to_string();
    let read = file::parse(path, &after, std::slice::from_ref(key));
    match read.values.as_slice() {
        [(_, stored, _)] if stored == value => Ok(after),
        _ => Err(anyhow!(
            "`{}` cannot be set in {}; edit the file by hand",
            key.name,
            path.display()
        )),
    }
}

/// The section of that dotted name, made if it is not there; none if something else stands in its place.
fn section<'a>(root: &'a mut Table, name: &str) -> Option<&'a mut dyn TableLike> {
    let mut table: &mut dyn TableLike = root;
    for word in name.split('.').filter(|word| !word.is_empty()) {
        let item = table.entry(word).or_insert_with(|| {
            let mut section = Table::new();
            section.set_implicit(true);
            Item::Table(section)
        });
        table = item.as_table_like_mut()?;
    }
    Some(table)
}

/// Changes the value alone: the comment behind it stays.
fn put(item: &mut Item, value: &Value) {
    let mut value = value.to_toml();
    if let Item::Value(old) = item {
        *value.decor_mut() = old.decor().clone();
    }
    *item = Item::Value(value);
}

fn make_folder(folder: &Path) -> anyhow::Result<File> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .and_then(|()| File::open(folder))
        .with_context(|| format!("the folder {} cannot be made", folder.display()))
}

/// Writes a new file beside the old one and moves it into its place; a link stays a link.
fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let mut beside = target.clone().into_os_string();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &target)
    };
    let written = write();
    if written.is_err() {
        // Half a file helps nobody; where it cannot be removed either, the next change overwrites it.
        drop(fs::remove_file(&beside));
    }
    written.with_context(|| format!("{} cannot be written", target.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &str, name: &str, value: &Value, expect: &str) {
        let keys = keys();
        let edited = keys
            .iter()
            .find(|key| key.name == name)
            .map(|key| edit(Path::new("config.toml"), before, key, value));
        match edited {
            Some(Ok(after)) => assert_eq!(after, expect),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rules_take_the_place_of_their_sections() {
        let rule = r#"{ tool = "a", resource = "b", effect = "deny" }"#;
        let rules = super::super::rules::from_text(&format!("[{rule}]"));
        check(
            "[policy]\npreset = \"careful\" # mine\n\n[[policy.rules]]\ntool = \"x\"\nresource = \"y\"\neffect = \"ask\"\n\n[jobs]\nparallel = 2\n",
            "policy.rules",
            &Value::Rules(rules.unwrap_or_default()),
            &format!(
                "[policy]\npreset = \"careful\" # mine\nrules = [\n  {rule},\n]\n\n[jobs]\nparallel = 2\n"
            ),
        );
    }

    #[test]
    fn a_value_is_changed_and_its_comments_stay() {
        check(
            "# mine\n[tools] # limits\ntimeout_secs = 5 # short\n# end\n",
            "tools.timeout_secs",
            &Value::Count(60),
            "# mine\n[tools] # limits\ntimeout_secs = 60 # short\n# end\n",
        );
    }

    #[test]
    fn a_missing_section_is_added() {
        check(
            "model = \"openai\"\n",
            "providers.openai.key_file",
            &Value::text("/k"),
            "model = \"openai\"\n\n[providers.openai]\nkey_file = \"/k\"\n",
        );
    }

    #[test]
    fn a_top_level_key_goes_before_the_sections() {
        check(
            "[turn]\nmax_steps = 3\n",
            "model",
            &Value::text("manual"),
            "model = \"manual\"\n[turn]\nmax_steps = 3\n",
        );
    }

    #[test]
    fn inline_sections_and_wrong_values_can_be_set() {
        check(
            "tools = { timeout_secs = \"soon\" }\n",
            "tools.timeout_secs",
            &Value::Count(9),
            "tools = { timeout_secs = 9 }\n",
        );
    }

    #[test]
    fn a_value_in_a_sections_place_is_named_by_its_line() {
        let keys = keys();
        let edited = keys
            .iter()
            .find(|key| key.name == "turn.max_steps")
            .map(|key| {
                let path = Path::new("config.toml");
                edit(path, "# mine\nturn = 3\n", key, &Value::Count(9))
                    .map_err(|error| error.to_string())
            });
        assert!(
            matches!(edited, Some(Err(text)) if text.starts_with("config.toml:2: `turn` is a section"))
        );
    }

    #[test]
    fn concurrent_changes_all_stay() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let home = Home {
            config_file: folder.path().join("corvid/config.toml"),
            state: folder.path().join("state"),
            user: None,
        };
        std::thread::scope(|scope| {
            for (name, value) in [("turn.max_steps", "7"), ("tools.timeout_secs", "9")] {
                let home = &home;
                scope.spawn(move || set(home, &Environment::default(), name, value));
            }
        });
        let text = file::read(&home.config_file)?;
        assert!(
            text.contains("max_steps = 7") && text.contains("timeout_secs = 9"),
            "{text}"
        );
        Ok(())
    }
}
