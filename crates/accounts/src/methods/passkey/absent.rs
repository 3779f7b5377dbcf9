//! What stands for passkeys in a program that was built without the feature `passkeys`. It refuses a configuration
//! that switches them on, so that nobody believes they are there. Passkeys that are stored stay as they are.

pub mod messages;

use std::sync::Arc;

use sessera_config::{Config, Problem};

use crate::flows::method::Method;
use crate::methods::public_keys;

/// Reads what the configuration says.
pub(super) fn compile(config: &Config, problems: &mut Vec<Problem>) -> Option<Arc<dyn Method>> {
    public_keys::refuse("passkey", config.selfservice.methods.passkey.enabled, problems);
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn passkeys_cannot_be_switched_on() {
        for (enabled, expected) in [(false, 0), (true, 1)] {
            let tree = json!({"selfservice": {"methods": {"passkey": {"enabled": enabled}}}});
            let config = Config::from_tree(&tree).expect("is a configuration");
            let mut problems = Vec::new();
            assert!(compile(&config, &mut problems).is_none());
            assert_eq!(problems.len(), expected);
        }
    }
}
