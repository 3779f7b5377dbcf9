//! Ids as commands take them.

use sessera_model::Uuid;

/// Reads the id of a session.
pub(super) fn session(text: &str) -> Result<Uuid, String> {
    id(text, "session", "sessera list sessions")
}

/// Reads the id of a revision of the configuration.
pub(super) fn revision(text: &str) -> Result<Uuid, String> {
    id(text, "revision", "sessera list revisions")
}

/// Reads the id of a token that is to be made.
pub(super) fn token(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| format!("the id of a token looks like {EXAMPLE}; leave it out, and one is made"))
}

/// Reads a name that becomes a part of a path, such as that of a key set. A script whose variable is empty hears of it here, and
/// not by the answer of another path.
pub(super) fn path_part(text: &str) -> Result<String, String> {
    match text {
        "" => Err("it is empty".into()),
        "." | ".." => Err("nothing can have this name, which leads elsewhere in a path".into()),
        name => Ok(name.to_owned()),
    }
}

/// What an id looks like.
pub(super) const EXAMPLE: &str = "0b6f2c9e-6a4e-4f0e-9f4e-2f1d8a3b5c7d";

fn id(text: &str, what: &str, list: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| {
        format!("the id of a {what} looks like {EXAMPLE}; \"{list}\" shows those that are there")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_to_another_path() {
        assert!(["", ".", ".."].into_iter().all(|name| path_part(name).is_err()));
        assert_eq!(path_part("a/b").as_deref(), Ok("a/b"));
    }

    #[test]
    fn what_is_no_id_is_told_what_one_looks_like_and_where_they_are() {
        assert!(session(EXAMPLE).is_ok());
        for text in ["123", "", "ada@example.org", "0b6f2c9e"] {
            let problem = session(text).unwrap_err();
            assert!(problem.contains(EXAMPLE) && problem.contains("sessera list sessions"), "{problem}");
            assert!(revision(text).unwrap_err().contains("sessera list revisions"));
            assert!(token(text).unwrap_err().contains(EXAMPLE));
        }
    }
}
