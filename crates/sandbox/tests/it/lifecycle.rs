//! However a command, its supervisor or its parent ends: nothing is left running, and what became of it
//! is known.
//! Invariant: processes are found by a mark in their command line, so none hides in a session of its own.
//! It must not know how processes are ended.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use corvid_core::{
    CommandEnd, CommandEnding, CommandRecord, CommandSpec, Progress, Sandbox as _, SandboxError,
};
use corvid_sandbox::{HostSandbox, Isolation};
use rustix::process::{Pid, Signal};
use tokio_util::sync::CancellationToken;

use crate::scene::{EVERY_ISOLATION, HELPER, Scene, Shown, read};

/// The time in which everything of a command must be gone.
const GONE: Duration = Duration::from_secs(2);

/// Cancels a command as soon as it shows a line.
struct CancelAt(CancellationToken, Box<dyn Fn(&str) -> bool + Send + Sync>);

impl Progress for CancelAt {
    fn show(&self, line: &str) {
        if self.1(line) {
            self.0.cancel();
        }
    }
}

/// A command that leaves processes behind in every way there is, then says so and stays.
fn stubborn(mark: &str) -> String {
    format!(
        "trap '' TERM HUP INT; sleep {mark} & setsid sleep {mark} & (setsid sleep {mark} </dev/null >/dev/null 2>&1 &) \
         \n (trap '' TERM; nohup sleep {mark} >/dev/null 2>&1 &) \n echo started; sleep {mark}"
    )
}

/// A number of seconds that no other process sleeps for.
fn mark(scene: &Scene) -> String {
    let inode = std::fs::metadata(scene.at("home")).unwrap().ino();
    format!("86400.{inode}{}", std::process::id())
}

/// How many processes carry the mark.
fn running(mark: &str) -> usize {
    processes()
        .filter(|pid| {
            std::fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains(mark))
        })
        .count()
}

fn processes() -> impl Iterator<Item = i32> {
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "never: {what}");
        std::thread::yield_now();
    }
}

/// The process that holds a command's lock open.
fn supervisor(spec: &CommandSpec) -> Option<i32> {
    let lock = spec.record_dir.join(format!("{}.lock", spec.key));
    processes().find(|pid| {
        *pid != i32::try_from(std::process::id()).unwrap()
            && std::fs::read_dir(format!("/proc/{pid}/fd")).is_ok_and(|open| {
                open.flatten()
                    .any(|fd| std::fs::read_link(fd.path()).is_ok_and(|path| path == lock))
            })
    })
}

