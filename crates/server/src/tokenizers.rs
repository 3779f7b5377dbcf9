//! The compiled tokenizer templates of a configuration.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use axum::http::StatusCode;
use opentelemetry::Context;
use serde_json::{Map, Value};
use sessera_jose::{KeyError, SigningKey};
use sessera_model::Timestamp;
use sessera_store::{KeySet, StoredKey};
use sessera_tokenizer::{
    Activation, Claims, LoadError, SourceError, SourceUrl, Sources, Subject, Template, TemplateError,
    TemplateName, TokenizeError, Tokenizer,
};

use crate::app::App;
use crate::error::ApiError;
use crate::rotation;
use crate::sessions::LiveSession;
use crate::traces::{Step, TokenSteps};

/// The largest file that a source may name, in bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// All templates, compiled or broken. A broken one does not stop the others.
#[derive(Debug, Default)]
pub struct Tokenizers(HashMap<String, Result<Arc<Tokenizer>, Broken>>);

/// Why a template cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The configuration of the template is malformed.
    #[error("{0}")]
    Template(#[from] TemplateError),
    /// Its sources cannot be read or used.
    #[error("{0}")]
    Load(#[from] LoadError),
}

impl Broken {
    /// Everything that an operator needs to mend it.
    pub fn render(&self) -> String {
        match self {
            Self::Template(error) => error.to_string(),
            Self::Load(error) => error.render(),
        }
    }

    /// The member of the template that is to blame, where it is one.
    pub fn member(&self) -> Option<&str> {
        match self {
            Self::Template(error) => error.member(),
            Self::Load(error) => Some(error.member()),
        }
    }

    fn answer(&self, name: &str) -> ApiError {
        let (status, what) = match self {
            Self::Template(_) => (StatusCode::BAD_REQUEST, "its configuration is malformed".to_owned()),
            Self::Load(error) if error.is_unreadable() => (StatusCode::INTERNAL_SERVER_ERROR, error.public()),
            Self::Load(error) => (StatusCode::BAD_REQUEST, error.public()),
        };
        ApiError::new(
            status,
            "The tokenizer template cannot be used.",
            format!("The template \"{name}\" cannot be used: {what}. The log of the server has the details."),
        )
    }
}

/// Sources as the server reads them: files of its machine and its own key sets.
pub struct ServerSources<'a> {
    sets: &'a [KeySet],
}

impl<'a> ServerSources<'a> {
    /// Sources with these key sets.
    pub const fn new(sets: &'a [KeySet]) -> Self {
        Self { sets }
    }
}

impl Sources for ServerSources<'_> {
    fn file(&self, path: &Path) -> Result<Vec<u8>, SourceError> {
        let fail = |error: std::io::Error| SourceError::File(format!("{}: {error}", path.display()));
        let length = std::fs::metadata(path).map_err(fail)?.len();
        if length > MAX_FILE {
            return Err(SourceError::File(format!("{}: the file is larger than 4 MiB", path.display())));
        }
        std::fs::read(path).map_err(fail)
    }

    fn key_set(&self, name: &str) -> Result<Vec<u8>, SourceError> {
        let set = self.sets.iter().find(|set| set.name == name);
        set.map(|set| set_json(&set.keys)).ok_or_else(|| SourceError::NoSuchSet(name.into()))
    }

    fn signing_key(&self, uri: &str) -> Result<Arc<dyn SigningKey>, SourceError> {
        sessera_pkcs11::open(uri).map_err(|error| SourceError::Elsewhere(error.to_string()))
    }

    fn activations(&self, name: &str) -> Vec<Activation> {
        let set = self.sets.iter().find(|set| set.name == name);
        set.and_then(|set| set.managed.as_ref())
            .map(|managed| rotation::activations(&managed.rotation))
            .unwrap_or_default()
    }
}

/// A stored set as a key set, private members included.
pub fn set_json(keys: &[StoredKey]) -> Vec<u8> {
    let keys: Vec<&str> = keys.iter().map(|key| key.jwk.expose()).collect();
    format!("{{\"keys\":[{}]}}", keys.join(",")).into_bytes()
}

