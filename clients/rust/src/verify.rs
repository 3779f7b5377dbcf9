//! Verifying tokens of one issuer for one audience.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use serde_json::{Map, Value};
use sessera_jose::verify::{check_audience, check_issuer, check_times, check_type, verify};
use sessera_jose::{Algorithm, JwkSet, PublicJwkSet, VerifyError, base64url};
use tokio::sync::Mutex;

use crate::fetch::Fetch;
use crate::shared::Shared;
use crate::{Error, OverHttp};

/// The longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 16 * 1024;

/// How long an answer is kept that does not say it, in seconds.
const USUAL_AGE: i64 = 300;

/// How long after the keys were asked for an unknown one makes them be asked for again, in seconds.
const PAUSE: i64 = 10;

/// Which tokens are good.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The issuer, byte for byte as tokens name it.
    pub issuer: String,
    /// The audience of your template.
    pub audience: String,
    /// The algorithms that the template may have, which are asymmetric ones.
    pub algorithms: Vec<Algorithm>,
    /// How far clocks may differ, in seconds.
    pub leeway: i64,
}

impl Settings {
    /// ES256, and five seconds of leeway.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        let algorithms = vec![Algorithm::Es256];
        Self { issuer: issuer.into(), audience: audience.into(), algorithms, leeway: 5 }
    }
}

/// A further look at the claims of a token that is good otherwise.
#[async_trait]
pub trait Check: Send + Sync {
    /// Says why the token is not good after all: [`Error::Refused`] or [`Error::Unavailable`].
    async fn check(&self, verifier: &Verifier, claims: &Map<String, Value>) -> Result<(), Error>;
}

/// Verifies tokens. Make one, and keep it: it keeps the keys. Tasks may share it.
pub struct Verifier {
    pub(crate) settings: Settings,
    fetch: Arc<dyn Fetch>,
    now: Box<dyn Fn() -> i64 + Send + Sync>,
    keys: Shared<Published>,
    /// Where the keys are, and until when. Only the one looks at it who asks for them.
    described: Mutex<(String, i64)>,
    checks: Vec<Arc<dyn Check>>,
}

/// The keys of the issuer, and for how long they are good.
struct Published {
    keys: PublicJwkSet,
    until: i64,
    asked: i64,
}

impl Verifier {
    /// A verifier that asks over HTTP and goes by the clock of the system.
    pub fn new(settings: Settings) -> Result<Self, reqwest::Error> {
        let since = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let now = move || i64::try_from(since()).unwrap_or(i64::MAX);
        Ok(Self::with(settings, Arc::new(OverHttp::new()?), now))
    }

    /// A verifier with a way to ask and a clock, in seconds since 1970, of your own.
    pub fn with(
        settings: Settings,
        fetch: Arc<dyn Fetch>,
        now: impl Fn() -> i64 + Send + Sync + 'static,
    ) -> Self {
        let (keys, described) = (Shared::default(), Mutex::default());
        Self { settings, fetch, now: Box::new(now), keys, described, checks: Vec::new() }
    }

    /// Adds a further look at each token.
    #[must_use]
    pub fn and(mut self, check: Arc<dyn Check>) -> Self {
        self.checks.push(check);
        self
    }

