//! The known name that somebody may have meant.

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
