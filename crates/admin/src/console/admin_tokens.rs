//! `/console/settings/tokens`: admin tokens, which are made and deleted.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use sessera_console::Section;
use sessera_console::settings::tokens::{self, Token, Typed};
use sessera_model::Actor;
use sessera_node::admin_tokens::{AdminTokenError, AdminTokens};
use sessera_store::AdminToken;

use super::here::{Failed, PageContext, Sent, ok, shown as answered};
use crate::tokens::made;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::request::Segment;

/// The form.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Form {
    name: String,
    role: String,
    expires_in: String,
}

/// A token as pages show it.
pub(super) fn shown(kept: AdminToken) -> Token {
    Token { name: kept.name, role: kept.role, made: kept.created_at, ends: kept.expires_at }
}

pub(super) async fn new(here: PageContext) -> Result<Response, Failed> {
    let typed = Typed { name: "", role: "viewer", expires_in: "90d" };
    Ok(ok(tokens::new(&here.frame(Some(Section::Settings)), typed, None, here.may_own())))
}

pub(super) async fn make(
    State(all): State<Arc<AdminTokens>>,
    here: PageContext,
    sent: Sent,
) -> Result<Response, Failed> {
    let Form { name, role, expires_in } = sent.read()?;
    let (name, expires_in) = (name.trim(), expires_in.trim());
    let frame = here.frame(Some(Section::Settings));
    match made(&all, name, &role, Some(expires_in).filter(|text| !text.is_empty())).await {
        Ok(made) => {
            let is_asked_for = !here.snapshot.config.admin.tokens.is_empty();
            Ok(ok(tokens::made(&frame, &shown(made.kept), made.token.expose(), is_asked_for)))
        }
        Err(error) => {
            let typed = Typed { name, role: &role, expires_in };
            Ok(answered(tokens::new(&frame, typed, Some(error.reason()), here.may_own()), error.status()))
        }
    }
}

pub(super) async fn before_delete(
    State(all): State<Arc<AdminTokens>>,
    here: PageContext,
    Segment(name): Segment,
) -> Result<Response, Failed> {
    let found = all.all().await?.into_iter().find(|token| token.name == name);
    let found = found.ok_or_else(|| AdminTokenError::Missing(name.chars().take(64).collect()));
    let token = shown(found.map_err(ApiError::from)?);
    let is_own = matches!(&here.stay.actor, Some(Actor::Token { name: own, .. }) if *own == name);
    Ok(ok(tokens::delete(&here.frame(Some(Section::Settings)), &token, is_own, here.may_own())))
}

pub(super) async fn delete(
    State(all): State<Arc<AdminTokens>>,
    Segment(name): Segment,
    _sent: Sent,
) -> Result<Response, Failed> {
    all.delete(&name).await?;
    Ok(answer::see_other(&format!("{}?done=1", Section::Settings.path()))?)
}
