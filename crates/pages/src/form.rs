//! Forms: the nodes of any flow as HTML. One renderer serves all flows and all identity schemas.
//!
//! Forms are checked by the server only (`novalidate`): what is wrong is then said in
//! one way, in the page's language, at the field and in the list at the top, to which the focus goes.

use maud::{Markup, html};
use serde_json::Value;
use sessera_accounts::messages::{Message, MessageKind};
use sessera_accounts::methods::{lookup_secret, totp};
use sessera_accounts::ui::{Attributes, Container, Group, Input, InputKind, Node, SubmitMethod, Trigger};

use crate::words::{Texts, Word};

/// What the renderer must know besides the nodes.
#[derive(Clone, Copy, Debug)]
pub struct FormContext<'a> {
    /// The texts of the page's language.
    pub texts: &'a Texts,
    /// Whether the first empty field has the focus, for pages that ask for one thing.
    pub focus: bool,
    /// Whether a form's first button is what people mostly come for.
    pub is_main: bool,
}

impl FormContext<'_> {
    /// What is said above the forms: what is wrong, as links to the fields, then everything else.
    pub fn messages(self, container: &Container) -> Markup {
        let is_error = |message: &&Message| message.kind() == MessageKind::Error;
        let general: Vec<&Message> = container.messages.iter().filter(is_error).collect();
        let at_fields = container
            .nodes
            .iter()
            .flat_map(|node| node.messages.iter().filter(is_error).map(move |message| (node, message)));
        let at_fields: Vec<(&Node, &Message)> = at_fields.collect();
        html! {
            @if !general.is_empty() || !at_fields.is_empty() {
                div.notice.error role="alert" tabindex="-1" autofocus {
                    h2 { (self.texts.word(Word::ProblemTitle)) }
                    ul {
                        @for message in &general {
                            li { (self.texts.message(message)) }
                        }
                        @for (node, message) in &at_fields {
                            @if is_shown(node) {
                                li { a href=(format!("#{}", id(node))) { (self.summary(node, message)) } }
                            } @else {
                                li { (self.texts.message(message)) }
                            }
                        }
                    }
                }
            }
            @for message in container.messages.iter().filter(|message| !is_error(message)) {
                div.notice.success[message.kind() == MessageKind::Success] role="status" {
                    p { (self.texts.message(message)) }
                }
            }
        }
    }

    /// All nodes in one form, or those of each method in one of their own where they share no field.
    pub fn forms(self, container: &Container) -> Markup {
        let mut groups = groups(container);
        // Ways that lead elsewhere come behind those that end here, and the way back behind all.
        groups.sort_by_key(|group| (*group == Group::PROFILE, *group == Group::OIDC));
        let shares = container.nodes.iter().any(|node| node.group == Group::DEFAULT && is_shown(node));
        html! {
            @if shares || groups.len() < 2 {
                (self.form(container, &container.nodes.iter().collect::<Vec<_>>()))
            } @else {
                @for (at, group) in groups.into_iter().enumerate() {
                    div.method {
                        (Self { focus: self.focus && at == 0, is_main: at == 0, ..self }.form_of(container, group))
                    }
                }
            }
        }
    }

    /// The form of one method.
    pub fn form_of(self, container: &Container, group: Group) -> Markup {
        let belongs = |node: &&Node| belongs_to_all(node) || node.group == group;
        self.form(container, &container.nodes.iter().filter(belongs).collect::<Vec<_>>())
    }

    fn form(self, container: &Container, nodes: &[&Node]) -> Markup {
        let has_errors = container.nodes.iter().any(|node| !node.messages.is_empty())
            || container.messages.iter().any(|message| message.kind() == MessageKind::Error);
        let is_empty_field = |node: &&&Node| match &node.attributes {
            Attributes::Input(input) => {
                is_shown(node) && input.value.as_ref().is_none_or(|value| value == "")
            }
            _ => false,
        };
        let focused = nodes.iter().find(is_empty_field).filter(|_| self.focus && !has_errors);
        // The button that the Enter key presses comes first.
        let mut buttons: Vec<&&Node> = nodes.iter().filter(|node| is_button(node)).collect();
        let rank = |node: &&&Node| {
            (node.group == Group::OIDC, trigger(node).is_some(), !submits_fields(node, nodes))
        };
        buttons.sort_by_key(rank);
        let primary = buttons.first().copied();
        let method = match container.method {
            SubmitMethod::Get => "get",
            SubmitMethod::Post => "post",
        };
        html! {
            form action=(container.action) method=(method) novalidate {
                @for node in nodes.iter().filter(|node| !is_button(node)) {
                    (self.node(node, focused.is_some_and(|focused| std::ptr::eq(*focused, *node))))
                }
                @if !buttons.is_empty() {
                    div.buttons {
                        @for node in &buttons {
                            (self.button(node, primary.is_some_and(|primary| std::ptr::eq(*primary, **node))))
                        }
                    }
                }
                @for node in buttons.iter().filter(|node| trigger(node).is_some()) {
                    @let is_passkey = node.group == Group::PASSKEY;
                    @let failed = if is_passkey { Word::PasskeyFailed } else { Word::SecurityKeyFailed };
                    @let needs_script = if is_passkey { Word::PasskeyNeedsScript } else { Word::SecurityKeyNeedsScript };
                    p.wrong id=(failure(node)) role="alert" hidden { (self.texts.word(failed)) }
                    // The script takes it away where the browser knows passkeys and security keys.
                    p.hint data-without-passkeys { (self.texts.word(needs_script)) }
                }
            }
        }
    }

    fn node(self, node: &Node, is_focused: bool) -> Markup {
        match &node.attributes {
            Attributes::Input(input) if input.kind == InputKind::Hidden => hidden(input),
            Attributes::Input(_) if !is_shown(node) => html! {},
            Attributes::Input(input) if input.kind == InputKind::Checkbox => {
                self.checkbox(node, input, is_focused)
            }
            Attributes::Input(input) => self.field(node, input, is_focused),
            Attributes::Text { text, .. } => self.text(node, text),
            Attributes::Image { source, side, .. } => html! {
                img.code src=(source) width=(side) height=(side) alt=(self.label(node));
            },
            Attributes::Anchor { href, title, .. } => html! {
                p.buttons { a.button.primary href=(href) { (self.texts.message(title)) } }
            },
            // It stands in the head of the page.
            Attributes::Script { .. } => html! {},
        }
    }

    fn field(self, node: &Node, input: &Input, is_focused: bool) -> Markup {
        let (id, hint) = (id(node), self.hint(input));
        html! {
            div.field.wrong[is_wrong(node)] {
                label for=(id) {
                    (self.label(node))
                    @if !input.required { " " span.optional { "(" (self.texts.word(Word::Optional)) ")" } }
                }
                @if let Some(hint) = &hint { p.hint id=(format!("{id}-hint")) { (hint) } }
                (self.errors(node))
                @if input.options.is_empty() {
                    @for (at, value) in texts(input).iter().enumerate() {
                        (self.line(node, input, value, at, is_focused && at == 0))
                    }
                } @else {
                    (self.choice(node, input, is_focused))
                }
            }
        }
    }

    /// A field of one line. The first one of a list has the label, the others its text.
    fn line(self, node: &Node, input: &Input, value: &str, at: usize, is_focused: bool) -> Markup {
        let kind = match input.kind {
            // Browsers' own field for times knows no zone, which schemas ask for.
            InputKind::DateTime => InputKind::Text,
            kind => kind,
        };
        // Codes may be typed in groups, with blanks or hyphens between, which their length would cut off.
        let is_code = input.autocomplete == Some("one-time-code");
        let is_word = is_code || matches!(input.name.as_str(), "identifier" | "lookup_secret");
        let is_plain = input.name == "identifier" && input.autocomplete.is_none();
        let autocomplete = if is_plain { Some("username") } else { input.autocomplete };
        html! {
            input
                id=[(at == 0).then(|| id(node))]
                name=(input.name)
                type=(kind.as_str())
                value=[Some(value).filter(|value| !value.is_empty())]
                required[input.required && at == 0]
                autocomplete=[autocomplete]
                maxlength=[input.max_length.filter(|_| !is_code)]
                step=[(kind == InputKind::Number).then_some("any")]
                inputmode=[is_code.then_some("numeric")]
                autocapitalize=[is_word.then_some("none")]
                spellcheck=[is_word.then_some("false")]
                dir=[(kind == InputKind::Text && !is_word).then_some("auto")]
                aria-label=[(at > 0).then(|| self.label(node))]
                aria-invalid=[is_wrong(node).then_some("true")]
                aria-describedby=[self.described_by(node, input)]
                autofocus[is_focused];
        }
    }

    fn choice(self, node: &Node, input: &Input, is_focused: bool) -> Markup {
        let chosen: Vec<&Value> = match &input.value {
            Some(Value::Array(values)) => values.iter().collect(),
            Some(value) => vec![value],
            None => Vec::new(),
        };
        let is_list = matches!(input.value, Some(Value::Array(_)));
        html! {
            select
                id=(id(node))
                name=(input.name)
                multiple[is_list]
                required[input.required]
                aria-invalid=[is_wrong(node).then_some("true")]
                aria-describedby=[self.described_by(node, input)]
                autofocus[is_focused] {
                @if !is_list { option value="" { (self.texts.word(Word::Choose)) } }
                @for value in &input.options {
                    @let text = plain(value);
                    option value=(text) selected[chosen.contains(&value)] { (text) }
                }
            }
        }
    }

    fn checkbox(self, node: &Node, input: &Input, is_focused: bool) -> Markup {
        let id = id(node);
        let is_checked = input.value.as_ref().is_some_and(|value| *value == true || value == "true");
        html! {
            div.field.check.wrong[is_wrong(node)] {
                (self.errors(node))
                // An empty box is sent as nothing; this says no in its place.
                input type="hidden" name=(input.name) value="false";
                input
                    type="checkbox"
                    id=(id)
                    name=(input.name)
                    value="true"
                    checked[is_checked]
                    required[input.required]
                    aria-invalid=[is_wrong(node).then_some("true")]
                    aria-describedby=[self.described_by(node, input)]
                    autofocus[is_focused];
                label for=(id) { (self.label(node)) }
            }
        }
    }

    fn button(self, node: &Node, is_primary: bool) -> Markup {
        let Attributes::Input(input) = &node.attributes else { return html! {} };
        let class = match input.name.as_str() {
            "totp_unlink" | "lookup_secret_disable" | "passkey_remove" | "webauthn_remove" | "unlink" => {
                "danger"
            }
            _ if is_primary && self.is_main => "primary",
            _ => "quiet",
        };
        let value = input.value.as_ref().map(plain).unwrap_or_default();
        if let Some(trigger) = input.trigger {
            // The script shows it where the browser knows passkeys and security keys, and reads its value.
            return html! {
                button.(class) type="button" name=(input.name) value=(value) data-passkey=(trigger.function) data-failure=(failure(node)) hidden {
                    (self.label(node))
                }
            };
        }
        html! {
            button.(class) type="submit" disabled[input.disabled] name=(input.name) value=(value) { (self.label(node)) }
        }
    }

    /// A text to be read: the secret for an app, printed codes, or a sentence.
    fn text(self, node: &Node, text: &Message) -> Markup {
        let label = node.label.as_ref().map(|label| self.texts.message(label));
        html! {
            div.text {
                @if let Some(label) = label { p.hint { (label) } }
                @match text.id {
                    totp::messages::SECRET => p { code.secret { (in_fours(&self.texts.message(text))) } },
                    lookup_secret::messages::SECRETS => (self.codes(text)),
                    _ => p { (self.texts.message(text)) },
                }
            }
        }
    }

    fn codes(self, text: &Message) -> Markup {
        let codes = text.context.get("secrets").and_then(Value::as_array);
        html! {
            ol.codes {
                @for code in codes.into_iter().flatten() {
                    @match code["context"]["secret"].as_str() {
                        Some(secret) => li { code { (secret) } },
                        None => li.used { (self.texts.word(Word::LookupUsed)) },
                    }
                }
            }
        }
    }

    fn errors(self, node: &Node) -> Markup {
        html! {
            @if !node.messages.is_empty() {
                p.wrong id=(format!("{}-error", id(node))) {
                    @for message in &node.messages { span { (self.texts.message(message)) } " " }
                }
            }
        }
    }

    /// What the list at the top says about a field: its name too, where the sentence alone tells nothing.
    fn summary(self, node: &Node, message: &Message) -> String {
        format!("{}: {}", self.label(node), self.texts.message(message))
    }

    /// What a node is called: as its label says, else by the last part of its name.
    fn label(self, node: &Node) -> String {
        match &node.label {
            Some(label) => self.texts.message(label),
            None => {
                let name = node.name().rsplit('.').next().unwrap_or_default().replace('_', " ");
                let mut letters = name.chars();
                letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
            }
        }
    }

    fn hint(self, input: &Input) -> Option<String> {
        let length = input.min_length?;
        Some(self.texts.filled(Word::PasswordHint, &[("length", &length.to_string())]))
    }

    fn described_by(self, node: &Node, input: &Input) -> Option<String> {
        let hint = self.hint(input).map(|_| format!("{}-hint", id(node)));
        let error = is_wrong(node).then(|| format!("{}-error", id(node)));
        match (hint, error) {
            (Some(hint), Some(error)) => Some(format!("{hint} {error}")),
            (hint, error) => hint.or(error),
        }
    }
}

