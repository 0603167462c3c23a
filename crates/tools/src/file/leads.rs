//! Where a path leads: the names by which rules may know it beside the one that was asked for.
//! Invariant: nothing is opened or changed, and what does not exist has a name too.
//! It must not know any rule, nor what may be touched: that is decided on opened files.

use std::path::{Path, PathBuf};

use crate::policy::without_detours;

/// The most links to nothing that are followed, as many as the system follows of others.
const LINKS: usize = 40;

/// The real path of what was asked for, where it is another: relative to the working folder if it lies beneath,
/// absolute if not. Reading follows a link before the `..` behind it and writing does not, so there may be two.
pub(super) fn to(working_dir: &Path, asked: &str) -> Vec<String> {
    let Ok(folder) = working_dir.canonicalize() else {
        return Vec::new();
    };
    let straight = without_detours(&working_dir.join(asked));
    let known = straight.strip_prefix(working_dir).unwrap_or(&straight);
    let mut names = Vec::new();
    for path in [folder.join(asked), straight.clone()] {
        let Some(real) = real(path) else {
            continue;
        };
        let name = real.strip_prefix(&folder).unwrap_or(&real);
        let shown = match name.to_string_lossy() {
            own if own.is_empty() => ".".to_owned(),
            inner => inner.into_owned(),
        };
        if name != known && !names.contains(&shown) {
            names.push(shown);
        }
    }
    names
}

/// The path with every link followed, one that leads to nothing too. None if that cannot be told: there are too
/// many of them, or it leads back up from what does not exist.
fn real(mut path: PathBuf) -> Option<PathBuf> {
    let mut missing = Vec::new();
    let mut links = 0;
    loop {
        if let Ok(real) = path.canonicalize() {
            let names = missing.iter().rev();
            return Some(names.fold(real, |real, name| real.join(name)));
        }
        let parent = path.parent()?.to_owned();
        let name = path.file_name()?.to_owned();
        if let Ok(target) = path.read_link() {
            links += 1;
            if links > LINKS {
                return None;
            }
            path = parent.join(target);
        } else {
            missing.push(name);
            path = parent;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_and_nothing_else_has_another_name() {
        let root = tempfile::tempdir().unwrap();
        let base = root.path().canonicalize().unwrap();
        let work = base.join("work");
        fs::create_dir_all(work.join("docs/deep")).unwrap();
        fs::write(work.join("secret"), "").unwrap();
        fs::create_dir(base.join("beside")).unwrap();
        symlink("work", base.join("other")).unwrap();
        for (target, link) in [
            ("secret", "l"),
            ("../secret", "docs/x"),
            ("l", "twice"),
            ("docs/deep", "d"),
            (".", "self"),
            ("gone/file", "nothing"),
            ("round", "round"),
            ("../beside", "out"),
        ] {
            symlink(target, work.join(link)).unwrap();
        }
        let beside = base.join("beside/new").display().to_string();
        let absolute = |path: &str| work.join(path).display().to_string();
        for (asked, expect) in [
            ("secret", &[][..]),
            ("./docs/../secret", &[]),
            (".", &[]),
            ("new/file", &[]),
            ("gone/../l", &["secret"]),
            ("l", &["secret"]),
            ("docs/x", &["secret"]),
            ("twice", &["secret"]),
            ("d/new", &["docs/deep/new"]),
            ("d/../x", &["secret"]),
            ("self", &["."]),
            ("nothing", &["gone/file"]),
            ("round", &[]),
            ("out/new", &[beside.as_str()]),
            (&absolute("l"), &["secret"]),
        ] {
            assert_eq!(to(&work, asked), expect, "{asked}");
            // A working folder that is reached through a link is the same one.
            assert_eq!(to(&base.join("other"), asked), expect, "{asked}");
        }
        assert_eq!(to(&work, &absolute("secret")), [""; 0]);
        assert_eq!(to(&base.join("other"), &absolute("secret")), ["secret"]);
        assert_eq!(to(&base.join("none"), "a"), [""; 0]);
    }
}
