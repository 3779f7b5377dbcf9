//! A compiled template: from a session to a token.

use std::sync::Arc;
use std::time::Duration;

use sessera_jose::{Algorithm, JwkSet, PublicJwkSet, Signer, base64url};
use sessera_jsonnet::{Document, Limits, Members, Program, Variables};
use uuid::Uuid;

use crate::error::{LoadError, TokenizeError};
use crate::schedule::Schedule;
use crate::source::{SourceUrl, Sources};
use crate::template::{Audience, SubjectSource, Template};

/// The default claims in the order of their names, which is the order in a token.
const TIMES: [&str; 3] = ["exp", "iat", "nbf"];

/// Whom a token is about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The issuer: the public base URL.
    pub issuer: &'a str,
    /// The identity's id.
    pub identity_id: Uuid,
    /// The identity's id in another system.
    pub external_id: Option<&'a str>,
    /// The session's id.
    pub session_id: Uuid,
    /// The token's own id, made for it.
    pub token_id: Uuid,
    /// The session as mappers see it.
    pub session: &'a Arc<Document>,
}

/// A template that is ready to make tokens. Immutable and shared by all requests.
#[derive(Debug)]
pub struct Tokenizer {
    schedule: Schedule,
    mapper: Option<Program>,
    is_managed: bool,
    ttl: Duration,
    subject_source: SubjectSource,
    audience: Option<Audience>,
    public_keys: PublicJwkSet,
    limits: Limits,
}

impl Tokenizer {
    /// Reads the sources of a template and makes it ready. `name` is how errors call its mapper.
    pub fn compile(name: &str, template: &Template, sources: &dyn Sources) -> Result<Self, LoadError> {
        let keys = template.jwks_url.read(sources).map_err(LoadError::KeySetSource)?;
        let keys = JwkSet::parse(&keys).map_err(LoadError::Key)?;
        let mapper = template
            .claims_mapper_url
            .as_ref()
            .map(|url| {
                url.read(sources)
                    .map_err(LoadError::MapperSource)
                    .and_then(|source| parse(name, url, &source))
            })
            .transpose()?;
        let activations = match &template.jwks_url {
            SourceUrl::Set(set) => sources.activations(set),
            _ => Vec::new(),
        };
        Ok(Self {
            schedule: Schedule::new(&keys, &activations, "JWT").map_err(LoadError::Key)?,
            is_managed: !activations.is_empty(),
            mapper,
            ttl: template.ttl,
            subject_source: template.subject_source,
            audience: template.audience.clone(),
            public_keys: keys.public(),
            limits: Limits::default(),
        })
    }

    /// The public forms of its keys.
    pub const fn public_keys(&self) -> &PublicJwkSet {
        &self.public_keys
    }

    /// The key that signs at a time in seconds since the epoch.
    pub fn signer(&self, now: i64) -> &Signer {
        &self.schedule.at(now).signer
    }

    /// The algorithm of its signatures.
    pub fn algorithm(&self) -> Algorithm {
        self.schedule.at(i64::MAX).signer.algorithm()
    }

    /// Whether its keys rotate by themselves.
    pub const fn is_managed(&self) -> bool {
        self.is_managed
    }

    /// Whether its tokens are for this audience.
    pub fn is_for(&self, who: &str) -> bool {
        self.audience.as_ref().is_some_and(|audience| audience.names(who))
    }

    /// How long its tokens live.
    pub const fn ttl(&self) -> Duration {
        self.ttl
    }

    /// The default claims as JSON, as the mapper sees them. `now` is seconds since the epoch.
    pub fn default_claims(&self, subject: &Subject<'_>, now: i64) -> Result<String, TokenizeError> {
        Claims::new(self, subject, now).map(|claims| claims.to_json())
    }

    /// Makes a token. `now` is seconds since the epoch.
    pub fn tokenize(&self, subject: &Subject<'_>, now: i64) -> Result<String, TokenizeError> {
        let payload = self.claims(subject, now)?;
        let turn = self.schedule.at(now);
        let mut token = String::with_capacity(turn.header.len() + payload.len() * 4 / 3 + 700);
        token.push_str(&turn.header);
        base64url::encode_into(&payload, &mut token);
        let mut signature = String::with_capacity(96);
        turn.signer.sign_into(token.as_bytes(), &mut signature).map_err(TokenizeError::Signing)?;
        token.push('.');
        token.push_str(&signature);
        Ok(token)
    }

    /// The latest `exp` that a mapper may give. A managed set takes a key out when the tokens that it
    /// knows of have ended, so none may live longer.
    fn latest_expiry(&self, now: i64) -> i64 {
        let ttl = i64::try_from(self.ttl.as_secs()).unwrap_or(i64::MAX);
        if self.is_managed { now.saturating_add(ttl) } else { i64::MAX }
    }

    /// The claims of a token as JSON: the defaults, and over them what the mapper returns.
    pub fn claims(&self, subject: &Subject<'_>, now: i64) -> Result<Vec<u8>, TokenizeError> {
        let defaults = Claims::new(self, subject, now)?;
        match &self.mapper {
            None => Ok(defaults.to_json().into_bytes()),
            Some(mapper) => {
                let members = self.run(mapper, &defaults, subject)?;
                merge(&defaults, &members, mapper, self.latest_expiry(now))
            }
        }
    }

