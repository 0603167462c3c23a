//! What is asked: the text after `-e`, and standard input where it is not a terminal.
//! Invariant: it is text and not too long, or nothing is asked at all.
//! It must not know who answers.

use std::io::{IsTerminal as _, Read, Write as _};

use anyhow::{Context as _, bail};
use corvid_core::wire::Part;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::args::Run;
use crate::exit::{Exit, Refused};
use crate::output::say;

/// The longest message, in bytes: about four times what a large context window holds.
const LONGEST: usize = 1024 * 1024;

/// The message that takes back what the last turn changed.
const UNDO: &str = "/undo";

/// How long standard input may be silent before the person is told what is waited for, in seconds.
const SILENCE_SECS: i64 = 3;

/// The parts of the message: the text, then what standard input held; whatever is empty is left out.
///
/// # Errors
/// If standard input cannot be read, is no text, or is too long, or if nothing is asked.
pub(super) fn parts(text: Option<&str>) -> anyhow::Result<Vec<Part>> {
    let text = text.unwrap_or("");
    let mut input = String::new();
    if !std::io::stdin().is_terminal() {
        tell_if_silent();
        let room = LONGEST.saturating_sub(text.len());
        input = read(&mut std::io::stdin().lock(), room)?;
    }
    let said = [text, &input]
        .into_iter()
        .filter(|said| !said.trim().is_empty());
    let parts: Vec<Part> = said.map(Part::text).collect();
    if parts.is_empty() {
        let text =
            "nothing is asked; say what with `-e`, e.g. agent run -e \"what's in this folder?\"";
        return Err(Refused::new(Exit::Usage, text).into());
    }
    Ok(parts)
}

/// Whether the message is the one that takes the last turn back. Standard input is then read too.
///
/// # Errors
/// If something else is said beside it.
pub(super) fn is_undo(text: Option<&str>) -> anyhow::Result<bool> {
    if text.is_none_or(|text| text.trim() != UNDO) {
        return Ok(false);
    }
    match parts(text)?.as_slice() {
        [_] => Ok(true),
        _ => Err(Refused::new(
            Exit::Usage,
            format!("`{UNDO}` takes nothing beside it; leave standard input empty"),
        )
        .into()),
    }
}

/// The usual slips: no `-e`, or no quotes around what follows it.
pub(super) fn stray(arguments: &Run) -> Option<String> {
    if arguments.stray.is_empty() {
        return None;
    }
    let said: Vec<&str> = arguments
        .text
        .iter()
        .chain(&arguments.stray)
        .map(String::as_str)
        .collect();
    let said = said.join(" ").replace('"', "\\\"");
    Some(format!(
        "the message goes after `-e`, in quotes: agent run -e \"{said}\""
    ))
}

/// Reads text to its end, at most `room` bytes.
fn read(input: &mut impl Read, room: usize) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(room).unwrap_or(u64::MAX).saturating_add(1);
    input
        .take(limit)
        .read_to_end(&mut bytes)
        .context("standard input cannot be read")?;
    if bytes.len() > room {
        bail!(
            "the message is longer than {} KiB, the most that is taken; put it into a file and name the file \
             in the message",
            LONGEST / 1024
        );
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let byte = error.as_bytes().get(at).copied().unwrap_or_default();
        anyhow::anyhow!(
            "standard input is no UTF-8 text: byte 0x{byte:02x} at offset {at}; convert it (e.g. `iconv -f \
             latin1 -t utf-8`) or name a file in the message instead"
        )
    })
}

/// A pipe that nobody closes looks like a program that hangs.
fn tell_if_silent() {
    let stdin = std::io::stdin();
    let mut waited = [PollFd::new(&stdin, PollFlags::IN)];
    let patience = Timespec {
        tv_sec: SILENCE_SECS,
        tv_nsec: 0,
    };
    if matches!(poll(&mut waited, Some(&patience)), Ok(0)) {
        say("waiting for standard input to end; add `< /dev/null` if there is none to read");
        drop(std::io::stderr().flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &[u8], room: usize) -> Result<String, String> {
        let mut input = input;
        read(&mut input, room).map_err(|error| error.to_string())
    }

    #[test]
    fn text_is_read_to_its_end() {
        assert_eq!(check("grüße\n".as_bytes(), 100), Ok("grüße\n".to_owned()));
    }

    #[test]
    fn the_byte_that_is_no_text_is_named() {
        let error = check(b"ab\xffc", 100);
        assert!(error.is_err_and(|text| text.contains("byte 0xff at offset 2")));
    }

    #[test]
    fn a_message_that_is_too_long_is_refused_before_it_is_all_read() {
        struct Endless(u64);
        impl Read for Endless {
            fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
                into.fill(b'x');
                self.0 += into.len() as u64;
                Ok(into.len())
            }
        }
        let mut endless = Endless(0);
        let error = read(&mut endless, 1000).map_err(|error| error.to_string());
        assert!(error.is_err_and(|text| text.contains("longer than 1024 KiB")));
        assert!(endless.0 < 10_000, "{} bytes were read", endless.0);
    }
}
