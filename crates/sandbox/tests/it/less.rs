//! Systems that give less: every command asks, and what is allowed is still seen to its end.
//! Invariant: what is lacking is simulated, what runs is real.
//! It must not know how a system is asked for what it has.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use corvid_core::{CommandEnd, CommandEnding, CommandRecord, Sandbox as _, SandboxError, Wider};
use corvid_sandbox::Isolation;
use rustix::process::Signal;
use tokio_util::sync::CancellationToken;

use crate::processes::{mark, parent, running, signal, supervisor, wait_until};
use crate::scene::{CancelAt, EVERYWHERE, HELPER, Scene};

/// What each system lacks, and where doctor finds how to get it.
#[tokio::test]
async fn every_command_asks_where_something_is_lacking() {
    for isolation in EVERYWHERE {
        let scene = Scene::new(isolation);
        let has_namespaces = scene.has_namespaces().await;
        let lacking = scene.sandbox.lacking(&scene.at("home/work"));
        let expected = match isolation {
            Isolation::Full if has_namespaces => {
                assert_eq!(lacking, [""; 0]);
                continue;
            }
            Isolation::Full | Isolation::WithoutNamespaces | Isolation::WithoutScopes => {
                "gives commands no namespaces"
            }
            Isolation::WithoutLandlock => "Landlock is missing or too old: use Linux 6.2 or newer",
            Isolation::Nothing => "commands are confined on Linux only",
        };
        assert!(
            lacking.join("; ").contains(expected),
            "{isolation:?}: {lacking:?}"
        );
        let confined = !matches!(isolation, Isolation::WithoutLandlock | Isolation::Nothing);
        assert_eq!(scene.sandbox.report().enforced, confined, "{isolation:?}");
        if confined {
            let why = scene.sandbox.namespaces().await.unwrap_err();
            assert!(why.contains("sysctl"), "{why}");
        } else {
            assert_eq!(scene.sandbox.report().missing, lacking, "{isolation:?}");
        }
        let rules = scene.sandbox.rules(&scene.at("home/work")).join("\n");
        assert!(
            rules.starts_with("A person is asked before every command here: "),
            "{rules}"
        );
    }
}

/// Neither nothing nor something else that was allowed lets a command run.
#[tokio::test]
async fn what_is_lacking_must_have_been_allowed() {
    for isolation in EVERYWHERE {
        let scene = Scene::new(isolation);
        let mut spec = scene.spec("call", "touch began");
        let enough = spec.wider.take();
        let other = Wider {
            reason: "I need it".to_owned(),
            lacking: vec!["something else".to_owned()],
            ..Wider::default()
        };
        for (wider, runs) in [
            (None, enough.is_none()),
            (Some(other), enough.is_none()),
            (enough, true),
        ] {
            spec.wider = wider;
            match scene.run_spec(&spec).await {
                Ok(ran) => assert!(runs && ran.code() == 0, "{isolation:?}: {:?}", spec.wider),
                Err(SandboxError::Refused(why)) => {
                    assert!(
                        !runs && why.contains("nobody was asked"),
                        "{isolation:?}: {why}"
                    );
                    assert!(!scene.at("home/work/began").exists(), "{isolation:?}");
                }
                Err(error) => panic!("{isolation:?}: {error}"),
            }
            if runs {
                std::fs::remove_file(scene.at("home/work/began")).unwrap();
            }
        }
    }
}

/// Nobody is told that something holds which does not.
#[tokio::test]
async fn an_unconfined_command_is_called_so() {
    for isolation in [Isolation::WithoutLandlock, Isolation::Nothing] {
        let scene = Scene::new(isolation);
        let spec = scene.spec("call", "cat ../.ssh/id; echo; echo $API_KEY; cat; exit 3");
        let facts = scene.sandbox.describe(&spec).unwrap().facts;
        let [(name, value)] = facts.as_slice() else {
            panic!("{facts:?}");
        };
        assert_eq!(name, "no sandbox");
        assert!(value.ends_with("whatever you can"), "{value}");
        let ran = scene.run_spec(&spec).await.unwrap();
        // It reads what it likes; its environment is the allow-list all the same.
        assert_eq!(
            (ran.code(), ran.output.as_str()),
            (3, "the key\n\n"),
            "{isolation:?}"
        );
    }
}

/// A private or system folder is not worked in, whoever allows it.
#[tokio::test]
async fn working_folders_are_refused_without_a_sandbox_too() {
    for isolation in EVERYWHERE {
        let scene = Scene::new(isolation);
        for folder in [scene.at("home/state"), "/etc".into()] {
            let mut spec = scene.spec("call", "pwd");
            spec.working_dir = folder;
            let refused = scene.run_spec(&spec).await;
            assert!(
                matches!(refused, Err(SandboxError::Refused(_))),
                "{isolation:?}: {refused:?}"
            );
        }
    }
}

/// What stays in the command's process group ends with it.
fn busy(mark: &str) -> String {
    format!("trap '' TERM HUP INT; sleep {mark} & (sleep {mark} &) \n echo started; sleep {mark}")
}

#[tokio::test]
async fn without_anything_exit_codes_and_signals_are_exact() {
    let scene = Scene::new(Isolation::Nothing);
    for (command, ending) in [
        ("exit 3", CommandEnding::Exited { code: 3 }),
        ("kill -KILL 0", CommandEnding::Signaled { signal: 9 }),
        ("kill -TERM 0", CommandEnding::Signaled { signal: 15 }),
        ("kill -SEGV $$", CommandEnding::Signaled { signal: 11 }),
    ] {
        assert_eq!(scene.run(command).await.end.ending, ending, "{command}");
    }
}

