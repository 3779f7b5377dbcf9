//! Which pages may make a browser change something here.
//!
//! A form of any page can be sent to any server, with the cookies that are there and with the cookies of the answer
//! kept. So a request that changes something comes from no page at all, as those of programs do, or from a page that
//! the configuration knows. Browsers say which page it is, and no page can change what they say (Fetch standard, the
//! header `Origin`; Fetch Metadata, the header `Sec-Fetch-Site`).

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use sessera_http::cors::{is_allowed, is_named};
use url::Url;

use super::cors::may_exchange;
use sessera_contract::answer::ApiError;
use sessera_node::{Snapshot, Snapshots};

/// The pages that may make a browser change something.
#[derive(Clone)]
pub(crate) struct Pages {
    /// The configuration, which knows them.
    pub(crate) snapshots: Snapshots,
    /// The paths that every page may call, whatever the method.
    pub(crate) open: &'static [&'static str],
    /// A path below which every page may call.
    pub(crate) open_below: &'static str,
}

/// Passes a request on, or refuses it before anything of it is read.
pub(crate) async fn check(State(pages): State<Pages>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_open =
        request.method().is_safe() || pages.open.contains(&path) || path.starts_with(pages.open_below);
    if is_open || !is_foreign(&pages.snapshots.load(), request.headers()) {
        return next.run(request).await;
    }
    ApiError::forbidden(
        "A browser sent this for a page of another site, as its headers Origin and Sec-Fetch-Site say. If that page is yours, name its origin in serve.public.cors.allowed_origins or its address in selfservice.allowed_return_urls.",
    )
    .with_id("security_csrf_violation")
    .into_response()
}

/// Whether a browser sends this request for a page that has no business here.
fn is_foreign(snapshot: &Snapshot, headers: &HeaderMap) -> bool {
    let is_cross_site = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    match headers.get(header::ORIGIN) {
        // Browsers leave the origin out of no request that changes something, but for very old ones.
        None => is_cross_site,
        // The public address is on the site of itself, whoever else is named there.
        Some(origin) if is_own(snapshot, origin) => is_cross_site,
        Some(origin) => !is_known(snapshot, headers, origin),
    }
}

/// Whether an origin is that of the public address.
fn is_own(snapshot: &Snapshot, origin: &HeaderValue) -> bool {
    Url::parse(&snapshot.accounts.rules.base_url).is_ok_and(|own| is_origin_of(origin, &own))
}

/// Whether an origin is that of an address. `null` and addresses of apps are nobody's.
fn is_origin_of(origin: &HeaderValue, address: &Url) -> bool {
    let own = address.origin();
    own.is_tuple() && own.ascii_serialization().as_bytes() == origin.as_bytes()
}

/// Whether the configuration knows the page: it is one of those that forms are on, that browsers may return to, or that
/// may call with cookies.
fn is_known(snapshot: &Snapshot, headers: &HeaderMap, origin: &HeaderValue) -> bool {
    let rules = &snapshot.accounts.rules;
    let flows = [&rules.login, &rules.registration, &rules.settings, &rules.recovery, &rules.verification];
    let pages = flows.into_iter().filter_map(|flow| flow.page.as_ref()).chain(&rules.error_page);
    let is_page = pages.chain([&rules.default_return]).any(|page| is_origin_of(origin, page.url()));
    // Where every page may call without cookies, a session token of its own lets it act for that session only.
    let cors = &snapshot.config.public.cors;
    let acts_by_token = || headers.contains_key("x-session-token") && is_allowed(cors, origin);
    is_page || is_named(cors, origin) || may_exchange(snapshot, origin) || acts_by_token()
}
