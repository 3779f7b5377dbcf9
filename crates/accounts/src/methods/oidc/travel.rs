//! The way to a provider and back.

use serde_json::{Map, Value};
use sessera_model::TokenHash;

use super::{Configured, NAME, Oidc, shares_callback};
use crate::flows::error::FlowError;
use crate::flows::flow::{Details, Flow, Transport};
use crate::flows::method::Departure;
use crate::flows::trip::{self, Back, Trip};
use crate::flows::visit::Visit;
use crate::linked::ProviderTokens;
use crate::messages::Message;
use crate::providers::{Answer, ProviderError, Question};
use crate::schema::normalise::is_invisible;
use crate::submission::Submission;

/// What a form may tell a provider.
const HINTS: [&str; 4] = ["acr_values", "auth_type", "hd", "prompt"];

/// The longest subject and the longest hint, in bytes.
const MAX_BYTES: usize = 255;

/// Somebody's account at a provider, with an issuer and a subject that can be kept.
pub(super) struct ProviderAccount {
    pub(super) claims: Map<String, Value>,
    pub(super) tokens: ProviderTokens,
}

impl ProviderAccount {
    /// What the provider calls them.
    pub(super) fn subject(&self) -> &str {
        self.claims.get("sub").and_then(Value::as_str).unwrap_or_default()
    }

    /// Claims that name somebody. The error is for whoever signs in.
    fn of(claims: Map<String, Value>, tokens: ProviderTokens) -> Result<Self, Message> {
        let told = Self { claims, tokens };
        let has_issuer = told.claims.get("iss").and_then(Value::as_str).is_some_and(|iss| !iss.is_empty());
        if !has_issuer || !(1..=MAX_BYTES).contains(&told.subject().len()) {
            return Err(Message::invalid(
                "The provider does not say who you are. Try another way to sign in.",
            ));
        }
        Ok(told)
    }
}

/// Sends somebody from a flow to a provider.
pub(super) async fn depart<D: Details>(
    visit: &Visit<'_>,
    flow: &mut Flow<D>,
    submission: &Submission,
    provider: &Configured,
    is_refresh: bool,
) -> Result<Departure, FlowError> {
    let random = visit.accounts.random.as_ref();
    let state = trip::new_state(random, D::KIND, flow.id);
    let (nonce, verifier) = (random.base64url(32), random.base64url(32));
    let (browser, new_cookie) = match flow.transport {
        Transport::Browser => {
            let (hash, new_cookie) = visit.traveller();
            (Some(hash), new_cookie)
        }
        Transport::Api => (None, None),
    };
    let hints = hints(submission);
    let question = Question {
        redirect_uri: &provider.redirect_uri,
        state: &state,
        nonce: &nonce,
        verifier: &verifier,
        is_refresh,
        hints: &hints,
        now: visit.now,
    };
    let way = match visit.accounts.providers.way(&provider.rules, question).await {
        Ok(way) => way,
        Err(error) => return Err(failed(provider, error, new_cookie)),
    };
    flow.trip = Some(Trip {
        method: NAME.into(),
        provider: provider.rules.id.clone(),
        callback: (!shares_callback(&provider.rules)).then(|| provider.rules.id.clone()),
        state: TokenHash::of(&state),
        browser,
        nonce,
        verifier: way.is_verified.then_some(verifier),
        traits: submission.traits(),
        transient_payload: submission.get("transient_payload").cloned(),
    });
    Ok(Departure { url: way.url, new_cookie })
}

fn failed(provider: &Configured, error: ProviderError, new_cookie: Option<String>) -> FlowError {
    FlowError::Provider { provider: provider.rules.id.clone(), error, new_cookie }
}

/// What a form tells the provider.
fn hints(submission: &Submission) -> Vec<(String, String)> {
    let given = submission.get("upstream_parameters").and_then(Value::as_object);
    let hint = |name: &&str| {
        let text = given?.get(*name)?.as_str().filter(|text| (1..=MAX_BYTES).contains(&text.len()))?;
        Some(((*name).to_owned(), text.to_owned()))
    };
    HINTS.iter().filter_map(hint).collect()
}

