//! A compiled template, which makes a token of a session.

use std::sync::Arc;
use std::time::Duration;

use sessera_jose::{Algorithm, PublicJwkSet, Signer, base64url, import};
use sessera_jsonnet::{Document, Limits, Members, Program, Scalar, Variables};
use sessera_model::StatusIndex;
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
    /// When the session ends, in seconds since the epoch.
    pub session_ends: i64,
    /// The session's place in the status lists, where it has one.
    pub status: Option<StatusIndex>,
}

/// The claims of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The claims as JSON.
    pub json: Vec<u8>,
    /// How many evaluation steps the mapper took.
    pub fuel: u64,
}

/// A template that is ready to make tokens. It is immutable and shared by all requests.
#[derive(Debug)]
pub struct Tokenizer {
    schedule: Schedule,
    mapper: Option<Program>,
    is_managed: bool,
    ttl: Duration,
    subject_source: SubjectSource,
    issuer: Option<String>,
    audience: Option<Audience>,
    /// The audience as it is written into tokens.
    audience_json: Option<String>,
    /// How long its tokens live, in seconds.
    nbf_leeway: i64,
    cap_to_session: bool,
    is_bearer: bool,
    /// Where its status lists are, below the public base URL; `None` when its tokens have no status.
    status_path: Option<String>,
    /// What its tokens are, as their header says in `typ`.
    typ: String,
    public_keys: PublicJwkSet,
    limits: Limits,
}

