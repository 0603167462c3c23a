//! The figures of `corvid-load telegram` and what each must reach, printed beside its floors.
//! Invariant: a figure that misses its target says so.
//! It must not know how anything was measured.

use std::fmt;
use std::time::Duration;

use crate::report::{Spread, ms};

/// Messages that the messenger takes from a bot in a second, in all.
const A_SECOND: usize = 30;

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct Crowd {
    /// How many chats.
    pub(crate) chats: usize,
    /// From the start of the process until it says that it is ready.
    pub(crate) to_accepting: Duration,
    /// Resident memory before the first message.
    pub(crate) idle_kib: u64,
    /// Processor time in ten seconds without a message.
    pub(crate) idle_processor: Duration,
    /// How long each chat waited, round by round.
    pub(crate) rounds: Vec<Vec<Duration>>,
    /// Resident memory after each round.
    pub(crate) kib: Vec<u64>,
    /// Calls that wrote into a chat.
    pub(crate) writes: usize,
    /// Calls beyond the messenger's pace, which were refused.
    pub(crate) hurried: usize,
    /// What a well-behaved bot would not have sent.
    pub(crate) faults: Vec<String>,
    /// Replies that stood in their chat not exactly once.
    pub(crate) doubled: usize,
    /// One `fdatasync`, measured between the rounds.
    pub(crate) sync: Spread,
    /// The scripted model alone, for one request.
    pub(crate) server: Spread,
    /// The fake alone, for the least exchange.
    pub(crate) exchange: Spread,
}

impl fmt::Display for Crowd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "floors of this minute")?;
        writeln!(f, "  one fdatasync                 {}", self.sync)?;
        writeln!(f, "  scripted model, one request   {}", self.server)?;
        writeln!(f, "  fake messenger, one exchange  {}", self.exchange)?;
        let start = self.to_accepting;
        let good = verdict(start <= Duration::from_millis(15));
        writeln!(
            f,
            "agent start until it is ready  {}  {good} (≤ 15 ms)",
            ms(start)
        )?;
        let good = verdict(self.idle_kib <= 20 * 1024);
        writeln!(f, "idle: {}  {good} (≤ 20 MiB RSS)", mib(self.idle_kib))?;
        let busy = self.idle_processor;
        let good = verdict(busy < Duration::from_millis(5));
        writeln!(
            f,
            "idle: {} of processor in 10 s  {good} (< 5 ms)",
            ms(busy)
        )?;
        for (number, waits) in self.rounds.iter().enumerate() {
            self.round(f, number, waits)?;
        }
        self.memory(f)?;
        let good = verdict(self.doubled == 0);
        let replies = self.chats * self.rounds.len();
        writeln!(
            f,
            "{} of {replies} replies not exactly once  {good}",
            self.doubled
        )?;
        let (writes, hurried) = (self.writes, self.hurried);
        let seconds = writes / A_SECOND;
        writeln!(
            f,
            "{writes} calls that write; the messenger takes them in {seconds} s at {A_SECOND} a second"
        )?;
        let good = verdict(hurried == 0);
        writeln!(
            f,
            "{hurried} of them faster than it allows, and refused  {good}"
        )?;
        let good = verdict(self.faults.is_empty());
        write!(f, "{} calls with a fault  {good}", self.faults.len())?;
        for fault in self.faults.iter().take(5) {
            write!(f, "\n  {fault}")?;
        }
        Ok(())
    }
}

impl Crowd {
    fn round(&self, f: &mut fmt::Formatter<'_>, number: usize, waits: &[Duration]) -> fmt::Result {
        let spread = Spread::of(waits.iter().copied());
        let slowest = waits.iter().max().copied().unwrap_or_default();
        let ratio = slowest.as_secs_f64() / spread.half.as_secs_f64().max(f64::MIN_POSITIVE);
        let good = verdict(ratio <= 3.0);
        writeln!(
            f,
            "round {}, {} chats at once  {spread}  slowest {}, {ratio:.2} × median  {good} (≤ 3), then {}",
            number + 1,
            self.chats,
            ms(slowest),
            mib(self.kib.get(number).copied().unwrap_or_default())
        )
    }

    /// Memory counts as flat when the rounds after the first add less than a tenth.
    fn memory(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.kib.first().copied().unwrap_or_default();
        let last = self.kib.last().copied().unwrap_or_default();
        let grown = last.saturating_sub(first);
        let good = verdict(grown <= first / 10);
        let turns = self.chats * self.rounds.len().saturating_sub(1).max(1);
        let a_turn = grown / u64::try_from(turns).unwrap_or(u64::MAX).max(1);
        writeln!(
            f,
            "memory: {} idle, {} after the first round, {} after the last, {a_turn} KiB a turn  {good} \
             (≤ +10 %)",
            mib(self.idle_kib),
            mib(first),
            mib(last)
        )
    }
}

fn verdict(good: bool) -> &'static str {
    if good { "holds" } else { "MISSED" }
}

fn mib(kib: u64) -> String {
    let tenths = kib * 10 / 1024;
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}
