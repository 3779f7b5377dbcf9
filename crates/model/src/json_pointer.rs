//! Names in JSON Pointers (RFC 6901, section 3).

/// A name as a part of a JSON Pointer.
pub fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The name that a part of a JSON Pointer stands for.
pub fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_comes_back() {
        for (name, part) in
            [("a", "a"), ("a/b", "a~1b"), ("~", "~0"), ("~1", "~01"), ("~/", "~0~1"), ("", "")]
        {
            assert_eq!((escape(name).as_str(), unescape(part).as_str()), (part, name));
        }
    }
}
