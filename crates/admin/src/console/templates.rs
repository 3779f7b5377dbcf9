//! `/console/templates`: tokenizer templates, their editor, their preview and their history.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::response::Response;
use maud::Markup;
use serde::Deserialize;
use serde_json::{Value, json};
use sessera_config::redact;
use sessera_console::Section;
use sessera_console::actor_label::ActorLabel;
use sessera_console::templates::editor::{Editor, For, MapperFile};
use sessera_console::templates::fields::Fields;
use sessera_console::templates::history::{self, Version};
use sessera_console::templates::preview::{Fault, Outcome, part};
use sessera_console::templates::{self, Listed, State as Became, address};
use sessera_issuer::apart::apart;
use sessera_issuer::preview::Preview;
use sessera_issuer::templates::LocalSources;
use sessera_issuer::trial::{self, TemplateState};
use sessera_issuer::tried::TriedSession;
use sessera_model::{Random, Uuid};
use sessera_node::configuration::{Configuration, DeploymentId, Hopeless, Terms, template_pointer};
use sessera_store::{IdentityFilter, Matching, Page, SessionFilter, Store};
use sessera_tokenizer::SourceUrl;

use super::here::{Failed, PageContext, Sent, ok, shown};
use crate::identities::found_by;
use crate::projects;
use crate::state::AdminState;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::request::{Parameters, Path, Segment, parse_id};
use sessera_node::Snapshot;

/// Where patches of the configuration begin.
const CONFIG: &str = "/services/identity/config";

/// How many revisions a history looks at.
const LOOKED_AT: u32 = 200;

/// What the pages read and change, which handlers take as one part.
pub(super) struct TemplatePages {
    configuration: Arc<Configuration>,
    store: Arc<dyn Store>,
    random: Arc<dyn Random>,
    deployment: DeploymentId,
}

impl FromRef<AdminState> for TemplatePages {
    fn from_ref(state: &AdminState) -> Self {
        Self {
            configuration: FromRef::from_ref(state),
            store: FromRef::from_ref(state),
            random: FromRef::from_ref(state),
            deployment: FromRef::from_ref(state),
        }
    }
}

/// What a form says besides the fields of the template.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    name: String,
    revision: String,
    force: String,
    part: String,
}

/// A template as it is configured now.
pub(super) struct Known {
    template: Option<Value>,
    revision: Uuid,
    mapper: String,
    mapper_file: Option<MapperFile>,
}

impl Known {
    /// Whether there is one.
    pub(super) const fn is_there(&self) -> bool {
        self.template.is_some()
    }
}

pub(super) async fn list(State(desk): State<TemplatePages>, here: PageContext) -> Result<Response, Failed> {
    let trial = desk.configuration.trial(&here.snapshot).await?;
    let states = trial.states(&here.snapshot.issuer.templates).await;
    let listed = states.into_iter().map(|(name, state)| {
        let signs = match &state {
            TemplateState::Compiled(tokenizer, _) => {
                let kid = tokenizer.signer(here.now.seconds()).kid().to_owned();
                Some((tokenizer.algorithm().to_string(), kid))
            }
            TemplateState::Broken(_) => None,
        };
        Listed { name, state: became(state), signs }
    });
    let listed: Vec<Listed> = listed.collect();
    Ok(ok(templates::list(&here.frame(Some(Section::Templates)), &listed)))
}

fn became(state: TemplateState) -> Became {
    match state {
        TemplateState::Broken(broken) => Became::Broken(broken.to_string()),
        TemplateState::Compiled(_, trial::Outcome::Works) => Became::Ready,
        TemplateState::Compiled(_, trial::Outcome::WorksForSome(reason)) => Became::WorksForSome(reason),
        TemplateState::Compiled(_, trial::Outcome::Fails { reason, .. }) => Became::Failing(reason),
    }
}

pub(super) async fn get(
    State(desk): State<TemplatePages>,
    here: PageContext,
    Segment(name): Segment,
    parameters: Parameters,
) -> Result<Response, Failed> {
    let known = desk.known(&here.snapshot, &name).await;
    let Some(template) = &known.template else { return Err(missing(&name).into()) };
    let fields = Fields::of(template, &known.mapper);
    let mut editor = desk.editor(&here, &name, false, fields, &known, For::default()).await?;
    editor.is_saved = parameters.get("saved").is_some();
    Ok(ok(editor.page(&here.frame(Some(Section::Templates)))))
}

