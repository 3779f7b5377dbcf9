//! The known name that somebody may have meant.

use std::collections::HashSet;

/// The name most like `name`, when it is like it at all.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
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
    let near = nearest(name, known.iter().copied());
    // What is written in capitals has no letter in common with a name in small ones.
    match near.or_else(|| nearest(&short.to_lowercase(), known.iter().copied())) {
        Some(meant) => format!("the {what} \"{short}\" is not known: did you mean \"{meant}\"?"),
        None if (1..=MAX_TOLD).contains(&known.len()) => {
            let verb = if known.len() == 1 { "is" } else { "are" };
            format!("the {what} \"{short}\" is not known: there {verb} {}", listed(&known, "and"))
        }
        None => format!("the {what} \"{short}\" is not known"),
    }
}

/// Names one after the other, as in "a, b and c".
pub fn listed(names: &[&str], last_by: &str) -> String {
    match names {
        [before @ .., last] if !before.is_empty() => format!("{} {last_by} {last}", before.join(", ")),
        _ => names.join(""),
    }
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
    fn a_name_in_capitals_is_that_in_small_letters() {
        let told = unknown("key", "SELFSERVICE", ["session", "selfservice"]);
        assert_eq!(told, "the key \"SELFSERVICE\" is not known: did you mean \"selfservice\"?");
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
