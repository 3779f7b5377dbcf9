//! What is switched on and cannot work.

use url::Url;

use crate::loopback::is_loopback;
use crate::problem::{Findings, Problem, escape};
use crate::sections::Sections;
use crate::sections::courier::Delivery;
use crate::sections::flows::Proof;
use crate::sections::gateway::RouteAal;
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
    let courier = &sections.courier;
    let takes_mails = courier.smtp.connection_uri.is_some() || courier.delivery_strategy == Delivery::Http;
    // Whether mails or texts to telephone numbers are needed, the identity schemas say.
    let sends = takes_mails || !courier.channels.is_empty();
    let shows = sections.dev;
    note_mail_server(sections, notes);
    let methods = &sections.selfservice.methods;
    let is_on = |proof| match proof {
        Proof::Code => methods.code.enabled,
        Proof::Link => methods.link.enabled,
    };
    for (enabled, proof, pointer) in [
        (flows.recovery.enabled, flows.recovery.r#use, "/selfservice/flows/recovery/enabled"),
        (flows.verification.enabled, flows.verification.r#use, "/selfservice/flows/verification/enabled"),
    ] {
        notes.when(
            enabled && !sends && !shows,
            pointer,
            "nobody gets a message, because nobody takes mails: set courier.smtp.connection_uri or courier.delivery_strategy, or start with --dev, which shows mails in the log",
        );
        notes.when(
            enabled && !is_on(proof),
            pointer,
            "the method that it uses is off: switch on selfservice.methods.code or link, whichever use names",
        );
    }
    notes.when(
        methods.code.enabled && (methods.code.passwordless_enabled || methods.code.mfa_enabled) && !sends && !shows,
        "/selfservice/methods/code",
        "nobody gets a code, because nobody takes mails: set courier.smtp.connection_uri or courier.delivery_strategy, or start with --dev, which shows mails in the log",
    );
    let verifies = is_on(flows.verification.r#use) && flows.verification.enabled;
    let by_method = flows.login.after.by_method();
    let names = ["password", "code", "passkey", "webauthn", "totp", "lookup_secret"];
    notes.when(
        names.into_iter().any(|method| by_method.of(method).has(Hook::RequireVerifiedAddress))
            && !(verifies && (sends || shows)),
        "/selfservice/flows/login/after",
        "require_verified_address lets nobody in who signs up, because nobody can verify an address: set selfservice.flows.verification.enabled and courier.smtp.connection_uri",
    );
    notes.when(
        sections.security.account_enumeration.mitigate
            && flows.registration.enabled
            && methods.password.enabled
            && !sends
            && !shows,
        "/security/account_enumeration/mitigate",
        "who signs up is told by mail how to go on, and nobody takes mails: set courier.smtp.connection_uri or courier.delivery_strategy, or start with --dev, which shows mails in the log",
    );
    let after = &flows.registration.after;
    notes.when(
        after.says("password", Hook::ShowVerificationUi) && !verifies,
        "/selfservice/flows/registration/after",
        "show_verification_ui shows nothing, because verification is off: set selfservice.flows.verification.enabled and courier.smtp.connection_uri",
    );
}

/// Parameters in the address of the mail server that do nothing. Which values they may have is judged where it is read.
fn note_mail_server(sections: &Sections, notes: &mut Notes<'_>) {
    let uri = sections.courier.smtp.connection_uri.as_ref();
    let Some(url) = uri.and_then(|uri| Url::parse(uri.expose()).ok()) else { return };
    let mut note = |name: &str, why: &str| {
        let message = format!("its parameter {} does nothing: {why}", name.escape_debug());
        notes.when(true, "/courier/smtp/connection_uri", &message);
    };
    let is_plain = url.scheme() == "smtp"
        && url.query_pairs().any(|(name, value)| name == "disable_starttls" && is_true(&value) == Some(true));
    for (name, _) in url.query_pairs() {
        match &*name {
            "server_name" | "skip_ssl_verify" if is_plain => {
                note(&name, "disable_starttls switches off the TLS that it is about");
            }
            "disable_starttls" if url.scheme() == "smtps" => note(&name, "smtps has TLS from the start"),
            // What Kratos has under this name is how smtps is spoken here.
            "server_name" | "skip_ssl_verify" | "disable_starttls" | "legacy_ssl" => {}
            _ => note(&name, "there are disable_starttls, skip_ssl_verify and server_name"),
        }
    }
}

/// What a parameter of an address says, as Kratos reads it. `None` when it says neither.
pub fn is_true(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Ways to sign in and up.
fn note_methods(sections: &Sections, notes: &mut Notes<'_>) {
    let methods = &sections.selfservice.methods;
    let (password, passkey) = (methods.password.enabled, methods.passkey.enabled);
    let code = methods.code.enabled && methods.code.passwordless_enabled;
    let has_providers = !methods.oidc.config.providers.is_empty();
    let by_provider = methods.oidc.enabled && has_providers;
    notes.when(
        !(password || passkey || code || by_provider),
        "/selfservice/methods/password/enabled",
        "nobody can sign in: switch on password, passkey, code.passwordless_enabled or oidc",
    );
    notes.when(
        methods.oidc.enabled && !has_providers,
        "/selfservice/methods/oidc/enabled",
        "nobody signs in by a provider, because none is named: add one to selfservice.methods.oidc.config.providers",
    );
    for (is_on, name) in [
        (methods.code.passwordless_enabled, "passwordless_enabled"),
        (methods.code.mfa_enabled, "mfa_enabled"),
    ] {
        notes.when(
            is_on && !methods.code.enabled,
            &format!("/selfservice/methods/code/{name}"),
            "it switches nothing on, because selfservice.methods.code.enabled is false: set that to true",
        );
    }
    note_second_factors(sections, notes);
    let webauthn = &methods.webauthn;
    for (method, enabled, site) in [
        ("passkey", passkey, &methods.passkey.config.rp),
        ("webauthn", webauthn.enabled, &webauthn.config.rp),
    ] {
        let public_url = sections.serve.public.base_url.iter().map(|written| &written.url);
        let mut origins = public_url.chain(&site.origins).chain(&site.origin);
        notes.when(
            enabled && origins.any(|url| url.scheme() == "http" && !is_of_this_machine(url)),
            &format!("/selfservice/methods/{method}/enabled"),
            "browsers offer passkeys and security keys to pages under https only: set serve.public.base_url, and the origins of the method, to addresses with https",
        );
    }
    notes.when(
        sections.security.account_enumeration.mitigate && code,
        "/security/account_enumeration/mitigate",
        "signing in by a code tells all the same who has an account, because an address that nobody signs in with is refused at once (message 4000035), as in Kratos: switch off selfservice.methods.code.passwordless_enabled, or live with it and leave mitigate out",
    );
    notes.when(
        sections.session.lifespan.is_zero(),
        "/session/lifespan",
        "a session ends when it begins, so nobody stays signed in: write how long sessions live, for example 24h",
    );
}

/// Routes that let only those pass who have proven a second factor, where nobody can have one.
fn note_second_factors(sections: &Sections, notes: &mut Notes<'_>) {
    let methods = &sections.selfservice.methods;
    let by_code = methods.code.enabled && methods.code.mfa_enabled;
    let has_one = methods.totp.enabled || methods.webauthn.enabled || by_code;
    // A provider may say that its token stands for two factors, and an upstream has methods of its own.
    let of_provider = methods.oidc.enabled
        && methods
            .oidc
            .config
            .providers
            .iter()
            .any(|provider| !provider.aal2_acr_values.is_empty() || !provider.aal2_amr_values.is_empty());
    let nobody_can = !(has_one || of_provider || sections.session.upstream.url.is_some());
    for (name, route) in &sections.gateway.routes {
        notes.when(
            nobody_can && route.aal == Some(RouteAal::Aal2),
            &format!("/gateway/routes/{}/aal", escape(name)),
            "nobody passes, because no second factor is on: switch on selfservice.methods.totp, webauthn or code.mfa_enabled",
        );
    }
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
    let gateway = &sections.serve.gateway;
    notes.when(
        gateway.enabled && gateway.trusted_proxies.is_everybody(),
        "/serve/gateway/trusted_proxies",
        "everybody who reaches the gateway may ask for the tokens of others' sessions: name the proxies alone",
    );
    notes.when(
        gateway.enabled && is_loopback(&gateway.host.0) && gateway.trusted_proxies.is_elsewhere(),
        "/serve/gateway/trusted_proxies",
        "nobody may ask, because the gateway is reached from this machine alone and trusts others: let it listen on an address that the proxies reach, or name 127.0.0.1",
    );
    notes.when(
        !gateway.enabled && !sections.gateway.routes.is_empty(),
        "/gateway/routes",
        "nobody asks by them: set serve.gateway.enabled to true",
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
    fn parameters_of_the_mail_server_that_do_nothing_are_noted() {
        for (uri, part) in [
            ("smtp://u:SECRET@h/?disable_starttls=true&server_name=x", "server_name does nothing"),
            ("smtp://u:SECRET@h/?disable_starttls=1&skip_ssl_verify=true", "skip_ssl_verify does nothing"),
            ("smtps://u:SECRET@h/?disable_starttls=true", "disable_starttls does nothing"),
            ("smtp://u:SECRET@h/?skip_tls=true", "skip_tls does nothing"),
        ] {
            let notes =
                Config::from_tree(&json!({"courier": {"smtp": {"connection_uri": uri}}})).unwrap().notes;
            let [note] = &notes[..] else { panic!("{uri}: {notes:?}") };
            assert!(note.pointer == "/courier/smtp/connection_uri" && note.message.contains(part), "{note}");
            assert!(!note.message.contains("SECRET"), "{note}");
        }
        for uri in [
            "smtps://u:p@h/?skip_ssl_verify=false&legacy_ssl=true",
            "smtp://h/?server_name=x&disable_starttls=false",
        ] {
            assert_eq!(notes(&json!({"courier": {"smtp": {"connection_uri": uri}}})), [""; 0], "{uri}");
        }
    }

    #[test]
    fn a_duration_that_cannot_be_read_is_one_mistake() {
        let (config, wrong) = Config::judge(&json!({"session": {"lifespan": "1h30"}}));
        assert_eq!((config.notes.len(), wrong.len()), (0, 1), "{:?} {wrong:?}", config.notes);
    }

    #[test]
    fn secrecy_about_accounts_that_other_settings_undo_is_noted() {
        let tree = |style: &str, by_code: bool, is_secret: bool| {
            json!({
                "dev": true,
                "security": {"account_enumeration": {"mitigate": is_secret}},
                "selfservice": {
                    "flows": {"login": {"style": style}},
                    "methods": {"code": {"passwordless_enabled": by_code}},
                },
            })
        };
        let undone = "/security/account_enumeration/mitigate";
        assert_eq!(notes(&tree("unified", true, true)), [undone]);
        assert_eq!(notes(&tree("identifier_first", true, true)), [undone]);
        for tree in [tree("identifier_first", false, true), tree("unified", true, false)] {
            assert_eq!(notes(&tree), [""; 0], "{tree}");
        }
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
                json!({"selfservice": {"methods": {"code": {"passwordless_enabled": true}}}}),
                "/selfservice/methods/code",
            ),
            (
                json!({"dev": true, "selfservice": {"methods": {"link": {"enabled": false}}, "flows": {"recovery": {"enabled": true, "use": "link"}}}}),
                "/selfservice/flows/recovery/enabled",
            ),
            (
                json!({"serve": {"public": {"base_url": "http://id.example.org"}}, "selfservice": {"methods": {"passkey": {"enabled": true}}}}),
                "/selfservice/methods/passkey/enabled",
            ),
            (
                json!({"selfservice": {"methods": {"webauthn": {"enabled": true, "config": {"rp": {"origins": ["http://id.example.org"]}}}}}}),
                "/selfservice/methods/webauthn/enabled",
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
            (
                json!({"serve": {"gateway": {"enabled": true, "trusted_proxies": ["::/0"]}}}),
                "/serve/gateway/trusted_proxies",
            ),
            (
                json!({"serve": {"gateway": {"enabled": true, "trusted_proxies": ["10.0.0.1"]}}}),
                "/serve/gateway/trusted_proxies",
            ),
            (json!({"gateway": {"routes": {"api": {}}}}), "/gateway/routes"),
            (
                json!({"serve": {"gateway": {"enabled": true}}, "gateway": {"routes": {"a": {"aal": "aal2"}}}}),
                "/gateway/routes/a/aal",
            ),
            (
                json!({"selfservice": {"methods": {"oidc": {"enabled": true}}}}),
                "/selfservice/methods/oidc/enabled",
            ),
            (
                json!({"selfservice": {"methods": {"code": {"enabled": false, "mfa_enabled": true}}}}),
                "/selfservice/methods/code/mfa_enabled",
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
        let http = json!({"delivery_strategy": "http", "http": {"request_config": {"url": "https://mail.example.org/"}}});
        for tree in [
            json!({"courier": mail, "selfservice": {"flows": {"recovery": {"enabled": true}, "verification": {"enabled": true}}}}),
            json!({"dev": true, "selfservice": {"flows": {"recovery": {"enabled": true}}}}),
            json!({"courier": {"channels": [{"id": "sms", "request_config": {"url": "https://sms.example.org/"}}]},
                "selfservice": {"methods": {"code": {"passwordless_enabled": true}}}}),
            json!({"courier": http, "selfservice": {"flows": {"recovery": {"enabled": true}}}}),
            json!({"courier": mail, "security": {"account_enumeration": {"mitigate": true}}, "selfservice": {"flows": {
                "verification": {"enabled": true},
                "login": {"after": {"hooks": [{"hook": "require_verified_address"}]}},
            }}}),
            json!({"selfservice": {"flows": {"recovery": {"enabled": false}}}}),
            json!({"serve": {"gateway": {"enabled": true}}, "gateway": {"routes": {"a": {"aal": "aal2"}, "b": {"aal": "highest_available"}}},
                "selfservice": {"methods": {"totp": {"enabled": true}}}}),
            json!({"selfservice": {"methods": {"password": {"enabled": false}, "oidc": {"enabled": true, "config": {"providers": [
                {"id": "g", "provider": "google", "client_id": "c", "client_secret": "a-secret-of-a-client", "mapper_url": "base64://e30="}
            ]}}}}}),
            json!({"serve": {"public": {"base_url": "https://id.example.org", "trusted_proxies": ["10.0.0.1"]}},
                "session": {"cookie": {"same_site": "None", "domain": "example.org"}},
                "selfservice": {"methods": {"passkey": {"enabled": true}}}}),
            json!({"serve": {"public": {"base_url": "http://localhost:4433"}}, "selfservice": {"methods": {"passkey": {"enabled": true}}}}),
        ] {
            assert_eq!(notes(&tree), Vec::<String>::new(), "{tree}");
        }
    }
}
