//! Holding a token of one session and template, for programs that carry a session.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde_json::Value;
use sessera_jose::base64url;
use url::form_urlencoded::byte_serialize;

use crate::shared::Shared;
use crate::{Error, Fetch, OverHttp};

/// An answer to a request that carried the token.
pub trait Answered {
    /// Its status.
    fn status(&self) -> u16;
}

impl<B> Answered for http::Response<B> {
    fn status(&self) -> u16 {
        self.status().as_u16()
    }
}

impl Answered for reqwest::Response {
    fn status(&self) -> u16 {
        self.status().as_u16()
    }
}

/// Holds a token, and renews it in time. Tasks may share it.
pub struct TokenHolder {
    address: String,
    session_token: String,
    fetch: Arc<dyn Fetch>,
    elapsed: Box<dyn Fn() -> Duration + Send + Sync>,
    held: Shared<Held>,
    /// Set once the session is gone.
    gone: OnceLock<Error>,
}

struct Held {
    token: String,
    renew_at: Duration,
    ends_at: Duration,
}

impl TokenHolder {
    /// A holder of a token of a native session: `server` is the public address of Sessera.
    pub fn new(server: &str, template: &str, session_token: &str) -> Result<Self, reqwest::Error> {
        // The clock on the wall may be wrong, and is set now and then. This one only goes on.
        let began = Instant::now();
        Ok(Self::with(server, template, session_token, Arc::new(OverHttp::new()?), move || began.elapsed()))
    }

    /// A holder with a way to ask and a clock of your own, which only goes on.
    pub fn with(
        server: &str,
        template: &str,
        session_token: &str,
        fetch: Arc<dyn Fetch>,
        elapsed: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> Self {
        let server = server.strip_suffix('/').unwrap_or(server);
        let name: String = byte_serialize(template.as_bytes()).collect();
        let address = format!("{server}/sessions/whoami?tokenize_as={name}");
        let (session_token, elapsed) = (session_token.to_owned(), Box::new(elapsed));
        Self { address, session_token, fetch, elapsed, held: Shared::default(), gone: OnceLock::new() }
    }

    /// A token that is good now. It is [`Error::SessionGone`] when the person has to sign in.
    pub async fn token(&self) -> Result<String, Error> {
        let held = self.held.known();
        if let Some(held) = &held
            && self.gone.get().is_none()
            && (self.elapsed)() < held.renew_at
        {
            return Ok(held.token.clone());
        }
        match (self.after(held.clone()).await, held) {
            (Err(Error::Unavailable(_)), Some(held)) if (self.elapsed)() < held.ends_at => {
                Ok(held.token.clone())
            }
            (renewed, _) => renewed,
        }
    }

    /// Sends a request, which `send` makes for a token. An answer 401 makes a new token be fetched and the request be
    /// sent once more.
    pub async fn send<A, E, F>(&self, send: impl Fn(String) -> F) -> Result<A, E>
    where
        A: Answered,
        E: From<Error>,
        F: Future<Output = Result<A, E>>,
    {
        let token = self.token().await?;
        let answer = send(token.clone()).await?;
        if answer.status() != 401 {
            return Ok(answer);
        }
        let newer = match self.held.known() {
            Some(held) if held.token != token => Ok(held.token.clone()),
            refused => self.after(refused).await,
        };
        match newer {
            Ok(newer) => send(newer).await,
            Err(gone @ Error::SessionGone(_)) => Err(gone.into()),
            Err(_) => Ok(answer),
        }
    }

    /// The token that follows one that does not serve any more.
    async fn after(&self, held: Option<Arc<Held>>) -> Result<String, Error> {
        let seconds = || i64::try_from((self.elapsed)().as_secs()).unwrap_or(i64::MAX);
        self.held.after(held, seconds, self.obtain()).await.map(|held| held.token.clone())
    }

    /// Asks for a token.
    async fn obtain(&self) -> Result<Held, Error> {
        if let Some(gone) = self.gone.get() {
            return Err(gone.clone());
        }
        let now = (self.elapsed)();
        let unavailable = |why: String| Error::Unavailable(format!("no token can be had: {why}"));
        let answer = self.fetch.get(&self.address, Some(&self.session_token)).await.map_err(unavailable)?;
        match answer.status {
            200 => {}
            401 | 403 => return Err(self.gone.get_or_init(|| Error::SessionGone(answer.status)).clone()),
            other => return Err(unavailable(format!("the server answers {other}{}", reason(&answer.body)))),
        }
        let session: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let token = session.get("tokenized").and_then(Value::as_str).unwrap_or_default();
        let life =
            life(token).ok_or_else(|| unavailable("the token does not say how long it lives".into()))?;
        Ok(Held { token: token.to_owned(), renew_at: now + life * 3 / 4, ends_at: now + life })
    }
}

/// What a server says about an answer that is no token, behind a colon.
fn reason(body: &[u8]) -> String {
    let told: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |place| told.pointer(place).and_then(Value::as_str).filter(|text| !text.is_empty());
    let why = text("/error/reason").or_else(|| text("/error/message"));
    why.map(|why| format!(": {why:.500}")).unwrap_or_default()
}

/// How long a token lives. It is for others to check.
fn life(token: &str) -> Option<Duration> {
    let payload = base64url::decode(token.split('.').nth(1)?)?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    let time = |name: &str| claims.get(name).and_then(Value::as_u64);
    time("exp")?.checked_sub(time("iat")?).map(Duration::from_secs).filter(|life| !life.is_zero())
}
