//! What handlers take from requests, with errors in the envelope of the API.

use std::borrow::Cow;
use std::collections::HashSet;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sessera_http::media_type::is_json;
use sessera_model::json::oversized_integer;
use uuid::Uuid;

use crate::answer::ApiError;

/// How many parameters a query may have.
const MAX_PARAMETERS: usize = 1000;

/// A name and a value of a query.
type Pair<'q> = (Cow<'q, str>, Cow<'q, str>);

/// The parameters of a query in their order. The answer is 400 when there are too many.
fn parameters(query: &str) -> Result<Vec<Pair<'_>>, ApiError> {
    let parameters: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).take(MAX_PARAMETERS + 1).collect();
    if parameters.len() > MAX_PARAMETERS {
        return Err(ApiError::bad_request(format!(
            "The query has too many parameters: {MAX_PARAMETERS} at the most."
        )));
    }
    Ok(parameters)
}

/// An id as a path or a form gives it. The answer is 400 when it is no UUID.
pub fn parse_id(text: &str) -> Result<Uuid, ApiError> {
    Uuid::parse_str(text).map_err(|_| {
        ApiError::bad_request("The id in the path is not a UUID. Check the address that was called.")
    })
}

/// A JSON body, of any media type that is JSON. Members that are not known are passed over; of two
/// members of one name the last one counts.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let JsonText(body) = JsonText::from_request(request, state).await?;
        parse(&body).map(Self)
    }
}

/// The text of a body that is declared to be JSON, not yet parsed.
#[derive(Debug)]
pub struct JsonText(pub Bytes);

impl JsonText {
    /// The values in it.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        parse(&self.0)
    }
}

impl<S: Send + Sync> FromRequest<S> for JsonText {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::unsupported_media_type(
                "Send JSON and the header Content-Type: application/json.",
            ));
        }
        // The body was read whole before; see `sessera_http::body`.
        Bytes::from_request(request, state).await.map(Self).map_err(ApiError::internal)
    }
}

/// Reads JSON text. It goes through a tree, in which the last of several members of one name stays.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let tree: Value = serde_json::from_slice(body)
        .map_err(|error| ApiError::bad_request(format!("The body is not JSON: {error}.")))?;
    if let Some(number) = oversized_integer(body) {
        return Err(ApiError::bad_request(format!(
            "The number {number} has more digits than can be kept. Send it as a string, in quotes."
        )));
    }
    serde_json::from_value(tree)
        .map_err(|error| ApiError::bad_request(format!("The body does not have the right form: {error}.")))
}

/// The last part of a path that is a name.
#[derive(Debug)]
pub struct Segment(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Path::from_request_parts(parts, state).await.map(|Path(text)| Self(text))
    }
}

/// The parts of a path that are names.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(names)) => Ok(Self(names)),
            Err(_) => {
                Err(ApiError::bad_request("The path is not UTF-8 text. Check the address that was called."))
            }
        }
    }
}

/// The parameters of a query as a type. Those that are not known are passed over; of one that comes
/// several times the first counts.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut first = url::form_urlencoded::Serializer::new(String::new());
        let mut seen = HashSet::new();
        for (name, value) in parameters(parts.uri.query().unwrap_or_default())? {
            if !seen.contains(&name) {
                first.append_pair(&name, &value);
                seen.insert(name);
            }
        }
        serde_urlencoded::from_str(&first.finish()).map(Self).map_err(|error| {
            ApiError::bad_request(format!("A parameter of the query has the wrong form: {error}."))
        })
    }
}

/// The parameters of a query, in which a name may come several times.
#[derive(Debug, Default)]
pub struct Parameters(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}

impl Parameters {
    /// Reads a query. The answer is 400 when it has too many parameters.
    pub fn parse(query: &str) -> Result<Self, ApiError> {
        let owned = |(name, value): Pair<'_>| (name.into_owned(), value.into_owned());
        parameters(query).map(|parameters| Self(parameters.into_iter().map(owned).collect()))
    }

    /// The first value of a name that is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, value)| *known == name && !value.is_empty()).map(|(_, value)| value)
    }

    /// All values of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value)
    }

    /// All names with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A yes or no. The answer is 400 when it is another word.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some("true" | "1" | "t" | "T" | "TRUE" | "True") => Ok(Some(true)),
            Some("false" | "0" | "f" | "F" | "FALSE" | "False") => Ok(Some(false)),
            Some(_) => Err(ApiError::bad_request(format!("The parameter {name} is neither true nor false."))),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, Debug, PartialEq)]
    struct Point {
        x: u32,
    }

    #[tokio::test]
    async fn a_number_that_would_lose_digits_is_refused() {
        assert_eq!(
            decode("application/json", r#"{"x": 1, "y": 18446744073709551615}"#).await,
            Ok(Point { x: 1 })
        );
        assert_eq!(decode("application/json", r#"{"x": 1, "y": 18446744073709551616}"#).await, Err(400));
        assert_eq!(
            decode("application/json", r#"{"x": 1, "y": "18446744073709551616"}"#).await,
            Ok(Point { x: 1 })
        );
    }

    async fn decode(content_type: &str, body: impl Into<Body>) -> Result<Point, u16> {
        let request = Request::builder().header("content-type", content_type).body(body.into()).unwrap();
        match JsonBody::from_request(request, &()).await {
            Ok(JsonBody(point)) => Ok(point),
            Err(error) => Err(error.code()),
        }
    }

    #[tokio::test]
    async fn bodies_are_json() {
        for content_type in
            ["application/json", "Application/JSON; charset=utf-8", "application/json-patch+json"]
        {
            assert_eq!(decode(content_type, r#"{"x": 1, "unknown": [], "x": 2}"#).await, Ok(Point { x: 2 }));
        }
        for content_type in ["", "text/plain", "application/x-www-form-urlencoded"] {
            assert_eq!(decode(content_type, r#"{"x": 1}"#).await, Err(415), "{content_type}");
        }
    }

    #[tokio::test]
    async fn what_is_broken_is_refused() {
        let nested = "[".repeat(100_000);
        for body in [b"{".as_slice(), b"", b"{\"x\": \"\xff\"}", b"{\"x\": \"1\"}", b"[]", nested.as_bytes()]
        {
            assert_eq!(decode("application/json", body.to_vec()).await, Err(400));
        }
    }

    #[tokio::test]
    async fn queries_have_types_and_the_first_value_counts() {
        let query = async |query: &str| {
            let (mut parts, ()) = Request::builder().uri(format!("/?{query}")).body(()).unwrap().into_parts();
            Query::<Point>::from_request_parts(&mut parts, &()).await
        };
        assert_eq!(query("x=1&x=2&y=3&x").await.unwrap().0, Point { x: 1 });
        let many = "x=1&".repeat(MAX_PARAMETERS + 1);
        for bad in ["", "x=a", "x=%ff", &many] {
            assert_eq!(query(bad).await.unwrap_err().code(), 400, "{bad}");
        }
        assert!(Parameters::parse(&many).is_err());
    }

    #[test]
    fn a_parameter_may_come_several_times() {
        let parameters = Parameters::parse("a=&a=1&b=x%20y&a=2&flag=false&bad=maybe").unwrap();
        assert_eq!(parameters.get("a"), Some("1"));
        assert_eq!(parameters.all("a").collect::<Vec<_>>(), ["", "1", "2"]);
        assert_eq!(parameters.get("b"), Some("x y"));
        assert_eq!(parameters.flag("flag").unwrap(), Some(false));
        assert_eq!(parameters.flag("none").unwrap(), None);
        assert!(parameters.flag("bad").is_err());
    }
}
