//! Trips to another site: somebody goes there from a flow, is asked who they are, and comes back with what that site
//! says.
//!
//! A trip belongs to its flow, to the browser that left and to the site that it left for: whoever comes back names all
//! three, and each trip ends once. What another site says of somebody is never taken to the flow of somebody else.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sessera_model::{Random, TokenHash, Uuid, is_same_secret};
use sessera_store::FlowKind;

/// How long a state is: a letter, the id of the flow, and as many random characters.
const STATE: usize = 65;

/// Where the random characters of a state begin.
const SECRET: usize = 33;

/// A trip that is under way, as its flow keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trip {
    /// The method that sent somebody away.
    pub method: String,
    /// Where to, by the name that the configuration has for it.
    pub provider: String,
    /// What names the address to which somebody comes back. Nothing where several sites share it: what one of them says
    /// would be shown to another.
    #[serde(default)]
    pub callback: Option<String>,
    /// The hash of the state that comes back.
    pub state: TokenHash,
    /// The hash of the cookie of the browser that left. A native client has none.
    pub browser: Option<TokenHash>,
    /// What a token from there must name.
    pub nonce: String,
    /// What proves that whoever left exchanges the code, where that site asks for it (RFC 7636).
    pub verifier: Option<String>,
    /// The traits that were typed before.
    #[serde(default)]
    pub traits: Value,
    /// What the client passes along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transient_payload: Option<Value>,
}

/// Somebody who comes back.
#[derive(Clone, Debug)]
pub struct Back {
    /// The method to whose address they come back.
    pub method: &'static str,
    /// From where, when the address to which they come back says so.
    pub provider: Option<String>,
    /// The state that they bring along.
    pub state: String,
    /// What else they bring along, by names.
    pub parameters: Vec<(String, String)>,
}

impl Back {
    /// Something that they bring along. What is empty is not there.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The flow to which they come back, by kind and id. `None` when that is no state of this program.
    pub fn flow(&self) -> Option<(FlowKind, Uuid)> {
        let kind = KINDS.iter().find(|(letter, _)| self.state.starts_with(*letter)).map(|(_, kind)| *kind)?;
        let id = self.state.get(1..SECRET).filter(|_| self.state.len() == STATE)?;
        Some((kind, Uuid::parse_str(id).ok()?))
    }
}

/// By which letter a state begins that belongs to a kind of flow.
const KINDS: [(char, FlowKind); 3] =
    [('l', FlowKind::Login), ('r', FlowKind::Registration), ('s', FlowKind::Settings)];

/// A new state for a trip from a flow.
pub fn new_state(random: &dyn Random, kind: FlowKind, flow: Uuid) -> String {
    let letter = KINDS.iter().find(|(_, known)| *known == kind).map_or('?', |(letter, _)| *letter);
    format!("{letter}{}{}", flow.simple(), random.token())
}

impl Trip {
    /// Whether somebody comes back from this trip.
    pub fn is_of(&self, back: &Back) -> bool {
        is_same_secret(self.state.as_bytes(), TokenHash::of(&back.state).as_bytes())
            && back.provider == self.callback
    }

    /// Whether the browser with these cookies has left for it.
    pub fn is_by(&self, cookies: &[String]) -> bool {
        let mut hashes = cookies.iter().map(|cookie| TokenHash::of(cookie));
        self.browser
            .is_some_and(|browser| hashes.any(|hash| is_same_secret(hash.as_bytes(), browser.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessera_model::SeededRandom;

    #[test]
    fn a_state_leads_to_its_flow_and_nothing_else_does() {
        let random = SeededRandom::new(1);
        let flow = Uuid::from_u128(7);
        for kind in [FlowKind::Login, FlowKind::Registration, FlowKind::Settings] {
            let state = new_state(&random, kind, flow);
            let back = |state: &str| Back {
                method: "oidc",
                provider: None,
                state: state.into(),
                parameters: vec![],
            };
            assert_eq!(back(&state).flow(), Some((kind, flow)));
            for other in ["", "l", "x", &format!("x{state}"), &state[..40], &format!("{state}AAAA"), "lé"] {
                assert_eq!(back(other).flow(), None, "{other}");
            }
            assert_ne!(state, new_state(&random, kind, flow));
        }
    }
}