pub(super) async fn new(State(desk): State<TemplatePages>, here: PageContext) -> Result<Response, Failed> {
    let known = desk.known(&here.snapshot, "").await;
    let editor = desk.editor(&here, "", true, Fields::default(), &known, For::default()).await?;
    Ok(ok(editor.page(&here.frame(Some(Section::Templates)))))
}

pub(super) async fn preview(
    State(desk): State<TemplatePages>,
    here: PageContext,
    Segment(name): Segment,
    sent: Sent,
) -> Result<Response, Failed> {
    desk.previewed(&here, &name, false, &sent).await
}

pub(super) async fn preview_new(
    State(desk): State<TemplatePages>,
    here: PageContext,
    sent: Sent,
) -> Result<Response, Failed> {
    let Said { name, .. } = sent.read()?;
    desk.previewed(&here, &name, true, &sent).await
}

pub(super) async fn save(
    State(desk): State<TemplatePages>,
    here: PageContext,
    Segment(name): Segment,
    sent: Sent,
) -> Result<Response, Failed> {
    desk.saved(&here, &name, false, &sent).await
}

pub(super) async fn make(
    State(desk): State<TemplatePages>,
    here: PageContext,
    sent: Sent,
) -> Result<Response, Failed> {
    let Said { name, .. } = sent.read()?;
    desk.saved(&here, &name, true, &sent).await
}

pub(super) async fn before_delete(
    State(desk): State<TemplatePages>,
    here: PageContext,
    Segment(name): Segment,
) -> Result<Response, Failed> {
    Ok(ok(desk.before_delete(&here, &name, None).await?))
}

pub(super) async fn delete(
    State(desk): State<TemplatePages>,
    here: PageContext,
    Segment(name): Segment,
    sent: Sent,
) -> Result<Response, Failed> {
    let Said { revision, .. } = sent.read()?;
    let patch = json!([{"op": "remove", "path": format!("{CONFIG}{}", template_pointer(&name))}]);
    let terms = Terms { hopeless: Hopeless::Refused, role: here.role() };
    let from = desk.base(&revision)?;
    match desk.configuration.patch(&patch, Some(from), terms).await.map_err(projects::refused) {
        Ok(_) => Ok(answer::see_other(Section::Templates.path())?),
        Err(error) => {
            Ok(shown(desk.before_delete(&here, &name, Some(error.reason())).await?, error.status()))
        }
    }
}

pub(super) async fn before_back(
    State(desk): State<TemplatePages>,
    here: PageContext,
    Path((name, revision)): Path<(String, String)>,
) -> Result<Response, Failed> {
    Ok(ok(desk.before_back(&here, &name, &revision, None).await?))
}

pub(super) async fn back(
    State(desk): State<TemplatePages>,
    here: PageContext,
    Path((name, revision)): Path<(String, String)>,
    sent: Sent,
) -> Result<Response, Failed> {
    let Said { revision: newest, .. } = sent.read()?;
    let (.., config) = desk.revision(&revision).await?;
    let template = config.pointer(&template_pointer(&name)).ok_or_else(|| missing(&name))?;
    // Nothing bars the way back, as with a whole revision.
    let terms = Terms { hopeless: Hopeless::Allowed, role: here.role() };
    let from = desk.base(&newest)?;
    let patched = desk.configuration.patch(&put(&name, template), Some(from), terms).await;
    match patched.map_err(projects::refused) {
        Ok(_) => Ok(answer::see_other(&format!("{}?saved=1", address(&name)))?),
        Err(error) => {
            let page = desk.before_back(&here, &name, &revision, Some(error.reason())).await?;
            Ok(shown(page, error.status()))
        }
    }
}

fn missing(name: &str) -> ApiError {
    let name: String = name.chars().take(128).collect();
    ApiError::not_found(format!("There is no template \"{name}\". It may have been taken out."))
}

/// Why a template is not made that has the name of another one.
pub(super) fn taken(name: &str) -> ApiError {
    ApiError::conflict(format!(
        "There is a template \"{name}\" already. Choose another name, or change that one."
    ))
}

