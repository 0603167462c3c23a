//! The toolchains that commands may use unless the config says otherwise, and how they are found.
//! Invariant: no folder here keeps secrets; of `~/.cargo`, which does, only parts are named.
//! It must not know how a folder is granted.

use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::home::Home;

/// Where people's toolchains usually are.
pub(crate) const USUAL: &[&str] = &[
    "~/.bun/bin",
    "~/.cargo/bin",
    "~/.cargo/git",
    "~/.cargo/registry",
    "~/.deno/bin",
    "~/.local/bin",
    "~/.nvm/versions",
    "~/.pyenv",
    "~/.rustup",
    "~/.volta",
    "~/go/bin",
    "~/go/pkg",
];

/// A toolchain that looks below the home folder for its own files. A command's home is a private temp
/// folder, so it is told by its variable where they are.
struct Finder {
    variable: &'static str,
    folder: &'static str,
    /// Set only where commands may use this.
    granted: &'static str,
}

const FINDERS: &[Finder] = &[
    Finder {
        variable: "CARGO_HOME",
        folder: ".cargo",
        granted: ".cargo/bin",
    },
    Finder {
        variable: "GOMODCACHE",
        folder: "go/pkg/mod",
        granted: "go/pkg",
    },
    Finder {
        variable: "PYENV_ROOT",
        folder: ".pyenv",
        granted: ".pyenv",
    },
    Finder {
        variable: "RUSTUP_HOME",
        folder: ".rustup",
        granted: ".rustup",
    },
    Finder {
        variable: "VOLTA_HOME",
        folder: ".volta",
        granted: ".volta",
    },
];

/// The usual folders that are there.
pub(crate) fn usual(home: &Home) -> Vec<PathBuf> {
    USUAL
        .iter()
        .filter_map(|folder| home.expand(folder).ok())
        .filter(|folder| folder.is_dir())
        .collect()
}

/// The variables by which commands find the toolchains among `folders`, as the person has them set or
/// else where they usually point.
pub(crate) fn finders(
    folders: &[PathBuf],
    home: &Home,
    environment: &Environment,
) -> Vec<(String, String)> {
    FINDERS
        .iter()
        .filter_map(|finder| {
            let below = |path: &str| home.expand(&format!("~/{path}")).ok();
            let granted = below(finder.granted)?;
            let used = folders.iter().any(|folder| granted.starts_with(folder));
            let set = environment.path(finder.variable);
            let usual = below(finder.folder).filter(|folder| used && folder.is_dir());
            let value = match (set, usual) {
                (Some(set), _) if is_granted(&set, folders) => set,
                (None, Some(usual)) => usual,
                _ => return None,
            };
            let value = value.to_str()?.to_owned();
            Some((finder.variable.to_owned(), value))
        })
        .collect()
}

/// Whether commands may use something in or below this folder.
fn is_granted(folder: &Path, granted: &[PathBuf]) -> bool {
    granted
        .iter()
        .any(|granted| granted.starts_with(folder) || folder.starts_with(granted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home_with(folders: &[&str]) -> (tempfile::TempDir, Home) {
        let base = tempfile::tempdir().unwrap();
        for folder in folders {
            std::fs::create_dir_all(base.path().join(folder)).unwrap();
        }
        let user = base.path().to_str().unwrap();
        let home = Home::find(&Environment::from([("HOME", user)])).unwrap();
        (base, home)
    }

    #[test]
    fn only_what_is_there_is_granted_and_told() {
        let (base, home) = home_with(&[".cargo/bin", ".rustup"]);
        let folders = usual(&home);
        let at = |name: &str| base.path().join(name);
        assert_eq!(folders, [at(".cargo/bin"), at(".rustup")]);
        let told = finders(&folders, &home, &Environment::from([]));
        let pair =
            |name: &str, folder: &str| (name.to_owned(), at(folder).to_str().unwrap().to_owned());
        assert_eq!(
            told,
            [pair("CARGO_HOME", ".cargo"), pair("RUSTUP_HOME", ".rustup")]
        );
    }

    #[test]
    fn a_folder_of_ones_own_is_told_only_if_it_is_granted() {
        let (_base, home) = home_with(&[".cargo/bin"]);
        let environment = Environment::from([("CARGO_HOME", "/opt/cargo")]);
        assert_eq!(finders(&usual(&home), &home, &environment), []);
        let granted = [PathBuf::from("/opt/cargo/bin")];
        assert_eq!(
            finders(&granted, &home, &environment),
            [("CARGO_HOME".to_owned(), "/opt/cargo".to_owned())]
        );
    }
}
