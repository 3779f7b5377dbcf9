use super::*;
use crate::signing_order::Activation;
use crate::source::{SourceError, decode_base64};
use serde_json::{Value, json};
use sessera_jose::{Algorithm, JwkSet, SigningKey, generate, verify};

struct OneSet(String);

impl Sources for OneSet {
    fn signing_key(&self, _: &str) -> Result<Arc<dyn SigningKey>, SourceError> {
        Err(SourceError::Elsewhere("there is none".into()))
    }

    fn file(&self, _: &std::path::Path) -> Result<Vec<u8>, SourceError> {
        Err(SourceError::File("not found".into()))
    }

    fn key_set(&self, name: &str) -> Result<Vec<u8>, SourceError> {
        if name == "keys" {
            Ok(self.0.clone().into_bytes())
        } else {
            Err(SourceError::NoSuchSet(name.into()))
        }
    }
}

fn sources() -> OneSet {
    let key = generate::key(Algorithm::Es256, Some("k1".into()), 2048).unwrap();
    OneSet(JwkSet::new(vec![key]).unwrap().to_private_json().to_string())
}

fn compile(mapper: &str, more: Value) -> Result<Tokenizer, LoadError> {
    use base64::Engine as _;
    let mut template = json!({
        "jwks_url": "set://keys",
        "claims_mapper_url": format!("base64://{}", base64::engine::general_purpose::STANDARD.encode(mapper)),
    });
    assert!(decode_base64("e30=").is_some());
    template.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Tokenizer::compile("t", &Template::from_json(&template).unwrap(), &sources())
}

/// Two keys of a managed set that take turns at second 2000.
struct TwoKeys(String);

impl Sources for TwoKeys {
    fn signing_key(&self, _: &str) -> Result<Arc<dyn SigningKey>, SourceError> {
        Err(SourceError::Elsewhere("there is none".into()))
    }

    fn file(&self, _: &std::path::Path) -> Result<Vec<u8>, SourceError> {
        Err(SourceError::File("not found".into()))
    }

    fn key_set(&self, _: &str) -> Result<Vec<u8>, SourceError> {
        Ok(self.0.clone().into_bytes())
    }

    fn activations(&self, _: &str) -> Vec<Activation> {
        vec![("a".into(), 0), ("b".into(), 2_000)]
    }
}

#[test]
fn keys_of_a_managed_set_take_turns_and_bound_the_life_of_tokens() {
    let key = |kid: &str| generate::key(Algorithm::Es256, Some(kid.into()), 2048).unwrap();
    let keys = JwkSet::new(vec![key("a"), key("b")]).unwrap().to_private_json().to_string();
    let compile = |mapper: &str| {
        use base64::Engine as _;
        let mapper = base64::engine::general_purpose::STANDARD.encode(mapper);
        let template = json!({"jwks_url": "set://k", "claims_mapper_url": format!("base64://{mapper}")});
        Tokenizer::compile("t", &Template::from_json(&template).unwrap(), &TwoKeys(keys.clone())).unwrap()
    };
    let session = Document::shared(b"{}").unwrap();
    let tokenize = |tokenizer: &Tokenizer, now| tokenizer.tokenize(&subject(&session), now);
    let within = compile("{ claims: { exp: std.extVar('claims').exp } }");
    for (now, kid) in [(1_999, "a"), (2_000, "b")] {
        let token = tokenize(&within, now).unwrap();
        assert_eq!(verify::verify(&token, within.public_keys()).unwrap().kid, kid);
    }
    let beyond = compile("{ claims: { exp: std.extVar('claims').exp + 1 } }");
    assert!(matches!(tokenize(&beyond, 1_000), Err(TokenizeError::LateExpiry { line: 1, .. })));
}

