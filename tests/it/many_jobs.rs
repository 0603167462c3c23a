//! Two hundred commands in the background of one `run`: held to their limit, each told of once, and nothing left.
//! Invariant: how many are at work at once is read from what the commands themselves write down, never from the agent.
//! It must not know how jobs wait for their turn.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _, stderr};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::time::Instant;

use corvid_testkit::model_server::{Reply, Script, When};
use corvid_testkit::{LIMIT, Process, Scene};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::stage::scene;

/// The jobs of a test, begun in so many steps.
const JOBS: usize = 200;
const STEPS: usize = 8;

/// How many may be at work at once.
const PARALLEL: usize = 6;

/// Processes that one job at work may have: its supervisor, the confining stage, the shell and what it begins.
const PROCESSES: usize = 4;

/// How much memory the ends of all jobs may take beside what the beginnings took, in KiB.
const GROWTH_KIB: usize = 16 * 1024;

/// Says that it is there, waits to be let go, and notes both ends.
const COMMAND: &str =
    ": NUMBER; echo + >> log; echo x > starts; read line < go; echo - >> log; echo done NUMBER";

/// Jobs that have all been begun, and the pipes to them.
struct Crowd {
    scene: Scene,
    began: Instant,
    starts: Receiver<()>,
    go: File,
}

impl Crowd {
    /// Begins all jobs, and waits until as many are at work as may be and the turn has its reply.
    fn begin() -> io::Result<(Self, Process)> {
        let call = |number: usize| {
            let command = COMMAND.replace("NUMBER", &number.to_string());
            json!({ "command": command, "background": true })
        };
        let step = |step: usize| {
            let numbers = (0..JOBS).filter(|number| number % STEPS == step);
            numbers.fold(Reply::default(), |reply, number| {
                reply.and_call("system.run", &call(number))
            })
        };
        let script = (0..STEPS).fold(Script::new(), |script, number| {
            script.once(When::any(), step(number))
        });
        let script = script
            .once(When::any(), Reply::text("all are begun"))
            .otherwise(Reply::text("noted"));
        let scene = scene()?
            .with_model(script)?
            .with_variable("CORVID__JOBS__PARALLEL", PARALLEL.to_string());
        let (starts, go) = (pipe(&scene, "starts")?, pipe(&scene, "go")?);
        let began = Instant::now();
        let run = scene.start_run(["--json", "-s", "x", "-e", "begin"])?;
        let starts = each_start(starts);
        let crowd = Self {
            scene,
            began,
            starts,
            go,
        };
        crowd.wait_for_starts(PARALLEL);
        let replied = run.hear(|said| said.contains("all are begun"));
        assert!(replied, "{}", tail(&run.stdout()));
        Ok((crowd, run))
    }

    fn wait_for_starts(&self, count: usize) {
        for number in 1..=count {
            let heard = self.starts.recv_timeout(LIMIT);
            assert_eq!(heard, Ok(()), "only {number} of {count} began");
        }
    }

    /// Lets so many jobs end.
    fn release(&mut self, count: usize) -> io::Result<()> {
        self.go.write_all("\n".repeat(count).as_bytes())
    }

    fn told(&self, kind: &str) -> io::Result<Vec<Value>> {
        let shown = self.scene.agent(["sessions", "show", "x", "--json"])?;
        let events = shown.stdout.lines().map(serde_json::from_str::<Value>);
        let events = events.collect::<Result<Vec<_>, _>>()?;
        let of_kind = events.into_iter().filter(|event| event["kind"] == kind);
        Ok(of_kind.map(|mut event| event["payload"].take()).collect())
    }

    /// Every job has one beginning and one end of that status, told by one input each.
    fn assert_told_once(&self, status: &str) -> io::Result<()> {
        let ids = |events: &[Value]| -> BTreeSet<String> {
            events
                .iter()
                .map(|event| event["job"].to_string())
                .collect()
        };
        let (started, finished) = (self.told("job.started")?, self.told("job.finished")?);
        assert_eq!((started.len(), finished.len()), (JOBS, JOBS));
        assert_eq!(ids(&started).len(), JOBS);
        assert_eq!(ids(&started), ids(&finished));
        let statuses: BTreeSet<_> = finished
            .iter()
            .map(|end| end["status"].to_string())
            .collect();
        assert_eq!(statuses, BTreeSet::from([format!("\"{status}\"")]));
        let mut inputs = self.told("input.admitted")?;
        inputs.retain(|input| !input["job"].is_null());
        assert_eq!((inputs.len(), ids(&inputs).len()), (JOBS, JOBS));
        Ok(())
    }

    /// How many were at work at once at most, as they noted it themselves; all have ended.
    fn most_at_work(&self) -> io::Result<usize> {
        let log = fs::read_to_string(self.scene.work().join("log"))?;
        let (mut now, mut most) = (0_usize, 0);
        for line in log.lines() {
            now = if line == "+" { now + 1 } else { now - 1 };
            most = most.max(now);
        }
        assert_eq!((log.lines().count(), now), (2 * JOBS, 0));
        Ok(most)
    }

    /// No process, socket, lock, record or temp folder is left, no job is open, and the store is whole.
    fn assert_nothing_left(&self) -> io::Result<()> {
        assert_eq!(processes(&self.scene)?, [""; 0]);
        assert_eq!(below(&self.scene.state().join("owners"))?, [""; 0]);
        let open = self.scene.agent(["jobs", "list", "--json"])?;
        assert_eq!((open.stdout.as_str(), open.code), ("", Some(0)));
        // The records of jobs lie in a folder of their own, which stays.
        assert_eq!(
            below(&self.scene.state().join("outputs/x/commands"))?,
            ["jobs"]
        );
        let odd = below(&self.scene.state())?.into_iter().filter(|name| {
            let kept = ["corvid.db", "outputs/", "checkpoints/"];
            name != "owners" && !kept.iter().any(|kept| name.starts_with(kept))
        });
        assert_eq!(odd.collect::<Vec<_>>(), [""; 0]);
        Ok(())
    }
}

