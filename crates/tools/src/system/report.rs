//! How a command's end is told to the model.
//! Invariant: the first line says how it ended; what follows is the command's own output.
//! It must not know where the output was read from.

use std::time::Duration;

use corvid_core::{CommandEnd, CommandEnding};

/// Signals by name, where a name says more than the number.
const SIGNALS: &[(i32, &str)] = &[
    (1, "SIGHUP"),
    (2, "SIGINT"),
    (3, "SIGQUIT"),
    (4, "SIGILL"),
    (6, "SIGABRT"),
    (7, "SIGBUS"),
    (8, "SIGFPE"),
    (9, "SIGKILL"),
    (11, "SIGSEGV"),
    (13, "SIGPIPE"),
    (15, "SIGTERM"),
    (24, "SIGXCPU"),
    (25, "SIGXFSZ"),
    (31, "SIGSYS"),
];

/// The longest times that a call may ask for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Most {
    /// Within its turn.
    pub(super) waited: Duration,
    /// In the background.
    pub(super) beside: Duration,
}

/// The whole text of a command's outcome; `away` says of hosts that it wanted why it did not get them.
pub(super) fn text(end: &CommandEnd, most: Most, away: &[String], output: &str) -> String {
    let mut text = ending(end, most);
    for why in away {
        text.extend(["\n[turned away: ", why, "]"]);
    }
    let output = if output.is_empty() {
        "(no output)"
    } else {
        output
    };
    text.extend(["\n", output]);
    text
}

/// One line: how the command ended, and what is missing from its output.
pub(super) fn ending(end: &CommandEnd, most: Most) -> String {
    let (how, more) = match end.ending {
        CommandEnding::Exited { code } => (format!("exit code {code}"), String::new()),
        CommandEnding::Signaled { signal } => {
            let name = SIGNALS.iter().find(|(number, _)| *number == signal);
            let name = name.map_or_else(String::new, |(_, name)| format!(" ({name})"));
            (format!("killed by signal {signal}{name}"), String::new())
        }
        CommandEnding::TimedOut => {
            let (waited, beside) = (most.waited.as_secs(), most.beside.as_secs());
            let more = format!(
                "; killed with all its processes; `timeout_secs` may be up to {waited}, with `background` up to \
                 {beside}"
            );
            ("timed out".to_owned(), more)
        }
        CommandEnding::Stopped => {
            let more = "; killed with all its processes; what it had done by then stays done";
            ("stopped before its end".to_owned(), more.to_owned())
        }
    };
    let time = Duration::from_millis(end.duration_ms).as_secs_f64();
    let after = if end.duration_ms < 1_000 {
        String::new()
    } else {
        format!(", after {time:.1} s")
    };
    let lost = if end.kept_bytes < end.total_bytes {
        format!(
            "; it wrote {} bytes, of which {} were kept",
            end.total_bytes, end.kept_bytes
        )
    } else {
        String::new()
    };
    format!("{how}{after}{more}{lost}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ending: CommandEnding, duration_ms: u64, total_bytes: u64, expect: &str) {
        let end = CommandEnd {
            ending,
            kept_bytes: 10,
            total_bytes,
            duration_ms,
        };
        let most = Most {
            waited: Duration::from_mins(5),
            beside: Duration::from_hours(24),
        };
        assert_eq!(super::ending(&end, most), expect);
    }

    #[test]
    fn the_first_line_tells_the_end_precisely() {
        check(CommandEnding::Exited { code: 0 }, 999, 10, "exit code 0");
        check(
            CommandEnding::Exited { code: 101 },
            1_234,
            10,
            "exit code 101, after 1.2 s",
        );
        check(
            CommandEnding::Signaled { signal: 9 },
            1,
            10,
            "killed by signal 9 (SIGKILL)",
        );
        check(
            CommandEnding::Signaled { signal: 64 },
            1,
            10,
            "killed by signal 64",
        );
        check(
            CommandEnding::TimedOut,
            30_000,
            10,
            "timed out, after 30.0 s; killed with all its processes; `timeout_secs` may be up to 300, with \
             `background` up to 86400",
        );
        check(
            CommandEnding::Stopped,
            5,
            300,
            "stopped before its end; killed with all its processes; what it had done by then stays done; \
             it wrote 300 bytes, of which 10 were kept",
        );
    }
}
