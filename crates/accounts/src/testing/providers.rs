//! Providers that say what a test has them say.

use std::sync::Mutex;

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use sessera_config::sections::oidc::Provider;
use sessera_model::Timestamp;

use crate::linked::ProviderTokens;
use crate::providers::{
    Answer, AuthorizationRedirect, OpenedToken, ProviderError, Providers, Question, Vouched,
};

/// Providers that say what a test has them say.
#[derive(Default)]
pub(crate) struct StubProviders {
    /// Who signs in next: claims, or why nobody does.
    pub(crate) person: Mutex<Option<Result<Value, ProviderError>>>,
    /// The nonces and verifiers of those who were sent here, and of those who came back.
    pub(crate) seen: Mutex<Vec<(String, Option<String>)>>,
}

impl StubProviders {
    /// Has a person sign in next.
    pub(crate) fn say(&self, person: Value) {
        *self.person.lock().unwrap() = Some(Ok(person));
    }

    /// Has nobody sign in next.
    pub(crate) fn fail(&self, error: ProviderError) {
        *self.person.lock().unwrap() = Some(Err(error));
    }

    fn claims(&self) -> Result<Map<String, Value>, ProviderError> {
        let mut claims = json!({"iss": "https://provider.example"});
        let person = self.person.lock().unwrap().clone().expect("nobody signs in")?;
        for (name, value) in person.as_object().unwrap() {
            claims[name] = value.clone();
        }
        Ok(claims.as_object().unwrap().clone())
    }
}

#[async_trait]
impl Providers for StubProviders {
    async fn way(
        &self,
        provider: &Provider,
        question: Question<'_>,
    ) -> Result<AuthorizationRedirect, ProviderError> {
        if provider.id == "away" {
            return Err(ProviderError::Misconfigured("nobody is there".into()));
        }
        let pair = (question.nonce.to_owned(), Some(question.verifier.to_owned()));
        self.seen.lock().unwrap().push(pair);
        let hints: Vec<String> =
            question.hints.iter().map(|(name, value)| format!("&{name}={value}")).collect();
        let refresh = if question.is_refresh { "&again" } else { "" };
        let url = format!("https://provider.example/?state={}{refresh}{}", question.state, hints.concat());
        Ok(AuthorizationRedirect { url, is_verified: true })
    }

    async fn vouched(&self, _: &Provider, answer: Answer<'_>) -> Result<Vouched, ProviderError> {
        self.seen.lock().unwrap().push((answer.nonce.to_owned(), answer.verifier.map(str::to_owned)));
        let claims = self.claims()?;
        // Each of its tokens is another one.
        let access_token =
            Some(format!("access to {}", claims.get("email").and_then(Value::as_str).unwrap_or_default()));
        Ok(Vouched { tokens: ProviderTokens { access_token, ..ProviderTokens::default() }, claims })
    }

    async fn opened(&self, _: &Provider, _: &str, _: Timestamp) -> Result<OpenedToken, ProviderError> {
        Ok(OpenedToken { claims: self.claims()?, may_lack_nonce: false })
    }
}
