//! What an upstream refuses, as answers of this server.

use serde_json::Value;
use sessera_issuer::upstream::{Refusal, RefusalKind, UpstreamError};

use super::ApiError;

/// The error of a kind in this server's words, which count where the upstream has none.
fn in_own_words(refusal: &Refusal) -> ApiError {
    match refusal.kind {
        RefusalKind::Malformed => {
            ApiError::bad_request("The upstream that keeps the sessions refuses the request.")
        }
        RefusalKind::NoSession => ApiError::unauthorized(),
        RefusalKind::Forbidden => ApiError::forbidden(
            "The upstream that keeps the sessions does not show this one. Its owner may have to prove a second factor first.",
        ),
        RefusalKind::TooMany => ApiError::too_many_requests(refusal.retry_after.unwrap_or_default()),
    }
}

impl From<UpstreamError> for ApiError {
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::Refused(refusal) => {
                let told: Value = serde_json::from_slice(&refusal.body).unwrap_or_default();
                let own = in_own_words(&refusal);
                let own = match told["redirect_browser_to"].as_str() {
                    Some(url) => own.with_redirect(url),
                    None => own,
                };
                own.passed_on(refusal)
            }
            UpstreamError::Paused(left) => Self::too_many_requests(left)
                .with_message("The upstream that keeps the sessions asked for a pause."),
            UpstreamError::Busy => Self::unavailable(
                "As many questions to the upstream are under way as session.upstream.max_in_flight allows. Try again shortly.",
            ),
            UpstreamError::Unanswered(api, what) => Self::unavailable(format!(
                "The upstream that keeps the sessions, which {} names, {what}. Try again shortly.",
                api.key()
            )),
            UpstreamError::NoAdminApi => Self::server_error(
                "This takes the upstream's admin API, whose address is not known. Set session.upstream.admin_url.",
            ),
        }
    }
}
