//! Which passwords are refused.

use serde_json::json;

use super::common::is_common;
use super::messages;
use crate::messages::Message;
use crate::password::{HashAlgorithm, MAX_PASSWORD_BYTES, check_characters, normalised};

/// Texts longer than this many characters are not compared by distance: that takes the product of
/// both lengths.
const MAX_COMPARED: usize = 256;

/// As Kratos has it: fewer edits than this between password and identifier are too few.
const MIN_DISTANCE: usize = 5;

/// Which passwords are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PasswordPolicy {
    /// The fewest characters.
    pub min_length: usize,
    /// The most bytes; what comes after cannot be stored.
    pub max_bytes: usize,
    /// Whether a password that resembles an identifier is refused too, not only one that equals it.
    pub refuse_similar: bool,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { min_length: 8, max_bytes: MAX_PASSWORD_BYTES, refuse_similar: true }
    }
}

/// Why a password is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weakness {
    /// It has too few characters.
    TooShort {
        /// The fewest that are accepted.
        min: usize,
        /// How many there were.
        actual: usize,
    },
    /// It is too long to be stored.
    TooLong {
        /// The most that are accepted, in bytes.
        max: usize,
        /// How many there were.
        actual: usize,
    },
    /// It equals or resembles what its owner signs in with.
    SimilarToIdentifier,
    /// It is one of those that are tried first.
    Common,
    /// It holds what cannot be typed everywhere.
    Unusable,
}

impl PasswordPolicy {
    /// Lets passwords be as long as an algorithm can take them.
    #[must_use]
    pub(super) const fn for_algorithm(mut self, algorithm: HashAlgorithm) -> Self {
        self.max_bytes = algorithm.max_password_bytes();
        self
    }

    /// Refuses a weak password of somebody who signs in with `identifiers`.
    pub(super) fn check(&self, password: &str, identifiers: &[String]) -> Result<(), Weakness> {
        let password = normalised(password);
        if check_characters(&password).is_err() {
            return Err(Weakness::Unusable);
        }
        let length = password.chars().count();
        if length < self.min_length {
            return Err(Weakness::TooShort { min: self.min_length, actual: length });
        }
        if password.len() > self.max_bytes {
            return Err(Weakness::TooLong { max: self.max_bytes, actual: password.len() });
        }
        if is_common(&password) {
            return Err(Weakness::Common);
        }
        let password = password.trim().to_lowercase();
        let resembles = |identifier: &String| {
            let identifier = identifier.trim().to_lowercase();
            !identifier.is_empty()
                && (identifier == password || (self.refuse_similar && similar(&identifier, &password)))
        };
        if identifiers.iter().any(resembles) { Err(Weakness::SimilarToIdentifier) } else { Ok(()) }
    }
}

/// Few edits apart, or more than half of the password is found in the identifier.
fn similar(identifier: &str, password: &str) -> bool {
    let (identifier, password): (Vec<char>, Vec<char>) =
        (identifier.chars().collect(), password.chars().collect());
    if identifier.len() > MAX_COMPARED || password.len() > MAX_COMPARED {
        return false;
    }
    let distance = strsim::generic_levenshtein(&identifier, &password);
    distance < MIN_DISTANCE || longest_common_run(&identifier, &password) * 2 > password.len()
}

/// The length of the longest run of characters that both texts have.
fn longest_common_run(a: &[char], b: &[char]) -> usize {
    let mut longest = 0;
    // Lengths of the runs that end at the previous character of `a` and at each one of `b`.
    let mut previous = vec![0; b.len() + 1];
    for x in a {
        let mut diagonal = 0;
        for (y, run) in b.iter().zip(previous.iter_mut().skip(1)) {
            let length = if x == y { diagonal + 1 } else { 0 };
            longest = longest.max(length);
            diagonal = std::mem::replace(run, length);
        }
    }
    longest
}

