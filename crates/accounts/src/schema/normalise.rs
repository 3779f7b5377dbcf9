//! The one form in which identifiers and addresses are stored and compared.
//!
//! Two people must not be able to hold identifiers that look alike, so letters are lower case,
//! compatible forms (full-width letters, ligatures) are unified and what cannot be seen is left out.

use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;
use unicode_normalization::UnicodeNormalization as _;

/// An identifier in its one form: user names and e-mail addresses in lower case, telephone numbers
/// without separators.
pub fn identifier(text: &str) -> String {
    let text = fold(text);
    telephone_number(&text).unwrap_or(text)
}

/// An e-mail address in its one form, or `None` when it is none.
pub fn email(text: &str) -> Option<String> {
    let email = fold(text);
    is_email(&email).then_some(email)
}

/// A telephone number in its international form (ITU-T E.164), `+` and 7 to 15 digits, or `None` when
/// it is none. Spaces, hyphens, dots and brackets between the digits are left out.
pub fn telephone_number(text: &str) -> Option<String> {
    let digits = text.trim().strip_prefix('+')?;
    let mut number = String::from("+");
    for c in digits.chars() {
        match c {
            '0'..='9' => number.push(c),
            ' ' | '-' | '.' | '(' | ')' | '/' => {}
            _ => return None,
        }
    }
    ((8..=16).contains(&number.len()) && !number.starts_with("+0")).then_some(number)
}

fn fold(text: &str) -> String {
    let seen: String = text.nfkc().filter(|c| !is_invisible(*c)).collect();
    // Lower case letters can be composed anew.
    let folded: String = seen.to_lowercase().nfkc().collect();
    folded.trim().to_owned()
}

/// Control characters, and code points that Unicode calls default ignorable.
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control() || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Whether a text is an e-mail address (RFC 5321 and RFC 6531) without display name, quotes, comments
/// and address literals: what can be written into a message's header as it stands.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let dotted = |text: &str, valid: fn(&str) -> bool| text.split('.').all(valid);
    local.len() <= 64
        && domain.len() <= 253
        && dotted(local, |atom| !atom.is_empty() && atom.chars().all(is_atom_character))
        && dotted(domain, |label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        })
}

fn is_atom_character(c: char) -> bool {
    c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_looks_alike_is_the_same() {
        for text in ["ada", "ADA", " ada ", "ａｄａ", "a\u{200b}da", "\u{202e}ada", "\tada\0", "ad\u{ad}a"]
        {
            assert_eq!(identifier(text), "ada", "{text:?}");
        }
        assert_eq!(identifier("Ada@Example.ORG"), "ada@example.org");
        assert_eq!(identifier("E\u{301}va"), "éva");
    }

    #[test]
    fn emails_are_judged() {
        assert_eq!(email(" Ada@Example.org "), Some("ada@example.org".into()));
        assert_eq!(email("Jürgen.O'Neil+x@bücher.example"), Some("jürgen.o'neil+x@bücher.example".into()));
        for text in [
            "nope",
            "@",
            "a@",
            "@b",
            "Ada <ada@example.org>",
            "a b@example.org",
            "a..b@example.org",
            "a@b@c",
            "a@-b",
            "a@b..c",
            "a@[127.0.0.1]",
            "\"a\"@b.co",
            "a@b.co,c@b.co",
            "",
        ] {
            assert_eq!(email(text), None, "{text}");
        }
        assert!(!is_email("a@b.co\r\nBcc: c@d.co"));
    }

    #[test]
    fn telephone_numbers_are_international() {
        assert_eq!(telephone_number("+49 (30) 901820-0"), Some("+49309018200".into()));
        assert_eq!(identifier("+1 202-555-0123"), "+12025550123");
        for text in ["030 901820", "+49", "+4930901820x", "+0123456789", "+1234567890123456", "++4930901820"]
        {
            assert_eq!(telephone_number(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_normalised_stays(text in "\\PC{0,20}|[+0-9 ()-]{0,20}") {
            let once = identifier(&text);
            prop_assert_eq!(identifier(&once), once);
        }
    }
}
