//! Messages that are signed tokens of ours: security event tokens (RFC 8417), pushed by RFC 8935, and logout tokens
//! (OpenID Connect Back-Channel Logout 1.0).

use serde_json::{Value, json};

use super::content::Content;

/// The types of events of the Continuous Access Evaluation Profile 1.0 and of RISC 1.0.
const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type/";
const RISC: &str = "https://schemas.openid.net/secevent/risc/event-type/";

/// The event of a logout token.
const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// How long a logout token is good, in seconds. It is made anew for each attempt.
const LOGOUT_TTL: i64 = 120;

/// Whom a token is from and for.
#[derive(Clone, Debug)]
pub(super) struct Parties<'a> {
    pub(super) issuer: &'a str,
    pub(super) audience: Value,
}

/// The claims of the security event token that tells of an entry, issued at a time in seconds since the epoch. Nothing where
/// neither profile has such an event.
pub(super) fn security_event(content: &Content, parties: &Parties<'_>, now: i64) -> Option<Value> {
    let person = content.about("identity_id");
    let (kind, mut event) = match (content.action.as_str(), content.about("state")) {
        ("session_ended" | "sessions_ended", _) => (format!("{CAEP}session-revoked"), json!({})),
        ("credential_changed", _) => (format!("{CAEP}credential-change"), credential(content, "update")),
        ("credential_removed", _) => (format!("{CAEP}credential-change"), credential(content, "delete")),
        ("identity_changed", Some("inactive")) => (format!("{RISC}account-disabled"), json!({})),
        ("identity_deleted", _) => (format!("{RISC}account-purged"), json!({})),
        _ => return None,
    };
    event["event_timestamp"] = content.at.seconds().into();
    event["initiating_entity"] = initiator(content).into();
    // Of many sessions one may be left out, for which the profile has no word.
    if let Some(except) = content.about("except") {
        event["except_session"] = except.into();
    }
    let user = person.map(|id| json!({ "format": "iss_sub", "iss": parties.issuer, "sub": id }));
    let session = content.about("session_id").map(|id| json!({ "format": "opaque", "id": id }));
    let subject = match (user, session) {
        (Some(user), None) => user,
        (None, Some(session)) => json!({ "format": "complex", "session": session }),
        (Some(user), Some(session)) => json!({ "format": "complex", "user": user, "session": session }),
        (None, None) => return None,
    };
    Some(json!({
        "iss": parties.issuer,
        "aud": parties.audience,
        "iat": now,
        "jti": content.id,
        "sub_id": subject,
        "events": { kind: event },
    }))
}

fn credential(content: &Content, change: &str) -> Value {
    // The profile has words for some kinds. For the others it takes those of the two sides.
    let kind = match content.about("credential").unwrap_or_default() {
        "totp" => "app",
        "passkey" | "webauthn" => "fido2-roaming",
        other => other,
    };
    json!({ "credential_type": kind, "change_type": change })
}

fn initiator(content: &Content) -> &'static str {
    match content.actor() {
        "identity" => "user",
        "token" | "configuration" | "anybody" => "admin",
        _ => "system",
    }
}

/// The claims of the logout token that tells of an entry, issued at a time in seconds since the epoch. Nothing where nobody is
/// signed out.
pub(super) fn logout(content: &Content, parties: &Parties<'_>, now: i64) -> Option<Value> {
    let is_logout = match content.action.as_str() {
        "session_ended" | "sessions_ended" | "identity_deleted" => true,
        "identity_changed" => content.about("state") == Some("inactive"),
        _ => false,
    };
    let (person, session) = (content.about("identity_id"), content.about("session_id"));
    if !is_logout || (person.is_none() && session.is_none()) {
        return None;
    }
    let mut claims = json!({
        "iss": parties.issuer,
        "aud": parties.audience,
        "iat": now,
        "exp": now + LOGOUT_TTL,
        "jti": content.id,
        "events": { LOGOUT: {} },
    });
    for (name, value) in [("sub", person), ("sid", session)] {
        if let Some(value) = value {
            claims[name] = value.into();
        }
    }
    Some(claims)
}

#[cfg(test)]
mod tests {
    use sessera_model::{Timestamp, Uuid};
    use sessera_store::AuditEntry;
    use sessera_store::audit::ChainHash;

    use super::*;

    fn content(action: &str, about: &Value) -> Content {
        let content =
            json!({"action": action, "actor": {"kind": "token", "name": "support"}, "about": about});
        Content::of(&AuditEntry {
            id: Uuid::nil(),
            identity_id: None,
            number: 7,
            hash: ChainHash::default(),
            at: Timestamp::from_seconds(1_800_000_000),
            content: content.to_string(),
        })
    }

    fn parties() -> Parties<'static> {
        Parties { issuer: "https://id.example.org/", audience: json!("https://app.example.org") }
    }

    #[test]
    fn events_are_those_of_the_profiles_with_the_subjects_of_these() {
        let both = json!({"identity_id": "i", "session_id": "s"});
        let token = security_event(&content("session_ended", &both), &parties(), 1_800_000_005).unwrap();
        let kind = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
        assert_eq!(
            token,
            json!({
                "iss": "https://id.example.org/", "aud": "https://app.example.org", "iat": 1_800_000_005,
                "jti": "event_7_00000000",
                "sub_id": {
                    "format": "complex",
                    "user": {"format": "iss_sub", "iss": "https://id.example.org/", "sub": "i"},
                    "session": {"format": "opaque", "id": "s"},
                },
                "events": { kind: {"event_timestamp": 1_800_000_000, "initiating_entity": "admin"} },
            })
        );
        for (action, about, expected) in [
            (
                "sessions_ended",
                json!({"identity_id": "i", "except": "s"}),
                Some("caep/event-type/session-revoked"),
            ),
            (
                "credential_changed",
                json!({"identity_id": "i", "credential": "totp"}),
                Some("caep/event-type/credential-change"),
            ),
            (
                "identity_changed",
                json!({"identity_id": "i", "state": "inactive"}),
                Some("risc/event-type/account-disabled"),
            ),
            ("identity_changed", json!({"identity_id": "i", "state": "active"}), None),
            ("identity_deleted", json!({"identity_id": "i"}), Some("risc/event-type/account-purged")),
            ("session_began", json!({"identity_id": "i", "session_id": "s"}), None),
            ("session_ended", json!({}), None),
        ] {
            let token = security_event(&content(action, &about), &parties(), 0);
            let kind = token.as_ref().and_then(|token| token["events"].as_object()?.keys().next().cloned());
            let ends = expected.map(|end| format!("https://schemas.openid.net/secevent/{end}"));
            assert_eq!(kind, ends, "{action} {about}");
        }
    }

    #[test]
    fn logout_tokens_name_the_session_or_all_of_somebody() {
        let claims = |action: &str, about: Value| logout(&content(action, &about), &parties(), 100);
        let one = claims("session_ended", json!({"identity_id": "i", "session_id": "s"})).unwrap();
        assert_eq!((&one["sub"], &one["sid"], &one["exp"]), (&json!("i"), &json!("s"), &json!(220)));
        assert_eq!(one["events"], json!({"http://schemas.openid.net/event/backchannel-logout": {}}));
        assert!(one.get("nonce").is_none());
        let all = claims("identity_deleted", json!({"identity_id": "i"})).unwrap();
        assert_eq!((&all["sub"], all.get("sid")), (&json!("i"), None));
        assert!(claims("identity_changed", json!({"identity_id": "i", "state": "active"})).is_none());
        assert!(claims("session_began", json!({"identity_id": "i", "session_id": "s"})).is_none());
    }
}
