//! `/projects/{id}`: the configuration as a project. One deployment is one project.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{FromRef, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use sessera_issuer::trial::{Outcome, TemplateState};
use sessera_model::{Actor, Clock, Role, Uuid};
use sessera_store::Store;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AdminState;
use sessera_config::{duplicates, redact};
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::paging::Paging;
use sessera_contract::request::{JsonText, Parameters, Path, Segment};
use sessera_node::Snapshot;
use sessera_node::configuration::{
    BaseRevision, ChangeError, Changed, Configuration, DeploymentId, Hopeless, Terms,
};
use sessera_openapi::{
    ErrorBody, JsonPatchBody, ProjectBody, ProjectChangedBody, RevisionBody, SetProjectBody, TemplateBody,
};

/// The slug of the one project.
const SLUG: &str = "default";

/// The routes.
pub(crate) fn router() -> OpenApiRouter<AdminState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get, put, patch))
        .routes(routes!(patch_revision))
        .routes(routes!(list_revisions))
        .routes(routes!(roll_back))
        .routes(routes!(list_templates))
}

/// The one project, which handlers take as one part.
struct Project {
    configuration: Arc<Configuration>,
    id: Uuid,
}

impl FromRef<AdminState> for Project {
    fn from_ref(state: &AdminState) -> Self {
        let DeploymentId(id) = FromRef::from_ref(state);
        Self { configuration: FromRef::from_ref(state), id }
    }
}

impl Project {
    /// 404 unless `id` is the id or the slug of the project.
    fn check(&self, id: &str) -> Result<(), ApiError> {
        if id == SLUG || id == self.id.to_string() {
            return Ok(());
        }
        Err(ApiError::not_found(format!(
            "There is no project \"{}\" here. One deployment is one project: its id is {}, its slug is {SLUG}.",
            id.chars().take(64).collect::<String>(),
            self.id
        )))
    }

    /// The revision that a path names; the project's own id stands for the one before the first patch.
    fn base_revision(&self, text: &str) -> Result<BaseRevision, ApiError> {
        let id = Uuid::parse_str(text)
            .map_err(|_| ApiError::bad_request("The revision in the path is not a UUID."))?;
        Ok((id != self.id).then_some(id))
    }

    /// The project as it is now.
    async fn shown(&self, actor: &Actor) -> Value {
        let (config, revision) = self.configuration.current().await;
        self.with(config, revision, actor)
    }

    /// The project with a configuration and its revision. Only owners see the secrets in it.
    fn with(&self, config: Value, revision: Option<Uuid>, actor: &Actor) -> Value {
        let config = if actor.may(Role::Owner) { config } else { redact::readable(&config) };
        let snapshot = self.configuration.snapshot();
        let cors = |enabled: bool, origins: &[String]| json!({ "enabled": enabled, "origins": origins });
        let public = &snapshot.config.public.cors;
        let origins: Vec<String> = public.allowed_origins.iter().map(ToString::to_string).collect();
        json!({
            "id": self.id,
            "slug": SLUG,
            "name": "Sessera",
            "state": "running",
            "environment": "prod",
            "home_region": "local",
            // A deployment that was never patched is its own first revision.
            "revision_id": revision.unwrap_or(self.id),
            "workspace_id": null,
            "organizations": [],
            "public_url": snapshot.config.public.base_url,
            "issuer": snapshot.config.public.issuer,
            "gateway": {
                "enabled": snapshot.config.gateway.enabled,
                "address": snapshot.config.gateway.address(),
            },
            "services": { "identity": { "config": config } },
            "cors_admin": cors(false, &[]),
            "cors_public": cors(public.enabled, &origins),
        })
    }

    /// The answer to a change.
    fn changed(&self, change: Changed, actor: &Actor) -> Response {
        let warnings: Vec<Value> =
            change.warnings.iter().map(|message| json!({ "code": 1, "message": message })).collect();
        answer::ok(json!({
            "project": self.with(change.config, Some(change.revision_id), actor),
            "warnings": warnings,
        }))
    }
}

