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
    /// All languages.
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
        Self::of_liked(&liked(accept_language))
    }

    /// The first of these tags that is here.
    pub fn of_liked(tags: &[String]) -> Self {
        first_of(tags, Self::tagged).unwrap_or_default()
    }

    /// The language with a tag in small letters.
    pub fn tagged(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }
}

/// How many of the tags that a client likes are kept with what waits for it.
pub const MAX_LIKED: usize = 8;

/// What a client likes best of what there is, from the value of its `Accept-Language`. `find` knows what there is by tags
/// in small letters. What is not there for `de-at` is looked for as `de` (RFC 4647, section 3.4).
pub fn best_liked<T>(accept_language: Option<&str>, find: impl Fn(&str) -> Option<T>) -> Option<T> {
    first_of(&liked(accept_language), find)
}

/// What is there for the first of some tags.
pub fn first_of<T>(tags: &[String], find: impl Fn(&str) -> Option<T>) -> Option<T> {
    tags.iter().find_map(|tag| shortened(tag).find_map(&find))
}

/// The tags that a client likes, from the value of its `Accept-Language`, in small letters and the best liked ones first.
pub fn liked(accept_language: Option<&str>) -> Vec<String> {
    let ranges = accept_language.unwrap_or_default().split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let tag = parts.next().filter(|tag| !tag.is_empty() && tag.len() <= MAX_TAG)?;
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
        (weight > 0.0).then(|| (weight, tag.to_ascii_lowercase()))
    });
    let mut ranges: Vec<_> = ranges.collect();
    ranges.sort_by(|one, other| other.0.total_cmp(&one.0));
    ranges.into_iter().map(|(_, tag)| tag).collect()
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
    fn the_best_liked_tags_come_first_and_those_that_nobody_wants_are_left_out() {
        let header = "fr;q=0.5, pt-BR, de;q=0, es;q=0.9, , it;q=nan, en;q=0.5";
        assert_eq!(liked(Some(header)), ["pt-br", "es", "fr", "en"]);
        assert_eq!(liked(None), [""; 0]);
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
