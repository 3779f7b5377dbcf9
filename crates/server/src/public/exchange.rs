//! A token for a page on another site: `/self-service/exchange/...`.
//!
//! Browsers keep the session cookie from pages of other sites. Such a page sends the browser here, as a
//! whole; whoever is not signed in signs in; the browser comes back with a one-time code, and the page
//! exchanges it for a token ([`sessera_issuer::exchange`]). A page never gets the session itself.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use sessera_issuer::ExchangeCodes;
use sessera_issuer::exchange::{ExchangeError, Grant};
use sessera_issuer::sessions::Presented;
use sessera_model::Secret;
use sessera_presented::Opened;
use url::Url;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::{AppState, Snapshot};
use crate::public::caller::Call;
use crate::public::whoami;
use crate::session_tokens::SessionTokens;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::request::{JsonBody, Query};
use sessera_openapi::{ErrorBody, SessionBody};

/// The path at which codes are exchanged. Pages of every allowed return address may call it.
pub(crate) const PATH: &str = "/self-service/exchange";

/// The routes.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(submit))
}

#[derive(Deserialize)]
struct BrowserParameters {
    return_to: Option<String>,
    tokenize_as: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
}

/// What is exchanged for a token.
#[derive(Deserialize, utoipa::ToSchema)]
struct ExchangeBody {
    /// The one-time code.
    #[schema(value_type = String)]
    code: Secret,
    /// The secret whose hash was sent as `code_challenge`.
    #[schema(value_type = String)]
    code_verifier: Secret,
}

/// Send a browser back with a one-time code
///
/// This is for pages on another site than this server's. Whoever is not signed in signs in first. The browser is
/// then sent to `return_to`, to which `code` is added, and the page exchanges the code with `POST
/// /self-service/exchange`.
#[utoipa::path(
    get,
    path = "/self-service/exchange/browser",
    operation_id = "createBrowserExchange",
    tag = "frontend",
    params(
        ("return_to" = String, Query, description = "The page's address; one of `selfservice.allowed_return_urls`"),
        ("tokenize_as" = String, Query, description = "Name of a tokenizer template"),
        ("code_challenge" = String, Query, description = "SHA-256 of the page's secret, as base64url (RFC 7636)"),
        ("code_challenge_method" = String, Query, description = "`S256`"),
    ),
    security((), ("sessionCookie" = [])),
    responses(
        (status = 303, description = "The way back to the page, or to the login page"),
        (status = 400, description = "A parameter is missing or wrong", body = ErrorBody),
        (status = 403, description = "The upstream that keeps the sessions refuses this one", body = ErrorBody),
        (status = 429, description = "The upstream that keeps the sessions is asked too often", body = ErrorBody),
    )
)]
async fn create(
    State(session_tokens): State<SessionTokens>,
    State(exchange_codes): State<Arc<ExchangeCodes>>,
    call: Call,
    Query(parameters): Query<BrowserParameters>,
) -> Response {
    let outcome = try_create(&session_tokens, &exchange_codes, &call, &parameters).await;
    // With an upstream the pages are its, which know no errors of this server, and so is what it knows browsers by.
    if call.snapshot.config.upstream.is_some() {
        return outcome.into_response();
    }
    call.begun_or_error(outcome).await
}

async fn try_create(
    session_tokens: &SessionTokens,
    exchange_codes: &ExchangeCodes,
    call: &Call,
    parameters: &BrowserParameters,
) -> Result<Response, ApiError> {
    call.count().await?;
    let (mut page, template, challenge) = checked(call, parameters)?;
    let opened = match call.acting().await {
        Ok(opened) => opened,
        Err(error) => return step_up(call, error),
    };
    let Some(Opened { carried, live, cookies }) = opened else { return sign_in(call) };
    let Presented::Cookie(cookie) = carried.presented else { return sign_in(call) };
    if let Err(error) = session_tokens.require_assurance(&call.snapshot, &live).await {
        return step_up(call, error);
    }
    let grant = Grant {
        opens: session_tokens.sessions.kept(cookie),
        origin: page.origin().ascii_serialization(),
        challenge: challenge.to_owned(),
        template: template.to_owned(),
    };
    let code = exchange_codes.create(&grant).await?;
    page.query_pairs_mut().append_pair("code", &code);
    let mut response = answer::see_other(page.as_str())?;
    answer::set_cookies(response.headers_mut(), &cookies);
    Ok(response)
}

