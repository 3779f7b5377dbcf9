//! `/console/settings`: what the configuration was, who is told of events, and who may get in.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::response::Response;
use sessera_console::Section;
use sessera_console::settings::{Settings, page};
use sessera_node::admin_tokens::AdminTokens;
use sessera_node::sinks::Sinks;
use sessera_store::Page;

use super::here::{Failed, PageContext, ok};
use super::revisions::Revisions;
use super::{admin_tokens, sinks};
use crate::state::AdminState;
use sessera_contract::request::Parameters;

/// How many revisions are shown.
const SHOWN: u32 = 8;

/// What the page looks at, which the handler takes as one part.
pub(super) struct SettingsPages {
    revisions: Revisions,
    sinks: Arc<Sinks>,
    tokens: Arc<AdminTokens>,
}

impl FromRef<AdminState> for SettingsPages {
    fn from_ref(state: &AdminState) -> Self {
        Self {
            revisions: FromRef::from_ref(state),
            sinks: FromRef::from_ref(state),
            tokens: FromRef::from_ref(state),
        }
    }
}

pub(super) async fn get(
    State(office): State<SettingsPages>,
    here: PageContext,
    parameters: Parameters,
) -> Result<Response, Failed> {
    let revisions = office.revisions.listed(&Page { after: None, limit: SHOWN }).await?;
    let sinks = office.sinks.all().await?.into_iter().map(sinks::shown);
    let tokens = office.tokens.all().await?.into_iter().map(admin_tokens::shown);
    let settings = Settings {
        revisions: office.revisions.told(revisions).await?,
        sinks: sinks.collect(),
        tokens: tokens.collect(),
        configured_tokens: here.snapshot.config.admin.tokens.len(),
        may_own: here.may_own(),
        is_done: parameters.get("done").is_some(),
    };
    Ok(ok(page(&here.frame(Some(Section::Settings)), &settings)))
}
