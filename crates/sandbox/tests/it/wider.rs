//! Grants to write beyond the working folder: what they give, and what they never give.
//! Invariant: whatever a grant names, nothing private and nothing of the system's is written.
//! It must not know how a grant is enforced.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use corvid_core::{CommandSpec, Sandbox as _, SandboxError};
use corvid_sandbox::Isolation;

use crate::scene::{EVERY_ISOLATION, EVERYWHERE, Scene};

pub(crate) fn scene(isolation: Isolation) -> Scene {
    let scene = Scene::new(isolation);
    std::fs::create_dir_all(scene.at("site/pages")).unwrap();
    std::fs::write(scene.at("site/index"), "old").unwrap();
    std::fs::write(scene.at("log"), "").unwrap();
    scene
}

pub(crate) fn writing(scene: &Scene, command: &str, writes: &[&Path]) -> CommandSpec {
    let mut spec = scene.spec("call", command);
    let writes = writes.iter().map(|path| path.display().to_string());
    let wider = spec.wider.get_or_insert_default();
    "to publish".clone_into(&mut wider.reason);
    wider.writes = writes.collect();
    spec
}

#[tokio::test]
async fn what_is_granted_can_be_written_and_nothing_beside_it() {
    for isolation in EVERY_ISOLATION {
        let scene = scene(isolation);
        let (site, log) = (scene.at("site"), scene.at("log"));
        let command = format!(
            "cd {site} && echo new > index && mkdir pages/a && mv index pages/a/b && cat pages/a/b && echo line >> {log} \
             && chmod 600 pages/a/b && ls -l pages/a/b | cut -c 1-10",
            site = site.display(),
            log = log.display(),
        );
        let ran = scene
            .run_spec(&writing(&scene, &command, &[&site, &log]))
            .await
            .unwrap();
        assert_eq!(
            (ran.output.as_str(), ran.code()),
            ("new\n-rw-------\n", 0),
            "{isolation:?}"
        );
        assert_eq!(std::fs::read(&log).unwrap(), b"line\n");
        let before = scene.everything_outside();
        let attacks = [
            "echo x > ../log2",
            "echo x > ../site/../home/notes",
            "echo x > ../home/.ssh/id",
            "cat ../home/.ssh/id",
            "cat ../home/notes",
            "ln -s ../home/.ssh in && cat in/id",
            "ln ../home/.ssh/id mine && cat mine",
            "mv ../home/notes here",
            "mv pages ../elsewhere",
            "rm ../log",
            "mkfifo pipe && rm pipe && perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0) or exit 1'",
            "mknod device c 1 3",
        ];
        for attack in attacks {
            let command = format!("cd {} && {attack}", site.display());
            let ran = scene
                .run_spec(&writing(&scene, &command, &[&site]))
                .await
                .unwrap();
            assert_ne!(ran.code(), 0, "{isolation:?}: {attack}: {}", ran.output);
            assert_eq!(
                scene.everything_outside(),
                before,
                "{isolation:?}: {attack}"
            );
        }
        // Without the grant nothing of it can be written.
        let command = format!("echo x > {}", site.join("index").display());
        assert_ne!(scene.run(&command).await.code(), 0, "{isolation:?}");
    }
}

#[tokio::test]
async fn what_is_private_or_the_systems_is_refused_outright() {
    for isolation in EVERYWHERE {
        let scene = scene(isolation);
        let socket = scene.at("socket");
        let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        std::os::unix::fs::symlink(scene.at("home/.ssh"), scene.at("innocent")).unwrap();
        std::os::unix::fs::symlink("/etc", scene.at("settings")).unwrap();
        let dots = scene.at("site/../home/.ssh");
        let table: [(&Path, &str); 14] = [
            (&scene.at("home/.ssh"), "it is private"),
            (&scene.at("home/.ssh/id"), "it is private"),
            (&scene.at("home"), "holds something private"),
            (&scene.at("home/state"), "it is private"),
            (&scene.at("innocent"), "it is private"),
            (&scene.at("settings"), "belongs to the system"),
            (Path::new("/"), "belongs to the system"),
            (Path::new("/etc/hosts"), "belongs to the system"),
            (Path::new("/usr/local"), "belongs to the system"),
            (Path::new("/proc/self/mem"), "belongs to the system"),
            (
                &scene.at("site/none"),
                "name a file or folder that is there",
            ),
            (&socket, "neither a file nor a folder"),
            (&dots, "without `..`"),
            (Path::new("site"), "absolute path"),
        ];
        for (path, expected) in table {
            let spec = writing(&scene, "touch began", &[path]);
            let refusals = [
                scene.sandbox.describe(&spec).map(|_| ()),
                scene.run_spec(&spec).await.map(|_| ()),
            ];
            for refused in refusals {
                let Err(SandboxError::Refused(why)) = refused else {
                    panic!("{isolation:?}: {}: {refused:?}", path.display());
                };
                assert!(why.contains(expected), "{isolation:?}: {why}");
            }
            assert!(!scene.at("home/work/began").exists());
        }
    }
}

