//! The way of a request to a flow, whatever the flow's kind: it is begun, read or submitted, and what comes of it is
//! answered. What differs between the kinds stands in a file each.

use axum::response::Response;
use serde::Deserialize;
use sessera_accounts::flows::crossing::{self, Crossed};
use sessera_accounts::flows::error::FlowError;
use sessera_accounts::flows::exchange;
use sessera_accounts::flows::flow::Transport;
use sessera_accounts::flows::skeleton::{Flows, Kind, Outcome};
use sessera_accounts::flows::trip::Back;
use sessera_model::Uuid;
use sessera_store::FlowKind;
use url::Url;

use crate::public::caller::{Call, CallersSessions};
use sessera_contract::answer;
use sessera_contract::answer::ApiError;

/// What a client asks for when it begins a flow.
#[derive(Deserialize)]
pub(super) struct Begin {
    /// Where a browser goes afterwards.
    pub(super) return_to: Option<String>,
}

/// What a native client asks for when it begins a flow.
#[derive(Default, Deserialize)]
pub(super) struct BeginNative {
    /// Where a browser goes afterwards.
    return_to: Option<String>,
    /// Whether the client gets a code for a session that begins in a browser.
    return_session_token_exchange_code: Option<String>,
}

/// An address with one more parameter.
pub(super) fn with_parameter(address: &str, name: &str, value: &str) -> String {
    match Url::parse(address) {
        Ok(mut url) => {
            url.query_pairs_mut().append_pair(name, value);
            url.into()
        }
        // A path of the pages' own host.
        Err(_) => format!("{address}{}{name}={value}", if address.contains('?') { '&' } else { '?' }),
    }
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
        self.begin_giving::<K>(transport, return_to, wish, false).await
    }

    /// Begins a flow for a native client, which is given a code for a session that begins in a browser when it asks for
    /// one.
    pub(super) async fn begin_native<K: Kind>(
        &self,
        asked: &BeginNative,
        wish: K::Wish,
    ) -> Result<Response, ApiError> {
        let gives_code = matches!(asked.return_session_token_exchange_code.as_deref(), Some("true" | "1"));
        self.begin_giving::<K>(Transport::Api, asked.return_to.as_deref(), wish, gives_code).await
    }

    async fn begin_giving<K: Kind>(
        &self,
        transport: Transport,
        return_to: Option<&str>,
        wish: K::Wish,
        gives_code: bool,
    ) -> Result<Response, ApiError> {
        let present = self.present_for(K::KIND).await?;
        let flows = self.flows_ending(&present);
        match flows.begin::<K>(transport, return_to, wish).await {
            Ok(shown) if gives_code => self.begun(&exchange::give_code(&flows, shown).await?),
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
        let present = self.present_for(K::KIND).await?;
        let flows = self.flows_ending(&present);
        let outcome = flows.submit::<K>(asked.flow.as_deref(), self.body(body)).await;
        self.judged(&flows, outcome).await
    }

    /// Takes what somebody brings back from another site.
    pub(super) async fn returned<K: Ending>(&self, flow: Uuid, back: &Back) -> Result<Response, ApiError> {
        let present = self.present_for(K::KIND).await?;
        let flows = self.flows_ending(&present);
        let outcome = flows.returned::<K>(flow, back).await;
        self.judged(&flows, outcome).await
    }

    /// The answer to what became of a submission.
    async fn judged<K: Ending>(
        &self,
        flows: &Flows<'_>,
        outcome: Result<Outcome<K>, FlowError>,
    ) -> Result<Response, ApiError> {
        match outcome {
            Ok(Outcome::Crosses(crossing)) => match crossing::cross(flows, crossing).await? {
                Crossed::Login(outcome) => self.arrived(outcome),
                Crossed::Registration(outcome) => self.arrived(outcome),
            },
            Ok(outcome) => self.arrived(outcome),
            Err(FlowError::SignedInAlready(transport)) => self.signed_in_already(transport, None),
            Err(FlowError::Provider { provider, error, new_cookie: Some(cookie) }) => {
                let error = FlowError::Provider { provider, error, new_cookie: None };
                let mut response = self.error(error.into()).await;
                self.set_traveller(&mut response, Some(&cookie))?;
                Ok(response)
            }
            Err(FlowError::AddressNotVerified { transport, begun: Some(begun) })
                if !self.wants_json(transport) =>
            {
                answer::see_other(&begun.page)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The answer to somebody who goes on in this flow, or has come to its end.
    fn arrived<K: Ending>(&self, outcome: Outcome<K>) -> Result<Response, ApiError> {
        match outcome {
            // A native client cannot be told in the browser in which somebody has come back.
            Outcome::Shown(shown, _) if shown.flow.is_back && shown.flow.transport == Transport::Api => {
                let flow = &shown.flow;
                let target = flow.return_to.clone().unwrap_or_else(|| self.rules().after(K::KIND));
                answer::see_other(&with_parameter(&target, "flow", &flow.id.to_string()))
            }
            Outcome::Shown(shown, standing) => self.shown(&shown, standing),
            Outcome::Replaced(replaced) => self.replaced(&replaced),
            Outcome::Done(done) => K::ended(self, &done),
            Outcome::Elsewhere { transport, departure } => self.departs(transport, &departure),
            Outcome::Crosses(_) => Err(ApiError::internal("a flow crosses into another one without end")),
        }
    }

    /// The sessions that the request opens, where they mean anything to whoever begins or submits a flow of a kind.
    pub(super) async fn present_for(&self, kind: FlowKind) -> Result<CallersSessions, ApiError> {
        if kind == FlowKind::Verification { Ok(CallersSessions::default()) } else { self.present().await }
    }
}