/// The page, the template and the challenge, when all is as it must be.
fn checked<'a>(call: &Call, parameters: &'a BrowserParameters) -> Result<(Url, &'a str, &'a str), ApiError> {
    let page = call.return_to(parameters.return_to.as_deref())?;
    let page = page.and_then(|page| Url::parse(&page).ok()).filter(|page| page.origin().is_tuple());
    let page = page.ok_or_else(|| {
        ApiError::bad_request("Give the address of the page, which begins with https://, in return_to.")
    })?;
    let template = parameters.tokenize_as.as_deref().filter(|name| !name.is_empty());
    let template = template
        .ok_or_else(|| ApiError::bad_request("Give the name of a tokenizer template in tokenize_as."))?;
    if call.snapshot.issuer.templates.get(template).is_none() {
        return Err(ApiError::bad_request(
            "There is no tokenizer template of that name. Check tokenize_as, or add the template under session.whoami.tokenizer.templates.",
        ));
    }
    let challenge = parameters.code_challenge.as_deref().unwrap_or_default();
    if !ExchangeCodes::is_challenge(challenge) || parameters.code_challenge_method.as_deref() != Some("S256")
    {
        return Err(ApiError::bad_request(
            "Give the SHA-256 of a random secret, as base64url without padding, in code_challenge, and S256 in code_challenge_method.",
        ));
    }
    Ok((page, template, challenge))
}

/// The way to where more is proven, and back to here. The error itself where it names no way.
fn step_up(call: &Call, error: ApiError) -> Result<Response, ApiError> {
    let way = error.redirect().map(str::to_owned).ok_or(error)?;
    answer::see_other(&come_back(call, &way)?)
}

/// The way to the login page, and back to here.
fn sign_in(call: &Call) -> Result<Response, ApiError> {
    let base = call.snapshot.config.sign_in_base();
    answer::see_other(&come_back(call, &format!("{base}self-service/login/browser"))?)
}

fn come_back(call: &Call, way: &str) -> Result<String, ApiError> {
    let mut way = Url::parse(way).map_err(ApiError::internal)?;
    way.query_pairs_mut().append_pair("return_to", &call.called());
    Ok(way.into())
}

/// Exchange a one-time code for a token
///
/// The page calls this with the header `Origin` that browsers send, and without cookies. The answer is that of `GET
/// /sessions/whoami` with `tokenized`. A code can be tried once.
#[utoipa::path(
    post,
    path = "/self-service/exchange",
    operation_id = "exchangeCode",
    tag = "frontend",
    request_body = ExchangeBody,
    responses(
        (status = 200, description = "The session with its token", body = SessionBody),
        (status = 400, description = "The code is unknown, was used or has ended, or the secret is not the one behind the challenge (`exchange_code_invalid`)", body = ErrorBody),
        (status = 401, description = "The session has ended", body = ErrorBody),
        (status = 403, description = "The code was made for another origin", body = ErrorBody),
        (status = 429, description = "The upstream that keeps the sessions is asked too often", body = ErrorBody),
    )
)]
async fn submit(
    State(exchange_codes): State<Arc<ExchangeCodes>>,
    State(session_tokens): State<SessionTokens>,
    State(snapshot): State<Arc<Snapshot>>,
    call: Call,
    JsonBody(body): JsonBody<ExchangeBody>,
) -> Result<Response, ApiError> {
    call.count().await?;
    let origin = call.caller.headers.get(header::ORIGIN).map(HeaderValue::as_bytes);
    let (code, verifier) = (body.code.expose(), body.code_verifier.expose());
    let grant = exchange_codes.redeem(code, verifier, origin).await.map_err(|error| match error {
        ExchangeError::Invalid => invalid(),
        ExchangeError::OtherOrigin => {
            ApiError::forbidden("The code was made for a page of another origin. Begin again from this page.")
        }
        ExchangeError::Issuer(error) => error.into(),
    })?;
    let live = session_tokens.sessions.live_again(&snapshot.issuer, &grant.opens).await?;
    session_tokens.require_assurance(&snapshot, &live).await?;
    let token = session_tokens.token(&snapshot, &grant.template, &live).await?;
    Ok(whoami::answer(&live, Body::from(live.json_with_token(&token))))
}

