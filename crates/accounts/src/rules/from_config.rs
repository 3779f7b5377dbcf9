//! The rules of flows, read from the configuration.

use sessera_config::address::{Address, WrittenUrl};
use sessera_config::sections::flows::{LoginStyle, Proof, Recovery, RegistrationStyle};
use sessera_config::sections::hashers::{Algorithm, Hashers};
use sessera_config::sections::hooks::{Hook, Hooks, HooksByMethod};
use sessera_config::sections::oidc::Oidc;
use sessera_config::sections::selfservice::SelfService as Section;
use sessera_config::sections::session::RequiredAal;
use sessera_config::{Config, Problem};
use sessera_model::Secret;
use sessera_store::FlowKind;
use url::Url;

use crate::csrf;
use crate::hooks::FlowHooks;
use crate::hooks::list::Compiler;
use crate::keys::Keys;
use crate::limits::LimitRules;
use crate::password::HashAlgorithm;
use crate::rules::{FlowRules, Rules, Sends, SentRules};
use crate::target::Target;

impl Rules {
    /// Compiles the rules. `cookie_secrets` are those of the configuration or those kept beside the
    /// database. The error has everything that is wrong.
    pub fn compile(config: &Config, cookie_secrets: &[Secret]) -> Result<Self, Vec<Problem>> {
        let Ok(public_url) = Url::parse(&config.public.base_url) else {
            return Err(vec![Problem::new("/serve/public/base_url", "it is no URL")]);
        };
        let section = &config.selfservice;
        let (methods, flows) = (&section.methods, &section.flows);
        let hashing = hashing(&config.hashers);
        let target = |address: Option<&Address>| Target::configured(address?, &public_url);
        // Of two addresses to go to afterwards, the first one that is configured counts.
        let rules = |enabled, page, lifespan, after: [Option<&Address>; 2]| FlowRules {
            enabled,
            page: target(page),
            lifespan,
            after: target(after.into_iter().flatten().next()),
        };
        let hooks = hooks(config)?;
        Ok(Self {
            base_url: config.public.base_url.clone(),
            site_name: site_name(config, &public_url),
            keys: Keys::new(cookie_secrets),
            proxies: config.public.proxies.clone(),
            limits: LimitRules {
                requests_per_minute: section.limits.requests_per_minute,
                free_failures: section.limits.free_failures,
                codes_per_hour: section.limits.codes_per_hour,
                bytes_per_hour: section.limits.bytes_per_hour.0,
            },
            allowed_returns: section
                .allowed_return_urls
                .iter()
                .filter_map(|url| target(Some(&url.0)))
                .collect(),
            cookie: config.session.cookie.clone(),
            form_cookie_name: csrf::cookie_name(&config.public.base_url),
            form_cookie: config.cookies.clone(),
            form_targets: form_targets(&methods.oidc),
            travel_cookie: csrf::travel_cookie(&config.cookies),
            session_lifespan: config.session.lifespan,
            privileged_age: flows.settings.privileged_session_max_age,
            needs_highest_aal: config.session.needs_highest_aal,
            settings_need_highest_aal: flows.settings.required_aal == RequiredAal::HighestAvailable,
            hides_duplicates: config.mitigates_enumeration
                && !hooks.registration.of("password").has(Hook::Session),
            registration_gives_hints: flows.registration.login_hints && !config.mitigates_enumeration,
            hashing,
            login: rules(
                flows.login.enabled,
                flows.login.ui_url.as_ref(),
                flows.login.lifespan,
                [
                    flows.login.after.password.default_browser_return_url.as_ref(),
                    flows.login.after.default_browser_return_url.as_ref(),
                ],
            ),
            registration: rules(
                flows.registration.enabled,
                flows.registration.ui_url.as_ref(),
                flows.registration.lifespan,
                [
                    flows.registration.after.password.default_browser_return_url.as_ref(),
                    flows.registration.after.default_browser_return_url.as_ref(),
                ],
            ),
            settings: rules(
                flows.settings.enabled,
                flows.settings.ui_url.as_ref(),
                flows.settings.lifespan,
                [
                    flows.settings.after.password.default_browser_return_url.as_ref(),
                    flows.settings.after.default_browser_return_url.as_ref(),
                ],
            ),
            recovery: rules(
                flows.recovery.enabled,
                flows.recovery.ui_url.as_ref(),
                flows.recovery.lifespan,
                [None, flows.recovery.after.default_browser_return_url.as_ref()],
            ),
            verification: rules(
                flows.verification.enabled,
                flows.verification.ui_url.as_ref(),
                flows.verification.lifespan,
                [None, flows.verification.after.default_browser_return_url.as_ref()],
            ),
            error_page: target(flows.error.ui_url.as_ref()),
            logout_return: logout_return(section, &public_url),
            code: SentRules { is_on: methods.code.enabled, lifespan: methods.code.config.lifespan },
            code_attempts: methods.code.config.max_submissions,
            recovery_tells_unknown: flows.recovery.notify_unknown_recipients,
            verification_tells_unknown: flows.verification.notify_unknown_recipients,
            has_sms: config.courier.sms.is_some(),
            tells_services: config.courier.http.is_some() || config.courier.sms.is_some(),
            link: SentRules { is_on: methods.link.enabled, lifespan: methods.link.config.lifespan },
            links_below: methods
                .link
                .config
                .base_url
                .as_ref()
                .map_or_else(|| config.public.base_url.clone(), WrittenUrl::with_slash),
            recovery_by: sends(flows.recovery.r#use),
            verification_by: sends(flows.verification.r#use),
            identifier_first: flows.login.style == LoginStyle::IdentifierFirst,
            hides_accounts: config.mitigates_enumeration,
            hooks,
            registration_in_two_steps: flows.registration.style != RegistrationStyle::Unified
                && !flows.registration.enable_legacy_one_step,
            recovery_continues: config.feature_flags.use_continue_with_transitions,
            default_return: target(section.default_browser_return_url.as_ref())
                .unwrap_or_else(|| Target::absolute(public_url.clone())),
        })
    }
}

const fn sends(proof: Proof) -> Sends {
    match proof {
        Proof::Code => Sends::Code,
        Proof::Link => Sends::Link,
    }
}

/// What the pages are called is what people know the site by, else what authenticator apps show, else its host.
pub(crate) fn site_name(config: &Config, public_url: &Url) -> String {
    let host = match public_url.host() {
        Some(url::Host::Domain(host)) if host != "localhost" => host,
        _ => "Sessera",
    };
    let issuer = &config.selfservice.methods.totp.config.issuer;
    config.pages.name.as_ref().or(issuer.as_ref()).map_or_else(|| host.to_owned(), Clone::clone)
}

/// Where browsers go after signing out. Where nothing at all is said, to the page that says it is done.
fn logout_return(section: &Section, public_url: &Url) -> Option<Target> {
    match &section.flows.logout.after.default_browser_return_url {
        Some(address) => Target::configured(address, public_url),
        None if section.default_browser_return_url.is_some() => None,
        None => public_url.join("ui/logout").ok().map(Target::absolute),
    }
}

/// What happens before and after flows. Where nothing is said about signing up, the person is signed in, unless that
/// would tell who had no account before. Whoever comes from a provider is told that in any case, and so is signed in. The
/// error has everything that is wrong.
fn hooks(config: &Config) -> Result<FlowHooks, Vec<Problem>> {
    let flows = &config.selfservice.flows;
    let unsaid = || {
        let signs_in = Hooks::from(Hook::Session);
        if config.mitigates_enumeration {
            HooksByMethod::from(Hooks::default()).with("oidc", signs_in)
        } else {
            HooksByMethod::from(signs_in)
        }
    };
    let befores = [
        (FlowKind::Login, &flows.login.before),
        (FlowKind::Registration, &flows.registration.before),
        (FlowKind::Settings, &flows.settings.before),
        (FlowKind::Recovery, &flows.recovery.before),
        (FlowKind::Verification, &flows.verification.before),
    ];
    let mut compiler = Compiler::new(&config.reach);
    let hooks = FlowHooks {
        before: befores.map(|(kind, before)| (kind, compiler.list(&before.hooks))).into(),
        login: compiler.by_method(&flows.login.after.by_method()),
        registration: compiler.by_method(&flows.registration.after.by_method().unwrap_or_else(unsaid)),
        settings: compiler.by_method(&flows.settings.after.by_method()),
        recovery: compiler.list(&flows.recovery.after.hooks),
        verification: compiler.list(&flows.verification.after.hooks),
        recovery_revokes: recovery_revokes(&flows.recovery),
        told_headers: config.told_headers.iter().map(|name| name.to_ascii_lowercase()).collect(),
        has_web_hooks: !flows.web_hooks().is_empty() || config.migrate_hook.is_some(),
    };
    if compiler.wrong.is_empty() { Ok(hooks) } else { Err(compiler.wrong) }
}

fn recovery_revokes(section: &Recovery) -> bool {
    section.revoke_active_sessions || section.after.hooks.has(Hook::RevokeActiveSessions)
}

/// How new hashes are made.
pub(crate) fn hashing(section: &Hashers) -> HashAlgorithm {
    match section.algorithm {
        Algorithm::Bcrypt => HashAlgorithm::Bcrypt { cost: section.bcrypt.cost },
        Algorithm::Argon2 => HashAlgorithm::Argon2id {
            // The section's bounds keep it small.
            memory_kib: u32::try_from(section.argon2.memory.0 / 1024).unwrap_or(u32::MAX),
            iterations: section.argon2.iterations,
            parallelism: section.argon2.parallelism,
        },
    }
}

/// Where forms lead when somebody chooses another provider. Most say only themselves where that is.
fn form_targets(section: &Oidc) -> Vec<String> {
    if !section.enabled {
        return Vec::new();
    }
    let providers = section.config.providers.iter();
    let insecure = providers
        .flat_map(|provider| provider.issuer_url.iter().chain(&provider.auth_url))
        .filter(|url| url.scheme() == "http")
        .map(|url| url.origin().ascii_serialization());
    std::iter::once("https:".to_owned()).chain(insecure).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::StoredHash;
    use serde_json::{Value, json};
    use std::time::Duration;

    fn compile(tree: Value) -> Result<Rules, Vec<Problem>> {
        let config = Config::from_tree(&tree).map_err(sessera_config::ConfigError::problems)?;
        Rules::compile(&config, &["secret".into()])
    }

    #[test]
    fn nothing_configured_lets_people_sign_up_and_in() {
        let rules = compile(json!({})).expect("compiles");
        assert!(rules.registration.enabled && rules.hooks.registration.of("password").has(Hook::Session));
        assert!(!rules.recovery.enabled && !rules.verification.enabled);
        assert!(rules.needs_highest_aal && rules.settings_need_highest_aal && !rules.hides_duplicates);
        assert_eq!(rules.hashing, HashAlgorithm::default());
        assert_eq!(rules.default_return.url().as_str(), "http://127.0.0.1:4433/");
        assert!(!rules.cookie.scope.secure);
    }

    #[test]
    fn the_site_has_one_name_everywhere() {
        let name = |name: Option<&str>, issuer: Option<&str>| {
            let tree = json!({
                "serve": {"public": {"base_url": "https://id.example.org"}},
                "pages": {"name": name},
                "selfservice": {"methods": {"totp": {"config": {"issuer": issuer}}}},
            });
            compile(tree).expect("compiles").site_name
        };
        assert_eq!(name(None, None), "id.example.org");
        assert_eq!(name(None, Some("App")), "App");
        assert_eq!(name(Some("Pages"), Some("App")), "Pages");
    }

    #[test]
    fn what_is_configured_is_taken() {
        let rules = compile(json!({
            "serve": {"public": {"base_url": "https://id.example.org", "trusted_proxies": ["10.0.0.0/8"]}},
            "hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 10}},
            "courier": {"smtp": {"connection_uri": "smtp://localhost:25/"}},
            "selfservice": {
                "default_browser_return_url": "https://app.example.org/",
                "allowed_return_urls": ["https://a.example.org/", "https://b.example.org/"],
                "flows": {
                    "login": {"lifespan": "10m", "ui_url": "https://app.example.org/login"},
                    "registration": {"style": "unified", "after": {"password": {"hooks": [{"hook": "show_verification_ui"}]}}},
                },
            },
        }))
        .expect("compiles");
        assert!(rules.cookie.scope.secure && !rules.recovery.enabled && !rules.verification.enabled);
        let hooks = rules.hooks.registration.of("password");
        assert!(!hooks.has(Hook::Session) && hooks.has(Hook::ShowVerificationUi));
        assert!(!rules.registration_in_two_steps);
        assert_eq!(rules.hashing, HashAlgorithm::Bcrypt { cost: 10 });
        assert_eq!(rules.login.lifespan, Duration::from_mins(10));
        assert_eq!(rules.allowed_returns.len(), 2);
    }

    #[test]
    fn a_method_s_own_hooks_replace_the_general_ones() {
        let registration = |after: Value| {
            let rules = compile(json!({"selfservice": {"flows": {"registration": {"after": after}}}}));
            let rules = rules.expect("compiles");
            let hooks = rules.hooks.registration.of("password");
            (hooks.has(Hook::Session), hooks.has(Hook::ShowVerificationUi))
        };
        let (session, shown) = (json!({"hook": "session"}), json!({"hook": "show_verification_ui"}));
        for (after, expected) in [
            (json!({}), (true, false)),
            (json!({"hooks": []}), (false, false)),
            (json!({"hooks": [session]}), (true, false)),
            (json!({"password": {"hooks": []}}), (false, false)),
            (json!({"hooks": [session], "password": {"hooks": []}}), (true, false)),
            (json!({"hooks": [session], "password": {"hooks": [shown]}}), (false, true)),
            (json!({"hooks": [shown], "password": {"hooks": [{"hook": "verification"}]}}), (false, false)),
        ] {
            assert_eq!(registration(after.clone()), expected, "{after}");
        }
        let login = |after: Value, method: &str| {
            let rules = compile(json!({"selfservice": {"flows": {"login": {"after": after}}}}));
            rules.expect("compiles").hooks.login.of(method).has(Hook::RequireVerifiedAddress)
        };
        let required = json!([{"hook": "require_verified_address"}]);
        for method in ["password", "passkey", "totp", "lookup_secret"] {
            assert!(login(json!({"hooks": required}), method), "{method}");
            assert!(login(json!({method: {"hooks": required}}), method), "{method}");
            let other = if method == "totp" { "password" } else { "totp" };
            assert!(!login(json!({method: {"hooks": required}}), other), "{method}");
            let own = json!([{"hook": "revoke_active_sessions"}]);
            assert!(!login(json!({"hooks": required, method: {"hooks": own}}), method), "{method}");
        }
        // A hook that does nothing after signing in leaves the general ones in force.
        let idle = json!({"hooks": required, "password": {"hooks": [{"hook": "session"}]}});
        assert!(login(idle, "password"));
    }

    #[test]
    fn flows_that_send_mail_are_on_where_it_is_said_so() {
        let on = |tree: Value| {
            let rules = compile(tree).expect("compiles");
            (rules.recovery.enabled, rules.verification.enabled)
        };
        let smtp = json!({"smtp": {"connection_uri": "smtp://localhost:25/"}});
        let enabled = json!({"enabled": true});
        for (tree, expected) in [
            (json!({}), (false, false)),
            (json!({"session": {"lifespan": "1h"}, "courier": smtp}), (false, false)),
            (json!({"selfservice": {"methods": {"totp": enabled}}, "courier": smtp}), (false, false)),
            (json!({"selfservice": {"flows": {"recovery": enabled}}}), (true, false)),
            (json!({"selfservice": {"flows": {"verification": enabled}}}), (false, true)),
            (json!({"selfservice": {"flows": {"recovery": {"lifespan": "1h"}}}}), (false, false)),
        ] {
            assert_eq!(on(tree.clone()), expected, "{tree}");
        }
    }

    #[test]
    fn signing_up_signs_nobody_in_where_that_would_tell_who_has_an_account() {
        let mitigate = json!({"account_enumeration": {"mitigate": true}});
        let rules = compile(json!({"security": mitigate})).expect("compiles");
        assert!(rules.hides_duplicates && !rules.hooks.registration.of("password").has(Hook::Session));
        assert!(rules.hooks.registration.of("oidc").has(Hook::Session), "a provider's word tells it anyhow");
        for after in
            [json!({"hooks": [{"hook": "session"}]}), json!({"password": {"hooks": [{"hook": "session"}]}})]
        {
            let mut tree = json!({
                "security": mitigate,
                "selfservice": {"flows": {"registration": {"after": after}}},
            });
            let told = compile(tree.clone()).expect_err("the two contradict each other");
            assert_eq!(told[0].pointer, "/security/account_enumeration/mitigate");
            // Where nobody signs up with a password, there is nothing to contradict.
            tree["selfservice"]["methods"] = json!({"password": {"enabled": false}});
            assert!(compile(tree.clone()).is_ok());
            tree["selfservice"]["methods"] = json!({});
            tree["accept_unsupported"] = json!(["security.account_enumeration.mitigate"]);
            let rules = compile(tree).expect("is accepted");
            assert!(!rules.hides_duplicates && rules.hooks.registration.of("password").has(Hook::Session));
        }
    }

    #[test]
    fn whatever_can_be_configured_makes_hashes_that_can_be_verified() {
        let argon2 = |memory: &str, iterations: u32, parallelism: u32| {
            let parameters = json!({"memory": memory, "iterations": iterations, "parallelism": parallelism});
            compile(json!({"hashers": {"algorithm": "argon2", "argon2": parameters}}))
                .map(|rules| rules.hashing)
        };
        for (memory, iterations, parallelism) in [("8KiB", 1, 1), ("1GiB", 10, 16), ("128KiB", 1, 16)] {
            let Ok(HashAlgorithm::Argon2id { memory_kib, iterations, parallelism }) =
                argon2(memory, iterations, parallelism)
            else {
                panic!("{memory} is within the bounds")
            };
            let hash = format!(
                "$argon2id$v=19$m={memory_kib},t={iterations},p={parallelism}$c29tZXNhbHQ$CTFhFdXPJO0"
            );
            assert!(StoredHash::parse(&hash).is_ok(), "{hash}");
        }
        for (memory, iterations, parallelism) in
            [("7KiB", 1, 1), ("2GiB", 1, 1), ("8MB", 0, 1), ("8MB", 11, 1), ("8MB", 1, 17), ("127KiB", 1, 16)]
        {
            let told = argon2(memory, iterations, parallelism).expect_err(memory);
            assert!(told[0].pointer.starts_with("/hashers/argon2/"), "{told:?}");
        }
        let bcrypt = |cost: u32| {
            compile(json!({"hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": cost}}}))
                .map(|rules| rules.hashing)
        };
        for cost in [4, 15] {
            assert_eq!(bcrypt(cost), Ok(HashAlgorithm::Bcrypt { cost }));
            let hash = format!("$2b${cost:02}$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW");
            assert!(StoredHash::parse(&hash).is_ok(), "{hash}");
        }
        for cost in [3, 16, 31] {
            assert_eq!(bcrypt(cost).expect_err("is out of bounds")[0].pointer, "/hashers/bcrypt/cost");
        }
    }
}
