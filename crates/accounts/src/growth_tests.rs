//! The work on what anybody may send grows with its size and no faster.

use serde_json::{Map, Value, json};
use sessera_model::{SeededRandom, Timestamp};
use sessera_testing::growth::assert_linear;

use crate::gotemplate::{Format, Template};
use crate::hooks::answer;
use crate::hooks::caller::Reply;
use crate::identities::{IdentityDraft, PreparedIdentity, Surroundings};
use crate::language::Language;
use crate::password::StoredHash;
use crate::return_to;
use crate::schema::{IdentitySchema, IdentitySchemas, normalise};
use crate::submission::{Submission, ValueKind};
use crate::target::Target;
use crate::testing::turned_down;
use url::Url;

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
fn an_address_to_return_to() {
    let target = |url: &str| Target::absolute(Url::parse(url).unwrap());
    let (own, allowed) = (target("http://127.0.0.1:4433/"), [target("https://*.example.org/in/")]);
    for (what, piece) in [
        ("names", "a/"),
        ("dots", "../"),
        ("escapes", "%25"),
        ("escaped slashes", "%252f"),
        ("signs that are folded", "\u{fdfa}"),
        ("parameters", "a;"),
        ("backslashes", "\\"),
    ] {
        let make = |count: usize| format!("https://app.example.org/in/{}", piece.repeat(count));
        assert_linear(what, 200, make, |asked: &String| drop(return_to::checked(asked, &own, &allowed)));
    }
    let labels = |count: usize| format!("https://{}example.org/in/", "a.".repeat(count));
    assert_linear("labels", 200, labels, |asked: &String| drop(return_to::checked(asked, &own, &allowed)));
}

#[test]
fn what_somebody_signs_in_with() {
    for (what, piece) in
        [("letters", "a"), ("dots", "a."), ("marks", "e\u{301}"), ("signs", "+1 ("), ("wide", "\u{ff21}")]
    {
        let make = |count: usize| format!("{}@example.org", piece.repeat(count));
        assert_linear(what, 500, make, |text: &String| {
            assert!(!normalise::identifier(text).is_empty());
            let _ = (normalise::email(text), normalise::telephone_number(text), normalise::is_email(text));
        });
    }
}

#[test]
fn a_schema_as_an_administrator_writes_it() {
    let compile = |schema: &String| drop(IdentitySchema::compile("test", schema));
    let traits = |traits: Value| json!({"properties": {"traits": traits}}).to_string();
    let members = |count: usize| traits(json!({"properties": object(count, |n| format!("m{n}"), &marked())}));
    assert_linear("members", 50, members, compile);
    let required = |count: usize| {
        let names: Vec<String> = (0..count).map(|number| format!("m{number}")).collect();
        traits(json!({"properties": object(count, |n| format!("m{n}"), &json!({})), "required": names}))
    };
    assert_linear("required members", 50, required, compile);
    let choices = |count: usize| traits(json!({"enum": (0..count).collect::<Vec<_>>()}));
    assert_linear("choices", 200, choices, compile);
    let ways = |count: usize| traits(json!({"anyOf": vec![json!({"properties": {"a": marked()}}); count]}));
    assert_linear("ways", 50, ways, compile);
    let nested = |count: usize| {
        let mut schema = marked();
        for _ in 0..count {
            schema = json!({"properties": {"a": schema}});
        }
        traits(schema)
    };
    assert_linear("nested members", 10, nested, compile);
    let definitions = |count: usize| {
        let mut schema: Value = serde_json::from_str(&traits(json!({"$ref": "#/definitions/d0"}))).unwrap();
        schema["definitions"] = object(count, |n| format!("d{n}"), &json!({"type": "string"}));
        schema.to_string()
    };
    assert_linear("definitions", 50, definitions, compile);
    let patterns = |count: usize| traits(json!({"type": "string", "pattern": "a?".repeat(count)}));
    assert_linear("a pattern", 100, patterns, compile);
}

#[test]
fn a_hash_that_is_imported() {
    for start in ["$argon2id$", "$2b$", "$scrypt$", "$pbkdf2-sha256$", "$md5$", "{SSHA}", "$"] {
        let make = |count: usize| format!("{start}{}", "a,$=".repeat(count));
        assert_linear(start, 15, make, |text: &String| drop(StoredHash::parse(text)));
    }
}

#[test]
fn the_languages_that_somebody_likes() {
    for item in ["x;q=0.5,", "x-"] {
        let make = |count: usize| item.repeat(count);
        assert_linear("languages", 500, make, |header| {
            assert_eq!(Language::accepted(Some(header)), Language::En);
        });
    }
}

#[test]
fn what_a_web_hook_answers() {
    let message = json!({"id": 1, "text": "no", "type": "error"});
    let many = |count: usize| json!({"messages": [{"instance_ptr": "x".repeat(count * 8), "messages": vec![message.clone(); count]}]});
    let places =
        |count: usize| json!({"messages": vec![json!({"instance_ptr": "#/a/b", "messages": []}); count]});
    let addresses =
        |count: usize| json!({"identity": {"verifiable_addresses": vec![json!({"value": "x"}); count]}});
    let makes: [(&str, &dyn Fn(usize) -> Value); 3] =
        [("messages", &many), ("places", &places), ("addresses", &addresses)];
    for (what, make) in makes {
        assert_linear(
            what,
            500,
            |count| make(count).to_string(),
            |body| {
                let _ = answer::read(turned_down(body), true);
                let _ = answer::read(Reply::Told(body.as_bytes().to_vec()), true);
            },
        );
    }
}

#[cfg(feature = "passkeys")]
#[test]
fn what_a_browser_answers_for_a_key() {
    use crate::methods::public_keys::{NewKeyAnswer, SignInAnswer};

    let answer =
        |response: Value| json!({"id": "x", "rawId": "eA", "type": "public-key", "response": response});
    let used = |count: usize| {
        let bytes = "AAAA".repeat(count);
        answer(json!({"authenticatorData": bytes, "clientDataJSON": bytes, "signature": bytes})).to_string()
    };
    assert_linear("a key that is used", 2000, used, |text| drop(SignInAnswer::parse(text)));
    let new = |count: usize| {
        let bytes = "W1tb".repeat(count);
        answer(json!({"attestationObject": bytes, "clientDataJSON": bytes})).to_string()
    };
    assert_linear("a new key", 2000, new, |text| drop(NewKeyAnswer::parse(text)));
}

#[test]
fn a_template() {
    for (what, part) in [
        ("values", "<p title=\"{{ .A }}\">{{ .A }}</p>"),
        ("blocks", "{{ if .A }}a{{ else if .A }}b{{ end }}"),
        ("names of elements", "<a"),
        ("arguments", "x"),
        ("comments", "{{/* a */}}"),
    ] {
        let make = |count: usize| match what {
            "arguments" => format!("{{{{ print {}}}}}", "1 ".repeat(count)),
            _ => part.repeat(count),
        };
        assert_linear(what, 400, make, |text| {
            let _ = Template::parse(text, &[], Format::Html, &["A"]);
        });
    }
    let data = |count| json!({ "A": vec!["x"; count] });
    let template = Template::parse("{{ range .A }}{{ . }}{{ end }}", &[], Format::Html, &["A"]).unwrap();
    assert_linear("items", 2000, data, |data| {
        let _ = template.render(data);
    });
}
