//! `agent sessions diff`: what a turn changed in files, as a unified diff.
//! Invariant: pure but for reading what was kept; what cannot be shown is said to be so.
//! It must not know how files are kept.

use console::Style;
use corvid_channels::terminal::Look;
use corvid_channels::{inert, inert_line};
use corvid_core::wire::SessionId;
use corvid_tools::checkpoint::{Checkpoints, DiffBody, DiffKind, FileDiff};

use crate::commands::undo::last;

/// What a turn of the session changed (the last that changed something, if none is named), for a screen of that
/// look or for a pipe.
///
/// # Errors
/// If there is no such turn, or the checkpoints cannot be read.
pub(super) fn diff(
    checkpoints: &Checkpoints,
    session: &SessionId,
    turn: Option<u32>,
    look: Option<Look>,
) -> anyhow::Result<String> {
    let turn = match turn {
        Some(turn) => turn,
        None => last(checkpoints, session, |_| true)?,
    };
    let changes = checkpoints.diff(session, turn)?;
    let style = Style::new().force_styling(look.is_some_and(|look| look.color));
    let paint = Paint { style };
    Ok(changes.iter().map(|change| paint.file(change)).collect())
}

struct Paint {
    style: Style,
}

impl Paint {
    fn file(&self, change: &FileDiff) -> String {
        let path = inert_line(&change.path);
        let what = match change.kind {
            DiffKind::Made => "made",
            DiffKind::Removed => "removed",
            DiffKind::Changed => "changed",
        };
        let mode = change.modes.map_or(String::new(), |(before, after)| {
            format!(", mode {before:o} to {after:o}")
        });
        let heading = format!("{what} {path}{mode}");
        let heading = self.style.clone().bold().apply_to(heading);
        let body = match &change.body {
            DiffBody::Text(text) => self.lines(text),
            DiffBody::Binary(before, after) => {
                format!("  no text: {before} bytes before, {after} bytes after\n")
            }
            DiffBody::Unknown(why) => format!("  {}\n", inert_line(why)),
        };
        format!("{heading}\n{body}")
    }

    fn lines(&self, text: &str) -> String {
        let text = inert(text);
        let lines = text.lines().map(|line| {
            let style = match line.as_bytes().first() {
                Some(b'+') => self.style.clone().green(),
                Some(b'-') => self.style.clone().red(),
                Some(b'@') => self.style.clone().cyan(),
                _ => self.style.clone(),
            };
            format!("{}\n", style.apply_to(line))
        });
        lines.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_reads_as_a_diff() {
        let change = FileDiff {
            path: "a.txt".to_owned(),
            kind: DiffKind::Changed,
            modes: Some((0o644, 0o755)),
            body: DiffBody::Text("@@ -1 +1 @@\n-a\n+b\n c\n".to_owned()),
        };
        let check = |color: bool, expect: &str| {
            let paint = Paint {
                style: Style::new().force_styling(color),
            };
            assert_eq!(paint.file(&change), expect);
        };
        check(
            false,
            "changed a.txt, mode 644 to 755\n@@ -1 +1 @@\n-a\n+b\n c\n",
        );
        check(
            true,
            "\u{1b}[1mchanged a.txt, mode 644 to 755\u{1b}[0m\n\u{1b}[36m@@ -1 +1 @@\u{1b}[0m\n\
             \u{1b}[31m-a\u{1b}[0m\n\u{1b}[32m+b\u{1b}[0m\n c\n",
        );
    }
}
