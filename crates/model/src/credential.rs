//! Credentials: what an identity signs in with.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::clock::Timestamp;
use crate::json::text;

/// The kinds of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CredentialKind {
    /// A password with one or more identifiers.
    Password,
    /// Codes that are sent to an address.
    Code,
    /// Time-based one-time passwords (RFC 6238).
    Totp,
    /// Printed codes, each good for one use.
    LookupSecret,
    /// Security keys (`WebAuthn`) that are a second factor, and those of an Ory Kratos without a password.
    Webauthn,
    /// Passkeys (`WebAuthn` credentials that name their owner).
    Passkey,
    /// Accounts at other providers, by which somebody signs in.
    Oidc,
}

impl CredentialKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Password,
        Self::Code,
        Self::Totp,
        Self::LookupSecret,
        Self::Webauthn,
        Self::Passkey,
        Self::Oidc,
    ];

    /// The word on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Code => "code",
            Self::Totp => "totp",
            Self::LookupSecret => "lookup_secret",
            Self::Webauthn => "webauthn",
            Self::Passkey => "passkey",
            Self::Oidc => "oidc",
        }
    }

    /// The version of the form in which the content of such a credential is kept, as the wire contract counts it.
    pub const fn content_version(self) -> i64 {
        match self {
            Self::Password | Self::Code | Self::Webauthn | Self::Passkey => 1,
            Self::Totp | Self::LookupSecret | Self::Oidc => 0,
        }
    }

    /// The kind that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What a credential keeps, such as hashes and shared secrets. It is never printed.
#[derive(Clone, PartialEq, Default)]
pub struct CredentialConfig(Value);

impl CredentialConfig {
    /// The content itself.
    pub const fn expose(&self) -> &Value {
        &self.0
    }

    /// A text member of the content.
    pub fn text(&self, member: &str) -> Option<&str> {
        self.0.get(member)?.as_str()
    }
}

impl From<Value> for CredentialConfig {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

impl fmt::Debug for CredentialConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialConfig(..)")
    }
}

/// A credential of an identity.
#[derive(Clone, Debug, PartialEq)]
pub struct Credential {
    /// Its kind; an identity has at most one of each.
    pub kind: CredentialKind,
    /// What the person types in order to be found. It is unique among all identities within a kind.
    pub identifiers: Vec<String>,
    /// Its content.
    pub config: CredentialConfig,
    /// The version of the content's form.
    pub version: i64,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// How much of a credential an answer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialView<'a> {
    /// The kinds whose `config` is shown (as far as it may be shown at all).
    pub with_config: &'a [CredentialKind],
}

impl CredentialView<'_> {
    /// A view that shows kinds, identifiers and times only.
    pub const METADATA: Self = Self { with_config: &[] };
}

impl Credential {
    /// Whether there is something in it by which its owner can prove more than a password, where the configuration has that as
    /// a second factor. An Ory Kratos keeps credentials of people who have no key and no address.
    pub fn has_second_factor(&self) -> bool {
        let all =
            |member: &str| self.config.expose().get(member).and_then(Value::as_array).into_iter().flatten();
        match self.kind {
            CredentialKind::Password => false,
            CredentialKind::Webauthn => all("credentials")
                .any(|key| key.get("is_passwordless").and_then(Value::as_bool) != Some(true)),
            CredentialKind::Code => all("addresses").next().is_some(),
            CredentialKind::Totp
            | CredentialKind::LookupSecret
            | CredentialKind::Passkey
            | CredentialKind::Oidc => true,
        }
    }

    /// The credential as the admin API shows it. Hashes and shared secrets are never shown, of passkeys only what tells
    /// them apart is, and of codes the addresses to which they are sent. Tokens of other providers are shown to whoever
    /// asks for them.
    pub fn to_json(&self, view: CredentialView<'_>) -> Value {
        let mut json = Map::new();
        json.insert("type".into(), Value::from(self.kind.as_str()));
        json.insert("identifiers".into(), json!(self.identifiers));
        if view.with_config.contains(&self.kind) {
            json.insert("config".into(), self.shown_config());
        }
        json.insert("version".into(), Value::from(self.version));
        json.insert("created_at".into(), text(&self.created_at));
        json.insert("updated_at".into(), text(&self.updated_at));
        Value::Object(json)
    }

