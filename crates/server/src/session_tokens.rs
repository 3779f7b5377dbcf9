//! What routes do with a live session: they make sure that it has proven enough, and they make tokens of it.

use std::sync::Arc;

use opentelemetry::Context;
use sessera_issuer::tokens::TokenSteps;
use sessera_issuer::{IssuerError, LiveSession, Sessions, TokenIssuer};

use sessera_contract::answer::ApiError;
use sessera_node::Snapshot;
use sessera_telemetry::Traces;

/// Sessions and the issuer of their tokens, with traces where they are configured.
#[derive(Clone)]
pub(crate) struct SessionTokens {
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) tokens: Arc<TokenIssuer>,
    pub(crate) traces: Option<Arc<Traces>>,
}

/// Makes sure that a session has proven all factors that its owner has set up, where the configuration asks for
/// that. The answer is 403 `session_aal2_required` otherwise.
pub(crate) async fn require_assurance(
    sessions: &Sessions,
    snapshot: &Snapshot,
    live: &LiveSession,
) -> Result<(), ApiError> {
    sessions.require_assurance(&snapshot.issuer, live).await.map_err(|error| {
        let is_second_needed = matches!(error, IssuerError::SecondFactorNeeded);
        let error = ApiError::from(error);
        if is_second_needed {
            error.with_proof_at(snapshot.accounts.rules.url("self-service/login/browser?aal=aal2"))
        } else {
            error
        }
    })
}

impl SessionTokens {
    /// Does what [`require_assurance`] does.
    pub(crate) async fn require_assurance(
        &self,
        snapshot: &Snapshot,
        live: &LiveSession,
    ) -> Result<(), ApiError> {
        require_assurance(&self.sessions, snapshot, live).await
    }

    /// The token of a live session by a template.
    pub(crate) async fn token(
        &self,
        snapshot: &Snapshot,
        template: &str,
        live: &LiveSession,
    ) -> Result<String, ApiError> {
        let mut steps = TokenSteps::default();
        let token = self.tokens.token(&snapshot.issuer, template, live, &mut steps).await;
        if let Some(traces) = &self.traces {
            Context::map_current(|request| traces.token(request, steps));
        }
        Ok(token?)
    }
}
