//! A disk that is full when a job ends.
//! Invariant: the end is told as soon as there is space, without the job's being run again.
//! It must not know how the store finds out.

use std::ffi::CString;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use corvid_core::Jobs as _;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use tokio_util::sync::CancellationToken;

use super::world::{Did, World};
use super::{Process, home};

/// A small file system in memory, for one test.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    /// Mounts one of a megabyte. None where this user may not mount, which is an error under `CI=true`.
    #[expect(
        clippy::disallowed_methods,
        reason = "whether a test may be left out depends on who runs it"
    )]
    fn mount(folder: &'a Path) -> Option<Self> {
        let size = CString::new("size=1m").ok()?;
        match mount("none", folder, "tmpfs", MountFlags::empty(), &*size) {
            Ok(()) => Some(Self(folder)),
            Err(error) => {
                let strict = std::env::var("CI").is_ok_and(|value| value == "true");
                assert!(
                    !strict,
                    "a test must mount a tmpfs and cannot: {error}; run it as root"
                );
                None
            }
        }
    }

    /// Leaves no byte free.
    fn fill(&self) {
        let mut filler = File::create(self.0.join("filler")).expect("a file");
        while filler.write_all(&[0; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        std::fs::remove_file(self.0.join("filler")).expect("the file goes");
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        // Detached rather than refused where a test that failed left files open.
        if let Err(error) = unmount(self.0, UnmountFlags::DETACH) {
            tracing::warn!(%error, "a test's file system stays mounted");
        }
    }
}

#[tokio::test]
async fn an_end_is_told_once_there_is_space() {
    let (home, world) = (home(), World::default());
    let Some(disk) = SmallDisk::mount(home.path()) else {
        return;
    };
    let process = Process::start(home.path(), &world).await;
    let session = process.open("s").await;
    let may_end = CancellationToken::new();
    let job = world.job(&session, 0, may_end.clone());
    process.desk.adopt(job).await.expect("a new job");
    process.until(&world, 0, Did::Begin).await;
    disk.fill();
    may_end.cancel();
    // Refused again and again, with longer pauses.
    for pause in [100, 200, 400] {
        let due = process.clock.next_wait().await;
        assert_eq!(due, corvid_core::Clock::now(&*process.clock) + pause);
        assert_eq!(process.told(&session).await.ended.len(), 0);
        process.clock.set(due);
    }
    process.clock.next_wait().await;
    disk.make_room();
    process.clock.advance(800);
    assert!(process.desk.next_ended().await.is_some());
    let told = process.told(&session).await;
    assert_eq!((told.ended.len(), told.said.len()), (1, 1));
    process.shut_down().await;
}
