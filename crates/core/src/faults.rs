//! Named crash points and seeded defects, by which the crash suite proves what the journal promises.
//! Invariant: without the feature `faults` both are empty and leave nothing in the binary.
//! It must not know what stands around a point.
//!
//! With the feature, `CORVID_CRASH=point:n` kills the process (SIGKILL, as `kill -9`) at the n-th hit of
//! that point, `CORVID_CRASH_LEDGER=file` gets a line for every hit, and `CORVID_DEFECT=name` seeds a defect.

/// Every crash point, `place.moment`. A name that is not listed here cannot be hit.
#[cfg(feature = "faults")]
pub const POINTS: &[&str] = &[
    "admit.before_commit",
    "admit.after_commit",
    "inbox.before_commit",
    "inbox.after_commit",
    "poll.before_confirm",
    "notice.before_commit",
    "notice.after_commit",
    "press.before_commit",
    "press.after_commit",
    "store.before_commit",
    "store.after_commit",
    "model.before_call",
    "model.after_call",
    "tool.before_run",
    "tool.after_run",
    "question.before_show",
    "question.after_answer",
    "answer.before_commit",
    "answer.after_commit",
    "checkpoint.before_keep",
    "checkpoint.after_keep",
    "job.before_start",
    "job.after_start",
    "job.before_end",
    "job.after_end",
    "reply.before_commit",
    "reply.after_commit",
    "post.before_placeholder",
    "post.after_placeholder",
    "post.after_mark",
    "post.after_edit",
    "delivery.before_send",
    "delivery.after_send",
    "delivery.after_sent",
];

/// Every defect that can be seeded, each of which the crash suite must catch by name.
#[cfg(feature = "faults")]
pub const DEFECTS: &[&str] = &[
    "acknowledge-before-commit",
    "skip-epoch-check",
    "drop-delivery-swap",
    "rerun-unsafe-call",
    "append-without-head",
    "answer-twice",
    "skip-binding-check",
    "admit-job-twice",
    "confirm-before-commit",
    "post-without-mark",
    "drop-update-key",
];

/// Marks a place where a crash must lose nothing.
#[cfg(not(feature = "faults"))]
#[inline]
pub fn crash_point(_name: &'static str) {}

/// Whether a defect is seeded; never in a release.
#[cfg(not(feature = "faults"))]
#[inline]
pub fn defect(_name: &'static str) -> bool {
    false
}

#[cfg(feature = "faults")]
pub use enabled::{crash_point, defect};

#[cfg(feature = "faults")]
mod enabled {
    use std::io::Write as _;
    use std::sync::Mutex;
    use std::sync::OnceLock;

    use super::{DEFECTS, POINTS};

    struct Plan {
        point: String,
        left: Mutex<u32>,
    }

    /// Marks a place where a crash must lose nothing, and crashes there if told to.
    ///
    /// # Panics
    /// If the point is not listed in [`POINTS`].
    pub fn crash_point(name: &'static str) {
        assert!(POINTS.contains(&name), "`{name}` is not a listed point");
        record(name);
        let Some(plan) = plan() else { return };
        if plan.point != name {
            return;
        }
        let mut left = plan
            .left
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *left = left.saturating_sub(1);
        if *left == 0 {
            die();
        }
    }

    /// Whether this defect is seeded.
    ///
    /// # Panics
    /// If the defect is not listed in [`DEFECTS`].
    pub fn defect(name: &'static str) -> bool {
        static SEEDED: OnceLock<Option<String>> = OnceLock::new();
        assert!(DEFECTS.contains(&name), "`{name}` is not a listed defect");
        SEEDED.get_or_init(|| variable("CORVID_DEFECT")).as_deref() == Some(name)
    }

    fn plan() -> Option<&'static Plan> {
        static PLAN: OnceLock<Option<Plan>> = OnceLock::new();
        PLAN.get_or_init(|| {
            let text = variable("CORVID_CRASH")?;
            let (point, hit) = text.split_once(':')?;
            Some(Plan {
                point: point.to_owned(),
                left: Mutex::new(hit.parse().ok()?),
            })
        })
        .as_ref()
    }

    fn record(name: &str) {
        static LEDGER: OnceLock<Option<String>> = OnceLock::new();
        let Some(path) = LEDGER.get_or_init(|| variable("CORVID_CRASH_LEDGER")) else {
            return;
        };
        // A line below the pipe buffer's size is appended whole, whoever else writes.
        let line = format!("{name}\n");
        let written = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .and_then(|mut file| file.write_all(line.as_bytes()));
        assert!(written.is_ok(), "the crash ledger cannot be written");
    }

    fn die() -> ! {
        loop {
            let me = rustix::process::getpid();
            if rustix::process::kill_process(me, rustix::process::Signal::KILL).is_err() {
                std::process::abort();
            }
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the harness speaks to the process under test through its environment"
    )]
    fn variable(name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}