/// Compiles one template.
pub fn compile(name: &str, template: &Value, sources: &dyn Sources) -> Result<Tokenizer, Broken> {
    TemplateName::parse(name)?;
    let template = Template::from_json(template)?;
    Ok(Tokenizer::compile(name, &template, sources)?)
}

impl Tokenizers {
    /// Compiles all templates of a configuration. What is broken is logged.
    ///
    /// One that worked before and does no longer, because a file of it is gone or half written, goes on as
    /// it was: those who sign in must not suffer from it.
    pub fn compile(templates: &Map<String, Value>, sources: &dyn Sources, previous: &Self) -> Self {
        let compiled = templates.iter().map(|(name, template)| {
            let outcome = match compile(name, template, sources) {
                Ok(tokenizer) => {
                    if tokenizer.algorithm().is_symmetric() {
                        tracing::warn!(
                            template = %name,
                            "the template signs with a shared secret: whoever can verify its tokens can also make them"
                        );
                    }
                    Ok(Arc::new(tokenizer))
                }
                Err(broken) => match previous.get(name) {
                    Some(Ok(working)) => {
                        tracing::error!(
                            template = %name,
                            "the template cannot be used as it is now, it goes on as it was before: {}",
                            broken.render()
                        );
                        Ok(working.clone())
                    }
                    _ => {
                        tracing::error!(template = %name, "the template cannot be used: {}", broken.render());
                        Err(broken)
                    }
                },
            };
            (name.clone(), outcome)
        });
        Self(compiled.collect())
    }

    /// A template by its name.
    pub fn get(&self, name: &str) -> Option<&Result<Arc<Tokenizer>, Broken>> {
        self.0.get(name)
    }

    /// Names of all templates with their outcome, in the order of the names.
    pub fn list(&self) -> Vec<(&str, &Result<Arc<Tokenizer>, Broken>)> {
        let mut all: Vec<_> = self.0.iter().map(|(name, outcome)| (name.as_str(), outcome)).collect();
        all.sort_by_key(|(name, _)| *name);
        all
    }

    /// The token of a live session by a template.
    pub async fn tokenize(
        &self,
        app: &App,
        issuer: &str,
        name: &str,
        live: &LiveSession,
    ) -> Result<String, ApiError> {
        let tokenizer = match self.get(name) {
            Some(Ok(tokenizer)) => tokenizer,
            Some(Err(broken)) => return Err(broken.answer(name)),
            None => {
                let shown: String = name.chars().take(128).collect();
                return Err(ApiError::bad_request(format!(
                    "There is no tokenizer template \"{shown}\". Add it under /session/whoami/tokenizer/templates or check tokenize_as."
                )));
            }
        };
        let now = when_it_may_sign(app, tokenizer)?;
        let mut steps = TokenSteps::default();
        let token = match claims(app, issuer, tokenizer, live, now, &mut steps) {
            Ok(claims) if tokenizer.is_remote() => {
                sign_elsewhere(app, tokenizer, claims, now, &mut steps).await
            }
            Ok(claims) => sign(app, tokenizer, &claims, now, &mut steps),
            Err(error) => Err(error),
        };
        if let Some(traces) = &app.traces {
            Context::map_current(|request| traces.token(request, steps));
        }
        token.map_err(|error| {
            app.metrics.refused_token(error.why());
            refused(name, &error)
        })
    }

    /// The same without waiting for anything; nothing where that gives no token, whatever the reason. `steps`
    /// is told how long its parts took.
    pub(crate) fn try_tokenize(
        &self,
        app: &App,
        issuer: &str,
        name: &str,
        live: &LiveSession,
        steps: &mut TokenSteps,
    ) -> Option<String> {
        let tokenizer = self.get(name)?.as_ref().ok().filter(|tokenizer| !tokenizer.is_remote())?;
        let now = when_it_may_sign(app, tokenizer).ok()?;
        let claims = claims(app, issuer, tokenizer, live, now, steps).ok()?;
        sign(app, tokenizer, &claims, now, steps).ok()
    }
}

/// Now, when this node may sign by a template.
pub(crate) fn when_it_may_sign(app: &App, tokenizer: &Tokenizer) -> Result<Timestamp, ApiError> {
    let now = app.clock.now();
    if tokenizer.is_managed() {
        rotation::require_lease(app, now)?;
    }
    Ok(now)
}