/// The patch that puts a template into its place.
fn put(name: &str, template: &Value) -> Value {
    json!([{"op": "add", "path": format!("{CONFIG}{}", template_pointer(name)), "value": template}])
}

/// A template as a text whose lines can be compared, from a configuration without secrets.
fn text(config: &Value, name: &str) -> Option<String> {
    let mut template = config.pointer(&template_pointer(name))?.clone();
    let mapper = template.get("claims_mapper_url").and_then(Value::as_str).and_then(inline);
    if let (Some(_), Some(members)) = (&mapper, template.as_object_mut()) {
        members.shift_remove("claims_mapper_url");
    }
    let members = serde_json::to_string_pretty(&template).unwrap_or_default();
    Some(format!("{members}\n\n{}", mapper.unwrap_or_default()))
}

/// The text of a mapper that is part of the configuration.
fn inline(url: &str) -> Option<String> {
    let source = SourceUrl::parse(url).ok().filter(|source| matches!(source, SourceUrl::Base64(_)))?;
    String::from_utf8(source.read(&LocalSources::new(&[])).ok()?).ok()
}

impl TemplatePages {
    /// A template as it is configured now.
    pub(super) async fn known(&self, snapshot: &Snapshot, name: &str) -> Known {
        let (config, revision) = self.configuration.current().await;
        let template = config.pointer(&template_pointer(name)).cloned();
        let url = template.as_ref().and_then(|template| template.get("claims_mapper_url"));
        let url = url.and_then(Value::as_str).unwrap_or_default().to_owned();
        let (mapper, mapper_file) = match SourceUrl::parse(&url) {
            Ok(SourceUrl::File(path)) => {
                // What stands in a file that makes no mapper may be anything.
                let is_mapper = snapshot.issuer.templates.get(name).is_some_and(Result::is_ok);
                let read = SourceUrl::File(path.clone()).read(&LocalSources::new(&[])).ok();
                let text = read.filter(|_| is_mapper).and_then(|bytes| String::from_utf8(bytes).ok());
                let path = path.display().to_string();
                match text {
                    Some(text) => (text, Some(MapperFile::Read(path))),
                    None => (String::new(), Some(MapperFile::Unreadable(path))),
                }
            }
            _ => (inline(&url).unwrap_or_default(), None),
        };
        Known { template, revision: revision.unwrap_or(self.deployment.0), mapper, mapper_file }
    }

    /// The editor with these fields.
    pub(super) async fn editor(
        &self,
        here: &PageContext,
        name: &str,
        is_new: bool,
        fields: Fields,
        known: &Known,
        on: For,
    ) -> Result<Editor, ApiError> {
        let base = known.template.clone().filter(|_| !is_new).unwrap_or_else(|| json!({}));
        let outcome = self.outcome(here, name, &fields.over(&base, &known.mapper), &on).await?;
        let sets = self.store.key_sets().await?.into_iter().map(|set| set.name);
        let keys = base.get("jwks_url").and_then(Value::as_str).filter(|url| !url.starts_with("set://"));
        Ok(Editor {
            name: name.to_owned(),
            is_new,
            state: if is_new { None } else { self.state(here, name).await? },
            fields,
            other_keys: keys
                .map(|url| SourceUrl::parse(url).map_or_else(|_| "?".into(), |url| url.describe())),
            mapper_file: known.mapper_file.clone().filter(|_| !is_new),
            sets: sets.collect(),
            on,
            outcome,
            refused: None,
            is_saved: false,
            revision: known.revision,
            history: if is_new { Vec::new() } else { self.history(name).await? },
            next: Vec::new(),
            lacks: None,
            may_change: here.may_operate(),
        })
    }

    async fn state(&self, here: &PageContext, name: &str) -> Result<Option<Became>, ApiError> {
        let trial = self.configuration.trial(&here.snapshot).await?;
        Ok(trial.state_of(&here.snapshot.issuer.templates, name).await.map(became))
    }

    /// What became of all templates, by their names.
    pub(super) async fn states(&self, here: &PageContext) -> Result<Vec<(String, Became)>, ApiError> {
        let trial = self.configuration.trial(&here.snapshot).await?;
        let states = trial.states(&here.snapshot.issuer.templates).await;
        Ok(states.into_iter().map(|(name, state)| (name, became(state))).collect())
    }

