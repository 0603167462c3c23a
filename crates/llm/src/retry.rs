//! Whether and when a request that failed before its first byte is made again: one table.
//! Invariant: pure; the same failure, attempt and jitter give the same wait.
//! It must not know what failed, only its class.

use std::time::{Duration, UNIX_EPOCH};

use corvid_core::wire::Millis;
use reqwest::header::HeaderMap;

/// What kind of failure, by what another attempt could change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// 429, 503, 529: there is too much to do, and the provider may say for how long.
    Busy,
    /// No connection, or any other 5xx.
    Unreachable,
    /// Another attempt of the same request changes nothing, or the caller has to decide.
    Decided,
}

struct Row {
    class: Class,
    /// Requests in all, the first one included.
    attempts: u32,
    /// The wait after the first failure where the provider asked for none; doubled each time.
    first_ms: u64,
    /// The longest wait before jitter, whatever the provider asked for.
    cap_ms: u64,
}

/// The rows of "Model providers" that concern the time before the first byte.
const TABLE: &[Row] = &[
    Row {
        class: Class::Busy,
        attempts: 5,
        first_ms: 1_000,
        cap_ms: 60_000,
    },
    Row {
        class: Class::Unreachable,
        attempts: 3,
        first_ms: 500,
        cap_ms: 60_000,
    },
];

/// The least wait, so that `Retry-After: 0` is no busy loop.
const LEAST_MS: u64 = 100;

/// How long to wait before the next request, in milliseconds, or `None` when it is over.
///
/// `made` counts the requests made so far, from 1. `asked_ms` is the provider's `Retry-After`.
/// `jitter` adds up to a tenth, so that many waiters do not come back as one.
pub(crate) fn wait_ms(class: Class, made: u32, asked_ms: Option<u64>, jitter: u8) -> Option<u64> {
    let row = TABLE.iter().find(|row| row.class == class)?;
    if made >= row.attempts {
        return None;
    }
    let doubled = row
        .first_ms
        .saturating_mul(1 << made.saturating_sub(1).min(16));
    let wait = asked_ms.unwrap_or(doubled).clamp(LEAST_MS, row.cap_ms);
    Some(wait + wait * u64::from(jitter) / (10 * u64::from(u8::MAX)))
}

/// What the headers ask to wait: `retry-after-ms`, or `Retry-After` in seconds or as a date.
pub(crate) fn asked_ms(headers: &HeaderMap, now: Millis) -> Option<u64> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(asked) = text("retry-after-ms").and_then(|text| text.parse().ok()) {
        return Some(asked);
    }
    let asked = text("retry-after")?;
    match asked.parse::<f64>() {
        Ok(seconds) if seconds >= 0.0 => {
            u64::try_from(Duration::try_from_secs_f64(seconds).ok()?.as_millis()).ok()
        }
        Ok(_) => None,
        Err(_) => {
            let date = httpdate::parse_http_date(asked).ok()?;
            let since_epoch = date.duration_since(UNIX_EPOCH).ok()?;
            let at = Millis::try_from(since_epoch.as_millis()).ok()?;
            Some(u64::try_from(at.saturating_sub(now)).unwrap_or(0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_row_by_row() {
        let waits = |class, asked| -> Vec<u64> {
            (1..)
                .map_while(|made| wait_ms(class, made, asked, 0))
                .collect()
        };
        assert_eq!(waits(Class::Busy, None), [1_000, 2_000, 4_000, 8_000]);
        assert_eq!(waits(Class::Busy, Some(7_000)), [7_000; 4]);
        assert_eq!(waits(Class::Busy, Some(3_600_000)), [60_000; 4]);
        assert_eq!(waits(Class::Busy, Some(0)), [100; 4]);
        assert_eq!(waits(Class::Unreachable, None), [500, 1_000]);
        assert_eq!(waits(Class::Decided, Some(1)), Vec::<u64>::new());
    }

    #[test]
    fn jitter_adds_at_most_a_tenth() {
        assert_eq!(wait_ms(Class::Busy, 1, Some(60_000), 255), Some(66_000));
        assert_eq!(wait_ms(Class::Busy, 1, Some(60_000), 51), Some(61_200));
    }
}
