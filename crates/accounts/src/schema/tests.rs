use super::*;
use crate::submission::ValueKind;
use crate::ui::{Group, InputKind};
use sessera_model::CredentialKind;

/// The schema of the wire contract's scenarios.
fn person() -> IdentitySchema {
    let traits = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["email"],
        "properties": {
            "email": {
                "type": "string", "format": "email", "title": "E-Mail", "minLength": 3,
                "ory.sh/kratos": {
                    "credentials": {"password": {"identifier": true}},
                    "verification": {"via": "email"},
                    "recovery": {"via": "email"}
                }
            },
            "name": {"type": "object", "properties": {"first": {"type": "string"}, "last": {"type": "string"}}},
            "groups": {"type": "array", "items": {"type": "string"}},
            "age": {"type": "integer", "minimum": 0}
        }
    });
    schema(&traits)
}

fn schema(traits: &Value) -> IdentitySchema {
    try_schema(traits).unwrap()
}

fn try_schema(traits: &Value) -> Result<IdentitySchema, SchemaError> {
    IdentitySchema::compile("test", &json!({"properties": {"traits": traits}}).to_string())
}

fn wrong(schema: &IdentitySchema, traits: &Value) -> Vec<(String, u32, Value)> {
    let violations = schema.validate(traits).expect_err("the traits are bad");
    violations
        .into_iter()
        .map(|violation| {
            let context = Value::Object(violation.message.context.clone());
            (violation.field(), violation.message.id.number(), context)
        })
        .collect()
}

#[test]
fn the_built_in_schema_is_there_without_configuration() {
    let schemas = IdentitySchemas::built_in().unwrap();
    assert_eq!(schemas.default().id(), "default");
    assert_eq!(schemas.iter().len(), 1);
    let names: Vec<&str> = schemas.default().fields().iter().map(Field::name).collect();
    assert_eq!(names, ["traits.email", "traits.name.first", "traits.name.last"]);
    assert!(schemas.default().validate(&json!({"email": "ada@example.org"})).is_ok());
}

