//! The value of a session cookie as an Ory Kratos seals it with gorilla's securecookie.
//!
//! It is base64 of `date|value|mac`. The mac is HMAC-SHA256 of `name|date|value` under a secret of `secrets.cookie`, and
//! the value is base64 of a map, as gob or JSON has it. Since 0.9 the map is encrypted with AES-256 in counter mode under
//! the SHA-256 of the same secret; versions before used the next secret in the list, and left the map in clear behind the
//! last one.
//!
//! How old a cookie is does not matter here: what it opens is a session, and that has its own end.

use aws_lc_rs::cipher::{AES_128, AES_192, AES_256, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use base64::prelude::{BASE64_URL_SAFE, Engine as _};
use sessera_model::Secret;

use super::{MEMBER, gob, member_of_object};

/// The length of a mac, in bytes.
const MAC: usize = 32;

/// The length of what AES begins to count at.
const BLOCK: usize = 16;

/// The session token in a cookie of this name. `None` when none of the secrets has sealed it.
pub(super) fn session_token(name: &str, value: &str, secrets: &[Secret]) -> Option<String> {
    let whole = BASE64_URL_SAFE.decode(value).ok()?;
    // The mac may hold any bytes, the others among them, so it is cut off by its length.
    let (signed, mac) = whole.split_at_checked(whole.len().checked_sub(MAC)?)?;
    let signed = signed.strip_suffix(b"|")?;
    let by = secrets.iter().position(|secret| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
        hmac::verify(&key, &[name.as_bytes(), b"|", signed].concat(), mac).is_ok()
    })?;
    let at = signed.iter().position(|byte| *byte == b'|')?;
    let content = BASE64_URL_SAFE.decode(signed.get(at + 1..)?).ok()?;
    let secret = secrets[by].expose().as_bytes();
    let next = secrets.get(by + 1).map(|next| next.expose().as_bytes());
    let own = digest(&SHA256, secret);
    let keys = [Some(own.as_ref()), next].into_iter().flatten();
    let mut opened = keys.filter_map(|key| decrypted(key, &content));
    opened.find_map(|map| token_in(&map)).or_else(|| token_in(&content))
}

fn decrypted(key: &[u8], content: &[u8]) -> Option<Vec<u8>> {
    let (start, content) = content.split_at_checked(BLOCK)?;
    let start: [u8; BLOCK] = start.try_into().ok()?;
    let algorithm = match key.len() {
        16 => &AES_128,
        24 => &AES_192,
        32 => &AES_256,
        _ => return None,
    };
    let key = UnboundCipherKey::new(algorithm, key).and_then(DecryptingKey::ctr).ok()?;
    let mut content = content.to_vec();
    key.decrypt(&mut content, DecryptionContext::Iv128(FixedLength::from(start))).ok()?;
    Some(content)
}