#[tokio::test]
async fn without_anything_a_timed_out_or_stopped_command_leaves_nothing() {
    let scene = Scene::new(Isolation::Nothing);
    let mark = mark(&scene);
    let spec = scene.spec("call", &busy(&mark));
    let cancel = CancellationToken::new();
    let at_start = CancelAt(cancel.clone(), Box::new(|line| line == "started"));
    let end = scene
        .sandbox
        .run(&spec, &cancel, Arc::new(at_start))
        .await
        .unwrap();
    assert_eq!(end.ending, CommandEnding::Stopped);
    wait_until("everything is gone", || running(&mark) == 0);
    let (_, ran) = scene.run_out_of_time(&busy(&mark)).await;
    assert_eq!(
        (ran.end.ending, ran.output.as_str()),
        (CommandEnding::TimedOut, "started\n")
    );
    wait_until("everything is gone", || running(&mark) == 0);
    let command = busy(&mark).replace(&format!("; sleep {mark}"), "; exit 7");
    assert_eq!(scene.run(&command).await.code(), 7);
    wait_until("everything is gone", || running(&mark) == 0);
}

#[tokio::test]
async fn without_anything_a_command_ends_with_its_parent() {
    let scene = Scene::new(Isolation::Nothing);
    let mark = mark(&scene);
    let spec = scene.spec("call", &busy(&mark));
    let mut parent = parent(&scene, &spec, Isolation::Nothing);
    let mut line = String::new();
    BufReader::new(parent.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "started\n");
    assert!(running(&mark) > 2);
    parent.kill().unwrap();
    parent.wait().unwrap();
    let record = scene.sandbox.reconcile(&spec).await;
    wait_until("everything is gone", || running(&mark) == 0);
    let stopped = |end: &CommandEnd| end.ending == CommandEnding::Stopped;
    assert!(
        matches!(&record, CommandRecord::Ended(end) if stopped(end)),
        "{record:?}"
    );
}

#[tokio::test]
async fn without_anything_a_command_ends_with_its_supervisor() {
    let scene = Scene::new(Isolation::Nothing);
    let mark = mark(&scene);
    let spec = scene.spec("call", &busy(&mark));
    let killing = {
        let spec = spec.clone();
        let kill = move |_: &str| {
            signal(supervisor(&spec).unwrap(), Signal::KILL);
            false
        };
        CancelAt(CancellationToken::new(), Box::new(kill))
    };
    let cancel = CancellationToken::new();
    let end = scene.sandbox.run(&spec, &cancel, Arc::new(killing)).await;
    assert_eq!(end.unwrap().ending, CommandEnding::Stopped);
    wait_until("everything is gone", || running(&mark) == 0);
}

/// Namespaces that were expected and are not there: nothing runs before a person was asked.
#[tokio::test]
async fn namespaces_that_are_lost_meanwhile_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let found = folder.path().join("found");
    let script = format!(
        "test -e {found} && exec {HELPER} \"$@\"\necho '{{\"no_namespaces\":\"gone\"}}'",
        found = found.display(),
    );
    let helper = helper(folder.path(), &script);
    let scene = Scene::with(|config| config.helper = helper);
    let mut spec = scene.spec("call", "touch began");
    if spec.wider.is_some() {
        return;
    }
    match scene.run_spec(&spec).await {
        Err(SandboxError::Refused(why)) => assert!(why.contains("no namespaces"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert!(!scene.at("home/work/began").exists());
    spec.wider = scene.allowed(&scene.at("home/work"));
    assert!(spec.wider.is_some());
    let failed = scene.run_spec(&spec).await;
    assert!(matches!(failed, Err(SandboxError::Failed(_))), "{failed:?}");
    std::fs::write(&found, "").unwrap();
    assert_eq!(scene.run_spec(&spec).await.unwrap().code(), 0);
}

/// A system that gives all namespaces but those in which things are mounted.
#[tokio::test]
async fn where_nothing_can_be_mounted_every_command_asks() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "exec /usr/bin/unshare -Ur /bin/sh -c \
         'echo 0 > /proc/sys/user/max_mnt_namespaces; exec {HELPER} \"$@\"' sh \"$@\""
    );
    let helper = helper(folder.path(), &script);
    let scene = Scene::with(|config| config.helper = helper);
    let notes = scene.at("home/notes");
    let before = std::fs::metadata(&notes).unwrap().permissions();
    let attack = format!("chmod 777 {}; touch began", notes.display());
    let mut spec = scene.spec("call", &attack);
    if spec.wider.is_some() {
        return;
    }
    match scene.run_spec(&spec).await {
        Err(SandboxError::Refused(why)) => assert!(why.contains("no namespaces"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(std::fs::metadata(&notes).unwrap().permissions(), before);
    assert!(!scene.at("home/work/began").exists());
    // What it then lacks is known, and may be allowed.
    spec = scene.spec("call", "touch began");
    assert!(spec.wider.is_some());
    assert_eq!(scene.run_spec(&spec).await.unwrap().code(), 0);
    let why = scene.sandbox.namespaces().await.unwrap_err();
    assert!(why.contains("max_mnt_namespaces"), "{why}");
}

/// A helper that does this.
fn helper(folder: &Path, script: &str) -> PathBuf {
    let helper = folder.join("helper");
    std::fs::write(&helper, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&helper, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    helper
}