    /// What comes out of a template that is not saved.
    async fn outcome(
        &self,
        here: &PageContext,
        name: &str,
        template: &Value,
        on: &For,
    ) -> Result<Outcome, ApiError> {
        let drafted = self.configuration.draft(name, &put(name, template), here.role()).await;
        let tokenizer = match drafted.map_err(projects::refused) {
            Ok(Ok(tokenizer)) => tokenizer,
            Ok(Err(broken)) => return Ok(Outcome::Failed(Fault::from(&broken))),
            Err(error) => return Ok(Outcome::Failed(Fault::of(error.reason().to_owned()))),
        };
        let session = match self.session(here, on).await? {
            Ok(session) => session,
            Err(reason) => return Ok(Outcome::Failed(Fault::of(reason))),
        };
        let (issuer, token_id) = (here.snapshot.issuer.settings.issuer.clone(), self.random.public_uuid());
        let now = here.now.seconds();
        // A mapper may take its time, and so may a key in hardware.
        let made = apart(move || Preview::of(&tokenizer, &session.subject(&issuer, token_id), now));
        Ok(match made.await {
            Ok(preview) => Outcome::Made(Box::new(preview)),
            Err(error) => Outcome::Failed(Fault::from(&error)),
        })
    }

    /// The session that a preview is for, or why there is none.
    async fn session(&self, here: &PageContext, on: &For) -> Result<Result<TriedSession, String>, ApiError> {
        let tried = match on.on.as_str() {
            "json" => TriedSession::parse(on.json.as_bytes()),
            "session" => {
                let whom = on.whom.trim();
                let Some((session, identity)) = self.found(here, whom).await? else {
                    return Ok(Err(Self::nobody(whom)));
                };
                TriedSession::of(&session, &identity, here.now, &here.snapshot.schemas_url)
            }
            _ => TriedSession::sample(),
        };
        Ok(tried.map_err(|error| format!("This is no session: {error}.")))
    }

    /// What is said where [`Self::found`] finds nothing.
    pub(super) fn nobody(whom: &str) -> String {
        let whom: String = whom.chars().take(128).collect();
        format!("Nobody who signs in with \"{whom}\", and nothing with this id, has a live session here.")
    }

    /// The session with an id, or the newest live one of the identity with an id or an address.
    pub(super) async fn found(
        &self,
        here: &PageContext,
        whom: &str,
    ) -> Result<Option<(sessera_model::Session, sessera_model::Identity)>, ApiError> {
        let one = Page { after: None, limit: 1 };
        let identity_id = match Uuid::parse_str(whom) {
            Ok(id) => match self.store.session(id).await? {
                Some((stored, identity)) => return Ok(Some((stored.session, identity))),
                None => Some(id),
            },
            Err(_) if whom.is_empty() => None,
            Err(_) => {
                let filter = IdentityFilter {
                    identifier: Some(found_by(whom, Matching::Whole)),
                    ..IdentityFilter::default()
                };
                self.store.identities(&filter, &one).await?.pop().map(|identity| identity.id)
            }
        };
        let Some(identity_id) = identity_id else { return Ok(None) };
        let filter = SessionFilter {
            identity_id: Some(identity_id),
            live: Some((true, here.now)),
            ..SessionFilter::default()
        };
        Ok(self.store.sessions(&filter, &one).await?.pop())
    }

    async fn previewed(
        &self,
        here: &PageContext,
        name: &str,
        is_new: bool,
        sent: &Sent,
    ) -> Result<Response, Failed> {
        let (said, fields, on): (Said, Fields, For) = (sent.read()?, sent.read()?, sent.read()?);
        let known = self.known(&here.snapshot, name).await;
        let frame = here.frame(Some(Section::Templates));
        if said.part.is_empty() {
            return Ok(ok(self.editor(here, name, is_new, fields, &known, on).await?.page(&frame)));
        }
        let base = known.template.filter(|_| !is_new).unwrap_or_else(|| json!({}));
        let outcome = self.outcome(here, name, &fields.over(&base, &known.mapper), &on).await?;
        Ok(ok(part(&frame, &outcome)))
    }

