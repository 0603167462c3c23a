//! A supervisor that is ready before its command: it serves one command, of its kind, and leaves nothing.
//! Invariant: a spare is found by a name that its scene alone gives it, or below a parent that the test began.
//! It must not know how a spare is kept.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use corvid_core::{CommandSpec, Progress, Sandbox as _};
use corvid_sandbox::{HostConfig, Isolation};
use rustix::process::Signal;
use tokio_util::sync::CancellationToken;

use crate::processes::{
    children, exists, mark, parent, runs, signal, started_as, supervisor, wait_until,
};
use crate::scene::{EVERY_ISOLATION, EVERYWHERE, HELPER, Ran, Scene, read};

/// A scene whose supervisors are called by a name of their own.
struct Stage {
    scene: Scene,
    name: PathBuf,
    _folder: tempfile::TempDir,
}

/// A spare: its supervisor and its confining stage.
type Pair = [i32; 2];

impl Stage {
    fn new(isolation: Isolation) -> Self {
        Self::with(|config| config.isolation = isolation)
    }

    fn with(adjust: impl FnOnce(&mut HostConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join("helper");
        std::os::unix::fs::symlink(HELPER, &name).unwrap();
        let scene = Scene::with(|config| {
            config.helper.clone_from(&name);
            adjust(config);
        });
        Self {
            scene,
            name,
            _folder: folder,
        }
    }

    /// Says that a command comes, and waits until it can.
    fn spare(&self) -> Pair {
        self.scene.sandbox.expect();
        self.wait_for_spare()
    }

    fn wait_for_spare(&self) -> Pair {
        let mut found = None;
        wait_until("a supervisor and its stage are ready", || {
            let supervisors = started_as(&self.name).into_iter();
            let mut pairs = supervisors.flat_map(|one| children(one).map(move |two| [one, two]));
            found = pairs.next();
            found.is_some()
        });
        found.unwrap()
    }

    /// Runs a command and tells which process was its supervisor.
    async fn served(&self, spec: &CommandSpec) -> (Ran, Option<i32>) {
        let seen = Arc::new(Seen {
            spec: spec.clone(),
            supervisor: Mutex::default(),
        });
        let progress = Arc::clone(&seen) as Arc<dyn Progress>;
        let cancel = CancellationToken::new();
        let end = self.scene.sandbox.run(spec, &cancel, progress).await;
        let ran = Ran {
            end: end.unwrap(),
            output: read(&spec.output),
        };
        (ran, *seen.supervisor.lock().unwrap())
    }
}

/// Looks who holds the record of a command that says something, then lets it go on.
struct Seen {
    spec: CommandSpec,
    supervisor: Mutex<Option<i32>>,
}

impl Progress for Seen {
    fn show(&self, _line: &str) {
        *self.supervisor.lock().unwrap() = supervisor(&self.spec);
        std::fs::write(self.spec.working_dir.join("go"), "").unwrap();
    }
}

/// Says that the command runs, and waits to be let go on.
const BE_SEEN: &str = "echo here; while ! test -e go; do :; done";

/// Kills a process, which is over and done when this returns, whether or not somebody knows.
fn kill(pid: i32) {
    signal(pid, Signal::KILL);
    wait_until("it is dead", || !runs(pid));
}

/// Whether nothing of a pair is left, nor a supervisor that its own parent does not know to be dead.
fn gone(pair: Pair) -> bool {
    !exists(pair[0]) && !runs(pair[1])
}

/// What a command finds is what is there when it comes, not when its supervisor was begun.
#[tokio::test]
async fn what_is_ready_serves_the_next_command_and_ends_with_it() {
    for isolation in EVERY_ISOLATION {
        let stage = Stage::new(isolation);
        let pair = stage.spare();
        let folder = stage.scene.at("home/work/late");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("note"), "noted\n").unwrap();
        let command = format!("{BE_SEEN}; cat note; echo $TMPDIR");
        let mut spec = stage.scene.spec("call", &command);
        spec.working_dir.clone_from(&folder);
        let (ran, supervisor) = stage.served(&spec).await;
        assert_eq!(ran.code(), 0, "{isolation:?}: {}", ran.output);
        assert!(ran.output.starts_with("here\nnoted\n"), "{}", ran.output);
        assert!(ran.output.ends_with("call.tmp\n"), "{}", ran.output);
        assert_eq!(supervisor, Some(pair[0]), "{isolation:?}");
        wait_until("the pair is gone", || gone(pair));
    }
}