/// Why a change of the configuration was not made.
pub(super) fn refused(error: ChangeError) -> ApiError {
    match error {
        ChangeError::Patch(patch) => {
            let reason = if patch.pointer.is_empty() { patch.message.clone() } else { patch.to_string() };
            ApiError::bad_request(reason)
                .with_details(json!({ "pointer": patch.pointer, "message": patch.message }))
        }
        ChangeError::Outdated => ApiError::conflict(
            "The revision is no longer the newest one. Read the project again and repeat the change.",
        ),
        ChangeError::OutOfReach(pointer) => ApiError::forbidden(format!(
            "The role operator changes tokenizer templates, and their keys only to those of a stored set (set://NAME). The change reaches {pointer}: ask an owner to make it."
        ))
        .with_details(json!({ "pointer": pointer, "message": "this needs the role owner" })),
        ChangeError::NoSuchRevision(id) => ApiError::not_found(format!(
            "There is no revision {id}. List them with GET /projects/{SLUG}/revisions or \"sessera list revisions\"."
        )),
        ChangeError::Store(error) => error.into(),
    }
}

/// By what a change is judged: what its query says about templates that make no tokens, and who makes it.
fn terms(parameters: &Parameters, actor: &Actor) -> Result<Terms, ApiError> {
    let is_forced = parameters.flag("force")?.unwrap_or_default();
    let hopeless = if is_forced { Hopeless::Allowed } else { Hopeless::Refused };
    Ok(Terms { hopeless, role: actor.role() })
}

/// The operations of a patch.
fn operations(text: &JsonText) -> Result<Value, ApiError> {
    let patch: Value = text.parse()?;
    no_duplicates(duplicates::in_patch(&text.0, &patch))?;
    Ok(patch)
}

fn no_duplicates(found: Option<String>) -> Result<(), ApiError> {
    found.map_or(Ok(()), |pointer| {
        Err(ApiError::bad_request(format!("The member at {pointer} stands twice. Send it once."))
            .with_details(json!({ "pointer": pointer, "message": "the member stands twice" })))
    })
}

/// List all projects
#[utoipa::path(get, path = "/projects", operation_id = "listProjects", tag = "project",
    security(("adminToken" = ["viewer"])),
    responses((status = 200, description = "The one project, without its configuration", body = [ProjectBody])))]
async fn list(State(project): State<Project>, Extension(actor): Extension<Actor>) -> Response {
    let mut shown = project.shown(&actor).await;
    if let Some(members) = shown.as_object_mut() {
        members.shift_remove("services");
    }
    answer::ok(Value::Array(vec![shown]))
}

/// Get a project
///
/// Owners are shown its configuration as it is, keys and passwords included. Others are shown short digests in place of
/// secrets.
#[utoipa::path(get, path = "/projects/{project}", operation_id = "getProject", tag = "project",
    params(("project" = String, Path, description = "Id or slug")),
    security(("adminToken" = ["viewer"])),
    responses((status = 200, description = "The project", body = ProjectBody), (status = 404, description = "There is none", body = ErrorBody)))]
async fn get(
    State(project): State<Project>,
    Extension(actor): Extension<Actor>,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    project.check(&id)?;
    Ok(answer::ok(project.shown(&actor).await))
}

/// Replace the configuration of a project
///
/// Templates that are new or changed are tried on a sample session and on the newest sessions. What works for some of
/// them only is warned about.
#[utoipa::path(put, path = "/projects/{project}", operation_id = "setProject", tag = "project",
    params(("project" = String, Path, description = "Id or slug"), ("force" = Option<bool>, Query, description = "Whether templates are taken that make a token neither of the sample session nor of the newest sessions; without it they are refused")), request_body = SetProjectBody,
    security(("adminToken" = ["operator"])),
    responses((status = 200, description = "The project that results", body = ProjectChangedBody), (status = 400, description = "Nothing was changed", body = ErrorBody), (status = 404, description = "There is no such project", body = ErrorBody), (status = 409, description = "Another change was faster", body = ErrorBody)))]
