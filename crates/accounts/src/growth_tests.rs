//! The work on what anybody may send grows with its size and no faster.

use serde_json::{Map, Value, json};
use sessera_model::{SeededRandom, Timestamp};
use sessera_testing::growth::assert_linear;

use crate::identities::{IdentityDraft, PreparedIdentity, Surroundings};
use crate::language::Language;
use crate::schema::{IdentitySchema, IdentitySchemas};
use crate::submission::{Submission, ValueKind};

fn decode(media_type: &str, body: &[u8]) {
    let _ = Submission::decode(Some(media_type), body, |_| ValueKind::List);
}

fn object(count: usize, name: impl Fn(usize) -> String, value: &Value) -> Value {
    Value::Object((0..count).map(|number| (name(number), value.clone())).collect::<Map<_, _>>())
}

#[test]
fn a_submission_in_json() {
    for (what, member) in [
        ("dotted names", "traits."),
        ("dotted names of one parent", "traits.a.b.c."),
        ("names that are not dotted", "x"),
    ] {
        let make = |count| object(count, |number| format!("{member}{number:x}"), &json!(1)).to_string();
        assert_linear(what, 2000, make, |body| decode("application/json", body.as_bytes()));
    }
    let below_a_long_name = |count| {
        let inner = object(count, |number| format!("{number:x}"), &json!(1));
        json!({"traits": {"n".repeat(count * 4): inner}}).to_string()
    };
    assert_linear("below a long name", 2000, below_a_long_name, |body| {
        decode("application/json", body.as_bytes());
    });
    let nested = |count| format!("{}{}", "[".repeat(count), "]".repeat(count));
    assert_linear("nested lists", 2000, nested, |body| decode("application/json", body.as_bytes()));
    let payload = |count| json!({"transient_payload": vec![json!({"a": 1}); count]}).to_string();
    assert_linear("a payload", 2000, payload, |body| decode("application/json", body.as_bytes()));
}

#[test]
fn a_submission_of_a_form() {
    for (what, field) in [("other fields", "f{}=1&"), ("one field", "traits.a=1&"), ("no names", "&")] {
        let make = |count: usize| (0..count).map(|n| field.replace("{}", &n.to_string())).collect::<String>();
        let work = |body: &String| decode("application/x-www-form-urlencoded", body.as_bytes());
        assert_linear(what, 2000, make, work);
    }
    let dots = |count| format!("{}a=1", "a.".repeat(count));
    let work = |body: &String| decode("application/x-www-form-urlencoded", body.as_bytes());
    assert_linear("a name of many parts", 2000, dots, work);
}

fn marked() -> Value {
    json!({"type": "string", "format": "email", "ory.sh/kratos": {
        "credentials": {"password": {"identifier": true}, "webauthn": {"identifier": true}},
        "verification": {"via": "email"}, "recovery": {"via": "email"},
    }})
}

fn schema(traits: &Value) -> IdentitySchema {
    IdentitySchema::compile("test", &json!({"properties": {"traits": traits}}).to_string()).unwrap()
}

#[test]
fn traits_as_a_schema_judges_them() {
    let list = schema(&json!({"type": "array", "uniqueItems": true, "items": marked()}));
    let open =
        schema(&json!({"additionalProperties": marked(), "patternProperties": {"^x": {"type": "integer"}}}));
    let closed = schema(&json!({"additionalProperties": false, "properties": {"a": marked()}}));
    let validate = |schema: &IdentitySchema, traits: &Value| drop(schema.validate(traits));
    let items = |text: &'static str| {
        move |count: usize| json!((0..count).map(|n| text.replace("{}", &n.to_string())).collect::<Vec<_>>())
    };
    assert_linear("addresses", 1000, items("a{}@example.org"), |traits| validate(&list, traits));
    assert_linear("no addresses", 1000, items("nobody {}"), |traits| validate(&list, traits));
    assert_linear("one address", 1000, items("a@example.org"), |traits| validate(&list, traits));
    let members = |value: Value| move |count: usize| object(count, |number| format!("m{number}"), &value);
    assert_linear("members", 1000, members(json!("a@example.org")), |traits| validate(&open, traits));
    assert_linear("wrong members", 1000, members(json!("nobody")), |traits| validate(&open, traits));
    assert_linear("members too many", 1000, members(json!(1)), |traits| validate(&closed, traits));
}

#[test]
fn an_identity_with_many_addresses() {
    use base64::Engine as _;
    let document = json!({"properties": {"traits": {"type": "array", "items": marked()}}}).to_string();
    let url = format!("base64://{}", base64::engine::general_purpose::STANDARD.encode(document));
    let schemas = IdentitySchemas::compile([("default", url.as_str())], "default").unwrap();
    let random = SeededRandom::new(1);
    let make = |count: usize| json!((0..count).map(|n| format!("a{n}@example.org")).collect::<Vec<_>>());
    // Up to the most that a person may have, and beyond.
    for small in [6, 1000] {
        assert_linear("an identity", small, make, |traits| {
            let surroundings =
                Surroundings { schemas: &schemas, random: &random, now: Timestamp::from_seconds(5) };
            let _ = PreparedIdentity::create(IdentityDraft::new("default", traits.clone()), surroundings);
        });
    }
}

#[test]
fn the_languages_that_somebody_likes() {
    let make = |count: usize| "x;q=0.5,".repeat(count);
    assert_linear("languages", 500, make, |header| {
        assert_eq!(Language::accepted(Some(header)), Language::En);
    });
}
