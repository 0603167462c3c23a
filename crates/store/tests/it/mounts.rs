//! File systems of a few megabytes, mounted for one test.
//! Invariant: a mount goes with its test, whatever became of it.
//! It must not know what is kept on it.

use std::ffi::CString;
use std::io::Write as _;
use std::path::PathBuf;

use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};
use tempfile::TempDir;

/// A small file system in memory.
pub(crate) struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Mounts one of that many bytes. None where this user may not mount, which is an error under `CI=true`.
    #[expect(
        clippy::disallowed_methods,
        reason = "whether a test may be left out depends on who runs it"
    )]
    pub(crate) fn mount(bytes: u64) -> Option<Self> {
        let folder = TempDir::new().ok()?;
        let size = CString::new(format!("size={bytes}")).ok()?;
        let mounted = mount("none", folder.path(), "tmpfs", MountFlags::empty(), &*size);
        match mounted {
            Ok(()) => Some(Self { folder }),
            Err(error) => {
                let strict = std::env::var("CI").is_ok_and(|value| value == "true");
                assert!(
                    !strict,
                    "a test must mount a tmpfs and cannot: {error}; run it as root"
                );
                let told = writeln!(
                    std::io::stderr(),
                    "left out: mounting a tmpfs needs root ({error})"
                );
                assert!(told.is_ok());
                None
            }
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Lets nothing be written any more.
    pub(crate) fn make_read_only(&self) {
        loop {
            match mount_remount(self.folder.path(), MountFlags::RDONLY, "") {
                // A connection that was dropped closes its file on its own thread.
                Err(rustix::io::Errno::BUSY) => std::thread::yield_now(),
                remounted => return assert_eq!(remounted, Ok(())),
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Detached rather than refused where a test that failed left files open.
        if let Err(error) = unmount(self.folder.path(), UnmountFlags::DETACH) {
            tracing::warn!(%error, "a test's file system stays mounted");
        }
    }
}
