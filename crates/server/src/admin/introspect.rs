//! `POST /oauth2/introspect`: is a signed token still good (RFC 7662)?

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value, json};
use sessera_jose::{JwkSet, PublicJwkSet, verify};
use sessera_model::{Identity, IdentityState, Uuid};
use sessera_tokenizer::Template;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::ApiError;
use crate::oauth::{Form, OAuthError, answer};
use crate::tokenizers::ServerSources;

/// The path, whose body is a form.
pub(super) const PATH: &str = "/oauth2/introspect";

/// The claims that are repeated; what a mapper made beside them is for the token's readers.
const SHOWN: [&str; 9] = ["aud", "exp", "iat", "iss", "jti", "nbf", "scope", "sid", "sub"];

/// The route.
pub(crate) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(introspect))
}

/// Ask whether a token is good
///
/// OAuth 2.0 Token Introspection (RFC 7662), form-encoded. A token is active only while its signature and
/// times are good, its key is published, its session lives and its identity may sign in.
#[utoipa::path(post, path = "/oauth2/introspect", operation_id = "introspectToken", tag = "oauth2",
    request_body(content = String, content_type = "application/x-www-form-urlencoded", description = "token"),
    responses((status = 200, description = "`active`, and the claims of an active token"), (status = 400, description = "An error of RFC 6749, section 5.2")))]
