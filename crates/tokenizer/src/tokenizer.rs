//! A compiled template, which makes a token of a session.

mod claims;
mod form;

use std::sync::Arc;
use std::time::Duration;

use sessera_jose::{Algorithm, PublicJwkSet, Signer, base64url, import};
use sessera_jsonnet::{Document, Limits, Members, Program, Scalar, Variables};
use sessera_model::StatusIndex;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use self::claims::{Bounds, Written, merge, unmapped, with_status};
pub use self::form::ClaimsForm;
use self::form::{Blanks, changing};
use crate::error::{LoadError, TokenizeError};
use crate::signing_order::SigningOrder;
use crate::source::{SourceError, SourceUrl, Sources};
use crate::template::{Audience, SubjectSource, Template};

/// Longer claims, in bytes of JSON, make no form, so that each template adds little to a session in memory.
const LONGEST_FORM: usize = 16 * 1024;

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
    /// Where the times and the id stand in the JSON, when nothing else will differ in the next token of the same session.
    blanks: Option<Blanks>,
}

/// A template that is ready to make tokens. It is immutable and shared by all requests.
#[derive(Debug)]
pub struct Tokenizer {
    schedule: SigningOrder,
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
        let mut token = turn.begin(claims.len() * 4 / 3);
        base64url::encode_into(claims, &mut token);
        turn.end(token).map_err(TokenizeError::Signing)
    }

    /// The form of the claims of a session's token, for its next ones. Nothing when the mapper looked at what differs from token
    /// to token or chose a time, and when they are longer than 16 KiB. `issuer` and `session_ends` are those of the [`Subject`].
    pub fn form(&self, claims: &Claims, issuer: &str, session_ends: i64) -> Option<ClaimsForm> {
        let blanks = claims.blanks.as_ref().filter(|_| claims.json.len() <= LONGEST_FORM)?;
        Some(ClaimsForm::new(&claims.json, blanks, issuer, self.cap(session_ends)))
    }

    /// Makes the next token by a form that this template made. It is the one that [`Self::tokenize`] would make of the same
    /// session. Nothing when the form is of no use, because the issuer is another one than then or a time is written
    /// with more digits.
    pub fn fill(
        &self,
        form: &ClaimsForm,
        issuer: &str,
        token_id: Uuid,
        now: i64,
    ) -> Option<Result<String, TokenizeError>> {
        if *form.issuer != *issuer {
            return None;
        }
        let mut id = [b'"'; 2 + Hyphenated::LENGTH];
        token_id.hyphenated().encode_lower(&mut id[1..=Hyphenated::LENGTH]);
        let times = [self.expiry(now).min(form.capped_at), now, self.not_before(now)];
        let [exp, iat, nbf] = times.map(|time| time.to_string());
        let turn = self.schedule.at(now);
        let mut token = turn.begin(form.encoded_len());
        let is_filled = form.fill([&exp, &iat, std::str::from_utf8(&id).ok()?, &nbf], &mut token);
        is_filled.then(|| turn.end(token).map_err(TokenizeError::Signing))
    }

    /// When a token ends unless a mapper says otherwise, not counting its session.
    fn expiry(&self, now: i64) -> i64 {
        now.saturating_add(i64::try_from(self.ttl.as_secs()).unwrap_or(i64::MAX))
    }

    /// When a token begins to be good.
    const fn not_before(&self, now: i64) -> i64 {
        now.saturating_sub(self.nbf_leeway)
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
            capped_at: self.cap(subject.session_ends),
        }
    }

    /// The latest `exp` of tokens of a session that ends then.
    const fn cap(&self, session_ends: i64) -> i64 {
        if self.cap_to_session { session_ends } else { i64::MAX }
    }

    /// The claims of a token, which are the defaults overlaid with what the mapper returns.
    pub fn claims(&self, subject: &Subject<'_>, now: i64) -> Result<Claims, TokenizeError> {
        let defaults = Arc::new(self.defaults(subject, now)?);
        // Its name comes before those of all other defaults.
        let audience = self.audience_json.as_deref().map(|json| ("aud", json));
        let status = self.status(subject)?;
        let fields = audience.into_iter().chain(defaults.fields());
        let Some(mapper) = &self.mapper else {
            let Written { json, blanks, .. } = match &status {
                None => unmapped(fields),
                Some(status) => unmapped(with_status(fields, status)),
            };
            return Ok(Claims { json, fuel: 0, blanks: Some(blanks) });
        };
        let members = self.run(mapper, &defaults, subject)?;
        let bounds = self.bounds(subject, now);
        let Written { json, blanks, has_chosen_time } = match &status {
            None => merge(fields, &members, mapper, bounds)?,
            Some(status) => merge(with_status(fields, status), &members, mapper, bounds)?,
        };
        let blanks = (members.is_lasting() && !has_chosen_time).then_some(blanks);
        Ok(Claims { json, fuel: members.fuel(), blanks })
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
            ("nbf", Scalar::Integer(self.not_before(now))),
            ("sid", Scalar::Text(subject.session_id.hyphenated().encode_lower(session_id))),
            ("sub", Scalar::Text(sub)),
        ])
        .with_changing(|name| changing(name).is_some()))
    }
}

/// Which keys sign when, their public forms, and whether they rotate by themselves.
fn keys(
    url: &SourceUrl,
    algorithm: Option<Algorithm>,
    sources: &dyn Sources,
    typ: &str,
    named: Option<&str>,
) -> Result<(SigningOrder, PublicJwkSet, bool), LoadError> {
    if let SourceUrl::Pkcs11(uri) = url {
        let key = sources.signing_key(uri).map_err(LoadError::KeySetSource)?;
        let public = PublicJwkSet::new(key.public().cloned().into_iter().collect());
        let signer = Signer::of_key(key).map_err(LoadError::Key)?;
        return Ok((SigningOrder::of_one(signer, typ, named), public, false));
    }
    let keys = url.read(sources).map_err(|error| match error {
        SourceError::NoSuchSet(name) => LoadError::NoSuchSet { name, algorithm },
        other => LoadError::KeySetSource(other),
    })?;
    let keys = import::set(&keys, algorithm).map_err(LoadError::Key)?;
    let activations = match url {
        SourceUrl::Set(set) => sources.activations(set),
        _ => Vec::new(),
    };
    let schedule = SigningOrder::new(&keys, &activations, typ, named).map_err(LoadError::Key)?;
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

#[cfg(test)]
mod tests;
