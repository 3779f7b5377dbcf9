//! The languages in which people are spoken to.

use serde::{Deserialize, Serialize};

/// A language for which there is a catalogue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// German.
    De,
    /// English, also for all languages that are not here.
    #[default]
    #[serde(other)]
    En,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::En, Self::De];

    /// Its tag (RFC 5646).
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
        }
    }

    /// The language that a client likes best of those that are here, from the value of its
    /// `Accept-Language` (RFC 9110, section 12.5.4).
    pub fn accepted(accept_language: Option<&str>) -> Self {
        let mut best = (0.0, Self::default());
        for range in accept_language.unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default().to_ascii_lowercase();
            let primary = tag.split('-').next().unwrap_or_default();
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
            let known = Self::ALL.into_iter().find(|language| language.tag() == primary);
            if let Some(language) = known.filter(|_| weight > best.0) {
                best = (weight, language);
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_liked_language_that_is_here_is_taken() {
        let of = |accept_language| Language::accepted(Some(accept_language)).tag();
        assert_eq!(of("de-AT,de;q=0.9,en;q=0.8"), "de");
        assert_eq!(of("fr, en;q=0.5, de;q=0.7"), "de");
        assert_eq!(of("en-GB, de"), "en");
        assert_eq!(of("de;q=0"), "en");
        assert_eq!(of("fr"), "en");
        assert_eq!(of(""), "en");
        assert_eq!(Language::accepted(None), Language::En);
    }
}
