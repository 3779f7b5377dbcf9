//! A self-service flow: what is kept of it between two requests, and its JSON on the wire.
//!
//! A flow keeps what was typed, what is to be said about it and how far it has come; its form is made
//! from that for every answer (see [`crate::ui`]). [`Flow`] holds what all kinds have in common,
//! its `details` what only one kind has. The store keeps the whole as encrypted JSON with a version: a
//! change or the end of a flow names the version it was made from, so that of two submissions at the
//! same time only one goes through.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sessera_model::{Timestamp, TokenHash, Uuid};
use sessera_store::{Change, FlowKind, StoreError};

use crate::flows::trip::Trip;
use crate::hooks::answer::Notice;
use crate::messages::{Message, MessageKind, common};
use crate::schema::Violation;
use crate::submission::{Submission, flatten};
use crate::ui::{Attributes, Container, Group, Input, InputKind, Node};

pub use details::{
    BegunVerification, Kept, Link, LoginDetails, RecoveryDetails, RegistrationDetails, RegistrationStep,
    SentCodes, SettingsDetails, VerificationDetails, VouchedForm,
};

mod details;
#[cfg(test)]
mod tests;

/// Who goes through a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// A native client, recognised by a session token.
    Api,
    /// A browser, recognised by cookies.
    Browser,
}

impl Transport {
    /// The word in addresses and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Browser => "browser",
        }
    }
}

/// How a submission is answered that is answered by its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The flow has come further.
    Accepted,
    /// Something is wrong that a person can mend.
    Refused,
    /// The account is disabled.
    Disabled,
}

/// How far a flow has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A method is to be chosen and its fields filled in.
    ChooseMethod,
    /// A code was sent and is to be typed.
    SentEmail,
    /// The code was right.
    PassedChallenge,
    /// Settings are shown.
    ShowForm,
    /// Settings were changed.
    Success,
}

/// How many bytes a flow may be kept with. What was typed beyond that is forgotten.
pub const MAX_BYTES: usize = 12 * 1024;

/// How many fields are kept of which web hooks have spoken.
const MOST_FIELDS_OF_HOOKS: usize = 50;

/// What only one kind of flow has.
pub trait Details: Clone + Serialize + DeserializeOwned {
    /// The kind.
    const KIND: FlowKind;

    /// The flow as this browser has it: a flow that was begun elsewhere may have been handed to it.
    #[must_use]
    fn handed(flow: Flow<Self>, _: Option<&TokenHash>) -> Flow<Self> {
        flow
    }
}

/// A flow.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Flow<D> {
    /// Identifier, part of its address.
    pub id: Uuid,
    /// Who goes through it.
    pub transport: Transport,
    /// When it was begun.
    pub issued_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// The address with which it was begun.
    pub request_url: String,
    /// Where a browser goes afterwards, checked when the flow was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_to: Option<String>,
    /// How far it has come.
    pub state: State,
    /// What was typed, by the names of the fields. It is never a secret.
    #[serde(default)]
    pub values: Map<String, Value>,
    /// What is to be said about the flow as a whole.
    #[serde(default)]
    pub messages: Vec<Message>,
    /// What is to be said about single fields, by their names.
    #[serde(default)]
    pub field_messages: Vec<(String, Message)>,
    /// The fields of which web hooks have spoken and that no form has. They stay, as the contract has it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields_of_hooks: Vec<String>,
    /// The hash of the cookie of the browser that began it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<TokenHash>,
    /// What the client passes along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transient_payload: Option<Value>,
    /// The trip to another site that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trip: Option<Trip>,
    /// The hash of the code with which a native client fetches a session that begins in a browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<TokenHash>,
    /// What only this kind has.
    pub details: D,
    /// The version that was read; 0 for a flow that is not stored yet.
    #[serde(skip)]
    pub version: i64,
    /// How many bytes it was kept with when it was read or changed.
    #[serde(skip)]
    pub kept_bytes: usize,
    /// Whether somebody has just come back to it from another site.
    #[serde(skip)]
    pub is_back: bool,
}

/// How a flow begins.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// Its identifier.
    pub id: Uuid,
    /// Who goes through it.
    pub transport: Transport,
    /// When the flow begins.
    pub now: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// The address with which it was begun.
    pub request_url: String,
    /// Where a browser goes afterwards.
    pub return_to: Option<String>,
    /// The hash of the cookie of the browser.
    pub browser: Option<TokenHash>,
}

