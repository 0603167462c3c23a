//! Where the store is.
//! Invariant: a parsed path is as it was written; nothing is looked up on the disk.
//! It must not know the home folder: whoever reads the configuration expands `~`.

use std::path::{Path, PathBuf};

/// Where the store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The database file. Its folder is the state folder: locks and sockets of the processes that share the
    /// store are kept beside it.
    pub path: PathBuf,
}

/// A `store.url` that names no `SQLite` file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`store.url` is `{found}`; expected `sqlite:` and a file, e.g. `sqlite:~/.local/share/corvid/corvid.db`"
)]
pub struct UrlError {
    /// What was found.
    pub found: String,
}

impl Config {
    /// Reads `sqlite:path` or `sqlite://path`. A `~` is left for the caller to expand.
    ///
    /// # Errors
    /// [`UrlError`] for another scheme, an empty path, or a store in memory, which could not be shared or kept.
    pub fn from_url(url: &str) -> Result<Self, UrlError> {
        let path = url
            .strip_prefix("sqlite:")
            .map(|rest| rest.strip_prefix("//").unwrap_or(rest))
            .filter(|path| !path.is_empty() && *path != ":memory:");
        path.map(|path| Self { path: path.into() })
            .ok_or_else(|| UrlError {
                found: url.to_owned(),
            })
    }
}

/// The folder of the file, in which everything beside it is kept.
pub(crate) fn state_folder(path: &Path) -> &Path {
    let parent = path.parent().unwrap_or(path);
    if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_file() {
        let check = |url: &str, path: Option<&str>| {
            let found = Config::from_url(url).ok().map(|config| config.path);
            assert_eq!(found, path.map(PathBuf::from), "{url}");
        };
        check("sqlite:/var/lib/c.db", Some("/var/lib/c.db"));
        check("sqlite:///var/lib/c.db", Some("/var/lib/c.db"));
        check("sqlite:~/c.db", Some("~/c.db"));
        check("sqlite:", None);
        check("sqlite::memory:", None);
        check("postgres://localhost/c", None);
    }

    #[test]
    fn a_bare_name_lies_in_the_current_folder() {
        assert_eq!(state_folder(Path::new("c.db")), Path::new("."));
        assert_eq!(state_folder(Path::new("/a/c.db")), Path::new("/a"));
    }
}
