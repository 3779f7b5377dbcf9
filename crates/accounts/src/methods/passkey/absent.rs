//! What stands for passkeys in a program that was built without the feature `passkeys`. It refuses a configuration
//! that switches them on, so that nobody believes they are there. Passkeys that are stored stay as they are.

use std::sync::Arc;

use sessera_config::tree::{Config, Reader};

use crate::flows::method::Method;

/// The key that switches passkeys on.
const ENABLED: &str = "/selfservice/methods/passkey/enabled";

/// Reads what the configuration says.
pub(super) fn compile(_: &Config, reader: &mut Reader<'_>) -> Option<Arc<dyn Method>> {
    if reader.flag(ENABLED, false) {
        reader.problems.push(format!(
            "{ENABLED}: this program was built without passkeys; set the key to false, or take a build with the feature \"passkeys\""
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn passkeys_cannot_be_switched_on() {
        for (enabled, problems) in [(false, 0), (true, 1)] {
            let tree = json!({"selfservice": {"methods": {"passkey": {"enabled": enabled}}}});
            let config = Config::from_tree(&tree).expect("is a configuration");
            let mut reader = Reader::new(&config.rest);
            assert!(compile(&config, &mut reader).is_none());
            assert_eq!(reader.problems.len(), problems);
        }
    }
}
