//! The figures of `corvid-load run` and what each must reach (DESIGN §10), printed beside its floors.
//! Invariant: a figure that misses its target says so.
//! It must not know how anything was measured.

use std::fmt;
use std::time::Duration;

use crate::cost::Cost;

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) agent_bytes: u64,
    pub(crate) empty: Spread,
    pub(crate) version: Spread,
    pub(crate) server: Spread,
    pub(crate) turns: Vec<Turn>,
    pub(crate) first_body: usize,
    pub(crate) restart: Duration,
    pub(crate) flood: (Cost, i64),
}

/// One kind of turn.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) name: &'static str,
    pub(crate) wall: Spread,
    /// One `fdatasync`, measured between the turns.
    pub(crate) sync: Spread,
    pub(crate) processor: Duration,
    pub(crate) peak_kib: i64,
    pub(crate) commits: usize,
}

/// The best, the middle and the far end of repeated measurements; on a busy machine the best says most of
/// the program, the rest of the machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) least: Duration,
    pub(crate) half: Duration,
    pub(crate) most: Duration,
}

impl Spread {
    pub(crate) fn of(times: impl IntoIterator<Item = Duration>) -> Self {
        let mut times: Vec<Duration> = times.into_iter().collect();
        times.sort_unstable();
        let at = |index: usize| times.get(index).copied().unwrap_or_default();
        Self {
            least: at(0),
            half: at(times.len() / 2),
            most: at(times.len() * 99 / 100),
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [least, half, most] = [self.least, self.half, self.most].map(ms);
        write!(f, "best {least:>8}  p50 {half:>8}  p99 {most:>8}")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "floors of this minute")?;
        let mib = mib(i64::try_from(self.agent_bytes / 1024).unwrap_or(i64::MAX));
        writeln!(f, "  empty process of {mib}   {}", self.empty)?;
        writeln!(f, "  scripted server, tool turn  {}", self.server)?;
        let verdict = |good: bool| if good { "holds" } else { "MISSED" };
        let version = self.version;
        let good = verdict(version.half <= Duration::from_millis(4));
        writeln!(
            f,
            "agent --version                {version}  {good} (≤ 4 ms)"
        )?;
        for turn in &self.turns {
            self.turn(f, turn, &verdict)?;
        }
        let body = self.first_body;
        writeln!(
            f,
            "first request  {body} bytes  {} (≤ 8,192)",
            verdict(body <= 8192)
        )?;
        let good = verdict(self.restart <= Duration::from_secs(1));
        writeln!(
            f,
            "restart after kill -9 to the first resumed call  {}  {good} (≤ 1 s)",
            ms(self.restart)
        )?;
        let (flood, growth) = &self.flood;
        let good = verdict(*growth <= 8 * 1024);
        let took = ms(flood.wall());
        write!(
            f,
            "300 MB of output  RSS grows by {}  {good} (≤ 8 MiB), {took}",
            self::mib(*growth)
        )
    }
}

impl Report {
    fn turn(
        &self,
        f: &mut fmt::Formatter<'_>,
        turn: &Turn,
        verdict: &dyn Fn(bool) -> &'static str,
    ) -> fmt::Result {
        let commits = u32::try_from(turn.commits).unwrap_or(u32::MAX);
        let budget = Duration::from_millis(10) + turn.sync.half * commits;
        let (wall, peak) = (turn.wall, turn.peak_kib);
        writeln!(
            f,
            "agent run -e, {:10}       {wall}  {} (≤ {} = 10 ms + {commits} commits)",
            turn.name,
            verdict(wall.half <= budget),
            ms(budget),
        )?;
        writeln!(f, "  one fdatasync between them  {}", turn.sync)?;
        let floors = turn.sync.half * commits + self.empty.half + self.server.half;
        writeln!(
            f,
            "  {} beyond all floors, processor time {}, peak {}  {} (≤ 15 MiB)",
            ms(wall.half.saturating_sub(floors)),
            ms(turn.processor),
            mib(peak),
            verdict(peak <= 15 * 1024),
        )
    }
}

/// A time in milliseconds.
pub(crate) fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1_000.0)
}

fn mib(kib: i64) -> String {
    let tenths = kib * 10 / 1024;
    format!("{}.{} MiB", tenths / 10, (tenths % 10).abs())
}
