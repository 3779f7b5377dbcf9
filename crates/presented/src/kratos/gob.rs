//! As much of Go's gob as a session cookie has: one map whose keys and values all are texts in interfaces.

/// The id of texts among the types that gob knows from the start.
const TEXT: i64 = 6;

/// The most members that are looked at.
const MAX_MEMBERS: u64 = 32;

/// The value of a member of the map. `None` when the bytes are something else.
pub(super) fn member(bytes: &[u8], name: &str) -> Option<String> {
    let mut stream = Reader(bytes);
    loop {
        let length = stream.unsigned()?;
        let mut message = Reader(stream.take(length)?);
        // A message with a negative number describes a type, and there is one that could matter.
        if message.signed()? < 0 {
            continue;
        }
        // What is no structure stands behind a zero.
        if message.unsigned()? != 0 {
            return None;
        }
        let members = message.unsigned()?.min(MAX_MEMBERS);
        for _ in 0..members {
            let (key, value) = (message.text_in_interface()?, message.text_in_interface()?);
            if key == name {
                return Some(value.to_owned());
            }
        }
        return None;
    }
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count.try_into().ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    /// A small number in its byte, or how many bytes of a larger one follow, negated.
    fn unsigned(&mut self) -> Option<u64> {
        let first = *self.take(1)?.first()?;
        if first < 128 {
            return Some(first.into());
        }
        let count = first.wrapping_neg();
        if count > 8 {
            return None;
        }
        let bytes = self.take(count.into())?;
        Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// The lowest bit says whether the others are inverted.
    fn signed(&mut self) -> Option<i64> {
        let number = self.unsigned()?;
        let half = i64::try_from(number >> 1).ok()?;
        Some(if number & 1 == 1 { !half } else { half })
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.unsigned()?;
        std::str::from_utf8(self.take(length)?).ok()
    }

    /// A text with the name and the number of its type, and its length, in front.
    fn text_in_interface(&mut self) -> Option<&'a str> {
        let name = self.text()?;
        let (kind, length) = (self.signed()?, self.unsigned()?);
        let mut value = Reader(self.take(length)?);
        let is_text = name == "string" && kind == TEXT && value.unsigned()? == 0;
        if is_text { value.text() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What encoding/gob writes for `map[interface{}]interface{}` with three members.
    const MAP: &str = "0d7f040102ff8000011001100000ffafff80000306737472696e670c0f000d73657373696f6e5f746f6b656e06737472696e670c2900276f72795f73745f4142434445464748494a4b4c4d4e4f505152535455565758595a30313233343506737472696e670c0c000a657870697265735f617406737472696e670c20001e323132342d30352d30365430373a30383a30392e3132333435363738395a06737472696e670c0700056e6f6e636506737472696e670c0a00084162436445664768";

    fn map() -> Vec<u8> {
        let byte = |at: usize| u8::from_str_radix(&MAP[at..at + 2], 16).unwrap();
        (0..MAP.len()).step_by(2).map(byte).collect()
    }

    #[test]
    fn members_of_a_map_are_read() {
        let read = |name| member(&map(), name);
        assert_eq!(read("session_token").as_deref(), Some("ory_st_ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"));
        assert_eq!(read("expires_at").as_deref(), Some("2124-05-06T07:08:09.123456789Z"));
        assert_eq!(read("nonce").as_deref(), Some("AbCdEfGh"));
        assert_eq!(read("other"), None);
    }

    #[test]
    fn no_bytes_panic() {
        let map = map();
        for end in 0..map.len() {
            assert_eq!(member(&map[..end], "nonce"), None, "{end}");
        }
        for at in 0..map.len() {
            for byte in [0, 1, 0x7f, 0x80, 0xf8, 0xff] {
                let mut other = map.clone();
                other[at] = byte;
                let _ = member(&other, "nonce");
            }
        }
    }
}
