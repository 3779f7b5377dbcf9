//! The passwords that are tried first.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::look::look;

/// One in each line, in lower case. Where they come from stands in `common-passwords.license.txt`.
const LIST: &str = include_str!("common-passwords.txt");

/// Whether a password looks like one of the most common ones, or like nothing at all.
pub(super) fn is_common(password: &str) -> bool {
    static COMMON: LazyLock<HashSet<String>> = LazyLock::new(|| LIST.lines().map(look).collect());
    let seen = look(password);
    COMMON.contains(&seen) || (seen.is_empty() && !password.is_empty())
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
            "pass\u{202e}word1",
            "pass\u{2066}word1",
            "pass\u{180e}word1",
            "pass\u{e0041}word1",
            "pass\u{3164}word1",
            "pass\u{115f}word1",
            "pass\u{fe0f}word1",
            "p\u{430}ssw\u{43e}rd1",
            "\u{440}assw\u{f8}rd1",
            "pa\u{df}word1",
            "\u{131}loveyou",
            "\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}\u{667}\u{668}",
            "p a s s w o r d 1",
            "pass word1",
            "\u{2800}\u{2800}\u{2800}\u{2800}\u{2800}\u{2800}\u{2800}\u{2800}",
            "\u{3164}\u{3164}\u{3164}\u{3164}\u{3164}\u{3164}\u{3164}\u{3164}",
            "\u{e0041}\u{e0041}\u{e0041}\u{e0041}\u{e0041}\u{e0041}\u{e0041}\u{e0041}",
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