/// A text of a provider in a sentence of ours: its beginning, without what cannot be seen.
fn quoted(text: &str) -> String {
    text.chars().filter(|c| !is_invisible(*c)).take(200).collect()
}

impl Oidc {
    /// What a provider says of somebody who comes back. The message within is for them.
    pub(super) async fn answered<'a>(
        &'a self,
        visit: &Visit<'_>,
        trip: &Trip,
        back: &Back,
    ) -> Result<(&'a Configured, Result<ProviderAccount, Message>), FlowError> {
        let provider = self.provider(&trip.provider)?;
        let name = provider.rules.name();
        if let Some(error) = back.parameter("error") {
            let why = back.parameter("error_description").unwrap_or("it says no more");
            let reason = format!("{name} answered \"{}\": {}.", quoted(error), quoted(why));
            return Ok((provider, Err(Message::invalid(reason))));
        }
        // DingTalk calls it otherwise.
        let Some(code) = back.parameter("code").or_else(|| back.parameter("authCode")) else {
            let reason = format!("{name} sent you back without a code. Try again.");
            return Ok((provider, Err(Message::invalid(reason))));
        };
        let answer = Answer {
            redirect_uri: &provider.redirect_uri,
            code,
            parameters: &back.parameters,
            nonce: &trip.nonce,
            verifier: trip.verifier.as_deref(),
            now: visit.now,
        };
        let told = match visit.accounts.providers.vouched(&provider.rules, answer).await {
            Ok(vouched) => ProviderAccount::of(vouched.claims, vouched.tokens),
            Err(ProviderError::Refused(why)) => Err(refused(provider, &why)),
            Err(error) => return Err(failed(provider, error, None)),
        };
        Ok((provider, told))
    }

    /// What a provider says in the token that a native app brings along. The message within is for whoever signs in.
    pub(super) async fn opened(
        &self,
        visit: &Visit<'_>,
        provider: &Configured,
        submission: &Submission,
        id_token: &str,
    ) -> Result<Result<ProviderAccount, Message>, FlowError> {
        let asked = visit.accounts.providers.opened(&provider.rules, id_token, visit.now).await;
        let opened = match asked {
            Ok(opened) => opened,
            Err(ProviderError::Refused(why)) => return Ok(Err(refused(provider, &why))),
            Err(error) => return Err(failed(provider, error, None)),
        };
        let nonce = opened.claims.get("nonce").and_then(Value::as_str);
        let given = submission.text("id_token_nonce").ok().flatten();
        let is_bound = match (nonce, given) {
            (None, _) => opened.may_lack_nonce,
            (Some(nonce), Some(given)) => nonce == given,
            (Some(_), None) => false,
        };
        if !is_bound {
            let why = match (nonce, given) {
                (None, _) => {
                    "The id_token names no nonce. Ask the provider for a token with one, and submit the same as id_token_nonce."
                }
                (_, None) => "The id_token names a nonce. Submit the same as id_token_nonce.",
                _ => {
                    "The id_token names another nonce than id_token_nonce. Submit the one that the provider was asked with."
                }
            };
            return Err(failed(provider, ProviderError::NotTaken(why.into()), None));
        }
        Ok(ProviderAccount::of(opened.claims, ProviderTokens::default()))
    }
}

fn refused(provider: &Configured, why: &str) -> Message {
    tracing::warn!(provider = %provider.rules.id, why, "the answer of a provider is not accepted");
    let name = provider.rules.name();
    Message::invalid(format!(
        "What {name} says is not accepted here. Try again, or tell whoever runs this site."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_says_turns_no_sentence_of_ours_around() {
        assert_eq!(quoted("denied\u{202e}\u{2066}\r\n\u{200b}: <b>"), "denied: <b>");
        assert_eq!(quoted(&"\u{e9}".repeat(300)).chars().count(), 200);
    }
}
