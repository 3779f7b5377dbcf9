//! The known name that somebody may have meant.

use serde_json::Value;

/// The name most like `name`, when it is like it at all.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .min()
        .filter(|(distance, known)| *distance <= known.len().div_ceil(2))
        .map(|(_, known)| known)
}

/// A name that is not known, in a sentence for people.
pub(crate) fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let short: String = name.chars().take(64).collect();
    match nearest(name, known) {
        Some(known) => format!("the {what} \"{short}\" is not known: did you mean \"{known}\"?"),
        None => format!("the {what} \"{short}\" is not known"),
    }
}

/// Why a value is none of the words that it may be.
pub(crate) fn no_choice(value: &Value, words: &[&str]) -> String {
    let shown: String = match value {
        Value::String(text) => text.chars().take(64).collect(),
        other => other.to_string().chars().take(64).collect(),
    };
    let listed = match words {
        [before @ .., last] if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        _ => words.join(""),
    };
    format!("\"{shown}\" must be {listed}")
}
