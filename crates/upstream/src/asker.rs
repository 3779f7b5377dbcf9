//! Questions to the upstream in its own protocol.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde_json::Value;
use sessera_config::UpstreamConfig;
use sessera_issuer::sessions::Presented;
use sessera_issuer::upstream::{Asker, Refusal, RefusalKind, Reply, Unanswered};
use sessera_model::{Clock, Timestamp, Uuid};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::client::{Api, Client, Unsent};
use crate::said::Said;

/// The largest answer in bytes.
const MAX_ANSWER: usize = 1024 * 1024;

/// Not even an answer that another server has kept for a moment: the edge of Ory Network keeps answers for minutes
/// otherwise.
const NOTHING_KEPT: HeaderValue = HeaderValue::from_static("max-age=0");

const SESSION_TOKEN: HeaderName = HeaderName::from_static("x-session-token");

/// How long the upstream allows others to keep an answer, in seconds.
const CACHE_FOR: HeaderName = HeaderName::from_static("ory-session-cache-for");

/// Asks over HTTP.
pub struct HttpAsker {
    client: Arc<Client>,
    /// The name of the upstream's session cookie.
    cookie: String,
    clock: Arc<dyn Clock>,
}

impl HttpAsker {
    /// Asks the upstream of a configuration over `client`.
    pub fn new(client: Arc<Client>, config: &UpstreamConfig, clock: Arc<dyn Clock>) -> Self {
        Self { client, cookie: config.cookie.clone(), clock }
    }

    /// Sends a request and reads the head of the answer.
    async fn ask(
        &self,
        method: Method,
        api: &Api,
        path: &str,
        credential: Option<(HeaderName, HeaderValue)>,
    ) -> Result<Response<Incoming>, Unanswered> {
        let uri = api.uri(path).ok_or_else(|| Unanswered::new("has no address for this question"))?;
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, NOTHING_KEPT);
        if let Some(authorization) = &api.authorization {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        if let Some((name, value)) = credential {
            headers.insert(name, value);
        }
        self.client.send(request).await.map_err(|why| match why {
            Unsent::Unanswered(why) => why,
            // Questions have no bodies.
            Unsent::Body => Unanswered::new("was asked in vain"),
        })
    }

    fn admin(&self) -> Result<&Api, Unanswered> {
        self.client.admin.as_ref().ok_or_else(|| Unanswered::new("has no admin API that is known"))
    }
}

#[async_trait]
impl Asker for HttpAsker {
    async fn whoami(&self, presented: Presented<'_>) -> Result<Reply, Unanswered> {
        let Some(credential) = self.credential(presented) else {
            // What cannot stand in a header was never given out.
            return Ok(Reply::Refused(no_session()));
        };
        let response =
            self.ask(Method::GET, &self.client.public, "/sessions/whoami", Some(credential)).await?;
        match Said::of(&response) {
            Said::Done => session(response).await,
            Said::Refused(kind) => Ok(Reply::Refused(refusal(kind, response, self.clock.now()).await)),
            Said::Missing | Said::Other => Err(unexpected(&response)),
        }
    }

    async fn session(&self, id: Uuid) -> Result<Reply, Unanswered> {
        let path = format!("/admin/sessions/{id}?expand=identity&expand=devices");
        let response = self.ask(Method::GET, self.admin()?, &path, None).await?;
        match Said::of(&response) {
            Said::Done => session(response).await,
            Said::Missing => missing(response).await.map(|()| Reply::Unknown),
            // Everything else is between this server and the upstream, and nothing that a caller did.
            Said::Refused(RefusalKind::TooMany) => {
                Ok(Reply::Refused(refusal(RefusalKind::TooMany, response, self.clock.now()).await))
            }
            Said::Refused(_) | Said::Other => Err(unexpected_of_admin(&response)),
        }
    }

    async fn revoke(&self, id: Uuid) -> Result<(), Unanswered> {
        let path = format!("/admin/sessions/{id}");
        let response = self.ask(Method::DELETE, self.admin()?, &path, None).await?;
        match Said::of(&response) {
            Said::Done => Ok(()),
            Said::Missing => missing(response).await,
            Said::Refused(_) | Said::Other => Err(unexpected_of_admin(&response)),
        }
    }
}

impl HttpAsker {
    /// The session token or cookie as a header. Nothing else of a request is ever sent along.
    fn credential(&self, presented: Presented<'_>) -> Option<(HeaderName, HeaderValue)> {
        let (name, text) = match presented {
            Presented::Token(token) => (SESSION_TOKEN, token.to_owned()),
            Presented::Cookie(value) => (header::COOKIE, format!("{}={value}", self.cookie)),
            Presented::Bearer(token) => (header::AUTHORIZATION, format!("Bearer {token}")),
        };
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    }
}

fn no_session() -> Refusal {
    Refusal {
        kind: RefusalKind::NoSession,
        body: Bytes::new(),
        content_type: None,
        content_encoding: None,
        cookies: Vec::new(),
        retry_after: None,
    }
}

