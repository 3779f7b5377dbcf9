//! Any text is refused as a token of keys that nobody has, and any bytes are read as keys or refused.

#![no_main]

use std::sync::LazyLock;

use sessera_jose::verify::{check_times, check_type, verify, verify_with_secrets};
use sessera_jose::{JwkSet, import};

/// One key of each kind.
static KEYS: LazyLock<JwkSet> = LazyLock::new(|| {
    let keys = r#"{"keys":[
        {"kty":"EC","crv":"P-256","alg":"ES256","kid":"a","x":"Nn494OcT9bH754qyxWPZqDXvuHRxpK41DxvN5wjRQ24","y":"KyniNmzkhR8LhAZHpoaBZKQZTu1IWUXc0sanwM_DT3o","d":"JUw5V76raYAQDFSbDT18Nrle4PXGw_ltSOeSTVxeJF4"},
        {"kty":"oct","alg":"HS256","kid":"b","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldC0wMDAx"}]}"#;
    JwkSet::parse(keys.as_bytes()).expect("are keys")
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(token) = std::str::from_utf8(bytes) {
        assert!(verify(token, &KEYS.public()).is_err(), "nobody has the key");
        if let Ok(verified) = verify_with_secrets(token, &KEYS)
            && let Ok(claims) = verified.claims()
        {
            let _ = (check_times(&claims, 1_800_000_000, 0), check_type(&verified.header, None));
        }
    }
    if let Ok(set) = import::set(bytes, None) {
        for key in set.public().keys() {
            let key = key.to_json();
            for member in ["d", "k", "p", "q", "dp", "dq", "qi", "oth"] {
                assert!(key.get(member).is_none(), "{member} is private");
            }
        }
    }
});