    /// What the mapper alone returns, before it is laid over the defaults; nothing without a mapper.
    pub fn mapped(&self, subject: &Subject<'_>, now: i64) -> Result<Option<Members>, TokenizeError> {
        let defaults = Claims::new(self, subject, now)?;
        self.mapper.as_ref().map(|mapper| self.run(mapper, &defaults, subject)).transpose()
    }

    /// What the mapper may take.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    fn run(
        &self,
        mapper: &Program,
        defaults: &Claims,
        subject: &Subject<'_>,
    ) -> Result<Members, TokenizeError> {
        // Numbers, ids and escaped strings always make JSON.
        let claims = Document::shared(defaults.to_json().as_bytes()).map_err(|_| TokenizeError::Defaults)?;
        let variables = Variables::new().with("claims", claims).with("session", subject.session.clone());
        mapper
            .evaluate_member("claims", &variables, &self.limits)
            .map_err(|error| TokenizeError::Mapper(Box::new(error)))
    }
}

fn parse(name: &str, url: &SourceUrl, source: &[u8]) -> Result<Program, LoadError> {
    let source = std::str::from_utf8(source).map_err(|_| LoadError::MapperEncoding)?;
    let file = match url {
        SourceUrl::File(path) => path.file_name().map(|name| name.to_string_lossy().into_owned()),
        _ => None,
    };
    Program::parse(file.as_deref().unwrap_or(name), source)
        .map_err(|error| LoadError::Mapper(Box::new(error)))
}

/// The default claims, values being JSON.
struct Claims {
    /// In the order of their names.
    members: [(&'static str, String); 7],
}

impl Claims {
    fn new(tokenizer: &Tokenizer, subject: &Subject<'_>, now: i64) -> Result<Self, TokenizeError> {
        let ttl = i64::try_from(tokenizer.ttl.as_secs()).unwrap_or(i64::MAX);
        let sub = match tokenizer.subject_source {
            SubjectSource::Id => subject.identity_id.to_string(),
            SubjectSource::ExternalId => subject.external_id.ok_or(TokenizeError::NoExternalId)?.to_owned(),
        };
        let text = |value: &str| serde_json::Value::from(value).to_string();
        Ok(Self {
            members: [
                ("exp", now.saturating_add(ttl).to_string()),
                ("iat", now.to_string()),
                ("iss", text(subject.issuer)),
                ("jti", text(&subject.token_id.to_string())),
                ("nbf", now.to_string()),
                ("sid", text(&subject.session_id.to_string())),
                ("sub", text(&sub)),
            ],
        })
    }

    fn to_json(&self) -> String {
        let mut json = String::with_capacity(320);
        for (name, value) in &self.members {
            json.push(if json.is_empty() { '{' } else { ',' });
            json.push('"');
            json.push_str(name);
            json.push_str("\":");
            json.push_str(value);
        }
        json.push('}');
        json
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.members.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

/// Both lists are in the order of their names: goes through them in step.
fn merge(
    defaults: &Claims,
    mapped: &Members,
    mapper: &Program,
    latest_expiry: i64,
) -> Result<Vec<u8>, TokenizeError> {
    let mut json = Vec::with_capacity(2048);
    let mut write = |name: &str, value: &[u8]| {
        json.push(if json.is_empty() { b'{' } else { b',' });
        json.extend_from_slice(serde_json::Value::from(name).to_string().as_bytes());
        json.push(b':');
        json.extend_from_slice(value);
    };
    let mut waiting = defaults.members.iter().peekable();
    for (name, value) in mapped.iter() {
        while let Some((default, value)) = waiting.next_if(|(default, _)| *default < name) {
            write(default, value.as_bytes());
        }
        waiting.next_if(|(default, _)| *default == name);
        match defaults.get(name) {
            // The subject is never the mapper's to choose, and no default claim can be taken away.
            Some(default) if name == "sub" || value == b"null" => write(name, default.as_bytes()),
            _ => {
                if let Some(claim) = TIMES.iter().find(|claim| **claim == name) {
                    let place = || {
                        let place = mapper.result_location();
                        (place.line, place.column)
                    };
                    let time = time(value).ok_or_else(|| {
                        let (line, column) = place();
                        TokenizeError::BadTime { claim, line, column }
                    })?;
                    if name == "exp" && time > latest_expiry {
                        let (line, column) = place();
                        return Err(TokenizeError::LateExpiry { line, column });
                    }
                }
                write(name, value);
            }
        }
    }
    for (default, value) in waiting {
        write(default, value.as_bytes());
    }
    json.push(b'}');
    Ok(json)
}

/// A whole number of seconds from 0 to 9999-12-31.
fn time(json: &[u8]) -> Option<i64> {
    let digits = std::str::from_utf8(json).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|text| text.parse::<i64>().ok()).filter(|seconds| *seconds <= 253_402_300_799)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Activation;
    use crate::source::{SourceError, decode_base64};
    use serde_json::{Value, json};
    use sessera_jose::{Algorithm, generate, verify};

    struct OneSet(String);

    impl Sources for OneSet {
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
        for (claim, value) in
            [("exp", "'soon'"), ("nbf", "1.5"), ("iat", "-1"), ("exp", "1e30"), ("exp", "[]")]
        {
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
}