#[test]
fn schemas_are_found_by_id() {
    let url = |text: &str| {
        use base64::Engine as _;
        format!("base64://{}", base64::engine::general_purpose::STANDARD.encode(text))
    };
    let a = url(r#"{"properties": {"traits": {}}}"#);
    let schemas = IdentitySchemas::compile([("a", a.as_str()), ("b", a.as_str())], "b").unwrap();
    assert_eq!(schemas.default().id(), "b");
    assert!(schemas.get("a").is_some() && schemas.get("c").is_none());
    let problem = |sources: &[(&str, &str)], default: &str| {
        IdentitySchemas::compile(sources.iter().copied(), default).unwrap_err()[0].to_string()
    };
    assert!(problem(&[("a", &a), ("a", &a)], "a").contains("twice"));
    assert!(problem(&[("a", &a)], "x").contains("default_schema_id"));
    assert!(problem(&[("a", "https://example.org")], "a").contains("network"));
    assert!(problem(&[("a", &url("{"))], "a").contains("not JSON"));
}

#[test]
fn bad_traits_are_told_as_the_contract_has_it() {
    assert_eq!(
        wrong(&person(), &json!({"email": "nope", "age": "x"})),
        [
            ("traits.email".into(), 4_000_040, json!({"value": "nope"})),
            ("traits.age".into(), 4_000_026, json!({"allowed_types": ["integer"], "actual_type": "string"})),
        ]
    );
    assert_eq!(
        wrong(&person(), &json!({})),
        [("traits.email".into(), 4_000_002, json!({"property": "email"}))]
    );
    assert_eq!(
        wrong(&person(), &json!({"email": 3})),
        [("traits.email".into(), 4_000_026, json!({"allowed_types": ["string"], "actual_type": "integer"}))]
    );
    assert_eq!(wrong(&person(), &json!({"email": "a@b.co", "x": 1}))[0].1, 4_000_001);
    assert_eq!(wrong(&person(), &Value::Null)[0].0, "traits");
}

#[test]
fn every_keyword_has_its_message() {
    for (keyword, bad, id, context) in [
        (json!({"minLength": 3}), json!("é"), 4_000_003, json!({"min_length": 3, "actual_length": 1})),
        (json!({"maxLength": 1}), json!("éé"), 4_000_017, json!({"max_length": 1, "actual_length": 2})),
        (json!({"pattern": "^a$"}), json!("b"), 4_000_004, json!({"pattern": "^a$"})),
        (json!({"minimum": 2}), json!(1), 4_000_018, json!({"minimum": 2, "actual": 1})),
        (json!({"exclusiveMinimum": 2}), json!(2), 4_000_019, json!({"minimum": 2, "actual": 2})),
        (json!({"maximum": 2}), json!(3), 4_000_020, json!({"maximum": 2, "actual": 3})),
        (json!({"exclusiveMaximum": 2}), json!(2), 4_000_021, json!({"maximum": 2, "actual": 2})),
        (json!({"multipleOf": 2}), json!(3), 4_000_022, json!({"base": 2.0, "actual": 3})),
        (json!({"maxItems": 1}), json!([1, 2]), 4_000_023, json!({"max_items": 1, "actual_items": 2})),
        (json!({"minItems": 1}), json!([]), 4_000_024, json!({"min_items": 1, "actual_items": 0})),
        (json!({"uniqueItems": true}), json!([1, 2, 1]), 4_000_025, json!({"index_a": 0, "index_b": 2})),
        (json!({"const": "x"}), json!("y"), 4_000_029, json!({"expected": "x"})),
        (json!({"format": "tel"}), json!("x"), 4_000_041, json!({"value": "x"})),
    ] {
        let schema = schema(&json!({"properties": {"a": keyword}}));
        assert_eq!(wrong(&schema, &json!({"a": bad})), [("traits.a".into(), id, context)], "{keyword}");
    }
    for (keyword, bad) in [
        (json!({"enum": ["x"]}), json!("y")),
        (json!({"format": "uri"}), json!("not a uri")),
        (json!({"oneOf": [{"type": "string"}, {"const": "a"}]}), json!("a")),
        (json!(false), json!(1)),
    ] {
        let schema = schema(&json!({"properties": {"a": keyword}}));
        let wrong = wrong(&schema, &json!({"a": bad}));
        assert_eq!((wrong.len(), wrong[0].1), (1, 4_000_001), "{keyword}");
        assert!(wrong[0].2["reason"].is_string());
    }
}

#[test]
fn identifiers_and_addresses_are_taken_from_traits() {
    let extracted = person().validate(&json!({"email": "Ada@Example.org"})).unwrap();
    assert_eq!(extracted.identifiers(CredentialKind::Password), ["ada@example.org"]);
    assert_eq!(extracted.identifiers(CredentialKind::Code), [] as [&str; 0]);
    let email = Address { via: "email".into(), value: "ada@example.org".into() };
    let email = std::slice::from_ref(&email);
    assert_eq!(extracted.verifiable, email);
    assert_eq!(extracted.recovery, email);
}

#[test]
fn lists_nested_objects_references_and_branches_are_looked_through() {
    let document = json!({
        "definitions": {
            "mail": {"type": "string", "ory.sh/kratos": {
                "credentials": {"password": {"identifier": true}, "code": {"identifier": true, "via": "email"}},
                "verification": {"via": "email"}
            }}
        },
        "properties": {"traits": {"type": "object", "properties": {
            "contact": {"allOf": [{"properties": {
                "mails": {"type": "array", "items": {"$ref": "#/definitions/mail"}}
            }}]},
            "phone": {"type": "string", "format": "tel", "ory.sh/kratos": {"recovery": {"via": "sms"}}},
            "login": {"type": "string", "ory.sh/kratos": {"credentials": {
                "password": {"identifier": true}, "totp": {"account_name": true}, "webauthn": {"identifier": true}
            }}}
        }}}
    });
    let schema = IdentitySchema::compile("test", &document.to_string()).unwrap();
    let traits = json!({
        "contact": {"mails": ["A@example.org", "b@example.org", "a@example.org"]},
        "phone": "+1 (202) 555-0123",
        "login": "Ada"
    });
    let extracted = schema.validate(&traits).unwrap();
    assert_eq!(extracted.identifiers(CredentialKind::Password), ["a@example.org", "b@example.org", "ada"]);
    assert_eq!(extracted.identifiers(CredentialKind::Code), ["a@example.org", "b@example.org"]);
    assert_eq!(extracted.identifiers(CredentialKind::Webauthn), ["ada"]);
    assert_eq!(extracted.verifiable.len(), 2);
    assert_eq!(extracted.recovery, [Address { via: "sms".into(), value: "+12025550123".into() }]);
    assert_eq!(extracted.account_name.as_deref(), Some("Ada"));
    assert_eq!(
        wrong(&schema, &json!({"contact": {"mails": ["x@example.org", "nope"]}})),
        [("traits.contact.mails.1".into(), 4_000_040, json!({"value": "nope"}))]
    );
}

#[test]
fn a_schema_may_judge_addresses_by_itself() {
    let schema = schema(&json!({"properties": {"mail": {
        "type": "string", "format": "no-validate", "ory.sh/kratos": {"verification": {"via": "email"}}
    }}}));
    assert_eq!(schema.validate(&json!({"mail": "Local "})).unwrap().verifiable[0].value, "local");
}

#[test]
fn fields_are_what_forms_show() {
    let schema = person();
    let fields: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| (field.name(), field.input.kind, field.kind, field.input.required))
        .collect();
    assert_eq!(
        fields,
        [
            ("traits.email", InputKind::Email, ValueKind::Text, true),
            ("traits.name.first", InputKind::Text, ValueKind::Text, false),
            ("traits.name.last", InputKind::Text, ValueKind::Text, false),
            ("traits.groups", InputKind::Text, ValueKind::List, false),
            ("traits.age", InputKind::Number, ValueKind::Integer, false),
        ]
    );
    let email = schema.fields()[0].node(Group::DEFAULT).to_json();
    assert_eq!(email["attributes"]["autocomplete"], "email");
    assert_eq!(email["meta"]["label"]["context"], json!({"name": "traits.email", "title": "E-Mail"}));
    assert_eq!(schema.fields()[1].node(Group::DEFAULT).to_json()["meta"], json!({}));
}