fn claims(
    app: &App,
    issuer: &str,
    tokenizer: &Tokenizer,
    live: &LiveSession,
    now: Timestamp,
    steps: &mut TokenSteps,
) -> Result<Claims, TokenizeError> {
    let subject = Subject {
        issuer,
        identity_id: live.session.identity_id,
        external_id: live.external_id.as_deref(),
        session_id: live.session.id,
        token_id: app.random.uuid(),
        session: live.document(),
        session_ends: live.session.expires_at.seconds(),
        status: live.status,
    };
    let start = Instant::now();
    let claims = tokenizer.claims(&subject, now.seconds());
    let took = start.elapsed();
    app.metrics.mapper_seconds.observe(took.as_secs_f64());
    steps.mapper = Some(Step { start, took, failed: claims.is_err() });
    let claims = claims?;
    #[expect(clippy::cast_precision_loss, reason = "a limit holds it small")]
    app.metrics.mapper_fuel.observe(claims.fuel as f64);
    Ok(claims)
}

fn sign(
    app: &App,
    tokenizer: &Tokenizer,
    claims: &Claims,
    now: Timestamp,
    steps: &mut TokenSteps,
) -> Result<String, TokenizeError> {
    let start = Instant::now();
    let token = tokenizer.sign(&claims.json, now.seconds());
    signed(app, start, token.is_err(), steps);
    token
}

fn signed(app: &App, start: Instant, failed: bool, steps: &mut TokenSteps) {
    let took = start.elapsed();
    app.metrics.signing_seconds.observe(took.as_secs_f64());
    steps.sign = Some(Step { start, took, failed });
}

/// The same for a key outside of this process, which takes its time: on a thread that may wait.
async fn sign_elsewhere(
    app: &App,
    tokenizer: &Arc<Tokenizer>,
    claims: Claims,
    now: Timestamp,
    steps: &mut TokenSteps,
) -> Result<String, TokenizeError> {
    let (start, tokenizer) = (Instant::now(), tokenizer.clone());
    let token = tokio::task::spawn_blocking(move || tokenizer.sign(&claims.json, now.seconds())).await;
    let token =
        token.unwrap_or_else(|error| Err(TokenizeError::Signing(KeyError::Unavailable(error.to_string()))));
    signed(app, start, token.is_err(), steps);
    token
}

/// What is answered when a key does not sign.
pub(crate) fn unsigned(error: &KeyError) -> ApiError {
    match error {
        KeyError::Unavailable(_) => {
            ApiError::unavailable("The key of the template does not sign right now. Try again shortly.")
        }
        other => ApiError::internal(other),
    }
}

fn refused(name: &str, error: &TokenizeError) -> ApiError {
    match error {
        TokenizeError::Mapper(failure) => tracing::warn!(template = %name, "{}", failure.render()),
        other => tracing::warn!(template = %name, "{other}"),
    }
    if let TokenizeError::Signing(error) = error {
        return unsigned(error);
    }
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "The session could not be made a token.",
        format!(
            "The template \"{name}\" cannot be used for this session: {}. The log of the server has the details.",
            error.public()
        ),
    )
}

/// The files that templates are read from.
pub fn source_files(templates: &Map<String, Value>) -> Vec<PathBuf> {
    let sources =
        parsed(templates).flat_map(|(_, template)| [Some(template.jwks_url), template.claims_mapper_url]);
    let files = sources.flatten().filter_map(|url| match url {
        SourceUrl::File(path) => Some(path),
        _ => None,
    });
    files.collect()
}

/// When a file was last changed; nothing when it is not there.
pub fn changed_at(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|file| file.modified()).ok()
}

/// The templates that are well formed, by their names.
fn parsed(templates: &Map<String, Value>) -> impl Iterator<Item = (&str, Template)> {
    templates.iter().filter_map(|(name, template)| Some((name.as_str(), Template::from_json(template).ok()?)))
}

/// The templates that read a stored key set, by their names.
pub fn templates_with_set<'a>(
    templates: &'a Map<String, Value>,
    set: &str,
) -> impl Iterator<Item = (&'a str, Template)> {
    let wanted = SourceUrl::Set(set.to_owned());
    parsed(templates).filter(move |(_, template)| template.jwks_url == wanted)
}
