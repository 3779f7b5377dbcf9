//! The known name that somebody may have meant, among those of a configuration.

use serde_json::Value;

pub use sessera_model::nearest::{listed, nearest, unknown};

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