fn invalid() -> ApiError {
    ApiError::bad_request(
        "The code is unknown, was used or has ended, or code_verifier is not the secret behind the challenge. Begin again with GET /self-service/exchange/browser.",
    )
    .with_message("The code cannot be exchanged.")
    .with_id("exchange_code_invalid")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Answer, TestServer};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;

    const PAGE: &str = "https://app.example-two.test/in";
    const ORIGIN: &str = "https://app.example-two.test";
    const OTHER: &str = "https://app.example-three.test";
    const SECRET: &str = "a-secret-of-the-page-that-nobody-else-knows-0";

    async fn server() -> TestServer {
        let jwks = r#"{"keys":[{"kty":"oct","kid":"k","alg":"HS256","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldC0wMDAx"}]}"#;
        let jwks = STANDARD.encode(jwks);
        let templates = json!({"guide": {"jwks_url": format!("base64://{jwks}"), "ttl": "1m"}});
        let server = TestServer::configured(json!({
            "selfservice": {"allowed_return_urls": [PAGE, OTHER, "myapp://in"]},
            "session": {"whoami": {"tokenizer": {"templates": templates}}},
        }))
        .await;
        server.person("ada@example.org").await;
        server
    }

    fn begin_url(change: (&str, &str)) -> String {
        let challenge = sessera_jose::base64url::encode(aws_lc_rs::digest::digest(
            &aws_lc_rs::digest::SHA256,
            SECRET.as_bytes(),
        ));
        let mut url = Url::parse("http://127.0.0.1:4433/self-service/exchange/browser").unwrap();
        for (name, value) in [
            ("return_to", PAGE),
            ("tokenize_as", "guide"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ] {
            url.query_pairs_mut().append_pair(name, if change.0 == name { change.1 } else { value });
        }
        format!("{}?{}", url.path(), url.query().unwrap())
    }

    async fn code(server: &TestServer, cookie: &str) -> String {
        let answer = server.public("GET", &begin_url(("", "")), &[("cookie", cookie)], None).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        let url = Url::parse(answer.header("location")).unwrap();
        assert!(url.as_str().starts_with(PAGE), "{url}");
        url.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
    }

    async fn exchange(server: &TestServer, origin: &str, code: &str, secret: &str) -> Answer {
        let body = json!({"code": code, "code_verifier": secret});
        server.public("POST", PATH, &[("origin", origin)], Some(body)).await
    }

    #[tokio::test]
    async fn a_page_on_another_site_gets_a_token_and_no_session() {
        let server = server().await;
        let cookie = server.browser("ada@example.org").await;
        let code = code(&server, &cookie).await;
        let answer = exchange(&server, ORIGIN, &code, SECRET).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.body["tokenized"].as_str().unwrap().starts_with("ey"));
        assert_eq!(answer.body["identity"]["traits"]["email"], "ada@example.org");
        assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
        assert_eq!(answer.header("access-control-allow-credentials"), "");
        assert!(answer.headers.get("set-cookie").is_none());
        let again = exchange(&server, ORIGIN, &code, SECRET).await;
        assert_eq!((again.status, &again.body["error"]["id"]), (400, &json!("exchange_code_invalid")));
    }

    #[tokio::test]
    async fn a_code_is_good_for_its_page_and_its_secret() {
        let server = server().await;
        let cookie = server.browser("ada@example.org").await;
        for (origin, secret, status) in
            [(OTHER, SECRET, 403), (ORIGIN, "another-secret-of-the-page-that-nobody-knows-0", 400)]
        {
            let code = code(&server, &cookie).await;
            assert_eq!(exchange(&server, origin, &code, secret).await.status, status, "{origin} {secret}");
            let again = exchange(&server, ORIGIN, &code, SECRET).await;
            assert_eq!(again.status, 400, "one try is all there is");
        }
        assert_eq!(exchange(&server, ORIGIN, "", "").await.status, 400);
        let code = code(&server, &cookie).await;
        assert_eq!(exchange(&server, "https://evil.example", &code, SECRET).await.status, 403);
        assert_eq!(
            exchange(&server, ORIGIN, &code, SECRET).await.status,
            200,
            "unknown pages do not use it up"
        );
    }

    #[tokio::test]
    async fn a_session_that_ended_gives_nothing() {
        let server = server().await;
        let cookie = server.browser("ada@example.org").await;
        let code = code(&server, &cookie).await;
        let ada = server.admin("GET", "/admin/identities", None).await.body[0]["id"].clone();
        let path = format!("/admin/identities/{}/sessions", ada.as_str().unwrap());
        assert_eq!(server.admin("DELETE", &path, None).await.status, 204);
        assert_eq!(exchange(&server, ORIGIN, &code, SECRET).await.status, 401);
    }

    #[tokio::test]
    async fn whoever_is_not_signed_in_signs_in_first_and_comes_back() {
        let server = server().await;
        let begin = begin_url(("", ""));
        let answer = server.public("GET", &begin, &[], None).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        let login = Url::parse(answer.header("location")).unwrap();
        assert_eq!(login.path(), "/self-service/login/browser");
        let back = login.query_pairs().find(|(name, _)| name == "return_to").unwrap().1.into_owned();
        assert_eq!(back, format!("http://127.0.0.1:4433{begin}"));
        let path = format!("{}?{}", login.path(), login.query().unwrap());
        let flow = server.public("GET", &path, &[("accept", "application/json")], None).await;
        assert_eq!((flow.status, &flow.body["return_to"]), (200, &json!(back)), "the login flow takes it");
    }

    #[tokio::test]
    async fn what_is_missing_or_wrong_is_told() {
        let server = server().await;
        for (change, part) in [
            (("return_to", ""), "return_to"),
            (("return_to", "https://evil.example/"), "return_to"),
            (("return_to", "https://app.example-two.test/other"), "return_to"),
            (("return_to", "myapp://in"), "return_to"),
            (("tokenize_as", ""), "tokenize_as"),
            (("tokenize_as", "nope"), "tokenize_as"),
            (("code_challenge", ""), "code_challenge"),
            (("code_challenge", "plain"), "code_challenge"),
            (("code_challenge_method", "plain"), "code_challenge"),
        ] {
            let answer = server.public("GET", &begin_url(change), &[], None).await;
            assert_eq!(answer.status, 400, "{change:?}");
            assert!(answer.reason().contains(part), "{change:?}: {}", answer.reason());
        }
    }

    #[tokio::test]
    async fn only_pages_to_return_to_may_ask() {
        let server = server().await;
        let preflight = async |origin: &str, path: &str| {
            let headers = [
                ("origin", origin),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", "content-type"),
            ];
            server.public("OPTIONS", path, &headers, None).await
        };
        let good = preflight(ORIGIN, PATH).await;
        assert_eq!(good.header("access-control-allow-origin"), ORIGIN);
        assert!(good.header("access-control-allow-headers").to_ascii_lowercase().contains("content-type"));
        for (origin, path) in [("https://evil.example", PATH), (ORIGIN, "/sessions/whoami")] {
            let refused = preflight(origin, path).await;
            let names = refused.headers.keys().map(axum::http::HeaderName::as_str);
            let cors: Vec<_> = names.filter(|name| name.starts_with("access-control-")).collect();
            assert!(cors.is_empty(), "{origin} {path}: {cors:?}");
        }
    }
}
