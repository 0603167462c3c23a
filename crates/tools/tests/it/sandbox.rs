//! A sandbox that does what it is told.
//! Invariant: it refuses what a real one could not run.
//! It must not know what any test proves.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use corvid_core::{
    CommandEnd, CommandEnding, CommandRecord, CommandSpec, Description, Progress, Sandbox,
    SandboxError, SandboxReport,
};
use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What the fake sandbox does with one command.
pub(crate) struct Act {
    pub(crate) output: Vec<u8>,
    pub(crate) end: Result<CommandEnd, SandboxError>,
    pub(crate) lines: Vec<&'static str>,
    pub(crate) away: Vec<&'static str>,
    /// It does nothing before this is told, or it is cancelled.
    pub(crate) gate: Option<Arc<Notify>>,
}

impl Act {
    /// The command prints `output` and exits with `code`.
    pub(crate) fn exits(code: i32, output: impl Into<Vec<u8>>) -> Self {
        let output = output.into();
        let bytes = output.len() as u64;
        Self {
            output,
            end: Ok(CommandEnd {
                ending: CommandEnding::Exited { code },
                kept_bytes: bytes,
                total_bytes: bytes,
                duration_ms: 5,
            }),
            lines: Vec::new(),
            away: Vec::new(),
            gate: None,
        }
    }

    /// The command ends otherwise.
    pub(crate) fn ends(ending: CommandEnding, output: impl Into<Vec<u8>>) -> Self {
        let mut act = Self::exits(0, output);
        if let Ok(end) = &mut act.end {
            end.ending = ending;
        }
        act
    }
}

/// A sandbox that acts by a script and checks every command it is handed.
#[derive(Default)]
pub(crate) struct FakeSandbox {
    /// Why it cannot hold a command.
    pub(crate) lacking: Mutex<Vec<String>>,
    pub(crate) acts: Mutex<VecDeque<Act>>,
    pub(crate) commands: Mutex<Vec<CommandSpec>>,
    pub(crate) records: Mutex<VecDeque<CommandRecord>>,
    /// How often a command was said to come.
    pub(crate) expected: AtomicUsize,
}

impl FakeSandbox {
    pub(crate) fn script(&self, act: Act) {
        self.acts.lock().expect("lock").push_back(act);
    }

    fn accept(&self, command: &CommandSpec) {
        assert!(command.working_dir.is_absolute() && command.working_dir.is_dir());
        assert!(!command.command.contains('\0'), "no shell takes a NUL");
        assert!(!command.timeout.is_zero());
        let folder = command.output.parent().expect("a folder");
        assert!(folder.is_dir(), "the output's folder is there");
        self.commands.lock().expect("lock").push(command.clone());
    }
}

#[async_trait]
impl Sandbox for FakeSandbox {
    fn report(&self) -> &SandboxReport {
        static NOTHING: SandboxReport = SandboxReport {
            enforced: false,
            missing: Vec::new(),
        };
        static ALL: SandboxReport = SandboxReport {
            enforced: true,
            missing: Vec::new(),
        };
        let lacking = self.lacking.lock().expect("lock");
        if lacking.is_empty() { &ALL } else { &NOTHING }
    }

    fn rules(&self, working_dir: &Path) -> Vec<String> {
        vec![format!("commands run in {}", working_dir.display())]
    }

    fn lacking(&self, _working_dir: &Path) -> Vec<String> {
        self.lacking.lock().expect("lock").clone()
    }

    fn describe(&self, command: &CommandSpec) -> Result<Description, SandboxError> {
        let wider = command.wider.clone().unwrap_or_default();
        if wider.writes.iter().any(|path| path == "/etc") {
            return Err(SandboxError::Refused(
                "`/etc` is a system folder".to_owned(),
            ));
        }
        let mut facts = Vec::new();
        if !wider.hosts.is_empty() {
            facts.push(("network".to_owned(), wider.hosts.join(", ")));
        }
        Ok(Description {
            binding: json!([
                command.command,
                command.working_dir,
                wider.hosts,
                wider.writes
            ]),
            facts,
        })
    }

    fn expect(&self) {
        self.expected.fetch_add(1, Ordering::Relaxed);
    }

    async fn run(
        &self,
        command: &CommandSpec,
        cancel: &CancellationToken,
        progress: Arc<dyn Progress>,
    ) -> Result<CommandEnd, SandboxError> {
        self.accept(command);
        let act = self.acts.lock().expect("lock").pop_front();
        let mut act = act.expect("a command that was scripted");
        if let Some(gate) = act.gate.take() {
            tokio::select! {
                () = gate.notified() => {}
                () = cancel.cancelled() => {
                    if let Ok(end) = &mut act.end {
                        end.ending = CommandEnding::Stopped;
                    }
                }
            }
        }
        for line in act.lines {
            progress.show(line);
        }
        for why in act.away {
            progress.turned_away(why);
        }
        if act.end.is_ok() {
            fs::write(&command.output, act.output).expect("output");
        }
        act.end
    }

    async fn reconcile(&self, command: &CommandSpec) -> CommandRecord {
        let known = self.commands.lock().expect("lock");
        if let Some(last) = known.last() {
            // The same call must be asked about under the same names.
            assert_eq!(last.key, command.key);
            assert_eq!(last.record_dir, command.record_dir);
            assert_eq!(last.output, command.output);
        }
        let record = self.records.lock().expect("lock").pop_front();
        record.expect("a record that was scripted")
    }
}
