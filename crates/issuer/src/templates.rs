//! The compiled tokenizer templates of a configuration.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};
use sessera_jose::SigningKey;
use sessera_model::{Timestamp, files};
use sessera_rotation::{Key, Schedule};
use sessera_store::{KeySet, StoredKey};
use sessera_tokenizer::{
    Activation, LoadError, SourceError, SourceUrl, Sources, Template, TemplateError, TemplateName, Tokenizer,
};

use crate::hardware;
use crate::settings::KeptBy;

/// The largest file that a source may name, in bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// All templates, compiled or broken. A broken one does not stop the others.
#[derive(Debug, Default)]
pub struct Templates(HashMap<String, Result<Arc<Tokenizer>, Broken>>);

/// Why a template cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The configuration of the template is malformed.
    #[error("{0}")]
    Template(#[from] TemplateError),
    /// Its sources cannot be read or used.
    #[error("{0}")]
    Load(#[from] LoadError),
    /// Tokens of sessions that an upstream keeps cannot do what it asks for.
    #[error("\"{member}\" {reason}")]
    Upstream {
        /// The member of the template that is to blame.
        member: &'static str,
        /// Why, and what to do about it.
        reason: &'static str,
    },
}

impl Broken {
    /// Everything that an operator needs to mend it.
    pub fn render(&self) -> String {
        match self {
            Self::Load(error) => error.render(),
            other => other.to_string(),
        }
    }

    /// What [`render`](Self::render) gives, without the member at its beginning, for where a place names it.
    pub fn reason(&self) -> String {
        let whole = self.render();
        let member = self.member().map(|member| format!("{member}: "));
        member.and_then(|member| whole.strip_prefix(&member).map(str::to_owned)).unwrap_or(whole)
    }

    /// The member of the template that is to blame, where it is one.
    pub fn member(&self) -> Option<&str> {
        match self {
            Self::Template(error) => error.member(),
            Self::Load(error) => Some(error.member()),
            Self::Upstream { member, .. } => Some(member),
        }
    }
}

/// Why an audience does not choose a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTemplateFor {
    /// No template that works is for it.
    #[error("no template is for this audience")]
    Nobody,
    /// Several are.
    #[error("several templates are for this audience")]
    Several,
}

/// Sources as they are read here: files of this machine, stored key sets, and keys in hardware.
pub struct LocalSources<'a> {
    sets: &'a [KeySet],
}

impl<'a> LocalSources<'a> {
    /// Sources with these key sets.
    pub const fn new(sets: &'a [KeySet]) -> Self {
        Self { sets }
    }
}

impl Sources for LocalSources<'_> {
    fn file(&self, path: &Path) -> Result<Vec<u8>, SourceError> {
        let fail = |error: std::io::Error| SourceError::File(format!("{}: {error}", path.display()));
        files::read(path, MAX_FILE).map_err(fail)
    }

    fn key_set(&self, name: &str) -> Result<Vec<u8>, SourceError> {
        let set = self.sets.iter().find(|set| set.name == name);
        set.map(|set| set_json(&set.keys)).ok_or_else(|| SourceError::NoSuchSet(name.into()))
    }

    fn signing_key(&self, uri: &str) -> Result<Arc<dyn SigningKey>, SourceError> {
        hardware::open(uri)
    }

    fn activations(&self, name: &str) -> Vec<Activation> {
        let set = self.sets.iter().find(|set| set.name == name);
        set.and_then(|set| set.managed.as_ref())
            .map(|managed| activations(&managed.schedule))
            .unwrap_or_default()
    }
}

/// The second from which each key of a managed set signs. Keys that are out of service are left out.
fn activations(schedule: &Schedule) -> Vec<Activation> {
    let active = schedule.active(schedule.floor).map(|key| key.kid.as_str());
    let may_sign = |key: &&Key| {
        key.revoked_at.is_none()
            && key.has_private
            && (key.activates_at > schedule.floor || active == Some(key.kid.as_str()))
    };
    // A key never signs before its time, so fractions of a second are rounded up.
    let second = |at: Timestamp| at.seconds() + i64::from(at.micros() % 1_000_000 != 0);
    schedule.keys.iter().filter(may_sign).map(|key| (key.kid.clone(), second(key.activates_at))).collect()
}

/// A stored set as a key set, private members included.
pub fn set_json(keys: &[StoredKey]) -> Vec<u8> {
    let keys: Vec<&str> = keys.iter().map(|key| key.jwk.expose()).collect();
    format!("{{\"keys\":[{}]}}", keys.join(",")).into_bytes()
}

