//! Which files a command reaches, as Landlock rules.
//! Invariant: what is not granted here is denied, whatever links, mounts or open folders lead there.
//! It must not know why something is granted.

use std::os::fd::OwnedFd;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath,
    PathFd, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus,
    Scope,
};
use rustix::fs::{Mode, OFlags, ResolveFlags};

/// The oldest Landlock that can protect files' contents from truncation.
const REQUIRED: ABI = ABI::V3;

/// The newest that is known here; what it adds is used where the kernel has it.
const NEWEST: ABI = ABI::V9;

/// Devices that hold nothing and lead nowhere.
const DEVICES: &[&str] = &[
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
];

/// Facts about the machine, where `/proc` also shows other processes and so is not granted whole.
const PROC_FACTS: &[&str] = &[
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/loadavg",
    "/proc/uptime",
    "/proc/version",
    "/proc/filesystems",
    "/proc/sys/kernel",
    "/proc/sys/vm/overcommit_memory",
];

/// Whether the kernel has what is required.
pub(super) fn supported() -> bool {
    required().and_then(Ruleset::create).is_ok()
}

/// Whether the kernel can keep signals and abstract sockets within.
pub(super) fn scopes_supported() -> bool {
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .scope(Scope::from_all(ABI::V6))
        .and_then(Ruleset::create)
        .is_ok()
}

/// Rules in the making.
pub(super) struct Rules {
    ruleset: RulesetCreated,
}

impl Rules {
    /// Denies everything, and with `scoped` signals and abstract sockets to the outside too. With a `port`,
    /// connections over TCP to any other are denied where the kernel can.
    pub(super) fn deny_all(scoped: bool, port: Option<u16>) -> Result<Self, RulesetError> {
        let mut ruleset = required()?
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(NEWEST))?;
        if scoped {
            ruleset = ruleset
                .set_compatibility(CompatLevel::HardRequirement)
                .scope(Scope::from_all(ABI::V6))?;
        }
        if port.is_some() {
            ruleset = ruleset
                .set_compatibility(CompatLevel::BestEffort)
                .handle_access(AccessNet::ConnectTcp)?;
        }
        let mut ruleset = ruleset.create()?.set_compatibility(CompatLevel::BestEffort);
        if let Some(port) = port {
            ruleset = ruleset.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
        }
        Ok(Self { ruleset })
    }

    /// Grants reading, if the path is there.
    pub(super) fn read(self, path: impl AsRef<Path>) -> Result<Self, RulesetError> {
        self.path(path.as_ref(), AccessFs::ReadFile | AccessFs::ReadDir)
    }

    /// Grants reading and executing, if the path is there.
    pub(super) fn execute(self, path: impl AsRef<Path>) -> Result<Self, RulesetError> {
        self.path(path.as_ref(), AccessFs::from_read(NEWEST))
    }

    /// Grants everything a program does with an opened file, or with files below an opened folder, but no
    /// devices and no sockets.
    pub(super) fn own(self, opened: OwnedFd) -> Result<Self, RulesetError> {
        let not_granted = AccessFs::MakeChar
            | AccessFs::MakeBlock
            | AccessFs::MakeSock
            | AccessFs::IoctlDev
            | AccessFs::ResolveUnix;
        let access = AccessFs::from_all(NEWEST) & !not_granted;
        Ok(Self {
            ruleset: self.ruleset.add_rule(PathBeneath::new(opened, access))?,
        })
    }

    /// Grants the harmless devices.
    pub(super) fn devices(self) -> Result<Self, RulesetError> {
        let access = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate;
        DEVICES
            .iter()
            .try_fold(self, |rules, path| rules.path(Path::new(path), access))
    }

    /// Grants `/proc`: whole where it shows the command's own processes only, else a few facts.
    pub(super) fn processes(self, own: bool) -> Result<Self, RulesetError> {
        if own {
            return self.read("/proc");
        }
        PROC_FACTS.iter().try_fold(self, Self::read)
    }

    /// Puts the rules in force for this thread and whatever it starts, for good.
    pub(super) fn enforce(self) -> Result<(), String> {
        let status = self
            .ruleset
            .restrict_self()
            .map_err(|error| error.to_string())?;
        // Newer rights may be missing; what is required was demanded when the rules were made.
        if status.ruleset == RulesetStatus::NotEnforced {
            return Err("the kernel did not put the rules in force".to_owned());
        }
        Ok(())
    }

    fn path(self, path: &Path, access: BitFlags<AccessFs>) -> Result<Self, RulesetError> {
        // What is not there, or not for this user, needs no grant.
        let Ok(handle) = PathFd::new(path) else {
            return Ok(self);
        };
        // Of a file only what applies to files is granted: the crate looks at the handle.
        Ok(Self {
            ruleset: self.ruleset.add_rule(PathBeneath::new(handle, access))?,
        })
    }
}

/// Opens a folder that is about to be granted by its real path; a link that took the place of
/// something on the way is not followed.
pub(super) fn folder(real: &Path) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat2(
        rustix::fs::CWD,
        real,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::NO_SYMLINKS,
    )
}

/// Opens a file or a folder like that.
pub(super) fn exactly(real: &Path) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat2(
        rustix::fs::CWD,
        real,
        OFlags::PATH | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::NO_SYMLINKS,
    )
}

/// Whether the kernel can hold connections over TCP to a port.
pub(in crate::host) fn ports_supported() -> bool {
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessNet::ConnectTcp)
        .and_then(Ruleset::create)
        .is_ok()
}

fn required() -> Result<Ruleset, RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(REQUIRED))
}
