//! `POST /oauth2/token`: a session token is exchanged for a signed token (RFC 8693).
//!
//! Whatever a client asks for and this endpoint understands holds for the token that it gets, or the request is
//! refused. What holds is read from the token itself, because a mapper has a say in it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sessera_issuer::sessions::Presented;
use sessera_issuer::templates::NoTemplateFor;
use sessera_issuer::tokens::claims_of;
use sessera_jose::verify::check_audience;
use sessera_model::Clock;
use sessera_store::SessionKind;
use url::Url;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::{AppState, Snapshot};
use crate::session_tokens::SessionTokens;
use sessera_contract::answer::ApiError;
use sessera_contract::answer::{self, OAuthError};
use sessera_contract::oauth::Form;
use sessera_openapi::{OAuthErrorBody, TokenBody, TokenRequestBody};

/// The path. It makes and changes no session.
pub(crate) const PATH: &str = "/oauth2/token";

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// The route.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(exchange))
}

/// Exchange a session token for a signed token
///
/// This is OAuth 2.0 Token Exchange (RFC 8693), and the body is a form. `subject_token` is a session token of a
/// native client; cookies are never looked at. `template` names the tokenizer template, or `audience` and
/// `resource` are the audience of exactly one. What `audience`, `resource` and `scope` ask for must hold for the
/// token. The session is checked as whoami checks it.
#[utoipa::path(post, path = "/oauth2/token", operation_id = "oauth2TokenExchange", tag = "oauth2",
    request_body(content = TokenRequestBody, content_type = "application/x-www-form-urlencoded",
        description = "grant_type, subject_token, subject_token_type, template or audience or resource"),
    responses(
        (status = 200, description = "The token, as `access_token`", body = TokenBody),
        (status = 429, description = "The upstream that keeps the sessions is asked too often (`temporarily_unavailable`)", body = OAuthErrorBody),
        (status = 400, description = "An error of RFC 6749, section 5.2, or `invalid_target`", body = OAuthErrorBody),
        (status = 401, description = "There are no clients that could prove who they are (`invalid_client`)", body = OAuthErrorBody),
    ))]
async fn exchange(
    State(session_tokens): State<SessionTokens>,
    State(clock): State<Arc<dyn Clock>>,
    State(snapshot): State<Arc<Snapshot>>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, OAuthError> {
    let issued_token_type = check(&form)?;
    check_client(&headers, &form)?;
    let target = target(&form)?;
    let presented = Presented::Token(form.required("subject_token")?);
    let live = session_tokens.sessions.live(&snapshot.issuer, presented).await?;
    if live.kind != SessionKind::Native {
        return Err(OAuthError::invalid_request(
            "The subject_token is the value of a cookie. Only session tokens of native clients are exchanged.",
        ));
    }
    session_tokens.require_assurance(&snapshot, &live).await?;
    let template = template(&snapshot, form.get("template"), &target)?;
    let token = session_tokens.token(&snapshot, template, &live).await?;
    let claims = claims_of(&token).map_err(ApiError::from)?;
    check_target(&claims, &target)?;
    let scope = scope(&claims, form.get("scope"))?;
    let mut body =
        json!({ "access_token": token, "issued_token_type": issued_token_type, "token_type": "Bearer" });
    if let Some(expires_at) = claims.get("exp").and_then(Value::as_i64) {
        body["expires_in"] = json!(expires_at.saturating_sub(clock.now().seconds()).max(0));
    }
    if let Some(scope) = scope {
        body["scope"] = json!(scope);
    }
    Ok(answer::ok(body))
}

/// What the request must say about itself. The answer is the type of the token that it asks for: a signed token is an
/// access token as well.
fn check(form: &Form) -> Result<&'static str, OAuthError> {
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
    if form.get("actor_token").or(form.get("actor_token_type")).is_some() {
        return Err(OAuthError::invalid_request(
            "Acting for somebody else is not supported: leave actor_token and actor_token_type out.",
        ));
    }
    match form.get("requested_token_type") {
        None | Some(JWT) => Ok(JWT),
        Some(ACCESS_TOKEN) => Ok(ACCESS_TOKEN),
        Some(_) => Err(OAuthError::invalid_request(format!(
            "Only signed tokens are issued: requested_token_type={JWT} or requested_token_type={ACCESS_TOKEN}."
        ))),
    }
}

/// Clients may say who they are, as public ones do by `client_id`. Nobody can prove it here, because the subject token
/// alone decides.
fn check_client(headers: &HeaderMap, form: &Form) -> Result<(), OAuthError> {
    let in_form = ["client_secret", "client_assertion", "client_assertion_type"];
    let proves = in_form.iter().any(|name| form.get(name).is_some())
        || headers.get(header::AUTHORIZATION).is_some_and(|value| has_secret(value.as_bytes()));
    if proves {
        return Err(OAuthError::invalid_client(
            "There are no client secrets here, so none can be checked. Send no credentials of a client, client_id at the most.",
        ));
    }
    Ok(())
}

