//! What a command may use, what it may not even begin with, and what it leaves on disk.
//! Invariant: a bound is measured from outside.
//! It must not know how a bound is enforced.

use std::path::Path;
use std::sync::Arc;

use corvid_core::{CommandEnding, CommandSpec, Sandbox as _, SandboxError};
use corvid_sandbox::Isolation;
use tokio_util::sync::CancellationToken;

use crate::processes::supervisor;
use crate::scene::{CancelAt, EVERY_ISOLATION, Scene, read};

#[test]
fn the_rules_are_those_of_the_folder() {
    let scene = Scene::new(Isolation::Full);
    let rules = |folder: &str| scene.sandbox.rules(&scene.at(folder)).join("\n");
    assert!(rules("home/work").starts_with("Commands read the working folder"));
    let refused = rules("home/state");
    assert!(refused.starts_with("No command runs here: "), "{refused}");
    assert!(refused.contains("lies in"), "{refused}");
    assert!(!refused.contains("Commands read"), "{refused}");
    let asking = rules("home");
    assert!(
        asking.starts_with("A person is asked before every command"),
        "{asking}"
    );
    assert!(asking.contains("contains private files"), "{asking}");
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
async fn the_temp_folder_is_emptied_and_the_record_goes_with_the_next_command() {
    let scene = Scene::new(Isolation::Full);
    let spec = scene.spec(
        "call",
        "mkdir $TMPDIR/a && echo x > $HOME/a/b && echo $TMPDIR",
    );
    let ran = scene.run_spec(&spec).await.unwrap();
    assert!(!Path::new(ran.output.trim_end()).exists());
    let left = || {
        let entries = std::fs::read_dir(&spec.record_dir).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(left(), ["call.lock", "call.outcome"]);
    // One that is not over yet stays, whoever runs beside it.
    let held = std::fs::File::create(spec.record_dir.join("held.lock")).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    scene.run_spec(&scene.spec("next", ":")).await.unwrap();
    assert_eq!(left(), ["held.lock", "next.lock", "next.outcome"]);
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
        "nobody was asked",
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
