//! What a call acts on, as rules see it: its command or path, and what it would get beyond the sandbox.
//! Invariant: whatever a call would get is one of its resources, so that nothing passes undecided.
//! It must not know any rule.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

use corvid_core::PolicyRequest;

use super::command::Reading;
use super::place::Host;
use super::sketch::Sketch;

/// What rules call the lack of a sandbox.
pub(super) const UNCONFINED: &str = "unconfined";
/// What resources that are hosts begin with.
pub(super) const HOST: &str = "host:";
/// What resources that are places to write begin with.
pub(super) const WRITE: &str = "write:";

/// The tool whose resource is a command line.
const COMMANDS: &str = "system.run";
/// What the names of tools begin with whose resource is a path.
const PATHS: &str = "file.";
/// The tool that sends a file, whose resource is a path too, and the one that reads it.
pub(super) const SENDING: &str = "send_file";
pub(super) const READING: &str = "file.read";

/// What a rule or a resource is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What the call itself acts on.
    Own,
    /// A host that it would reach.
    Host,
    /// A place outside the working folder that it would write.
    Write,
    /// That nothing confines it.
    Unconfined,
}

/// One thing that a call acts on.
pub(super) enum Resource<'a> {
    /// A command line.
    Command(Box<Reading<'a>>),
    /// A path: as it was asked for, relative to the working folder without detours, and absolute.
    Path {
        asked: &'a str,
        /// None if it leads out of the working folder.
        relative: Option<String>,
        absolute: String,
    },
    /// Anything else.
    Text(&'a str),
    /// A host, `name` or `name:port`, maybe with wildcards.
    Host(Host<'a>),
    /// A place to write.
    Write(&'a str),
    /// That nothing confines it.
    Unconfined,
}

impl<'a> Resource<'a> {
    /// Everything that the call acts on, its own resource first, by each of its names.
    pub(super) fn of(request: &PolicyRequest<'a>) -> Vec<Self> {
        let mut resources = vec![Self::own(request, request.resource)];
        let others = request.also.iter();
        resources.extend(others.map(|name| Self::own(request, name)));
        let names = resources.len();
        let Some(wider) = request.wider else {
            return resources;
        };
        resources.extend(wider.hosts.iter().map(|host| Self::Host(Host::new(host))));
        resources.extend(wider.writes.iter().map(|path| Self::Write(path)));
        // Leaving the sandbox without naming what for is leaving all of it.
        if !wider.lacking.is_empty() || resources.len() == names {
            resources.push(Self::Unconfined);
        }
        resources
    }

    fn own(request: &PolicyRequest<'a>, name: &'a str) -> Self {
        if request.tool == COMMANDS {
            return Self::Command(Box::new(Reading::new(name)));
        }
        if !request.tool.starts_with(PATHS) && request.tool != SENDING {
            return Self::Text(name);
        }
        let absolute = without_detours(&request.working_dir.join(name));
        let folder = without_detours(request.working_dir);
        let relative = absolute.strip_prefix(&folder).ok();
        Self::Path {
            asked: name,
            relative: relative.map(|path| path.to_string_lossy().into_owned()),
            absolute: absolute.to_string_lossy().into_owned(),
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Command(_) | Self::Path { .. } | Self::Text(_) => Kind::Own,
            Self::Host(_) => Kind::Host,
            Self::Write(_) => Kind::Write,
            Self::Unconfined => Kind::Unconfined,
        }
    }

    /// The texts that patterns are compared with, so that most rules are ruled out at a glance. None for what only
    /// few rules are about.
    pub(super) fn sketch(&self) -> Option<Cow<'_, Sketch>> {
        let mut sketch = Sketch::default();
        match self {
            Self::Command(reading) => return Some(Cow::Borrowed(reading.sketch())),
            Self::Path {
                asked,
                relative,
                absolute,
            } => {
                sketch.text(asked);
                sketch.folder(absolute);
                if let Some(relative) = relative {
                    sketch.folder(relative);
                }
            }
            Self::Text(text) => sketch.text(text),
            Self::Write(path) => sketch.folder(path),
            Self::Host(_) | Self::Unconfined => return None,
        }
        Some(Cow::Owned(sketch))
    }

    /// The resource as a rule would name it.
    pub(super) fn name(&self) -> Cow<'a, str> {
        match self {
            Self::Command(reading) => reading.line().into(),
            Self::Path { asked: text, .. } | Self::Text(text) => (*text).into(),
            Self::Host(host) => format!("{HOST}{}", host.as_str()).into(),
            Self::Write(path) => format!("{WRITE}{path}").into(),
            Self::Unconfined => UNCONFINED.into(),
        }
    }
}

/// The path without `.` and `..`, as far as that can be told without looking.
pub(crate) fn without_detours(path: &Path) -> PathBuf {
    let mut straight = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                straight.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => straight.push(part),
        }
    }
    straight
}
