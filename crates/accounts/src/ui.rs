//! The form that a flow shows: a container with nodes, and its JSON on the wire.
//!
//! A container is made anew from the state of its flow for every answer and never stored, so there is
//! one place that decides how each form looks, and nothing in it can be out of date.

use serde_json::{Map, Value, json};

use crate::messages::Message;

/// A form: where it is sent to, what stands above it and what is in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Container {
    /// The address to submit to.
    pub action: String,
    /// How to submit.
    pub method: SubmitMethod,
    /// What is to be said about the form as a whole.
    pub messages: Vec<Message>,
    /// What is in it, in the order to be shown.
    pub nodes: Vec<Node>,
}

/// Nodes on their way into a form. Several methods add theirs, so each node has a place: those of a
/// smaller place come first, those of one place in the order in which they were added.
#[derive(Clone, Debug, Default)]
pub struct Nodes(Vec<(u8, Node)>);

/// The place of the token against forged requests: buttons of other providers come before it.
pub const CSRF_PLACE: u8 = 5;

impl Nodes {
    /// Adds a node at a place.
    pub fn push(&mut self, place: u8, node: Node) {
        self.0.push((place, node));
    }

    /// Adds nodes at a place, in their order.
    pub fn extend(&mut self, place: u8, nodes: impl IntoIterator<Item = Node>) {
        self.0.extend(nodes.into_iter().map(|node| (place, node)));
    }

    /// Adds a node at a place, instead of the one that has its name.
    pub fn put(&mut self, place: u8, node: Node) {
        self.0.retain(|(_, known)| known.name() != node.name());
        self.push(place, node);
    }

    /// Whether all of them are such.
    pub fn all(&self, is_such: impl Fn(&Node) -> bool) -> bool {
        self.0.iter().all(|(_, node)| is_such(node))
    }

    /// Puts all of them at the end of a form.
    pub fn fill(mut self, form: &mut Container) {
        self.0.sort_by_key(|(place, _)| *place);
        form.nodes.extend(self.0.into_iter().map(|(_, node)| node));
    }
}

/// How a form is submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmitMethod {
    /// The flow is over; its action is where to go on.
    Get,
    /// The form is submitted.
    Post,
}

/// To which method a node belongs. Nodes of the default group belong to all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group(&'static str);

/// A node of a form.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// To which method it belongs.
    pub group: Group,
    /// Which element it is, with what that element takes.
    pub attributes: Attributes,
    /// What is to be said about it.
    pub messages: Vec<Message>,
    /// What it is called.
    pub label: Option<Message>,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum Attributes {
    /// A field or a button.
    Input(Input),
    /// A text to be read.
    Text {
        /// Identifier within the form.
        id: &'static str,
        /// The text.
        text: Message,
    },
    /// A picture.
    Image {
        /// Identifier within the form.
        id: &'static str,
        /// Its address, usually a `data:` URL.
        source: String,
        /// Its width and height in pixels.
        side: u32,
    },
    /// A link.
    Anchor {
        /// Identifier within the form.
        id: &'static str,
        /// Where it leads.
        href: String,
        /// Its text.
        title: Message,
    },
    /// A script that a page must load for its buttons to work.
    Script {
        /// Identifier within the form.
        id: &'static str,
        /// Its address.
        source: String,
    },
}

/// A field or a button.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Under which name its value is submitted.
    pub name: String,
    /// What a person may put into it.
    pub kind: InputKind,
    /// Its value, absent when it has none.
    pub value: Option<Value>,
    /// Whether it must be filled in.
    pub required: bool,
    /// What browsers and password safes may fill in (HTML's `autocomplete`).
    pub autocomplete: Option<&'static str>,
    /// A regular expression that the value fits.
    pub pattern: Option<String>,
    /// The least length, for pages only; the wire does not have it.
    pub min_length: Option<usize>,
    /// The greatest length.
    pub max_length: Option<u32>,
    /// The values to choose from, when they are counted.
    pub options: Vec<Value>,
    /// The function of the form's script that it calls.
    pub trigger: Option<Trigger>,
    /// Whether it is there to be seen only.
    pub disabled: bool,
}

/// A call of a function of the form's script. It is called with the value of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// The function.
    pub function: &'static str,
    /// Whether it is called when the form is there, rather than by a button.
    pub on_load: bool,
    /// Whether a page runs scripts. A native client does by itself what the function is for.
    pub in_page: bool,
}

/// What an input takes (HTML's `type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// Any line of text.
    Text,
    /// A secret.
    Password,
    /// A number.
    Number,
    /// A box that is ticked for yes.
    Checkbox,
    /// Nothing that is shown.
    Hidden,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Telephone,
    /// A date with time.
    DateTime,
    /// A date.
    Date,
    /// A web address.
    Url,
    /// A button that submits.
    Submit,
    /// A button that calls a script.
    Button,
}