    /// The claims of a good token. Any other one is [`Error::Refused`] or [`Error::Unavailable`].
    pub async fn verify(&self, token: &str) -> Result<Map<String, Value>, Error> {
        if token.len() > MAX_TOKEN {
            return Err(Error::Refused("it is too long".into()));
        }
        if token.get(..7).is_some_and(|word| word.eq_ignore_ascii_case("Bearer ")) {
            return Err(Error::Refused("a token without \"Bearer \" in front is expected".into()));
        }
        let claims = self.checked(token, None).await?;
        check_issuer(&claims, &self.settings.issuer).map_err(refused)?;
        check_audience(&claims, &self.settings.audience).map_err(refused)?;
        if claims.get("sub").and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(Error::Refused("it has no subject".into()));
        }
        for check in &self.checks {
            check.check(self, &claims).await?;
        }
        Ok(claims)
    }

    /// Checks form, type, key, signature and times.
    pub(crate) async fn checked(&self, token: &str, typ: Option<&str>) -> Result<Map<String, Value>, Error> {
        let header = token.split_once('.').and_then(|(header, _)| base64url::decode(header));
        let header: Map<String, Value> = header
            .and_then(|json| serde_json::from_slice(&json).ok())
            .ok_or_else(|| Error::Refused("it is no signed token".into()))?;
        let text = |name: &str| header.get(name).and_then(Value::as_str);
        let algorithm = text("alg").and_then(|name| name.parse::<Algorithm>().ok());
        let is_allowed =
            algorithm.is_some_and(|found| !found.is_symmetric() && self.settings.algorithms.contains(&found));
        if !is_allowed
            || header.contains_key("crit")
            || token.ends_with('.')
            || token.matches('.').count() != 2
        {
            return Err(Error::Refused("its form or its algorithm is not allowed".into()));
        }
        check_type(&header, typ).map_err(refused)?;
        let kid = text("kid").ok_or_else(|| Error::Refused("it names no key".into()))?;
        let keys = self.keys(kid).await?;
        let verified = verify(token, &keys.keys).map_err(refused)?;
        let claims = verified.claims().map_err(refused)?;
        if !claims.contains_key("exp") {
            return Err(Error::Refused("it has no end".into()));
        }
        check_times(&claims, self.now(), self.settings.leeway).map_err(refused)?;
        Ok(claims)
    }

    pub(crate) fn now(&self) -> i64 {
        (self.now)()
    }

    /// The published keys. When the one with this id is not among them, they are asked for once more.
    async fn keys(&self, kid: &str) -> Result<Arc<Published>, Error> {
        let (known, now) = (self.keys.known(), self.now());
        let serves = |published: &Arc<Published>| {
            now < published.until && (published.keys.find(kid).is_some() || now - published.asked < PAUSE)
        };
        match known {
            Some(published) if serves(&published) => Ok(published),
            outdated => self.keys.after(outdated, || self.now(), self.ask_for_keys()).await,
        }
    }

    async fn ask_for_keys(&self) -> Result<Published, Error> {
        let (now, mut described) = (self.now(), self.described.lock().await);
        if now >= described.1 {
            let issuer = &self.settings.issuer;
            let address =
                format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer));
            let (body, until) = self.get(&address).await?;
            let description: Value = serde_json::from_slice(&body).unwrap_or_default();
            let text = |name: &str| description.get(name).and_then(Value::as_str).unwrap_or_default();
            if text("issuer") != issuer {
                // Mostly a slash at the end is too much or missing.
                let found = format!("describes \"{:.200}\" and not \"{issuer}\"", text("issuer"));
                let why = format!("{address} {found}; both must be the same to the letter");
                return Err(Error::Unavailable(why));
            }
            if !is_as_safe(text("jwks_uri"), &address) {
                return Err(Error::Unavailable(format!("{address} names no safe address of keys")));
            }
            *described = (text("jwks_uri").to_owned(), until);
        }
        let (body, until) = self.get(&described.0).await?;
        let (set, _) = JwkSet::parse_known(&body)
            .map_err(|error| Error::Unavailable(format!("{} is no key set: {error}", described.0)))?;
        Ok(Published { keys: set.public(), until, asked: now })
    }

    /// Asks for an address, and says until when the answer may be kept.
    pub(crate) async fn get(&self, address: &str) -> Result<(Vec<u8>, i64), Error> {
        let asked = self.now();
        match self.fetch.get(address, None).await {
            Ok(answer) if answer.status == 200 => Ok((answer.body, asked + age(&answer.cache_control))),
            Ok(answer) => Err(Error::Unavailable(format!("{address} answers {}", answer.status))),
            Err(why) => Err(Error::Unavailable(format!("{address} cannot be had: {why}"))),
        }
    }
}

fn refused(error: VerifyError) -> Error {
    Error::Refused(error.to_string())
}

/// How long an answer may be kept, in seconds.
fn age(cache_control: &str) -> i64 {
    let control = cache_control.to_ascii_lowercase();
    let mut directives = control.split(',').map(str::trim);
    if directives.clone().any(|directive| directive == "no-store" || directive == "no-cache") {
        return 0;
    }
    let said = directives.find_map(|directive| directive.strip_prefix("max-age="));
    said.and_then(|seconds| seconds.parse::<u32>().ok()).map_or(USUAL_AGE, i64::from)
}

/// Whether an address is encrypted, unless the one that names it is not either.
pub(crate) fn is_as_safe(address: &str, named_by: &str) -> bool {
    address.starts_with("https://") || (address.starts_with("http://") && named_by.starts_with("http://"))
}
