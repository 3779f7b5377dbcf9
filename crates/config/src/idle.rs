//! Values that do nothing, because another one is as it is, although nobody says so.

use serde_json::Value;

use crate::kind::{Key, Kind};
use crate::problem::{Findings, Problem, dotted, escape};
use crate::sections::Sections;
use crate::sections::courier::Delivery;

/// Notes the values of a tree that do nothing, each with what would make it count. What is switched off in so many words
/// may have values beside it.
pub(crate) fn note(sections: &Sections, tree: &Value, found: &mut Findings) {
    let courier = &sections.courier;
    let by_smtp = courier.delivery_strategy == Delivery::Smtp;
    let has_no_server = by_smtp && courier.smtp.connection_uri.is_none() && !sections.dev;
    let password = &sections.selfservice.methods.password;
    let rules = "/selfservice/methods/password/config";
    let flags = &sections.feature_flags;
    let said = |pointer: &str| tree.pointer(pointer).is_some_and(says_something);
    let mut note = |holds: bool, at: &str, names: &[&str], message: &str| {
        for pointer in
            names.iter().map(|name| format!("{at}/{name}")).filter(|pointer| holds && said(pointer))
        {
            if !found.is_wrong(&pointer) {
                found.without_effect.push(Problem::new(pointer, message));
            }
        }
    };
    note(
        password.enabled
            && !password.config.haveibeenpwned_enabled
            && !said(&format!("{rules}/haveibeenpwned_enabled")),
        rules,
        &["haveibeenpwned_host", "max_breaches", "ignore_network_errors"],
        "it does nothing, because nobody is asked about passwords from breaches where haveibeenpwned_enabled is absent: set it to true, or to false to keep this for later",
    );
    note(
        has_no_server,
        "/courier/smtp",
        &["from_address", "from_name", "headers", "local_name"],
        "it does nothing, because no mail is sent: set courier.smtp.connection_uri",
    );
    note(
        by_smtp,
        "/courier/http",
        &["request_config"],
        "it does nothing, because mails go to a mail server: set courier.delivery_strategy to http",
    );
    note(
        !flags.cacheable_sessions,
        "/feature_flags",
        &["cacheable_sessions_max_age"],
        "it does nothing: set feature_flags.cacheable_sessions to true",
    );
    let does_not_hash = "it does nothing, because hashers.algorithm is absent and passwords are hashed by argon2: set hashers.algorithm";
    note(!said("/hashers/algorithm"), "/hashers/bcrypt", &["cost"], does_not_hash);
    unswitched(tree, Sections::KEYS, "", &mut |section, names| {
        let switch = dotted(&format!("{section}/enabled"));
        let message = format!(
            "it does nothing where {switch} is absent: set that to true, or to false to keep this for later"
        );
        note(true, section, names, &message);
    });
    for (name, route) in &sections.gateway.routes {
        let at = format!("/gateway/routes/{}", escape(name));
        note(
            route.template.is_none(),
            &at,
            &["header", "reuse"],
            "it does nothing, because the route makes no token: name its template",
        );
        note(
            route.schema_ids.is_empty(),
            &at,
            &["schema_ids"],
            "an empty list lets people of all schemas pass: name those who may, or leave it out",
        );
    }
    for (place, pattern) in sections.clients.http.private_ip_exception_urls.iter().enumerate() {
        if !pattern.contains("://") && !pattern.starts_with('*') {
            let message = format!(
                "no URL is like \"{pattern}\": write it with its scheme, as in https://hooks.example.org/**"
            );
            found
                .without_effect
                .push(Problem::new(format!("/clients/http/private_ip_exception_urls/{place}"), message));
        }
    }
}

/// Whether a value is more than a name with nothing behind it.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(members) => members.values().any(says_something),
        _ => true,
    }
}