fn unexpected(response: &Response<Incoming>) -> Unanswered {
    Unanswered::new(format!("answered with the status {}", response.status().as_u16()))
}

/// What an unexpected answer of the admin API means, which refuses those whose token it does not know.
fn unexpected_of_admin(response: &Response<Incoming>) -> Unanswered {
    let is_refused =
        matches!(Said::of(response), Said::Refused(RefusalKind::NoSession | RefusalKind::Forbidden));
    let detail =
        is_refused.then(|| "session.upstream.admin_token is not one that may read and end sessions".into());
    Unanswered { detail, ..unexpected(response) }
}

/// Makes sure that it is a Kratos that knows of no such session, and not something before it that knows of no Kratos.
async fn missing(response: Response<Incoming>) -> Result<(), Unanswered> {
    let said: Value = serde_json::from_slice(&body(response).await?).unwrap_or_default();
    if said["error"]["code"] == 404 {
        return Ok(());
    }
    Err(Unanswered {
        what: "answered its admin API with a 404 that is not of a Kratos".into(),
        detail: Some(
            "session.upstream.admin_url leads to something else: name the address of the admin API itself"
                .into(),
        ),
    })
}

async fn session(response: Response<Incoming>) -> Result<Reply, Unanswered> {
    let (cookies, cache_for) = (cookies(response.headers()), cache_for(response.headers()));
    Ok(Reply::Session { body: body(response).await?, cookies, cache_for })
}

async fn refusal(kind: RefusalKind, response: Response<Incoming>, now: Timestamp) -> Refusal {
    let headers = response.headers();
    Refusal {
        kind,
        content_type: headers.get(header::CONTENT_TYPE).map(bytes),
        content_encoding: headers.get(header::CONTENT_ENCODING).map(bytes),
        cookies: cookies(headers),
        retry_after: retry_after(headers, now),
        // It is refused, whatever its words would have been.
        body: body(response).await.unwrap_or_default(),
    }
}

async fn body(response: Response<Incoming>) -> Result<Bytes, Unanswered> {
    let body = Limited::new(response.into_body(), MAX_ANSWER);
    match body.collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            Err(Unanswered::new("answered with more than 1 MiB"))
        }
        Err(error) => {
            Err(Unanswered { what: "broke its answer off".into(), detail: Some(error.to_string()) })
        }
    }
}

fn bytes(value: &HeaderValue) -> Bytes {
    Bytes::copy_from_slice(value.as_bytes())
}

fn cookies(headers: &HeaderMap) -> Vec<Bytes> {
    headers.get_all(header::SET_COOKIE).iter().map(bytes).collect()
}

/// How long the answer may be kept, where the upstream says that. What cannot be read allows nothing.
fn cache_for(headers: &HeaderMap) -> Option<Duration> {
    let said = headers.get(CACHE_FOR)?;
    let seconds = said.to_str().ok().and_then(|text| text.trim().parse().ok());
    Some(Duration::from_secs(seconds.unwrap_or_default()))
}

/// When to come back (RFC 9110, section 10.2.3): seconds, or a date, which is compared with that of the answer, or else with
/// that of this machine.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok();
    let said = text(header::RETRY_AFTER)?.trim();
    if !said.is_empty() && said.bytes().all(|byte| byte.is_ascii_digit()) {
        // What is longer than any number is as long as can be.
        return Some(Duration::from_secs(said.parse().unwrap_or(u64::MAX)));
    }
    let date = |text: &str| OffsetDateTime::parse(text, &Rfc2822).ok();
    let of_answer = text(header::DATE).and_then(date);
    let begin = match of_answer {
        Some(date) => date,
        None => OffsetDateTime::from_unix_timestamp(now.seconds()).ok()?,
    };
    Duration::try_from(date(said)? - begin).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sun, 06 Nov 1994 08:49:38 GMT.
    const NOW: Timestamp = Timestamp::from_seconds(784_111_778);

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn the_time_to_come_back_is_seconds_or_a_date() {
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        for (said, meant) in [
            ("7", Some(7)),
            (" 7 ", Some(7)),
            ("99999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", None),
            ("soon", None),
            ("-1", None),
        ] {
            let headers = headers(&[("retry-after", said), date]);
            assert_eq!(retry_after(&headers, NOW), meant.map(Duration::from_secs), "{said}");
        }
        let without_date = headers(&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")]);
        assert_eq!(retry_after(&without_date, NOW), Some(Duration::from_secs(29)));
        assert_eq!(retry_after(&headers(&[]), NOW), None);
    }

    #[test]
    fn how_long_an_answer_may_be_kept_is_whole_seconds() {
        for (said, meant) in [("60", 60), ("0", 0), ("-1", 0), ("1.5", 0), ("59s", 0), ("", 0)] {
            assert_eq!(
                cache_for(&headers(&[("ory-session-cache-for", said)])),
                Some(Duration::from_secs(meant)),
                "{said}"
            );
        }
        assert_eq!(cache_for(&headers(&[])), None);
    }
}
