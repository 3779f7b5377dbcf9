//! Names that stand in the paths of URLs.

/// Whether a name can be a part of the path of a URL. `.` and `..` cannot, however they are written: whoever reads the URL
/// takes them for a way to somewhere else.
pub fn is_path_part(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains('/')
}

/// Whether a name is of letters, digits, `-`, `_` and `.`, not longer than some characters, and can be a part of a path.
pub fn is_plain_name(name: &str, longest: usize) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    is_path_part(name) && name.len() <= longest && name.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        for name in ["a", "...", ".a", "a.", "a-b_c.1"] {
            assert!(is_path_part(name) && is_plain_name(name, 8), "{name}");
        }
        for name in ["", ".", "..", "a/b", "/"] {
            assert!(!is_path_part(name) && !is_plain_name(name, 8), "{name}");
        }
        for name in ["a b", "\u{e4}", "a%2e", "123456789"] {
            assert!(is_path_part(name) && !is_plain_name(name, 8), "{name}");
        }
    }
}