impl<D: Details> Flow<D> {
    /// A new flow.
    pub fn begin(beginning: Beginning, state: State, details: D) -> Self {
        Self {
            id: beginning.id,
            transport: beginning.transport,
            issued_at: beginning.now,
            updated_at: beginning.now,
            expires_at: beginning.expires_at,
            request_url: beginning.request_url,
            return_to: beginning.return_to,
            state,
            values: Map::new(),
            messages: Vec::new(),
            field_messages: Vec::new(),
            fields_of_hooks: Vec::new(),
            browser: beginning.browser,
            transient_payload: None,
            trip: None,
            exchange: None,
            details,
            version: 0,
            kept_bytes: 0,
            is_back: false,
        }
    }

    /// Reads a stored flow. `None` when it is of another kind: to its caller it does not exist.
    pub fn from_record(record: &sessera_store::Flow) -> Result<Option<Self>, StoreError> {
        if record.kind != D::KIND {
            return Ok(None);
        }
        let mut flow: Self = serde_json::from_str(&record.body)
            .map_err(|error| StoreError::Corrupt(format!("flow {}: {error}", record.id)))?;
        flow.version = record.version;
        flow.kept_bytes = record.body.len();
        Ok(Some(flow))
    }

    fn to_record(&self) -> Result<sessera_store::Flow, StoreError> {
        let corrupt = |error| StoreError::Corrupt(format!("flow {}: {error}", self.id));
        let mut body = serde_json::to_string(self).map_err(corrupt)?;
        if body.len() > MAX_BYTES {
            // What was typed is not kept, nor what was to be said about it in detail.
            let mut shortened = self.clone();
            shortened.clear_messages();
            shortened.values.clear();
            shortened.fields_of_hooks.clear();
            shortened.transient_payload = None;
            shortened
                .say(Message::invalid("What was typed is too long to be kept. Shorten it and try again."));
            body = serde_json::to_string(&shortened).map_err(corrupt)?;
        }
        Ok(sessera_store::Flow {
            id: self.id,
            kind: D::KIND,
            body,
            expires_at: self.expires_at,
            version: self.version.max(1),
        })
    }

    /// The change that stores a new flow.
    pub fn insert(&self) -> Result<Change, StoreError> {
        Ok(Change::InsertFlow(self.to_record()?))
    }

    /// The change that stores what has changed. Refused when the flow was changed in the meantime.
    pub fn update(&self) -> Result<Change, StoreError> {
        Ok(Change::UpdateFlow(self.to_record()?))
    }

    /// The change that ends the flow. Refused when it was changed or used in the meantime.
    pub const fn consume(&self) -> Change {
        Change::ConsumeFlow { id: self.id, version: self.version }
    }

    /// The change that ends the flow after what it was for is done. One that was gone through with a code stays until
    /// its time is over, so that whoever submits it again is told; all others are gone.
    pub fn end(&mut self, now: Timestamp) -> Result<Change, StoreError> {
        if self.state != State::PassedChallenge {
            return Ok(self.consume());
        }
        self.updated_at = now;
        self.update()
    }

    /// Whether it has ended by itself.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }

    /// Forgets what was to be said.
    pub fn clear_messages(&mut self) {
        self.messages.clear();
        self.field_messages.clear();
    }

    /// Forgets what was said to be wrong, and what was said about fields.
    pub fn clear_errors(&mut self) {
        self.messages.retain(|message| message.kind() != MessageKind::Error);
        self.field_messages.clear();
    }

    /// Says something about a field.
    pub fn say_at(&mut self, field: impl Into<String>, message: impl Into<Message>) {
        self.field_messages.push((field.into(), message.into()));
    }

    /// Says something about the flow as a whole.
    pub fn say(&mut self, message: impl Into<Message>) {
        self.messages.push(message.into());
    }

    /// Says what a web hook says.
    pub fn say_of_hook(&mut self, notices: Vec<Notice>) {
        for Notice { field, message } in notices {
            if field.is_empty() {
                self.say(message);
                continue;
            }
            if self.fields_of_hooks.len() < MOST_FIELDS_OF_HOOKS && !self.fields_of_hooks.contains(&field) {
                self.fields_of_hooks.push(field.clone());
            }
            self.say_at(field, message);
        }
    }

