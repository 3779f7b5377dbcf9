//! The known name that somebody may have meant.

use std::collections::HashSet;

use serde_json::Value;

/// The name most like `name`, when it is like it at all.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (length, most) = (name.chars().count(), |known: &str| (known.len() * 2 / 5).max(1));
    known
        .into_iter()
        // Two names are no more alike than they are long. To compare a name of a megabyte takes minutes.
        .filter(|known| known.len().abs_diff(length) <= most(known))
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .min()
        .filter(|(distance, known)| *distance <= most(known))
        .map(|(_, known)| known)
}

/// How many names are told to somebody who wrote another one.
const MAX_TOLD: usize = 16;

/// A name that is not known, in a sentence for people, with the one that was meant or with all where they are few. `what` says
/// what kind of name it is.
pub fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let short: String = name.chars().take(64).collect();
    let mut seen = HashSet::new();
    let known: Vec<&str> = known.into_iter().filter(|name| seen.insert(*name)).collect();
    match nearest(name, known.iter().copied()) {
        Some(meant) => format!("the {what} \"{short}\" is not known: did you mean \"{meant}\"?"),
        None if (1..=MAX_TOLD).contains(&known.len()) => {
            let verb = if known.len() == 1 { "is" } else { "are" };
            format!("the {what} \"{short}\" is not known: there {verb} {}", listed(&known, "and"))
        }
        None => format!("the {what} \"{short}\" is not known"),
    }
}

/// Names one after the other, as in "a, b and c".
fn listed(names: &[&str], last_by: &str) -> String {
    match names {
        [before @ .., last] if !before.is_empty() => format!("{} {last_by} {last}", before.join(", ")),
        _ => names.join(""),
    }
}

/// Whether a name is a known one but for capitals, hyphens, underscores and blanks.
pub(crate) fn is_spelled_otherwise(name: &str, known: &str) -> bool {
    letters(name) == letters(known)
}

/// By how many letters a name differs from a known one, where it is that one with a slip of the hand: few letters more,
/// less or otherwise, two of them in each other's place, its words in another order, or what it denies.
pub(crate) fn slip(name: &str, known: &str) -> Option<usize> {
    let most = match known.len() {
        0..=2 => 0,
        3..=5 => 1,
        6..=11 => 2,
        _ => 3,
    };
    // To compare a name of a megabyte takes minutes.
    if name.len().abs_diff(known.len()) > 4 * most + 1 {
        return None;
    }
    let distance = |name: &str, known: &str| strsim::damerau_levenshtein(name, known);
    let as_written = distance(&letters(name), &letters(known));
    let in_order = distance(&in_order(name), &in_order(known));
    let denied = if letters(name).starts_with("disable") { distance("enabled", known) } else { usize::MAX };
    Some(as_written.min(in_order).min(denied)).filter(|distance| *distance <= most)
}

/// The letters of a name, however it is written.
fn letters(name: &str) -> String {
    name.replace(['-', '_', ' '], "").to_ascii_lowercase()
}

/// The words of a name in the order of the alphabet.
fn in_order(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let mut words: Vec<&str> = name.split(['-', '_', ' ', '.']).collect();
    words.sort_unstable();
    words.concat()
}

/// Why a value is none of the words that it may be.
pub(crate) fn no_choice(value: &Value, words: &[&str]) -> String {
    let shown: String = match value {
        Value::String(text) => text.chars().take(64).collect(),
        other => other.to_string().chars().take(64).collect(),
    };
    format!("\"{shown}\" must be {}", listed(words, "or"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likest_name_is_found_when_it_is_like_at_all() {
        let known = ["lifespan", "cookie", "whoami"];
        for (name, found) in [
            ("livespan", Some("lifespan")),
            ("lifespa", Some("lifespan")),
            ("cokie", Some("cookie")),
            ("cookies", Some("cookie")),
            ("abcdefgh", None),
            ("coffee", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), found, "{name}");
        }
    }

    #[test]
    fn few_known_names_are_told_where_none_was_meant() {
        assert_eq!(
            unknown("hook", "xyz", ["session", "web_hook", "session"]),
            "the hook \"xyz\" is not known: there are session and web_hook"
        );
        assert_eq!(unknown("hook", "xyz", ["session"]), "the hook \"xyz\" is not known: there is session");
        assert_eq!(
            unknown(
                "key",
                "xyz",
                ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q"]
            ),
            "the key \"xyz\" is not known"
        );
    }

    #[test]
    fn a_name_that_is_longer_than_all_is_compared_with_none() {
        // It would take hours otherwise.
        assert_eq!(nearest(&"lifespan".repeat(1_000_000), ["lifespan"; 100]), None);
    }
}
