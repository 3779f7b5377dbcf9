//! `GET /`: the front page. Who is signed in sees as whom; everybody else is sent to sign in.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use maud::html;
use sessera_accounts::flows::settings::{self, Owner};
use sessera_model::Uuid;
use sessera_store::FlowKind;

use super::words::Word;
use super::{beginning, logout, not_found, shown};
use crate::app::App;
use crate::client;
use crate::error::ApiError;
use crate::public::answer::redirect;
use crate::public::caller::{Caller, Visit};

pub(super) async fn get(State(app): State<Arc<App>>, caller: Caller) -> Response {
    // For programs there is nothing here.
    if !client::wants_page(&caller.headers) {
        return not_found(State(app), caller).await;
    }
    let snapshot = app.snapshot();
    let visit = Visit::new(&app, &snapshot, &caller);
    shown(&visit, page(&visit)).await
}

async fn page(visit: &Visit<'_>) -> Result<Response, ApiError> {
    let (rules, texts) = (visit.rules(), visit.texts());
    let Some(live) = visit.session().await? else {
        return redirect(&beginning(rules, FlowKind::Login, None));
    };
    let account = account(visit, live.session.identity_id).await?;
    let content = html! {
        p.lead { (texts.filled(Word::HomeLead, &[("account", &account)])) }
        div.buttons {
            a.button.primary href=(beginning(rules, FlowKind::Settings, None)) {
                (texts.word(Word::ToSettings))
            }
            @if let Some(form) = logout::form(visit, "quiet") { (form) }
        }
    };
    Ok(visit.card(Word::HomeTitle, false, content).into_response())
}

/// What an account is called.
pub(super) async fn account(visit: &Visit<'_>, identity_id: Uuid) -> Result<String, ApiError> {
    let store = &visit.app.store;
    let identity = store.identity(identity_id).await?.ok_or_else(ApiError::unauthorized)?;
    let credentials = store.credentials(identity_id).await?;
    let schema = visit.snapshot.accounts.schemas.get(&identity.schema_id).map(AsRef::as_ref);
    Ok(settings::account_name(Owner { identity: &identity, credentials: &credentials, schema }))
}
