//! The way of a request to a flow, whatever the flow's kind: it is begun, read or submitted, and what comes of it is
//! answered. What differs between the kinds stands in a file each.

use std::sync::Arc;

use axum::response::Response;
use serde::Deserialize;
use sessera_accounts::flows::error::FlowError;
use sessera_accounts::flows::flow::Transport;
use sessera_accounts::flows::skeleton::{Kind, Outcome};
use sessera_issuer::LiveSession;
use sessera_store::FlowKind;

use crate::answer;
use crate::error::ApiError;
use crate::public::caller::Call;

/// What a client asks for when it begins a flow.
#[derive(Deserialize)]
pub(super) struct Begin {
    /// Where a browser goes afterwards.
    pub(super) return_to: Option<String>,
}

/// Which flow is read.
#[derive(Deserialize)]
pub(super) struct ById {
    /// The id of the flow.
    pub(super) id: Option<String>,
}

/// Which flow is submitted.
#[derive(Deserialize)]
pub(super) struct ByFlow {
    /// The id of the flow.
    pub(super) flow: Option<String>,
}

/// A kind of flow with the answer to whoever has come to its end.
pub(super) trait Ending: Kind {
    /// The answer.
    fn ended(call: &Call, done: &Self::Done) -> Result<Response, ApiError>;
}

impl Call {
    /// Begins a flow. `return_to` is where a browser wants to go afterwards.
    pub(super) async fn begin<K: Kind>(
        &self,
        transport: Transport,
        return_to: Option<&str>,
        wish: K::Wish,
    ) -> Result<Response, ApiError> {
        let live = self.session_for(K::KIND).await?;
        match self.flows(live.as_deref()).begin::<K>(transport, return_to, wish).await {
            Ok(shown) => self.begun(&shown),
            Err(FlowError::SignedInAlready(transport)) => {
                // In the wire contract, recovery takes no notice of where a browser wants to go.
                let return_to = return_to.filter(|_| K::KIND != FlowKind::Recovery);
                self.signed_in_already(transport, return_to)
            }
            Err(FlowError::FirstFactorMissing) if !self.wants_json(transport) => {
                answer::see_other(&self.rules().url("self-service/login/browser"))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a flow.
    pub(super) async fn read<K: Kind>(&self, asked: &ById) -> Result<Response, ApiError> {
        let live = if K::KIND == FlowKind::Settings { self.session().await? } else { None };
        let shown = self.flows(live.as_deref()).show::<K>(asked.id.as_deref()).await?;
        let mut response = answer::ok(shown.to_json());
        self.set_new_browser(&mut response, shown.new_cookie.as_deref())?;
        Ok(response)
    }

    /// Submits a flow.
    pub(super) async fn submit<K: Ending>(&self, asked: &ByFlow, body: &[u8]) -> Result<Response, ApiError> {
        let live = self.session_for(K::KIND).await?;
        let flows = self.flows(live.as_deref());
        match flows.submit::<K>(asked.flow.as_deref(), self.body(body)).await {
            Ok(Outcome::Shown(shown, standing)) => self.shown(&shown, standing),
            Ok(Outcome::Replaced(replaced)) => self.replaced(&replaced),
            Ok(Outcome::Done(done)) => K::ended(self, &done),
            Err(FlowError::SignedInAlready(transport)) => self.signed_in_already(transport, None),
            Err(FlowError::AddressNotVerified { transport, begun: Some(begun) })
                if !self.wants_json(transport) =>
            {
                answer::see_other(&begun.page)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The live session of the request, where it means anything to whoever begins or submits a flow of a kind.
    async fn session_for(&self, kind: FlowKind) -> Result<Option<Arc<LiveSession>>, ApiError> {
        if kind == FlowKind::Verification { Ok(None) } else { self.session().await }
    }
}
