//! Which folders a command may be given, compared by their real paths.
//! Invariant: no grant contains a private path, since a grant cannot be subtracted from.
//! It must not know how a grant is enforced.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use crate::grants::{self, Grant};
use crate::paths::RealPaths;

/// A working folder in which a command may run.
#[derive(Debug)]
pub(super) struct Place {
    /// Its real path.
    pub(super) real: PathBuf,
    /// What is private in it, whether or not it is there; what lies in something private is not named apart.
    pub(super) private: Vec<PathBuf>,
}

/// The private paths and the configured folders, as real paths.
#[derive(Debug)]
pub(super) struct Borders {
    private: Vec<PathBuf>,
    /// The configured folders that hold nothing private.
    pub(super) readable: Vec<PathBuf>,
    /// The configured folders that do, or that show the kernel's own; they are left out.
    pub(super) left_out: Vec<PathBuf>,
    /// Looked up for the first command: many a turn runs none.
    offered: OnceLock<Offered>,
}

/// What commands are offered beside their own folders; it holds nothing private.
#[derive(Debug)]
pub(super) struct Offered {
    /// What they may read and execute.
    pub(super) executable: Vec<PathBuf>,
    /// What they may read.
    pub(super) readable: Vec<PathBuf>,
}

impl Borders {
    pub(super) fn new(private: &[PathBuf], readable: &[PathBuf]) -> Self {
        let mut real_paths = RealPaths::default();
        let mut private: Vec<_> = private.iter().map(|path| real_paths.of(path)).collect();
        private.sort();
        private.dedup();
        let (left_out, readable) = readable
            .iter()
            .map(|path| real_paths.of(path))
            .partition(|path| overlaps(path, &private) || grants::shows_the_kernel(path));
        Self {
            private,
            readable,
            left_out,
            offered: OnceLock::new(),
        }
    }

    /// What every command is offered.
    pub(super) fn offered(&self) -> &Offered {
        self.offered.get_or_init(|| {
            let of_system = |grants: &[Grant]| -> Vec<PathBuf> {
                let granted = grants
                    .iter()
                    .filter(|grant| grant.is_there && self.grantable(&grant.real));
                granted.map(|grant| grant.path.clone()).collect()
            };
            let mut executable = of_system(grants::executable());
            executable.extend(self.readable.iter().cloned());
            Offered {
                executable,
                readable: of_system(grants::readable()),
            }
        })
    }

    /// A working folder in which a command may run, or why it may not.
    pub(super) fn admit(&self, working_dir: &Path) -> Result<Place, String> {
        let shown = working_dir.display();
        let real = working_dir
            .canonicalize()
            .map_err(|error| format!("the working folder `{shown}` cannot be entered: {error}"))?;
        if !real.is_dir() {
            return Err(format!("the working folder `{shown}` is not a folder"));
        }
        if grants::is_system(&real) {
            return Err(format!(
                "commands do not run in the system folder `{shown}`; choose another working folder"
            ));
        }
        if let Some(private) = self.private.iter().find(|path| real.starts_with(path)) {
            return Err(format!(
                "commands do not run in `{shown}`: it lies in the private folder `{}`; choose another working folder",
                private.display()
            ));
        }
        let inside = |path: &&PathBuf| path.starts_with(&real);
        let outermost = |path: &&PathBuf| {
            let mut others = self.private.iter().filter(|other| other != path);
            !others.any(|other| path.starts_with(other))
        };
        let private = self.private.iter().filter(inside).filter(outermost);
        Ok(Place {
            private: private.cloned().collect(),
            real,
        })
    }

