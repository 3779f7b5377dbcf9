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
use sessera_model::{AssuranceLevel, Timestamp, TokenHash, Uuid};
use sessera_store::{Change, FlowKind, StoreError};

use crate::flows::sign_in::Proof;
use crate::flows::trip::Trip;
use crate::hooks::answer::Notice;
use crate::linked::LinkedAccount;
use crate::messages::{Message, MessageKind, common};
use crate::rules::Sends;
use crate::schema::Violation;
use crate::submission::{Submission, flatten};
use crate::ui::{Attributes, Container, Group, Input, InputKind, Node};

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
    /// When.
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
    /// Who it is.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::MessageId;

    fn flow() -> Flow<LoginDetails> {
        let beginning = Beginning {
            id: Uuid::from_u128(1),
            transport: Transport::Api,
            now: Timestamp::from_seconds(100),
            expires_at: Timestamp::from_seconds(700),
            request_url: "http://localhost/self-service/login/api".into(),
            return_to: None,
            browser: None,
        };
        let details = LoginDetails::new(AssuranceLevel::Aal1, false, None);
        Flow::begin(beginning, State::ChooseMethod, details)
    }

    fn form() -> Container {
        let mut form = Container::new("/submit".into());
        form.push(Input::hidden("csrf_token", "").node(Group::DEFAULT));
        form.push(Input::new("identifier", InputKind::Text).with_value("").node(Group::DEFAULT));
        form.push(Input::submit("method", "password").node(Group::PASSWORD));
        form
    }

    #[test]
    fn what_is_stored_reads_back_with_its_version() {
        let mut flow = flow();
        flow.say(MessageId::new(4_000_006));
        flow.say_at("identifier", Message::required("identifier"));
        flow.values.insert("identifier".into(), "ada".into());
        let Change::InsertFlow(mut record) = flow.insert().expect("has a JSON form") else {
            panic!("not an insertion")
        };
        assert_eq!(record.kind, FlowKind::Login);
        assert_eq!(record.version, 1);
        record.version = 4;
        let read = Flow::<LoginDetails>::from_record(&record).expect("reads back").expect("is a login");
        assert_eq!(read.version, 4);
        assert_eq!(read.messages, flow.messages);
        assert_eq!(read.field_messages, flow.field_messages);
        assert_eq!(read.consume(), Change::ConsumeFlow { id: flow.id, version: 4 });
    }

    #[test]
    fn a_flow_of_another_kind_does_not_exist() {
        let Change::InsertFlow(record) = flow().insert().expect("has a JSON form") else {
            panic!("not an insertion")
        };
        assert!(Flow::<RegistrationDetails>::from_record(&record).expect("is no fault").is_none());
    }

    #[test]
    fn a_form_is_filled_from_the_flow() {
        let mut flow = flow();
        flow.values.insert("identifier".into(), "ada".into());
        flow.values.insert("method".into(), "nope".into());
        flow.say_at("identifier", Message::required("identifier"));
        flow.say_at("password", MessageId::new(4_000_031));
        let mut form = form();
        flow.fill(&mut form, Some("identifier"));
        let json = form.to_json();
        assert_eq!(json["nodes"][1]["attributes"]["value"], "ada");
        assert_eq!(json["nodes"][1]["messages"][0]["id"], 4_000_002);
        assert_eq!(json["nodes"][2]["attributes"]["name"], "password", "made for its message");
        assert_eq!(json["nodes"][3]["attributes"]["value"], "password", "a button keeps its value");
        assert!(flow.has_errors());
    }

    #[test]
    fn json_has_the_contract_s_members() {
        let flow = flow();
        let json = Value::Object(flow.to_json(&form()));
        assert_eq!(json["type"], "api");
        assert_eq!(json["state"], "choose_method");
        assert_eq!(json["issued_at"], "1970-01-01T00:01:40Z");
        assert!(json.get("return_to").is_none());
        assert!(flow.is_expired(Timestamp::from_seconds(700)));
        assert!(!flow.is_expired(Timestamp::from_seconds(699)));
    }
}
