//! Where many paths lead, looked up together.
//! Invariant: each is what the system says of it alone; what was seen is remembered for one look and no longer, so a
//! link that is changed is seen by the next.
//! It must not know what a path is for.

use std::io;
use std::path::{Component, Path, PathBuf};

/// One look at where paths lead. Private paths are many and lie in few folders: the way to each folder is followed
/// once, and each path costs one question more.
#[derive(Debug, Default)]
pub struct RealPaths {
    /// The folders on the way so far, as they were named.
    folders: Vec<(PathBuf, Found)>,
}

/// Where a path leads.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// With the links followed of the part that exists.
    pub(crate) real: PathBuf,
    /// Whether all of it exists and may be seen.
    pub(crate) is_there: bool,
}

impl RealPaths {
    /// The real path of something that need not exist: links of the part that exists are followed.
    pub fn of(&mut self, path: &Path) -> PathBuf {
        self.find(path).real
    }

    /// Where a path leads, and whether something is there.
    pub(crate) fn find(&mut self, path: &Path) -> Found {
        let is_plain = |part| matches!(part, Component::RootDir | Component::Normal(_));
        if path.is_absolute() && path.components().all(is_plain) {
            self.follow(path)
        } else {
            alone(path)
        }
    }

    /// As [`alone`], for an absolute path without `..`.
    fn follow(&mut self, path: &Path) -> Found {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Found {
                real: path.to_owned(),
                is_there: true,
            };
        };
        let folder = self.folder(folder);
        let (is_there, at) = (folder.is_there, folder.real.join(name));
        if is_there { entry(at) } else { missing(at) }
    }

    fn folder(&mut self, path: &Path) -> &Found {
        let mut known = self.folders.iter();
        let at = known.position(|(known, _)| known.as_os_str() == path.as_os_str());
        let at = at.unwrap_or_else(|| {
            let found = self.follow(path);
            self.folders.push((path.to_owned(), found));
            self.folders.len() - 1
        });
        &self.folders[at].1
    }
}

/// An entry of a folder that is given by its real path.
fn entry(at: PathBuf) -> Found {
    match at.read_link() {
        // It is there and no link.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Found {
            real: at,
            is_there: true,
        },
        Err(_) => missing(at),
        Ok(_) => match at.canonicalize() {
            Ok(real) => Found {
                real,
                is_there: true,
            },
            Err(_) => missing(at),
        },
    }
}

fn missing(at: PathBuf) -> Found {
    Found {
        real: at,
        is_there: false,
    }
}

/// Where one path leads, whatever it is made of.
fn alone(path: &Path) -> Found {
    let mut missing = Vec::new();
    let mut existing = path;
    loop {
        if let Ok(real) = existing.canonicalize() {
            let names = missing.iter().rev();
            return Found {
                real: names.fold(real, |real, name| real.join(name)),
                is_there: missing.is_empty(),
            };
        }
        let (Some(parent), Some(name)) = (existing.parent(), existing.file_name()) else {
            return self::missing(path.to_owned());
        };
        missing.push(name);
        existing = parent;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

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
            let (found, expect) = (look.find(&path), alone(&path));
            assert_eq!(found.real, expect.real, "{}", path.display());
            assert_eq!(found.is_there, path.exists(), "{}", path.display());
            assert_eq!(found.is_there, expect.is_there, "{}", path.display());
        }
        for path in ["/", "relative/none", "src", ".."] {
            let path = Path::new(path);
            assert_eq!(look.of(path), alone(path).real, "{}", path.display());
        }
    }

    #[test]
    fn the_next_look_sees_a_link_that_was_changed() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        let at = |name: &str| base.join(name);
        fs::create_dir(at("one")).unwrap();
        fs::create_dir(at("other")).unwrap();
        symlink("one", at("link")).unwrap();
        assert_eq!(RealPaths::default().of(&at("link/x")), at("one/x"));
        fs::remove_file(at("link")).unwrap();
        symlink("other", at("link")).unwrap();
        assert_eq!(RealPaths::default().of(&at("link/x")), at("other/x"));
    }
}
