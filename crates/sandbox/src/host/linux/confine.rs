//! Giving up, for the calling thread and whatever it starts, everything that a command must not have.
//! Invariant: in force in full or an error; nothing of it can be taken back.
//! It must not know what is started then.

use std::io;
use std::path::Path;

use rustix::process::{Resource, Rlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::filter::{self, Apart};
use super::mounts::Mounted;
use super::rules::{self, Rules};
use crate::host::config::{Isolation, Limits};
use crate::host::plan::Confinement;

/// The highest number that a capability may have.
const CAPABILITIES: u32 = 64;

/// Confines the calling thread and moves the process into the working folder.
pub(super) fn confine(plan: &Confinement, mounted: Mounted) -> Result<(), String> {
    let own = plan.isolation == Isolation::Full;
    let scoped = plan.isolation != Isolation::WithoutScopes && rules::scopes_supported();
    let rules = grants(plan, mounted, scoped)?;
    limit(&plan.limits, own).map_err(|error| format!("limits cannot be set: {error}"))?;
    drop_bounding_set()
        .and_then(|()| Ok(rustix::thread::set_no_new_privs(true)?))
        .map_err(|error| format!("privileges cannot be given up: {error}"))?;
    rules
        .enforce()
        .map_err(|error| format!("Landlock does not hold: {error}"))?;
    drop_capabilities().map_err(|error| format!("capabilities cannot be dropped: {error}"))?;
    let apart = Apart {
        namespaces: own,
        signals: scoped,
        proxied: plan.proxy.is_some(),
    };
    filter::enforce(apart).map_err(|error| format!("system calls cannot be filtered: {error}"))
}

fn grants(plan: &Confinement, mounted: Mounted, scoped: bool) -> Result<Rules, String> {
    let cannot = |path: &Path, what: &str, error: rustix::io::Errno| {
        format!("`{}` cannot be {what}: {error}", path.display())
    };
    let open = |path: &Path| rules::folder(path).map_err(|error| cannot(path, "entered", error));
    let working_dir = open(&plan.working_dir)?;
    let temp = open(&plan.temp)?;
    rustix::process::fchdir(&working_dir)
        .map_err(|error| cannot(&plan.working_dir, "entered", error))?;
    let writable: Vec<_> = plan
        .writable
        .iter()
        .map(|path| rules::exactly(path).map_err(|error| cannot(path, "opened", error)))
        .collect::<Result<_, _>>()?;
    // In a network of its own there is nowhere else to connect to.
    let port = plan.proxy.filter(|_| plan.isolation != Isolation::Full);
    let made = || {
        let mut rules = Rules::deny_all(scoped, port)?
            .own(working_dir)?
            .own(temp)?
            .devices()?
            .processes(mounted.processes)?;
        if mounted.shared_memory
            && let Ok(shared) = rules::folder(Path::new("/dev/shm"))
        {
            rules = rules.own(shared)?;
        }
        rules = writable.into_iter().try_fold(rules, Rules::own)?;
        let rules = plan.executable.iter().try_fold(rules, Rules::execute)?;
        plan.readable.iter().try_fold(rules, Rules::read)
    };
    made()
        .map_err(|error: landlock::RulesetError| format!("Landlock rules cannot be made: {error}"))
}

fn limit(limits: &Limits, own_namespaces: bool) -> io::Result<()> {
    let mut wanted = vec![
        (Resource::Core, 0),
        (Resource::Data, limits.memory_bytes),
        (Resource::Fsize, limits.file_bytes),
        (Resource::Nofile, limits.open_files),
    ];
    if own_namespaces {
        // Elsewhere the count includes whatever else the user runs.
        wanted.push((Resource::Nproc, limits.processes));
    }
    for (resource, most) in wanted {
        let hard = rustix::process::getrlimit(resource).maximum;
        let most = Some(hard.map_or(most, |hard| hard.min(most)));
        rustix::process::setrlimit(
            resource,
            Rlimit {
                current: most,
                maximum: most,
            },
        )?;
    }
    Ok(())
}

/// Takes every capability out of the set that a program run by root would get.
fn drop_bounding_set() -> io::Result<()> {
    if rustix::thread::capabilities(None)?.permitted.is_empty() {
        // Nobody to take from, and no right to do it.
        return Ok(());
    }
    for number in 0..CAPABILITIES {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            Ok(()) => {}
            // Beyond the last one that this kernel knows.
            Err(rustix::io::Errno::INVAL) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Drops what the thread has now.
pub(super) fn drop_capabilities() -> io::Result<()> {
    rustix::thread::clear_ambient_capability_set()?;
    rustix::thread::set_capabilities(
        None,
        CapabilitySets {
            effective: CapabilitySet::empty(),
            permitted: CapabilitySet::empty(),
            inheritable: CapabilitySet::empty(),
        },
    )?;
    Ok(())
}
