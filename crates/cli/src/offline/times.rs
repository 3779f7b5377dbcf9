//! Points in time and lengths of time, as people write and read them.

use std::time::Duration;

use sessera_model::{Clock, GoDuration, SystemClock, Timestamp};

/// Parses `--time`, which is in RFC 3339, or in seconds since 1970 as claims have it.
pub(crate) fn parse(text: &str) -> Result<Timestamp, String> {
    let seconds = text.parse::<i64>().ok().filter(|seconds| *seconds >= 0).map(Timestamp::from_seconds);
    seconds
        .or_else(|| Timestamp::parse(text))
        .ok_or_else(|| "write 2026-01-31T12:00:00Z, or seconds since 1970 such as 1769860800".into())
}

/// A time for the server, which reads it: as it stands, or in RFC 3339 where a duration says how long ago it was.
pub(crate) fn moment(text: &str) -> Result<String, String> {
    let Ok(ago) = text.parse::<GoDuration>() else { return Ok(text.to_owned()) };
    let ago = i64::try_from(ago.get().as_secs()).unwrap_or(i64::MAX);
    let at = or_now(None).seconds().checked_sub(ago).filter(|seconds| *seconds >= 0);
    let at =
        at.ok_or_else(|| "it begins before 1970: write a shorter duration, such as 1h or 30d".to_owned());
    Ok(Timestamp::from_seconds(at?).to_string())
}

/// The time that was asked for, or else the current one.
pub(crate) fn or_now(time: Option<Timestamp>) -> Timestamp {
    time.unwrap_or_else(|| SystemClock.now())
}

/// A number of seconds as people read it: `9m58s`, `3d4h`.
pub(crate) fn length(seconds: i64) -> String {
    let seconds = seconds.unsigned_abs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let shown = GoDuration::new(Duration::from_secs(rest)).to_string();
    match (days, rest) {
        (0, _) => shown,
        (_, 0) => format!("{days}d"),
        _ => format!("{days}d{shown}"),
    }
}

/// Writes a time span for people, in its two largest units.
pub(crate) fn about(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let first = units.iter().position(|(size, _)| seconds >= *size).unwrap_or(units.len() - 1);
    let mut rest = seconds;
    let parts = units[first..].iter().take(2).map(|(size, unit)| {
        let count = rest / size;
        rest %= size;
        (count, unit)
    });
    let parts: Vec<String> = parts
        .enumerate()
        .filter(|(at, (n, _))| *at == 0 || *n > 0)
        .map(|(_, (n, u))| format!("{n}{u}"))
        .collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_both_forms() {
        assert_eq!(parse("1769860800"), Ok(Timestamp::from_seconds(1_769_860_800)));
        assert_eq!(parse("2026-01-31T13:00:00+01:00"), Ok(Timestamp::from_seconds(1_769_860_800)));
        for text in ["", "-1", "yesterday", "2026-01-31"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_duration_says_how_long_ago_a_time_was() {
        for (text, seconds) in [("1h", 3_600), ("30d", 2_592_000), ("0s", 0)] {
            let before = or_now(None).seconds();
            let at = Timestamp::parse(&moment(text).unwrap()).unwrap().seconds();
            assert!((before..=or_now(None).seconds()).contains(&(at + seconds)), "{text}");
        }
        for as_it_stands in ["2026-01-31", "2026-01-31T13:00:00+01:00", "yesterday"] {
            assert_eq!(moment(as_it_stands).unwrap(), as_it_stands);
        }
        assert!(moment("999999h").unwrap_err().contains("1970"));
    }

    #[test]
    fn lengths_are_readable() {
        assert_eq!(length(598), "9m58s");
        assert_eq!(length(-2 * 86_400 - 60), "2d1m");
        assert_eq!(length(30 * 86_400), "30d");
        assert_eq!(length(i64::MIN), "106751991167300d15h30m8s");
    }

    #[test]
    fn spans_are_short() {
        let spans =
            [(0, "0s"), (59, "59s"), (60, "1m"), (3_661, "1h 1m"), (2_592_000, "30d"), (90_000, "1d 1h")];
        for (seconds, text) in spans {
            assert_eq!(about(Duration::from_secs(seconds)), text);
        }
    }
}
