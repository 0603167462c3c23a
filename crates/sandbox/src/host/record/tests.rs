//! Records under their locks, as far as a command came.
//! Invariant: every claim is read back from the disk.
//! It must not know commands.

use std::time::{Duration, Instant};

use corvid_core::CommandEnding;

use super::*;

const END: CommandEnd = CommandEnd {
    ending: CommandEnding::Exited { code: 3 },
    kept_bytes: 1,
    total_bytes: 2,
    duration_ms: 4,
};

#[test]
fn a_record_tells_how_far_it_came() {
    let dir = tempfile::tempdir().unwrap();
    let record = Record::new(dir.path(), "k");
    assert_eq!(
        record.try_hold().unwrap_err().kind(),
        io::ErrorKind::NotFound
    );
    let mut held = record.hold().unwrap();
    assert!(record.try_hold().unwrap().is_none());
    assert_eq!(record.tell(&mut held), CommandRecord::NotStarted);
    let pending = record.begin(&mut held).unwrap();
    assert!(matches!(
        record.tell(&mut held),
        CommandRecord::Unknown(why) if why.contains("was killed")
    ));
    pending.conclude(&END).unwrap();
    assert_eq!(record.tell(&mut held), CommandRecord::Ended(END));
    let pending = record.begin(&mut held).unwrap();
    assert_eq!(record.outcome(), None);
    held.unmark().unwrap();
    pending.conclude(&END).unwrap();
    assert_eq!(record.tell(&mut held), CommandRecord::NotStarted);
    record.remove().unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// Somebody forgets a record just as its command begins.
#[test]
fn a_lock_that_was_removed_meanwhile_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let record = Record::new(dir.path(), "k");
    let first = record.hold().unwrap();
    std::thread::scope(|threads| {
        let waiting = threads.spawn(|| record.hold().unwrap());
        let mine = std::fs::metadata(&record.lock).unwrap().ino();
        let waits = || {
            let locks = std::fs::read_to_string("/proc/locks").unwrap_or_default();
            let mut lines = locks.lines().filter(|line| line.contains("-> FLOCK"));
            lines.any(|line| line.contains(&format!(":{mine} ")))
        };
        let begun = Instant::now();
        while cfg!(target_os = "linux") && !waits() {
            assert!(begun.elapsed() < Duration::from_mins(1), "nobody waits");
            std::thread::yield_now();
        }
        record.remove().unwrap();
        drop(first);
        let held = waiting.join().unwrap();
        assert!(record.is_named(&held.file).unwrap());
        assert!(record.try_hold().unwrap().is_none());
    });
}

#[test]
fn the_longest_outcome_has_room() {
    let longest = CommandEnd {
        ending: CommandEnding::Signaled { signal: i32::MIN },
        kept_bytes: u64::MAX,
        total_bytes: u64::MAX,
        duration_ms: u64::MAX,
    };
    let length = serde_json::to_vec(&longest).unwrap().len();
    assert!(length < usize::try_from(OUTCOME_BYTES).unwrap(), "{length}");
}

#[test]
fn another_boot_means_power_loss() {
    let dir = tempfile::tempdir().unwrap();
    let record = Record::new(dir.path(), "k");
    let mut held = record.hold().unwrap();
    held.file.write_all(b"another boot").unwrap();
    assert!(matches!(
        record.tell(&mut held),
        CommandRecord::Unknown(why) if why.contains("went down")
    ));
}
