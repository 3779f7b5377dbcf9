//! The passwords that are tried first.

use std::collections::HashSet;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// One in each line, in lower case. Where they come from stands in `common-passwords.license.txt`.
const LIST: &str = include_str!("common-passwords.txt");

/// Whether a password is one of the most common ones, whatever its case, its accents, the width of its letters, the
/// blanks around it and the invisible characters in it, or nothing but blanks.
pub(super) fn is_common(password: &str) -> bool {
    static COMMON: LazyLock<HashSet<&str>> = LazyLock::new(|| LIST.lines().collect());
    let is_invisible = |letter: char| matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
    let seen = password.nfkd().filter(|letter| !is_combining_mark(*letter) && !is_invisible(*letter));
    let seen = seen.collect::<String>().to_lowercase();
    COMMON.contains(seen.trim()) || (seen.trim().is_empty() && !password.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_tries_first_is_known() {
        for password in [
            "12345678",
            "password1",
            "iloveyou",
            "Password1",
            "QWERTY123",
            " letmein123 ",
            "trustno1",
            "p\u{e1}ssword1",
            "pass\u{200b}word1",
            "\u{ff50}\u{ff41}\u{ff53}\u{ff53}\u{ff57}\u{ff4f}\u{ff52}\u{ff44}\u{ff11}",
            "        ",
        ] {
            assert!(is_common(password), "{password}");
        }
        assert!(!is_common("Zx-long-enough-1234") && !is_common(""));
    }

    #[test]
    fn the_list_holds_what_can_be_compared() {
        assert!(LIST.lines().count() > 10_000);
        for line in LIST.lines() {
            assert_eq!(line.trim().to_lowercase(), line);
            assert!(line.chars().count() >= 6, "{line}: nobody can choose a shorter one");
        }
    }
}
