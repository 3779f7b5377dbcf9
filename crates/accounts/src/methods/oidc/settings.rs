//! Linking accounts at providers, and unlinking them.

use async_trait::async_trait;

use super::travel::depart;
use super::{Configured, NAME, Oidc, messages};
use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, SettingsDetails};
use crate::flows::method::{SettingsEdit, SettingsMethod, SettingsVerdict, SettingsView};
use crate::flows::trip::{Back, Trip};
use crate::linked::LinkedAccounts;
use crate::messages::Message;
use crate::submission::Submission;
use crate::ui::{Group, Input, Nodes};

/// The button that links an account.
const LINK: &str = "link";

/// The button that unlinks one.
const UNLINK: &str = "unlink";

#[async_trait]
impl SettingsMethod for Oidc {
    /// The last way to sign in cannot be unlinked.
    fn nodes(&self, view: &SettingsView<'_>, nodes: &mut Nodes) {
        let linked = LinkedAccounts::among(view.owner.credentials);
        let (known, others): (Vec<_>, Vec<_>) =
            self.providers.iter().partition(|provider| linked.has(&provider.rules.id));
        let mut push = |name: &str, message, provider: &Configured| {
            let label = messages::plain_button(message, provider.rules.name());
            nodes.push(25, Input::submit(name, &provider.rules.id).node(Group::OIDC).label(label));
        };
        for provider in others {
            push(LINK, messages::LINK, provider);
        }
        if view.ways_in > 1 {
            for provider in known {
                push(UNLINK, messages::UNLINK, provider);
            }
        }
    }

    fn takes(&self, _: &Flow<SettingsDetails>, submission: &Submission) -> bool {
        let is_filled = |name: &str| matches!(submission.text(name), Ok(Some(_)));
        matches!(submission.method(), None | Some(NAME)) && (is_filled(LINK) || is_filled(UNLINK))
    }

    async fn submit(&self, edit: &mut SettingsEdit<'_>) -> Result<SettingsVerdict, FlowError> {
        edit.flow.messages.clear();
        edit.flow.details.active = Some(NAME.into());
        let text = |name: &str| edit.submission.text(name).ok().flatten().map(str::to_owned);
        match (text(LINK), text(UNLINK)) {
            (Some(id), None) => self.link(edit, &id).await,
            (None, Some(id)) => self.unlink(edit, &id),
            _ => Ok(edit.refuse(Message::invalid("Link an account or unlink one, not both at once."))),
        }
    }

    async fn returned(
        &self,
        edit: &mut SettingsEdit<'_>,
        trip: &Trip,
        back: &Back,
    ) -> Result<SettingsVerdict, FlowError> {
        edit.flow.messages.clear();
        edit.check_recent_sign_in()?;
        let (provider, told) = self.answered(edit.visit, trip, back).await?;
        let told = match told {
            Ok(told) => told,
            Err(message) => return Ok(edit.refuse(message)),
        };
        let mut linked = LinkedAccounts::among(&edit.credentials);
        if linked.has(&provider.rules.id) {
            return Ok(edit.refuse(cannot_link()));
        }
        linked.add(&provider.account(&told));
        let change = linked.keep(&edit.identity, &edit.credentials, edit.visit.now);
        Ok(SettingsVerdict::Saved { changes: vec![change], enrolled: Some(provider.proof(&told)) })
    }
}

impl Oidc {
    async fn link(&self, edit: &mut SettingsEdit<'_>, id: &str) -> Result<SettingsVerdict, FlowError> {
        let linked = LinkedAccounts::among(&edit.credentials);
        let Some(provider) = self.provider(id).ok().filter(|_| !linked.has(id)) else {
            return Ok(edit.refuse(cannot_link()));
        };
        edit.check_recent_sign_in()?;
        let departure = depart(edit.visit, &mut edit.flow, edit.submission, provider, false).await?;
        Ok(SettingsVerdict::Elsewhere(departure))
    }

    fn unlink(&self, edit: &mut SettingsEdit<'_>, id: &str) -> Result<SettingsVerdict, FlowError> {
        edit.check_recent_sign_in()?;
        let mut linked = LinkedAccounts::among(&edit.credentials);
        let goes = linked.providers().filter(|provider| *provider == id).count();
        if edit.ways_in <= goes.max(1) {
            let why = "This is the last way into your account. Set a password or link another account first.";
            return Ok(edit.refuse(Message::invalid(why)));
        }
        if goes == 0 || self.provider(id).is_err() {
            return Ok(edit.refuse(Message::invalid("No account of yours at that provider is linked.")));
        }
        linked.remove(id);
        let change = linked.keep(&edit.identity, &edit.credentials, edit.visit.now);
        Ok(SettingsVerdict::Saved { changes: vec![change], enrolled: None })
    }
}

fn cannot_link() -> Message {
    Message::invalid("There is no such provider, or an account of yours there is linked already.")
}
