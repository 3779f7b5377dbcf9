//! Who may call the admin API.
//!
//! With tokens configured, whoever sends one. Without, only programs: a web page must not reach it,
//! neither by asking across origins nor by a name that it makes point here (DNS rebinding), so requests
//! need a Host that can only mean this server, no Origin, and JSON bodies.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::Body as _;
use url::Url;

use crate::admin::{introspect, revoke};
use crate::app::Snapshots;
use crate::credentials::bearer;
use crate::error::ApiError;
use sessera_config::{AdminConfig, is_loopback};

/// Lets a request pass or answers why not.
pub(crate) async fn check(State(snapshots): State<Snapshots>, request: Request, next: Next) -> Response {
    let refusal = {
        let snapshot = snapshots.load();
        let host = request.uri().host().map(str::to_owned);
        // Introspection takes forms, as its specification wants. It changes nothing, and a web page that
        // sends one is told by its Origin.
        let takes_forms = [introspect::PATH, revoke::PATH].contains(&request.uri().path());
        let has_body = !request.body().is_end_stream() && !takes_forms;
        judge(&snapshot.config.admin, has_body, request.headers(), host.as_deref()).err()
    };
    match refusal {
        Some(error) => error.into_response(),
        None => next.run(request).await,
    }
}

fn judge(
    config: &AdminConfig,
    has_body: bool,
    headers: &HeaderMap,
    uri_host: Option<&str>,
) -> Result<(), ApiError> {
    if !config.tokens.is_empty() {
        return check_token(config, headers);
    }
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).map(without_port).or(uri_host);
    if !host.is_some_and(|host| is_own_host(config, host)) {
        return Err(ApiError::forbidden(
            "The admin API without a token answers only requests to a loopback address, localhost or the host of serve.admin.base_url. Set serve.admin.base_url to the name under which it is reached, or serve.admin.token.",
        ));
    }
    if headers.contains_key(header::ORIGIN) {
        return Err(ApiError::forbidden(
            "The request has an Origin header, so a web page sent it. Web pages may not call the admin API; call it from a back end.",
        ));
    }
    if has_body && !is_json(headers) {
        return Err(ApiError::forbidden(
            "The body is not declared as JSON. Send the header Content-Type: application/json; without a token the admin API takes nothing else, because forms of web pages could send it.",
        ));
    }
    Ok(())
}

/// Every token is compared in full, so that time tells nothing.
fn check_token(config: &AdminConfig, headers: &HeaderMap) -> Result<(), ApiError> {
    let given = bearer(headers).unwrap_or_default();
    let good = config.tokens.iter().fold(false, |good, token| token.matches(given) | good);
    if good {
        return Ok(());
    }
    Err(ApiError::unproven(
        "The admin API asks for a token. Send one of serve.admin.token as \"Authorization: Bearer TOKEN\"; the command line takes it from SESSERA_ADMIN_TOKEN.",
    ))
}

fn is_json(headers: &HeaderMap) -> bool {
    let declared =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = declared.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
        || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

/// `127.0.0.1:4434` without the port, `[::1]:4434` without port and brackets.
fn without_port(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    host.split(':').next().unwrap_or_default()
}

fn is_own_host(config: &AdminConfig, host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let own = Url::parse(&config.base_url).ok().and_then(|url| url.host_str().map(str::to_owned));
    // Where everybody may ask, so may those who ask by address: a name can be made to point here by
    // somebody else, an address cannot.
    let by_address = config.insecure && host.parse::<IpAddr>().is_ok();
    let by_name = own.is_some_and(|own| own.trim_matches(['[', ']']).eq_ignore_ascii_case(host));
    is_loopback(host) || by_address || by_name
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use serde_json::{Value, json};

    use sessera_config::Config;

    fn status(admin: Value, has_body: bool, pairs: &[(&'static str, &'static str)]) -> u16 {
        let config = Config::from_tree(&json!({ "serve": { "admin": admin } })).unwrap().admin;
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        judge(&config, has_body, &headers, None).map_or_else(|error| error.code(), |()| 200)
    }

    #[test]
    fn without_a_token_only_this_machine_may_ask() {
        let ask = |pairs: &[(&'static str, &'static str)]| status(json!({}), false, pairs);
        for host in ["127.0.0.1:4434", "localhost:4434", "[::1]:4434", "127.0.0.1"] {
            assert_eq!(ask(&[("host", host)]), 200, "{host}");
        }
        for host in ["evil.example", "evil.example:4434", "127.0.0.1.evil.example", ""] {
            assert_eq!(ask(&[("host", host)]), 403, "{host}");
        }
        assert_eq!(ask(&[]), 403);
        assert_eq!(ask(&[("host", "localhost"), ("origin", "http://localhost:4434")]), 403);
        let named = json!({"base_url": "http://admin.internal:4434/"});
        assert_eq!(status(named, false, &[("host", "admin.internal:4434")]), 200);
    }

    #[test]
    fn bodies_are_declared_as_json() {
        let post = |content_type: &'static str| {
            status(json!({}), true, &[("host", "localhost"), ("content-type", content_type)])
        };
        assert_eq!(post("application/json"), 200);
        assert_eq!(post("application/json-patch+json; charset=utf-8"), 200);
        assert_eq!(post("text/plain"), 403);
        assert_eq!(post("application/x-www-form-urlencoded"), 403);
        assert_eq!(status(json!({}), false, &[("host", "localhost")]), 200);
    }

    #[test]
    fn with_tokens_one_of_them_is_asked_for() {
        let tokens = || json!({"host": "0.0.0.0", "token": ["old-token", "new-token"]});
        let ask = |authorization: &'static str| status(tokens(), false, &[("authorization", authorization)]);
        assert_eq!(ask("Bearer old-token"), 200);
        assert_eq!(ask("Bearer new-token"), 200);
        assert_eq!(ask("Bearer other"), 401);
        assert_eq!(ask("Basic old-token"), 401);
        assert_eq!(status(tokens(), false, &[("host", "localhost")]), 401);
    }

    #[test]
    fn where_everybody_may_ask_web_pages_still_may_not() {
        let ask = |has_body: bool, pairs: &[(&'static str, &'static str)]| {
            let open = json!({"host": "0.0.0.0", "insecure": true, "base_url": "http://sessera:4434/"});
            status(open, has_body, pairs)
        };
        for host in ["127.0.0.1:4434", "10.1.2.3:4434", "[fd00::1]:4434", "sessera:4434"] {
            assert_eq!(ask(false, &[("host", host)]), 200, "{host}");
        }
        assert_eq!(ask(false, &[("host", "evil.example:4434")]), 403);
        assert_eq!(ask(false, &[("host", "10.1.2.3:4434"), ("origin", "http://evil.example")]), 403);
        assert_eq!(ask(true, &[("host", "10.1.2.3"), ("content-type", "text/plain")]), 403);
    }
}
