//! What is switched on and cannot work.

use url::Url;

use crate::loopback::is_loopback;
use crate::problem::{Findings, Problem};
use crate::sections::Sections;
use crate::sections::hooks::Hook;

/// Notes what is switched on and cannot work, each with what would make it work.
pub(crate) fn note(sections: &Sections, found: &mut Findings) {
    let mut notes = Notes(&mut found.without_effect);
    note_mail(sections, &mut notes);
    note_methods(sections, &mut notes);
    note_network(sections, &mut notes);
}

struct Notes<'a>(&'a mut Vec<Problem>);

impl Notes<'_> {
    fn when(&mut self, holds: bool, pointer: &str, message: &str) {
        if holds {
            self.0.push(Problem::new(pointer, message));
        }
    }
}

/// Flows that send codes.
fn note_mail(sections: &Sections, notes: &mut Notes<'_>) {
    let flows = &sections.selfservice.flows;
    let sends = sections.courier.smtp.connection_uri.is_some();
    let shows = sections.dev;
    let has_codes = sections.selfservice.methods.code.enabled;
    for (enabled, pointer) in [
        (flows.recovery.enabled, "/selfservice/flows/recovery/enabled"),
        (flows.verification.enabled, "/selfservice/flows/verification/enabled"),
    ] {
        let is_on = enabled == Some(true);
        notes.when(
            is_on && !sends && !shows,
            pointer,
            "nobody gets a code, because there is no mail server: set courier.smtp.connection_uri, or start with --dev, which shows mails in the log",
        );
        notes.when(
            is_on && !has_codes,
            pointer,
            "it sends codes, and selfservice.methods.code.enabled is false: switch codes on",
        );
    }
    let verifies = has_codes && flows.verification.enabled == Some(true);
    let by_method = flows.login.after.by_method();
    let methods = ["password", "passkey", "totp", "lookup_secret"];
    notes.when(
        methods.into_iter().any(|method| by_method.of(method).has(Hook::RequireVerifiedAddress))
            && !(verifies && (sends || shows)),
        "/selfservice/flows/login/after",
        "require_verified_address lets nobody in who signs up, because nobody can verify an address: set selfservice.flows.verification.enabled and courier.smtp.connection_uri",
    );
    notes.when(
        sections.security.account_enumeration.mitigate
            && flows.registration.enabled
            && sections.selfservice.methods.password.enabled
            && !sends
            && !shows,
        "/security/account_enumeration/mitigate",
        "who signs up is told by mail how to go on, and there is no mail server: set courier.smtp.connection_uri, or start with --dev, which shows mails in the log",
    );
    let after = &flows.registration.after;
    notes.when(
        after.says("password", Hook::ShowVerificationUi) && !verifies,
        "/selfservice/flows/registration/after",
        "show_verification_ui shows nothing, because verification is off: set selfservice.flows.verification.enabled and courier.smtp.connection_uri",
    );
}

/// Ways to sign in and up.
fn note_methods(sections: &Sections, notes: &mut Notes<'_>) {
    let methods = &sections.selfservice.methods;
    let (password, passkey) = (methods.password.enabled, methods.passkey.enabled);
    notes.when(
        !password && !passkey,
        "/selfservice/methods/password/enabled",
        "nobody can sign in: switch on password or passkey",
    );
    notes.when(
        !password && passkey && sections.selfservice.flows.registration.enabled,
        "/selfservice/flows/registration/enabled",
        "nobody can sign up, because only passwords sign up: switch on password, or registration off",
    );
    let public_url = sections.serve.public.base_url.iter().map(|written| &written.url);
    let origins = public_url.chain(&methods.passkey.config.rp.origins);
    let mut plain = origins.filter(|url| url.scheme() == "http" && !is_of_this_machine(url));
    notes.when(
        passkey && plain.next().is_some(),
        "/selfservice/methods/passkey/enabled",
        "browsers offer passkeys to pages under https only: set serve.public.base_url, and the origins of the method, to addresses with https",
    );
    notes.when(
        sections.session.lifespan.is_zero(),
        "/session/lifespan",
        "a session ends when it begins, so nobody stays signed in: write how long sessions live, for example 24h",
    );
}

/// What the network around would have to do.
fn note_network(sections: &Sections, notes: &mut Notes<'_>) {
    let public = &sections.serve.public;
    let limits = &sections.selfservice.limits;
    let counts = limits.requests_per_minute > 0 || limits.free_failures > 0;
    let is_behind_proxy = public.base_url.as_ref().is_some_and(|written| written.url.scheme() == "https");
    notes.when(
        counts && is_behind_proxy && public.trusted_proxies.is_empty(),
        "/serve/public/base_url",
        "a proxy in front speaks https, and its address stands for all clients behind it, so one of them can use up the limits of all: name the proxy in serve.public.trusted_proxies",
    );
    notes.when(
        public.trusted_proxies.is_everybody(),
        "/serve/public/trusted_proxies",
        "everybody is believed, so clients choose the address that limits count: name the proxies alone",
    );
    let is_sqlite = sections.dsn.as_ref().is_none_or(|dsn| dsn.expose().starts_with("sqlite"));
    notes.when(
        is_sqlite && !sections.session.cache.max_stale.is_zero(),
        "/session/cache/max_stale",
        "it counts with PostgreSQL only, because SQLite is always there",
    );
    notes.when(
        sections.tracing.provider.is_none() && sections.tracing.providers.otlp.server_url.is_some(),
        "/tracing/providers/otlp/server_url",
        "no traces are sent: set tracing.provider to otel",
    );
}

