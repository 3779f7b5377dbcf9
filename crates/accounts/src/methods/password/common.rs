//! The passwords that are tried first.

use std::collections::HashSet;
use std::sync::LazyLock;

/// One in each line, in lower case. Where they come from stands in `common-passwords.license.txt`.
const LIST: &str = include_str!("common-passwords.txt");

/// Whether a password is one of the most common ones, whatever its case and the blanks around it.
pub(super) fn is_common(password: &str) -> bool {
    static COMMON: LazyLock<HashSet<&str>> = LazyLock::new(|| LIST.lines().collect());
    COMMON.contains(password.trim().to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_tries_first_is_known() {
        for password in
            ["12345678", "password1", "iloveyou", "Password1", "QWERTY123", " letmein123 ", "trustno1"]
        {
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