impl InputKind {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Password => "password",
            Self::Number => "number",
            Self::Checkbox => "checkbox",
            Self::Hidden => "hidden",
            Self::Email => "email",
            Self::Telephone => "tel",
            Self::DateTime => "datetime-local",
            Self::Date => "date",
            Self::Url => "url",
            Self::Submit => "submit",
            Self::Button => "button",
        }
    }
}

impl Group {
    /// All methods.
    pub const DEFAULT: Self = Self::new("default");
    /// Passwords.
    pub const PASSWORD: Self = Self::new("password");
    /// The traits of an identity.
    pub const PROFILE: Self = Self::new("profile");
    /// Codes that are sent to an address.
    pub const CODE: Self = Self::new("code");
    /// Links that are sent to an address.
    pub const LINK: Self = Self::new("link");
    /// The identifier, where signing in asks for it first.
    pub const IDENTIFIER_FIRST: Self = Self::new("identifier_first");
    /// Time-based one-time passwords.
    pub const TOTP: Self = Self::new("totp");
    /// Printed codes.
    pub const LOOKUP_SECRET: Self = Self::new("lookup_secret");
    /// Other providers.
    pub const OIDC: Self = Self::new("oidc");
    /// Passkeys.
    pub const PASSKEY: Self = Self::new("passkey");
    /// Security keys, and the script that passkeys need as well.
    pub const WEBAUTHN: Self = Self::new("webauthn");