fn is_of_this_machine(url: &Url) -> bool {
    url.host_str().is_some_and(|host| is_loopback(host) || host.ends_with(".localhost"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::Config;

    fn notes(tree: &Value) -> Vec<String> {
        let notes = Config::from_tree(tree).unwrap().notes;
        notes.into_iter().map(|note| note.pointer).collect()
    }

    #[test]
    fn what_is_on_and_cannot_work_is_noted_at_its_key() {
        let https = "https://id.example.org/";
        for (tree, pointer) in [
            (
                json!({"selfservice": {"flows": {"recovery": {"enabled": true}}}}),
                "/selfservice/flows/recovery/enabled",
            ),
            (
                json!({"selfservice": {"flows": {"verification": {"enabled": true}}}}),
                "/selfservice/flows/verification/enabled",
            ),
            (
                json!({"selfservice": {"flows": {"registration": {"after": {"hooks": [{"hook": "show_verification_ui"}]}}}}}),
                "/selfservice/flows/registration/after",
            ),
            (
                json!({"selfservice": {"flows": {"login": {"after": {"hooks": [{"hook": "require_verified_address"}]}}}}}),
                "/selfservice/flows/login/after",
            ),
            (
                json!({"dev": true, "selfservice": {"flows": {"login": {"after": {"totp": {"hooks": [{"hook": "require_verified_address"}]}}}}}}),
                "/selfservice/flows/login/after",
            ),
            (
                json!({"security": {"account_enumeration": {"mitigate": true}}}),
                "/security/account_enumeration/mitigate",
            ),
            (
                json!({"selfservice": {"methods": {"password": {"enabled": false}}}}),
                "/selfservice/methods/password/enabled",
            ),
            (
                json!({"serve": {"public": {"base_url": "http://id.example.org"}}, "selfservice": {"methods": {"passkey": {"enabled": true}}}}),
                "/selfservice/methods/passkey/enabled",
            ),
            (json!({"session": {"lifespan": "0s"}}), "/session/lifespan"),
            (json!({"session": {"cookie": {"same_site": "None"}}}), "/session/cookie/same_site"),
            (
                json!({"serve": {"public": {"base_url": "http://notexample.org"}}, "session": {"cookie": {"domain": "example.org"}}}),
                "/session/cookie/domain",
            ),
            (json!({"serve": {"public": {"base_url": https}}}), "/serve/public/base_url"),
            (
                json!({"serve": {"public": {"trusted_proxies": ["0.0.0.0/0"]}}}),
                "/serve/public/trusted_proxies",
            ),
            (json!({"session": {"cache": {"max_stale": "1m"}}}), "/session/cache/max_stale"),
            (
                json!({"tracing": {"providers": {"otlp": {"server_url": "collector:4318"}}}}),
                "/tracing/providers/otlp/server_url",
            ),
        ] {
            assert_eq!(notes(&tree), [pointer], "{tree}");
        }
    }

    #[test]
    fn what_works_is_not_noted() {
        let mail = json!({"smtp": {"connection_uri": "smtp://localhost"}});
        for tree in [
            json!({"courier": mail, "selfservice": {"flows": {"recovery": {"enabled": true}, "verification": {"enabled": true}}}}),
            json!({"dev": true, "selfservice": {"flows": {"recovery": {"enabled": true}}}}),
            json!({"courier": mail, "security": {"account_enumeration": {"mitigate": true}}, "selfservice": {"flows": {
                "verification": {"enabled": true},
                "login": {"after": {"hooks": [{"hook": "require_verified_address"}]}},
            }}}),
            json!({"selfservice": {"flows": {"recovery": {"enabled": false}}}}),
            json!({"serve": {"public": {"base_url": "https://id.example.org", "trusted_proxies": ["10.0.0.1"]}},
                "session": {"cookie": {"same_site": "None", "domain": "example.org"}},
                "selfservice": {"methods": {"passkey": {"enabled": true}}}}),
            json!({"serve": {"public": {"base_url": "http://localhost:4433"}}, "selfservice": {"methods": {"passkey": {"enabled": true}}}}),
        ] {
            assert_eq!(notes(&tree), Vec::<String>::new(), "{tree}");
        }
    }
}
