//! A method in flows for one's own account.

use async_trait::async_trait;
use sessera_model::{Credential, Identity};
use sessera_store::Change;

use super::{Departure, Method};
use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, SettingsDetails};
use crate::flows::sign_in::Proof;
use crate::flows::trip::{Back, Trip};
use crate::flows::visit::{Present, Visit};
use crate::identities::{IdentityDraft, IdentityError, PreparedIdentity};
use crate::messages::{Message, common};
use crate::rules::Rules;
use crate::schema::IdentitySchema;
use crate::submission::Submission;
use crate::ui::Nodes;

/// A method of which something can be changed in one's own account.
#[async_trait]
pub trait SettingsMethod: Method {
    /// Keeps in a new flow what it needs there.
    fn begin(&self, _: &Visit<'_>, _: &mut Flow<SettingsDetails>, _: Owner<'_>) -> Result<(), FlowError> {
        Ok(())
    }

    /// Adds its nodes to the form.
    fn nodes(&self, view: &SettingsView<'_>, nodes: &mut Nodes);

    /// Whether a submission is for it.
    fn takes(&self, flow: &Flow<SettingsDetails>, submission: &Submission) -> bool;

    /// Judges a submission.
    async fn submit(&self, edit: &mut SettingsEdit<'_>) -> Result<SettingsVerdict, FlowError>;

    /// Judges what somebody brings back from another site to which this method has sent them.
    async fn returned(
        &self,
        edit: &mut SettingsEdit<'_>,
        _: &Trip,
        _: &Back,
    ) -> Result<SettingsVerdict, FlowError> {
        Ok(edit.refuse(common::NO_SETTINGS_METHOD))
    }
}

/// Whose settings they are.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    /// The person.
    pub identity: &'a Identity,
    /// With what they sign in.
    pub credentials: &'a [Credential],
    /// The schema of their traits, when it is still configured.
    pub schema: Option<&'a IdentitySchema>,
}

impl Owner<'_> {
    /// What an authenticator app, or a device with passkeys, calls the account.
    pub fn account_name(&self) -> String {
        let extracted = self.schema.and_then(|schema| schema.validate(&self.identity.traits).ok());
        let identifiers = self.credentials.iter().flat_map(|credential| credential.identifiers.iter());
        extracted
            .and_then(|extracted| extracted.account_name)
            .or_else(|| identifiers.into_iter().next().cloned())
            .unwrap_or_else(|| self.identity.id.to_string())
    }
}

/// On what the form of a settings flow depends.
#[derive(Clone, Copy, Debug)]
pub struct SettingsView<'a> {
    /// The rules of flows.
    pub rules: &'a Rules,
    /// The flow.
    pub flow: &'a Flow<SettingsDetails>,
    /// Whose settings they are.
    pub owner: Owner<'a>,
    /// With how many credentials the owner can sign in.
    pub ways_in: usize,
}

/// A submission of a settings flow.
#[derive(Debug)]
pub struct SettingsEdit<'a> {
    /// Who submits.
    pub visit: &'a Visit<'a>,
    /// Their session.
    pub session: Present<'a>,
    /// The flow, in which it says what is wrong.
    pub flow: Flow<SettingsDetails>,
    /// The person, as stored now. What is changed here is stored with the verdict's changes.
    pub identity: Identity,
    /// With what the person signs in, as stored now.
    pub credentials: Vec<Credential>,
    /// With how many of them the person can sign in.
    pub ways_in: usize,
    /// What is submitted.
    pub submission: &'a Submission,
}

impl SettingsEdit<'_> {
    /// A text that must be there. When it is not, the flow says so at the field.
    pub fn required(&mut self, field: &str) -> Option<String> {
        self.flow.required(self.submission, field)
    }

    /// The verdict that something is wrong, which is said at a field.
    pub fn refuse_at(&mut self, field: &str, message: impl Into<Message>) -> SettingsVerdict {
        self.flow.say_at(field, message);
        SettingsVerdict::Refused
    }

    /// The verdict that something is wrong, which is said of the flow as a whole.
    pub fn refuse(&mut self, message: impl Into<Message>) -> SettingsVerdict {
        self.flow.say(message);
        SettingsVerdict::Refused
    }

    /// Whose settings they are.
    pub fn owner(&self) -> Owner<'_> {
        let schema = self.visit.schemas.get(&self.identity.schema_id);
        Owner { identity: &self.identity, credentials: &self.credentials, schema: schema.map(AsRef::as_ref) }
    }

    /// The person as they are to be, with other traits or as they are.
    pub fn prepare(&self, draft: IdentityDraft) -> Result<PreparedIdentity, IdentityError> {
        let (identity, credentials) = (self.identity.clone(), self.credentials.clone());
        PreparedIdentity::update(identity, credentials, draft, self.visit.surroundings())
    }

    /// Makes sure that the sign-in is new enough for a change of what opens the account.
    pub fn check_recent_sign_in(&self) -> Result<(), FlowError> {
        let rules = self.visit.rules;
        if self.session.session.authenticated_at + rules.privileged_age > self.visit.now {
            return Ok(());
        }
        let mut sign_in = rules.url("self-service/login/browser?refresh=true&return_to=");
        let back = rules.url("self-service/settings/browser");
        sign_in.extend(url::form_urlencoded::byte_serialize(back.as_bytes()));
        Err(FlowError::SignInTooOld { sign_in })
    }
}

/// What became of a submission.
#[derive(Debug)]
pub enum SettingsVerdict {
    /// It is wrong, and the flow says why.
    Refused,
    /// The form shows more. Nothing is changed yet, except what is remembered of that.
    Shown(Vec<Change>),
    /// What was submitted is right and is to be stored.
    Saved {
        /// What is to be changed, besides the identity itself.
        changes: Vec<Change>,
        /// What the person has set up and proven by it.
        enrolled: Option<Proof>,
    },
    /// They are asked on another site.
    Elsewhere(Departure),
}