/// Whether tokens of sessions that are kept by `kept_by` can do what a template asks for. What else is wrong with
/// the template is not looked at.
pub fn check(template: &Value, kept_by: KeptBy) -> Result<(), Broken> {
    let KeptBy::Upstream { has_admin_api } = kept_by else { return Ok(()) };
    let asks = |member: &str| template.get(member).and_then(Value::as_bool) == Some(true);
    let refuse = |member, reason| Err(Broken::Upstream { member, reason });
    if has_admin_api {
        return Ok(());
    }
    if asks("status_list") {
        return refuse(
            "status_list",
            "has sessions asked about again and again, which takes the upstream's admin API: set session.upstream.admin_url, or leave it out",
        );
    }
    if asks("bearer") {
        return refuse(
            "bearer",
            "asks for a session by its id, which takes the upstream's admin API: set session.upstream.admin_url, or leave it out",
        );
    }
    Ok(())
}

/// Compiles one template.
pub fn compile(name: &str, template: &Value, sources: &dyn Sources) -> Result<Tokenizer, Broken> {
    TemplateName::parse(name)?;
    let template = Template::from_json(template)?;
    Ok(Tokenizer::compile(name, &template, sources)?)
}

impl Templates {
    /// Compiles all templates of a configuration. What is broken is logged, once while it is broken in the same way, and which are
    /// new that sign with a shared secret.
    ///
    /// One that worked before and does no longer, because a file of it is gone or half written, goes on as
    /// it was: those who sign in must not suffer from it.
    pub fn compile(
        templates: &Map<String, Value>,
        kept_by: KeptBy,
        sources: &dyn Sources,
        previous: &Self,
    ) -> Self {
        let compiled = templates.iter().map(|(name, template)| {
            let known = previous.get(name);
            let outcome = match check(template, kept_by).and_then(|()| compile(name, template, sources)) {
                Ok(tokenizer) => {
                    tell_of_working(name, &tokenizer, known);
                    Ok(Arc::new(tokenizer))
                }
                Err(broken) => match known {
                    Some(Ok(working)) => {
                        tracing::error!(
                            template = %name,
                            error = broken.render(),
                            "the template cannot be used as it is now, it goes on as it was before"
                        );
                        Ok(working.clone())
                    }
                    Some(Err(known)) if known.render() == broken.render() => Err(broken),
                    _ => {
                        tracing::error!(template = %name, error = broken.render(), "the template cannot be used");
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

    /// The template for an audience, which may be several at once, where exactly one is for all of it.
    pub fn for_audience(&self, audience: &[&str]) -> Result<&str, NoTemplateFor> {
        let is_for_all = |tokenizer: &Arc<Tokenizer>| audience.iter().all(|who| tokenizer.is_for(who));
        let mut matching =
            self.list().into_iter().filter(|(_, outcome)| outcome.as_ref().is_ok_and(is_for_all));
        match (matching.next(), matching.next()) {
            (Some((name, _)), None) => Ok(name),
            (None, _) => Err(NoTemplateFor::Nobody),
            (Some(_), Some(_)) => Err(NoTemplateFor::Several),
        }
    }

    /// Names of all templates with their outcome, in the order of the names.
    pub fn list(&self) -> Vec<(&str, &Result<Arc<Tokenizer>, Broken>)> {
        let mut all: Vec<_> = self.0.iter().map(|(name, outcome)| (name.as_str(), outcome)).collect();
        all.sort_by_key(|(name, _)| *name);
        all
    }
}

/// Logs what somebody should know of a template that works, where it was not `known` to be so before.
fn tell_of_working(name: &str, tokenizer: &Tokenizer, known: Option<&Result<Arc<Tokenizer>, Broken>>) {
    if let Some(Err(_)) = known {
        tracing::info!(template = %name, "the template can be used now");
    }
    let is_symmetric = |tokenizer: &Tokenizer| tokenizer.algorithm().is_symmetric();
    let was_symmetric = known.is_some_and(|known| known.as_ref().is_ok_and(|known| is_symmetric(known)));
    if is_symmetric(tokenizer) && !was_symmetric {
        tracing::warn!(
            template = %name,
            "the template signs with a shared secret: whoever can verify its tokens can also make them"
        );
    }
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

/// The files with secrets that templates name: key sets, and the PINs of keys that sign elsewhere.
pub fn secret_files(templates: &Map<String, Value>) -> Vec<PathBuf> {
    let file = |(_, template): (&str, Template)| match template.jwks_url {
        SourceUrl::File(path) => Some(path),
        SourceUrl::Pkcs11(uri) => hardware::pin_file(&uri),
        _ => None,
    };
    parsed(templates).filter_map(file).collect()
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
