//! Sessions from files and from the answers of servers.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use sessera_issuer::tried::TriedSession;
use url::Url;

use crate::input;

/// How long a server may take to tell of a session.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Reads a session in the form of `GET /sessions/whoami`. `-` is standard input.
pub(crate) fn read(source: &str) -> Result<TriedSession> {
    let session = TriedSession::parse(&input::read(source)?);
    session.with_context(|| format!("{} is not a session", input::name(source)))
}

/// Asks whoami at a public API for the session that a session token opens.
pub(crate) async fn told(base: &str, token: &str) -> Result<TriedSession> {
    let mut url = Url::parse(base).map_err(|_| {
        anyhow!("\"{base}\" is no address of a public API: write one as in https://id.example.org")
    })?;
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["sessions", "whoami"]);
    }
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIMEOUT)
        .build()?;
    let asked = http.get(url.clone()).header("X-Session-Token", token).send().await;
    let response = asked.with_context(|| {
        format!("{base} cannot be reached: name the public API that knows the token by --from")
    })?;
    match response.status().as_u16() {
        200 => TriedSession::parse(&response.bytes().await?)
            .with_context(|| format!("{url} answers something that is not a session: name the public API that knows the token by --from")),
        401 => bail!("{base} knows no session of this token: sign in there and take a new one, or name the public API that knows the token by --from"),
        403 => bail!("{base} does not show the session before its owner has proven more: sign in with the second factor, and take that token"),
        status => bail!("{url} answers {status}: name the public API that knows the token by --from"),
    }
}
