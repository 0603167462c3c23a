//! What a person and the model are told of a command's confinement, and what an approval binds itself to.
//! Invariant: nothing is called enforced that is not; two runs that could differ have different bindings.
//! It must not know who reads it.

use std::fmt::Write as _;
use std::path::PathBuf;

use corvid_core::draw::sha256_hex;
use corvid_core::{CommandSpec, Description};
use serde_json::json;

use super::admit::Admitted;
use super::config::Isolation;
use super::folder::Place;
use super::{HostSandbox, environment, system};
use crate::egress::Allowed;

/// What is lost where a command has no namespaces.
pub(super) const WITHOUT_NAMESPACES: &str = "commands have no loopback, and they can change the permissions and times, \
     though not the contents, of your files outside the working folder";

/// What is said of a working folder that has something private in it, which is hidden.
const HIDDEN: &str = "the working folder contains private files (keys, logins or Corvid's own); those that are there \
     are hidden from commands, but these can make new ones, and read and change everything else, start-up files of \
     your shell among it";

/// What is said of one where that cannot be hidden.
const BARE: &str = "the working folder contains private files (keys, logins or Corvid's own), and commands can read \
     and change all of them";

/// What is given with every place to write.
const WITH_WRITES: &str = "it can read and run what is there, too";

/// Stands for the private temp folder, which is another one at each run.
const TEMP: &str = "$TMPDIR";

impl HostSandbox {
    /// Why a command there cannot be held to what is usually enforced, one sentence each.
    pub(super) fn lacking_in(&self, place: &Place) -> Vec<String> {
        if !self.unenforced.is_empty() {
            return self.unenforced.clone();
        }
        let isolation = self.isolation_now();
        let mut lacking = Vec::new();
        if isolation != Isolation::Full {
            lacking.push(format!(
                "this system gives commands no namespaces: {WITHOUT_NAMESPACES}"
            ));
        }
        if !place.private.is_empty() {
            let hidden = isolation == Isolation::Full;
            lacking.push(if hidden { HIDDEN } else { BARE }.to_owned());
        }
        lacking
    }

    /// What a command there can and cannot do, one sentence each, for the model.
    pub(super) fn rules_of(&self, place: &Place) -> Vec<String> {
        let mut rules = Vec::new();
        let lacking = self.lacking_in(place);
        if !lacking.is_empty() {
            rules.push(format!(
                "A person is asked before every command here: {}.",
                lacking.join("; ")
            ));
        }
        if self.isolation.confines() {
            let more = self
                .borders
                .readable
                .iter()
                .fold(String::new(), |more, path| {
                    more + ", `" + &path.display().to_string() + "`"
                });
            rules.push(format!(
                "Commands read the working folder, system folders{more}; they write the working folder \
                 and $TMPDIR, which is emptied after each command."
            ));
            let own = match self.isolation_now() {
                Isolation::Full => " beyond a command's own loopback",
                _ => "",
            };
            rules.push(format!(
                "There is no network{own}, and no access to Docker or other services."
            ));
        }
        rules.push(
            "Standard input is empty; processes that a command leaves behind end with it."
                .to_owned(),
        );
        rules
    }

    /// Exactly what would run, and what a person should know of it.
    pub(super) fn description(&self, command: &CommandSpec, admitted: &Admitted) -> Description {
        let plan = &admitted.plan.confinement;
        let environment = environment::for_command(&self.environment, TEMP.as_ref());
        let environment = json!(environment).to_string();
        let hosts = admitted.hosts.as_ref().map(Allowed::hosts);
        let binding = json!({
            "shell": plan.shell,
            "command": command.command,
            "working_dir": plan.working_dir,
            "environment": sha256_hex(environment.as_bytes()),
            "writes": plan.writable,
            "hosts": hosts.clone().unwrap_or_default(),
            "lacking": admitted.lacking,
            "isolation": plan.isolation,
        });
        let mut facts = Vec::new();
        let mut fact = |name: &str, value: String| facts.push((name.to_owned(), value));
        if self.isolation.confines() {
            for lacks in &admitted.lacking {
                fact("not enforced", lacks.clone());
            }
        } else {
            let why = admitted.lacking.join("; ");
            let then = "it could read, change and send away whatever you can";
            fact("no sandbox", format!("{why}; {then}"));
        }
        if !admitted.private.is_empty() && self.isolation.confines() {
            let hidden = !plan.hidden.is_empty();
            let name = if hidden { "hidden" } else { "private but open" };
            fact(name, listed(&admitted.private));
        }
        if let Some(hosts) = hosts {
            fact(
                "network",
                format!("{}; {}", hosts.join(", "), held(plan.isolation)),
            );
        }
        if !plan.writable.is_empty() {
            let writes = listed(&plan.writable);
            fact("writes", format!("{writes}; {WITH_WRITES}"));
        }
        Description { binding, facts }
    }
}

/// How far a command is held to the hosts that it is granted.
fn held(isolation: Isolation) -> &'static str {
    if isolation == Isolation::Full {
        return "through a checking proxy, the only way out";
    }
    if system::ports_held() {
        return "through a checking proxy, but this system has no namespaces: only the proxy's port is enforced, so it \
                could reach other machines that answer on it";
    }
    "through a checking proxy, but this system has no namespaces and no control over ports, so it could reach any \
     machine over TCP"
}

fn listed(paths: &[PathBuf]) -> String {
    let mut list = String::new();
    for path in paths {
        let folder = if path.is_dir() { " and all in it" } else { "" };
        let comma = if list.is_empty() { "" } else { ", " };
        match write!(list, "{comma}{}{folder}", path.display()) {
            // Text takes all that is written to it.
            Ok(()) | Err(_) => {}
        }
    }
    list
}