#[test]
fn fields_follow_formats_choices_and_references() {
    let schema = schema(&json!({"type": "object", "properties": {
        "site": {"type": "string", "format": "uri"},
        "born": {"type": ["string", "null"], "format": "date"},
        "tos": {"type": "boolean"},
        "plan": {"enum": ["free", "pro"]},
        "zip": {"type": "string", "pattern": "^[0-9]+$"},
        "free": {"type": "object"},
        "rows": {"type": "array", "items": {"type": "object"}},
        "child": {"$ref": "#/properties/traits"}
    }}));
    let kinds: Vec<_> = schema.fields().iter().map(|field| (field.name(), field.input.kind)).collect();
    assert_eq!(
        kinds,
        [
            ("traits.site", InputKind::Url),
            ("traits.born", InputKind::Date),
            ("traits.tos", InputKind::Checkbox),
            ("traits.plan", InputKind::Text),
            ("traits.zip", InputKind::Text),
        ]
    );
    assert_eq!(schema.fields()[3].input.options, [json!("free"), json!("pro")]);
    assert_eq!(schema.fields()[4].input.pattern.as_deref(), Some("^[0-9]+$"));
}

#[test]
fn schemas_that_could_harm_are_refused() {
    for (traits, what) in [
        (json!({"properties": {"a": {"pattern": "(?=x)"}}}), "look-ahead needs a backtracking engine"),
        (json!({"properties": {"a": {"pattern": "(a{1000}){1000}{1000}"}}}), "huge pattern"),
        (json!({"properties": {"a": {"pattern": "("}}}), "broken pattern"),
        (json!({"properties": {"a": {"type": "strnig"}}}), "unknown type"),
        (json!({"properties": {"a": {"ory.sh/kratos": {"verification": {"via": "pigeon"}}}}}), "channel"),
        (
            json!({"properties": {"a": {"ory.sh/kratos": {"credentials": {"code": {"identifier": true}}}}}}),
            "via",
        ),
        (json!({"allOf": [{"properties": {"a": {"ory.sh/kratos": []}}}]}), "no object"),
    ] {
        assert!(try_schema(&traits).is_err(), "{what}");
    }
}

#[test]
fn marks_that_do_not_exist_are_refused_with_their_names() {
    let marked =
        |extension: Value| json!({"properties": {"a": {"type": "string", "ory.sh/kratos": extension}}});
    for (extension, told) in [
        (
            json!({"credential": {}}),
            "member of ory.sh/kratos \"credential\" is not known: did you mean \"credentials\"?",
        ),
        (
            json!({"credentials": {"magic": {"identifier": true}}}),
            "ory.sh/kratos/credentials \"magic\" is not known: there are code,",
        ),
        (json!({"credentials": {"password": {"identifer": true}}}), "did you mean \"identifier\"?"),
        (
            json!({"credentials": {"password": {"identifier": "yes"}}}),
            "password/identifier is neither true nor false",
        ),
        (json!({"credentials": {"password": true}}), "ory.sh/kratos/credentials/password is no object"),
        (json!({"recovery": {"via": 7}}), "ory.sh/kratos/recovery/via is neither \"email\" nor \"sms\""),
        (json!(null), "ory.sh/kratos is no object"),
    ] {
        let refused = try_schema(&marked(extension.clone())).unwrap_err().to_string();
        assert!(refused.contains(told), "{extension}: {refused}");
    }
    let all = json!({
        "credentials": {
            "password": {"identifier": true}, "webauthn": {"identifier": false}, "passkey": {"display_name": true},
            "totp": {"account_name": true}, "code": {"identifier": true, "via": "email"},
        },
        "verification": {"via": "email"}, "recovery": {"via": ""}, "organizations": {"matcher": "email_domain"},
    });
    assert!(try_schema(&marked(all)).unwrap().marks("organizations/matcher"));
}

