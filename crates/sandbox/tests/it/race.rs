//! A link swapped while files are written.
//! Invariant: the very same race is won against a write that looks first, so it proves something.
//! It must not know how a path is resolved.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::paths::Scene;

/// SECURITY, "a link swapped 10,000 times": without the sandbox the same race does get out.
#[test]
fn a_link_swapped_during_writes_never_leads_out() {
    const SWAPS: usize = 10_000;
    let scene = Scene::new();
    let folder = scene.at("work/folder");
    let spare = scene.at("work/spare");
    std::fs::create_dir(&folder).unwrap();
    symlink(scene.at("outside"), &spare).unwrap();
    let escaped = |name| scene.at("outside").join(name).exists();
    let done = AtomicBool::new(false);
    let swaps = AtomicUsize::new(0);
    let mut written = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                rustix::fs::renameat_with(
                    rustix::fs::CWD,
                    &folder,
                    rustix::fs::CWD,
                    &spare,
                    rustix::fs::RenameFlags::EXCHANGE,
                )
                .unwrap();
                swaps.fetch_add(1, Ordering::Relaxed);
            }
        });
        // Until the race was won often enough to prove something; nextest ends a race that cannot be won.
        while swaps.load(Ordering::Relaxed) < SWAPS || written < SWAPS / 50 || !escaped("naive") {
            careless_write(&folder, scene.roots.working_dir());
            if scene.write("folder/beneath", "x").is_ok() {
                written += 1;
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    let mut outside: Vec<_> = std::fs::read_dir(scene.at("outside"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    outside.sort();
    assert_eq!(outside, ["naive", "secret"]);
}

/// The look and then the write of a tool that trusts names.
fn careless_write(folder: &Path, working_dir: &Path) {
    let inside = folder
        .canonicalize()
        .is_ok_and(|real| real.starts_with(working_dir));
    // On a single core nothing is swapped between the two unless it gets its turn there.
    std::thread::yield_now();
    if inside && let Err(error) = std::fs::write(folder.join("naive"), "x") {
        assert_ne!(error.kind(), std::io::ErrorKind::PermissionDenied);
    }
}
