//! Keys that count from a start on. What they say while the server runs waits for the next one.

use serde_json::Value;

/// Their paths. What lies below one is part of it.
const KEYS: &[&str] = &[
    "/dsn",
    "/dsn_read_only",
    "/log",
    "/secrets/cipher",
    "/serve/admin/host",
    "/serve/admin/port",
    "/serve/gateway/enabled",
    "/serve/gateway/host",
    "/serve/gateway/port",
    "/serve/public/host",
    "/serve/public/port",
    "/serve/timeouts",
    "/session/upstream",
    "/tracing",
];

/// Those of them, with dots, that say something else now than when the server started.
#[must_use]
pub fn waiting(started: &Value, now: &Value) -> Vec<String> {
    let differs = |key: &&&str| {
        let value = |tree: &Value| tree.pointer(key).cloned().unwrap_or_default();
        value(started) != value(now)
    };
    KEYS.iter().filter(differs).map(|key| key[1..].replace('/', ".")).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::keys::machine_key;

    #[test]
    fn what_was_changed_since_the_start_is_named() {
        let started = json!({"log": {"level": "info"}, "serve": {"public": {"port": 4433}}, "dev": true});
        let now = json!({"log": {"level": "debug"}, "serve": {"public": {"port": 4433, "cors": {"enabled": true}}}});
        assert_eq!(waiting(&started, &now), ["log"]);
        assert_eq!(waiting(&started, &started), Vec::<String>::new());
    }

    #[test]
    fn they_are_keys_of_the_machine_and_the_document_names_them() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
        let page = std::fs::read_to_string(page).unwrap();
        for key in KEYS {
            let names: Vec<&str> = key[1..].split('/').collect();
            assert!(machine_key(&names).is_some(), "{key}");
            let told = key[1..].replace('/', ".");
            let is_address = matches!(names.last(), Some(&("host" | "port")));
            assert!(is_address || page.contains(&format!("`{told}`")), "{told}");
        }
    }
}