    /// The group of a method, by the word that it has on the wire.
    pub const fn new(word: &'static str) -> Self {
        Self(word)
    }

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl Input {
    /// An optional, empty field.
    pub fn new(name: impl Into<String>, kind: InputKind) -> Self {
        Self {
            name: name.into(),
            kind,
            value: None,
            required: false,
            autocomplete: None,
            pattern: None,
            min_length: None,
            max_length: None,
            options: Vec::new(),
            trigger: None,
            disabled: false,
        }
    }

    /// A button that submits `name=value`.
    pub fn submit(name: &str, value: &str) -> Self {
        Self::new(name, InputKind::Submit).with_value(value)
    }

    /// A button that calls a function of the form's script.
    pub fn button(name: &str, trigger: Trigger) -> Self {
        Self { trigger: Some(trigger), ..Self::new(name, InputKind::Button) }
    }

    /// A value that is submitted without being shown.
    pub fn hidden(name: &str, value: impl Into<Value>) -> Self {
        Self::new(name, InputKind::Hidden).with_value(value)
    }

    /// Makes it an input that must be filled in.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Gives it a value.
    #[must_use]
    pub fn with_value(mut self, value: impl Into<Value>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// Says what browsers may fill in.
    #[must_use]
    pub const fn autocomplete(mut self, what: &'static str) -> Self {
        self.autocomplete = Some(what);
        self
    }

    /// The node for it.
    pub fn node(self, group: Group) -> Node {
        Node { group, attributes: Attributes::Input(self), messages: Vec::new(), label: None }
    }
}

impl Node {
    /// Gives it a label.
    #[must_use]
    pub fn label(mut self, label: impl Into<Message>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The input's name or the node's id.
    pub fn name(&self) -> &str {
        match &self.attributes {
            Attributes::Input(input) => &input.name,
            Attributes::Text { id, .. }
            | Attributes::Image { id, .. }
            | Attributes::Anchor { id, .. }
            | Attributes::Script { id, .. } => id,
        }
    }

    /// The node as JSON on the wire.
    pub fn to_json(&self) -> Value {
        let mut meta = Map::new();
        if let Some(label) = &self.label {
            meta.insert("label".into(), label.to_json());
        }
        json!({
            "type": self.attributes.node_type(),
            "group": self.group.as_str(),
            "attributes": self.attributes.to_json(),
            "messages": self.messages.iter().map(Message::to_json).collect::<Vec<_>>(),
            "meta": meta,
        })
    }
}

impl Attributes {
    /// The word for the kind of node on the wire.
    pub const fn node_type(&self) -> &'static str {
        match self {
            Self::Input(_) => "input",
            Self::Text { .. } => "text",
            Self::Image { .. } => "img",
            Self::Anchor { .. } => "a",
            Self::Script { .. } => "script",
        }
    }

    fn to_json(&self) -> Value {
        let mut json = match self {
            Self::Input(input) => input.to_json(),
            Self::Text { id, text } => json!({"id": id, "text": text.to_json()}),
            Self::Image { id, source, side } => {
                json!({"id": id, "src": source, "width": side, "height": side})
            }
            Self::Anchor { id, href, title } => json!({"id": id, "href": href, "title": title.to_json()}),
            Self::Script { id, source } => json!({
                "id": id,
                "src": source,
                "async": true,
                "type": "text/javascript",
                "crossorigin": "anonymous",
                "referrerpolicy": "no-referrer",
                "integrity": "",
                "nonce": "",
            }),
        };
        json["node_type"] = self.node_type().into();
        json
    }
}

impl Input {
    fn to_json(&self) -> Value {
        let mut json = Map::new();
        let mut set = |name: &str, value: Value| {
            json.insert(name.to_owned(), value);
        };
        set("name", self.name.as_str().into());
        set("type", self.kind.as_str().into());
        if let Some(value) = &self.value {
            set("value", value.clone());
        }
        if self.required {
            set("required", true.into());
        }
        if let Some(autocomplete) = self.autocomplete {
            set("autocomplete", autocomplete.into());
        }
        if let Some(pattern) = &self.pattern {
            set("pattern", pattern.as_str().into());
        }
        if let Some(max_length) = self.max_length {
            set("maxlength", max_length.into());
        }
        if !self.options.is_empty() {
            let options = self.options.iter().map(|value| json!({ "value": value })).collect::<Vec<_>>();
            set("options", options.into());
        }
        if let Some(Trigger { function, on_load, in_page }) = self.trigger {
            let event = if on_load { "onload" } else { "onclick" };
            if in_page {
                let argument = self.value.as_ref().and_then(Value::as_str).unwrap_or_default();
                set(event, format!("window.{function}({argument})").into());
            }
            set(&format!("{event}Trigger"), function.into());
        }
        set("disabled", self.disabled.into());
        Value::Object(json)
    }
}

impl Container {
    /// An empty form that is submitted to `action`.
    pub const fn new(action: String) -> Self {
        Self { action, method: SubmitMethod::Post, messages: Vec::new(), nodes: Vec::new() }
    }

    /// Adds a node at the end.
    pub fn push(&mut self, node: Node) {
        self.nodes.push(node);
    }

    /// The node with this name.
    pub fn node_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.nodes.iter_mut().find(|node| node.name() == name)
    }

    /// Fills in a field and asks for it no more.
    pub fn know(&mut self, name: &str, value: &str) {
        if let Some(Attributes::Input(input)) = self.node_mut(name).map(|node| &mut node.attributes) {
            input.kind = InputKind::Hidden;
            input.value = Some(value.into());
        }
    }

    /// The form as JSON on the wire.
    pub fn to_json(&self) -> Value {
        let method = match self.method {
            SubmitMethod::Get => "GET",
            SubmitMethod::Post => "POST",
        };
        let mut json = json!({
            "action": self.action,
            "method": method,
            "nodes": self.nodes.iter().map(Node::to_json).collect::<Vec<_>>(),
        });
        if !self.messages.is_empty() {
            json["messages"] = self.messages.iter().map(Message::to_json).collect();
        }
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{MessageId, common};

    #[test]
    fn an_input_has_the_contract_s_members() {
        let node = Input::new("password", InputKind::Password)
            .required()
            .autocomplete("current-password")
            .node(Group::PASSWORD)
            .label(MessageId::new(1_070_001));
        assert_eq!(
            node.to_json(),
            json!({
                "type": "input",
                "group": "password",
                "attributes": {
                    "name": "password", "type": "password", "required": true,
                    "autocomplete": "current-password", "disabled": false, "node_type": "input",
                },
                "messages": [],
                "meta": {"label": {"id": 1_070_001, "text": "Password", "type": "info"}},
            })
        );
    }

    #[test]
    fn pictures_texts_and_links_have_theirs() {
        let image = Attributes::Image { id: "totp_qr", source: "data:image/png;base64,".into(), side: 256 };
        assert_eq!(
            image.to_json(),
            json!({"id": "totp_qr", "src": "data:image/png;base64,", "width": 256, "height": 256, "node_type": "img"})
        );
        let text = Attributes::Text {
            id: "totp_secret_key",
            text: Message::with_context(MessageId::new(1_050_006), json!({"secret": "ABC"})),
        };
        assert_eq!(text.to_json()["text"]["context"]["secret"], "ABC");
        let link = Attributes::Anchor { id: "continue", href: "/".into(), title: common::CONTINUE.into() };
        assert_eq!(link.to_json()["node_type"], "a");
        assert_eq!(link.to_json()["title"]["id"], 1_070_009);
    }

    #[test]
    fn a_form_without_messages_has_no_such_member() {
        let mut form = Container::new("/x".into());
        form.push(Input::hidden("csrf_token", "").required().node(Group::DEFAULT));
        let json = form.to_json();
        assert!(json.get("messages").is_none());
        assert_eq!(json["method"], "POST");
        assert_eq!(json["nodes"][0]["attributes"]["value"], "");
        form.messages.push(MessageId::new(4_000_006).into());
        assert_eq!(form.to_json()["messages"][0]["type"], "error");
    }
}
