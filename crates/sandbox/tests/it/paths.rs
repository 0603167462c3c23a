//! What file tools can reach through `Roots`, and what they cannot, however the links are laid.
//! Invariant: the verdict is the file's own content, on both sides of the border.
//! It must not know how paths are resolved.

use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use corvid_sandbox::paths::{Expect, Kind, PathError, Roots};
use tempfile::TempDir;

/// A working folder, and beside it what must stay out of reach.
pub(crate) struct Scene {
    base: TempDir,
    pub(crate) roots: Roots,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let base = TempDir::new().unwrap();
        let at = |name: &str| base.path().join(name);
        for folder in ["work", "work/state", "toolchain", "outside"] {
            std::fs::create_dir(at(folder)).unwrap();
        }
        std::fs::write(at("outside/secret"), "secret").unwrap();
        std::fs::write(at("work/state/journal"), "private").unwrap();
        std::fs::write(at("toolchain/tool"), "tool").unwrap();
        std::fs::write(at("work/notes"), "notes").unwrap();
        let roots = Roots::new(&at("work"), &[at("toolchain")], &[at("work/state")]).unwrap();
        Self { base, roots }
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.base.path().join(name)
    }

    fn read(&self, path: impl AsRef<Path>) -> Result<String, PathError> {
        let mut opened = self.roots.open_read(path.as_ref())?;
        let mut text = String::new();
        opened.file.read_to_string(&mut text).unwrap();
        Ok(text)
    }

    pub(crate) fn write(&self, path: impl AsRef<Path>, text: &str) -> Result<bool, PathError> {
        self.roots
            .replace(path.as_ref(), text.as_bytes(), Expect::Anything, "k")
            .map(|done| done.created)
    }
}

#[test]
fn reads_end_in_the_allow_list() {
    let scene = Scene::new();
    assert_eq!(scene.read("notes").unwrap(), "notes");
    assert_eq!(scene.read(scene.at("work/notes")).unwrap(), "notes");
    assert_eq!(scene.read(scene.at("toolchain/tool")).unwrap(), "tool");
    assert_eq!(scene.read("../toolchain/tool").unwrap(), "tool");
    scene.read("/etc/passwd").unwrap();
    for outside in ["../outside/secret", "/etc/shadow", "/proc/self/environ"] {
        assert!(
            matches!(scene.read(outside), Err(PathError::NotReadable { .. })),
            "{outside} was read"
        );
    }
    symlink(scene.at("outside/secret"), scene.at("work/link")).unwrap();
    assert!(matches!(
        scene.read("link"),
        Err(PathError::NotReadable { .. })
    ));
}

#[test]
fn private_folders_are_left_out() {
    let scene = Scene::new();
    symlink("state", scene.at("work/alias")).unwrap();
    for path in ["state/journal", "alias/journal"] {
        assert!(matches!(scene.read(path), Err(PathError::Private { .. })));
        assert!(matches!(
            scene.write(path, "x"),
            Err(PathError::Private { .. })
        ));
    }
    assert!(matches!(
        scene.write("alias/new/deep", "x"),
        Err(PathError::Private { .. })
    ));
    assert!(matches!(
        scene.write("alias/new", "x"),
        Err(PathError::Private { .. })
    ));
    assert!(!scene.at("work/state/new").exists());
    let listing = scene.roots.list(Path::new(""), 10).unwrap();
    let names: Vec<_> = listing.entries.iter().map(|entry| &entry.name).collect();
    assert_eq!(names, ["alias", "notes"]);
    assert!(matches!(
        Roots::new(&scene.at("work/state"), &[], &[scene.at("work/state")]),
        Err(PathError::PrivateFolder { .. })
    ));
}

#[test]
fn the_systems_own_folders_are_not_worked_in() {
    let own = std::env::current_dir().unwrap();
    for folder in ["/", "/proc", "/proc/self", "/sys", "/dev", "/etc", "/usr"] {
        let roots = Roots::new(Path::new(folder), &[], &[]);
        let refused = roots.expect_err(folder).to_string();
        assert!(refused.contains("in the system folder"), "{refused}");
    }
    assert!(Roots::new(&own, &[], &[]).is_ok());
}

