//! Calls web hooks.

use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderName, HeaderValue, Request, StatusCode, header};
use sessera_accounts::hooks::caller::{HookCaller, HookRequest, Refusal, Reply, Unanswered};

use crate::client::{Bounds, Failure, Outgoing};

/// What one call may take. A request to this server ends after 30 seconds, whatever it waits for.
const BOUNDS: Bounds = Bounds { time: Duration::from_secs(20), answer: 256 * 1024 };

/// How many calls are under way at the same time for which somebody waits.
const MOST_AWAITED: usize = 512;

/// How many others are. Whoever makes them has a bound of its own.
const MOST_BESIDE: usize = 512;

/// Calls web hooks over HTTP.
#[derive(Debug)]
pub struct HttpHooks {
    awaited: Outgoing,
    beside: Outgoing,
}

impl Default for HttpHooks {
    fn default() -> Self {
        Self { awaited: Outgoing::new(MOST_AWAITED), beside: Outgoing::new(MOST_BESIDE) }
    }
}

#[async_trait]
impl HookCaller for HttpHooks {
    async fn call(&self, request: &HookRequest) -> Result<Reply, Unanswered> {
        let outgoing = if request.is_awaited { &self.awaited } else { &self.beside };
        let answer = outgoing.send(http_request(request)?, request.addresses, BOUNDS).await;
        let answer = answer.map_err(|failure| match failure {
            Failure::TimedOut => Unanswered::TimedOut,
            Failure::Unreachable(_) => Unanswered::Away(failure.to_string()),
            Failure::Private | Failure::TooLarge(_) | Failure::Busy => {
                Unanswered::Impossible(failure.to_string())
            }
        })?;
        let status = answer.status();
        let said = || format!("it answered with the status {}", status.as_u16());
        Ok(match status {
            StatusCode::OK => Reply::Told(answer.into_body()),
            _ if status.is_success() => Reply::Well,
            StatusCode::FORBIDDEN => Reply::Forbidden(Refusal { said: said(), body: answer.into_body() }),
            StatusCode::NOT_IMPLEMENTED => Reply::Refused(Refusal { said: said(), body: answer.into_body() }),
            StatusCode::TOO_MANY_REQUESTS => Reply::Troubled(said()),
            _ if status.is_server_error() => Reply::Troubled(said()),
            _ if status.is_client_error() => {
                Reply::Refused(Refusal { said: said(), body: answer.into_body() })
            }
            _ => Reply::Strange(format!("{}, and redirections are not followed", said())),
        })
    }
}

/// The request as it goes over HTTP.
fn http_request(request: &HookRequest) -> Result<Request<Vec<u8>>, Unanswered> {
    let impossible = || Unanswered::Impossible("its address or a header cannot be sent".into());
    let mut made = Request::builder().method(request.method.as_str()).uri(request.url.as_str());
    for (name, value) in &request.headers {
        let name: HeaderName = name.parse().map_err(|_| impossible())?;
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| impossible())?;
        value.set_sensitive(true);
        made = made.header(name, value);
    }
    let mut made = made.body(request.body.clone()).map_err(|_| impossible())?;
    made.headers_mut().entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
    Ok(made)
}
