//! Durations as Go writes them, the form that `kratos.yml` uses: `300ms`, `1h30m`, `1.5s`. Days, which Go does not
//! have, are read too, as 24 hours: `30d`, `1d12h`. They are written in hours, so whoever reads them needs no days.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A duration that is not negative, written as Go's `time.Duration`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct GoDuration(Duration);

/// Why a text is not a [`GoDuration`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// The text is not of the form number and unit.
    #[error("\"{0}\" is not a duration; write numbers with units, for example 10m, 1h30m, 90s or 30d")]
    Malformed(String),
    /// The duration lies before zero.
    #[error("the duration \"{0}\" is negative; write a positive one, for example 10m")]
    Negative(String),
    /// The duration is longer than Go can hold (about 292 years).
    #[error("the duration \"{0}\" is too long; the longest is 2562047h47m16s")]
    TooLong(String),
}

impl GoDuration {
    /// Converts a standard duration.
    pub const fn new(duration: Duration) -> Self {
        Self(duration)
    }

    /// Makes a duration of whole seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// The standard duration.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl FromStr for GoDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let malformed = || DurationError::Malformed(text.chars().take(64).collect());
        let (negative, mut rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if rest == "0" {
            return Ok(Self(Duration::ZERO));
        }
        if rest.is_empty() {
            return Err(malformed());
        }
        let mut nanoseconds: u128 = 0;
        while !rest.is_empty() {
            let (whole, after) = digits(rest);
            let (fraction, after) = match after.strip_prefix('.') {
                Some(after) => digits(after),
                None => ("", after),
            };
            if whole.is_empty() && fraction.is_empty() {
                return Err(malformed());
            }
            let unit_end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
            let (unit, after) = after.split_at(unit_end);
            let unit = unit_nanoseconds(unit).ok_or_else(malformed)?;
            nanoseconds = scaled(whole, fraction, unit)
                .and_then(|part| nanoseconds.checked_add(part))
                .ok_or_else(|| DurationError::TooLong(text.chars().take(64).collect()))?;
            rest = after;
        }
        let nanoseconds = i64::try_from(nanoseconds)
            .map_err(|_| DurationError::TooLong(text.chars().take(64).collect()))?;
        if negative && nanoseconds != 0 {
            return Err(DurationError::Negative(text.chars().take(64).collect()));
        }
        Ok(Self(Duration::from_nanos(nanoseconds.unsigned_abs())))
    }
}

/// Splits leading decimal digits off.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

const fn unit_nanoseconds(unit: &str) -> Option<u128> {
    Some(match unit.as_bytes() {
        b"ns" => 1,
        b"us" | b"\xc2\xb5s" | b"\xce\xbcs" => 1_000,
        b"ms" => 1_000_000,
        b"s" => 1_000_000_000,
        b"m" => 60_000_000_000,
        b"h" => 3_600_000_000_000,
        b"d" => 86_400_000_000_000,
        _ => return None,
    })
}

/// Converts `whole.fraction` units to nanoseconds, rounded down. Returns `None` when they cannot be held.
fn scaled(whole: &str, fraction: &str, unit: u128) -> Option<u128> {
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // More digits than nanoseconds in a day change nothing.
    let fraction = &fraction[..fraction.len().min(15)];
    let part = if fraction.is_empty() {
        0
    } else {
        fraction.parse::<u128>().ok()? * unit / 10_u128.pow(u32::try_from(fraction.len()).ok()?)
    };
    whole.checked_mul(unit)?.checked_add(part)
}

impl fmt::Display for GoDuration {
    /// Writes the duration as people write it, in what Go reads: `720h`, `1h30m`, `1.5s`, `250ms`, `0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanoseconds = self.0.as_nanos();
        if nanoseconds == 0 {
            return f.write_str("0s");
        }
        for (unit, name) in [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs"), (1, "ns")] {
            if nanoseconds >= unit && unit < 1_000_000_000 {
                return write_fraction(f, nanoseconds, unit).and_then(|()| f.write_str(name));
            }
            if nanoseconds >= unit {
                break;
            }
        }
        let (minutes, rest) = (nanoseconds / 60_000_000_000, nanoseconds % 60_000_000_000);
        if minutes >= 60 {
            write!(f, "{}h", minutes / 60)?;
        }
        if minutes % 60 > 0 {
            write!(f, "{}m", minutes % 60)?;
        }
        if rest > 0 {
            write_fraction(f, rest, 1_000_000_000)?;
            f.write_str("s")?;
        }
        Ok(())
    }
}

/// Writes `nanoseconds / unit` in decimal without trailing zeros.
fn write_fraction(f: &mut fmt::Formatter<'_>, nanoseconds: u128, unit: u128) -> fmt::Result {
    write!(f, "{}", nanoseconds / unit)?;
    let rest = nanoseconds % unit;
    if rest != 0 {
        let width = unit.ilog10() as usize;
        let digits = format!("{rest:0width$}");
        write!(f, ".{}", digits.trim_end_matches('0'))?;
    }
    Ok(())
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <std::borrow::Cow<'de, str>>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_go_reads() {
        let table = [
            ("0", 0),
            ("10m", 600_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1500ms", 1_500_000_000),
            ("1.5s", 1_500_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("24h", 86_400_000_000_000),
            ("3us", 3_000),
            ("3µs", 3_000),
            ("+5s", 5_000_000_000),
            ("-0s", 0),
            ("0.1ns", 0),
        ];
        for (text, nanoseconds) in table {
            assert_eq!(text.parse(), Ok(GoDuration(Duration::from_nanos(nanoseconds))), "{text}");
        }
    }

    #[test]
    fn reads_days() {
        for (text, seconds) in [("1d", 86_400), ("30d", 2_592_000), ("1d12h", 129_600), ("0.5d", 43_200)] {
            assert_eq!(text.parse(), Ok(GoDuration::from_secs(seconds)), "{text}");
        }
        assert_eq!("1d".parse::<GoDuration>().map(|day| day.to_string()), Ok("24h".into()));
        assert!(matches!("106752d".parse::<GoDuration>(), Err(DurationError::TooLong(_))));
    }

    #[test]
    fn refuses_what_is_no_duration() {
        for text in ["", "10", "m", "1D", "1w", "1h 30m", "1e3s", ".s", "-", "+", "10m!", "١s"] {
            assert!(matches!(text.parse::<GoDuration>(), Err(DurationError::Malformed(_))), "{text}");
        }
        assert_eq!("-5m".parse::<GoDuration>(), Err(DurationError::Negative("-5m".into())));
        for text in ["2562048h", "9223372037s", "99999999999999999999999999999999999999999999h"] {
            assert!(matches!(text.parse::<GoDuration>(), Err(DurationError::TooLong(_))), "{text}");
        }
    }

    #[test]
    fn writes_no_more_than_is_needed() {
        let table = [
            ("10m", "10m"),
            ("30d", "720h"),
            ("1h0.5s", "1h0.5s"),
            ("90s", "1m30s"),
            ("1500ms", "1.5s"),
            ("250ms", "250ms"),
            ("1h", "1h"),
            ("1500us", "1.5ms"),
        ];
        for (text, written) in table {
            assert_eq!(text.parse::<GoDuration>().map(|d| d.to_string()), Ok(written.to_owned()));
        }
        assert_eq!(GoDuration::default().to_string(), "0s");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(nanoseconds in 0..i64::MAX) {
            let duration = GoDuration(Duration::from_nanos(nanoseconds.unsigned_abs()));
            prop_assert_eq!(duration.to_string().parse(), Ok(duration));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = text.parse::<GoDuration>();
        }
    }
}
