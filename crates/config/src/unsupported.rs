//! The keys of Kratos that Sessera does not act on, each with what that means for who sets it.
//!
//! Kratos' own names are in two places only: the sections, whose keys Sessera acts on, and this table. A key that
//! gets an effect moves from here to a section.

use serde_json::Value;

use crate::nearest::no_choice;
use crate::problem::{Findings, Problem};
use crate::verdict::Verdict;

/// When a value asks for something. Of objects and lists that is judged by what is in them, and what is empty says nothing.
#[derive(Clone, Copy, Debug)]
enum Asks {
    /// With any value but `false`.
    Always,
    /// With any other value than this: the default of Kratos, or what is done here anyway.
    Unless(&'static str),
    /// With another one of these words than the first. Any other word is an error.
    OtherThanFirst(&'static [&'static str]),
}

/// Some keys and what it means that they have no effect.
pub(crate) struct Row {
    /// Paths with dots. `*` is any one name or place, `**` at the end is everything below.
    pub(crate) paths: &'static [&'static str],
    pub(crate) verdict: Verdict,
    asks: Asks,
    /// What is missing, and what to do instead.
    pub(crate) about: &'static str,
}

const fn harmless(about: &'static str, paths: &'static [&'static str]) -> Row {
    Row { paths, verdict: Verdict::Harmless, asks: Asks::Always, about }
}

const fn without_effect(about: &'static str, asks: Asks, paths: &'static [&'static str]) -> Row {
    Row { paths, verdict: Verdict::WithoutEffect, asks, about }
}

const fn restricting(about: &'static str, asks: Asks, paths: &'static [&'static str]) -> Row {
    Row { paths, verdict: Verdict::Restricting, asks, about }
}

use Asks::{Always, OtherThanFirst, Unless};

/// The table.
pub(crate) const TABLE: &[Row] = &[
    // serve
    without_effect(
        "log.level says whether requests stand in the log",
        Unless("false"),
        &["serve.public.request_log.**", "serve.admin.request_log.**"],
    ),
    without_effect(
        "Sessera answers preflights itself",
        Unless("false"),
        &["serve.public.cors.options_passthrough"],
    ),
    harmless("it says what is logged", &["serve.public.cors.debug"]),
    restricting(
        "what is sent would not be encrypted: put a proxy in front that terminates TLS",
        Always,
        &["serve.public.tls.**", "serve.admin.tls.**"],
    ),
    restricting(
        "a port would be open where only a file of this machine should be: set host and port",
        Unless("493"),
        &["serve.public.socket.**", "serve.admin.socket.**"],
    ),
    // Who may do what
    harmless(
        "schemas are never fetched, so references lead nowhere",
        &["security.disallow_ref_in_identity_schemas"],
    ),
    restricting(
        "Sessera would connect to private addresses: keep it from them by the network around it",
        Unless("false"),
        &["clients.smtp.disallow_private_ip_ranges"],
    ),
    restricting(
        "browsers would keep what they have stored about the person",
        Unless("false"),
        &["selfservice.flows.logout.clear_browser_data"],
    ),
    without_effect(
        "browsers go where they go after the flow in general",
        Always,
        &[
            "selfservice.flows.login.after.webauthn.default_browser_return_url",
            "selfservice.flows.login.after.passkey.default_browser_return_url",
            "selfservice.flows.login.after.oidc.default_browser_return_url",
            "selfservice.flows.login.after.code.default_browser_return_url",
            "selfservice.flows.login.after.totp.default_browser_return_url",
            "selfservice.flows.login.after.lookup_secret.default_browser_return_url",
            "selfservice.flows.registration.after.webauthn.default_browser_return_url",
            "selfservice.flows.registration.after.passkey.default_browser_return_url",
            "selfservice.flows.registration.after.oidc.default_browser_return_url",
            "selfservice.flows.registration.after.code.default_browser_return_url",
            "selfservice.flows.settings.after.totp.default_browser_return_url",
            "selfservice.flows.settings.after.oidc.default_browser_return_url",
            "selfservice.flows.settings.after.webauthn.default_browser_return_url",
            "selfservice.flows.settings.after.passkey.default_browser_return_url",
            "selfservice.flows.settings.after.lookup_secret.default_browser_return_url",
            "selfservice.flows.settings.after.profile.default_browser_return_url",
        ],
    ),
    // Methods
    harmless(
        "it is about something that a key of its own switches on",
        &[
            "selfservice.methods.password.config.migrate_hook.config.emit_analytics_event",
            "selfservice.methods.captcha.config.**",
            "selfservice.methods.saml.config.**",
            "selfservice.methods.deviceauthn.config.**",
            "selfservice.methods.webauthn.config.rp.icon",
        ],
    ),
    restricting("people could change their traits", Unless("true"), &["selfservice.methods.profile.enabled"]),
    without_effect(
        "a code is sent to known addresses only",
        Unless("false"),
        &["selfservice.methods.code.config.missing_credential_fallback_enabled"],
    ),
    restricting(
        "it says which authenticators may be used, and others could be",
        Always,
        &["selfservice.methods.passkey.config.authenticator_selection.attachment"],
    ),
    restricting(
        "it says which authenticators may be used, and others could be",
        Unless("none"),
        &["selfservice.methods.passkey.config.attestation.preference"],
    ),
    harmless(
        "passkeys are kept by the authenticator",
        &["selfservice.methods.passkey.config.authenticator_selection.resident_key"],
    ),
    without_effect(
        "browsers choose how long they wait for a passkey",
        Always,
        &["selfservice.methods.passkey.config.timeouts.**"],
    ),
    without_effect("nobody signs in by SAML", Unless("false"), &["selfservice.methods.saml.enabled"]),
    restricting(
        "people of an organization could sign in without its provider",
        Always,
        &["selfservice.methods.oidc.config.providers.*.organization_id"],
    ),
    harmless(
        "browsers are never asked who is signed in elsewhere",
        &[
            "selfservice.methods.oidc.config.providers.*.fedcm_config_url",
            "selfservice.methods.oidc.config.providers.*.net_id_token_origin_header",
        ],
    ),
    without_effect(
        "nobody signs in by a device",
        Unless("false"),
        &["selfservice.methods.deviceauthn.enabled"],
    ),
    restricting("programs could fill in forms", Unless("false"), &["selfservice.methods.captcha.enabled"]),
    restricting(
        "people of an organization could sign in without its provider",
        Always,
        &["selfservice.methods.b2b.config.organizations", "organizations"],
    ),
    without_effect(
        "forms show the default schema only",
        Unless("false"),
        &["identity.schemas.*.selfservice_selectable"],
    ),
    // What is stored
    harmless("messages are always sent by the server itself", &["watch-courier"]),
    without_effect(
        "what has ended is swept all the time, in small steps",
        Unless("100"),
        &["database.cleanup.batch_size"],
    ),
    without_effect(
        "what has ended is swept all the time, in small steps",
        Unless("1m"),
        &["database.cleanup.sleep.**"],
    ),
    without_effect(
        "what has ended is swept all the time, in small steps",
        Unless("0s"),
        &["database.cleanup.older_than"],
    ),
    without_effect("the tokens of pages hold nothing that is secret", Always, &["secrets.pagination.**"]),
    without_effect(
        "hashing takes what hashers.argon2.memory, iterations and parallelism say",
        Unless("500ms"),
        &["hashers.argon2.expected_duration", "hashers.argon2.expected_deviation"],
    ),
    without_effect(
        "hashing takes what hashers.argon2.memory, iterations and parallelism say",
        Unless("1GB"),
        &["hashers.argon2.dedicated_memory"],
    ),
    without_effect("every list is read at its newest state", Unless("strong"), &["preview.**"]),
    without_effect(
        "a message is tried again until the code in it has ended",
        Unless("5"),
        &["courier.message_retries"],
    ),
    without_effect(
        "up to 8 messages are sent at the same time, each as soon as it is there",
        Unless("10"),
        &["courier.worker.pull_count"],
    ),
    without_effect(
        "up to 8 messages are sent at the same time, each as soon as it is there",
        Unless("1s"),
        &["courier.worker.pull_wait"],
    ),
    without_effect("the log leaves secrets out instead of replacing them", Always, &["log.redaction_text"]),
    Row {
        paths: &["ciphers.algorithm"],
        verdict: Verdict::Harmless,
        asks: OtherThanFirst(&["aes", "xchacha20-poly1305", "noop"]),
        about: "what is secret is always encrypted, with AES-256-GCM",
    },
    without_effect("salts have 16 bytes, hashes 32", Unless("16"), &["hashers.argon2.salt_length"]),
    without_effect("salts have 16 bytes, hashes 32", Unless("32"), &["hashers.argon2.key_length"]),
    without_effect(
        "the log never shows secrets or traits; identities are named by their ids",
        Unless("false"),
        &["log.leak_sensitive_values"],
    ),
    // Mail
    without_effect(
        "links are sent by e-mail only",
        Always,
        &["courier.templates.recovery.valid.sms.**", "courier.templates.verification.valid.sms.**"],
    ),
    without_effect(
        "nobody is told that an address was changed",
        Always,
        &["courier.templates.verifiable_address_changed.**"],
    ),
    without_effect(
        "Sessera shows the mail server no certificate",
        Always,
        &["courier.smtp.client_cert_path", "courier.smtp.client_key_path"],
    ),
    // Traces
    without_effect(
        "set tracing.provider to otel and tracing.providers.otlp; Jaeger, and collectors in front of Zipkin, take OTLP",
        Always,
        &["tracing.providers.jaeger.**", "tracing.providers.zipkin.**"],
    ),
    // How clients are answered
    without_effect(
        "whoever recovers an account types the address to which the code is sent, and chooses none from a list",
        Unless("false"),
        &["feature_flags.choose_recovery_address"],
    ),
    without_effect(
        "a client is sent to the verification after a sign-up only where the hook show_verification_ui stands: write it there",
        Unless("false"),
        &["feature_flags.legacy_continue_with_verification_ui"],
    ),
    without_effect(
        "where the hook require_verified_address refuses a sign-in, the client is sent to the verification, and no error stands in the form",
        Unless("false"),
        &["feature_flags.legacy_require_verified_login_error"],
    ),
    without_effect(
        "the fields of a sign-up by another provider are in the group default",
        Unless("false"),
        &["feature_flags.legacy_oidc_registration_node_group"],
    ),
    without_effect(
        "a * in an origin or an allowed return address stands only below a domain that somebody owns",
        Unless("false"),
        &["feature_flags.legacy_allow_insecure_origins"],
    ),
    without_effect(
        "whoever signs in once more by a code types the address, and has no button for each",
        Unless("false"),
        &["feature_flags.refresh_login_choose_address"],
    ),
    without_effect(
        "the fields of a sign-up are in the group default",
        OtherThanFirst(&["default", "password"]),
        &["feature_flags.password_profile_registration_node_group"],
    ),
    harmless("it changes nothing that a client sees", &["feature_flags.faster_session_extend"]),
    without_effect("Sessera does not sign in for an OAuth 2.0 server", Always, &["oauth2_provider.**"]),
    without_effect(
        "metrics are at /metrics/prometheus of the admin API",
        Unless("0"),
        &["expose-metrics-port"],
    ),
    without_effect("it belongs to a product that Sessera is not", Always, &["enterprise.**"]),
    harmless(
        "it is about the program of Kratos itself",
        &["version", "help", "config", "sqa-opt-out", "profiling", "revision", "$schema"],
    ),
];

/// What the table has of a key.
pub(crate) enum Entry {
    /// The key, or everything below it.
    Key(&'static Row),
    /// Keys below it.
    Below,
}

/// How the parts of a path and the names of a value's place go together.
enum Fit {
    /// The path is that of the value.
    Whole,
    /// The path goes on, with this name.
    Longer(&'static str),
    /// It is another path.
    None,
}

fn fit(path: &'static str, names: &[String]) -> Fit {
    let mut parts = path.split('.');
    for name in names {
        match parts.next() {
            Some("**") => return Fit::Whole,
            Some(part) if part == "*" || part == name => {}
            _ => return Fit::None,
        }
    }
    match parts.next() {
        None => Fit::Whole,
        Some(part) => Fit::Longer(part),
    }
}

/// The names that the table has at a place.
pub(crate) fn names_at(names: &[String]) -> Vec<&'static str> {
    let mut found = Vec::new();
    for path in TABLE.iter().flat_map(|row| row.paths) {
        if let Fit::Longer(part) = fit(path, names)
            && !matches!(part, "*" | "**")
            && !found.contains(&part)
        {
            found.push(part);
        }
    }
    found
}

/// The names of the first level below which the table has others.
pub(crate) fn roots() -> impl Iterator<Item = &'static str> {
    TABLE.iter().flat_map(|row| row.paths).filter_map(|path| path.split_once('.')).map(|(root, _)| root)
}

/// Whether the table has a key, or everything below it.
pub(crate) fn is_leaf(names: &[String]) -> bool {
    let mut fits = TABLE.iter().flat_map(|row| row.paths).map(|path| fit(path, names));
    fits.any(|fit| matches!(fit, Fit::Whole | Fit::Longer("**")))
}

/// Whether the table has everything below a place.
pub(crate) fn has_any_below(names: &[String]) -> bool {
    TABLE.iter().flat_map(|row| row.paths).any(|path| matches!(fit(path, names), Fit::Longer("**")))
}

/// What the table has of the key at a place.
pub(crate) fn entry(names: &[String]) -> Option<Entry> {
    let all = TABLE.iter().flat_map(|row| row.paths.iter().map(move |path| (row, *path)));
    let fits: Vec<(&Row, Fit)> = all.map(|(row, path)| (row, fit(path, names))).collect();
    match fits.iter().find(|(_, fit)| matches!(fit, Fit::Whole | Fit::Longer("**"))) {
        Some((row, _)) => Some(Entry::Key(row)),
        None => fits.iter().any(|(_, fit)| matches!(fit, Fit::Longer(_))).then_some(Entry::Below),
    }
}

/// Whether a path is that of a place. `*` in the path is any one name.
pub(crate) fn leads_to(path: &'static str, place: &[String]) -> bool {
    matches!(fit(path, place), Fit::Whole)
}

/// The paths of the keys that restrict something, but for those below any item of a list.
pub(crate) fn restricting_paths() -> impl Iterator<Item = Vec<&'static str>> {
    let rows = TABLE.iter().filter(|row| row.verdict == Verdict::Restricting);
    let paths = rows.flat_map(|row| row.paths).map(|path| path.trim_end_matches(".**"));
    paths.filter(|path| !path.contains('*')).map(|path| path.split('.').collect())
}

/// The paths of the keys that have a variable of their own, with 0 as the place of each item, and whether they restrict
/// something. Those of the first level may be other programs', unless they restrict.
pub(crate) fn paths() -> impl Iterator<Item = (Vec<&'static str>, bool)> {
    let rows = TABLE.iter().map(|row| (row, row.verdict == Verdict::Restricting));
    let paths = rows.flat_map(|(row, restricts)| row.paths.iter().map(move |path| (*path, restricts)));
    paths.filter_map(|(path, restricts)| {
        let path: Vec<&str> = path.trim_end_matches(".**").split('.').collect();
        let is_own = path.len() > 1 || restricts;
        let place = |name| if name == "*" { "0" } else { name };
        is_own.then(|| (path.into_iter().map(place).collect(), restricts))
    })
}

/// Whether nobody misses a key of the table.
pub(crate) fn is_harmless(names: &[String]) -> bool {
    let is_of = |row: &&Row| row.paths.iter().any(|path| !matches!(fit(path, names), Fit::None));
    let mut rows = TABLE.iter().filter(is_of);
    rows.all(|row| row.verdict == Verdict::Harmless)
}

impl Row {
    /// Whether a value of one of its keys asks for something.
    fn is_asked_for(&self, value: &Value) -> bool {
        match value {
            Value::Object(members) => members.values().any(|member| self.is_asked_for(member)),
            Value::Array(items) => items.iter().any(|item| self.is_asked_for(item)),
            Value::Null => false,
            Value::String(text) if text.is_empty() => false,
            value => match self.asks {
                OtherThanFirst(words) => value.as_str().is_some_and(|word| words.first() != Some(&word)),
                Unless(text) => !is_value(value, text),
                Always => *value != Value::Bool(false),
            },
        }
    }

    /// Whether a value of one of its keys asks for a restriction.
    pub(crate) fn restricts(&self, value: &Value) -> bool {
        self.verdict == Verdict::Restricting && self.is_asked_for(value)
    }

    /// Judges a value of one of its keys.
    pub(crate) fn judge(&self, value: &Value, pointer: &str, found: &mut Findings) {
        if let OtherThanFirst(words) = self.asks
            && !value.is_null()
            && !value.as_str().is_some_and(|word| word.is_empty() || words.contains(&word))
        {
            return found.wrong(pointer, no_choice(value, words));
        }
        if !self.is_asked_for(value) {
            return;
        }
        let problem = Problem::new(pointer, format!("it is not supported: {}", self.about));
        match self.verdict {
            Verdict::Harmless => {}
            Verdict::WithoutEffect => found.without_effect.push(problem),
            Verdict::Restricting => found.restricting.push(problem),
        }
    }
}

/// Whether a value is the one that a text says. In a variable of the environment 0 and 1 also stand for false and true.
fn is_value(value: &Value, text: &str) -> bool {
    match value {
        Value::String(value) => value == text,
        Value::Bool(value) => text == value.to_string() || text == u8::from(*value).to_string(),
        other => serde_json::from_str::<Value>(text).is_ok_and(|wanted| wanted == *other),
    }
}

/// The paths of all keys in Kratos' configuration schema of July 2026; `*` is an item of a list.
#[cfg(test)]
pub(crate) const KRATOS_KEYS: &str = include_str!("kratos_keys.txt");

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::read;
    use crate::keys::kind_at;

    #[test]
    fn every_key_of_kratos_has_a_section_or_a_verdict() {
        for path in KRATOS_KEYS.lines() {
            let names: Vec<&str> = path.split('.').collect();
            let owned: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            // What is judged as a whole is judged with everything below it.
            let is_judged = (1..=owned.len()).any(|length| is_leaf(&owned[..length]));
            let is_declared = kind_at(&names).is_some();
            assert!(is_judged != is_declared, "{path}: judged {is_judged}, declared {is_declared}");
        }
    }

    #[test]
    fn no_key_stands_twice() {
        let mut paths: Vec<&str> = TABLE.iter().flat_map(|row| row.paths.iter().copied()).collect();
        paths.sort_unstable();
        let all = paths.len();
        paths.dedup();
        assert_eq!(paths.len(), all);
    }

    #[test]
    fn a_value_that_asks_for_nothing_is_no_finding() {
        for tree in [
            json!({"serve": {"public": {"request_log": {"disable_for_health": false}}}}),
            json!({"serve": {"admin": {"request_log": {"disable_for_health": "false"}}}}),
            json!({"serve": {"public": {"tls": {"cert": {"path": ""}, "key": {}}}}}),
            json!({"serve": {"admin": {"socket": {"owner": "", "group": null, "mode": 493}}}}),
            json!({"preview": {"default_read_consistency_level": "strong"}}),
            json!({"expose-metrics-port": 0}),
            json!({"expose-metrics-port": false}),
            json!({"oauth2_provider": {"url": "", "headers": {}, "override_return_to": false}}),
            json!({"log": {"redaction_text": "", "leak_sensitive_values": false}}),
            json!({"organizations": []}),
            json!({"selfservice": {"methods": {"b2b": {"config": {"organizations": []}}, "profile": {"enabled": true}}}}),
            json!({"selfservice": {"methods": {"passkey": {"config": {"attestation": {"preference": "none"}}}}}}),
            json!({"courier": {"message_retries": 5, "worker": {"pull_count": 10, "pull_wait": "1s"}}}),
            json!({"courier": {"smtp": {"client_cert_path": "", "client_key_path": ""}}}),
            json!({"database": {"cleanup": {"batch_size": 100, "sleep": {"tables": "1m"}, "older_than": "0s"}}}),
            json!({"hashers": {"argon2": {"expected_duration": "500ms", "dedicated_memory": "1GB", "key_length": 32}}}),
            json!({"secrets": {"pagination": []}}),
        ] {
            let (_, found) = read(&tree);
            let all =
                [&found.wrong, &found.without_effect, &found.restricting, &found.mistaken, &found.unknown];
            assert!(all.iter().all(|list| list.is_empty()), "{tree}: {found:?}");
        }
        for (tree, restricting, without_effect) in [
            (json!({"serve": {"public": {"tls": {"cert": {"path": ""}, "key": {"path": "/k"}}}}}), 1, 0),
            (json!({"serve": {"admin": {"socket": {"mode": 448}}}}), 1, 0),
            (json!({"organizations": [{"id": "x"}]}), 1, 0),
            (json!({"oauth2_provider": {"url": "https://hydra"}}), 0, 1),
            (json!({"serve": {"public": {"request_log": {"disable_for_health": true}}}}), 0, 1),
            (json!({"expose-metrics-port": true}), 0, 1),
            (json!({"courier": {"worker": {"pull_count": 1}}}), 0, 1),
        ] {
            let (_, found) = read(&tree);
            assert_eq!(
                (found.restricting.len(), found.without_effect.len()),
                (restricting, without_effect),
                "{tree}"
            );
        }
    }

    #[test]
    fn a_word_that_nobody_knows_is_an_error() {
        let judged = |path: &str, value: Value| {
            let mut found = Findings::default();
            let names = crate::problem::names(path);
            let Some(Entry::Key(row)) = entry(&names) else { panic!("the table has no {path}") };
            row.judge(&value, path, &mut found);
            (found.wrong.len(), found.without_effect.len())
        };
        let path = "/feature_flags/password_profile_registration_node_group";
        for (value, expected) in [
            (Value::from("default"), (0, 0)),
            (Value::from(""), (0, 0)),
            (Value::Null, (0, 0)),
            (Value::from("password"), (0, 1)),
            (Value::from("carrier pigeon"), (1, 0)),
            (Value::from("DEFAULT"), (1, 0)),
            (Value::from(1), (1, 0)),
            (Value::from(vec!["default"]), (1, 0)),
        ] {
            assert_eq!(judged(path, value.clone()), expected, "{value}");
        }
    }
}
