//! The value of a session cookie as an Ory Kratos seals it with a version in front.
//!
//! Behind `v1.` stands base64 of a nonce and of JSON that XChaCha20-Poly1305 has encrypted. HKDF-SHA256 makes the key of a
//! secret of `secrets.cookie`; the name of the cookie is bound as additional data. The JSON has the time of sealing and
//! the values of the cookie.
//!
//! How old a cookie is does not matter here either.

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use chacha20::{R20, hchacha};
use serde_json::Value;
use sessera_model::Secret;

use super::member_of_object;

/// What the value begins with.
pub(super) const PREFIX: &str = "v1.";

/// Which keys are made of a secret, and what the additional data begins with.
const CONTEXT: &[u8] = b"ory/x/cookiex/v1";

/// What the cookie is for, as the additional data has it.
const PURPOSE: &[u8] = b"kratos/session";

/// The length of a key, in bytes.
const KEY: usize = 32;

/// How many bytes of the nonce make another key of the key (draft-irtf-cfrg-xchacha, section 2).
const OF_KEY: usize = 16;

/// How many follow, which are counted on from under that other key.
const OF_NONCE: usize = 8;

/// The session token in a cookie of this name. `None` when none of the secrets has sealed it.
pub(super) fn session_token(name: &str, value: &str, secrets: &[Secret]) -> Option<String> {
    let sealed = BASE64_URL_SAFE_NO_PAD.decode(value.strip_prefix(PREFIX)?).ok()?;
    let bound = [CONTEXT, b"|", PURPOSE, b"|", name.as_bytes()].concat();
    let mut opened = secrets.iter().filter_map(|secret| open(secret, &bound, &sealed));
    let content: Value = serde_json::from_slice(&opened.next()?).ok()?;
    member_of_object(content.get("v")?)
}

fn open(secret: &Secret, bound: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (of_key, rest) = sealed.split_first_chunk::<OF_KEY>()?;
    let (of_nonce, rest) = rest.split_first_chunk::<OF_NONCE>()?;
    let key = hchacha::<R20>(&key_of(secret)?.into(), &(*of_key).into());
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &key).ok()?);
    let mut nonce = [0; NONCE_LEN];
    nonce[NONCE_LEN - OF_NONCE..].copy_from_slice(of_nonce);
    let mut content = rest.to_vec();
    let nonce = Nonce::assume_unique_for_key(nonce);
    let length = key.open_in_place(nonce, Aad::from(bound), &mut content).ok()?.len();
    content.truncate(length);
    Some(content)
}

fn key_of(secret: &Secret) -> Option<[u8; KEY]> {
    /// How long the key is to be.
    struct Length;
    impl KeyType for Length {
        fn len(&self) -> usize {
            KEY
        }
    }
    let extracted = Salt::new(HKDF_SHA256, &[]).extract(secret.expose().as_bytes());
    let mut key = [0; KEY];
    extracted.expand(&[CONTEXT], Length).and_then(|expanded| expanded.fill(&mut key)).ok()?;
    Some(key)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::kratos::securecookie::tests::{NAME, TOKEN, secrets};

    /// Made with the `cookiex` of Ory Kratos' source of July 2026 under the first of [`secrets`], and under the second one.
    pub(in crate::kratos) const COOKIES: [&str; 2] = [
        "v1.EAlYJnyr5_EpUCecwaRAGZkaV9MpgivJnSvgX6Y6WVgjcfX7dJFFSKkI9vVtwbeP95jpciL0qhRAEkDN6UJkDQokstG_aYrhLUEpYN7LmdHWs9UlzsBpOKl2o_ca_KHAN9afbzhxYyolTLuBh-Zvx7HPubPJ7zxSSBNhiPKhx5Q4L_KWCKPcU27QMvEdbetBUXXsgu98SnHKdhcwLjFtAg2iHEfSLvYkye_RlqxlrZ9AF71rXRm8ZwdCDQ",
        "v1.C5LJI1RM60fKUHU4LpzrcXz6lxwmYWiSDIloCO0lXhZgiNb1b6OyZeLDTqooXfQCxBTc_kzBbimVSxENRimKx8WLvauETssDFn4caH49NU5jPXMV7rIOcZbccTKZ8ir6L1faQlBwMVC-2poTd1ZyTuofr2NisTLq_t0hQ4iZDY_53NdvgmLq05weq2zb9oZqM-DUn8TChDMv3CUBVeIK_kwclHUp6JgIyOxGIsd9kNZvTfX2dEmAYyXE6A",
    ];

    #[test]
    fn it_is_opened_by_its_secret_for_its_name() {
        for (cookie, own) in COOKIES.into_iter().zip(secrets()) {
            assert_eq!(session_token(NAME, cookie, &secrets()).as_deref(), Some(TOKEN), "{cookie}");
            let own = [own];
            assert_eq!(session_token(NAME, cookie, &own).as_deref(), Some(TOKEN), "{cookie}");
            assert_eq!(session_token("other", cookie, &own), None);
            assert_eq!(session_token(NAME, cookie, &["a-newer-secret-of-some-length-0000".into()]), None);
            assert_eq!(session_token(NAME, cookie, &[]), None);
        }
    }

    #[test]
    fn what_was_changed_opens_nothing() {
        let cookie = COOKIES[0];
        for at in 0..cookie.len() {
            assert_eq!(session_token(NAME, &cookie[..at], &secrets()), None, "{at}");
            let mut other: Vec<char> = cookie.chars().collect();
            other[at] = if other[at] == 'A' { 'B' } else { 'A' };
            let other: String = other.into_iter().collect();
            assert_eq!(session_token(NAME, &other, &secrets()), None, "{other}");
        }
    }
}
