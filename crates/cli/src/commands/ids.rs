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