/// Tells of each section below a place that has a switch `enabled`, which is off by itself and about which nothing is said: where
/// it stands, and the names of all else in it.
fn unswitched(tree: &Value, keys: &'static [Key], at: &str, tell: &mut impl FnMut(&str, &[&str])) {
    let Some(members) = tree.as_object() else { return };
    let is_switch =
        |key: &Key| key.name == "enabled" && matches!(key.kind, Kind::Bool) && key.default != Some("true");
    if keys.iter().any(is_switch) && !members.get("enabled").is_some_and(says_something) {
        let names: Vec<_> = keys.iter().map(|key| key.name).filter(|name| *name != "enabled").collect();
        tell(at, &names);
    }
    for key in keys {
        if let (Kind::Object(inner), Some(member)) = (key.kind, members.get(key.name)) {
            unswitched(member, inner, &format!("{at}/{}", key.name), tell);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Config;

    #[test]
    fn a_value_that_does_nothing_is_noted_unless_it_is_switched_off_in_so_many_words() {
        let breaches = |more: Value| {
            let mut config = json!({"max_breaches": 0});
            for (name, value) in more.as_object().unwrap() {
                config[name] = value.clone();
            }
            json!({"selfservice": {"methods": {"password": {"config": config}}}})
        };
        for (tree, noted) in [
            (breaches(json!({})), "/selfservice/methods/password/config/max_breaches"),
            (json!({"courier": {"smtp": {"from_address": "x"}}}), "/courier/smtp/from_address"),
            (json!({"courier": {"smtp": {"headers": {"A": "b"}}}}), "/courier/smtp/headers"),
            (
                json!({"courier": {"http": {"request_config": {"url": "https://a.example"}}}}),
                "/courier/http/request_config",
            ),
            (
                json!({"feature_flags": {"cacheable_sessions_max_age": "1m"}}),
                "/feature_flags/cacheable_sessions_max_age",
            ),
            (
                json!({"serve": {"public": {"cors": {"allowed_origins": ["https://a.example"]}}}}),
                "/serve/public/cors/allowed_origins",
            ),
            (
                json!({"selfservice": {"methods": {"oidc": {"config": {"providers": [{"id": "g", "provider": "google"}]}}}}}),
                "/selfservice/methods/oidc/config",
            ),
            (
                json!({"selfservice": {"methods": {"totp": {"config": {"issuer": "Example"}}}}}),
                "/selfservice/methods/totp/config",
            ),
            (
                json!({"selfservice": {"flows": {"recovery": {"use": "link"}}}}),
                "/selfservice/flows/recovery/use",
            ),
            (json!({"serve": {"gateway": {"port": 1234}}}), "/serve/gateway/port"),
            (json!({"hashers": {"bcrypt": {"cost": 8}}}), "/hashers/bcrypt/cost"),
            (json!({"gateway": {"routes": {"a": {"header": "X-Token"}}}}), "/gateway/routes/a/header"),
            (json!({"gateway": {"routes": {"a": {"schema_ids": []}}}}), "/gateway/routes/a/schema_ids"),
            (
                json!({"clients": {"http": {"private_ip_exception_urls": ["a.example"]}}}),
                "/clients/http/private_ip_exception_urls/0",
            ),
        ] {
            let notes = Config::from_tree(&tree).unwrap().notes;
            assert!(notes.iter().any(|note| note.pointer == noted), "{tree}: {notes:?}");
        }
        for tree in [
            breaches(json!({"haveibeenpwned_enabled": false})),
            breaches(json!({"haveibeenpwned_enabled": true})),
            json!({"courier": {"smtp": {"from_address": "x", "connection_uri": "smtp://h"}}}),
            json!({"dev": true, "courier": {"smtp": {"from_address": "x", "from_name": ""}}}),
            json!({"serve": {"public": {"cors": {"enabled": false, "allowed_origins": ["https://a.example"]}}}}),
            json!({"selfservice": {"methods": {"totp": {"enabled": false, "config": {"issuer": "Example"}}}}}),
            json!({"selfservice": {"methods": {"totp": {"config": {"issuer": ""}}}}}),
            json!({"selfservice": {"methods": {"code": {"config": {"lifespan": "5m"}}}}}),
            json!({"hashers": {"algorithm": "argon2", "bcrypt": {"cost": 8}}}),
            json!({"clients": {"http": {"private_ip_exception_urls": ["https://a.example/**", "**"]}}}),
        ] {
            let notes = Config::from_tree(&tree).unwrap().notes;
            assert!(
                notes.iter().all(|note| !note.message.starts_with("it does nothing")),
                "{tree}: {notes:?}"
            );
        }
    }
}
