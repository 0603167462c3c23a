//! The host sandbox: commands run on this machine, confined by the system.
//! Invariant: where the system cannot enforce what is required, nothing runs.
//! It must not know what a command is for; the system's own module alone knows how it is confined.

mod config;
mod environment;
mod folder;
mod launch;
#[cfg(target_os = "linux")]
mod linux;
mod plan;
mod record;
#[cfg(not(target_os = "linux"))]
mod unsupported;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use corvid_core::{
    CommandEnd, CommandRecord, CommandSpec, Description, Progress, Sandbox, SandboxError,
    SandboxReport,
};
use tokio_util::sync::CancellationToken;

pub use config::{HostConfig, Isolation, Limits};
pub use record::boot_id;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use unsupported as system;

pub use system::enter;

use crate::grants;
use folder::Borders;
use record::Record;

/// How long reconciliation waits for an earlier command to be gone; its supervisor needs at most 2 s.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);

/// How often it looks.
const LOCK_INTERVAL: Duration = Duration::from_millis(10);

/// The longest command line that the system takes as one argument, in bytes.
const MAX_COMMAND: usize = 128 * 1024 - 1;

/// Runs commands on this machine, each below a supervisor of its own.
#[derive(Debug)]
pub struct HostSandbox {
    limits: Limits,
    isolation: Isolation,
    /// What commands inherit; nothing else of the environment is kept.
    environment: Vec<(String, String)>,
    borders: Borders,
    /// What commands may read and execute beside their own folders.
    executable: Vec<PathBuf>,
    /// What they may read.
    readable: Vec<PathBuf>,
    report: SandboxReport,
    launcher: launch::Launcher,
}

impl HostSandbox {
    /// The readable folders of the config that are not granted, since something private or the kernel's own
    /// files lie in them.
    pub fn left_out(&self) -> &[PathBuf] {
        &self.borders.left_out
    }

    /// Looks at what the system can enforce.
    pub fn new(config: HostConfig) -> Self {
        let borders = Borders::new(&config.private, &config.readable);
        let missing = system::missing();
        let report = SandboxReport {
            enforced: missing.is_empty(),
            missing: missing
                .into_iter()
                .chain(borders.left_out.iter().map(|path| {
                    format!(
                        "the readable folder `{}` is left out because it contains something private or the kernel's own files",
                        path.display()
                    )
                }))
                .collect(),
        };
        let launcher = launch::Launcher::new(&config);
        let mut executable = grants::executable();
        executable.retain(|path| borders.grantable(path));
        executable.extend(borders.readable.iter().cloned());
        let mut readable = grants::readable();
        readable.retain(|path| borders.grantable(path));
        Self {
            limits: config.limits,
            isolation: config.isolation,
            environment: environment::inherited(config.environment, &config.variables),
            borders,
            executable,
            readable,
            report,
            launcher,
        }
    }

    /// Whether commands get namespaces of their own, by trying; for `agent doctor`.
    ///
    /// # Errors
    /// One sentence that says why not, and one that says what is lost ([`Isolation::WithoutNamespaces`]).
    pub async fn namespaces(&self) -> Result<(), String> {
        self.launcher.probe().await.map_err(|why| {
            format!(
                "{why}; so commands have no loopback, and they can change the permissions and times, though not \
                 the contents, of your files outside the working folder"
            )
        })
    }

    /// The real path of a folder in which commands run, or why none does.
    fn place(&self, working_dir: &Path) -> Result<PathBuf, String> {
        if !self.report.enforced {
            return Err(format!(
                "commands cannot be confined on this machine, so none is run: {}",
                self.report.missing.join("; ")
            ));
        }
        self.borders.admit(working_dir)
    }

