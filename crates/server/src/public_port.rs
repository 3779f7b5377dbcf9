//! The public port: the API of [`public`], the [`pages`], and the documents of issuers that the configuration names.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, Uri};
use axum::middleware;
use axum::response::{IntoResponse as _, Response};

use crate::app::{AppState, Snapshots};
use crate::forwarding::Forwarding;
use crate::http::cors::{self, Judge};
use crate::http::kratos_cookies::{self, KratosCookies};
use crate::http::navigation;
use crate::http::origin::{self, Pages};
use crate::public::caller::Call;
use crate::public::exchange;
use crate::public::well_known::PublishedKeys;
use crate::public::{oidc, token, whoami};
use crate::{pages, public};
use sessera_contract::answer::ApiError;
use sessera_contract::layers;
use sessera_contract::observe::Observer;
use sessera_contract::openapi::{self, Port};
use sessera_http::body::ClientOf;
use sessera_http::forwarded::Origin;

/// Answers what no route has, which is a document of an issuer or nothing.
async fn elsewhere(State(keys): State<PublishedKeys>, call: Call, method: Method, uri: Uri) -> Response {
    match keys.of_issuer(&method, uri.path(), &call.caller.headers) {
        Some(found) => found,
        None => pages::not_found(call).await,
    }
}

/// Answers what no route has where an upstream keeps the sessions: it is a document of an issuer, or the upstream's.
async fn upstream(
    State(keys): State<PublishedKeys>,
    State(forwarding): State<Option<Forwarding>>,
    request: Request,
) -> Response {
    if let Some(found) = keys.of_issuer(request.method(), request.uri().path(), request.headers()) {
        return found;
    }
    match forwarding {
        Some(forwarding) => forwarding.public(request).await,
        None => ApiError::not_found("There is no such path.").into_response(),
    }
}

/// The public API, ready to be served with its state.
pub(crate) fn router(snapshots: Snapshots, observer: Observer) -> Router<AppState> {
    let has_upstream = snapshots.load().config.upstream.is_some();
    let routes = if has_upstream { public::routes_of_tokens() } else { public::routes() };
    let (router, document) = openapi::described(routes, Port::Public);
    let router = router.route("/openapi.json", openapi::route(&document));
    let router = if has_upstream { router } else { router.merge(pages::router()) };
    // These make and change no session, so every page may call them as far as browsers let it.
    let open = &[whoami::PATH, token::PATH];
    // Pages of other providers send browsers back by a form, which changes nothing either.
    let pages = Pages { snapshots: snapshots.clone(), open, open_below: oidc::CALLBACK };
    let cookies = KratosCookies::new(snapshots.clone(), observer.metrics.clone());
    let of = snapshots.clone();
    let client: ClientOf =
        Arc::new(move |headers, peer| Origin::of(headers, peer, &of.load().accounts.rules.proxies).address);
    let judge = Judge { snapshots, exchange: exchange::PATH };
    let router = layers::complete(router, public::largest_body, client, &observer)
        .fallback(elsewhere)
        .layer(middleware::from_fn(navigation::check))
        .layer(middleware::from_fn_with_state(pages, origin::check))
        .layer(middleware::from_fn_with_state(judge, cors::judge))
        .layer(middleware::from_fn_with_state(cookies, kratos_cookies::translate));
    // What is the upstream's is judged by the upstream: which origins may ask, and how large a body may be.
    let router = if has_upstream { router.fallback(upstream) } else { router };
    layers::wrap(router, observer)
}
