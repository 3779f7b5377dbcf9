//! `POST /oauth2/token`: a session token is exchanged for a signed token (RFC 8693).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::json;
use sessera_issuer::sessions::Presented;
use sessera_issuer::templates::NoTemplateFor;
use sessera_issuer::tokens::ends_at;
use sessera_model::Clock;
use sessera_store::SessionKind;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::{self, OAuthError};
use crate::app::{AppState, Snapshot};
use crate::oauth::Form;
use crate::openapi::{OAuthErrorBody, TokenBody, TokenRequestBody};
use crate::session_tokens::SessionTokens;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// The route.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(exchange))
}

/// Exchange a session token for a signed token
///
/// OAuth 2.0 Token Exchange (RFC 8693), form-encoded. `subject_token` is a session token of a native client;
/// cookies are never looked at. `template` names the tokenizer template, or `audience` or `resource` is the
/// audience of exactly one. The session is checked as whoami checks it.
#[utoipa::path(post, path = "/oauth2/token", operation_id = "oauth2TokenExchange", tag = "oauth2",
    request_body(content = TokenRequestBody, content_type = "application/x-www-form-urlencoded",
        description = "grant_type, subject_token, subject_token_type, template or audience or resource"),
    responses((status = 200, description = "The token, as `access_token`", body = TokenBody), (status = 400, description = "An error of RFC 6749, section 5.2, or `invalid_target`", body = OAuthErrorBody)))]