    /// The real path of something outside the working folder that a command may be let to write, or why not: what
    /// is private or the system's is not a person's to allow in passing, and a link is not what a rule or a person
    /// was told of: it may lead elsewhere by the time the command runs.
    pub(super) fn admit_write(&self, path: &str) -> Result<PathBuf, String> {
        let given = Path::new(path);
        let plain = |part: Component<'_>| !matches!(part, Component::ParentDir | Component::CurDir);
        if !given.is_absolute() || !given.components().all(plain) {
            return Err(format!(
                "`{path}` cannot be granted: write it as an absolute path without `..`"
            ));
        }
        let real = given.canonicalize().map_err(|error| {
            format!("`{path}` cannot be granted: {error}; name a file or folder that is there")
        })?;
        let kind = real
            .metadata()
            .map_err(|error| format!("`{path}` cannot be granted: {error}"))?;
        if !kind.is_dir() && !kind.is_file() {
            return Err(format!(
                "`{path}` cannot be granted: it is neither a file nor a folder"
            ));
        }
        if grants::is_system(&real) {
            return Err(format!(
                "`{path}` cannot be granted: it belongs to the system; let a person change it"
            ));
        }
        if overlaps(&real, &self.private) {
            return Err(format!(
                "`{path}` cannot be granted: it is private, or holds something private; name a place that does not"
            ));
        }
        if real != given {
            return Err(format!(
                "`{path}` cannot be granted: a link leads from there to `{}`; name that",
                real.display()
            ));
        }
        Ok(real)
    }

    /// Whether something may be granted whole, by its real path.
    fn grantable(&self, real: &Path) -> bool {
        !overlaps(real, &self.private)
    }
}

fn overlaps(path: &Path, private: &[PathBuf]) -> bool {
    private
        .iter()
        .any(|private| is_beneath(private, path) || is_beneath(path, private))
}

/// `Path::starts_with` for two canonical paths, without taking them apart: every grant is held against
/// every private path at each start.
fn is_beneath(path: &Path, folder: &Path) -> bool {
    let (path, folder) = (path.as_os_str().as_bytes(), folder.as_os_str().as_bytes());
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest[0] == b'/' || folder.ends_with(b"/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beneath_means_what_it_means_for_paths() {
        let paths = ["/", "/a", "/a/b", "/a/bc", "/ab"];
        for path in paths {
            for folder in paths {
                let (path, folder) = (Path::new(path), Path::new(folder));
                let expect = path.starts_with(folder);
                assert_eq!(is_beneath(path, folder), expect, "{path:?} {folder:?}");
            }
        }
    }

    #[test]
    fn a_working_folder_is_judged_by_its_real_path() {
        let base = tempfile::tempdir().unwrap();
        let at = |name: &str| base.path().join(name);
        std::fs::create_dir_all(at("home/state/inner")).unwrap();
        std::fs::create_dir_all(at("home/work")).unwrap();
        std::os::unix::fs::symlink(at("home/state"), at("home/work/link")).unwrap();
        let borders = Borders::new(&[at("home/state"), at("home/.ssh")], &[]);
        let check = |path: &str, expect: &str| match borders.admit(&at(path)) {
            Ok(place) => assert_eq!(expect, "", "{place:?} was admitted"),
            Err(why) => assert!(!expect.is_empty() && why.contains(expect), "{path}: {why}"),
        };
        check("home/work", "");
        check("home", "");
        assert_eq!(borders.admit(&at("home")).unwrap().private.len(), 2);
        check("home/state", "lies in the private folder");
        check("home/state/inner", "lies in the private folder");
        check("home/work/link", "lies in the private folder");
        check("home/none", "cannot be entered");
        for system in ["/", "/proc/self", "/etc", "/usr/bin", "/var", "/var/spool"] {
            let refused = borders.admit(Path::new(system)).unwrap_err();
            assert!(refused.contains("in the system folder"), "{refused}");
        }
        check("home/../home/work", "");
    }

    #[test]
    fn a_configured_folder_that_holds_something_private_is_left_out() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path().canonicalize().unwrap();
        let at = |name: &str| base.join(name);
        let borders = Borders::new(&[at("a/secret")], &[at("a"), at("b")]);
        assert_eq!(borders.readable, [at("b")]);
        assert_eq!(borders.left_out, [at("a")]);
        assert!(!borders.grantable(&at("a/secret/deep")));
    }
}
