//! The public port: the API of [`public`], the [`pages`], and the documents of issuers that the configuration names.

use axum::Router;
use axum::extract::State;
use axum::http::{Method, Uri};
use axum::response::Response;

use crate::app::{AppState, Snapshots};
use crate::http::observe::Observer;
use crate::openapi::{self, Port};
use crate::public::caller::Call;
use crate::public::exchange;
use crate::public::well_known::PublishedKeys;
use crate::{http, pages, public};

/// Answers what no route has, which is a document of an issuer or nothing.
async fn elsewhere(State(keys): State<PublishedKeys>, call: Call, method: Method, uri: Uri) -> Response {
    match keys.of_issuer(&method, uri.path(), &call.caller.headers) {
        Some(found) => found,
        None => pages::not_found(call).await,
    }
}

/// The public API, ready to be served with its state.
pub(crate) fn router(snapshots: Snapshots, observer: Observer) -> Router<AppState> {
    let (router, document) = openapi::described(public::routes(), Port::Public);
    let router = router.route("/openapi.json", openapi::route(&document)).merge(pages::router());
    let router = http::layers::complete(router)
        .fallback(elsewhere)
        .layer(http::cors::layer(snapshots, exchange::PATH))
        .layer(axum::middleware::map_response(http::cors::tidy));
    http::layers::wrap(router, observer)
}