async fn exchange(
    State(session_tokens): State<SessionTokens>,
    State(clock): State<Arc<dyn Clock>>,
    State(snapshot): State<Arc<Snapshot>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, OAuthError> {
    let form = Form::parse(&headers, &body)?;
    check(&form)?;
    let presented = Presented::Token(form.required("subject_token")?);
    let live = session_tokens.sessions.live(&snapshot.issuer, presented).await?;
    if live.kind != SessionKind::Native {
        return Err(OAuthError::invalid_request(
            "The subject_token is the value of a cookie. Only session tokens of native clients are exchanged.",
        ));
    }
    session_tokens.require_assurance(&snapshot, &live).await?;
    let template = template(&snapshot, &form)?;
    let token = session_tokens.token(&snapshot, template, &live).await?;
    let mut body = json!({ "access_token": token, "issued_token_type": JWT, "token_type": "Bearer" });
    if let Some(expires_at) = ends_at(&token) {
        body["expires_in"] = json!(expires_at.saturating_sub(clock.now().seconds()).max(0));
    }
    Ok(answer::ok(body))
}

/// What the request must say about itself.
fn check(form: &Form) -> Result<(), OAuthError> {
    if form.required("grant_type")? != GRANT {
        return Err(OAuthError::new(
            "unsupported_grant_type",
            format!("Only token exchange is supported: grant_type={GRANT}."),
        ));
    }
    if form.required("subject_token_type")? != ACCESS_TOKEN {
        return Err(OAuthError::invalid_request(format!(
            "The subject_token is a session token: subject_token_type={ACCESS_TOKEN}."
        )));
    }
    if form.get("requested_token_type").is_some_and(|wanted| wanted != JWT) {
        return Err(OAuthError::invalid_request(format!(
            "Only signed tokens are issued: requested_token_type={JWT}."
        )));
    }
    if form.get("actor_token").is_some() {
        return Err(OAuthError::invalid_request(
            "Acting for somebody else is not supported: leave actor_token out.",
        ));
    }
    Ok(())
}

/// The template that is asked for, by its name or its audience.
fn template<'f>(snapshot: &'f Snapshot, form: &'f Form) -> Result<&'f str, OAuthError> {
    let unknown = |text: &str| OAuthError::new("invalid_target", text);
    let audience = form.get("audience").or_else(|| form.get("resource"));
    match (form.get("template"), audience) {
        (Some(name), _) => match snapshot.issuer.templates.get(name) {
            Some(_) => Ok(name),
            None => Err(unknown("There is no tokenizer template of that name.")),
        },
        (None, Some(audience)) => {
            snapshot.issuer.templates.for_audience(audience).map_err(|error| match error {
                NoTemplateFor::Nobody => unknown("No tokenizer template is for that audience."),
                NoTemplateFor::Several => {
                    unknown("Several tokenizer templates are for that audience. Name one with template.")
                }
            })
        }
        (None, None) => Err(OAuthError::invalid_request(
            "Name a tokenizer template with template, or its audience with audience or resource.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::TestServer;

    const GOOD: &str = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token_type=urn:ietf:params:oauth:token-type:access_token";

    async fn server() -> (TestServer, String) {
        let server = TestServer::start().await;
        assert_eq!(server.admin("POST", "/admin/keys/k", Some(json!({"alg": "ES256"}))).await.status, 201);
        let templates = json!({
            "plain": {"jwks_url": "set://k", "ttl": "2m"},
            "api": {"jwks_url": "set://k", "audience": "https://api.example.org"},
            "one": {"jwks_url": "set://k", "audience": ["https://both.example.org", "x"]},
            "two": {"jwks_url": "set://k", "audience": "https://both.example.org"},
        });
        let patch = json!([{"op": "add", "path": "/services/identity/config/session/whoami/tokenizer/templates",
            "value": templates}]);
        let patched = server.admin("PATCH", "/projects/default", Some(patch)).await;
        assert_eq!(patched.status, 200, "{patched:?}");
        server.person("ada@example.org").await;
        let (token, _) = server.signed_in("ada@example.org").await;
        (server, token)
    }

    async fn exchange(server: &TestServer, form: &str) -> (u16, Value) {
        let answer = server.public_form("/oauth2/token", form).await;
        assert!(answer.header("cache-control").contains("no-store"), "{answer:?}");
        (answer.status, answer.body)
    }

    #[tokio::test]
    async fn a_session_token_is_exchanged() {
        let (server, token) = server().await;
        let (status, body) = exchange(&server, &format!("{GOOD}&subject_token={token}&template=plain")).await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(body["issued_token_type"], "urn:ietf:params:oauth:token-type:jwt");
        assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(120)));
        let keys = server.public("GET", "/.well-known/jwks.json", &[], None).await.body.to_string();
        let keys = sessera_jose::JwkSet::parse(keys.as_bytes()).unwrap().public();
        let claims = sessera_jose::verify::verify(body["access_token"].as_str().unwrap(), &keys)
            .unwrap()
            .claims()
            .unwrap();
        assert!(claims.get("aud").is_none());
        for by in ["audience", "resource"] {
            let form = format!("{GOOD}&subject_token={token}&{by}=https://api.example.org");
            let (status, body) = exchange(&server, &form).await;
            assert_eq!(status, 200, "{body}");
            let token = body["access_token"].as_str().unwrap();
            let claims = sessera_jose::verify::verify(token, &keys).unwrap().claims().unwrap();
            assert_eq!(claims["aud"], "https://api.example.org");
        }
    }

    #[tokio::test]
    async fn everything_else_is_refused_in_the_words_of_oauth() {
        let (server, token) = server().await;
        let subject = format!("{GOOD}&subject_token={token}");
        for (form, error) in [
            (format!("grant_type=password&subject_token={token}"), "unsupported_grant_type"),
            (GOOD.to_owned() + "&template=plain", "invalid_request"),
            (format!("{GOOD}&template=plain&subject_token=ory_st_nothing"), "invalid_request"),
            (subject.clone(), "invalid_request"),
            (format!("{subject}&template=nope"), "invalid_target"),
            (format!("{subject}&audience=https://nobody.example.org"), "invalid_target"),
            (format!("{subject}&audience=https://both.example.org"), "invalid_target"),
            (format!("{subject}&template=plain&template=plain"), "invalid_request"),
            (format!("{subject}&template=plain&actor_token=x"), "invalid_request"),
            (format!("{subject}&template=plain&requested_token_type=x"), "invalid_request"),
        ] {
            let (status, body) = exchange(&server, &form).await;
            assert_eq!((status, &body["error"]), (400, &json!(error)), "{form}: {body}");
            assert!(body["error_description"].is_string());
        }
        let as_json = server.public("POST", "/oauth2/token", &[], Some(json!({}))).await;
        assert_eq!((as_json.status, &as_json.body["error"]), (400, &json!("invalid_request")));
    }

    #[tokio::test]
    async fn a_signed_token_is_no_session_token() {
        let (server, token) = server().await;
        let (_, body) = exchange(&server, &format!("{GOOD}&subject_token={token}&template=plain")).await;
        let jwt = body["access_token"].as_str().unwrap();
        let (status, _) = exchange(&server, &format!("{GOOD}&subject_token={jwt}&template=plain")).await;
        assert_eq!(status, 400);
    }
}