fn token_in(map: &[u8]) -> Option<String> {
    if map.first() == Some(&b'{') {
        return member_of_object(&serde_json::from_slice(map).ok()?);
    }
    gob::member(map, MEMBER)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::kratos) const NAME: &str = "ory_kratos_session";
    pub(in crate::kratos) const TOKEN: &str = "ory_st_ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

    /// Made with gorilla/securecookie 1.1.2 under the first of [`secrets`]: as Kratos does, without encryption, encrypted
    /// under the second one, and as JSON.
    pub(in crate::kratos) const COOKIES: [&str; 4] = [
        "MTc5NjA2NDc0MnxqU01ZMEFJMWJXWEVJbkdSYkxEVFRJUkxXZFkteWNaU3ZXZ3YxLVBGYkEyM3MxSFQyTEhBUkU3Rm1fME5oMmVPQUhwbDBKbWU4Z3Y5SnRrNThnTTlzTTR0M18xNmVFLWxCMDlmSXZ2WmRKRmQtbEIzQ3lEVENtcGVDcWhDMEhScmhDQjdVeUtZNWhnV0lkU1NIcURFZHduMU1BS0tITEJrZTluOXpJOTQ2bV9UWmNkd0FuZEtQQTctTlBBSFZMV3Jkc0F0SkxkNnlYSEU0ZHVDU01Wck14RUc1VmRZZkZfekxkUE5peUdNZ25IRVhYY2t6Nm5mRUlFWFo1WlpucUxnN2dJQTk1eF82X3lJZXVDSk9uaFZ8QQwO1mULxogqXdjneV-R8fJKkX6MtuZUk-biz8yMRYk=",
        "MTc5NjA2NDc0MnxEWDhFQVFMX2dBQUJFQUVRQUFEX3JfLUFBQU1HYzNSeWFXNW5EQThBRFhObGMzTnBiMjVmZEc5clpXNEdjM1J5YVc1bkRDa0FKMjl5ZVY5emRGOUJRa05FUlVaSFNFbEtTMHhOVGs5UVVWSlRWRlZXVjFoWldqQXhNak0wTlFaemRISnBibWNNREFBS1pYaHdhWEpsYzE5aGRBWnpkSEpwYm1jTUlBQWVNakV5TkMwd05TMHdObFF3Tnpvd09Eb3dPUzR4TWpNME5UWTNPRGxhQm5OMGNtbHVad3dIQUFWdWIyNWpaUVp6ZEhKcGJtY01DZ0FJUVdKRFpFVm1SMmc9fKJNLFCn3ZZktKrDLDW9FZ33_QPfcbiYrv91y-7xWLOo",
        "MTc5NjA2NDc0MnxLejdfTnMwSHpDVExHajRVMDlsUU9Venh5aS1DZXdYdTU0VUJHekpGNnUyaDNHS2JGekQtU0plandKejFIakh5LVNOcUd1V0dDOFRSVl9fREhNVF92YjR5aUJfMjc3THdNMGhPb01QT1hoWU00NDZWaUdYUk16SXd1cEFWLXZnNkttQjdpVWhic0s5YmNhVW5CQ0JsWUpfQ2JheWtyeWJ5bVhZYlNDaVBHcC1CVjRQTWRtYlcwZUFURmtLYXlLbWMwcU80WWtCeGxlSVBsdkNHT002Yk1SVTNqOGF1YkMzeGZsaVB2XzNUbzNqcG5OaTZPYlptYURrYnlwWi1NZmEyT29JdFB2VjN1R3pBZWY5Q3oxYlB8PnfkVk0cs1Ij2ggYW4VVO0OnI0rB-IX_fglU1cdhUbw=",
        "MTc5NjA2NDc0MnxleUp6WlhOemFXOXVYM1J2YTJWdUlqb2liM0o1WDNOMFgwRkNRMFJGUmtkSVNVcExURTFPVDFCUlVsTlVWVlpYV0ZsYU1ERXlNelExSW4wS3yv15Gv79A2VBRtxrh2ur6cODO8wCWqes9vvUnGIo5Vxg==",
    ];

    pub(in crate::kratos) fn secrets() -> Vec<Secret> {
        ["cookie-secret-for-tests-only-0001", "32-characters-for-cipher-tests-1"].map(Secret::new).to_vec()
    }

    #[test]
    fn every_form_is_opened_by_its_secret_for_its_name() {
        for cookie in COOKIES {
            assert_eq!(session_token(NAME, cookie, &secrets()).as_deref(), Some(TOKEN), "{cookie}");
            assert_eq!(session_token("other", cookie, &secrets()), None);
            assert_eq!(session_token(NAME, cookie, &secrets()[1..]), None);
            assert_eq!(session_token(NAME, cookie, &[]), None);
            let mut older = secrets();
            older.insert(0, "a-newer-secret-of-some-length-0000".into());
            assert_eq!(session_token(NAME, cookie, &older).as_deref(), Some(TOKEN), "secrets can be rotated");
        }
    }

    #[test]
    fn what_a_kratos_has_set_is_opened() {
        // Recorded from an Ory Kratos of July 2026 with the first of the secrets, after a registration.
        let cookie = "MTc5NjE0MDk4MnxaSnBiem5HbkRGdTIwcTA1VkZHV2p6TzdmZTVfQkQ4eGVVSW1UUTc0Uzl6ZWNnT0NGUUdwSkIzb2RlSHdJejFFLTFNcHB3MjE2MnFGYjFMX3hpYnRxOVZxVXJDMEpXNlMxdEVITUtTdkJoaFZheFJTSTdWQlFRUWZwdS1ETVNMVEdmMERXMlM1emRaQk5iU3plYWh1RWVQVjF4WGFtLXloTjZ1OGFUbWZ5S2U5YUpCZG80T1ZfNnVsdXJrUklCRDk4cmY3ZTVGSzdSbnJKN1k4RGxERS1zQlV2MmJlUXpVMXNsQ0hlb2w3bWhvRl8wcm80STFmVk54UWR6djJ6MkFMTUpDSnBGcER0cEtoaTUzenBIT1p86B65RY7D5C2pMCcUQEkXWS19cwYvN1Yu_gjCYrmh7xE=";
        let token = session_token(NAME, cookie, &secrets());
        assert_eq!(token.as_deref(), Some("ory_st_Li1T45HJoECMAnOMar0HeV4GcDSCoS8K"));
    }

    #[test]
    fn what_was_changed_opens_nothing() {
        let cookie = COOKIES[0];
        for at in 0..cookie.len() {
            for with in ['A', 'z', '|', '\u{e9}'] {
                let mut other: Vec<char> = cookie.chars().collect();
                if other[at] == with {
                    continue;
                }
                other[at] = with;
                let other: String = other.into_iter().collect();
                // The last character of base64 may have bits that mean nothing.
                if BASE64_URL_SAFE.decode(&other).ok() != BASE64_URL_SAFE.decode(cookie).ok() {
                    assert_eq!(session_token(NAME, &other, &secrets()), None, "{other}");
                }
            }
        }
        for value in ["", "MTc5", "ory_st_x.1800000000"] {
            assert_eq!(session_token(NAME, value, &secrets()), None);
        }
    }
}
