//! `/console/settings/revisions`: what the configuration was before, and the way back to it.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::response::Response;
use serde::Deserialize;
use sessera_config::{beyond, redact};
use sessera_console::Section;
use sessera_console::actor_label::ActorLabel;
use sessera_console::settings::revisions::{self, Change, Revision, RollbackPreview, RollbackTarget};
use sessera_model::{Role, Uuid};
use sessera_node::configuration::{ChangeError, Configuration, DeploymentId};
use sessera_store::{Page, RevisionSummary, Store};

use super::here::{Failed, PageContext, Sent, ok, shown};
use crate::projects;
use crate::state::AdminState;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::paging::Paging;
use sessera_contract::request::{Parameters, Segment, parse_id};

/// What the pages read and change, which handlers take as one part.
pub(super) struct Revisions {
    configuration: Arc<Configuration>,
    store: Arc<dyn Store>,
    deployment: DeploymentId,
}

impl FromRef<AdminState> for Revisions {
    fn from_ref(state: &AdminState) -> Self {
        Self {
            configuration: FromRef::from_ref(state),
            store: FromRef::from_ref(state),
            deployment: FromRef::from_ref(state),
        }
    }
}

/// The form.
#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    newest: String,
}

pub(super) async fn list(
    State(revisions): State<Revisions>,
    here: PageContext,
    parameters: Parameters,
) -> Result<Response, Failed> {
    let paging = Paging::from_parameters(&parameters)?;
    let mut found = revisions.listed(&paging.query()).await?;
    let older = paging.cut(&mut found, |revision| revision.id).next_query(&parameters);
    let told = revisions.told(found).await?;
    let files = (older.is_none() && !told.is_empty()).then_some(revisions.deployment.0);
    let frame = here.frame(Some(Section::Settings));
    Ok(ok(revisions::list(&frame, &told, older.as_deref(), files)))
}

pub(super) async fn before(
    State(revisions): State<Revisions>,
    here: PageContext,
    Segment(revision): Segment,
) -> Result<Response, Failed> {
    revisions.before(&here, parse_id(&revision)?, None).await
}

pub(super) async fn roll_back(
    State(revisions): State<Revisions>,
    here: PageContext,
    Segment(revision): Segment,
    sent: Sent,
) -> Result<Response, Failed> {
    let Form { newest } = sent.read()?;
    let (to, newest) = (parse_id(&revision)?, parse_id(&newest)?);
    // What was read on the page is what happens: it was worked out from the newest revision of then.
    let from = (newest != revisions.deployment.0).then_some(newest);
    let rolled_back = revisions.configuration.roll_back(to, Some(from), here.role()).await;
    match rolled_back.map_err(projects::refused) {
        Ok(_) => Ok(answer::see_other(&format!("{}?done=1", Section::Settings.path()))?),
        Err(error) if error.is_not_found() => Err(error.into()),
        Err(error) => revisions.before(&here, to, Some(error)).await,
    }
}

impl Revisions {
    /// Revisions, the newest one first.
    pub(super) async fn listed(&self, page: &Page) -> Result<Vec<RevisionSummary>, ApiError> {
        Ok(self.store.revisions(page).await?)
    }

    /// Revisions with who made them.
    pub(super) async fn told(&self, found: Vec<RevisionSummary>) -> Result<Vec<Revision>, ApiError> {
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let newest = self.configuration.current().await.1;
        let told = found.into_iter().map(|revision| Revision {
            id: revision.id,
            at: revision.created_at,
            who: ActorLabel::of_revision(revision.made_by.as_deref()),
            changes: changes(&revision.diff),
            is_current: newest == Some(revision.id),
        });
        Ok(told.collect())
    }

    /// The page before one goes back, with the reason why that was not done.
    async fn before(
        &self,
        here: &PageContext,
        to: Uuid,
        failed: Option<ApiError>,
    ) -> Result<Response, Failed> {
        let (now, newest) = self.configuration.current().await;
        let (goal, then) = if to == self.deployment.0 {
            (RollbackTarget::Files(to), Vec::new())
        } else {
            let found = self.store.revision(to).await?;
            let found = found.ok_or_else(|| projects::refused(ChangeError::NoSuchRevision(to)))?;
            (RollbackTarget::Revision(to, found.created_at), changes(&found.diff))
        };
        let after = self.configuration.of_revision(to).await.map_err(projects::refused)?;
        // Who may not go that far is told so before they try.
        let beyond = beyond::of_templates(&now, &after)
            .filter(|_| here.role() == Role::Operator)
            .map(|pointer| projects::refused(ChangeError::OutOfReach(pointer)));
        let is_in_reach = beyond.is_none();
        let status = failed.as_ref().map(ApiError::status);
        let told = RollbackPreview {
            goal,
            then,
            back: Change::all_of(&redact::difference(&now, &after)),
            newest: newest.unwrap_or(self.deployment.0),
            problem: failed.or(beyond).map(|error| error.reason().to_owned()),
            may_change: here.may_operate() && is_in_reach,
        };
        let page = revisions::before(&here.frame(Some(Section::Settings)), &told);
        Ok(match status {
            Some(status) => shown(page, status),
            None => ok(page),
        })
    }
}

/// The changes of a revision, as it is kept.
fn changes(difference: &str) -> Vec<Change> {
    Change::all_of(&redact::shown_difference(difference))
}
