//! Questions over HTTP: three dialects, each at a path of its own.

use axum::http::{HeaderMap, Request, header};

use crate::dialect::Dialect;
use crate::question::{Question, Target};

/// Where the dialects are asked.
pub(crate) const AUTH_REQUEST: &str = "/auth-request";
pub(crate) const FORWARD_AUTH: &str = "/forward-auth";
pub(crate) const EXT_AUTHZ: &str = "/ext-authz/";

/// Where questions over gRPC are asked, whose messages carry the requests that they are about.
pub const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// The question of a request; nothing on paths at which nobody asks.
pub(crate) fn question<B>(request: &Request<B>) -> Option<Question<'_>> {
    let (uri, headers) = (request.uri(), request.headers());
    // With the question mark, which stands in no name of a route.
    let whole = uri.path_and_query().map_or("", |whole| whole.as_str());
    let query = whole.get(uri.path().len()..).unwrap_or_default();
    match uri.path() {
        AUTH_REQUEST => {
            let original = header(headers, "x-original-url").map(Target::of_url).unwrap_or_default();
            let methods = ["x-original-method", "x-forwarded-method"];
            Some(beside(Dialect::AuthRequest, query, headers, &methods, original))
        }
        FORWARD_AUTH => {
            let methods = ["x-forwarded-method"];
            Some(beside(Dialect::ForwardAuth, query, headers, &methods, Target::default()))
        }
        path => {
            let (route, _) = path.strip_prefix(EXT_AUTHZ)?.split_once('/')?;
            let told = Target { path: whole.get(EXT_AUTHZ.len() + route.len()..), ..forwarded(headers) };
            let asked = uri.authority().map(axum::http::uri::Authority::as_str);
            Some(Question {
                dialect: Dialect::ExtAuthz,
                route: Some(route),
                method: request.method().as_str(),
                is_method_certain: true,
                headers,
                target: Target { host: asked.or_else(|| header(headers, header::HOST.as_str())), ..told },
            })
        }
    }
}

/// A question that stands beside the client's request: what the request was like is told in headers. `methods` are
/// those that tell its method, in the order in which they are believed.
fn beside<'a>(
    dialect: Dialect,
    query: &'a str,
    headers: &'a HeaderMap,
    methods: &[&str],
    original: Target<'a>,
) -> Question<'a> {
    // What is no text says something else than any method.
    let told = || {
        methods.iter().flat_map(|name| headers.get_all(*name)).map(|value| value.to_str().unwrap_or_default())
    };
    let method = methods.iter().find_map(|name| header(headers, name)).unwrap_or("GET");
    Question {
        dialect,
        route: route(query),
        method,
        // A header that the proxy does not set is the client's own, who must not be able to choose how it is judged.
        is_method_certain: told().all(|said| said == method),
        headers,
        target: original.or(forwarded(headers)),
    }
}

/// The route that a query names, which needs no decoding. A query that names none, such as that of a misspelt `?rout=api`, is
/// itself taken for the name, of which there is no route, lest the one called default judge in the place of a stricter one.
fn route(query: &str) -> Option<&str> {
    let pairs = query.strip_prefix('?').filter(|pairs| !pairs.is_empty())?;
    let named = pairs.split('&').find_map(|pair| pair.strip_prefix("route=")).filter(|name| !name.is_empty());
    Some(named.unwrap_or(query))
}

/// What the headers `X-Forwarded-Proto`, `-Host` and `-Uri` tell.
fn forwarded(headers: &HeaderMap) -> Target<'_> {
    let last = |name| header(headers, name).and_then(|value| value.rsplit(',').next()).map(str::trim);
    Target {
        scheme: last("x-forwarded-proto"),
        host: last("x-forwarded-host"),
        // An address may have commas in it.
        path: header(headers, "x-forwarded-uri"),
    }
}

/// The value of a header. Of several lines the last one is that of the proxy that asks.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let last = headers.get_all(name).iter().next_back()?;
    last.to_str().ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn request(uri: &str, headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::builder().method("PATCH").uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    fn url(question: &Question<'_>) -> String {
        question.target.url(false).unwrap_or_default()
    }

    #[test]
    fn nginx_tells_the_whole_address() {
        let asked = request(
            "/auth-request?route=api",
            &[("x-original-url", "https://app.example/a?b=c,d"), ("x-original-method", "POST")],
        );
        let question = question(&asked).unwrap();
        assert_eq!((question.route, question.method), (Some("api"), "POST"));
        assert_eq!(url(&question), "https://app.example/a?b=c,d");
        assert!(question.is_method_certain);
    }

    #[test]
    fn a_client_cannot_choose_its_method() {
        for name in ["x-forwarded-method", "x-original-method"] {
            let asked = request(AUTH_REQUEST, &[(name, "OPTIONS"), ("x-original-method", "POST")]);
            assert!(!question(&asked).unwrap().is_method_certain, "{name}");
        }
        let mut unreadable = request(AUTH_REQUEST, &[("x-forwarded-method", "OPTIONS")]);
        unreadable.headers_mut().insert("x-original-method", HeaderValue::from_bytes(b"\xff").unwrap());
        assert!(!question(&unreadable).unwrap().is_method_certain);
        let asked = request(AUTH_REQUEST, &[("x-original-method", "OPTIONS"), ("x_forwarded_method", "GET")]);
        assert!(question(&asked).unwrap().is_method_certain);
        assert_eq!(question(&request(AUTH_REQUEST, &[])).unwrap().method, "GET");
    }

    #[test]
    fn of_what_is_forwarded_twice_the_last_counts() {
        let asked = request(
            "/forward-auth?x=1&route=a.b",
            &[
                ("x-forwarded-host", "evil.example"),
                ("x-forwarded-host", "evil.example, app.example"),
                ("x-forwarded-proto", "https, http"),
                ("x-forwarded-uri", "/evil"),
                ("x-forwarded-uri", "/a,b?c"),
                ("x-forwarded-method", "DELETE"),
            ],
        );
        let question = question(&asked).unwrap();
        assert_eq!((question.route, question.method), (Some("a.b"), "DELETE"));
        assert_eq!(url(&question), "http://app.example/a,b?c");
    }

    #[test]
    fn envoy_asks_with_the_request_itself() {
        let asked = request(
            "/ext-authz/api/a%2Fb//c?d=/e",
            &[("host", "app.example"), ("x-forwarded-proto", "https"), ("x-forwarded-uri", "/evil")],
        );
        let question = question(&asked).unwrap();
        assert_eq!((question.route, question.method), (Some("api"), "PATCH"));
        assert_eq!(url(&question), "https://app.example/a%2Fb//c?d=/e");
        let root = request("/ext-authz/default/", &[("host", "app.example")]);
        assert_eq!(url(&super::question(&root).unwrap()), "http://app.example/");
    }

    #[test]
    fn a_misspelt_query_names_no_route_that_there_is() {
        for (uri, route) in [
            ("/auth-request", None),
            ("/auth-request?", None),
            ("/auth-request?rout=api", Some("?rout=api")),
            ("/forward-auth?route=", Some("?route=")),
            ("/forward-auth?Route=api", Some("?Route=api")),
            ("/forward-auth?api", Some("?api")),
        ] {
            assert_eq!(question(&request(uri, &[])).unwrap().route, route, "{uri}");
        }
    }

    #[test]
    fn elsewhere_nobody_asks() {
        for path in ["/", "/auth-request/x", "/forward-authx", "/ext-authz", "/ext-authz/api"] {
            assert!(question(&request(path, &[])).is_none(), "{path}");
        }
    }
}
