//! Values that do nothing, because another one is as it is, although nobody says so.

use serde_json::Value;

use crate::problem::{Findings, Problem, escape};
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
    let said = |pointer: &str| {
        let value = tree.pointer(pointer).filter(|value| !value.is_null());
        value.is_some_and(|value| match value {
            Value::String(text) => !text.is_empty(),
            Value::Object(members) => !members.is_empty(),
            _ => true,
        })
    };
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
    note(
        !sections.serve.public.cors.enabled && !said("/serve/public/cors/enabled"),
        "/serve/public/cors",
        &[
            "allowed_origins",
            "allowed_methods",
            "allowed_headers",
            "exposed_headers",
            "allow_credentials",
            "max_age",
        ],
        "it does nothing, because pages of other origins are not answered at all: set serve.public.cors.enabled to true, or to false to keep this for later",
    );
    note(
        !sections.selfservice.methods.oidc.enabled && !said("/selfservice/methods/oidc/enabled"),
        "/selfservice/methods/oidc/config",
        &["providers"],
        "nobody signs in by them where selfservice.methods.oidc.enabled is absent: set it to true, or to false to keep them for later",
    );
    let does_not_hash = "it does nothing, because hashers.algorithm is absent and passwords are hashed by argon2: set hashers.algorithm";
    note(!said("/hashers/algorithm"), "/hashers/bcrypt", &["cost"], does_not_hash);
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
                "/selfservice/methods/oidc/config/providers",
            ),
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