    /// Saves what a form says, or shows the form again with the words in which the change was refused.
    async fn saved(
        &self,
        here: &PageContext,
        name: &str,
        is_new: bool,
        sent: &Sent,
    ) -> Result<Response, Failed> {
        let (said, fields, on): (Said, Fields, For) = (sent.read()?, sent.read()?, sent.read()?);
        let known = self.known(&here.snapshot, name).await;
        if !is_new && known.template.is_none() {
            return Err(missing(name).into());
        }
        let outcome = if is_new && known.template.is_some() {
            Err(taken(name))
        } else {
            let base = known.template.clone().unwrap_or_else(|| json!({}));
            let from = self.base(&said.revision)?;
            let hopeless = if said.force.is_empty() { Hopeless::Refused } else { Hopeless::Allowed };
            let terms = Terms { hopeless, role: here.role() };
            let patch = put(name, &fields.over(&base, &known.mapper));
            self.configuration.patch(&patch, Some(from), terms).await.map_err(projects::refused)
        };
        match outcome {
            Ok(_) => Ok(answer::see_other(&format!("{}?saved=1", address(name)))?),
            Err(error) => {
                let mut editor = self.editor(here, name, is_new, fields, &known, on).await?;
                editor.refused = Some(error.reason().to_owned());
                Ok(shown(editor.page(&here.frame(Some(Section::Templates))), error.status()))
            }
        }
    }

    /// The revision from which a page was made, which a form gives back: what was not shown there is not done over.
    fn base(&self, revision: &str) -> Result<Option<Uuid>, ApiError> {
        let revision = parse_id(revision)?;
        Ok((revision != self.deployment.0).then_some(revision))
    }

    /// The page before a template is taken out. `problem` is why it was not done.
    async fn before_delete(
        &self,
        here: &PageContext,
        name: &str,
        problem: Option<&str>,
    ) -> Result<Markup, ApiError> {
        let known = self.known(&here.snapshot, name).await;
        if known.template.is_none() {
            return Err(missing(name));
        }
        let frame = here.frame(Some(Section::Templates));
        Ok(history::delete(&frame, name, known.revision, problem, here.may_operate()))
    }

    /// The page before a template goes back to a revision. `problem` is why it was not done.
    async fn before_back(
        &self,
        here: &PageContext,
        name: &str,
        revision: &str,
        problem: Option<&str>,
    ) -> Result<Markup, ApiError> {
        let (id, at, config) = self.revision(revision).await?;
        let (current, newest) = self.configuration.current().await;
        let [then, now] = [config, current].map(|config| text(&redact::readable(&config), name));
        if then.is_none() && now.is_none() {
            return Err(missing(name));
        }
        let before = history::RestorePreview {
            name,
            version: (id, at),
            then: then.as_deref(),
            now: now.as_deref(),
            newest: newest.unwrap_or(self.deployment.0),
            problem,
            may_change: here.may_operate(),
        };
        Ok(history::page(&here.frame(Some(Section::Templates)), &before))
    }

    /// What changed a template, the newest change first, as far as the newest revisions tell.
    async fn history(&self, name: &str) -> Result<Vec<Version>, ApiError> {
        let revisions = self.store.revisions(&Page { after: None, limit: LOOKED_AT }).await?;
        let pointer = template_pointer(name);
        let version = |revision: sessera_store::RevisionSummary| {
            let diff = redact::shown_difference(&revision.diff);
            let version = Version::of(revision.id, revision.created_at, &diff, &pointer)?;
            Some(Version { who: ActorLabel::of_revision(revision.made_by.as_deref()), ..version })
        };
        Ok(revisions.into_iter().filter_map(version).collect())
    }

    /// A revision with its time and its configuration.
    async fn revision(&self, id: &str) -> Result<(Uuid, sessera_model::Timestamp, Value), ApiError> {
        let id = parse_id(id)?;
        let revision = self.store.revision(id).await?;
        let revision = revision.ok_or_else(|| ApiError::not_found(format!("There is no revision {id}.")))?;
        let config = serde_json::from_str(revision.config.expose()).map_err(ApiError::internal)?;
        Ok((id, revision.created_at, config))
    }
}