/// Whether `Authorization: Basic` has more than the name of a client (RFC 6749, section 2.3.1).
fn has_secret(value: &[u8]) -> bool {
    let text = std::str::from_utf8(value).unwrap_or_default();
    let (scheme, pair) = text.split_once(' ').unwrap_or((text, ""));
    let pair = STANDARD.decode(pair.trim()).unwrap_or_default();
    let is_name = matches!(pair.as_slice(), [name @ .., b':'] if !name.contains(&b':'));
    scheme.eq_ignore_ascii_case("basic") && !is_name
}

/// Whom the token is to be for.
fn target(form: &Form) -> Result<Vec<&str>, OAuthError> {
    // RFC 8707 (section 2) allows no fragment.
    let is_resource = |text: &str| Url::parse(text).is_ok_and(|url| url.fragment().is_none());
    if !form.all("resource").all(is_resource) {
        return Err(OAuthError::new(
            "invalid_target",
            "A resource is an absolute address without a fragment. Give other names as audience.",
        ));
    }
    Ok(form.all("audience").chain(form.all("resource")).collect())
}

/// The template that is asked for, by its name or its audience.
fn template<'f>(
    snapshot: &'f Snapshot,
    name: Option<&'f str>,
    target: &[&str],
) -> Result<&'f str, OAuthError> {
    let unknown = |text: &str| OAuthError::new("invalid_target", text);
    let templates = &snapshot.issuer.templates;
    match name {
        Some(name) if templates.get(name).is_some() => Ok(name),
        Some(_) => Err(unknown("There is no tokenizer template of that name.")),
        None if target.is_empty() => Err(OAuthError::invalid_request(
            "Name a tokenizer template with template, or its audience with audience or resource.",
        )),
        None => templates.for_audience(target).map_err(|error| match error {
            NoTemplateFor::Nobody => unknown("No tokenizer template is for that audience."),
            NoTemplateFor::Several => {
                unknown("Several tokenizer templates are for that audience. Name one with template.")
            }
        }),
    }
}

/// Makes sure that a token is for everybody for whom it was asked.
fn check_target(claims: &Map<String, Value>, target: &[&str]) -> Result<(), OAuthError> {
    if target.iter().all(|who| check_audience(claims, who).is_ok()) {
        return Ok(());
    }
    Err(OAuthError::new(
        "invalid_target",
        "The tokens of this template are not for the audience or resource that is asked for. Leave it out, or name another template.",
    ))
}