fn kill(pid: i32) {
    rustix::process::kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

/// A process of its own that runs the command and can be killed.
fn parent(scene: &Scene, spec: &CommandSpec, isolation: Isolation) -> Child {
    Command::new(HELPER)
        .arg(scene.at("home"))
        .args([
            spec.key.as_str(),
            &format!("{isolation:?}"),
            spec.command.as_str(),
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn a_timed_out_command_leaves_nothing() {
    for isolation in EVERY_ISOLATION {
        let scene = Scene::new(isolation);
        let mark = mark(&scene);
        let mut spec = scene.spec("call", &stubborn(&mark));
        spec.timeout = Duration::from_millis(300);
        let begun = Instant::now();
        let ran = scene.run_spec(&spec).await.unwrap();
        assert!(begun.elapsed() < spec.timeout + GONE);
        assert_eq!(running(&mark), 0, "{isolation:?}");
        assert_eq!(ran.end.ending, CommandEnding::TimedOut);
        assert_eq!(ran.output, "started\n");
        assert!(ran.end.duration_ms >= 300);
        assert_eq!(
            scene.sandbox.reconcile(&spec).await,
            CommandRecord::Ended(ran.end)
        );
    }
}

#[tokio::test]
async fn a_command_that_ends_takes_its_daemons_along() {
    for isolation in EVERY_ISOLATION {
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
    for isolation in EVERY_ISOLATION {
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
    for isolation in EVERY_ISOLATION {
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
    for isolation in EVERY_ISOLATION {
        let scene = Scene::new(isolation);
        let mark = mark(&scene);
        let spec = scene.spec("call", &stubborn(&mark));
        let killing = {
            let spec = spec.clone();
            CancelAt(
                CancellationToken::new(),
                Box::new(move |_| {
                    kill(supervisor(&spec).unwrap());
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

#[tokio::test]
async fn output_is_bounded_on_disk_and_in_memory() {
    const WRITTEN: u64 = 300_000_000;
    let scene = Scene::with(|config| config.limits.output_bytes = 8 << 20);
    let spec = scene.spec(
        "call",
        &format!("head -c {WRITTEN} /dev/zero; echo; echo all written; sleep 600"),
    );
    let cancel = CancellationToken::new();
    let (peak_told, peak) = std::sync::mpsc::channel();
    let measuring = {
        let spec = spec.clone();
        CancelAt(
            cancel.clone(),
            Box::new(move |line| {
                let done = line == "all written";
                if done {
                    peak_told
                        .send(peak_kib(supervisor(&spec).unwrap()))
                        .unwrap();
                }
                done
            }),
        )
    };
    let end = scene
        .sandbox
        .run(&spec, &cancel, Arc::new(measuring))
        .await
        .unwrap();
    assert_eq!(end.ending, CommandEnding::Stopped);
    assert_eq!(end.total_bytes, WRITTEN + 13);
    let length = std::fs::metadata(&spec.output).unwrap().len();
    assert_eq!(length, end.kept_bytes);
    assert!(length < (8 << 20) + 100_000, "{length} bytes on disk");
    let text = read(&spec.output);
    assert!(text.contains("bytes of output left out"));
    assert!(text.ends_with("\nall written\n"));
    let peak = peak.recv().unwrap();
    assert!(peak < 16 * 1024, "{peak} KiB in memory");
}

/// The most memory that a process ever had, in KiB.
fn peak_kib(pid: i32) -> u64 {
    let status = read(Path::new(&format!("/proc/{pid}/status")));
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn nothing_is_inherited_but_the_three_streams() {
    let secret = std::fs::File::open("/proc/self/status").unwrap();
    // What some library opened without care, on purpose.
    rustix::io::fcntl_setfd(&secret, rustix::io::FdFlags::empty()).unwrap();
    let command = "perl -e 'for (3 .. 99) { print \"$_ \" if open(my $f, \"<&=\", $_) }'";
    for isolation in EVERY_ISOLATION {
        let ran = Scene::new(isolation).run(command).await;
        assert_eq!(ran.output, "", "{isolation:?}");
    }
    drop(secret);
}

/// Not a bomb, which would hurt where the limit fails: a few hundred children and no more.
#[tokio::test]
async fn processes_are_counted() {
    const TRIED: u64 = 400;
    let scene = Scene::with(|config| config.limits.processes = 301);
    let ran = scene
        .run(&format!(
            "perl -e 'while ($n < {TRIED}) {{ $p = fork // last; $p or sleep 600; $n++ }} print $n'"
        ))
        .await;
    let begun: u64 = ran.output.parse().unwrap();
    // The kernel counts root's processes only by the numbers of a namespace, since 6.14.
    let exempt = rustix::process::geteuid().is_root() && kernel() < (6, 14);
    let counted = scene.has_namespaces().await && !exempt;
    assert!(begun <= if counted { 301 } else { TRIED }, "{begun}");
}

fn kernel() -> (u32, u32) {
    let release = read(Path::new("/proc/sys/kernel/osrelease"));
    let mut numbers = release.split('.').map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

#[tokio::test]
async fn the_temp_folder_is_emptied_and_the_record_can_be_forgotten() {
    let scene = Scene::new(Isolation::Full);
    let spec = scene.spec(
        "call",
        "mkdir $TMPDIR/a && echo x > $HOME/a/b && echo $TMPDIR",
    );
    let ran = scene.run_spec(&spec).await.unwrap();
    assert!(!Path::new(ran.output.trim_end()).exists());
    let left = || std::fs::read_dir(&spec.record_dir).unwrap().count();
    assert_eq!(left(), 2, "the lock and the outcome");
    HostSandbox::forget(&spec).unwrap();
    assert_eq!(left(), 0);
    HostSandbox::forget(&spec).unwrap();
}

#[tokio::test]
async fn what_must_not_run_is_refused_with_the_way_out() {
    let scene = Scene::new(Isolation::Full);
    let check = async |adjust: &dyn Fn(&mut CommandSpec), expected: &str| {
        let mut spec = scene.spec("call", "touch began");
        adjust(&mut spec);
        match scene.run_spec(&spec).await {
            Err(SandboxError::Refused(why)) => assert!(why.contains(expected), "{why}"),
            other => panic!("{other:?}"),
        }
    };
    let home = scene.at("home");
    check(
        &|spec| spec.working_dir.clone_from(&home),
        "choose a folder below it",
    )
    .await;
    check(
        &|spec| spec.working_dir = home.join("state"),
        "private folder",
    )
    .await;
    check(
        &|spec| spec.working_dir = home.join("none"),
        "cannot be entered",
    )
    .await;
    check(&|spec| spec.working_dir = "/".into(), "system folder").await;
    check(
        &|spec| spec.command = "x".repeat(1 << 20),
        "write it to a file",
    )
    .await;
    check(&|spec| spec.command.push('\0'), "null byte").await;
}

#[tokio::test]
async fn a_helper_that_cannot_start_is_named() {
    let scene = Scene::with(|config| config.helper = "/no/such/helper".into());
    match scene.run_spec(&scene.spec("call", "true")).await {
        Err(SandboxError::Failed(why)) => assert!(why.contains("`/no/such/helper`"), "{why}"),
        other => panic!("{other:?}"),
    }
}