fn subject(session: &Arc<Document>) -> Subject<'_> {
    Subject {
        issuer: "https://id.example.org/",
        identity_id: Uuid::from_u128(1),
        external_id: None,
        session_id: Uuid::from_u128(2),
        token_id: Uuid::from_u128(3),
        session,
        session_ends: 1_500,
        status: StatusIndex::at(3, 77),
    }
}

fn tokenize(mapper: &str, more: Value) -> Result<Value, TokenizeError> {
    let tokenizer = compile(mapper, more).unwrap();
    let session = Document::shared(br#"{"id":"s","identity":{"schema_id":"default"}}"#).unwrap();
    let token = tokenizer.tokenize(&subject(&session), 1_000)?;
    let verified = verify::verify(&token, tokenizer.public_keys()).unwrap();
    assert_eq!(verified.header["typ"], "JWT");
    Ok(Value::Object(verified.claims().unwrap()))
}

#[test]
fn options_beyond_the_guide() {
    let options = json!({"audience": ["a", "b"], "issuer": "https://other.example.org", "typ": "at+jwt",
        "algorithm": "ES256", "nbf_leeway": "5s", "cap_to_session": true, "ttl": "10m"});
    let session = Document::shared(b"{}").unwrap();
    let claims = |mapper: &str| {
        let tokenizer = compile(mapper, options.clone()).unwrap();
        let token = tokenizer.tokenize(&subject(&session), 1_000).unwrap();
        let verified = verify::verify(&token, tokenizer.public_keys()).unwrap();
        assert_eq!(verified.header["typ"], "at+jwt");
        Value::Object(verified.claims().unwrap())
    };
    for mapper in ["{ claims: {} }", "{ claims: { aud: null, exp: std.extVar('claims').exp + 1 } }"] {
        let claims = claims(mapper);
        assert_eq!(claims["aud"], json!(["a", "b"]));
        assert_eq!(claims["iss"], "https://other.example.org");
        assert_eq!((&claims["nbf"], &claims["iat"]), (&json!(995), &json!(1_000)));
        // The session ends at 1500, before the ttl does.
        assert_eq!(claims["exp"], 1_500);
    }
    assert_eq!(claims("{ claims: { aud: 'c', exp: 1400 } }")["aud"], "c");
    assert_eq!(claims("{ claims: { aud: 'c', exp: 1400 } }")["exp"], 1_400);
    let other = compile("{ claims: {} }", json!({"algorithm": "EdDSA"}));
    assert!(matches!(other, Err(LoadError::OtherAlgorithm { .. })));
    let mut unmapped = compile("{}", options.clone()).unwrap();
    unmapped.mapper = None;
    let json = unmapped.claims(&subject(&session), 1_000).unwrap().json;
    assert_eq!(serde_json::from_slice::<Value>(&json).unwrap()["aud"], json!(["a", "b"]));
}

#[test]
fn the_status_is_set_after_the_mapper() {
    let expected =
        json!({"status_list": {"idx": 77, "uri": "https://id.example.org/.well-known/status/t/3"}});
    let session = Document::shared(b"{}").unwrap();
    let tokenize = |tokenizer: &Tokenizer| {
        let token = tokenizer.tokenize(&subject(&session), 1_000).unwrap();
        verify::verify(&token, tokenizer.public_keys()).unwrap().claims().unwrap()
    };
    for options in [
        json!({"status_list": true}),
        json!({"status_list": true, "audience": "a", "issuer": "https://other.example.org"}),
    ] {
        for mapper in [
            "{ claims: {} }",
            "{ claims: { sid: 'x', zzz: 1, stat: 2, statuses: 3 } }",
            "{ claims: { status: 'mine' } }",
            "{ claims: { status: null } }",
            "{ claims: { status: { status_list: { idx: 1, uri: 'https://id.example.org/.well-known/status/t/0' } } } }",
        ] {
            let claims = tokenize(&compile(mapper, options.clone()).unwrap());
            assert_eq!(claims["status"], expected, "{mapper}");
            assert_eq!(claims["sub"], Uuid::from_u128(1).to_string());
        }
        let mut unmapped = compile("{}", options).unwrap();
        unmapped.mapper = None;
        let claims = tokenize(&unmapped);
        assert_eq!((&claims["status"], &claims["exp"]), (&expected, &json!(1_600)));
    }
    let seen = tokenize(
        &compile(
            "{ claims: { seen: std.objectHas(std.extVar('claims'), 'status') } }",
            json!({"status_list": true}),
        )
        .unwrap(),
    );
    assert_eq!(seen["seen"], false, "mappers do not see it");
    let own = tokenize(&compile("{ claims: { status: 'mine' } }", json!({})).unwrap());
    assert_eq!(own["status"], "mine", "without the option it is a claim like any other");
    assert!(
        tokenize(&compile("{ claims: {} }", json!({"status_list": false})).unwrap()).get("status").is_none()
    );
}

#[test]
fn a_token_with_a_status_lives_no_longer_than_the_lists_remember() {
    let beyond = "{ claims: { exp: std.extVar('claims').exp + 1 } }";
    let refused = tokenize(beyond, json!({"status_list": true}));
    assert!(matches!(refused, Err(TokenizeError::LateExpiry { line: 1, .. })), "{refused:?}");
    assert!(tokenize(beyond, json!({})).is_ok());
}

#[test]
fn the_header_of_a_bearer_names_its_template_and_no_shared_secret_signs_it() {
    let session = Document::shared(b"{}").unwrap();
    for (bearer, named) in [(true, Some("t")), (false, None)] {
        let tokenizer = compile("{ claims: {} }", json!({"bearer": bearer})).unwrap();
        let token = tokenizer.tokenize(&subject(&session), 1_000).unwrap();
        let header = verify::verify(&token, tokenizer.public_keys()).unwrap().header;
        assert_eq!(header.get("template").and_then(Value::as_str), named);
    }
    let shared = r#"{"keys":[{"kty":"oct","kid":"k","alg":"HS256","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldC0wMDAx"}]}"#;
    for member in ["bearer", "status_list"] {
        let template = Template::from_json(&json!({"jwks_url": "set://keys", (member): true})).unwrap();
        let refused = Tokenizer::compile("t", &template, &OneSet(shared.into())).unwrap_err();
        assert_eq!((&refused, refused.member()), (&LoadError::NoPublicKeys(member), member));
    }
}

#[test]
fn the_guide_s_mapper_gives_the_guide_s_claims() {
    let mapper = r"
        local claims = std.extVar('claims');
        local session = std.extVar('session');
        { claims: { iss: claims.iss + '/additional-component', schema_id: session.identity.schema_id, session: session } }
    ";
    let claims = tokenize(mapper, json!({"ttl": "10m"})).unwrap();
    assert_eq!(
        claims,
        json!({
            "exp": 1600, "iat": 1000, "nbf": 1000,
            "iss": "https://id.example.org//additional-component",
            "jti": Uuid::from_u128(3).to_string(), "sid": Uuid::from_u128(2).to_string(),
            "sub": Uuid::from_u128(1).to_string(),
            "schema_id": "default",
            "session": {"id": "s", "identity": {"schema_id": "default"}},
        })
    );
}

#[test]
fn a_mapper_changes_defaults_but_removes_none_and_never_sub() {
    let claims = tokenize(
        "{ claims: { jti: 'fixed', exp: 4102444800, sub: 'evil', iss: null, aud: ['a'], zzz: 1, aaa: {} } }",
        json!({}),
    )
    .unwrap();
    assert_eq!(claims["jti"], "fixed");
    assert_eq!(claims["exp"], 4_102_444_800_i64);
    assert_eq!(claims["sub"], Uuid::from_u128(1).to_string());
    assert_eq!(claims["iss"], "https://id.example.org/");
    assert_eq!(claims["nbf"], 1000);
    assert_eq!((&claims["aaa"], &claims["zzz"]), (&json!({}), &json!(1)));
    assert_eq!(claims.as_object().unwrap().len(), 10);
}

#[test]
fn times_stay_whole_numbers() {
    for (claim, value) in [("exp", "'soon'"), ("nbf", "1.5"), ("iat", "-1"), ("exp", "1e30"), ("exp", "[]")] {
        let error = tokenize(&format!("{{ claims: {{ {claim}: {value} }} }}"), json!({})).unwrap_err();
        assert!(error.public().contains(&format!("\"{claim}\"")), "{error:?}");
    }
}

#[test]
fn a_result_that_is_no_claims_is_an_error_with_a_place() {
    for mapper in [
        "{ other: 1 }",
        "{ claims: 'x' }",
        "[1]",
        "\n  null",
        "{ claims:: {} }",
        "function(x) { claims: {} }",
    ] {
        let error = tokenize(mapper, json!({})).unwrap_err();
        assert!(error.public().contains("line "), "{mapper}: {error}");
    }
    let error = tokenize("{ claims: { a: error 'secret of the mapper' } }", json!({})).unwrap_err();
    assert!(!error.public().contains("secret"));
    assert!(error.to_string().contains("secret of the mapper"));
}

#[test]
fn the_external_id_can_be_the_subject() {
    let error = tokenize("{ claims: {} }", json!({"subject_source": "external_id"})).unwrap_err();
    assert_eq!(error, TokenizeError::NoExternalId);
}

#[test]
fn a_template_that_does_not_compile_says_which_part() {
    let error = compile("{ claims: { a: }", json!({})).unwrap_err();
    assert!(!error.is_unreadable() && error.public().contains("line 1, column 16"), "{}", error.public());
    let error = compile("{}", json!({"jwks_url": "set://nope"})).unwrap_err();
    assert!(error.is_unreadable() && error.to_string().contains("create jwk nope"));
    let error = compile("{}", json!({"jwks_url": "base64://@@@"})).unwrap_err();
    assert!(error.is_unreadable());
    let error = compile("{}", json!({"jwks_url": "base64://eyJrZXlzIjpbXX0="})).unwrap_err();
    assert!(!error.is_unreadable() && error.to_string().contains("empty"));
    let error = compile("{}", json!({"jwks_url": "file:///nope"})).unwrap_err();
    assert!(error.is_unreadable() && !error.public().contains("nope"));
}

/// A token without its signature, which is another one each time.
fn unsigned(token: &str) -> &str {
    token.rsplit_once('.').unwrap().0
}

/// The form of a token that was made at second 1,800,000,000, and the token that the same template makes later: by the form,
/// where there is one, and anew.
fn by_form_and_anew(
    tokenizer: &Tokenizer,
    session: &Arc<Document>,
    later: i64,
) -> Option<(Option<String>, String)> {
    let first = Subject { session_ends: 1_800_001_000, ..subject(session) };
    let next = Subject { token_id: Uuid::from_u128(77), ..first };
    let claims = tokenizer.claims(&first, 1_800_000_000).unwrap();
    let form = tokenizer.form(&claims, first.issuer, first.session_ends)?;
    let filled = tokenizer.fill(&form, next.issuer, next.token_id, later).map(Result::unwrap);
    Some((filled, tokenizer.tokenize(&next, later).unwrap()))
}

#[test]
fn a_form_gives_the_token_that_is_made_anew() {
    let session =
        Document::shared(br#"{"id":"s","identity":{"schema_id":"default","traits":{"e":"\u00e9"}}}"#);
    let session = session.unwrap();
    for options in [
        json!({}),
        json!({"audience": ["a", "b"], "issuer": "https://other.example.org", "typ": "at+jwt", "nbf_leeway": "5s"}),
        json!({"status_list": true, "cap_to_session": true, "ttl": "30m", "bearer": true}),
    ] {
        for mapper in [
            "{ claims: {} }",
            "{ claims: { session: std.extVar('session'), iss: std.extVar('claims').iss + '/x' } }",
            "{ claims: { aaa: 1, f: 'between', jz: 2, zzz: 3, exp: null, sub: 'evil', status: 'mine' } }",
            "{ claims: { jti: 'fixed' } }",
        ] {
            let mut tokenizer = compile(mapper, options.clone()).unwrap();
            for is_mapped in [true, false] {
                for later in [1_800_000_000, 1_800_000_001, 1_800_000_999, 9_999_990_000] {
                    let (filled, anew) = by_form_and_anew(&tokenizer, &session, later).unwrap();
                    assert_eq!(
                        unsigned(&filled.unwrap()),
                        unsigned(&anew),
                        "{options} {mapper} {is_mapped} {later}"
                    );
                    verify::verify(&anew, tokenizer.public_keys()).unwrap();
                }
                tokenizer.mapper = None;
            }
        }
    }
}

#[test]
fn parts_before_between_and_behind_the_blanks_may_have_any_length() {
    let session = Document::shared(b"{}").unwrap();
    for a in 0..4 {
        for f in 0..4 {
            for z in 0..4 {
                let text = |length: usize| "x".repeat(length);
                let mapper =
                    format!("{{ claims: {{ a: '{}', f: '{}', z: '{}' }} }}", text(a), text(f), text(z));
                let tokenizer = compile(&mapper, json!({})).unwrap();
                let (filled, anew) = by_form_and_anew(&tokenizer, &session, 1_800_000_321).unwrap();
                assert_eq!(unsigned(&filled.unwrap()), unsigned(&anew), "{mapper}");
            }
        }
    }
}

#[test]
fn what_looks_at_times_or_the_id_or_chooses_a_time_makes_no_form() {
    let session = Document::shared(b"{}").unwrap();
    for mapper in [
        "{ claims: { exp: std.extVar('claims').exp + 1 } }",
        "{ claims: { until: std.extVar('claims').exp } }",
        "{ claims: { id: std.extVar('claims').jti } }",
        "{ claims: std.extVar('claims') }",
        "{ claims: { all: std.extVar('claims') } }",
        "{ claims: { even: std.extVar('claims').iat % 2 == 0 } }",
        "{ claims: { exp: 1800000500 } }",
        "{ claims: { nbf: 1 } }",
        "{ claims: { iat: 1 } }",
    ] {
        let tokenizer = compile(mapper, json!({"cap_to_session": true})).unwrap();
        assert!(by_form_and_anew(&tokenizer, &session, 1_800_000_000).is_none(), "{mapper}");
    }
}

#[test]
fn long_claims_make_no_form() {
    let session = Document::shared(b"{}").unwrap();
    for (length, is_kept) in [(15 * 1024, true), (16 * 1024, false)] {
        let mapper = format!("{{ claims: {{ long: std.repeat('x', {length}) }} }}");
        let tokenizer = compile(&mapper, json!({})).unwrap();
        assert_eq!(by_form_and_anew(&tokenizer, &session, 1_800_000_000).is_some(), is_kept, "{length}");
    }
}

#[test]
fn a_form_is_of_no_use_for_another_issuer_or_a_longer_time() {
    let session = Document::shared(b"{}").unwrap();
    let tokenizer = compile("{ claims: { a: std.extVar('claims').iss } }", json!({})).unwrap();
    for later in [999_999_000, 9_999_999_999] {
        assert_eq!(by_form_and_anew(&tokenizer, &session, later).unwrap().0, None, "{later}");
    }
    let claims = tokenizer.claims(&subject(&session), 1_800_000_000).unwrap();
    let form = tokenizer.form(&claims, subject(&session).issuer, 1_500).unwrap();
    let fill = |issuer| tokenizer.fill(&form, issuer, Uuid::from_u128(4), 1_800_000_000);
    assert!(fill("https://id.example.org/").is_some());
    assert!(fill("https://id.example.org").is_none());
}
