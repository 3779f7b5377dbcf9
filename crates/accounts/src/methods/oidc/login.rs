//! Signing in by a provider.

use async_trait::async_trait;
use serde_json::Value;
use sessera_model::{AssuranceLevel, Credential, IdentityState};

use super::judge::{Judged, ways_in};
use super::travel::{ProviderAccount, depart};
use super::{Configured, NAME, Oidc, chosen, messages};
use crate::flows::error::FlowError;
use crate::flows::flow::Standing;
use crate::flows::method::{LoginAttempt, LoginMethod, LoginVerdict, LoginView};
use crate::flows::trip::{Back, Trip};
use crate::linked::LinkedAccounts;
use crate::messages::common;
use crate::submission::Submission;
use crate::ui::{Group, Input, Nodes};

#[async_trait]
impl LoginMethod for Oidc {
    fn level(&self) -> AssuranceLevel {
        AssuranceLevel::Aal1
    }

    fn is_set_up(&self, credentials: &[Credential]) -> bool {
        self.ways_in(credentials) > 0
    }

    fn ways_in(&self, credentials: &[Credential]) -> usize {
        ways_in(&self.providers, credentials)
    }

    fn needs_identifier(&self) -> bool {
        false
    }

    fn nodes(&self, view: &LoginView<'_>, nodes: &mut Nodes) {
        let details = &view.flow.details;
        let linked = details.refresh.then(|| LinkedAccounts::among(view.credentials));
        for Configured { rules, .. } in &self.providers {
            let (name, id) = (rules.name(), rules.id.as_str());
            if linked.as_ref().is_some_and(|linked| !linked.has(id)) {
                continue;
            }
            let label = match &details.link {
                Some(link) if link.account.provider == id => continue,
                Some(_) => messages::plain_button(messages::CONFIRM, name),
                None => messages::button(messages::SIGN_IN, name, id),
            };
            nodes.push(1, Input::submit("provider", id).node(Group::OIDC).label(label));
        }
    }

    fn takes(&self, submission: &Submission) -> bool {
        chosen(submission).is_some()
    }

    async fn submit(&self, attempt: &mut LoginAttempt<'_>) -> Result<LoginVerdict, FlowError> {
        let (visit, submission) = (attempt.visit, attempt.submission);
        let provider = self.provider(chosen(submission).unwrap_or_default())?;
        if let Ok(Some(id_token)) = submission.text("id_token") {
            let told = self.opened(visit, provider, submission, id_token).await?;
            return match told {
                Ok(told) => judged(attempt, provider, &told, &submission.traits()).await,
                Err(message) => Ok(attempt.refuse(message)),
            };
        }
        let is_refresh = attempt.flow.details.refresh;
        let departure = depart(visit, &mut attempt.flow, submission, provider, is_refresh).await?;
        attempt.flow.details.active = Some(NAME.into());
        Ok(LoginVerdict::Elsewhere(departure))
    }

    async fn returned(
        &self,
        attempt: &mut LoginAttempt<'_>,
        trip: &Trip,
        back: &Back,
    ) -> Result<LoginVerdict, FlowError> {
        match self.answered(attempt.visit, trip, back).await? {
            (provider, Ok(told)) => judged(attempt, provider, &told, &trip.traits).await,
            (_, Err(message)) => Ok(attempt.refuse(message)),
        }
    }
}

async fn judged(
    attempt: &mut LoginAttempt<'_>,
    provider: &Configured,
    told: &ProviderAccount,
    typed: &Value,
) -> Result<LoginVerdict, FlowError> {
    let details = &attempt.flow.details;
    match provider.judge(attempt.visit, told, typed).await? {
        Judged::Known(proven) if proven.identity.state != IdentityState::Active => {
            attempt.suspect = Some(proven.identity.id);
            attempt.flow.say(common::ACCOUNT_DISABLED);
            Ok(LoginVerdict::Refused(Standing::Disabled))
        }
        Judged::Known(proven) => Ok(LoginVerdict::Proven(proven)),
        // Whoever signs in again, or to link another provider, has an account, and this is not it.
        Judged::New(_) if details.refresh || details.link.is_some() => {
            Ok(attempt.refuse(common::OTHER_ACCOUNT))
        }
        Judged::New(newcomer) => Ok(LoginVerdict::Vouched(newcomer)),
    }
}
