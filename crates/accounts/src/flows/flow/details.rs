//! What only one kind of flow has, beside what all kinds have in common.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sessera_model::{AssuranceLevel, TokenHash, Uuid};
use sessera_store::FlowKind;

use super::{Details, Flow, Transport};
use crate::flows::sign_in::Proof;
use crate::linked::LinkedAccount;
use crate::rules::Sends;

/// What methods keep in a flow, each under names of its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kept(Map<String, Value>);

impl Kept {
    /// What is kept under a name. `None` when there is nothing, or nothing of this form.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_value(self.0.get(name)?.clone()).ok()
    }

    /// Keeps something under a name. What has no JSON form is not kept.
    pub fn set(&mut self, name: &str, what: impl Serialize) {
        if let Ok(what) = serde_json::to_value(what) {
            self.0.insert(name.to_owned(), what);
        }
    }

    /// Forgets what is kept under a name.
    pub fn remove(&mut self, name: &str) {
        self.0.shift_remove(name);
    }
}

/// What only a login flow has.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoginDetails {
    /// Which level is to be reached.
    pub requested_aal: AssuranceLevel,
    /// Whether a session is there and its owner proves again who they are.
    pub refresh: bool,
    /// Whose second factor is asked for, or who signs in again.
    pub identity_id: Option<Uuid>,
    /// The method that was chosen last, where it is told: with which somebody has proven who they are who may not sign in
    /// all the same, which leads to another site, or by which a code was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<String>,
    /// What whoever signs in gets as a further way to sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
    /// The methods that are offered to whoever was named, where the identifier is asked for first. `None`: nobody was
    /// named yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered: Option<Vec<String>>,
    /// What the methods keep.
    #[serde(flatten)]
    pub kept: Kept,
}

/// An account at another provider, which whoever signs in with an identifier gets as a further way to sign in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Link {
    /// The identifier.
    pub identifier: String,
    /// The account.
    pub account: LinkedAccount,
    /// The proof that was given there.
    pub proof: Proof,
}

impl LoginDetails {
    /// A flow in which nothing was submitted yet.
    pub fn new(requested_aal: AssuranceLevel, refresh: bool, identity_id: Option<Uuid>) -> Self {
        let (active, link, offered, kept) = (None, None, None, Kept::default());
        Self { requested_aal, refresh, identity_id, active, link, offered, kept }
    }
}

impl Details for LoginDetails {
    const KIND: FlowKind = FlowKind::Login;
}

/// What only a registration flow has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegistrationDetails {
    /// Which schema judges the traits.
    pub schema_id: String,
    /// Which form is shown.
    pub step: RegistrationStep,
    /// The provider that has vouched for whoever signs up, by which they go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vouched: Option<VouchedForm>,
    /// The method that was chosen, where that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<String>,
    /// What the methods keep.
    #[serde(flatten)]
    pub kept: Kept,
}

/// The form of somebody for whom another provider has vouched, and who cannot be signed up as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VouchedForm {
    /// The provider.
    pub provider: String,
    /// Whether traits are asked for.
    pub asks_for_traits: bool,
}

/// The forms of signing up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationStep {
    /// The form for the traits, which ask who signs up.
    Profile,
    /// With what to sign in from now on.
    Credentials,
    /// None: somebody has signed up.
    Done,
}

impl Details for RegistrationDetails {
    const KIND: FlowKind = FlowKind::Registration;
}

/// What only a settings flow has.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SettingsDetails {
    /// Whose settings.
    pub identity_id: Uuid,
    /// The method that was used last, where it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<String>,
    /// What the methods keep.
    #[serde(flatten)]
    pub kept: Kept,
}

impl Details for SettingsDetails {
    const KIND: FlowKind = FlowKind::Settings;
}

/// How far a flow has come in which a code or a link is sent to an address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentCodes {
    /// Which of the two is sent.
    #[serde(default)]
    pub sends: Sends,
    /// The address to which it went, as it was typed.
    pub email: Option<String>,
    /// How many wrong codes were typed.
    pub attempts: u32,
    /// How many codes were asked for.
    #[serde(default)]
    pub sent: u32,
}

/// What only a recovery flow has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryDetails {
    /// The code that leads back into the account.
    #[serde(flatten)]
    pub codes: SentCodes,
    /// Whether an administrator began it and gave out its code.
    #[serde(default)]
    pub is_given: bool,
}

impl Details for RecoveryDetails {
    const KIND: FlowKind = FlowKind::Recovery;
}

/// In how many browsers the link of a verification can be opened; the newest ones count.
const MAX_OPENED: usize = 8;

/// What only a verification flow has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationDetails {
    /// The code that proves the address.
    #[serde(flatten)]
    pub codes: SentCodes,
    /// Whether it began by itself, in the course of another flow.
    #[serde(default)]
    pub follows_another: bool,
    /// The browsers in which the link of the message was opened, by their cookies' hashes.
    #[serde(default)]
    pub opened_by: Vec<TokenHash>,
    /// The code in that link.
    #[serde(default)]
    pub linked_code: Option<String>,
}

impl VerificationDetails {
    /// Remembers a browser in which the link of the message was opened. A flow remembers the newest few.
    pub fn open_in(&mut self, browser: Option<TokenHash>) {
        self.opened_by.extend(browser.filter(|browser| !self.opened_by.contains(browser)));
        if self.opened_by.len() > MAX_OPENED {
            self.opened_by.remove(0);
        }
    }
}

/// A verification flow that was begun for an address in the course of another flow.
#[derive(Clone, Debug)]
pub struct BegunVerification {
    /// The flow.
    pub flow_id: Uuid,
    /// The address.
    pub address: String,
    /// The page on which a browser shows it.
    pub page: String,
}

impl Details for VerificationDetails {
    const KIND: FlowKind = FlowKind::Verification;

    /// Whoever opened the link of the message goes on with the flow, with the link's code filled in.
    fn handed(mut flow: Flow<Self>, browser: Option<&TokenHash>) -> Flow<Self> {
        if let Some(browser) = browser.filter(|browser| flow.details.opened_by.contains(browser)) {
            flow.transport = Transport::Browser;
            flow.browser = Some(*browser);
            if let Some(code) = &flow.details.linked_code {
                flow.values.insert("code".into(), code.as_str().into());
            }
        }
        flow
    }
}