/// The peak of a living process's memory, in KiB.
fn peak_kib(process: &Process) -> io::Result<usize> {
    let status = fs::read_to_string(format!("/proc/{}/status", process.pid()))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse().ok());
    peak.ok_or_else(|| io::Error::other(status.clone()))
}

/// A named pipe in the working folder, held open at both ends.
fn pipe(scene: &Scene, name: &str) -> io::Result<File> {
    let path = scene.work().join(name);
    let made = Command::new("mkfifo").arg(&path).status()?;
    assert!(made.success());
    File::options().read(true).write(true).open(path)
}

/// Hears each line that a starting job writes.
fn each_start(mut starts: File) -> Receiver<()> {
    let (heard, each) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = [0; 2];
        for _ in 0..JOBS {
            if starts.read_exact(&mut line).is_err() || heard.send(()).is_err() {
                return;
            }
        }
    });
    each
}

/// The processes that have to do with a scene, but for this one.
fn processes(scene: &Scene) -> io::Result<Vec<String>> {
    let folder = scene.folder().display().to_string();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        let pid = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let Some(pid) = pid.filter(|pid| {
            pid.parse::<u32>()
                .is_ok_and(|pid| pid != std::process::id())
        }) else {
            continue;
        };
        // Those that end meanwhile, and other people's, tell nothing.
        let read = |name: &str| {
            let bytes = fs::read(path.join(name)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).replace('\0', " ")
        };
        let works_in = fs::read_link(path.join("cwd")).unwrap_or_default();
        let about = [
            works_in.display().to_string(),
            read("cmdline"),
            read("environ"),
        ];
        if about.iter().any(|text| text.contains(&folder)) {
            found.push(format!("{pid}: {}", about[1]));
        }
    }
    Ok(found)
}

/// The files and sockets below a folder, by their paths from there.
fn below(folder: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let entry = entry?;
            let is_folder = entry.file_type()?.is_dir();
            if is_folder {
                folders.push(entry.path());
            }
            // An empty folder is something that is left, too.
            if !is_folder || fs::read_dir(entry.path())?.next().is_none() {
                let path = entry.path();
                let name = path.strip_prefix(folder).unwrap_or(&path);
                found.push(name.display().to_string());
            }
        }
    }
    found.sort();
    Ok(found)
}

fn tail(text: &str) -> &str {
    let from = text.len().saturating_sub(2_000);
    text.get(from..).unwrap_or_default()
}

#[test]
fn two_hundred_jobs_stay_within_their_limit_and_leave_nothing() -> io::Result<()> {
    let (mut crowd, run) = Crowd::begin()?;
    let at_work = processes(&crowd.scene)?.len();
    assert!(at_work <= 1 + PROCESSES * PARALLEL, "{at_work} processes");
    let (begun, before) = (crowd.began.elapsed(), peak_kib(&run)?);
    crowd.release(JOBS - 1)?;
    crowd.wait_for_starts(JOBS - PARALLEL);
    let after = peak_kib(&run)?;
    crowd.release(1)?;
    let said = run.wait()?;
    assert_eq!(said.code, Some(0), "{}", tail(&said.all()));
    writeln!(
        stderr(),
        "{JOBS} jobs, {PARALLEL} at once, {at_work} processes: begun after {begun:.1?}, ended after {:.1?}; \
         peak {before} KiB, then {after} KiB",
        crowd.began.elapsed()
    )?;
    assert!(after <= before + GROWTH_KIB, "{before} KiB, then {after}");
    assert_eq!(crowd.most_at_work()?, PARALLEL);
    crowd.assert_told_once("ok")?;
    crowd.assert_nothing_left()
}

#[test]
fn ctrl_c_ends_two_hundred_jobs_and_leaves_nothing() -> io::Result<()> {
    let (crowd, run) = Crowd::begin()?;
    let begun = crowd.began.elapsed();
    run.signal(Signal::INT)?;
    let said = run.wait()?;
    assert_eq!(said.code, Some(130), "{}", tail(&said.all()));
    writeln!(
        stderr(),
        "{JOBS} jobs stopped: begun after {begun:.1?}, ended after {:.1?}",
        crowd.began.elapsed()
    )?;
    let log = fs::read_to_string(crowd.scene.work().join("log"))?;
    assert_eq!(log, "+\n".repeat(PARALLEL), "none began after the signal");
    crowd.assert_told_once("stopped")?;
    let lanes = crowd.told("lane.claimed")?.len();
    assert!(
        lanes <= PARALLEL,
        "{lanes} lanes went over what was stopped"
    );
    crowd.assert_nothing_left()
}

/// The process dies with all of them; whoever comes next finds out what became of each.
#[test]
fn after_kill_9_two_hundred_ends_are_told_once() -> io::Result<()> {
    let (crowd, run) = Crowd::begin()?;
    assert!(run.kill()?.was_killed());
    for _ in 0..2 {
        let next = crowd.scene.run(["-s", "x", "-e", "what now?"])?;
        assert_eq!(next.code, Some(0), "{}", tail(&next.all()));
    }
    let log = fs::read_to_string(crowd.scene.work().join("log"))?;
    assert_eq!(log, "+\n".repeat(PARALLEL), "none runs again");
    crowd.assert_told_once("interrupted")?;
    crowd.assert_nothing_left()
}
