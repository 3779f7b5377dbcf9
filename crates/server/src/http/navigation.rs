//! Addresses that act when they are opened, as the wire contract has it: links of messages, the way back from a provider,
//! signing out.
//!
//! `HEAD` asks what is there and changes nothing (RFC 9110, section 9.2.1). What a browser opens without a person who sees
//! it (an image, a frame, a script, a page that it fetches ahead) opens no link either. Browsers say which it is (Fetch
//! Metadata), and no page can change what they say.

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::public::{oidc, token_exchange};
use sessera_contract::answer::{self, ApiError};

/// Links that are sent to people.
const LINKS: [&str; 2] = ["/self-service/recovery", "/self-service/verification"];

/// Passes a request on, unless it is one that must not act.
pub(crate) async fn check(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    if request.method() == Method::HEAD && acts(route) {
        return answer::no_content();
    }
    let is_link = LINKS.contains(&route) || route.starts_with(oidc::CALLBACK);
    if request.method() == Method::GET && is_link && !is_navigation(request.headers()) {
        return ApiError::forbidden(
            "A browser asked for this without showing it to a person, as its headers Sec-Fetch-Dest and Sec-Purpose say. Open the link itself.",
        )
        .with_id("security_csrf_violation")
        .into_response();
    }
    next.run(request).await
}

/// Whether opening what a route has may change something. Flows begin when they are asked for, and one that an
/// administrator gave out belongs to whoever opens it first.
fn acts(route: &str) -> bool {
    let is_page = route.starts_with("/ui/") && !route.starts_with("/ui/assets/");
    is_page || route.starts_with("/self-service/") || route == token_exchange::PATH
}

/// Whether a browser shows its person what it asks for. Programs, and browsers of old, do not say what it is for. Node's
/// `fetch` says a mode (`Sec-Fetch-Mode`) of its own, also where it passes on what a browser asks for, so that counts for
/// nothing.
fn is_navigation(headers: &HeaderMap) -> bool {
    let is_document = headers.get_all("sec-fetch-dest").iter().all(|value| value == "document");
    let is_ahead = ["sec-purpose", "purpose", "x-moz"].iter().any(|name| {
        let mut values = headers.get_all(*name).iter().map(|value| value.to_str().unwrap_or_default());
        values.any(|value| value.to_ascii_lowercase().contains("prefetch"))
    });
    is_document && !is_ahead
}
