//! The mapper of a provider: a Jsonnet program that makes an identity of what the provider says of somebody.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use sessera_jsonnet::{Document, Limits, Program, Variables};
use sessera_model::Identity;

use crate::schema::{normalise, source};

/// A mapper, ready to be evaluated.
#[derive(Clone, Debug)]
pub(super) struct Mapper(Program);

/// What a mapper makes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mapped {
    /// The traits.
    pub(super) traits: Value,
    /// What the person may see. `None` where the mapper says nothing of it.
    pub(super) metadata_public: Option<Value>,
    /// What only an administrator may see.
    pub(super) metadata_admin: Option<Value>,
    /// The addresses that the provider has verified, each with its kind.
    pub(super) verified: Vec<(String, String)>,
}

impl Mapper {
    /// Reads and parses a mapper.
    pub(super) fn compile(url: &str) -> Result<Self, String> {
        if url.is_empty() {
            return Err(
                "it is missing: name the Jsonnet program that makes an identity, as file:// or base64://"
                    .into(),
            );
        }
        let text = source::read(url).map_err(|error| error.to_string())?;
        Program::parse("mapper", &text).map(Self).map_err(|error| error.to_string())
    }

    /// What it makes of claims. `known` is the person as they are, where there is one. The error says what is wrong with
    /// the mapper, and nothing of the claims.
    pub(super) fn map(
        &self,
        claims: &Map<String, Value>,
        known: Option<&Identity>,
    ) -> Result<Mapped, String> {
        let or_empty = |value: Option<&Value>| value.cloned().unwrap_or_else(|| json!({}));
        let identity = json!({
            "traits": or_empty(known.map(|known| &known.traits)),
            "metadata_public": or_empty(known.and_then(|known| known.metadata_public.as_ref())),
            "metadata_admin": or_empty(known.and_then(|known| known.metadata_admin.as_ref())),
        });
        let claims = json!(claims);
        let variables =
            Variables::new().with("claims", document(&claims)?).with("identity", document(&identity)?);
        let output = self.0.evaluate(&variables, &Limits::default()).map_err(|error| error.to_string())?;
        let result: Value = serde_json::from_str(output.compact()).map_err(|error| error.to_string())?;
        read(&result["identity"])
    }
}

fn document(value: &Value) -> Result<Arc<Document>, String> {
    Document::shared(value.to_string().as_bytes()).map_err(|error| error.to_string())
}

fn read(identity: &Value) -> Result<Mapped, String> {
    let object = |name: &str| match identity.get(name) {
        None => Ok(None),
        Some(value @ Value::Object(_)) => Ok(Some(value.clone())),
        Some(_) => Err(format!("identity.{name} is no object")),
    };
    Ok(Mapped {
        traits: object("traits")?.ok_or("its result has no identity.traits")?,
        metadata_public: object("metadata_public")?,
        metadata_admin: object("metadata_admin")?,
        verified: verified(identity.get("verified_addresses"))?,
    })
}

fn verified(addresses: Option<&Value>) -> Result<Vec<(String, String)>, String> {
    let wrong = || "identity.verified_addresses is no list of objects with \"via\" and \"value\"".to_owned();
    let Some(addresses) = addresses else { return Ok(Vec::new()) };
    let read = |address: &Value| {
        let text = |name: &str| address.get(name).and_then(Value::as_str).ok_or_else(wrong);
        Ok((text("via")?.to_owned(), normalise::identifier(text("value")?)))
    };
    addresses.as_array().ok_or_else(wrong)?.iter().map(read).collect()
}

/// Traits with those of `over` in their place. What is empty there counts for nothing.
pub(super) fn merged(traits: Value, over: &Value) -> Value {
    match (traits, over) {
        (Value::Object(mut members), Value::Object(over)) => {
            for (name, value) in over {
                let merged = match members.get_mut(name) {
                    Some(known) => merged(known.take(), value),
                    None => value.clone(),
                };
                members.insert(name.clone(), merged);
            }
            Value::Object(members)
        }
        (traits, Value::Null) => traits,
        (traits, Value::String(text)) if text.is_empty() => traits,
        (_, over) => over.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    fn mapper(program: &str) -> Mapper {
        Mapper::compile(&format!("base64://{}", STANDARD.encode(program))).unwrap()
    }

    fn claims() -> Map<String, Value> {
        let claims = json!({"sub": "1", "iss": "x", "email": "Ada@Example.org", "email_verified": true});
        claims.as_object().unwrap().clone()
    }

    #[test]
    fn claims_become_an_identity() {
        let mapped = mapper(
            "local claims = std.extVar('claims'); { identity: { traits: { email: claims.email },
             metadata_public: { by: claims.iss }, verified_addresses: [{ via: 'email', value: claims.email }] } }",
        );
        let mapped = mapped.map(&claims(), None).unwrap();
        assert_eq!(mapped.traits, json!({"email": "Ada@Example.org"}));
        assert_eq!(mapped.metadata_public, Some(json!({"by": "x"})));
        assert_eq!(mapped.metadata_admin, None);
        assert_eq!(mapped.verified, [("email".into(), "ada@example.org".into())]);
    }

    #[test]
    fn what_is_wrong_with_a_mapper_is_told_without_the_claims() {
        for (program, expected) in [
            ("{}", "identity.traits"),
            ("{ identity: { traits: 5 } }", "identity.traits is no object"),
            ("{ identity: { traits: {}, metadata_public: 5 } }", "identity.metadata_public"),
            ("{ identity: { traits: {}, verified_addresses: ['x'] } }", "verified_addresses"),
            ("{ identity: { traits: { a: std.extVar('claims').nope } } }", "nope"),
            ("local f(x) = f(x + 1); { identity: { traits: { a: f(0) } } }", ""),
        ] {
            let error = mapper(program).map(&claims(), None).unwrap_err();
            assert!(error.contains(expected) && !error.contains("Ada@"), "{error}");
        }
        assert!(Mapper::compile("base64://e30=").is_ok());
        assert!(
            Mapper::compile("https://example.org/m").is_err() && Mapper::compile("base64://ew==").is_err()
        );
    }

    #[test]
    fn what_was_typed_counts_more_than_what_the_provider_says() {
        let traits = json!({"email": "a", "name": {"first": "A", "last": "B"}, "n": 1});
        let typed = json!({"email": "b", "name": {"first": "", "last": "C"}, "x": 2, "n": null});
        let expected = json!({"email": "b", "name": {"first": "A", "last": "C"}, "n": 1, "x": 2});
        assert_eq!(merged(traits.clone(), &typed), expected);
        assert_eq!(merged(traits.clone(), &Value::Null), traits);
    }
}
