//! What an approval of a command binds itself to, and what its card says.
//! Invariant: whatever changes what runs changes the binding, and nothing else does.
//! It must not know who is asked.

use corvid_core::{CommandSpec, Sandbox as _, Wider};
use corvid_sandbox::Isolation;
use serde_json::Value;

use crate::scene::{EVERYWHERE, Scene};
use crate::wider::{scene, writing};

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
            "{}, {} and all in it; it can read and run what is there, too",
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
