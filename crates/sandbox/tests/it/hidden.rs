//! Working folders that contain something private, like a home folder.
//! Invariant: what is private there is hidden where that can be done, and else said to be open.
//! It must not know how something is hidden.

use corvid_core::{CommandSpec, Sandbox as _};
use corvid_sandbox::Isolation;

use crate::scene::{EVERY_ISOLATION, Scene};

fn home(isolation: Isolation) -> Scene {
    Scene::with(|config| {
        config.isolation = isolation;
        let netrc = config.private[0].with_file_name(".netrc");
        std::fs::write(&netrc, "the login").unwrap();
        config.private.push(netrc);
        config
            .private
            .push(config.private[0].with_file_name(".not-there"));
    })
}

fn in_home(scene: &Scene, command: &str) -> CommandSpec {
    let mut spec = scene.spec("call", command);
    spec.working_dir = scene.at("home");
    spec.wider = scene.allowed(&spec.working_dir);
    spec
}

#[tokio::test]
async fn what_is_private_is_hidden_where_there_are_namespaces() {
    let scene = home(Isolation::Full);
    if !scene.has_namespaces().await {
        return;
    }
    let before = scene.everything_outside();
    let spec = in_home(
        &scene,
        "ls .ssh; cat .netrc; ls state; cat notes; echo; echo x > .ssh/new; echo x > .netrc; rm -rf .ssh .netrc; mv .ssh away; \
         chmod 777 .ssh .netrc; ln .netrc linked && cat linked; mkdir made && echo x > $TMPDIR/f && cat $TMPDIR/f; rmdir made",
    );
    let ran = scene.run_spec(&spec).await.unwrap();
    let printed: Vec<_> = ran
        .output
        .lines()
        .filter(|line| !line.contains(": "))
        .collect();
    // What leads to the temp folder is all that is seen of Corvid's own.
    assert_eq!(printed, ["records", "notes", "x"], "{}", ran.output);
    let after = scene.everything_outside();
    for (path, content) in &before {
        assert_eq!(after.get(path), Some(content), "{}", path.display());
    }
    let facts = scene.sandbox.describe(&spec).unwrap().facts;
    let value = |wanted: &str| {
        facts
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value)
    };
    assert!(
        value("not enforced")
            .unwrap()
            .contains("hidden from commands"),
        "{facts:?}"
    );
    let hidden = value("hidden").unwrap();
    assert!(
        hidden.contains(".ssh and all in it") && hidden.contains(".netrc"),
        "{hidden}"
    );
    assert!(!hidden.contains(".not-there"), "{hidden}");
}

#[tokio::test]
async fn where_it_cannot_be_hidden_that_is_said() {
    for isolation in EVERY_ISOLATION {
        if isolation == Isolation::Full {
            continue;
        }
        let scene = home(isolation);
        let spec = in_home(&scene, "cat .netrc .ssh/id");
        let facts = scene.sandbox.describe(&spec).unwrap().facts;
        let said = facts
            .iter()
            .any(|(name, value)| name == "private but open" && value.contains(".ssh"));
        assert!(said, "{facts:?}");
        let ran = scene.run_spec(&spec).await.unwrap();
        assert_eq!(ran.output, "the loginthe key", "{isolation:?}");
    }
}