async fn put(
    State(project): State<Project>,
    Extension(actor): Extension<Actor>,
    Segment(id): Segment,
    parameters: Parameters,
    text: JsonText,
) -> Result<Response, ApiError> {
    project.check(&id)?;
    let terms = terms(&parameters, &actor)?;
    let body: Value = text.parse()?;
    no_duplicates(duplicates::in_project(&text.0))?;
    let config = body.pointer("/services/identity/config").cloned().ok_or_else(|| {
        ApiError::bad_request("The body needs /services/identity/config, the whole identity configuration.")
    })?;
    let change = project.configuration.replace(config, terms).await.map_err(refused)?;
    Ok(project.changed(change, &actor))
}

/// Patch the configuration of a project
///
/// The body is a JSON Patch (RFC 6902) with paths under `/services/identity/config`. All of it is applied, or
/// nothing. Templates that are new or changed are tried on a sample session and on the newest sessions. What works for
/// some of them only is warned about.
#[utoipa::path(patch, path = "/projects/{project}", operation_id = "patchProject", tag = "project",
    params(("project" = String, Path, description = "Id or slug"), ("force" = Option<bool>, Query, description = "Whether templates are taken that make a token neither of the sample session nor of the newest sessions; without it they are refused")), request_body = Vec<JsonPatchBody>,
    security(("adminToken" = ["operator"])),
    responses((status = 200, description = "The project that results", body = ProjectChangedBody), (status = 400, description = "Nothing was changed", body = ErrorBody), (status = 404, description = "There is no such project", body = ErrorBody), (status = 409, description = "Another change was faster", body = ErrorBody)))]
async fn patch(
    State(project): State<Project>,
    Extension(actor): Extension<Actor>,
    Segment(id): Segment,
    parameters: Parameters,
    text: JsonText,
) -> Result<Response, ApiError> {
    project.check(&id)?;
    let terms = terms(&parameters, &actor)?;
    let patch = operations(&text)?;
    let change = project.configuration.patch(&patch, None, terms).await.map_err(refused)?;
    Ok(project.changed(change, &actor))
}

/// Patch a revision
///
/// The configuration of the project is patched, but only while the revision in the path is the newest one.
#[utoipa::path(patch, path = "/projects/{project}/revision/{revision}", operation_id = "patchProjectWithRevision", tag = "project",
    params(("project" = String, Path, description = "Id or slug"), ("revision" = String, Path, description = "Id of the newest revision"), ("force" = Option<bool>, Query, description = "Whether templates are taken that make a token neither of the sample session nor of the newest sessions; without it they are refused")), request_body = Vec<JsonPatchBody>,
    security(("adminToken" = ["operator"])),
    responses((status = 200, description = "The project that results", body = ProjectChangedBody), (status = 400, description = "Nothing was changed", body = ErrorBody), (status = 409, description = "It is no longer the newest one", body = ErrorBody), (status = 404, description = "There is no such project", body = ErrorBody)))]
async fn patch_revision(
    State(project): State<Project>,
    Extension(actor): Extension<Actor>,
    Path((id, revision)): Path<(String, String)>,
    parameters: Parameters,
    text: JsonText,
) -> Result<Response, ApiError> {
    project.check(&id)?;
    let terms = terms(&parameters, &actor)?;
    let patch = operations(&text)?;
    let from = project.base_revision(&revision)?;
    let change = project.configuration.patch(&patch, Some(from), terms).await.map_err(refused)?;
    Ok(project.changed(change, &actor))
}

