//! The known name that somebody may have meant.

use serde_json::Value;

/// The name most like `name`, when it is like it at all.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (length, most) = (name.chars().count(), |known: &str| known.len().div_ceil(2));
    known
        .into_iter()
        // Two names are no more alike than they are long. To compare a name of a megabyte takes minutes.
        .filter(|known| known.len().abs_diff(length) <= most(known))
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .min()
        .filter(|(distance, known)| *distance <= most(known))
        .map(|(_, known)| known)
}

/// A name that is not known, in a sentence for people. `what` says what kind of name it is.
pub fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
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
            ("", None),
        ] {
            assert_eq!(nearest(name, known), found, "{name}");
        }
    }

    #[test]
    fn a_name_that_is_longer_than_all_is_compared_with_none() {
        // It would take hours otherwise.
        assert_eq!(nearest(&"lifespan".repeat(1_000_000), ["lifespan"; 100]), None);
    }
}
