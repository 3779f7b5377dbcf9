//! The languages in which people are spoken to.

use serde::{Deserialize, Serialize};
use sessera_config::pages::MAX_TAG;

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
        best_liked(accept_language, Self::tagged).unwrap_or_default()
    }

    /// The language with a tag in small letters.
    pub fn tagged(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }
}

/// What a client likes best of what there is, from the value of its `Accept-Language`. `find` knows what there is by tags
/// in small letters. What is not there for `de-at` is looked for as `de` (RFC 4647, section 3.4).
pub fn best_liked<T>(accept_language: Option<&str>, find: impl Fn(&str) -> Option<T>) -> Option<T> {
    let mut best = (0.0, None);
    for range in accept_language.unwrap_or_default().split(',') {
        let mut parts = range.split(';').map(str::trim);
        let tag = parts.next().filter(|tag| tag.len() <= MAX_TAG).unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
        if weight > best.0
            && let Some(found) = shortened(&tag).find_map(&find)
        {
            best = (weight, Some(found));
        }
    }
    best.1
}

/// A tag and what remains of it when its last part is taken away again and again.
pub fn shortened(tag: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(tag), |tag| tag.rsplit_once('-').map(|(rest, _)| rest))
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

    #[test]
    fn the_nearest_tag_counts() {
        let there = ["pt", "pt-br", "zh-hant"];
        let find = |tag: &str| there.into_iter().find(|known| *known == tag);
        let of = |accept_language| best_liked(Some(accept_language), find);
        assert_eq!(of("pt-BR"), Some("pt-br"));
        assert_eq!(of("pt-PT, pt-BR;q=0.9"), Some("pt"));
        assert_eq!(of("zh-Hant-TW;q=0.1"), Some("zh-hant"));
        assert_eq!(of("zh, *"), None);
        assert_eq!(of(&format!("pt-{}", "a-".repeat(40))), None);
    }
}
