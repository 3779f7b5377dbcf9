//! The rules of flows, read from the configuration.

use sessera_config::sections::flows::{After, Flow, MailFlow, RegistrationStyle};
use sessera_config::sections::hashers::{Algorithm, Hashers};
use sessera_config::sections::hooks::RegistrationHooks;
use sessera_config::sections::methods::Methods;
use sessera_config::sections::selfservice::SelfService as Section;
use sessera_config::{Config, Problem};
use sessera_model::Secret;
use url::Url;

use crate::keys::Keys;
use crate::limits::LimitRules;
use crate::password::HashAlgorithm;
use crate::rules::{CookieRules, FlowRules, Rules};

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
        let cookie = &config.session.cookie;
        let sends_mail = config.courier.smtp.connection_uri.is_some();
        let hooks = RegistrationHooks::of(&flows.registration.after);
        Ok(Self {
            base_url: config.public.base_url.clone(),
            site_name: site_name(methods, &public_url),
            keys: Keys::new(cookie_secrets),
            proxies: config.public.proxies.clone(),
            limits: LimitRules {
                requests_per_minute: section.limits.requests_per_minute,
                free_failures: section.limits.free_failures,
                codes_per_hour: section.limits.codes_per_hour,
            },
            allowed_returns: section.allowed_return_urls.clone(),
            cookie: CookieRules {
                name: cookie.name.clone(),
                domain: cookie.domain.clone(),
                path: cookie.path.clone(),
                same_site: cookie.same_site,
                persistent: cookie.persistent,
                secure: config.public.base_url.starts_with("https:"),
            },
            session_lifespan: config.session.lifespan,
            privileged_age: flows.settings.privileged_session_max_age,
            needs_highest_aal: config.session.needs_highest_aal,
            hashing,
            login: flow(&flows.login),
            registration: FlowRules {
                enabled: flows.registration.enabled,
                page: flows.registration.ui_url.clone(),
                lifespan: flows.registration.lifespan,
                after: first_of(
                    flows.registration.after.password.default_browser_return_url.as_ref(),
                    flows.registration.after.default_browser_return_url.as_ref(),
                ),
            },
            settings: FlowRules {
                enabled: flows.settings.enabled,
                page: flows.settings.ui_url.clone(),
                lifespan: flows.settings.lifespan,
                after: after(&flows.settings.after),
            },
            // Without a mail server no code would ever arrive.
            recovery: mail_flow(&flows.recovery, sends_mail),
            verification: mail_flow(&flows.verification, sends_mail),
            error_page: flows.error.ui_url.clone(),
            logout_return: logout_return(section, &public_url),
            code: methods.code.enabled,
            registration_signs_in: hooks.session,
            registration_shows_verification: hooks.show_verification_ui,
            registration_in_two_steps: flows.registration.style != RegistrationStyle::Unified,
            recovery_continues: config.feature_flags.use_continue_with_transitions,
            default_return: section.default_browser_return_url.clone().unwrap_or(public_url),
        })
    }
}

/// What authenticator apps show as the issuer is what people know the site by, else its host is.
pub(crate) fn site_name(methods: &Methods, public_url: &Url) -> String {
    let host = match public_url.host() {
        Some(url::Host::Domain(host)) if host != "localhost" => host,
        _ => "Sessera",
    };
    methods.totp.config.issuer.clone().unwrap_or_else(|| host.to_owned())
}

/// Where browsers go after signing out. Where nothing at all is said, to the page that says it is done.
fn logout_return(section: &Section, public_url: &Url) -> Option<Url> {
    let configured = section.flows.logout.after.default_browser_return_url.clone();
    let is_silent = section.default_browser_return_url.is_none();
    configured.or_else(|| is_silent.then(|| public_url.join("ui/logout").ok()).flatten())
}

fn first_of(one: Option<&Url>, other: Option<&Url>) -> Option<Url> {
    one.or(other).cloned()
}

fn after(section: &After) -> Option<Url> {
    first_of(
        section.password.default_browser_return_url.as_ref(),
        section.default_browser_return_url.as_ref(),
    )
}

fn flow(section: &Flow) -> FlowRules {
    FlowRules {
        enabled: section.enabled,
        page: section.ui_url.clone(),
        lifespan: section.lifespan,
        after: after(&section.after),
    }
}

fn mail_flow(section: &MailFlow, sends_mail: bool) -> FlowRules {
    FlowRules {
        enabled: section.enabled.unwrap_or(sends_mail),
        page: section.ui_url.clone(),
        lifespan: section.lifespan,
        after: after(&section.after),
    }
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
        assert!(rules.registration.enabled && rules.registration_signs_in);
        assert!(!rules.recovery.enabled && !rules.verification.enabled, "nothing can be sent");
        assert_eq!(rules.hashing, HashAlgorithm::default());
        assert_eq!(rules.default_return.as_str(), "http://127.0.0.1:4433/");
        assert!(!rules.cookie.secure);
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
        assert!(rules.cookie.secure && rules.recovery.enabled && rules.verification.enabled);
        assert!(!rules.registration_signs_in && rules.registration_shows_verification);
        assert!(!rules.registration_in_two_steps);
        assert_eq!(rules.hashing, HashAlgorithm::Bcrypt { cost: 10 });
        assert_eq!(rules.login.lifespan, Duration::from_mins(10));
        assert_eq!(rules.allowed_returns.len(), 2);
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