/// List revisions
///
/// The newest one comes first. Each is shown with who made it and what it changed, and secrets are shown as key ids or short
/// digests.
#[utoipa::path(get, path = "/projects/{project}/revisions", operation_id = "listProjectRevisions", tag = "project",
    params(
        ("project" = String, Path, description = "Id or slug"),
        ("page_size" = Option<usize>, Query, description = "How many at the most, 250 when absent"),
        ("page_token" = Option<String>, Query, description = "From the Link header of the part before"),
    ),
    security(("adminToken" = ["viewer"])),
    responses(
        (status = 200, description = "Revisions, newest first", body = [RevisionBody]),
        (status = 400, description = "A parameter makes no sense", body = ErrorBody),
        (status = 404, description = "There is no such project", body = ErrorBody),
    ))]
async fn list_revisions(
    State(project): State<Project>,
    State(store): State<Arc<dyn Store>>,
    Segment(id): Segment,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    project.check(&id)?;
    let paging = Paging::from_parameters(&parameters)?;
    let mut revisions = store.revisions(&paging.query()).await?;
    let place = paging.cut(&mut revisions, |revision| revision.id);
    let link = place.link(&format!("/projects/{id}/revisions"), &parameters)?;
    let shown = revisions.into_iter().map(|revision| {
        let diff = redact::shown_difference(&revision.diff);
        let actor: Value = revision.made_by.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        json!({ "id": revision.id, "parent": revision.parent, "created_at": revision.created_at, "actor": actor, "diff": diff })
    });
    Ok(([(header::LINK, link)], answer::ok(shown.collect::<Value>())).into_response())
}

/// Roll back to a revision
///
/// A new revision is made with the configuration of an older one.
#[utoipa::path(post, path = "/projects/{project}/revisions/{revision}/rollback", operation_id = "rollBackProject", tag = "project",
    params(("project" = String, Path, description = "Id or slug"), ("revision" = String, Path, description = "The revision to go back to")),
    security(("adminToken" = ["operator"])),
    responses((status = 200, description = "The project that results", body = ProjectChangedBody), (status = 404, description = "There is none", body = ErrorBody), (status = 409, description = "Another change was faster", body = ErrorBody)))]
async fn roll_back(
    State(project): State<Project>,
    Extension(actor): Extension<Actor>,
    Path((id, revision)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    project.check(&id)?;
    let to = Uuid::parse_str(&revision)
        .map_err(|_| ApiError::bad_request("The revision in the path is not a UUID."))?;
    let change = project.configuration.roll_back(to, None, actor.role()).await.map_err(refused)?;
    Ok(project.changed(change, &actor))
}

/// List tokenizer templates
///
/// Each is tried on a sample session and on the newest sessions. One that makes a token of none of them is failing, and
/// one that cannot be loaded is broken.
#[utoipa::path(get, path = "/projects/{project}/templates", operation_id = "listTokenizerTemplates", tag = "project",
    params(("project" = String, Path, description = "Id or slug")),
    security(("adminToken" = ["viewer"])),
    responses((status = 200, description = "All templates", body = [TemplateBody]), (status = 404, description = "There is no such project", body = ErrorBody)))]
async fn list_templates(
    State(project): State<Project>,
    State(clock): State<Arc<dyn Clock>>,
    State(snapshot): State<Arc<Snapshot>>,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    project.check(&id)?;
    let trial = project.configuration.trial(&snapshot).await?;
    let shown = trial.states(&snapshot.issuer.templates).await.into_iter().map(|(name, state)| {
        let (tokenizer, outcome) = match state {
            TemplateState::Compiled(tokenizer, outcome) => (tokenizer, outcome),
            TemplateState::Broken(broken) => {
                return json!({ "name": name, "state": "broken", "reason": broken.to_string() });
            }
        };
        let mut shown = json!({
            "name": name, "state": "ready",
            "alg": tokenizer.algorithm().as_str(), "kid": tokenizer.signer(clock.now().seconds()).kid(),
        });
        match outcome {
            Outcome::Works => {}
            Outcome::WorksForSome(warning) => shown["warning"] = warning.into(),
            Outcome::Fails { reason, .. } => {
                shown["state"] = "failing".into();
                shown["reason"] = reason.into();
            }
        }
        shown
    });
    Ok(answer::ok(shown.collect::<Value>()))
}
