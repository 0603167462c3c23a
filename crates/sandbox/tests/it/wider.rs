//! Grants to write beyond the working folder: what they give, what they never give, and what they are bound to.
//! Invariant: whatever a grant names, nothing private and nothing of the system's is written.
//! It must not know how a grant is enforced.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use corvid_core::{CommandSpec, Sandbox as _, SandboxError, Wider};
use corvid_sandbox::Isolation;
use serde_json::Value;

use crate::scene::{EVERY_ISOLATION, EVERYWHERE, Scene};

fn scene(isolation: Isolation) -> Scene {
    let scene = Scene::new(isolation);
    std::fs::create_dir_all(scene.at("site/pages")).unwrap();
    std::fs::write(scene.at("site/index"), "old").unwrap();
    std::fs::write(scene.at("log"), "").unwrap();
    scene
}

fn writing(scene: &Scene, command: &str, writes: &[&Path]) -> CommandSpec {
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

fn binding(scene: &Scene, adjust: impl FnOnce(&mut CommandSpec)) -> Value {
    let mut spec = writing(scene, "make publish", &[&scene.at("site")]);
    adjust(&mut spec);
    scene.sandbox.describe(&spec).unwrap().binding
}

#[test]
fn a_binding_is_that_of_exactly_this_run() {
    let scene = scene(Isolation::WithoutNamespaces);
    let first = binding(&scene, |_| ());
    let wider = |adjust: fn(&Scene, &mut Wider)| {
        binding(&scene, |spec| {
            adjust(&scene, spec.wider.get_or_insert_default());
        })
    };
    // What does not change what runs.
    assert_eq!(
        first,
        binding(&scene, |spec| spec.key =
            corvid_core::wire::CallKey::new("another"))
    );
    assert_eq!(
        first,
        binding(&scene, |spec| spec.working_dir =
            scene.at("home/../home/work"))
    );
    assert_eq!(
        first,
        wider(|_, wider| wider.reason = "another reason".to_owned())
    );
    // What does.
    let others = [
        binding(&scene, |spec| spec.command.push(' ')),
        binding(&scene, |spec| spec.working_dir = scene.at("site")),
        wider(|scene, wider| wider.writes.push(scene.at("log").display().to_string())),
        wider(|_, wider| wider.writes.clear()),
        wider(|_, wider| wider.hosts.push("example.org".to_owned())),
        wider(|_, wider| wider.hosts.push("example.org:8443".to_owned())),
    ];
    for (index, other) in others.iter().enumerate() {
        assert_ne!(&first, other, "{index}");
        assert!(!others[..index].contains(other), "{index}");
    }
    // A link that leads elsewhere by now.
    let link = scene.at("link");
    let through = |to: &str| {
        std::os::unix::fs::symlink(scene.at(to), &link).unwrap();
        let bound = binding(&scene, |spec| {
            *spec = writing(&scene, "make publish", &[&link]);
        });
        std::fs::remove_file(&link).unwrap();
        bound
    };
    assert_eq!(through("site"), first);
    assert_ne!(through("site/pages"), first);
}

#[test]
fn another_environment_is_another_binding() {
    let with = |value: &str| {
        let scene = Scene::with(|config| {
            config.variables = vec!["CARGO_HOME".to_owned()];
            config
                .environment
                .push(("CARGO_HOME".to_owned(), value.to_owned()));
        });
        let bound = scene
            .sandbox
            .describe(&scene.spec("call", "make"))
            .unwrap()
            .binding;
        bound["environment"].clone()
    };
    assert_eq!(with("/opt/one"), with("/opt/one"));
    assert_ne!(with("/opt/one"), with("/opt/two"));
}

#[test]
fn a_card_says_what_is_granted_and_how_far_it_holds() {
    for isolation in EVERYWHERE {
        let scene = scene(isolation);
        let mut spec = writing(&scene, "make", &[&scene.at("site"), &scene.at("log")]);
        spec.wider.get_or_insert_default().hosts =
            vec!["Example.org".to_owned(), "*.example.net:8443".to_owned()];
        let facts = scene.sandbox.describe(&spec).unwrap().facts;
        let fact = |wanted: &str| {
            facts
                .iter()
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.as_str())
        };
        let writes = format!(
            "{}, {} and all in it",
            scene.at("log").display(),
            scene.at("site").display()
        );
        assert_eq!(fact("writes"), Some(writes.as_str()), "{isolation:?}");
        let network = match isolation {
            Isolation::Full => Some("the only way out"),
            Isolation::WithoutNamespaces | Isolation::WithoutScopes => {
                Some("this system has no namespaces")
            }
            Isolation::WithoutLandlock | Isolation::Nothing => None,
        };
        match (fact("network"), network) {
            (Some(said), Some(expected)) => {
                assert!(
                    said.starts_with("example.org, *.example.net:8443; "),
                    "{said}"
                );
                assert!(said.contains(expected), "{said}");
            }
            (said, expected) => assert_eq!(said, expected, "{isolation:?}"),
        }
    }
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