    fn shown_config(&self) -> Value {
        let config = self.config.expose();
        match self.kind {
            CredentialKind::Passkey | CredentialKind::Webauthn => json!({
                "credentials": shown(config, "credentials", &["id", "display_name", "added_at", "is_passwordless"]),
                "user_handle": config.get("user_handle"),
            }),
            CredentialKind::Oidc => config.clone(),
            CredentialKind::Code => json!({ "addresses": config.get("addresses") }),
            _ => json!({}),
        }
    }
}

/// The items of a list, each with no other members than these.
fn shown(config: &Value, list: &str, members: &[&str]) -> Vec<Value> {
    let shown = |item: &Value| {
        let members = members.iter().filter_map(|name| Some(((*name).to_owned(), item.get(*name)?.clone())));
        Value::Object(members.collect())
    };
    config.get(list).and_then(Value::as_array).into_iter().flatten().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_one_word_each() {
        for kind in CredentialKind::ALL {
            assert_eq!(CredentialKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(CredentialKind::parse("saml"), None);
    }

    fn credential(kind: CredentialKind, config: Value) -> Credential {
        Credential {
            kind,
            identifiers: vec!["a".into()],
            config: config.into(),
            version: 0,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        }
    }

    #[test]
    fn whoever_has_no_key_and_no_address_has_no_second_factor() {
        for (kind, config, has) in [
            (CredentialKind::Webauthn, json!({}), false),
            (CredentialKind::Webauthn, json!({"credentials": null, "user_handle": "x"}), false),
            (CredentialKind::Webauthn, json!({"credentials": [{"is_passwordless": true}]}), false),
            (CredentialKind::Webauthn, json!({"credentials": [{"is_passwordless": true}, {}]}), true),
            (CredentialKind::Code, json!({"addresses": []}), false),
            (CredentialKind::Code, json!({"addresses": [{"channel": "email", "address": "a"}]}), true),
            (CredentialKind::Password, json!({"hashed_password": "hash"}), false),
            (CredentialKind::Totp, json!({"totp_url": "otpauth://"}), true),
        ] {
            assert_eq!(credential(kind, config.clone()).has_second_factor(), has, "{kind:?} {config}");
        }
    }

    #[test]
    fn the_content_is_never_shown() {
        let credential = credential(CredentialKind::Password, json!({"hashed_password": "hash"}));
        assert!(!format!("{credential:?}").contains("hash\""));
        let shown = credential.to_json(CredentialView { with_config: &[CredentialKind::Password] });
        assert_eq!(shown["config"], json!({}));
    }

    #[test]
    fn addresses_of_codes_are_shown() {
        let config = json!({"addresses": [{"channel": "email", "address": "a@example.org"}]});
        let credential = Credential {
            kind: CredentialKind::Code,
            identifiers: vec!["a@example.org".into()],
            config: config.clone().into(),
            version: 1,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        };
        let shown = credential.to_json(CredentialView { with_config: &[CredentialKind::Code] });
        assert_eq!(shown["config"], config);
    }

    #[test]
    fn passkeys_are_told_apart_without_their_keys() {
        let credential = Credential {
            kind: CredentialKind::Passkey,
            identifiers: vec!["a".into()],
            config: json!({
                "user_handle": "AA==",
                "credentials": [{"id": "BB==", "display_name": "Phone", "passkey": {"cred": "key"}}],
            })
            .into(),
            version: 0,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        };
        let shown = credential.to_json(CredentialView { with_config: &[CredentialKind::Passkey] });
        assert_eq!(
            shown["config"],
            json!({"credentials": [{"id": "BB==", "display_name": "Phone"}], "user_handle": "AA=="})
        );
    }
}