/// Rules and people decide on the name that they are told, which must be the one that is granted.
#[tokio::test]
async fn a_link_is_not_granted_but_where_it_leads_is_named() {
    for isolation in EVERYWHERE {
        let scene = scene(isolation);
        std::os::unix::fs::symlink(scene.at("site"), scene.at("link")).unwrap();
        for (linked, real) in [
            ("link", "site"),
            ("link/", "site"),
            ("link/index", "site/index"),
        ] {
            let spec = writing(&scene, "touch began", &[&scene.at(linked)]);
            let Err(SandboxError::Refused(why)) = scene.run_spec(&spec).await else {
                panic!("{isolation:?}: {linked} was granted");
            };
            let named = format!(
                "leads from there to `{}`; name that",
                scene.at(real).display()
            );
            assert!(why.contains(&named), "{why}");
            let spec = writing(&scene, "true", &[&scene.at(real)]);
            assert_eq!(scene.run_spec(&spec).await.unwrap().code(), 0);
        }
        assert!(!scene.at("home/work/began").exists());
    }
}

/// Between the look at a granted path and its use somebody swaps it for a link to something private.
#[test]
fn a_link_that_is_swapped_in_is_never_followed() {
    const TRIES: u32 = 25;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for isolation in EVERY_ISOLATION {
        let scene = scene(isolation);
        let (granted, aside) = (scene.at("granted"), scene.at("aside"));
        std::fs::create_dir(&granted).unwrap();
        let over = AtomicBool::new(false);
        let swap = || {
            std::fs::rename(&granted, &aside).unwrap();
            std::os::unix::fs::symlink(scene.at("home/.ssh"), &granted).unwrap();
            std::fs::remove_file(&granted).unwrap();
            std::fs::rename(&aside, &granted).unwrap();
        };
        let (began, refused) = std::thread::scope(|threads| {
            threads.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    swap();
                }
            });
            let counted = runtime.block_on(try_to_write(&scene, &granted, TRIES));
            over.store(true, Ordering::Relaxed);
            counted
        });
        assert_eq!(began + refused, TRIES, "{isolation:?}");
        let inside = std::fs::read_dir(scene.at("home/.ssh")).unwrap().count();
        assert_eq!(inside, 1, "{isolation:?}");
        assert_eq!(std::fs::read(scene.at("home/.ssh/id")).unwrap(), b"the key");
    }
}

/// How often a command began, and how often it did not.
async fn try_to_write(scene: &Scene, granted: &Path, tries: u32) -> (u32, u32) {
    let attack = format!(
        "cd {} && echo x > new; echo x > {0}/id; rm {0}/id {0}/new",
        granted.display()
    );
    let (mut began, mut refused) = (0, 0);
    for _ in 0..tries {
        match scene.run_spec(&writing(scene, &attack, &[granted])).await {
            Ok(_) => began += 1,
            Err(_) => refused += 1,
        }
    }
    (began, refused)
}

/// Records of jobs whose end is not in the journal yet outlive other commands.
#[tokio::test]
async fn records_that_are_kept_stay() {
    let scene = Scene::new(Isolation::Full);
    for key in ["job", "other"] {
        scene.run_spec(&scene.spec(key, "exit 5")).await.unwrap();
    }
    let mut spec = scene.spec("next", ":");
    spec.kept = vec![corvid_core::wire::CallKey::new("other")];
    spec.timeout = Duration::from_secs(20);
    scene.run_spec(&spec).await.unwrap();
    let begun = |key: &str| spec.record_dir.join(format!("{key}.outcome")).exists();
    assert_eq!(
        [begun("job"), begun("other"), begun("next")],
        [false, true, true]
    );
}