impl From<Weakness> for Message {
    fn from(weakness: Weakness) -> Self {
        match weakness {
            Weakness::SimilarToIdentifier => messages::TOO_SIMILAR.into(),
            Weakness::Common => messages::BREACHED.into(),
            Weakness::Unusable => {
                let reason = "It holds a control character, such as a line break. Leave it out.";
                Self::with_context(messages::REFUSED, json!({ "reason": reason }))
            }
            Weakness::TooShort { min, actual } => {
                Self::with_context(messages::TOO_SHORT, json!({"min_length": min, "actual_length": actual}))
            }
            Weakness::TooLong { max, actual } => {
                Self::with_context(messages::TOO_LONG, json!({"max_length": max, "actual_length": actual}))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(password: &str) -> Result<(), Weakness> {
        PasswordPolicy::default().check(password, &["ada@example.org".into(), String::new()])
    }

    #[test]
    fn short_and_long_ones_are_refused() {
        assert_eq!(check("short"), Err(Weakness::TooShort { min: 8, actual: 5 }));
        assert_eq!(check("ééééééé"), Err(Weakness::TooShort { min: 8, actual: 7 }));
        assert_eq!(check("Zx-long-enough-1234"), Ok(()));
        assert_eq!(check(&"é".repeat(513)), Err(Weakness::TooLong { max: 1024, actual: 1026 }));
        let bcrypt = PasswordPolicy::default().for_algorithm(HashAlgorithm::Bcrypt { cost: 4 });
        assert_eq!(bcrypt.check(&"x".repeat(73), &[]), Err(Weakness::TooLong { max: 72, actual: 73 }));
    }

    #[test]
    fn what_everybody_tries_first_and_what_cannot_be_typed_is_refused() {
        for password in ["12345678", "iloveyou", "Password1"] {
            assert_eq!(check(password), Err(Weakness::Common), "{password}");
        }
        for password in ["abc\0defghijk1", "Zx-long\nenough-1", "Zx-long\tenough-1", "Zx-long-enough\u{7f}"] {
            assert_eq!(check(password), Err(Weakness::Unusable), "{password:?}");
        }
    }

    #[test]
    fn what_resembles_the_identifier_is_refused() {
        for password in
            ["ada@example.org", "ADA@EXAMPLE.ORG", " ada@example.org ", "ada@example", "example.org-1"]
        {
            assert_eq!(check(password), Err(Weakness::SimilarToIdentifier), "{password}");
        }
        assert_eq!(check("example-and-something-else"), Ok(()));
    }

    #[test]
    fn what_equals_the_identifier_is_refused_always() {
        let policy = PasswordPolicy { refuse_similar: false, ..PasswordPolicy::default() };
        let identifiers = ["ada@example.org".to_owned(), "x".repeat(300)];
        assert_eq!(policy.check("Ada@Example.org", &identifiers), Err(Weakness::SimilarToIdentifier));
        assert_eq!(policy.check("ada@example.or", &identifiers), Ok(()));
        assert_eq!(policy.check(&"X".repeat(300), &identifiers), Err(Weakness::SimilarToIdentifier));
    }

    #[test]
    fn the_longest_common_run() {
        let run = |a: &str, b: &str| {
            longest_common_run(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>())
        };
        assert_eq!(run("abcdef", "xbcdy"), 3);
        assert_eq!(run("aaaa", "aa"), 2);
        assert_eq!(run("abc", ""), 0);
        assert_eq!(run("abc", "cab"), 2);
    }

    #[test]
    fn messages_are_the_contract_s() {
        let short = Message::from(Weakness::TooShort { min: 8, actual: 5 }).to_json();
        assert_eq!(short["id"], 4_000_032);
        assert_eq!(short["context"], json!({"min_length": 8, "actual_length": 5}));
        let similar = Message::from(Weakness::SimilarToIdentifier).to_json();
        assert_eq!(similar["id"], 4_000_031);
        assert!(similar.get("context").is_none());
    }
}