#[test]
fn a_configured_folder_with_the_kernels_files_in_it_grants_nothing() {
    let scene = Scene::new();
    for readable in ["/", "/proc", "/proc/self"] {
        let roots = Roots::new(&scene.at("work"), &[readable.into()], &[]).unwrap();
        for path in ["/proc/self/environ", "/etc/shadow"] {
            let result = roots.open_read(Path::new(path));
            assert!(result.is_err(), "{readable}: {result:?}");
        }
        assert!(roots.open_read(&scene.at("outside/secret")).is_err());
    }
}

#[test]
fn a_private_path_that_is_not_there_yet_is_private_too() {
    let base = TempDir::new().unwrap();
    let later = base.path().join("later");
    let roots = Roots::new(base.path(), &[], std::slice::from_ref(&later)).unwrap();
    let result = roots.replace(Path::new("later/key"), b"x", Expect::Anything, "k");
    assert!(matches!(result, Err(PathError::Private { .. })));
    assert!(!later.exists());
}

#[test]
fn writes_stay_beneath() {
    let scene = Scene::new();
    symlink(scene.at("outside"), scene.at("work/out")).unwrap();
    symlink(scene.at("outside/secret"), scene.at("work/link")).unwrap();
    symlink("../../outside", scene.at("work/state/up")).unwrap();
    let absolute = scene.at("outside/new");
    for path in [
        Path::new("../outside/secret"),
        Path::new("a/../../outside/new"),
        Path::new("out/secret"),
        Path::new("out/new"),
        Path::new("out/new/deep"),
        Path::new("link"),
        Path::new("/etc/corvid-test"),
        &absolute,
    ] {
        let result = scene.write(path, "overwritten");
        assert!(
            matches!(result, Err(PathError::Outside { .. })),
            "{}: {result:?}",
            path.display()
        );
    }
    assert_eq!(
        std::fs::read_to_string(scene.at("outside/secret")).unwrap(),
        "secret"
    );
    assert_eq!(std::fs::read_dir(scene.at("outside")).unwrap().count(), 1);
}

#[test]
fn a_write_makes_folders_keeps_permissions_and_follows_links_inside() {
    let scene = Scene::new();
    assert!(scene.write("a/b/../b/c", "new").unwrap());
    assert_eq!(
        std::fs::read_to_string(scene.at("work/a/b/c")).unwrap(),
        "new"
    );
    let script = scene.at("work/script");
    std::fs::write(&script, "old").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o751)).unwrap();
    symlink("script", scene.at("work/alias")).unwrap();
    assert!(!scene.write("alias", "changed").unwrap());
    assert_eq!(std::fs::read_to_string(&script).unwrap(), "changed");
    assert_eq!(
        std::fs::metadata(&script).unwrap().permissions().mode() & 0o777,
        0o751
    );
    assert!(scene.at("work/alias").is_symlink());
    let leftovers = std::fs::read_dir(scene.at("work"))
        .unwrap()
        .filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_string_lossy().ends_with(".tmp")
        })
        .count();
    assert_eq!(leftovers, 0);
}

#[test]
fn a_replacement_happens_only_as_expected() {
    let scene = Scene::new();
    let path = Path::new("notes");
    let replace = |content: &[u8], expect| scene.roots.replace(path, content, expect, "k");
    let absent = replace(b"x", Expect::Absent);
    assert!(matches!(absent, Err(PathError::Exists { .. })));
    std::fs::write(scene.at("work/notes"), "other").unwrap();
    for stale in [&b"notes"[..], b"othe", b"other "] {
        let stale = replace(b"x", Expect::Content(stale));
        assert!(matches!(stale, Err(PathError::Changed { .. })));
    }
    assert_eq!(scene.read(path).unwrap(), "other");
    replace(b"ours", Expect::Content(b"other")).unwrap();
    assert_eq!(scene.read(path).unwrap(), "ours");
    assert!(
        scene
            .roots
            .open_own(Path::new("none/at/all"))
            .unwrap()
            .is_none()
    );
    let gone = scene
        .roots
        .replace(Path::new("none"), b"x", Expect::Content(b""), "k");
    assert!(matches!(gone, Err(PathError::Changed { .. })));
    assert!(!scene.at("work/.corvid-k.tmp").exists());
}