/// The methods of a form in their order, without what belongs to all of them.
pub fn groups(container: &Container) -> Vec<Group> {
    let mut groups = Vec::new();
    for node in &container.nodes {
        // The script stands in a group of its own for whichever method needs it.
        let is_method = !belongs_to_all(node) && !is_script(node);
        if is_method && !groups.contains(&node.group) {
            groups.push(node.group);
        }
    }
    groups
}

/// Whether a node belongs to whichever method is chosen.
fn belongs_to_all(node: &Node) -> bool {
    matches!(node.group, Group::DEFAULT | Group::IDENTIFIER_FIRST)
}

/// Whether a button is the one for the fields of its method, rather than one that asks for something else.
fn submits_fields(button: &Node, nodes: &[&Node]) -> bool {
    let is_own = |node: &&&Node| is_shown(node) && node.group == button.group;
    button.name() == "method" && nodes.iter().any(|node| is_own(&node))
}

/// Whether a node is a field that somebody fills in. A field without a label that is no trait stands in
/// a form only to carry a message.
fn is_shown(node: &Node) -> bool {
    let Attributes::Input(input) = &node.attributes else { return false };
    !matches!(input.kind, InputKind::Hidden | InputKind::Submit | InputKind::Button)
        && (node.label.is_some() || node.name().starts_with("traits."))
}

