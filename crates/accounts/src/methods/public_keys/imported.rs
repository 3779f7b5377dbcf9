//! Passkeys and security keys that were brought along from an Ory Kratos. They are kept as they come, beside those that
//! were added here, and read by `keys.rs`.

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::{Value, json};
use sessera_model::{Credential, CredentialKind};

use super::cose;

/// How many passkeys one person can have.
pub(super) const MAX_PASSKEYS: usize = 32;

/// What is said about more.
const TOO_MANY: &str = "a person can have 32 of them at the most";

/// The longest handle of an owner (W3C Web Authentication, section 5.4.3), in bytes.
const MAX_HANDLE_BYTES: usize = 64;

/// Passkeys of one person, as Kratos writes them.
#[derive(Clone, Default)]
pub struct ImportedPasskeys {
    /// Each with its `id` and its `public_key`, in base64.
    pub credentials: Vec<Value>,
    /// By what passkeys name their owner, in base64.
    pub user_handle: Option<String>,
}

/// The identifiers and the content of the credential of somebody who brings passkeys along, beside those that they have
/// among `credentials`. A passkey that is there already is replaced. The error says why they cannot be imported.
pub(crate) fn imported(
    kind: CredentialKind,
    credentials: &[Credential],
    new: ImportedPasskeys,
) -> Result<(Vec<String>, Value), &'static str> {
    let known = credentials.iter().find(|credential| credential.kind == kind);
    let mut identifiers = known.map(|known| known.identifiers.clone()).unwrap_or_default();
    let config = known.map(|known| known.config.expose().clone()).unwrap_or_default();
    let mut kept = config.get("credentials").and_then(Value::as_array).cloned().unwrap_or_default();
    if new.credentials.is_empty() {
        return Err("it has no credentials");
    }
    if new.credentials.len() > MAX_PASSKEYS {
        return Err(TOO_MANY);
    }
    for passkey in new.credentials {
        let id = bytes(&passkey, "id").ok_or("a credential has no id in base64")?;
        let key = bytes(&passkey, "public_key").and_then(|key| cose::public_key(&key));
        key.ok_or("the public_key of a credential is not a COSE key (ES256, ES384, ES512, EdDSA or RS256) in base64")?;
        kept.retain(|known| bytes(known, "id").as_ref() != Some(&id));
        kept.push(passkey);
    }
    if kept.len() > MAX_PASSKEYS {
        return Err(TOO_MANY);
    }
    let handle = match new.user_handle.filter(|handle| !handle.is_empty()) {
        Some(handle) => Some(handle),
        None => config.get("user_handle").and_then(Value::as_str).map(str::to_owned),
    };
    if kind == CredentialKind::Passkey {
        let bytes = handle.as_ref().and_then(|handle| BASE64_STANDARD.decode(handle).ok());
        let bytes = bytes.filter(|bytes| (1..=MAX_HANDLE_BYTES).contains(&bytes.len()));
        let identifier = identifier_of(
            &bytes
                .ok_or("user_handle, by which a passkey names its owner, must be 1 to 64 bytes in base64")?,
        );
        if !identifiers.contains(&identifier) {
            identifiers.push(identifier);
        }
    }
    Ok((identifiers, json!({ "credentials": kept, "user_handle": handle })))
}

/// By what the owner of a handle is found that is not the id of an identity here.
pub(super) fn identifier_of(handle: &[u8]) -> String {
    match std::str::from_utf8(handle) {
        Ok(text) if text.bytes().all(|byte| byte.is_ascii_graphic()) => text.to_owned(),
        _ => BASE64_URL_SAFE_NO_PAD.encode(handle),
    }
}

/// A member that holds bytes in base64, and not none.
pub(super) fn bytes(passkey: &Value, member: &str) -> Option<Vec<u8>> {
    let bytes = BASE64_STANDARD.decode(passkey.get(member)?.as_str()?).ok()?;
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessera_model::Timestamp;

    fn es256() -> String {
        let head = [0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01];
        BASE64_STANDARD
            .encode([&head[..], &[0x21, 0x58, 0x20], &[7; 32], &[0x22, 0x58, 0x20], &[8; 32]].concat())
    }

    fn passkeys(ids: &[&str], handle: Option<&[u8]>) -> ImportedPasskeys {
        let passkey = |id: &&str| json!({"id": BASE64_STANDARD.encode(id), "public_key": es256()});
        ImportedPasskeys {
            credentials: ids.iter().map(passkey).collect(),
            user_handle: handle.map(|handle| BASE64_STANDARD.encode(handle)),
        }
    }

    #[test]
    fn passkeys_are_found_by_the_handle_of_their_owner() {
        let kind = CredentialKind::Passkey;
        let (identifiers, config) = imported(kind, &[], passkeys(&["1", "2"], Some(b"AbC"))).unwrap();
        assert_eq!(identifiers, ["AbC"]);
        let known = Credential {
            kind,
            identifiers,
            config: config.into(),
            version: 1,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        };
        let known = [known];
        let (identifiers, config) = imported(kind, &known, passkeys(&["2", "3"], None)).unwrap();
        assert_eq!(
            (identifiers, config["credentials"].as_array().map(Vec::len)),
            (vec!["AbC".into()], Some(3))
        );
        let (identifiers, _) = imported(kind, &known, passkeys(&["3"], Some(&[0xff]))).unwrap();
        assert_eq!(identifiers, ["AbC", "_w"]);
    }

    #[test]
    fn what_could_never_sign_is_refused() {
        let kind = CredentialKind::Passkey;
        let without = |member: &str| {
            let mut one = passkeys(&["1"], Some(b"x"));
            one.credentials[0][member] = json!("!");
            one
        };
        let ids: Vec<String> = (0..=MAX_PASSKEYS).map(|number| number.to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        for bad in [
            passkeys(&[], Some(b"x")),
            passkeys(&["1"], None),
            passkeys(&["1"], Some(&[1; MAX_HANDLE_BYTES + 1])),
            passkeys(&ids, Some(b"x")),
            without("id"),
            without("public_key"),
        ] {
            assert!(imported(kind, &[], bad).is_err());
        }
        assert!(imported(CredentialKind::Webauthn, &[], passkeys(&["1"], None)).is_ok(), "found by a name");
    }
}