    /// Says which traits that a web hook gave do not fit the schema.
    pub fn say_violations_of_hook(&mut self, violations: Vec<Violation>) {
        for violation in violations {
            let (field, is_address) = (violation.field(), violation.message.id == common::NOT_AN_EMAIL);
            self.say_at(field.clone(), violation.message);
            if is_address {
                // The contract says twice that an address is none, and the second time may say whose it is.
                self.say_at(field, Message::invalid("This value comes from a web hook."));
            }
        }
    }

    /// A text of a submission that must be there. When it is not, that is said at its field.
    pub fn required(&mut self, submission: &Submission, field: &str) -> Option<String> {
        match submission.text(field) {
            Ok(Some(text)) => return Some(text.to_owned()),
            Ok(None) => self.say_at(field, Message::required(field)),
            Err(message) => self.say_at(field, message),
        }
        None
    }

    /// Keeps what the client passes along: an object, which is empty when the submission has none.
    pub fn keep_payload(&mut self, submission: &Submission) {
        let payload = submission.get("transient_payload").cloned();
        self.transient_payload = Some(payload.unwrap_or_else(|| json!({})));
    }

    /// Whether each of these traits is kept as it is.
    pub fn keeps_traits(&self, traits: &Value) -> bool {
        flatten("traits", traits).iter().all(|(name, value)| self.values.get(name) == Some(value))
    }

    /// Keeps typed traits, so that they are shown again.
    pub fn keep_traits(&mut self, traits: &Value) {
        for (name, value) in flatten("traits", traits) {
            self.values.insert(name, value);
        }
    }

    /// Keeps what was typed and is no secret, of a submission that no method gets to see.
    pub fn keep_typed(&mut self, submission: &Submission) {
        self.keep_traits(&submission.traits());
        for name in ["identifier", "email"] {
            if let Ok(Some(text)) = submission.text(name) {
                self.values.insert(name.to_owned(), text.into());
            }
        }
    }

    /// Whether anything is wrong that a person must mend.
    pub fn has_errors(&self) -> bool {
        let fields = self.field_messages.iter().map(|(_, message)| message);
        self.messages.iter().chain(fields).any(|message| message.kind() == MessageKind::Error)
    }

    /// Puts the kept values and messages into a form. What is said about a field that the form does not have is said at
    /// a text field of that name, behind all fields of the default group and, where people sign in or up, behind the
    /// password; what is said about a password stands behind the field that is given.
    pub fn fill(&self, form: &mut Container, before_password: Option<&str>) {
        for node in &mut form.nodes {
            if let Attributes::Input(input) = &mut node.attributes
                && input.kind != InputKind::Submit
                && (input.kind != InputKind::Hidden || input.value.is_none())
                && let Some(value) = self.values.get(&input.name)
            {
                input.value = Some(value.clone());
            }
        }
        form.messages.extend(self.messages.iter().cloned());
        for name in &self.fields_of_hooks {
            field(form, name, before_password);
        }
        for (name, message) in &self.field_messages {
            field(form, name, before_password).messages.push(message.clone());
        }
    }

    /// The flow as JSON on the wire, without what only its kind has.
    pub fn to_json(&self, form: &Container) -> Map<String, Value> {
        let mut json = Map::new();
        let mut set = |name: &str, value: Value| {
            json.insert(name.to_owned(), value);
        };
        set("id", self.id.to_string().into());
        set("type", json!(self.transport));
        set("expires_at", json!(self.expires_at));
        set("issued_at", json!(self.issued_at));
        set("request_url", self.request_url.as_str().into());
        if let Some(return_to) = &self.return_to {
            set("return_to", return_to.as_str().into());
        }
        set("ui", form.to_json());
        set("state", json!(self.state));
        if let Some(payload) = &self.transient_payload {
            set("transient_payload", payload.clone());
        }
        json
    }
}

/// The field of a form with a name, which is made where it is missing.
fn field<'f>(form: &'f mut Container, name: &str, before_password: Option<&str>) -> &'f mut Node {
    let place = form.nodes.iter().position(|node| node.name() == name).unwrap_or_else(|| {
        let is_before = |node: &Node| {
            node.group == Group::DEFAULT || (before_password.is_some() && node.name() == "password")
        };
        let place = before_password
            .filter(|_| name == "password")
            .and_then(|before| form.nodes.iter().position(|node| node.name() == before))
            .or_else(|| form.nodes.iter().rposition(is_before))
            .map_or(0, |place| place + 1);
        form.nodes.insert(place, Input::new(name, InputKind::Text).node(Group::DEFAULT));
        place
    });
    &mut form.nodes[place]
}
