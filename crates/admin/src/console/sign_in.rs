//! `/console/sign-in` and `/console/sign-out`.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use sessera_console::sign_in::page;
use sessera_model::Secret;

use super::SIGN_IN;
use super::here::{Failed, PageContext, Sent, ok, shown};
use super::stay::{Stay, Stays};
use sessera_contract::answer::ApiError;
use sessera_contract::answer::{self, Status};
use sessera_contract::request::Parameters;

/// The form.
#[derive(Deserialize)]
struct Form {
    token: Secret,
    #[serde(default)]
    to: String,
}

pub(super) async fn get(here: PageContext, parameters: Parameters) -> Result<Response, Failed> {
    let to = within(parameters.get("to").unwrap_or_default());
    if here.stay.actor.is_some() {
        return Ok(answer::see_other(to)?);
    }
    Ok(ok(page(&here.frame(None), to, false)))
}

pub(super) async fn post(
    State(stays): State<Stays>,
    here: PageContext,
    sent: Sent,
) -> Result<Response, Failed> {
    let form: Form = sent.read()?;
    let to = within(&form.to);
    match stays.of_token(form.token.expose().trim()).await? {
        Some(stay) => {
            // Whoever signs in once more leaves nothing behind that is good.
            stays.end(&here.stay).await?;
            Ok(with(answer::see_other(to)?, stay))
        }
        None => Ok(shown(page(&here.frame(None), to, true), Status::UNPROVEN)),
    }
}

pub(super) async fn out(
    State(stays): State<Stays>,
    here: PageContext,
    _sent: Sent,
) -> Result<Response, ApiError> {
    // The browser forgets its cookie, too, where the database cannot be told that it is over.
    let response = match stays.end(&here.stay).await {
        Ok(()) => answer::see_other(SIGN_IN)?,
        Err(error) => Failed(error).into_response(),
    };
    Ok(with(response, stays.of_nobody()))
}

/// Has the guard tell the browser who it is from now on.
fn with(mut response: Response, stay: Stay) -> Response {
    response.extensions_mut().insert(stay);
    response
}

/// An address within the console; its start in place of any other.
fn within(to: &str) -> &str {
    let is_within =
        to.strip_prefix("/console").is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    // No address of the console has two slashes, and a line break is no part of one.
    let is_plain = !to.contains("//") && to.bytes().all(|byte| matches!(byte, b'!'..=b'~') && byte != b'\\');
    if is_within && is_plain && !climbs(to) { to } else { "/console" }
}

/// Whether an address leads upwards for somebody: browsers take `%2e` for a dot, and what stands between may decode more,
/// and more than once.
fn climbs(to: &str) -> bool {
    let path = to.split(['?', '#']).next().unwrap_or_default();
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let mut parts = decoded.split(['/', '\\']).map(|part| part.split(';').next().unwrap_or_default());
    decoded.contains('%') || decoded.contains("//") || parts.any(|part| matches!(part, "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn one_goes_on_within_the_console_only() {
        for to in
            ["/console", "/console?x=1", "/console?x=../..", "/console/templates/a%2Fb", "/console/keys/a..b"]
        {
            assert_eq!(within(to), to);
        }
        for to in [
            "",
            "/",
            "//evil",
            "/consolex",
            "/console//evil",
            "https://evil",
            "/console/\\evil",
            "/console/\r\nx",
            "/console/..",
            "/console/../admin/tokens",
            "/console/./../x",
            "/console/%2e%2e/x",
            "/console/.%2E/x",
            "/console/..%2fx",
            "/console/..%5Cx",
            "/console/%2f%2fevil",
            "/console/%252e%252e/x",
            "/console/..;/x",
            "/console/..?x=1",
            "/console/..#x",
        ] {
            assert_eq!(within(to), "/console", "{to}");
        }
    }
}