/// Each has namespaces, a temp folder and shared memory of its own, also if both stood ready.
#[tokio::test]
async fn nothing_of_a_command_is_there_for_the_next() {
    let stage = Stage::new(Isolation::Full);
    if !stage.scene.has_namespaces().await {
        return;
    }
    let leave = "echo left | tee $TMPDIR/left > /dev/shm/left; sleep 1000 & exit 0";
    let look = "ls -A $TMPDIR /dev/shm; grep -l sleep /proc/[0-9]*/comm";
    let first = stage.spare();
    assert_eq!(stage.scene.run(leave).await.code(), 0);
    wait_until("the first pair is gone", || gone(first));
    stage.spare();
    let found = stage.scene.run(look).await.output;
    assert!(
        !found.contains("left") && !found.contains("comm"),
        "{found}"
    );
}

#[tokio::test]
async fn one_that_was_killed_beforehand_costs_only_time() {
    for isolation in EVERY_ISOLATION {
        let stage = Stage::new(isolation);
        for killed in 0..2 {
            let pair = stage.spare();
            kill(pair[killed]);
            let spec = stage.scene.spec("call", BE_SEEN);
            let (ran, supervisor) = stage.served(&spec).await;
            assert_eq!(ran.code(), 0, "{isolation:?}: {}", ran.output);
            assert_ne!(supervisor, Some(pair[0]), "{isolation:?}");
            wait_until("the pair is gone", || gone(pair));
            std::fs::remove_file(stage.scene.at("home/work/go")).unwrap();
        }
    }
}

/// It was alive when it was taken, and could begin nothing.
#[tokio::test]
async fn one_that_turns_out_to_be_of_no_use_costs_only_time() {
    for isolation in EVERY_ISOLATION {
        let stage = Stage::new(isolation);
        let pair = stage.spare();
        signal(pair[0], Signal::STOP);
        kill(pair[1]);
        let go_on = async { signal(pair[0], Signal::CONT) };
        let (ran, ()) = tokio::join!(stage.scene.run("echo once >> log; cat log"), go_on);
        assert_eq!(
            (ran.code(), ran.output.as_str()),
            (0, "once\n"),
            "{isolation:?}"
        );
        wait_until("the pair is gone", || gone(pair));
    }
}

#[tokio::test]
async fn one_that_nothing_comes_for_goes() {
    let stage = Stage::with(|config| config.spare_for = Duration::from_millis(50));
    let pair = stage.spare();
    wait_until("the pair is gone", || gone(pair));
    assert_eq!(stage.scene.run("exit 3").await.code(), 3);
}

#[tokio::test]
async fn it_goes_with_its_sandbox() {
    let stage = Stage::new(Isolation::Full);
    let pair = stage.spare();
    drop(stage);
    wait_until("the pair is gone", || gone(pair));
}

/// Commands come alone or in rows; where they are not confined a person is asked before each.
#[tokio::test]
async fn a_row_of_commands_finds_one_ready_where_they_are_confined() {
    for isolation in EVERYWHERE {
        let stage = Stage::new(isolation);
        stage.scene.run(":").await;
        assert_eq!(started_as(&stage.name), [0; 0], "{isolation:?}");
        stage.scene.run(":").await;
        if EVERY_ISOLATION.contains(&isolation) {
            let pair = stage.wait_for_spare();
            stage.scene.run(":").await;
            wait_until("the pair is gone", || gone(pair));
            continue;
        }
        stage.scene.sandbox.expect();
        stage.scene.run(":").await;
        assert_eq!(started_as(&stage.name), [0; 0], "{isolation:?}");
    }
}

/// Killed, interrupted or at its end, with a command that runs and a spare beside it.
#[tokio::test]
async fn nothing_is_left_however_the_parent_ends() {
    for ending in [Some(Signal::KILL), Some(Signal::INT), None] {
        let scene = Scene::new(Isolation::Full);
        let mark = mark(&scene);
        let command = format!("sleep {mark} & echo here; while ! test -e go; do :; done");
        let spec = scene.spec("call", &command);
        let mut parent = parent(&scene, &spec, Isolation::Full);
        let mut line = String::new();
        BufReader::new(parent.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "here\n");
        let id = i32::try_from(parent.id()).unwrap();
        let mut pairs = Vec::new();
        wait_until("there are the command's pair and another", || {
            let supervisors = children(id);
            let pair = |one: i32| children(one).map(move |two| [one, two]);
            pairs = supervisors.flat_map(pair).collect::<Vec<_>>();
            pairs.len() == 2
        });
        match ending {
            Some(ending) => signal(id, ending),
            None => std::fs::write(scene.at("home/work/go"), "").unwrap(),
        }
        assert_eq!(parent.wait().unwrap().success(), ending.is_none());
        wait_until("everything is gone", || {
            !pairs.iter().flatten().any(|pid| runs(*pid))
        });
    }
}
