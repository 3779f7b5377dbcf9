//! Security keys with which people signed in alone, which are passkeys here.
//!
//! A Kratos keeps them among the security keys. Those that came before their owner's identity, when somebody signed up
//! with one, name the owner by a handle that was made up. By it passkeys are found, and nothing else is.

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::{Value, json};
use sessera_model::{Credential, CredentialKind, Uuid};

/// Puts the keys that sign in alone to somebody's passkeys, unless they name their owner by the id of the identity, by
/// which they are found where they are.
pub(super) fn put_to_passkeys(credentials: &mut Vec<Credential>, owner: Uuid) {
    let Some(place) = credentials.iter().position(|one| one.kind == CredentialKind::Webauthn) else { return };
    let known = &credentials[place];
    let mut config = known.config.expose().clone();
    let (handle, keys) = (config.get("user_handle").cloned(), config.get_mut("credentials"));
    let bytes = handle.as_ref().and_then(Value::as_str).and_then(|text| BASE64_STANDARD.decode(text).ok());
    let (Some(keys), Some(bytes)) = (keys.and_then(Value::as_array_mut), bytes) else { return };
    let signs_in = |key: &Value| key.get("is_passwordless").and_then(Value::as_bool) == Some(true);
    let (alone, rest): (Vec<Value>, Vec<Value>) = keys.drain(..).partition(signs_in);
    if alone.is_empty() || bytes.is_empty() || bytes == owner.as_bytes() {
        return;
    }
    *keys = rest;
    let new = Credential {
        kind: CredentialKind::Passkey,
        identifiers: vec![identifier_of(&bytes)],
        config: json!({ "credentials": &alone, "user_handle": handle }).into(),
        version: CredentialKind::Passkey.content_version(),
        ..known.clone()
    };
    credentials[place].config = config.into();
    match credentials.iter_mut().find(|one| one.kind == CredentialKind::Passkey) {
        Some(passkeys) => join(passkeys, new, alone),
        None => credentials.push(new),
    }
}

/// Adds keys to passkeys that somebody has already.
fn join(passkeys: &mut Credential, new: Credential, keys: Vec<Value>) {
    let mut config = passkeys.config.expose().clone();
    let Some(known) = config.get_mut("credentials").and_then(Value::as_array_mut) else {
        *passkeys = new;
        return;
    };
    known.extend(keys);
    passkeys.config = config.into();
    passkeys.identifiers.extend(new.identifiers);
    passkeys.updated_at = passkeys.updated_at.max(new.updated_at);
}

/// How a handle that is not the id of an identity stands among identifiers: as it is where it is plain text.
fn identifier_of(handle: &[u8]) -> String {
    match std::str::from_utf8(handle) {
        Ok(text) if text.bytes().all(|byte| byte.is_ascii_graphic()) => text.to_owned(),
        _ => BASE64_URL_SAFE_NO_PAD.encode(handle),
    }
}

#[cfg(test)]
mod tests {
    use sessera_model::Timestamp;

    use super::*;

    fn credential(kind: CredentialKind, seconds: i64, identifiers: &[&str], config: Value) -> Credential {
        let at = Timestamp::from_seconds(seconds);
        let identifiers = identifiers.iter().map(|one| (*one).to_owned()).collect();
        Credential { kind, identifiers, config: config.into(), version: 0, created_at: at, updated_at: at }
    }

    #[test]
    fn keys_that_sign_in_alone_become_passkeys_where_only_a_handle_tells_their_owner() {
        let owner = Uuid::from_bytes([7; 16]);
        let (alone, second) = (json!({"id": "b25l", "is_passwordless": true}), json!({"id": "dHdv"}));
        let keys = |handle: &[u8], keys: Value| {
            let config = json!({"credentials": keys, "user_handle": BASE64_STANDARD.encode(handle)});
            credential(CredentialKind::Webauthn, 2, &["ada@example.org"], config)
        };
        let both = json!([alone, second]);
        let mut credentials = vec![keys(&[200; 16], both.clone())];
        put_to_passkeys(&mut credentials, owner);
        let handle = BASE64_STANDARD.encode([200; 16]);
        let name = BASE64_URL_SAFE_NO_PAD.encode([200; 16]);
        let config = json!({"credentials": [alone], "user_handle": handle});
        let made = credential(CredentialKind::Passkey, 2, &[&name], config);
        let made = Credential { version: CredentialKind::Passkey.content_version(), ..made };
        assert_eq!(credentials, [keys(&[200; 16], json!([second])), made]);

        let config = json!({"credentials": [{"id": "b2xk"}], "user_handle": "AAAA"});
        let known = credential(CredentialKind::Passkey, 1, &["old"], config);
        let mut credentials = vec![known, keys(b"AbC", both.clone())];
        put_to_passkeys(&mut credentials, owner);
        let config = json!({"credentials": [{"id": "b2xk"}, alone], "user_handle": "AAAA"});
        let mut joined = credential(CredentialKind::Passkey, 1, &["old", "AbC"], config);
        joined.updated_at = Timestamp::from_seconds(2);
        assert_eq!(credentials, [joined, keys(b"AbC", json!([second]))]);

        for left in [
            keys(owner.as_bytes(), both),
            keys(&[200; 16], json!([second])),
            keys(b"", json!([alone])),
            credential(CredentialKind::Webauthn, 2, &[], json!({})),
        ] {
            let mut credentials = vec![left.clone()];
            put_to_passkeys(&mut credentials, owner);
            assert_eq!(credentials, [left]);
        }
    }
}
