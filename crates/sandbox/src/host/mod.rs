//! The host sandbox: commands run on this machine, confined by the system.
//! Invariant: a command that cannot be held to what is usually enforced runs only if exactly that was allowed.
//! It must not know what a command is for; the system's own module alone knows how it is confined.

mod admit;
mod config;
mod describe;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
mod environment;
mod folder;
mod follow;
mod helper;
mod launch;
#[cfg(target_os = "linux")]
mod linux;
mod outlook;
mod plan;
mod portable;
mod record;
#[cfg(target_os = "linux")]
mod relay;
mod spare;
mod supervise;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use corvid_core::redact::Redactor;
use corvid_core::{
    CommandEnd, CommandRecord, CommandSpec, Description, Progress, Sandbox, SandboxError,
    SandboxReport,
};
use tokio_util::sync::CancellationToken;

pub use config::{HostConfig, Isolation, Limits};
pub use record::boot_id;
pub use supervise::enter;

#[cfg(not(target_os = "linux"))]
use elsewhere as system;
#[cfg(target_os = "linux")]
use linux as system;

use folder::Borders;
use outlook::Namespaces;
use record::Record;

/// How long reconciliation waits for an earlier command to be gone; its supervisor needs at most 2 s.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);

/// How often it looks.
const LOCK_INTERVAL: Duration = Duration::from_millis(10);

/// Runs commands on this machine, each below a supervisor of its own.
pub struct HostSandbox {
    limits: Limits,
    isolation: Isolation,
    shell: PathBuf,
    /// What commands inherit; nothing else of the environment is kept.
    environment: Vec<(String, String)>,
    borders: Borders,
    private_hosts: Vec<String>,
    redactor: Arc<Redactor>,
    /// Why nothing is enforced, one sentence each; empty where it is.
    unenforced: Vec<String>,
    namespaces: Arc<Namespaces>,
    report: SandboxReport,
    launcher: launch::Launcher,
}

impl HostSandbox {
    /// Looks at what the system can enforce.
    pub fn new(config: HostConfig) -> Self {
        let borders = Borders::new(&config.private, &config.readable);
        let unenforced = system::missing(config.isolation);
        let isolation = match config.isolation {
            enough if unenforced.is_empty() || !enough.confines() => enough,
            _ => system::UNCONFINED,
        };
        let left_out = borders.left_out.iter().map(|path| {
            format!(
                "the readable folder `{}` is left out because it contains something private or the kernel's own files",
                path.display()
            )
        });
        let report = SandboxReport {
            enforced: unenforced.is_empty(),
            missing: unenforced.iter().cloned().chain(left_out).collect(),
        };
        Self {
            limits: config.limits,
            isolation,
            shell: supervise::shell::find(),
            environment: environment::inherited(config.environment, &config.variables),
            borders,
            private_hosts: config.private_hosts,
            redactor: config.redactor,
            unenforced,
            namespaces: Arc::new(Namespaces::new(config.helper.clone(), isolation)),
            report,
            launcher: launch::Launcher::new(config.helper, config.resolver, config.spare_for),
        }
    }

    /// The readable folders of the config that are not granted, since something private or the kernel's own
    /// files lie in them.
    pub fn left_out(&self) -> &[PathBuf] {
        &self.borders.left_out
    }

    /// Whether commands get namespaces of their own, by trying; for `agent doctor`.
    ///
    /// # Errors
    /// One sentence that says why not and what is lost ([`Isolation::WithoutNamespaces`]).
    pub async fn namespaces(&self) -> Result<(), String> {
        let namespaces = Arc::clone(&self.namespaces);
        let probed = tokio::task::spawn_blocking(move || namespaces.probe());
        let probed = probed.await.unwrap_or_else(|error| Err(error.to_string()));
        probed.map_err(|why| {
            // What trying told is known from now on.
            self.namespaces.lose();
            format!("{why}; so {}", describe::WITHOUT_NAMESPACES)
        })
    }
}

impl fmt::Debug for HostSandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostSandbox")
            .field("isolation", &self.isolation)
            .field("environment", &self.environment)
            .field("borders", &self.borders)
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Sandbox for HostSandbox {
    fn report(&self) -> &SandboxReport {
        &self.report
    }

    fn rules(&self, working_dir: &Path) -> Vec<String> {
        match self.borders.admit(working_dir) {
            Ok(place) => self.rules_of(&place),
            Err(why) => vec![format!("No command runs here: {why}.")],
        }
    }

    fn lacking(&self, working_dir: &Path) -> Vec<String> {
        match self.borders.admit(working_dir) {
            Ok(place) => self.lacking_in(&place),
            // Nothing runs there; that is told when it is tried.
            Err(_) => Vec::new(),
        }
    }

    fn describe(&self, command: &CommandSpec) -> Result<Description, SandboxError> {
        Ok(self.description(command, &self.admit(command)?))
    }

    fn expect(&self) {
        self.launcher.expect(self.isolation_now());
    }

    async fn run(
        &self,
        command: &CommandSpec,
        cancel: &CancellationToken,
        progress: Arc<dyn Progress>,
    ) -> Result<CommandEnd, SandboxError> {
        loop {
            let admitted = self.admit(command)?;
            admitted.is_allowed(command)?;
            let plan = &admitted.plan;
            // What an earlier attempt at it left must not be taken for word of this one.
            let own = Record::new(&plan.record_dir, &plan.key).forget();
            let others = record::forget_others(&plan.record_dir, &plan.key, &command.kept);
            if let Err(error) = own.and(others) {
                tracing::debug!(%error, "records of ended commands stay behind");
            }
            let run = self.launcher.run(&admitted, cancel, &progress);
            match run.await? {
                launch::Run::Ended(end) => return Ok(end),
                // The next look at the command sees that, and whether it was allowed all the same.
                launch::Run::WithoutNamespaces if self.namespaces.are_there() => {
                    self.namespaces.lose();
                }
                launch::Run::WithoutNamespaces => {
                    let lost = "the helper misses namespaces that it was not to use".to_owned();
                    return Err(SandboxError::Failed(lost));
                }
            }
        }
    }

    async fn reconcile(&self, command: &CommandSpec) -> CommandRecord {
        let record = Record::new(&command.record_dir, command.key.as_str());
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

    async fn forget(&self, command: &CommandSpec) {
        let record = Record::new(&command.record_dir, command.key.as_str());
        if let Err(error) = record.forget() {
            tracing::debug!(%error, "the record of a command stays behind");
        }
    }
}
