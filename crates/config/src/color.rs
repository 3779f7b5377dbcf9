//! Colours as they are written in the configuration.

use std::fmt;

use serde_json::Value;

use crate::kind::Kind;
use crate::problem::Findings;
use crate::setting::Setting;

/// A colour of a screen (sRGB).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color {
    /// Its red, green and blue.
    pub parts: [u8; 3],
}

impl Color {
    /// A colour that is written as `#rrggbb` or `#rgb`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        let digits: Vec<u8> = digits
            .chars()
            .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect::<Option<_>>()?;
        match *digits.as_slice() {
            [a, b, c] => Some(Self { parts: [a * 17, b * 17, c * 17] }),
            [a, b, c, d, e, f] => Some(Self { parts: [a * 16 + b, c * 16 + d, e * 16 + f] }),
            _ => None,
        }
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.parts;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl Setting for Color {
    const KIND: Kind = Kind::Color;

    fn read(value: &Value, _: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        let read = value.as_str().and_then(Self::parse);
        if read.is_none() {
            let shown: String = match value {
                Value::String(text) => text.chars().take(64).collect(),
                other => other.to_string().chars().take(64).collect(),
            };
            found.wrong(
                at,
                format!(
                    "\"{shown}\" is no colour: write it as \"#0a6b4f\", in quotes, with two digits from 0 to f for each of red, green and blue"
                ),
            );
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_written_with_three_digits_or_six() {
        for (text, shown) in [("#0a6B4f", "#0a6b4f"), ("#fA0", "#ffaa00"), ("#000", "#000000")] {
            assert_eq!(Color::parse(text).unwrap().to_string(), shown);
        }
        for bad in ["", "#", "0a6b4f", "#0a6b4", "#0a6b4f80", "#ggg", "teal", "#+12", "#äöü", "# 12"] {
            assert_eq!(Color::parse(bad), None, "{bad}");
        }
    }
}
