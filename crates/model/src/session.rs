//! The result of signing in: a session and its JSON on the wire.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::identity::{Identity, IdentityView};
use crate::json::{list, text};

/// How many factors a session has proven (authenticator assurance level).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum AssuranceLevel {
    /// The session has proven no factor.
    Aal0,
    /// The session has proven one factor.
    #[default]
    Aal1,
    /// The session has proven two factors.
    Aal2,
}

impl AssuranceLevel {
    /// The word on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aal0 => "aal0",
            Self::Aal1 => "aal1",
            Self::Aal2 => "aal2",
        }
    }

    /// The level that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "aal0" => Some(Self::Aal0),
            "aal1" => Some(Self::Aal1),
            "aal2" => Some(Self::Aal2),
            _ => None,
        }
    }
}

impl fmt::Display for AssuranceLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One proof that was given: which method, when, and what it counts for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthenticationMethod {
    /// `password`, `totp`, `lookup_secret`, `code_recovery`, ...
    pub method: String,
    /// The factor it proves.
    pub aal: AssuranceLevel,
    /// When it was given.
    pub completed_at: Timestamp,
    /// By which provider, as the configuration names it, where another one has vouched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

/// A device from which a session was used to sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Identifier of the record.
    pub id: Uuid,
    /// The client's address.
    pub ip_address: String,
    /// The client's `User-Agent`.
    pub user_agent: String,
    /// Where the address is, if a proxy said so, and empty otherwise.
    pub location: String,
}

/// A signed-in session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Identifier, the `sid` of its tokens; it stays the same when the session is stepped up.
    pub id: Uuid,
    /// The identity that the session belongs to.
    pub identity_id: Uuid,
    /// Whether the session is live; false once it was revoked.
    pub active: bool,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When its owner last signed in with it.
    pub authenticated_at: Timestamp,
    /// When it was last used, to within a few minutes. It is absent until that was noted, and not part of the
    /// JSON.
    pub last_used_at: Option<Timestamp>,
    /// The highest level proven.
    pub assurance_level: AssuranceLevel,
    /// Every proof that was given.
    pub methods: Vec<AuthenticationMethod>,
    /// The devices from which it was used to sign in.
    pub devices: Vec<Device>,
}

/// Which parts of a session an answer shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SessionView<'a> {
    /// The identity, and how much of it is shown. The JSON has `null` when it is absent.
    pub identity: Option<(&'a Identity, IdentityView<'a>)>,
    /// Whether devices are shown. The list is empty otherwise.
    pub devices: bool,
}

impl Session {
    /// A session that begins at `now` and was never used: at the first level, without proofs and devices.
    pub const fn new(id: Uuid, identity_id: Uuid, now: Timestamp, expires_at: Timestamp) -> Self {
        Self {
            id,
            identity_id,
            active: true,
            issued_at: now,
            expires_at,
            authenticated_at: now,
            last_used_at: None,
            assurance_level: AssuranceLevel::Aal1,
            methods: Vec::new(),
            devices: Vec::new(),
        }
    }

    /// Whether the session is good at `now`, as far as the session itself can tell.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.active && now < self.expires_at
    }

    /// The session as JSON on the wire.
    pub fn to_json(&self, now: Timestamp, view: SessionView<'_>) -> Value {
        let mut json = Map::new();
        let mut set = |name: &str, value: Value| {
            json.insert(name.to_owned(), value);
        };
        set("id", text(&self.id));
        set("active", Value::from(self.is_live(now)));
        set("expires_at", text(&self.expires_at));
        set("authenticated_at", text(&self.authenticated_at));
        set("authenticator_assurance_level", Value::from(self.assurance_level.as_str()));
        set("authentication_methods", list(&self.methods));
        set("issued_at", text(&self.issued_at));
        set("identity", view.identity.map_or(Value::Null, |(identity, view)| identity.to_json(view)));
        set("devices", if view.devices { list(&self.devices) } else { Value::Array(vec![]) });
        Value::Object(json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn session() -> Session {
        let at = Timestamp::from_seconds(100);
        Session {
            last_used_at: Some(at),
            methods: vec![AuthenticationMethod {
                method: "password".into(),
                aal: AssuranceLevel::Aal1,
                completed_at: at,
                provider: None,
            }],
            ..Session::new(Uuid::from_u128(7), Uuid::from_u128(1), at, Timestamp::from_seconds(200))
        }
    }

    #[test]
    fn a_session_ends_at_its_second() {
        assert!(session().is_live(Timestamp::from_micros(199_999_999)));
        assert!(!session().is_live(Timestamp::from_seconds(200)));
        assert!(!Session { active: false, ..session() }.is_live(Timestamp::from_seconds(100)));
    }

    #[test]
    fn json_has_the_contract_s_members() {
        let json =
            session().to_json(Timestamp::from_seconds(100), SessionView { identity: None, devices: true });
        assert_eq!(json["active"], json!(true));
        assert_eq!(json["identity"], Value::Null);
        assert_eq!(json["devices"], json!([]));
        assert_eq!(json["authenticator_assurance_level"], "aal1");
        assert_eq!(
            json["authentication_methods"],
            json!([{"method": "password", "aal": "aal1", "completed_at": "1970-01-01T00:01:40Z"}])
        );
    }

    #[test]
    fn levels_are_ordered() {
        assert!(AssuranceLevel::Aal2 > AssuranceLevel::Aal1);
        assert_eq!(AssuranceLevel::parse("aal2"), Some(AssuranceLevel::Aal2));
        assert_eq!(AssuranceLevel::parse("aal3"), None);
    }
}