    fn admit(&self, command: &CommandSpec) -> Result<plan::Plan, SandboxError> {
        let working_dir = self
            .place(&command.working_dir)
            .map_err(SandboxError::Refused)?;
        if command.command.len() > MAX_COMMAND || command.command.contains('\0') {
            return Err(SandboxError::Refused(format!(
                "the command is not one the shell can take (at most {MAX_COMMAND} bytes, no null byte); \
                 write it to a file and run that"
            )));
        }
        if let Some(wider) = &command.wider
            && !(wider.hosts.is_empty() && wider.writes.is_empty())
        {
            return Err(SandboxError::Refused(
                "nothing beyond the sandbox can be granted yet".to_owned(),
            ));
        }
        let record = record_of(command);
        Ok(plan::Plan {
            record_dir: command.record_dir.clone(),
            key: command.key.as_str().to_owned(),
            output: command.output.clone(),
            timeout_ms: u64::try_from(command.timeout.as_millis()).unwrap_or(u64::MAX),
            confinement: plan::Confinement {
                command: command.command.clone(),
                working_dir,
                temp: record.temp().to_owned(),
                executable: self.executable.clone(),
                readable: self.readable.clone(),
                environment: environment::for_command(&self.environment, record.temp()),
                limits: self.limits,
                isolation: self.isolation,
            },
        })
    }
}

#[async_trait]
impl Sandbox for HostSandbox {
    fn report(&self) -> &SandboxReport {
        &self.report
    }

    fn rules(&self, working_dir: &Path) -> Vec<String> {
        match self.place(working_dir) {
            Ok(_) => rules(&self.borders),
            Err(why) => vec![format!("No command runs here: {why}.")],
        }
    }

    fn lacking(&self, _working_dir: &Path) -> Vec<String> {
        if self.report.enforced {
            return Vec::new();
        }
        self.report.missing.clone()
    }

    fn describe(&self, command: &CommandSpec) -> Result<Description, SandboxError> {
        let plan = self.admit(command)?;
        Ok(Description {
            binding: serde_json::to_value(&plan.confinement)
                .map_err(|error| SandboxError::Failed(error.to_string()))?,
            facts: Vec::new(),
        })
    }

    async fn run(
        &self,
        command: &CommandSpec,
        cancel: &CancellationToken,
        progress: Arc<dyn Progress>,
    ) -> Result<CommandEnd, SandboxError> {
        let plan = self.admit(command)?;
        if let Err(error) = record::forget_others(&plan.record_dir, &plan.key, &command.kept) {
            tracing::debug!(%error, "records of ended commands stay behind");
        }
        self.launcher.run(plan, cancel, &*progress).await
    }

    async fn reconcile(&self, command: &CommandSpec) -> CommandRecord {
        let record = record_of(command);
        let begun = Instant::now();
        loop {
            match record.try_hold() {
                Ok(Some(mut held)) => return record.tell(&mut held),
                // The parent that could have begun it is dead, and its supervisor, should it come this
                // far only now, sees that before it begins anything.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return CommandRecord::NotStarted;
                }
                Err(error) => {
                    return CommandRecord::Unknown(format!(
                        "the record of the command cannot be read: {error}"
                    ));
                }
                Ok(None) if begun.elapsed() > LOCK_PATIENCE => {
                    return CommandRecord::Unknown(
                        "the command is still being ended; its processes do not react".to_owned(),
                    );
                }
                Ok(None) => tokio::time::sleep(LOCK_INTERVAL).await,
            }
        }
    }
}

fn record_of(command: &CommandSpec) -> Record {
    Record::new(&command.record_dir, command.key.as_str())
}

fn rules(borders: &Borders) -> Vec<String> {
    let more = borders.readable.iter().fold(String::new(), |more, path| {
        more + ", `" + &path.display().to_string() + "`"
    });
    vec![
        format!(
            "Commands read the working folder, system folders{more}; they write the working folder \
             and $TMPDIR, which is emptied after each command."
        ),
        "There is no network beyond a command's own loopback, and no access to Docker or other services."
            .to_owned(),
        "Standard input is empty; processes that a command leaves behind end with it.".to_owned(),
    ]
}
