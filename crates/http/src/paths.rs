//! Paths as others may read them, to whom a request is passed on.

/// A path as whoever reads it most freely understands it: decoded until nothing is left to decode, and with one slash
/// where there are several.
pub fn plain(path: &str) -> String {
    let mut bytes = path.as_bytes().to_vec();
    // Each turn makes it shorter, and what is decoded three times over nobody means.
    for _ in 0..3 {
        let decoded = decoded(&bytes);
        if decoded == bytes {
            break;
        }
        bytes = decoded;
    }
    for byte in &mut bytes {
        if *byte == b'\\' {
            *byte = b'/';
        }
    }
    bytes.dedup_by(|next, before| *next == b'/' && *before == b'/');
    String::from_utf8_lossy(&bytes).into_owned()
}

fn decoded(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first == b'%'
            && let [high, low, behind @ ..] = rest
            && let (Some(high), Some(low)) = (digit(*high), digit(*low))
        {
            decoded.push(high << 4 | low);
            rest = behind;
        } else {
            decoded.push(*first);
        }
    }
    decoded
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Whether a [plain](plain) path leads out of where it begins.
pub fn leads_up(plain: &str) -> bool {
    plain.split('/').any(|part| matches!(part, "." | "..") || part.starts_with("..;"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_as_freely_as_by_anybody() {
        for (path, read) in [
            ("/a/b", "/a/b"),
            ("/self-service/log%6fut", "/self-service/logout"),
            ("//self-service///logout", "/self-service/logout"),
            ("/self-service%2flogout", "/self-service/logout"),
            ("/self-service%252Flogout", "/self-service/logout"),
            ("/a%", "/a%"),
            ("/a%zz%4", "/a%zz%4"),
            ("/%ff", "/\u{fffd}"),
        ] {
            assert_eq!(plain(path), read, "{path}");
        }
    }

    #[test]
    fn what_leads_up_does_so_however_it_is_spelled() {
        for path in ["/a/../b", "/a/%2e%2E/b", "/a%2f..%2fb", "/a/%252e%252e", "/a/..;/b", "/a\\..\\b", "/."]
        {
            assert!(leads_up(&plain(path)), "{path}");
        }
        for path in ["/", "/a..b/...", "/a/%2e%2ehidden"] {
            assert!(!leads_up(&plain(path)), "{path}");
        }
    }
}