/// The scope of a token, which has all that was asked for.
fn scope<'t>(claims: &'t Map<String, Value>, asked: Option<&str>) -> Result<Option<&'t str>, OAuthError> {
    let given = claims.get("scope").and_then(Value::as_str);
    let has = |word: &str| given.unwrap_or_default().split(' ').any(|known| known == word);
    if asked.unwrap_or_default().split(' ').filter(|word| !word.is_empty()).all(has) {
        return Ok(given);
    }
    Err(OAuthError::new(
        "invalid_scope",
        "The tokens of this template do not have the scope that is asked for. Leave scope out, or have the template's mapper write it.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestServer;

    const GOOD: &str = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token_type=urn:ietf:params:oauth:token-type:access_token";

    const MAPPER: &str = "{claims: {scope: 'read write', aud: ['https://api.example.org', 'mobile']}}";

    const TYPE: &str = "urn:ietf:params:oauth:token-type";

    async fn server() -> (TestServer, String) {
        let server = TestServer::start().await;
        assert_eq!(server.admin("POST", "/admin/keys/k", Some(json!({"alg": "ES256"}))).await.status, 201);
        let templates = json!({
            "plain": {"jwks_url": "set://k", "ttl": "2m"},
            "api": {"jwks_url": "set://k", "audience": "https://api.example.org"},
            "one": {"jwks_url": "set://k", "audience": ["https://both.example.org", "x"]},
            "two": {"jwks_url": "set://k", "audience": "https://both.example.org"},
            "scoped": {"jwks_url": "set://k", "claims_mapper_url": format!("base64://{}", STANDARD.encode(MAPPER))},
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
            (format!("{subject}&template=plain&actor_token_type={TYPE}:access_token"), "invalid_request"),
            (format!("{subject}&template=plain&requested_token_type=x"), "invalid_request"),
            (format!("{subject}&template=plain&requested_token_type={TYPE}:id_token"), "invalid_request"),
            (
                format!("{subject}&template=plain&requested_token_type={TYPE}:refresh_token"),
                "invalid_request",
            ),
            (format!("{subject}&template=plain&scope=a&scope=a"), "invalid_request"),
            (format!("{subject}&template=&template=plain"), "invalid_request"),
            (subject.replace("access_token&", "jwt&") + "&template=plain", "invalid_request"),
        ] {
            let (status, body) = exchange(&server, &form).await;
            assert_eq!((status, &body["error"]), (400, &json!(error)), "{form}: {body}");
            assert!(body["error_description"].is_string());
        }
        let as_json = server.public("POST", "/oauth2/token", &[], Some(json!({}))).await;
        assert_eq!((as_json.status, &as_json.body["error"]), (400, &json!("invalid_request")));
        let in_address =
            server.public_form("/oauth2/token?audience=x", &format!("{subject}&template=plain")).await;
        assert_eq!((in_address.status, &in_address.body["error"]), (400, &json!("invalid_request")));
    }

    #[tokio::test]
    async fn a_signed_token_is_no_session_token() {
        let (server, token) = server().await;
        let (_, body) = exchange(&server, &format!("{GOOD}&subject_token={token}&template=plain")).await;
        let jwt = body["access_token"].as_str().unwrap();
        let (status, _) = exchange(&server, &format!("{GOOD}&subject_token={jwt}&template=plain")).await;
        assert_eq!(status, 400);
    }

    /// The combinations of what may be asked for, each with whether it holds for the tokens of a template.
    fn combinations() -> Vec<(String, Option<&'static str>)> {
        let targets = [
            ("", true),
            ("&audience=", true),
            ("&audience=https://api.example.org", true),
            ("&resource=https://api.example.org", true),
            ("&audience=https://api.example.org&resource=https://api.example.org", true),
            ("&audience=https://api.example.org&audience=mobile", true),
            ("&audience=https://evil.example", false),
            ("&resource=https://evil.example", false),
            ("&audience=https://api.example.org&audience=https://evil.example", false),
            ("&audience=https://evil.example&audience=https://api.example.org", false),
            ("&audience=https://api.example.org&resource=https://evil.example", false),
            ("&resource=https://api.example.org/", false),
            ("&resource=https://api.example.org%23x", false),
            ("&resource=mobile", false),
            ("&audience=API", false),
        ];
        let scopes = [
            ("", true),
            ("&scope=", true),
            ("&scope=read", true),
            ("&scope=write+read", true),
            ("&scope=admin", false),
            ("&scope=read+admin", false),
        ];
        let types = [
            "",
            "&requested_token_type=",
            "&requested_token_type=urn:ietf:params:oauth:token-type:jwt",
            "&requested_token_type=urn:ietf:params:oauth:token-type:access_token",
        ];
        let mut all = Vec::new();
        for (target, is_for) in targets {
            for (scope, is_given) in scopes {
                for wanted in types {
                    let error = match (is_for, is_given) {
                        (false, _) => Some("invalid_target"),
                        (true, false) => Some("invalid_scope"),
                        (true, true) => None,
                    };
                    all.push((format!("{target}{scope}{wanted}"), error));
                }
            }
        }
        all
    }

    #[tokio::test]
    async fn whatever_is_asked_for_holds_for_the_token_or_is_refused() {
        let (server, token) = server().await;
        for (asked, error) in combinations() {
            let form = format!("{GOOD}&subject_token={token}&template=scoped{asked}");
            let (status, body) = exchange(&server, &form).await;
            let expected = if error.is_some() { 400 } else { 200 };
            assert_eq!((status, body["error"].as_str()), (expected, error), "{asked}: {body}");
            if error.is_none() {
                let kind = if asked.ends_with("access_token") { ACCESS_TOKEN } else { JWT };
                assert_eq!(
                    (&body["issued_token_type"], &body["scope"]),
                    (&json!(kind), &json!("read write"))
                );
                let claims = claims_of(body["access_token"].as_str().unwrap()).unwrap();
                assert_eq!(claims["aud"], json!(["https://api.example.org", "mobile"]));
            }
        }
    }

    #[tokio::test]
    async fn clients_may_say_their_name_and_nothing_that_would_have_to_be_checked() {
        let (server, token) = server().await;
        let form = format!("{GOOD}&subject_token={token}&template=plain");
        for more in ["&client_id=app", "&client_id=app&client_secret=", "&unknown=1"] {
            let (status, body) = exchange(&server, &format!("{form}{more}")).await;
            assert_eq!(status, 200, "{more}: {body}");
        }
        for more in ["&client_secret=x", "&client_assertion=a.b.c", "&client_id=app&client_secret=x"] {
            let (status, body) = exchange(&server, &format!("{form}{more}")).await;
            assert_eq!((status, &body["error"]), (401, &json!("invalid_client")), "{more}");
        }
        for (pair, has) in [("app:", false), ("app:secret", true), ("app", true), ("", true), (":x:", true)] {
            let value = format!("Basic {}", STANDARD.encode(pair));
            assert_eq!(has_secret(value.as_bytes()), has, "{pair}");
        }
        assert!(!has_secret(b"Bearer x"));
    }
}
