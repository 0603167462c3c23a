//! From a command to the plan of its run: what it gets, and whether all of that was allowed.
//! Invariant: what is refused here never runs; what a plan grants is resolved to real paths and checked hosts.
//! It must not know how a plan is carried out.

use std::path::PathBuf;

use corvid_core::{CommandSpec, SandboxError, Wider};

use super::config::Isolation;
use super::folder::Place;
use super::plan::{Confinement, Plan};
use super::record::Record;
use super::{HostSandbox, environment};
use crate::egress::Allowed;

/// The longest command line that the system takes as one argument, in bytes.
const MAX_COMMAND: usize = 128 * 1024 - 1;

/// A command that may run, if what it lacks was allowed.
pub(super) struct Admitted {
    /// How.
    pub(super) plan: Plan,
    /// The hosts that it may reach through the checking proxy; none where nothing is enforced anyway.
    pub(super) hosts: Option<Allowed>,
    /// What it cannot be held to here, one sentence each.
    pub(super) lacking: Vec<String>,
    /// What in its working folder is private and there.
    pub(super) private: Vec<PathBuf>,
}

impl Admitted {
    /// Whether whoever asks has had allowed all that the command cannot be held to.
    pub(super) fn is_allowed(&self, command: &CommandSpec) -> Result<(), SandboxError> {
        let allowed = command
            .wider
            .as_ref()
            .map_or(&[][..], |wider| wider.lacking.as_slice());
        let open = self.lacking.iter().find(|lacks| !allowed.contains(lacks));
        open.map_or(Ok(()), |lacks| {
            Err(SandboxError::Refused(format!(
                "the command did not run, since nobody was asked about this: {lacks}. Call it again, and a person \
                 is asked"
            )))
        })
    }
}

impl HostSandbox {
    /// Plans a command's run.
    pub(super) fn admit(&self, command: &CommandSpec) -> Result<Admitted, SandboxError> {
        self.planned(command).map_err(SandboxError::Refused)
    }

    fn planned(&self, command: &CommandSpec) -> Result<Admitted, String> {
        let place = self.borders.admit(&command.working_dir)?;
        if command.command.len() > MAX_COMMAND || command.command.contains('\0') {
            return Err(format!(
                "the command is not one the shell can take (at most {MAX_COMMAND} bytes, no null byte); \
                 write it to a file and run that"
            ));
        }
        let lacking = self.lacking_in(&place);
        let nothing = Wider::default();
        let wider = command.wider.as_ref().unwrap_or(&nothing);
        let hosts = self.hosts(wider)?;
        let isolation = self.isolation_now();
        let record = Record::new(&command.record_dir, command.key.as_str());
        let writable = self.writable(wider, &place)?;
        let private: Vec<_> = place
            .private
            .into_iter()
            .filter(|path| path.exists())
            .collect();
        let hidden = match isolation {
            Isolation::Full => private.clone(),
            _ => Vec::new(),
        };
        let mut environment = environment::for_command(&self.environment, record.temp());
        // Elsewhere the port is known only when the proxy is there.
        if let Some(hosts) = &hosts
            && isolation == Isolation::Full
        {
            let told = environment::proxied(environment::PROXY_PORT, &hosts.hosts());
            environment.extend(told);
        }
        let offered = self.borders.offered();
        let confinement = Confinement {
            shell: self.shell.clone(),
            command: command.command.clone(),
            working_dir: place.real,
            temp: record.temp().to_owned(),
            writable,
            hidden,
            executable: offered.executable.clone(),
            readable: offered.readable.clone(),
            environment,
            limits: self.limits,
            isolation,
            proxy: hosts.as_ref().map(|_| environment::PROXY_PORT),
        };
        let plan = Plan {
            record_dir: command.record_dir.clone(),
            key: command.key.as_str().to_owned(),
            output: command.output.clone(),
            timeout_ms: u64::try_from(command.timeout.as_millis()).unwrap_or(u64::MAX),
            secrets: self.secrets(),
            confinement,
        };
        Ok(Admitted {
            plan,
            hosts,
            lacking,
            private,
        })
    }

    /// What of the system's isolation there is now.
    pub(super) fn isolation_now(&self) -> Isolation {
        match self.isolation {
            Isolation::Full if !self.namespaces.are_there() => Isolation::WithoutNamespaces,
            isolation => isolation,
        }
    }

    fn hosts(&self, wider: &Wider) -> Result<Option<Allowed>, String> {
        if wider.hosts.is_empty() {
            return Ok(None);
        }
        let allowed = Allowed::parse(&wider.hosts, &self.private_hosts)?;
        // Where nothing is enforced the command needs no proxy and is not kept from going another way.
        Ok(self.isolation.confines().then_some(allowed))
    }

    /// The real paths of what is granted for writing beyond the working folder.
    fn writable(&self, wider: &Wider, place: &Place) -> Result<Vec<PathBuf>, String> {
        let mut writable = Vec::new();
        for path in &wider.writes {
            let real = self.borders.admit_write(path)?;
            if !real.starts_with(&place.real) {
                writable.push(real);
            }
        }
        writable.sort();
        writable.dedup();
        Ok(writable)
    }

    fn secrets(&self) -> Vec<(String, String)> {
        let values = self.redactor.values().into_iter();
        values
            .map(|(name, value)| (name, value.expose().to_owned()))
            .collect()
    }
}
