//! The names of what a command would get beyond the sandbox: hosts and places to write.
//! Invariant: what passes has one spelling, and what a person reads is what it means.
//! It must not know whether any of it is there, nor who grants it.

use std::path::{Component, Path, PathBuf};

use corvid_core::Wider;
use corvid_sandbox::egress::Allowed;

/// The most names of a kind: a person reads them all.
const MOST: usize = 16;

/// Hosts in the proxy's own spelling, sorted.
///
/// # Errors
/// One sentence that names the host and what is allowed.
pub(super) fn hosts(asked: &[String]) -> Result<Vec<String>, String> {
    sorted(Allowed::parse(asked, &[])?.hosts())
}

/// Absolute paths without `.` and `..`, sorted. `~` is `home`; what is relative lies in `working_dir`.
///
/// # Errors
/// One sentence that names the path and what is allowed.
pub(super) fn writes(
    asked: &[String],
    working_dir: &Path,
    home: Option<&Path>,
) -> Result<Vec<String>, String> {
    let paths = asked.iter().map(|path| {
        place(path, working_dir, home).map_err(|problem| format!("{path:?} {problem}"))
    });
    sorted(paths.collect::<Result<_, _>>()?)
}

/// Whether something is asked for; where much is lacking there is no more to ask for.
///
/// # Errors
/// One sentence that names what to say.
pub(super) fn asks_for_something(wider: &Wider) -> Result<(), String> {
    if wider.hosts.is_empty() && wider.writes.is_empty() && wider.lacking.is_empty() {
        return Err(
            "argument `escalate` asks for nothing; name the `hosts` to reach or the `writes` to make outside the \
             working folder, or leave it out"
                .to_owned(),
        );
    }
    Ok(())
}

fn sorted(mut names: Vec<String>) -> Result<Vec<String>, String> {
    names.sort();
    names.dedup();
    if names.len() > MOST {
        return Err(format!(
            "these are {} names, and a person must read them; give at most {MOST}",
            names.len()
        ));
    }
    Ok(names)
}

fn place(path: &str, working_dir: &Path, home: Option<&Path>) -> Result<String, String> {
    if path.is_empty() || path.contains('\0') {
        return Err("is no path".to_owned());
    }
    let absolute = match path.strip_prefix('~') {
        None => working_dir.join(path),
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            let home =
                home.ok_or("begins with `~`, which is not known here; give it from `/` on")?;
            home.join(rest.trim_start_matches('/'))
        }
        Some(_) => {
            return Err("names another person's home; give it from `/` on".to_owned());
        }
    };
    let plain = plain(&absolute);
    if plain.starts_with(working_dir) {
        return Err(
            "lies in the working folder, where commands write without asking; leave it out"
                .to_owned(),
        );
    }
    match plain.into_os_string().into_string() {
        Ok(plain) => Ok(plain),
        Err(_) => Err("has no readable name".to_owned()),
    }
}

/// The path without `.` and `..`. What is granted is this path, so a link on the way changes nothing.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_absolute_and_plain() {
        let folder = Path::new("/work/here");
        let home = Some(Path::new("/home/me"));
        let check = |path: &str, expect: Result<&str, &str>| {
            let found = place(path, folder, home);
            match expect {
                Ok(expect) => assert_eq!(found.as_deref(), Ok(expect), "{path}"),
                Err(word) => {
                    assert!(found.is_err_and(|text| text.contains(word)), "{path}");
                }
            }
        };
        check("/srv/www/", Ok("/srv/www"));
        check("/srv/./www/../data", Ok("/srv/data"));
        check("../there", Ok("/work/there"));
        check("../../../../etc", Ok("/etc"));
        check("~", Ok("/home/me"));
        check("~/notes/a b", Ok("/home/me/notes/a b"));
        check("~//../x", Ok("/home/x"));
        check("/work/here-not", Ok("/work/here-not"));
        check("target", Err("working folder"));
        check("/work/here", Err("working folder"));
        check("/work/x/../here/y", Err("working folder"));
        check("~root/x", Err("another person"));
        check("", Err("no path"));
        check("a\0b", Err("no path"));
        let unknown = place("~/x", folder, None);
        assert!(unknown.is_err_and(|text| text.contains("not known here")));
    }

    #[test]
    fn names_are_sorted_single_and_few() {
        let given = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        let found = hosts(&given(&["b.org", "A.org:080", "b.ORG."]));
        assert_eq!(found, Ok(given(&["a.org:80", "b.org"])));
        let many: Vec<_> = (0..17).map(|number| format!("h{number}.org")).collect();
        assert!(hosts(&many).is_err_and(|text| text.contains("at most 16")));
        for none in ["http://x.org", "*", "x.org/", "127.1", ""] {
            let refused = hosts(&given(&["a.org", none]));
            assert!(refused.is_err_and(|text| text.starts_with(&format!("host `{none}`"))));
        }
    }
}