fn is_button(node: &Node) -> bool {
    let Attributes::Input(input) = &node.attributes else { return false };
    matches!(input.kind, InputKind::Submit | InputKind::Button)
}

/// The function of the script that a button calls.
fn trigger(node: &Node) -> Option<Trigger> {
    let Attributes::Input(input) = &node.attributes else { return None };
    input.trigger
}

fn is_script(node: &Node) -> bool {
    matches!(node.attributes, Attributes::Script { .. })
}

/// Whether a form needs the script for passkeys and security keys.
pub fn has_script(container: &Container) -> bool {
    container.nodes.iter().any(is_script)
}

/// The id of what is said when the script comes back with nothing.
fn failure(node: &Node) -> String {
    format!("{}-failure", id(node))
}

fn is_wrong(node: &Node) -> bool {
    node.messages.iter().any(|message| message.kind() == MessageKind::Error)
}

fn id(node: &Node) -> String {
    format!("field-{}", node.name())
}

fn hidden(input: &Input) -> Markup {
    html! {
        @for value in texts(input) {
            input
                type="hidden"
                name=(input.name)
                value=(value)
                data-passkey=[input.trigger.map(|trigger| trigger.function)];
        }
    }
}

/// The texts of a value: one, or those of a list, with an empty one for a further item.
fn texts(input: &Input) -> Vec<String> {
    match &input.value {
        Some(Value::Array(items)) => {
            let mut texts: Vec<String> = items.iter().map(plain).collect();
            if input.kind != InputKind::Hidden {
                texts.push(String::new());
            }
            texts
        }
        Some(value) => vec![plain(value)],
        None => vec![String::new()],
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A long secret in groups of four, as people read it out. Apps pass over the blanks.
fn in_fours(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join(" ")
}
