//! The nodes that lead a browser to the script, which asks it for a key.

use crate::flows::flow::Transport;
use crate::rules::Rules;
use crate::ui::{Attributes, Group, Node, Trigger};

/// The node of the script. Native clients have none.
pub(crate) fn script(rules: &Rules, transport: Transport) -> Option<Node> {
    let source = rules.url(".well-known/ory/webauthn.js");
    let attributes = Attributes::Script { id: "webauthn_script", source };
    let node = Node { group: Group::WEBAUTHN, attributes, messages: Vec::new(), label: None };
    (transport == Transport::Browser).then_some(node)
}

/// A function of the script, which a native client has to do by itself.
pub(crate) fn trigger(function: &'static str, transport: Transport) -> Trigger {
    Trigger { function, on_load: false, in_page: transport == Transport::Browser }
}