#[test]
fn a_pattern_takes_linear_time_and_deep_traits_are_refused() {
    let schema = schema(&json!({"properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}));
    let hostile = "a".repeat(50_000) + "!";
    assert_eq!(wrong(&schema, &json!({"a": hostile}))[0].1, 4_000_004);
    let mut deep = json!(1);
    for _ in 0..40 {
        deep = json!([deep]);
    }
    assert_eq!(wrong(&schema, &json!({"b": deep}))[0].0, "traits");
}

#[test]
fn work_that_doubles_with_each_level_is_refused_before_it_is_done() {
    let nested = |depth: usize| (0..depth).fold(json!({}), |inner, _| json!({"a": inner}));
    let again = json!({"properties": {"a": {"$ref": "#/properties/traits"}}});
    let with = |required: &str| json!({"required": [required], "properties": again["properties"]});
    let again_below =
        |required: &str| json!({"required": [required], "properties": {"a": {"$ref": "#/definitions/n"}}});
    for (traits, is_good) in [
        (json!({"anyOf": [again, with("z")]}), true),
        (json!({"anyOf": [with("z"), with("y")]}), false),
        (json!({"oneOf": [with("z"), with("y")]}), false),
        (json!({"allOf": [again, again]}), true),
        (json!({"if": again, "then": again}), true),
        (json!({"not": with("z"), "properties": again["properties"]}), true),
        (
            json!({"properties": again["properties"], "patternProperties": {"^a": {"$ref": "#/properties/traits"}}}),
            true,
        ),
    ] {
        let schema = schema(&traits);
        assert_eq!(schema.validate(&nested(4)).is_ok(), is_good, "{traits}");
        let refused = schema.validate(&nested(30)).unwrap_err();
        assert!(refused[0].message.text().contains("takes too long"), "{traits}: {refused:?}");
    }
    assert!(schema(&again).validate(&nested(30)).is_ok(), "the work grows with the depth alone");
    // It is the same above the traits, and what else stands there buys no work.
    let twice = json!({"anyOf": [again_below("z"), again_below("y")]});
    for above in [
        json!({"allOf": [{"properties": {"traits": {"$ref": "#/definitions/n"}}}]}),
        json!({"patternProperties": {"^t": {"$ref": "#/definitions/n"}}}),
    ] {
        let mut root = json!({"definitions": {"n": twice}, "properties": {"traits": {"type": "object"}}});
        root.as_object_mut().unwrap().extend(above.as_object().unwrap().clone());
        let schema = IdentitySchema::compile("s", &root.to_string()).unwrap();
        let refused = schema.validate(&nested(30)).unwrap_err();
        assert!(refused[0].message.text().contains("takes too long"), "{root}: {refused:?}");
    }
    let choices: Vec<Value> = (0..600).map(|number| json!({"const": number, "title": "x"})).collect();
    let zones = schema(&json!({"properties": {"a": {"items": {"oneOf": choices}}}}));
    assert!(zones.validate(&json!({"a": vec![7; 60]})).is_ok(), "many choices are no nesting");
    let list = json!({"properties": {"a": {"items": {"anyOf": [{"type": "string"}, {"type": "number"}]}}}});
    assert!(schema(&list).validate(&json!({"a": vec![1; 20_000]})).is_ok(), "there is much to judge");
}

#[test]
fn many_violations_are_cut() {
    let schema = schema(&json!({"properties": {"a": {"items": {"type": "string"}}}}));
    let numbers: Vec<u32> = (0..10_000).collect();
    assert_eq!(wrong(&schema, &json!({"a": numbers})).len(), MAX_VIOLATIONS);
}

/// A schema for texts that are marked in every way.
fn marked() -> Value {
    json!({"type": "string", "format": "email", "ory.sh/kratos": {
        "credentials": {"password": {"identifier": true}, "webauthn": {"identifier": true}},
        "verification": {"via": "email"},
        "recovery": {"via": "email"}
    }})
}

#[test]
fn marks_are_found_below_every_keyword_that_describes_a_value() {
    let mail = json!({"properties": {"mail": marked()}});
    let in_object = json!({"mail": "Ada@example.org"});
    let in_list = json!(["Ada@example.org"]);
    let in_tail = json!(["x", "Ada@example.org"]);
    for (traits, value) in [
        (json!({"additionalProperties": marked()}), &in_object),
        (json!({"properties": {"x": {}}, "additionalProperties": marked()}), &in_object),
        (json!({"patternProperties": {"^ma": marked()}}), &in_object),
        (json!({"patternProperties": {"^x": {}}, "additionalProperties": marked()}), &in_object),
        (json!({"unevaluatedProperties": marked()}), &in_object),
        (json!({"items": marked()}), &in_list),
        (json!({"items": [marked()]}), &in_list),
        (json!({"items": [{}], "additionalItems": marked()}), &in_tail),
        (json!({"prefixItems": [marked()]}), &in_list),
        (json!({"unevaluatedItems": marked()}), &in_list),
        (json!({"contains": marked()}), &in_list),
        (json!({"allOf": [mail]}), &in_object),
        (json!({"anyOf": [{"required": ["x"]}, mail]}), &in_object),
        (json!({"oneOf": [{"required": ["x"]}, mail]}), &in_object),
        (json!({"if": mail}), &in_object),
        (json!({"if": {"required": ["mail"]}, "then": mail}), &in_object),
        (json!({"if": {"required": ["x"]}, "else": mail}), &in_object),
        (json!({"dependencies": {"mail": mail}}), &in_object),
        (json!({"dependentSchemas": {"mail": mail}}), &in_object),
        (json!({"$ref": "#/definitions/mail"}), &in_object),
        (json!({"$ref": "#/$defs/mail"}), &in_object),
        (
            json!({"allOf": [{"anyOf": [{"additionalProperties": {"$ref": "#/$defs/mail/properties/mail"}}]}]}),
            &in_object,
        ),
    ] {
        let document = json!({
            "definitions": {"mail": mail}, "$defs": {"mail": mail}, "properties": {"traits": traits},
        });
        let schema = IdentitySchema::compile("test", &document.to_string()).unwrap();
        let extracted = schema.validate(value).unwrap();
        for kind in [CredentialKind::Password, CredentialKind::Webauthn] {
            assert_eq!(extracted.identifiers(kind), ["ada@example.org"], "{traits}");
        }
        assert_eq!(extracted.verifiable.len(), 1, "{traits}");
        assert_eq!(extracted.recovery, extracted.verifiable, "{traits}");
    }
}

#[test]
fn what_says_nothing_about_a_value_marks_nothing() {
    let mail = json!({"properties": {"mail": marked()}});
    let value = json!({"mail": "ada@example.org"});
    for traits in [
        json!({"not": {"allOf": [mail, {"required": ["x"]}]}}),
        json!({"propertyNames": {"ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}}}),
        json!({"properties": {"mail": {}}, "additionalProperties": marked()}),
        json!({"patternProperties": {"^ma": {}}, "additionalProperties": marked()}),
        json!({"patternProperties": {"^x": marked()}}),
        json!({"dependencies": {"x": mail}}),
        json!({"default": {"mail": marked()}}),
    ] {
        assert_eq!(schema(&traits).validate(&value).unwrap(), Extracted::default(), "{traits}");
    }
}

#[test]
fn of_alternatives_an_address_counts_where_it_fits() {
    let tel = json!({"type": "string", "format": "tel", "ory.sh/kratos": {
        "credentials": {"password": {"identifier": true}}, "recovery": {"via": "sms"}
    }});
    let schema = schema(&json!({"properties": {"login": {"oneOf": [marked(), tel]}}}));
    for (login, via) in [("ada@example.org", "email"), ("+49309018200", "sms")] {
        let extracted = schema.validate(&json!({"login": login})).unwrap();
        assert_eq!(extracted.identifiers(CredentialKind::Password), [login]);
        assert_eq!(extracted.recovery, [Address { via: via.into(), value: login.into() }]);
    }
    assert!(schema.validate(&json!({"login": "nothing"})).is_err());
}

#[test]
fn a_person_has_a_bounded_number_of_identifiers_and_addresses() {
    let schema = schema(&json!({"type": "array", "items": marked()}));
    let addresses = |count: usize| (0..count).map(|n| format!("a{n}@example.org")).collect::<Vec<_>>();
    let most = schema.validate(&json!(addresses(extract::MAX_MARKED))).unwrap();
    assert_eq!(most.verifiable.len(), extract::MAX_MARKED);
    let twice = [addresses(extract::MAX_MARKED), addresses(extract::MAX_MARKED)].concat();
    assert_eq!(schema.validate(&json!(twice)).unwrap(), most, "each counts once");
    assert_eq!(wrong(&schema, &json!(addresses(extract::MAX_MARKED + 1)))[0].1, 4_000_001);
}
