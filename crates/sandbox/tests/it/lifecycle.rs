//! However a command, its supervisor or its parent ends: nothing is left running, and what became of it
//! is known.
//! Invariant: processes are found by a mark in their command line, so none hides in a session of its own.
//! It must not know how processes are ended.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use corvid_core::{CommandEnd, CommandEnding, CommandRecord, Sandbox as _};
use corvid_sandbox::Isolation;
use rustix::process::Signal;
use tokio_util::sync::CancellationToken;

use crate::processes::{mark, parent, running, signal, supervisor, wait_until};
use crate::scene::{CancelAt, EVERY_ISOLATION, EVERY_LINUX, Scene, Shown, read};

/// The time in which everything of a command must be gone, on a slow machine that has much else to do as well.
const GONE: Duration = Duration::from_secs(10);

/// A command that leaves processes behind in every way there is, then says so and stays.
fn stubborn(mark: &str) -> String {
    format!(
        "trap '' TERM HUP INT; sleep {mark} & setsid sleep {mark} & (setsid sleep {mark} </dev/null >/dev/null 2>&1 &) \
         \n (trap '' TERM; nohup sleep {mark} >/dev/null 2>&1 &) \n echo started; sleep {mark}"
    )
}

#[tokio::test]
async fn a_timed_out_command_leaves_nothing() {
    for isolation in EVERY_LINUX {
        let scene = Scene::new(isolation);
        let mark = mark(&scene);
        let (spec, ran) = scene.run_out_of_time(&stubborn(&mark)).await;
        assert_eq!(running(&mark), 0, "{isolation:?}");
        assert_eq!(ran.end.ending, CommandEnding::TimedOut);
        assert_eq!(ran.output, "started\n");
        let took = Duration::from_millis(ran.end.duration_ms);
        assert!(
            (spec.timeout..spec.timeout + GONE).contains(&took),
            "{isolation:?}: {took:?}"
        );
        assert_eq!(
            scene.sandbox.reconcile(&spec).await,
            CommandRecord::Ended(ran.end)
        );
    }
}

#[tokio::test]
async fn a_command_that_ends_takes_its_daemons_along() {
    for isolation in EVERY_LINUX {
        let scene = Scene::new(isolation);
        let mark = mark(&scene);
        let command = stubborn(&mark).replace(&format!("; sleep {mark}"), "; exit 7");
        let ran = scene.run(&command).await;
        assert_eq!((ran.code(), ran.output.as_str()), (7, "started\n"));
        assert_eq!(running(&mark), 0, "{isolation:?}");
    }
}

#[tokio::test]
async fn a_stopped_command_leaves_nothing() {
    for isolation in EVERY_LINUX {
        let scene = Scene::new(isolation);
        let mark = mark(&scene);
        let spec = scene.spec("call", &stubborn(&mark));
        let cancel = CancellationToken::new();
        let at_start = CancelAt(cancel.clone(), Box::new(|line| line == "started"));
        let end = scene.sandbox.run(&spec, &cancel, Arc::new(at_start)).await;
        assert_eq!(running(&mark), 0, "{isolation:?}");
        assert_eq!(end.unwrap().ending, CommandEnding::Stopped);
    }
}

#[tokio::test]
async fn a_command_that_was_stopped_before_it_began_never_begins() {
    let scene = Scene::new(Isolation::Full);
    let spec = scene.spec("call", "touch began");
    let cancel = CancellationToken::new();
    cancel.cancel();
    let end = scene
        .sandbox
        .run(&spec, &cancel, Arc::new(Shown::default()))
        .await
        .unwrap();
    assert_eq!(end.ending, CommandEnding::Stopped);
    if !scene.at("home/work/began").exists() {
        assert_eq!(end.total_bytes, 0);
    }
}

#[tokio::test]
async fn when_the_parent_is_killed_everything_is_gone_and_known_to_be_stopped() {
    for isolation in EVERY_LINUX {
        let scene = Scene::new(isolation);
        let mark = mark(&scene);
        let spec = scene.spec("call", &stubborn(&mark));
        let mut parent = parent(&scene, &spec, isolation);
        let mut line = String::new();
        BufReader::new(parent.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "started\n");
        assert!(running(&mark) > 4, "{isolation:?}");
        let killed = Instant::now();
        parent.kill().unwrap();
        parent.wait().unwrap();
        let record = scene.sandbox.reconcile(&spec).await;
        assert!(killed.elapsed() < GONE, "{isolation:?}");
        assert_eq!(running(&mark), 0, "{isolation:?}");
        assert!(
            matches!(
                record,
                CommandRecord::Ended(CommandEnd {
                    ending: CommandEnding::Stopped,
                    total_bytes: 8,
                    ..
                })
            ),
            "{record:?}"
        );
    }
}

