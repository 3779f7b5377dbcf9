//! The rules of flows, read from the configuration.

use std::time::Duration;

use sessera_model::Secret;
use sessera_store::FlowKind;
use url::Url;

use crate::keys::Keys;
use crate::limits::LimitRules;
use crate::password::HashAlgorithm;
use crate::rules::{CookieRules, FlowRules, Rules};
use sessera_config::TrustedProxies;
use sessera_config::tree::{Config, Reader, bytes};

/// How long a flow lives when nothing is said.
const LIFESPAN: Duration = Duration::from_hours(1);

impl Rules {
    /// Compiles the rules. `cookie_secrets` are those of the configuration or those kept beside the
    /// database. The error is what is wrong, one sentence each with the key's pointer.
    pub fn compile(config: &Config, cookie_secrets: &[Secret]) -> Result<Self, Vec<String>> {
        let mut reader = Reader::new(&config.rest);
        let public_url = Url::parse(&config.public.base_url).ok();
        let trusted_proxies = trusted_proxies(&mut reader, config);
        let default_return = reader.url("/selfservice/default_browser_return_url").or(public_url.clone());
        let hashing = hashing(&mut reader);
        let (signs_in, shows_verification) = registration_hooks(&reader);
        let sends_mail = reader.value("/courier/smtp/connection_uri").is_some();
        let rules = Self {
            base_url: config.public.base_url.clone(),
            site_name: site_name(&reader, public_url.as_ref()),
            keys: Keys::new(cookie_secrets),
            trusted_proxies,
            limits: limits(&mut reader),
            allowed_returns: allowed_returns(&mut reader),
            cookie: CookieRules {
                name: config.session.cookie.name.clone(),
                domain: config.session.cookie.domain.clone(),
                path: config.session.cookie.path.clone(),
                same_site: config.session.cookie.same_site,
                persistent: config.session.cookie.persistent,
                secure: config.public.base_url.starts_with("https:"),
            },
            session_lifespan: config.session.lifespan,
            privileged_age: reader
                .duration("/selfservice/flows/settings/privileged_session_max_age")
                .unwrap_or(LIFESPAN),
            needs_highest_aal: config.session.needs_highest_aal,
            hashing,
            login: flow(&mut reader, FlowKind::Login, true),
            registration: flow(&mut reader, FlowKind::Registration, true),
            settings: flow(&mut reader, FlowKind::Settings, true),
            // Without a mail server no code would ever arrive.
            recovery: flow(&mut reader, FlowKind::Recovery, sends_mail),
            verification: flow(&mut reader, FlowKind::Verification, sends_mail),
            error_page: reader.url("/selfservice/flows/error/ui_url"),
            logout_return: logout_return(&mut reader, public_url.as_ref()),
            code: reader.flag("/selfservice/methods/code/enabled", true),
            registration_signs_in: signs_in,
            registration_shows_verification: shows_verification,
            registration_in_two_steps: reader
                .text("/selfservice/flows/registration/style")
                .is_none_or(|style| style != "unified"),
            recovery_continues: reader.flag("/feature_flags/use_continue_with_transitions", false),
            default_return: match default_return {
                Some(url) => url,
                None => return Err(vec!["/serve/public/base_url: it is no URL".into()]),
            },
        };
        if reader.problems.is_empty() { Ok(rules) } else { Err(reader.problems) }
    }
}

/// What authenticator apps show as the issuer is what people know the site by, else its host is.
pub(crate) fn site_name(reader: &Reader<'_>, public_url: Option<&Url>) -> String {
    let host = match public_url.and_then(Url::host) {
        Some(url::Host::Domain(host)) if host != "localhost" => host.to_owned(),
        _ => "Sessera".to_owned(),
    };
    reader.text("/selfservice/methods/totp/config/issuer").unwrap_or(host)
}

/// Where browsers go after signing out. Where nothing at all is said, to the page that says it is done.
fn logout_return(reader: &mut Reader<'_>, public_url: Option<&Url>) -> Option<Url> {
    let configured = reader.url("/selfservice/flows/logout/after/default_browser_return_url");
    let is_general = reader.value("/selfservice/default_browser_return_url").is_some();
    configured.or_else(|| public_url.filter(|_| !is_general)?.join("ui/logout").ok())
}

fn trusted_proxies(reader: &mut Reader<'_>, config: &Config) -> TrustedProxies {
    TrustedProxies::parse(&config.public.trusted_proxies).unwrap_or_else(|entry| {
        reader.problems.push(format!(
            "/serve/public/trusted_proxies: \"{entry}\" is neither an address (10.0.0.1) nor a network (10.0.0.0/8)"
        ));
        TrustedProxies::default()
    })
}

fn limits(reader: &mut Reader<'_>) -> LimitRules {
    let default = LimitRules::default();
    let mut read = |name: &str, default: u32| {
        let at = format!("/selfservice/limits/{name}");
        let Some(number) = reader.integer(&at) else { return default };
        u32::try_from(number).unwrap_or_else(|_| {
            reader.problems.push(format!("{at}: {number} must be 0 or more"));
            default
        })
    };
    LimitRules {
        requests_per_minute: read("requests_per_minute", default.requests_per_minute),
        free_failures: read("free_failures", default.free_failures),
        codes_per_hour: read("codes_per_hour", default.codes_per_hour),
    }
}

