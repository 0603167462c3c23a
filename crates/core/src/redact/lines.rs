//! Forms that are broken over lines, as `base64` and `xxd -p` write them: text joined across single line breaks.
//! Invariant: what is joined is one run of characters of such forms, and every byte of it knows its place.
//! It must not know what is looked for, nor what becomes of it.

/// The most blanks at the beginning of a line that still belong to the break.
const INDENT: usize = 32;

/// The longest break, in bytes: CR, LF and the blanks.
#[cfg(test)]
pub(super) const LONGEST_BREAK: usize = 2 + INDENT;

/// The characters of forms that may be broken, and how long such forms are, in bytes.
pub(super) struct Breakable {
    inside: [bool; 256],
    shortest: usize,
    longest: usize,
}

/// A run of text with its breaks squeezed out.
#[derive(Default)]
pub(super) struct Joined {
    /// What is left of the text.
    pub(super) bytes: Vec<u8>,
    /// Where in the text each byte stands.
    places: Vec<usize>,
}

impl Joined {
    /// Where in the text this part of the run stands.
    pub(super) fn place(&self, start: usize, end: usize) -> (usize, usize) {
        (self.places[start], self.places[end - 1] + 1)
    }

    /// Where in the text this byte of the run stands.
    pub(super) fn start(&self, at: usize) -> usize {
        self.places[at]
    }

    /// The first byte of the run that stands at or after this place of the text.
    pub(super) fn at_or_after(&self, place: usize) -> usize {
        self.places.partition_point(|at| *at < place)
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.places.clear();
    }
}

impl Breakable {
    pub(super) fn new(forms: &[Vec<u8>]) -> Self {
        let mut inside = [false; 256];
        for byte in forms.iter().flatten() {
            inside[usize::from(*byte)] = true;
        }
        Self {
            inside,
            shortest: forms.iter().map(Vec::len).min().unwrap_or(0),
            longest: forms.iter().map(Vec::len).max().unwrap_or(0),
        }
    }

    /// Fills in the next run, at or after `from`, in which a broken form has room, and gives where it ends; none if
    /// there is no other. What stands on the first line too far from its end to be broken is left out.
    pub(super) fn next_run(
        &self,
        bytes: &[u8],
        mut from: usize,
        joined: &mut Joined,
    ) -> Option<usize> {
        joined.clear();
        if self.longest == 0 {
            return None;
        }
        while let Some(line) = bytes[from..].iter().position(|byte| *byte == b'\n') {
            let line = &bytes[from..from + line];
            let newline = from + line.len();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let last = line.iter().rev().take(self.longest);
            let kept = last.take_while(|byte| self.is_inside(**byte)).count();
            if kept > 0 {
                let end = self.join(bytes, from + line.len() - kept, joined);
                if end > newline && joined.bytes.len() >= self.shortest {
                    return Some(end);
                }
                joined.clear();
                from = end;
            }
            from = from.max(newline + 1);
        }
        None
    }

    /// The run in which the text ends, if it is broken or may be about to be; at most as much of it as can be the
    /// beginning of a form.
    pub(super) fn last_run(&self, bytes: &[u8], from: usize) -> Option<Joined> {
        let text = &bytes[from..];
        let about = break_start(text).or_else(|| Some(text.strip_suffix(b"\r")?.len()));
        let mut is_broken = about.is_some();
        let mut at = about.unwrap_or(text.len());
        let mut joined = Joined::default();
        while joined.places.len() + 1 < self.longest {
            let before = if joined.places.is_empty() {
                None
            } else {
                break_start(&text[..at])
            };
            let end = before.unwrap_or(at);
            if end == 0 || !self.is_inside(text[end - 1]) {
                break;
            }
            is_broken |= before.is_some();
            at = end - 1;
            joined.places.push(from + at);
        }
        joined.places.reverse();
        joined.bytes = joined.places.iter().map(|place| bytes[*place]).collect();
        is_broken.then_some(joined)
    }

    /// Joins the run that begins at `at`, and gives where it ends.
    fn join(&self, bytes: &[u8], mut at: usize, joined: &mut Joined) -> usize {
        let is_inside = |at: usize| bytes.get(at).is_some_and(|byte| self.is_inside(*byte));
        loop {
            while is_inside(at) {
                joined.bytes.push(bytes[at]);
                joined.places.push(at);
                at += 1;
            }
            match break_end(bytes, at) {
                Some(next) if is_inside(next) => at = next,
                _ => return at,
            }
        }
    }

    fn is_inside(&self, byte: u8) -> bool {
        self.inside[usize::from(byte)]
    }
}

/// Where the break ends that begins here.
fn break_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let line = rest.strip_prefix(b"\r").unwrap_or(rest);
    let line = line.strip_prefix(b"\n")?;
    let indent = blanks(line.iter())?;
    Some(bytes.len() - line.len() + indent)
}

/// Where the break begins with which these bytes end.
fn break_start(bytes: &[u8]) -> Option<usize> {
    let indent = blanks(bytes.iter().rev())?;
    let line = bytes[..bytes.len() - indent].strip_suffix(b"\n")?;
    Some(line.strip_suffix(b"\r").unwrap_or(line).len())
}

/// How many blanks come first, unless they are too many.
fn blanks<'a>(bytes: impl Iterator<Item = &'a u8>) -> Option<usize> {
    let blank = bytes.take_while(|byte| matches!(byte, b' ' | b'\t'));
    let count = blank.take(INDENT + 1).count();
    (count <= INDENT).then_some(count)
}
