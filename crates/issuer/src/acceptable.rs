//! Claims that no verifier accepts, although a token could be made of them (RFC 7519, section 4.1).

use serde_json::{Map, Value};

/// Why verifiers refuse a token with these claims that is made `now` (seconds since 1970), as a part of a sentence.
pub(crate) fn fault(claims: &[u8], now: i64) -> Option<String> {
    let claims: Map<String, Value> = serde_json::from_slice(claims).ok()?;
    claims.iter().find_map(|(name, value)| {
        let why = match name.as_str() {
            "iss" | "sub" | "jti" if !value.is_string() => "is no text",
            "aud" if !is_audience(value) => "is neither a text nor a list of texts",
            "exp" | "nbf" | "iat" if !value.is_number() => "is no number of seconds",
            "exp" if !is_after(value, now) => "is over when the token is made",
            "nbf" if is_after(value, now) => "has not come yet when the token is made",
            _ => return None,
        };
        Some(format!("verifiers refuse its tokens, because the claim \"{name}\" ({value}) {why}"))
    })
}

fn is_audience(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Array(members) => members.iter().all(Value::is_string),
        _ => false,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a claim may be a fraction, and seconds of centuries fit")]
fn is_after(value: &Value, now: i64) -> bool {
    value.as_f64().is_some_and(|time| time > now as f64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn of(claims: &Value) -> Option<String> {
        fault(claims.to_string().as_bytes(), NOW)
    }

    #[test]
    fn what_verifiers_take_is_no_fault() {
        for claims in [
            json!({}),
            json!({"iss": "https://id", "sub": "ada", "jti": "1", "aud": "api", "exp": NOW + 1, "nbf": NOW, "iat": 1}),
            json!({"aud": ["a", "b"], "exp": 4_102_444_800.5_f64}),
            json!({"ours": {"exp": 1}}),
        ] {
            assert_eq!(of(&claims), None, "{claims}");
        }
    }

    #[test]
    fn what_no_verifier_takes_is_one_with_its_claim() {
        for (name, value) in [
            ("exp", json!(1)),
            ("exp", json!(NOW)),
            ("exp", json!("soon")),
            ("nbf", json!(NOW + 1)),
            ("iat", json!(null)),
            ("aud", json!(1)),
            ("aud", json!(["a", 1])),
            ("iss", json!({})),
            ("sub", json!(7)),
            ("jti", json!(false)),
        ] {
            let said = of(&json!({ name: value })).unwrap();
            assert!(said.contains(&format!("\"{name}\" ({value})")), "{said}");
        }
    }
}