fn allowed_returns(reader: &mut Reader<'_>) -> Vec<Url> {
    let count = reader.texts("/selfservice/allowed_return_urls").len();
    (0..count).filter_map(|at| reader.url(&format!("/selfservice/allowed_return_urls/{at}"))).collect()
}

fn flow(reader: &mut Reader<'_>, kind: FlowKind, enabled: bool) -> FlowRules {
    let at = |key: &str| format!("/selfservice/flows/{}/{key}", kind.as_str());
    let lifespan = reader.duration(&at("lifespan")).unwrap_or(LIFESPAN);
    if lifespan.is_zero() {
        reader.problems.push(format!("{}: a flow must live longer than that", at("lifespan")));
    }
    let after = reader.url(&at("after/password/default_browser_return_url"));
    FlowRules {
        enabled: reader.flag(&at("enabled"), enabled),
        page: reader.url(&at("ui_url")),
        lifespan,
        after: after.or_else(|| reader.url(&at("after/default_browser_return_url"))),
    }
}

/// Whether signing up signs in, and whether it shows the form for verification. Where nothing is said
/// about what follows, it signs in.
fn registration_hooks(reader: &Reader<'_>) -> (bool, bool) {
    let mut hooks = Vec::new();
    for pointer in [
        "/selfservice/flows/registration/after/hooks",
        "/selfservice/flows/registration/after/password/hooks",
    ] {
        let Some(list) = reader.value(pointer).and_then(serde_json::Value::as_array) else { continue };
        hooks.extend(list.iter().map(|hook| hook.get("hook").or(Some(hook)).and_then(|name| name.as_str())));
    }
    let is_silent = reader.value("/selfservice/flows/registration/after/password/hooks").is_none()
        && reader.value("/selfservice/flows/registration/after/hooks").is_none();
    (is_silent || hooks.contains(&Some("session")), hooks.contains(&Some("show_verification_ui")))
}

/// How new hashes are made.
pub(crate) fn hashing(reader: &mut Reader<'_>) -> HashAlgorithm {
    let default = HashAlgorithm::default();
    match reader.text("/hashers/algorithm").as_deref() {
        Some("bcrypt") => HashAlgorithm::Bcrypt { cost: bounded(reader, "/hashers/bcrypt/cost", 4, 31, 12) },
        None | Some("argon2" | "argon2id") => {
            let HashAlgorithm::Argon2id { memory_kib, iterations, parallelism } = default else {
                return default;
            };
            let memory_kib = match reader.text("/hashers/argon2/memory") {
                None => memory_kib,
                Some(text) => memory(&text).unwrap_or_else(|| {
                    reader.problems.push(format!(
                        "/hashers/argon2/memory: \"{text}\" must be between 8KiB and 4GiB, for example 19MiB"
                    ));
                    memory_kib
                }),
            };
            HashAlgorithm::Argon2id {
                memory_kib,
                iterations: bounded(reader, "/hashers/argon2/iterations", 1, 100, iterations),
                parallelism: bounded(reader, "/hashers/argon2/parallelism", 1, 64, parallelism),
            }
        }
        Some(other) => {
            reader.problems.push(format!("/hashers/algorithm: \"{other}\" must be argon2 or bcrypt"));
            default
        }
    }
}

fn bounded(reader: &mut Reader<'_>, pointer: &str, min: u32, max: u32, default: u32) -> u32 {
    let Some(value) = reader.integer(pointer) else { return default };
    match u32::try_from(value) {
        Ok(value) if (min..=max).contains(&value) => value,
        _ => {
            reader.problems.push(format!("{pointer}: {value} must be between {min} and {max}"));
            default
        }
    }
}

/// An amount of memory in KiB that Argon2 can work with.
fn memory(text: &str) -> Option<u32> {
    let kib = u32::try_from(bytes(text)? / 1024).ok()?;
    (8..=4 * 1024 * 1024).contains(&kib).then_some(kib)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn compile(tree: Value) -> Result<Rules, Vec<String>> {
        let config = Config::from_tree(&tree).map_err(|error| vec![error.to_string()])?;
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
    fn what_cannot_be_is_named() {
        for (tree, name) in [
            (json!({"hashers": {"algorithm": "md5"}}), "/hashers/algorithm"),
            (json!({"hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 99}}}), "/hashers/bcrypt/cost"),
            (json!({"hashers": {"argon2": {"memory": "much"}}}), "/hashers/argon2/memory"),
            (json!({"serve": {"public": {"trusted_proxies": ["ten"]}}}), "trusted_proxies"),
            (json!({"selfservice": {"allowed_return_urls": ["not a url"]}}), "allowed_return_urls/0"),
            (json!({"selfservice": {"flows": {"login": {"lifespan": "0s"}}}}), "login/lifespan"),
        ] {
            let problems = compile(tree).expect_err(name);
            assert!(problems.join(" ").contains(name), "{problems:?}");
        }
    }

    #[test]
    fn memory_is_read_in_any_unit() {
        assert_eq!(memory("19MiB"), Some(19 * 1024));
        assert_eq!(memory("128 MB"), Some(128 * 1024));
        assert_eq!(memory("1048576"), Some(1024));
        assert_eq!(memory("2TB"), None);
        assert_eq!(memory("99999999999999999999GB"), None);
    }
}