#[test]
fn a_file_that_is_saved_meanwhile_stays() {
    let scene = Scene::new();
    let save = |name: &str, text: &str| {
        std::fs::write(scene.at(name), text).unwrap();
        std::fs::rename(scene.at(name), scene.at("work/notes")).unwrap();
    };
    // While the new content is written an editor saves: the write must not win unless it is later.
    let large = vec![b'x'; 64 << 20];
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let seen = scope.spawn(|| {
            while !scene.at("work/.corvid-k.tmp").exists() && !over.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            save("work/saved", "theirs");
        });
        let result =
            scene
                .roots
                .replace(Path::new("notes"), &large, Expect::Content(b"notes"), "k");
        over.store(true, Ordering::Relaxed);
        seen.join().unwrap();
        assert!(
            matches!(result, Err(PathError::Changed { .. })),
            "{result:?}"
        );
    });
    assert_eq!(scene.read("notes").unwrap(), "theirs");
}

#[test]
fn what_a_killed_replacement_left_behind_is_found_by_its_key() {
    let scene = Scene::new();
    let left = scene.at("work/folder/.corvid-k.tmp");
    std::fs::create_dir(scene.at("work/folder")).unwrap();
    std::fs::write(&left, "half").unwrap();
    std::fs::write(scene.at("work/folder/file"), "whole").unwrap();
    symlink("folder/file", scene.at("work/link")).unwrap();
    scene.roots.discard(Path::new("link"), "other").unwrap();
    assert!(left.exists());
    scene.roots.discard(Path::new("link"), "k").unwrap();
    assert!(!left.exists());
    scene.roots.discard(Path::new("no/such"), "k").unwrap();
    let outside = scene.roots.discard(Path::new("../outside/x"), "k");
    assert!(matches!(outside, Err(PathError::Outside { .. })));
}

#[test]
fn pipes_and_devices_neither_hang_nor_open() {
    let scene = Scene::new();
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        scene.at("work/pipe"),
        rustix::fs::Mode::RWXU,
    )
    .unwrap();
    for result in [
        scene.read("pipe").map(drop),
        scene.write("pipe", "x").map(drop),
        scene.roots.open_own(Path::new("pipe")).map(drop),
    ] {
        assert!(matches!(
            result,
            Err(PathError::NotAFile {
                kind: Kind::Other,
                ..
            })
        ));
    }
    assert!(matches!(
        scene.read("."),
        Err(PathError::NotAFile {
            kind: Kind::Folder,
            ..
        })
    ));
    assert!(matches!(
        scene.roots.list(Path::new("notes"), 1),
        Err(PathError::NotAFolder { .. })
    ));
    assert!(matches!(
        scene.write("notes/below", "x"),
        Err(PathError::NotAFolder { .. })
    ));
}

#[test]
fn a_listing_is_sorted_and_bounded() {
    let scene = Scene::new();
    for number in 0..50 {
        std::fs::write(scene.at("toolchain").join(format!("{number:02}")), "1234").unwrap();
    }
    let listing = scene.roots.list(&scene.at("toolchain"), 3).unwrap();
    assert_eq!(listing.total, 51);
    let seen: Vec<_> = listing
        .entries
        .iter()
        .map(|entry| (entry.name.to_string_lossy(), entry.kind, entry.len))
        .collect();
    assert_eq!(
        seen,
        [
            ("00".into(), Kind::File, 4),
            ("01".into(), Kind::File, 4),
            ("02".into(), Kind::File, 4)
        ]
    );
}