async fn introspect(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, OAuthError> {
    let form = Form::parse(&headers, &body)?;
    let token = form.required("token")?;
    let body = match active(&app, token).await? {
        Some(claims) => {
            let mut body = json!({ "active": true, "token_type": "Bearer" });
            for name in SHOWN {
                if let Some(value) = claims.get(name) {
                    body[name] = value.clone();
                }
            }
            body
        }
        // Why is nobody's business (section 2.2).
        None => json!({ "active": false }),
    };
    Ok(answer(StatusCode::OK, &body))
}

/// The claims of a token that is good now.
async fn active(app: &App, token: &str) -> Result<Option<Map<String, Value>>, ApiError> {
    let Some(claims) = claims(app, token).await? else { return Ok(None) };
    let now = app.clock.now();
    let time = |name: &str| claims.get(name).and_then(Value::as_i64);
    if time("exp").is_none_or(|exp| exp <= now.seconds())
        || time("nbf").is_some_and(|nbf| nbf > now.seconds())
    {
        return Ok(None);
    }
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let Some(session_id) = text("sid").and_then(|sid| Uuid::parse_str(sid).ok()) else { return Ok(None) };
    let Some((stored, identity)) = app.store.session(session_id).await? else { return Ok(None) };
    let is_live = stored.session.is_live(now) && identity.state == IdentityState::Active;
    // A mapper may write any sid: it counts only when the session is one of the subject.
    let is_its_own = text("sub").is_some_and(|subject| is_subject(&identity, subject));
    Ok((is_live && is_its_own).then_some(claims))
}

fn is_subject(identity: &Identity, subject: &str) -> bool {
    identity.id.to_string() == subject || identity.external_id.as_deref() == Some(subject)
}

/// The claims of a token that was signed with a key that is good now.
async fn claims(app: &App, token: &str) -> Result<Option<Map<String, Value>>, ApiError> {
    let snapshot = app.snapshot().clone();
    let published = snapshot.published.set(None, app.clock.now()).map(|set| set.json).unwrap_or_default();
    let published: PublicJwkSet =
        JwkSet::parse(published.as_bytes()).map(|set| set.public()).unwrap_or_default();
    if let Ok(verified) = verify::verify(token, &published) {
        return Ok(verified.claims().ok());
    }
    // Shared secrets are nowhere published: their sets are read where they are.
    let symmetric = snapshot.tokenizers.list().into_iter().filter_map(|(name, outcome)| {
        outcome.as_ref().ok().filter(|tokenizer| tokenizer.algorithm().is_symmetric()).map(|_| name)
    });
    let symmetric: Vec<&str> = symmetric.collect();
    if symmetric.is_empty() {
        return Ok(None);
    }
    let sets = app.store.key_sets().await?;
    let sources = ServerSources::new(&sets);
    let verified = symmetric.into_iter().find_map(|name| {
        let template = Template::from_json(snapshot.config.templates.get(name)?).ok()?;
        let keys = JwkSet::parse(&template.jwks_url.read(&sources).ok()?).ok()?;
        verify::verify_with_secrets(token, &keys).ok()
    });
    Ok(verified.and_then(|verified| verified.claims().ok()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use crate::testing::TestServer;

    async fn server() -> (TestServer, String, String) {
        let server = TestServer::start().await;
        for (set, algorithm) in [("k", "ES256"), ("shared", "HS256")] {
            let path = format!("/admin/keys/{set}");
            assert_eq!(server.admin("POST", &path, Some(json!({"alg": algorithm}))).await.status, 201);
        }
        let other_sid =
            "base64://eyBjbGFpbXM6IHsgc2lkOiAiMDAwMDAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAwIiB9IH0=";
        let templates = json!({
            "t": {"jwks_url": "set://k"}, "shared": {"jwks_url": "set://shared"},
            "other": {"jwks_url": "set://k", "claims_mapper_url": other_sid},
        });
        let patch = json!([{"op": "add", "path": "/services/identity/config/session/whoami/tokenizer/templates",
            "value": templates}]);
        assert_eq!(server.admin("PATCH", "/projects/default", Some(patch)).await.status, 200);
        server.person("ada@example.org").await;
        let (token, session) = server.signed_in("ada@example.org").await;
        (server, token, session)
    }

    async fn tokenize(server: &TestServer, token: &str, template: &str) -> String {
        let path = format!("/sessions/whoami?tokenize_as={template}");
        let answer = server.public("GET", &path, &[("x-session-token", token)], None).await;
        answer.body["tokenized"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    }

    async fn introspect(server: &TestServer, jwt: &str) -> Value {
        let answer = server.admin_form("/oauth2/introspect", &format!("token={jwt}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.header("cache-control").contains("no-store"));
        answer.body
    }

    #[tokio::test]
    async fn a_token_is_active_while_everything_about_it_is_good() {
        let (server, token, session) = server().await;
        for template in ["t", "shared"] {
            let jwt = tokenize(&server, &token, template).await;
            let body = introspect(&server, &jwt).await;
            assert_eq!(
                (&body["active"], &body["sid"]),
                (&json!(true), &json!(session)),
                "{template}: {body}"
            );
            assert_eq!(
                introspect(&server, &format!("{}AA", &jwt[..jwt.len() - 2])).await,
                json!({"active": false})
            );
        }
        let jwt = tokenize(&server, &token, "t").await;
        server.clock.advance(Duration::from_secs(600));
        assert_eq!(introspect(&server, &jwt).await, json!({"active": false}), "it has ended");
        let jwt = tokenize(&server, &token, "t").await;
        assert_eq!(server.admin("DELETE", &format!("/admin/sessions/{session}"), None).await.status, 204);
        assert_eq!(introspect(&server, &jwt).await, json!({"active": false}), "its session was revoked");
    }

    #[tokio::test]
    async fn a_session_of_somebody_else_does_not_count() {
        let (server, token, _) = server().await;
        let jwt = tokenize(&server, &token, "other").await;
        assert_eq!(introspect(&server, &jwt).await, json!({"active": false}));
    }

    #[tokio::test]
    async fn what_is_no_token_is_not_active() {
        let (server, token, _) = server().await;
        for text in ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", token.as_str(), &"a".repeat(1_000_000)] {
            assert_eq!(introspect(&server, text).await, json!({"active": false}));
        }
        let none = server.admin_form("/oauth2/introspect", "").await;
        assert_eq!((none.status, &none.body["error"]), (400, &json!("invalid_request")));
    }
}
