//! `/console/token`: what a signed token says, and why it is or is not good.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use sessera_console::Section;
use sessera_console::token::{Read, page};
use sessera_issuer::Introspection;

use super::here::{Failed, PageContext, Sent, ok};

/// The form.
#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    token: String,
}

pub(super) async fn get(here: PageContext) -> Result<Response, Failed> {
    Ok(ok(page(&here.frame(Some(Section::Token)), "", None)))
}

pub(super) async fn post(
    State(introspection): State<Arc<Introspection>>,
    here: PageContext,
    sent: Sent,
) -> Result<Response, Failed> {
    let Form { token } = sent.read()?;
    let token: String = token.split_whitespace().collect();
    let issuer = &here.snapshot.issuer;
    let is_good = introspection.active(issuer, &token).await?.is_some();
    let kid = issuer.published.verify(None, &token, here.now).map(|verified| verified.kid);
    let read = Read::of(&token, kid, is_good, here.now);
    Ok(ok(page(&here.frame(Some(Section::Token)), &token, Some(&read))))
}
