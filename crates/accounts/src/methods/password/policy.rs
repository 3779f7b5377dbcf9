//! Which passwords are refused.

use serde_json::json;

use super::common::is_common;
use super::look::{look, visible_length};
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
    /// The fewest characters that are seen.
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
        let length = visible_length(&password);
        if length < self.min_length {
            return Err(Weakness::TooShort { min: self.min_length, actual: length });
        }
        if password.len() > self.max_bytes {
            return Err(Weakness::TooLong { max: self.max_bytes, actual: password.len() });
        }
        if is_common(&password) {
            return Err(Weakness::Common);
        }
        // A password is compared letter by letter and by its look.
        let written = |text: &str| text.trim().to_lowercase();
        for form in [written, look] {
            let password = form(&password);
            if identifiers.iter().any(|identifier| self.resembles(&form(identifier), &password)) {
                return Err(Weakness::SimilarToIdentifier);
            }
        }
        Ok(())
    }

    /// Whether a password is too much like an identifier, both in one form.
    fn resembles(&self, identifier: &str, password: &str) -> bool {
        !identifier.is_empty()
            && (identifier == password || (self.refuse_similar && similar(identifier, password)))
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
    // As many edits as letters: the two have nothing in common, however short they look.
    let is_near = distance < MIN_DISTANCE && distance < identifier.len().max(password.len());
    is_near || longest_common_run(&identifier, &password) * 2 > password.len()
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
    fn what_looks_like_the_identifier_is_refused() {
        let policy = PasswordPolicy::default();
        let refused = |password: &str| {
            policy.check(password, &["Margarethe@example.org".into()]) == Err(Weakness::SimilarToIdentifier)
        };
        for password in [
            "margarethe",
            "marga\u{200b}rethe",
            "marga\u{e0041}re\u{3164}the",
            "m a r g a r e t h e",
            "marg\u{e1}r\u{e9}the",
            "m\u{430}rg\u{430}r\u{435}th\u{435}",
            "\u{ff4d}\u{ff41}\u{ff52}\u{ff47}\u{ff41}\u{ff52}\u{ff45}\u{ff54}\u{ff48}\u{ff45}",
            "\u{41c}\u{410}RG\u{410}RETHE",
        ] {
            assert!(refused(password), "{password}");
        }
        let disguised = |password: &str, identifier: &str| policy.check(password, &[identifier.into()]);
        assert_eq!(disguised("margarethe", "m\u{e1}rgar\u{e9}the"), Err(Weakness::SimilarToIdentifier));
        let lax = PasswordPolicy { refuse_similar: false, ..policy };
        assert_eq!(lax.check("marg\u{e1}rethe", &["margarethe".into()]), Err(Weakness::SimilarToIdentifier));
    }

    #[test]
    fn a_phrase_in_any_script_is_taken() {
        for phrase in [
            "\u{43b}\u{43e}\u{448}\u{430}\u{434}\u{44c} \u{435}\u{441}\u{442} \u{441}\u{430}\u{445}\u{430}\u{440}",
            "\u{442}\u{440}\u{430}\u{43c}\u{432}\u{430}\u{439}-\u{43c}\u{43e}\u{440}\u{435}",
            "\u{3ba}\u{3b1}\u{3bb}\u{3ae} \u{3b8}\u{3ac}\u{3bb}\u{3b1}\u{3c3}\u{3c3}\u{3b1}",
            "\u{627}\u{644}\u{62d}\u{635}\u{627}\u{646} \u{64a}\u{623}\u{643}\u{644} \u{627}\u{644}\u{633}\u{643}\u{631}",
            "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645} \u{628}\u{631}\u{648}\u{645}",
            "\u{9a6c}\u{5403}\u{7cd6}\u{5728}\u{5c71}\u{4e0a}\u{8dd1}\u{6b65}",
            "\u{92e}\u{947}\u{930}\u{93e} \u{918}\u{94b}\u{921}\u{93c}\u{93e}",
            "\u{e21}\u{e49}\u{e32}\u{e01}\u{e34}\u{e19}\u{e19}\u{e49}\u{e33}\u{e15}\u{e32}\u{e25}",
            "\u{5e1}\u{5d5}\u{5e1} \u{5d0}\u{5d5}\u{5db}\u{5dc} \u{5e1}\u{5d5}\u{5db}\u{5e8}",
            "gr\u{fc}\u{df}e aus K\u{f6}ln",
            // Vowels are marks in these.
            "\u{92e}\u{948}\u{902} \u{928}\u{939}\u{940}\u{902} \u{91c}\u{93e}\u{90a}\u{901}\u{917}\u{940}",
            "\u{e17}\u{e35}\u{e48}\u{e19}\u{e35}\u{e48}\u{e14}\u{e35}\u{e17}\u{e35}\u{e48}\u{e2a}\u{e38}\u{e14}",
        ] {
            for identifier in [
                "bob",
                "ada@example.org",
                "+4915112345678",
                "\u{43c}\u{430}\u{440}\u{438}\u{44f}",
                "\u{92e}\u{940}\u{928}\u{93e}",
                "\u{e19}\u{e17}\u{e35}",
            ] {
                let judged = PasswordPolicy::default().check(phrase, &[identifier.into()]);
                assert_eq!(judged, Ok(()), "{phrase} of {identifier}");
            }
        }
    }

    #[test]
    fn what_is_not_seen_makes_a_password_no_longer() {
        let shown = "ab\u{3164}\u{3164}\u{e0041}\u{e0041}\u{202e}\u{fe0f}\u{115f}";
        assert_eq!(check(shown), Err(Weakness::TooShort { min: 8, actual: 2 }));
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
