//! `/console`: the admin API for people, as pages.
//!
//! A page reads and changes by the same functions as the API's handlers and is rendered by the crate `sessera_console`. Each
//! file has the pages of a place. [`guard`] says who gets in, and [`stay`] what their cookie is.

mod admin_tokens;
mod guard;
mod here;
mod keys;
mod overview;
mod people;
mod recipes;
mod record;
mod revisions;
mod routes;
mod settings;
mod sign_in;
mod sinks;
mod stay;
mod templates;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef as _;
use axum::http::Method;
use axum::middleware;
use axum::response::Response;
use axum::routing::{get, post};
use sessera_console::{Section, assets};
use sessera_model::Role;
use sessera_node::Snapshot;

use crate::state::AdminState;
use here::Failed;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::layers;
use sessera_contract::observe::Observer;
use sessera_contract::request::Segment;

/// The address at which people sign in.
const SIGN_IN: &str = "/console/sign-in";

/// Where nobody has to have signed in.
const OPEN: [&str; 3] = [SIGN_IN, "/console/sign-out", assets::FOLDER];

/// The role that each address needs to which a form is sent. What is not named here is left to owners.
pub const CHANGES: &[(&str, Role)] = &[
    ("/console/new-template", Role::Operator),
    ("/console/new-template/preview", Role::Viewer),
    ("/console/templates/{name}", Role::Operator),
    ("/console/templates/{name}/preview", Role::Viewer),
    ("/console/templates/{name}/delete", Role::Operator),
    ("/console/templates/{name}/history/{revision}", Role::Operator),
    ("/console/recipes/{name}", Role::Viewer),
    ("/console/recipes/{name}/keys", Role::Owner),
    ("/console/token", Role::Viewer),
    ("/console/sessions/{id}/end", Role::Operator),
    ("/console/people/{id}/end", Role::Operator),
    ("/console/people/{id}/disable", Role::Operator),
    ("/console/people/{id}/enable", Role::Operator),
    ("/console/people/{id}/recovery", Role::Operator),
    ("/console/everybody", Role::Operator),
    ("/console/new-keys", Role::Owner),
    ("/console/keys/{set}/adopt", Role::Owner),
    ("/console/keys/{set}/rotate", Role::Owner),
    ("/console/keys/{set}/revoke/{kid}", Role::Owner),
    ("/console/keys/{set}/promote/{kid}", Role::Owner),
    ("/console/routes", Role::Viewer),
    ("/console/settings/revisions/{revision}", Role::Operator),
    ("/console/settings/sinks/{name}/replay", Role::Operator),
    ("/console/settings/new-token", Role::Owner),
    ("/console/settings/tokens/{name}/delete", Role::Owner),
];

/// The largest form in bytes: the fields of a template with its mapper.
const FORM: usize = 1024 * 1024;

/// The routes, with their guard.
pub(super) fn router(state: &AdminState, observer: &Observer) -> Router<AdminState> {
    let router = Router::new()
        .route("/console", get(overview::get))
        .route("/console/", get(overview))
        .route(SIGN_IN, get(sign_in::get).post(sign_in::post))
        .route("/console/sign-out", post(sign_in::out))
        .route("/console/assets/{name}", get(asset))
        .route("/console/templates", get(templates::list))
        .route("/console/new-template", get(templates::new).post(templates::make))
        .route("/console/new-template/preview", post(templates::preview_new))
        .route("/console/templates/{name}", get(templates::get).post(templates::save))
        .route("/console/templates/{name}/preview", post(templates::preview))
        .route("/console/templates/{name}/delete", get(templates::before_delete).post(templates::delete))
        .route(
            "/console/templates/{name}/history/{revision}",
            get(templates::before_back).post(templates::back),
        )
        .route("/console/recipes", get(recipes::list))
        .route("/console/recipes/{name}", get(recipes::get).post(recipes::fill))
        .route("/console/recipes/{name}/keys", post(recipes::make_keys))
        .route("/console/keys", get(keys::list))
        .route("/console/new-keys", get(keys::new).post(keys::make))
        .route("/console/keys/{set}", get(keys::get))
        .route("/console/keys/{set}/adopt", get(keys::before_adopt).post(keys::adopt))
        .route("/console/keys/{set}/rotate", get(keys::before_rotate).post(keys::rotate))
        .route("/console/keys/{set}/revoke/{kid}", get(keys::before_revoke).post(keys::revoke))
        .route("/console/keys/{set}/promote/{kid}", get(keys::before_promote).post(keys::promote))
        .route("/console/routes", get(routes::get).post(routes::attempt))
        .route("/console/token", get(token::get).post(token::post))
        .route("/console/record", get(record::get))
        .route("/console/record.json", get(record::as_json))
        .route("/console/record.csv", get(record::as_csv))
        .merge(routes_of_settings())
        .route("/console/{*rest}", get(nothing));
    // Where an upstream keeps the sessions, people are there.
    let has_people = Arc::<Snapshot>::from_ref(state).config.upstream.is_none();
    let router = if has_people { router.merge(routes_of_people()) } else { router };
    let router = router.method_not_allowed_fallback(async || Failed(ApiError::method_not_allowed()));
    let router = layers::read_bodies(router, largest_form, Arc::new(|_, peer| peer.0), observer);
    let door = guard::ConsoleGuard::from_ref(state);
    router.layer(middleware::from_fn_with_state(door, guard::check))
}

/// The routes about what the configuration was, who is told of events, and who may get in.
fn routes_of_settings() -> Router<AdminState> {
    Router::new()
        .route("/console/settings", get(settings::get))
        .route("/console/settings/revisions", get(revisions::list))
        .route("/console/settings/revisions/{revision}", get(revisions::before).post(revisions::roll_back))
        .route("/console/settings/sinks/{name}", get(sinks::get))
        .route("/console/settings/sinks/{name}/replay", get(sinks::before_replay).post(sinks::replay))
        .route("/console/settings/new-token", get(admin_tokens::new).post(admin_tokens::make))
        .route(
            "/console/settings/tokens/{name}/delete",
            get(admin_tokens::before_delete).post(admin_tokens::delete),
        )
}

/// The routes about sessions and those whose they are.
fn routes_of_people() -> Router<AdminState> {
    Router::new()
        .route("/console/people", get(people::search))
        .route("/console/people/{id}", get(people::get))
        .route("/console/people/{id}/end", get(people::before_end).post(people::end))
        .route("/console/people/{id}/disable", get(people::before_disable).post(people::switch_off))
        .route("/console/people/{id}/enable", get(people::before_enable).post(people::switch_on))
        .route("/console/people/{id}/recovery", get(people::before_recovery).post(people::recover))
        .route("/console/sessions/{id}", get(people::session))
        .route("/console/sessions/{id}/end", get(people::before_end_one).post(people::end_one))
        .route("/console/everybody", get(people::before_everybody).post(people::everybody))
}

/// The role that a form needs.
fn role_of(route: &str) -> Role {
    CHANGES.iter().find(|(known, _)| *known == route).map_or(Role::Owner, |(_, role)| *role)
}

fn largest_form(_: &Method, _: &str) -> usize {
    FORM
}

async fn asset(Segment(name): Segment) -> Response {
    sessera_contract::assets::found(assets::find(&name))
}

/// Leads whoever writes a slash at the end.
async fn overview() -> Result<Response, Failed> {
    Ok(answer::see_other(Section::Overview.path())?)
}

async fn nothing() -> Failed {
    Failed(ApiError::not_found("There is no such page in the console."))
}