impl Tokenizer {
    /// Reads the sources of a template and makes it ready. `name` is how errors call its mapper.
    pub fn compile(name: &str, template: &Template, sources: &dyn Sources) -> Result<Self, LoadError> {
        let mapper = template
            .claims_mapper_url
            .as_ref()
            .map(|url| {
                url.read(sources)
                    .map_err(LoadError::MapperSource)
                    .and_then(|source| parse(name, url, &source))
            })
            .transpose()?;
        let typ = template.typ.as_deref().unwrap_or("JWT");
        // No mapper writes the header, so a token of another template that has the same keys is
        // never taken for one of this.
        let named = template.bearer.then_some(name);
        let (schedule, public_keys, is_managed) =
            keys(&template.jwks_url, template.algorithm, sources, typ, named)?;
        let found = schedule.at(i64::MAX).signer.algorithm();
        if let Some(wanted) = template.algorithm.filter(|wanted| *wanted != found) {
            return Err(LoadError::OtherAlgorithm { wanted, found });
        }
        for (member, is_set) in [("bearer", template.bearer), ("status_list", template.status_list)] {
            if is_set && found.is_symmetric() {
                return Err(LoadError::NoPublicKeys(member));
            }
        }
        Ok(Self {
            schedule,
            is_managed,
            mapper,
            ttl: template.ttl,
            subject_source: template.subject_source,
            issuer: template.issuer.clone(),
            audience: template.audience.clone(),
            audience_json: template.audience.as_ref().map(|audience| audience.to_json().to_string()),
            nbf_leeway: i64::try_from(template.nbf_leeway.as_secs()).unwrap_or(0),
            cap_to_session: template.cap_to_session,
            is_bearer: template.bearer,
            status_path: template.status_list.then(|| format!("/.well-known/status/{name}/")),
            typ: typ.to_owned(),
            public_keys,
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

    /// Whether this server takes its tokens as bearer.
    pub const fn is_bearer(&self) -> bool {
        self.is_bearer
    }

    /// The address of one of its status lists, which the tokens and the list itself name. It is `None` when
    /// its tokens have no status. `base_url` is the public one.
    pub fn status_uri(&self, base_url: &str, list: u64) -> Option<String> {
        self.status_path.as_ref().map(|path| format!("{}{path}{list}", base_url.trim_end_matches('/')))
    }

    /// The claim `status` as JSON (Token Status List, section 6).
    fn status(&self, subject: &Subject<'_>) -> Result<Option<String>, TokenizeError> {
        if self.status_path.is_none() {
            return Ok(None);
        }
        let status = subject.status.ok_or(TokenizeError::NoStatus)?;
        let uri = self.status_uri(subject.issuer, status.list());
        let list = serde_json::json!({ "status_list": { "idx": status.position(), "uri": uri } });
        Ok(Some(list.to_string()))
    }

    /// Whether a signature waits for something outside of this process.
    pub fn is_remote(&self) -> bool {
        self.schedule.at(i64::MAX).signer.is_remote()
    }

    /// What its tokens are, as their header says in `typ`.
    pub fn typ(&self) -> &str {
        &self.typ
    }

    /// Whether its tokens are for this audience.
    pub fn is_for(&self, who: &str) -> bool {
        self.audience.as_ref().is_some_and(|audience| audience.names(who))
    }

    /// The issuer that its template names instead of the public base URL. A mapper may name another.
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// How long its tokens live.
    pub const fn ttl(&self) -> Duration {
        self.ttl
    }

    /// The default claims as JSON, as the mapper sees them. `now` is seconds since the epoch.
    pub fn default_claims(&self, subject: &Subject<'_>, now: i64) -> Result<String, TokenizeError> {
        self.defaults(subject, now).map(|claims| claims.canonical().to_owned())
    }

    /// Makes a token. `now` is seconds since the epoch.
    pub fn tokenize(&self, subject: &Subject<'_>, now: i64) -> Result<String, TokenizeError> {
        let claims = self.claims(subject, now)?;
        self.sign(&claims.json, now)
    }

    /// Signs a token with these claims. `now` is the time for which the claims were made.
    pub fn sign(&self, claims: &[u8], now: i64) -> Result<String, TokenizeError> {
        let turn = self.schedule.at(now);
        let mut token = String::with_capacity(turn.header.len() + claims.len() * 4 / 3 + 700);
        token.push_str(&turn.header);
        base64url::encode_into(claims, &mut token);
        let mut signature = String::with_capacity(96);
        turn.signer.sign_into(token.as_bytes(), &mut signature).map_err(TokenizeError::Signing)?;
        token.push('.');
        token.push_str(&signature);
        Ok(token)
    }

    /// When a token ends unless a mapper says otherwise, not counting its session.
    fn expiry(&self, now: i64) -> i64 {
        now.saturating_add(i64::try_from(self.ttl.as_secs()).unwrap_or(i64::MAX))
    }

    fn bounds(&self, subject: &Subject<'_>, now: i64) -> Bounds {
        Bounds {
            // A managed set takes a key out when the tokens that it knows of have ended, and that is when the
            // status lists forget a session.
            refused_after: if self.is_managed || self.status_path.is_some() {
                self.expiry(now)
            } else {
                i64::MAX
            },
            capped_at: if self.cap_to_session { subject.session_ends } else { i64::MAX },
        }
    }

    /// The claims of a token, which are the defaults overlaid with what the mapper returns.
    pub fn claims(&self, subject: &Subject<'_>, now: i64) -> Result<Claims, TokenizeError> {
        let defaults = Arc::new(self.defaults(subject, now)?);
        // Its name comes before those of all other defaults.
        let audience = self.audience_json.as_deref().map(|json| ("aud", json));
        let status = self.status(subject)?;
        let fields = audience.into_iter().chain(defaults.fields());
        let Some(mapper) = &self.mapper else {
            let json = match &status {
                None => self.unmapped(&defaults),
                Some(status) => written(with_status(fields, status)),
            };
            return Ok(Claims { json, fuel: 0 });
        };
        let members = self.run(mapper, &defaults, subject)?;
        let bounds = self.bounds(subject, now);
        let json = match &status {
            None => merge(fields, &members, mapper, bounds)?,
            Some(status) => merge(with_status(fields, status).into_iter(), &members, mapper, bounds)?,
        };
        Ok(Claims { json, fuel: members.fuel() })
    }

    /// The default claims with the audience.
    fn unmapped(&self, defaults: &Document) -> Vec<u8> {
        let claims = defaults.canonical();
        match &self.audience_json {
            None => claims.as_bytes().to_vec(),
            Some(audience) => format!("{{\"aud\":{audience},{}", &claims[1..]).into_bytes(),
        }
    }

    /// What the mapper alone returns, before it is laid over the defaults; `None` without a mapper.
    pub fn mapped(&self, subject: &Subject<'_>, now: i64) -> Result<Option<Members>, TokenizeError> {
        let defaults = Arc::new(self.defaults(subject, now)?);
        self.mapper.as_ref().map(|mapper| self.run(mapper, &defaults, subject)).transpose()
    }

    /// The limits that the mapper has to keep.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    fn run(
        &self,
        mapper: &Program,
        defaults: &Arc<Document>,
        subject: &Subject<'_>,
    ) -> Result<Members, TokenizeError> {
        let variables =
            Variables::new().with("claims", defaults.clone()).with("session", subject.session.clone());
        mapper
            .evaluate_member("claims", &variables, &self.limits)
            .map_err(|error| TokenizeError::Mapper(Box::new(error)))
    }

    fn defaults(&self, subject: &Subject<'_>, now: i64) -> Result<Document, TokenizeError> {
        let mut texts = [Uuid::encode_buffer(); 3];
        let [identity_id, session_id, token_id] = &mut texts;
        let identity_id = &*subject.identity_id.hyphenated().encode_lower(identity_id);
        let sub = match self.subject_source {
            SubjectSource::Id => identity_id,
            SubjectSource::ExternalId => subject.external_id.ok_or(TokenizeError::NoExternalId)?,
        };
        Ok(Document::flat(&[
            ("exp", Scalar::Integer(self.expiry(now).min(self.bounds(subject, now).capped_at))),
            ("iat", Scalar::Integer(now)),
            ("iss", Scalar::Text(self.issuer.as_deref().unwrap_or(subject.issuer))),
            ("jti", Scalar::Text(subject.token_id.hyphenated().encode_lower(token_id))),
            ("nbf", Scalar::Integer(now.saturating_sub(self.nbf_leeway))),
            ("sid", Scalar::Text(subject.session_id.hyphenated().encode_lower(session_id))),
            ("sub", Scalar::Text(sub)),
        ]))
    }
}

/// Which keys sign when, their public forms, and whether they rotate by themselves.
fn keys(
    url: &SourceUrl,
    algorithm: Option<Algorithm>,
    sources: &dyn Sources,
    typ: &str,
    named: Option<&str>,
) -> Result<(Schedule, PublicJwkSet, bool), LoadError> {
    if let SourceUrl::Pkcs11(uri) = url {
        let key = sources.signing_key(uri).map_err(LoadError::KeySetSource)?;
        let public = PublicJwkSet::new(key.public().cloned().into_iter().collect());
        let signer = Signer::of_key(key).map_err(LoadError::Key)?;
        return Ok((Schedule::of_one(signer, typ, named), public, false));
    }
    let keys = url.read(sources).map_err(LoadError::KeySetSource)?;
    let keys = import::set(&keys, algorithm).map_err(LoadError::Key)?;
    let activations = match url {
        SourceUrl::Set(set) => sources.activations(set),
        _ => Vec::new(),
    };
    let schedule = Schedule::new(&keys, &activations, typ, named).map_err(LoadError::Key)?;
    Ok((schedule, keys.public(), !activations.is_empty()))
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

/// What bounds the `exp` that a mapper gives, in seconds since the epoch.
#[derive(Clone, Copy)]
struct Bounds {
    /// A later `exp` is an error.
    refused_after: i64,
    /// A later `exp` is replaced by this.
    capped_at: i64,
}

/// The defaults with the status of the token, which no mapper sees.
fn with_status<'a>(
    defaults: impl Iterator<Item = (&'a str, &'a str)>,
    status: &'a str,
) -> Vec<(&'a str, &'a str)> {
    let mut defaults: Vec<_> = defaults.collect();
    let place = defaults.partition_point(|(name, _)| *name < "status");
    defaults.insert(place, ("status", status));
    defaults
}

/// Claims as JSON.
fn written<'a>(claims: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut json = Vec::with_capacity(1024);
    for (name, value) in claims {
        write_claim(&mut json, name, value.as_bytes());
    }
    json.push(b'}');
    json
}

fn write_claim(json: &mut Vec<u8>, name: &str, value: &[u8]) {
    json.push(if json.is_empty() { b'{' } else { b',' });
    // Writing into memory does not fail, and a text always has a JSON form.
    let _ = serde_json::to_writer(&mut *json, name);
    json.push(b':');
    json.extend_from_slice(value);
}

/// Both lists are in the order of their names, so this goes through them in step.
fn merge<'a>(
    defaults: impl Iterator<Item = (&'a str, &'a str)>,
    mapped: &Members,
    mapper: &Program,
    bounds: Bounds,
) -> Result<Vec<u8>, TokenizeError> {
    let mut json = Vec::with_capacity(2048);
    let mut write = |name: &str, value: &[u8]| write_claim(&mut json, name, value);
    let mut waiting = defaults.peekable();
    for (name, value) in mapped.iter() {
        while let Some((default, value)) = waiting.next_if(|(default, _)| *default < name) {
            write(default, value.as_bytes());
        }
        match waiting.next_if(|(default, _)| *default == name) {
            // A mapper never chooses the subject or the status, and it cannot take a default claim away.
            Some((_, default)) if name == "sub" || name == "status" || value == b"null" => {
                write(name, default.as_bytes());
            }
            None => write(name, value),
            Some(_) => {
                if let Some(claim) = TIMES.iter().find(|claim| **claim == name) {
                    let place = || {
                        let place = mapper.result_location();
                        (place.line, place.column)
                    };
                    let time = time(value).ok_or_else(|| {
                        let (line, column) = place();
                        TokenizeError::BadTime { claim, line, column }
                    })?;
                    if name == "exp" && time > bounds.refused_after {
                        let (line, column) = place();
                        return Err(TokenizeError::LateExpiry { line, column });
                    }
                    if name == "exp" && time > bounds.capped_at {
                        write(name, bounds.capped_at.to_string().as_bytes());
                        continue;
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
            tokenize(&compile("{ claims: {} }", json!({"status_list": false})).unwrap())
                .get("status")
                .is_none()
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
