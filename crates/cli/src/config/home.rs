//! Where Corvid keeps its things: one folder for config, one for state.
//! Invariant: both are absolute, and nothing is guessed where the person's home is not known.
//! It must not know what lies in the folders.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::environment::Environment;

/// How much of a path that cannot be is shown, in characters.
const SHOWN: usize = 120;

/// The two places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    /// The config file; it need not exist.
    pub(crate) config_file: PathBuf,
    /// The folder of the store, outputs and locks.
    pub(crate) state: PathBuf,
    /// The person's own home, for `~`; none where only `CORVID_HOME` is set.
    pub(crate) user: Option<PathBuf>,
}

impl Home {
    /// Finds both from `CORVID_HOME`, else from the XDG folders, else from `HOME`.
    ///
    /// # Errors
    /// If none of them is set, or the one that is cannot be a folder.
    pub(crate) fn find(environment: &Environment) -> anyhow::Result<Self> {
        let user = environment.folder("HOME");
        if let Some(home) = environment.path("CORVID_HOME") {
            if home.starts_with("~") {
                bail!(
                    "CORVID_HOME is `{}`, and only a shell puts your home in the place of `~`; write the whole path",
                    home.display()
                );
            }
            let home = std::path::absolute(&home)
                .with_context(|| format!("CORVID_HOME `{}` is no path", home.display()))?;
            check("CORVID_HOME", &home)?;
            return Ok(Self {
                config_file: home.join("config.toml"),
                state: home.join("state"),
                user,
            });
        }
        let below = |variable: &str, fallback: &str| {
            environment
                .folder(variable)
                .or_else(|| user.as_ref().map(|user| user.join(fallback)))
        };
        let config = below("XDG_CONFIG_HOME", ".config");
        let data = below("XDG_DATA_HOME", ".local/share");
        match (config, data) {
            (Some(config), Some(data)) => {
                check("the folder of config (XDG_CONFIG_HOME or HOME)", &config)?;
                check("the folder of state (XDG_DATA_HOME or HOME)", &data)?;
                Ok(Self {
                    config_file: config.join("corvid").join("config.toml"),
                    state: data.join("corvid"),
                    user,
                })
            }
            _ => bail!(
                "HOME is not set to an absolute path, so there is no place for config and state; \
                 set CORVID_HOME to a folder, e.g. `CORVID_HOME=/var/lib/corvid agent …`"
            ),
        }
    }

    /// The folder that the config file lies in.
    pub(crate) fn config_folder(&self) -> &Path {
        self.config_file.parent().unwrap_or(Path::new("/"))
    }

    /// An absolute path from one that may begin with `~/`.
    ///
    /// # Errors
    /// If it is relative, or `~` is not known; one sentence that says which paths are allowed.
    pub(crate) fn expand(&self, path: &str) -> Result<PathBuf, String> {
        if let Some(rest) = path.strip_prefix("~/") {
            return match &self.user {
                Some(user) => Ok(user.join(rest)),
                None => {
                    Err("`~` stands for HOME, which is not set; write the whole path".to_owned())
                }
            };
        }
        let path = Path::new(path);
        if path.is_absolute() {
            Ok(path.to_path_buf())
        } else {
            Err("a path must begin with `/` or `~/`".to_owned())
        }
    }
}

/// Whether this is a folder or can become one.
fn check(what: &str, folder: &Path) -> anyhow::Result<()> {
    let shown = folder.display();
    if folder.to_str().is_none() {
        bail!(
            "{what} is `{shown}`, whose name is no UTF-8; set CORVID_HOME to a folder that can be named in text"
        );
    }
    let why = match folder.metadata() {
        Ok(there) if there.is_dir() => return Ok(()),
        Ok(_) => "which is no folder".to_owned(),
        Err(error) => match error.kind() {
            // It can be made, or whoever needs what is in it will say why not.
            ErrorKind::NotFound | ErrorKind::PermissionDenied => return Ok(()),
            _ => format!("which cannot be a folder ({error})"),
        },
    };
    bail!(
        "{what} is `{}`, {why}; set CORVID_HOME to a folder",
        brief(folder)
    );
}

/// A path of any length for a sentence.
fn brief(path: &Path) -> String {
    let text = path.display().to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corvid_home_holds_everything() -> anyhow::Result<()> {
        let environment = Environment::from([("CORVID_HOME", "/srv/c"), ("HOME", "/home/u")]);
        let home = Home::find(&environment)?;
        assert_eq!(home.config_file, Path::new("/srv/c/config.toml"));
        assert_eq!(home.state, Path::new("/srv/c/state"));
        assert_eq!(home.expand("~/x"), Ok(PathBuf::from("/home/u/x")));
        Ok(())
    }

    #[test]
    fn xdg_folders_are_respected_if_absolute() -> anyhow::Result<()> {
        let environment = Environment::from([
            ("HOME", "/home/u"),
            ("XDG_CONFIG_HOME", "/cfg"),
            ("XDG_DATA_HOME", "relative"),
        ]);
        let home = Home::find(&environment)?;
        assert_eq!(home.config_file, Path::new("/cfg/corvid/config.toml"));
        assert_eq!(home.state, Path::new("/home/u/.local/share/corvid"));
        Ok(())
    }

    #[test]
    fn a_tilde_that_no_shell_replaced_makes_no_folder() {
        let environment = Environment::from([("CORVID_HOME", "~/x"), ("HOME", "/home/u")]);
        let error = Home::find(&environment).map_err(|error| error.to_string());
        assert!(error.is_err_and(|text| text.contains("write the whole path")));
    }

    #[test]
    fn what_cannot_be_a_folder_is_named_with_the_fix() {
        let long = format!("/tmp/{}", "x".repeat(300));
        for home in ["/dev/null", "/dev/null/below", &long] {
            let environment = Environment::from([("CORVID_HOME", home)]);
            let error = Home::find(&environment).map_err(|error| error.to_string());
            assert!(
                error.is_err_and(|text| text.starts_with("CORVID_HOME is `")
                    && text.ends_with("; set CORVID_HOME to a folder")
                    && text.len() < 300),
                "{home}"
            );
        }
    }

    #[test]
    fn no_home_is_an_error_with_a_way_out() {
        let error = Home::find(&Environment::default()).map_err(|error| error.to_string());
        assert!(error.is_err_and(|text| text.contains("set CORVID_HOME")));
    }
}
