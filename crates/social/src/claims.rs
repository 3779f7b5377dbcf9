//! What a provider says of somebody, under the names of OpenID Connect (Core 1.0, section 5.1), as mappers read it.
//!
//! The members are those that Ory Kratos hands to mappers. What is empty or false there is left out; everything stands
//! under `raw_claims` as it came.

use serde_json::{Map, Value};
use sessera_model::Timestamp;

/// Members that are texts.
const TEXTS: [&str; 24] = [
    "iss",
    "sub",
    "oid",
    "name",
    "given_name",
    "family_name",
    "last_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "gender",
    "birthdate",
    "zoneinfo",
    "phone_number",
    "hd",
    "team",
    "nonce",
    "acr",
    "tid",
    "azp",
];

/// Members that are true or false. Some providers write them as texts.
const FLAGS: [&str; 3] = ["email_verified", "phone_number_verified", "nonce_supported"];

/// Claims as mappers read them.
pub(crate) fn normal(raw: &Map<String, Value>) -> Map<String, Value> {
    let mut claims = Map::new();
    for name in TEXTS {
        if let Some(text) = raw.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()) {
            claims.insert(name.into(), text.into());
        }
    }
    for name in FLAGS {
        if raw.get(name).is_some_and(|flag| *flag == true || *flag == "true") {
            claims.insert(name.into(), true.into());
        }
    }
    if let Some(locale) = raw.get("locale").and_then(locale) {
        claims.insert("locale".into(), locale.into());
    }
    if let Some(at) = raw.get("updated_at").and_then(seconds).filter(|at| *at != 0) {
        claims.insert("updated_at".into(), at.into());
    }
    if let Some(Value::Array(methods)) = raw.get("amr") {
        claims.insert("amr".into(), methods.clone().into());
    }
    claims.insert("raw_claims".into(), raw.clone().into());
    claims
}

/// A text, or the object of `LinkedIn`.
fn locale(locale: &Value) -> Option<String> {
    let text = |name: &str| locale.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    match (locale.as_str(), text("language"), text("country")) {
        (Some(locale), ..) => Some(locale.to_owned()).filter(|locale| !locale.is_empty()),
        (None, Some(language), Some(country)) => Some(format!("{language}-{country}")),
        (None, language, country) => language.or(country).map(str::to_owned),
    }
}

/// Seconds, which Auth0 and Salesforce write as a time of RFC 3339.
fn seconds(at: &Value) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "a fraction of a second does not count")]
    let number = at.as_i64().or_else(|| at.as_f64().map(|at| at as i64));
    number.or_else(|| Timestamp::parse(at.as_str()?).map(Timestamp::seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn mappers_read_what_they_know_and_all_that_came() {
        let raw = json!({
            "iss": "x", "sub": "1", "email": "a@b.c", "email_verified": "true", "name": 5, "locale": {"language": "de", "country": "CH"},
            "updated_at": "2026-01-02T03:04:05Z", "groups": ["a"], "nickname": "", "phone_number_verified": false,
        });
        let claims = normal(raw.as_object().unwrap());
        assert_eq!(claims["email_verified"], true);
        assert_eq!(claims["locale"], "de-CH");
        assert_eq!(claims["updated_at"], 1_767_323_045);
        assert_eq!(claims["raw_claims"]["groups"], json!(["a"]));
        for absent in ["name", "nickname", "groups", "phone_number_verified"] {
            assert!(!claims.contains_key(absent), "{absent}");
        }
    }
}
