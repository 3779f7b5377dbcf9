//! Signing up by a provider.

use async_trait::async_trait;
use serde_json::Value;
use sessera_model::IdentityState;

use super::judge::Judged;
use super::travel::{ProviderAccount, depart};
use super::{Configured, Oidc, chosen, messages};
use crate::flows::error::FlowError;
use crate::flows::flow::VouchedForm;
use crate::flows::method::{RegistrationAttempt, RegistrationMethod, RegistrationVerdict, RegistrationView};
use crate::flows::trip::{Back, Trip};
use crate::messages::{Message, common};
use crate::rules::Rules;
use crate::submission::Submission;
use crate::ui::{Group, Input, Nodes};

#[async_trait]
impl RegistrationMethod for Oidc {
    fn nodes(&self, _: &RegistrationView<'_>, nodes: &mut Nodes) {
        for Configured { rules, .. } in &self.providers {
            let label = messages::button(messages::SIGN_UP, rules.name(), &rules.id);
            nodes.push(1, Input::submit("provider", &rules.id).node(Group::OIDC).label(label));
        }
    }

    fn vouched_nodes(&self, provider: &str, nodes: &mut Nodes) {
        nodes.push(1, Input::submit("provider", provider).node(Group::OIDC).label(messages::GO_ON));
    }

    fn takes(&self, _: &Rules, submission: &Submission) -> bool {
        chosen(submission).is_some()
    }

    async fn submit(&self, attempt: &mut RegistrationAttempt<'_>) -> Result<RegistrationVerdict, FlowError> {
        let (visit, submission) = (attempt.visit, attempt.submission);
        let provider = self.provider(chosen(submission).unwrap_or_default())?;
        if let Ok(Some(id_token)) = submission.text("id_token") {
            let told = self.opened(visit, provider, submission, id_token).await?;
            return judged(attempt, provider, told, &submission.traits()).await;
        }
        let departure = depart(visit, &mut attempt.flow, submission, provider, false).await?;
        Ok(RegistrationVerdict::Elsewhere(departure))
    }

    async fn returned(
        &self,
        attempt: &mut RegistrationAttempt<'_>,
        trip: &Trip,
        back: &Back,
    ) -> Result<RegistrationVerdict, FlowError> {
        let (provider, told) = self.answered(attempt.visit, trip, back).await?;
        judged(attempt, provider, told, &trip.traits).await
    }
}

async fn judged(
    attempt: &mut RegistrationAttempt<'_>,
    provider: &Configured,
    told: Result<ProviderAccount, Message>,
    typed: &Value,
) -> Result<RegistrationVerdict, FlowError> {
    let told = match told {
        Ok(told) => told,
        Err(message) => {
            let id = provider.rules.id.clone();
            attempt.flow.details.vouched = Some(VouchedForm { provider: id, asks_for_traits: false });
            attempt.flow.say(message);
            return Ok(RegistrationVerdict::Again);
        }
    };
    Ok(match provider.judge(attempt.visit, &told, typed).await? {
        Judged::Known(proven) if proven.identity.state != IdentityState::Active => {
            attempt.flow.say(common::ACCOUNT_DISABLED);
            RegistrationVerdict::Again
        }
        Judged::Known(proven) => RegistrationVerdict::Known(proven),
        Judged::New(newcomer) => RegistrationVerdict::Vouched(newcomer),
    })
}
