//! Where many paths lead, looked up together.
//! Invariant: each is what the system says of it alone; what was seen is remembered for one look and no longer, so a
//! link that is changed is seen by the next.
//! It must not know what a path is for.

use std::collections::HashMap;
use std::io;
use std::path::{Component, Path, PathBuf};

/// One look at where paths lead. Private paths are many and lie in few folders: the way to each folder is followed
/// once, and each path costs one question more.
#[derive(Debug, Default)]
pub struct RealPaths {
    /// Absolute paths and their real ones; none where there is nothing.
    seen: HashMap<PathBuf, Option<PathBuf>>,
}

impl RealPaths {
    /// The real path of something that need not exist: links of the part that exists are followed.
    pub fn of(&mut self, path: &Path) -> PathBuf {
        let mut existing = path;
        let mut missing = Vec::new();
        loop {
            if let Some(real) = self.existing(existing) {
                return missing
                    .iter()
                    .rev()
                    .fold(real, |real, name| real.join(name));
            }
            let (Some(parent), Some(name)) = (existing.parent(), existing.file_name()) else {
                return path.to_owned();
            };
            missing.push(name);
            existing = parent;
        }
    }

    /// The real path of something, if it is there and the way to it may be seen.
    pub fn existing(&mut self, path: &Path) -> Option<PathBuf> {
        let is_plain = |part| matches!(part, Component::RootDir | Component::Normal(_));
        if path.is_absolute() && path.components().all(is_plain) {
            self.follow(path)
        } else {
            path.canonicalize().ok()
        }
    }

    /// As [`Self::existing`], for an absolute path without `..`.
    fn follow(&mut self, path: &Path) -> Option<PathBuf> {
        if let Some(seen) = self.seen.get(path) {
            return seen.clone();
        }
        let real = match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => self
                .follow(parent)
                .and_then(|parent| entry(parent.join(name))),
            _ => Some(path.to_owned()),
        };
        self.seen.insert(path.to_owned(), real.clone());
        real
    }
}

/// The real path of an entry of a folder that is given by its real path.
fn entry(path: PathBuf) -> Option<PathBuf> {
    match path.read_link() {
        Ok(_) => path.canonicalize().ok(),
        // It is there and no link.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Some(path),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// What [`RealPaths::of`] must come to, one path at a time.
    fn alone(path: &Path) -> PathBuf {
        let mut missing = Vec::new();
        let mut existing = path;
        loop {
            if let Ok(real) = existing.canonicalize() {
                return missing
                    .iter()
                    .rev()
                    .fold(real, |real, name| real.join(name));
            }
            let (Some(parent), Some(name)) = (existing.parent(), existing.file_name()) else {
                return path.to_owned();
            };
            missing.push(name);
            existing = parent;
        }
    }

    #[test]
    fn each_path_leads_where_it_leads_alone() {
        let base = tempfile::tempdir().unwrap();
        let at = |name: &str| base.path().join(name);
        fs::create_dir_all(at("a/deep/er")).unwrap();
        fs::write(at("a/file"), "").unwrap();
        for (target, link) in [
            ("a", "to-folder"),
            ("a/file", "to-file"),
            ("to-folder/deep", "twice"),
            ("gone", "to-nothing"),
            ("round", "round"),
            ("../a", "a/deep/up"),
            ("/", "to-root"),
        ] {
            symlink(target, at(link)).unwrap();
        }
        let paths = [
            "",
            "a",
            "a/file",
            "a/file/in/it",
            "a/./deep/",
            "a/deep/../file",
            "a/none/../file",
            "none/at/all",
            "to-folder/deep/er",
            "to-folder/none",
            "to-file",
            "to-file/none",
            "twice/er",
            "twice/up/file",
            "to-nothing",
            "to-nothing/in/it",
            "round/in/it",
            "to-root/etc/none",
        ];
        let mut look = RealPaths::default();
        for path in paths.iter().chain(paths.iter().rev()) {
            let path = at(path);
            assert_eq!(look.of(&path), alone(&path), "{}", path.display());
            assert_eq!(look.existing(&path), path.canonicalize().ok());
        }
        for path in ["/", "relative/none", "src", ".."] {
            assert_eq!(look.of(Path::new(path)), alone(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn the_next_look_sees_a_link_that_was_changed() {
        let base = tempfile::tempdir().unwrap();
        let at = |name: &str| base.path().canonicalize().unwrap().join(name);
        fs::create_dir(at("one")).unwrap();
        fs::create_dir(at("other")).unwrap();
        symlink("one", at("link")).unwrap();
        assert_eq!(RealPaths::default().of(&at("link/x")), at("one/x"));
        fs::remove_file(at("link")).unwrap();
        symlink("other", at("link")).unwrap();
        assert_eq!(RealPaths::default().of(&at("link/x")), at("other/x"));
    }
}