#[tokio::test]
async fn when_the_supervisor_is_killed_everything_is_gone_and_nothing_can_tell() {
    for isolation in EVERY_LINUX {
        let scene = Scene::new(isolation);
        let mark = mark(&scene);
        let spec = scene.spec("call", &stubborn(&mark));
        let killing = {
            let spec = spec.clone();
            CancelAt(
                CancellationToken::new(),
                Box::new(move |_| {
                    signal(supervisor(&spec).unwrap(), Signal::KILL);
                    false
                }),
            )
        };
        let cancel = CancellationToken::new();
        let end = scene.sandbox.run(&spec, &cancel, Arc::new(killing)).await;
        let returned = Instant::now();
        assert_eq!(end.unwrap().ending, CommandEnding::Stopped);
        wait_until("everything is gone", || running(&mark) == 0);
        assert!(returned.elapsed() < GONE, "{isolation:?}");
        let record = scene.sandbox.reconcile(&spec).await;
        assert!(
            matches!(&record, CommandRecord::Unknown(why) if why.contains("was killed")),
            "{record:?}"
        );
    }
}

/// A time-out holds even if its keeper is stopped.
#[tokio::test]
async fn a_supervisor_that_is_stopped_is_ended_when_time_is_up() {
    let [full, without_namespaces, without_scopes, without_landlock] =
        EVERY_LINUX.map(stop_the_supervisor);
    tokio::join!(full, without_namespaces, without_scopes, without_landlock);
}

async fn stop_the_supervisor(isolation: Isolation) {
    let scene = Scene::new(isolation);
    let mark = mark(&scene);
    let mut spec = scene.spec("call", &stubborn(&mark));
    // Enough to begin four commands at once and to find what watches them.
    spec.timeout = Duration::from_secs(3);
    let stopping = {
        let spec = spec.clone();
        CancelAt(
            CancellationToken::new(),
            Box::new(move |_| {
                signal(supervisor(&spec).unwrap(), Signal::STOP);
                false
            }),
        )
    };
    let cancel = CancellationToken::new();
    let run = scene.sandbox.run(&spec, &cancel, Arc::new(stopping));
    let end = tokio::time::timeout(Duration::from_mins(1), run).await;
    let end = end.unwrap_or_else(|_| panic!("{isolation:?}: still waited for"));
    assert_eq!(end.unwrap().ending, CommandEnding::TimedOut);
    wait_until("everything is gone", || running(&mark) == 0);
    let record = scene.sandbox.reconcile(&spec).await;
    assert!(matches!(record, CommandRecord::Unknown(_)), "{record:?}");
}

#[tokio::test]
async fn a_command_cannot_kill_what_watches_it() {
    for isolation in EVERY_ISOLATION {
        let scene = Scene::new(isolation);
        let ran = scene
            .run("kill -KILL $PPID 2>/dev/null; kill -STOP $PPID 2>/dev/null; echo lives; exit 4")
            .await;
        assert_eq!((ran.code(), ran.output.as_str()), (4, "lives\n"));
    }
}

#[tokio::test]
async fn what_was_never_begun_is_known_to_be_so() {
    let scene = Scene::new(Isolation::Full);
    let spec = scene.spec("call", "touch began");
    assert_eq!(
        scene.sandbox.reconcile(&spec).await,
        CommandRecord::NotStarted
    );
}

/// The parent dies while its supervisor still waits for the lock: whoever holds the lock may conclude
/// that nothing began, and nothing does.
#[tokio::test]
async fn a_late_supervisor_of_a_dead_parent_begins_nothing() {
    let scene = Scene::new(Isolation::Full);
    let spec = scene.spec("call", "touch began");
    std::fs::create_dir_all(&spec.record_dir).unwrap();
    let path = spec.record_dir.join("call.lock");
    let lock = std::fs::File::create(&path).unwrap();
    lock.lock().unwrap();
    let mut parent = parent(&scene, &spec, Isolation::Full);
    let inode = format!(":{} ", std::fs::metadata(&path).unwrap().ino());
    wait_until("the supervisor waits for the lock", || {
        read(Path::new("/proc/locks"))
            .lines()
            .any(|line| line.contains("-> FLOCK") && line.contains(&inode))
    });
    let late = supervisor(&spec).unwrap();
    parent.kill().unwrap();
    parent.wait().unwrap();
    lock.unlock().unwrap();
    wait_until("the supervisor ends", || {
        !Path::new(&format!("/proc/{late}")).exists()
    });
    assert_eq!(
        scene.sandbox.reconcile(&spec).await,
        CommandRecord::NotStarted
    );
    assert!(!scene.at("home/work/began").exists());
}
