//! Every known key: its type, whether it belongs to the machine, and what it means.

use serde_json::{Map, Value};

/// The type of a value.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Text.
    Text,
    /// Text that is never shown.
    Secret,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer,
    /// A part of a whole, from 0 to 1.
    Ratio,
    /// A duration as Go writes it.
    Duration,
    /// A list.
    List(&'static Kind),
    /// An object with any names.
    Map(&'static Kind),
    /// An object with known names.
    Object(&'static [Key]),
    /// An object that its reader judges, such as a tokenizer template.
    Any,
}

/// A known key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// What it means, for people.
    pub about: &'static str,
}

const fn key(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, kind, about }
}

/// A key of Kratos that means nothing here; it is accepted, so that a `kratos.yml` loads.
const fn without_effect(name: &'static str) -> Key {
    Key { name, kind: Kind::Any, about: "Accepted for compatibility with Kratos; has no effect." }
}

/// A key of Kratos whose effect somebody may rely on and that has none here, with what to do instead.
/// It is warned about.
const fn unsupported(name: &'static str, about: &'static str) -> Key {
    Key { name, kind: Kind::Any, about }
}

/// What the texts of such keys begin with.
const UNSUPPORTED: &str = "Not supported: ";

/// Instead of `tls`.
const NO_TLS: &str = "Not supported: put a proxy in front that terminates TLS.";

/// Instead of `jaeger` and `zipkin`.
const NO_PROVIDER: &str = "Not supported: set provider to otel and providers.otlp; Jaeger, and collectors in front of Zipkin, take OTLP.";

/// Instead of `socket`.
const NO_SOCKET: &str = "Not supported: set host and port.";

use Kind::{Any, Bool, Duration, Integer, List, Map as MapOf, Object, Ratio, Secret, Text};

const TEXTS: Kind = List(&Text);
const SECRETS: Kind = List(&Secret);

/// The keys that belong to the machine: from files and the environment only.
pub const MACHINE: [&str; 7] = ["dsn", "dsn_read_only", "secrets", "serve", "log", "tracing", "dev"];

const CORS: &[Key] = &[
    key("enabled", Bool, "Answer requests of other origins. Default: false."),
    key("allowed_origins", TEXTS, "Origins that may ask, exactly as browsers send them, or *."),
    key("allowed_methods", TEXTS, "Methods they may use. Default: POST, GET, PUT, PATCH, DELETE."),
    key(
        "allowed_headers",
        TEXTS,
        "Headers they may send. Default: Authorization, Content-Type, X-Session-Token.",
    ),
    key("exposed_headers", TEXTS, "Headers they may read. Default: Content-Type."),
    key(
        "allow_credentials",
        Bool,
        "Whether cookies go along, for origins that are named; never for *. Default: true.",
    ),
    key("max_age", Integer, "How many seconds a preflight answer is good for."),
    without_effect("options_passthrough"),
    without_effect("debug"),
];

const PUBLIC: &[Key] = &[
    key(
        "base_url",
        Text,
        "The address under which clients reach the public API; the issuer of tokens. Default: from host and port.",
    ),
    key("host", Text, "The address to listen on. Default: 127.0.0.1."),
    key("port", Integer, "The port to listen on. Default: 4433."),
    key("cors", Object(CORS), "Requests of other origins."),
    key(
        "trusted_proxies",
        TEXTS,
        "Addresses or networks of proxies whose Forwarded and X-Forwarded-For are believed. Default: none.",
    ),
    without_effect("request_log"),
    unsupported("tls", NO_TLS),
    unsupported("socket", NO_SOCKET),
];

const ADMIN: &[Key] = &[
    key(
        "base_url",
        Text,
        "The address under which operators reach the admin API. Default: from host and port.",
    ),
    key("host", Text, "The address to listen on. Default: 127.0.0.1."),
    key("port", Integer, "The port to listen on. Default: 4434."),
    key(
        "token",
        SECRETS,
        "Bearer tokens that the admin API asks for; several may be good at once. Default: none.",
    ),
    key(
        "insecure",
        Bool,
        "Serve the admin API on another address than loopback without a token. Default: false.",
    ),
    without_effect("request_log"),
    unsupported("tls", NO_TLS),
    unsupported("socket", NO_SOCKET),
];

const TIMEOUTS: &[Key] = &[
    key(
        "head",
        Duration,
        "How long a client may take to send the head of a request, also of the next one on a kept connection. Default: 30s.",
    ),
    key("answer", Duration, "How long a client may take to read an answer. Default: 30s."),
    key(
        "drain",
        Duration,
        "How long the server goes on taking connections after SIGTERM, with readiness red, so that load balancers turn away first. Default: 0s.",
    ),
    key(
        "grace",
        Duration,
        "How long requests in flight may take after that; then they are cut off. Default: 20s.",
    ),
];

const SERVE: &[Key] = &[
    key("public", Object(PUBLIC), "The public API."),
    key("admin", Object(ADMIN), "The admin API."),
    key(
        "timeouts",
        Object(TIMEOUTS),
        "How long clients, and the end, may take. They count from the next start.",
    ),
];

const AFTER_PASSWORD: &[Key] = &[
    key("hooks", List(&Any), "What happens after signing up: session, show_verification_ui."),
    key("default_browser_return_url", Text, "Where browsers go afterwards."),
];

const AFTER: &[Key] = &[
    key("default_browser_return_url", Text, "Where browsers go afterwards."),
    key("password", Object(AFTER_PASSWORD), "After signing up with a password."),
    without_effect("hooks"),
    without_effect("code"),
    without_effect("oidc"),
    without_effect("webauthn"),
    without_effect("passkey"),
    without_effect("totp"),
    without_effect("lookup_secret"),
    without_effect("profile"),
];

const FLOW: &[Key] = &[
    key("enabled", Bool, "Whether the flow is on."),
    key("ui_url", Text, "The page that shows the flow. Default: the one that comes with Sessera."),
    key("lifespan", Duration, "How long a flow lives. Default: 1h."),
    key("use", Text, "How recovery and verification prove an address: code."),
    key("after", Object(AFTER), "What happens afterwards."),
    key(
        "privileged_session_max_age",
        Duration,
        "How old a sign-in may be for changes of passwords and factors. Default: 1h.",
    ),
    key("style", Text, "How signing up asks: unified or profile_first. Default: profile_first."),
    without_effect("required_aal"),
    without_effect("before"),
    without_effect("notify_unknown_recipients"),
    without_effect("login_hints"),
    without_effect("enable_legacy_one_step"),
];

const FLOWS: &[Key] = &[
    key("error", Object(FLOW), "Errors shown to browsers."),
    key("login", Object(FLOW), "Signing in."),
    key("registration", Object(FLOW), "Signing up. On by default."),
    key("settings", Object(FLOW), "One's own account."),
    key("recovery", Object(FLOW), "Getting back into an account."),
    key("verification", Object(FLOW), "Proving an address."),
    key("logout", Object(FLOW), "Signing out."),
];

const PASSWORD_CONFIG: &[Key] = &[
    key("min_password_length", Integer, "The fewest characters of a password. Default: 8."),
    key(
        "identifier_similarity_check_enabled",
        Bool,
        "Whether passwords that resemble an identifier are refused. Default: true.",
    ),
    without_effect("haveibeenpwned_enabled"),
    without_effect("haveibeenpwned_host"),
    without_effect("max_breaches"),
    without_effect("ignore_network_errors"),
    without_effect("migrate_hook"),
];

const TOTP_CONFIG: &[Key] =
    &[key("issuer", Text, "What authenticator apps show. Default: the host of the public address.")];

const PASSKEY_RP: &[Key] = &[
    key(
        "id",
        Text,
        "The domain that passkeys are for: that of the pages, or one above it. Passkeys are lost when it changes. Default: the host of the public address.",
    ),
    key("display_name", Text, "What browsers call the site. Default: what the pages call it."),
    key("origins", TEXTS, "The origins of the pages that use passkeys. Default: that of the public address."),
];

const PASSKEY_CONFIG: &[Key] = &[key("rp", Object(PASSKEY_RP), "The site that passkeys are for.")];

const METHOD: &[Key] = &[key("enabled", Bool, "Whether the method is on."), without_effect("config")];

const METHODS: &[Key] = &[
    key(
        "password",
        Object(&[
            key("enabled", Bool, "Whether passwords are on. Default: true."),
            key("config", Object(PASSWORD_CONFIG), "Which passwords are refused."),
        ]),
        "Passwords.",
    ),
    key(
        "totp",
        Object(&[
            key("enabled", Bool, "Whether time-based codes are on. Default: false."),
            key("config", Object(TOTP_CONFIG), "How they are shown."),
        ]),
        "Time-based one-time passwords.",
    ),
    key("lookup_secret", Object(METHOD), "Printed codes."),
    key(
        "passkey",
        Object(&[
            key("enabled", Bool, "Whether passkeys are on. Default: false."),
            key("config", Object(PASSKEY_CONFIG), "Where they are good."),
        ]),
        "Passkeys.",
    ),
    key("code", Object(METHOD), "Codes by e-mail for recovery and verification. Default: on."),
    key("link", Object(METHOD), "Links by e-mail. Not supported; keep it off."),
    without_effect("profile"),
    without_effect("oidc"),
    without_effect("saml"),
    without_effect("webauthn"),
    without_effect("captcha"),
    without_effect("deviceauthn"),
];

const LIMITS: &[Key] = &[
    key(
        "requests_per_minute",
        Integer,
        "How many forms for signing in and up, recovery and verification one client address may submit in a minute; 0: any number. Of IPv6, 64 bits are one client. Behind a proxy, set serve.public.trusted_proxies. Default: 1200.",
    ),
    key(
        "free_failures",
        Integer,
        "How many wrong passwords for one account from one client address are free before each next attempt has to wait longer, from a second to 15 minutes; 0: any number. Default: 5.",
    ),
    key(
        "codes_per_hour",
        Integer,
        "How many codes for recovery, and how many for verification, one person is sent in an hour; 0: any number. Default: 10.",
    ),
];

const SELFSERVICE: &[Key] = &[
    key(
        "default_browser_return_url",
        Text,
        "Where browsers go when nothing else is said. Default: the public address.",
    ),
    key("allowed_return_urls", TEXTS, "Where browsers may ask to go with return_to."),
    key("limits", Object(LIMITS), "Limits against abuse."),
    key("methods", Object(METHODS), "Ways to sign in."),
    key("flows", Object(FLOWS), "What people do themselves."),
];

const SCHEMA: &[Key] = &[
    key("id", Text, "The name of the schema."),
    key("url", Text, "Where it is read from: file:// or base64://."),
    without_effect("selfservice_selectable"),
];

const IDENTITY: &[Key] = &[
    key("default_schema_id", Text, "The schema of those who sign up. Default: default."),
    key("schemas", List(&Object(SCHEMA)), "Identity schemas. Default: one with e-mail and name."),
];

const COOKIE: &[Key] = &[
    key("name", Text, "Name of the session cookie. Default: ory_kratos_session."),
    key("domain", Text, "Domain of the cookie. Default: the host that set it."),
    key("path", Text, "Path of the cookie. Default: /."),
    key("same_site", Text, "Lax, Strict or None. Default: Lax."),
    key("persistent", Bool, "Whether it survives the end of the browser. Default: true."),
];

const WHOAMI: &[Key] = &[
    key(
        "required_aal",
        Text,
        "aal1, or highest_available: a session must prove all factors its owner has set up. Default: aal1.",
    ),
    key("tokenizer", Object(TOKENIZER), "Signed tokens made of sessions."),
];

const TOKENIZER: &[Key] = &[
    key(
        "templates",
        MapOf(&Any),
        "Tokenizer templates by name: jwks_url, claims_mapper_url, ttl, and more; see templates.md.",
    ),
    key("rotation", Object(ROTATION), "The times by which managed key sets rotate."),
    key("status_list", Object(STATUS_LIST), "The lists by which others see that a session was revoked."),
];

const STATUS_LIST: &[Key] = &[key(
    "max_age",
    Duration,
    "How long after a revocation a list without it may still be good, from 10s to 24h. Default: 1m.",
)];

const ROTATION: &[Key] = &[
    key(
        "lease",
        Duration,
        "The longest that a node signs without having confirmed its list of keys. Default: 1m.",
    ),
    key("skew", Duration, "The largest difference between the clocks of any two machines. Default: 5s."),
    key("max_age", Duration, "How long verifiers may keep the published keys. Default: 5m."),
];

const CACHE: &[Key] = &[
    key(
        "max_bytes",
        Text,
        "The most memory that sessions may take between requests, for example 256MB or a number of bytes; 0 keeps none. Default: 256MB.",
    ),
    key(
        "max_stale",
        Duration,
        "How long sessions in memory are answered when PostgreSQL cannot be reached: a session that was revoked in the meantime is good for as long. Default: 0s, which answers 503.",
    ),
];

const SESSION: &[Key] = &[
    key("lifespan", Duration, "How long a session lives. Default: 24h."),
    key(
        "earliest_possible_extend",
        Duration,
        "How long before its end a session can be extended. Default: at any time.",
    ),
    key("cookie", Object(COOKIE), "The session cookie."),
    key("cache", Object(CACHE), "Sessions in memory."),
    key("whoami", Object(WHOAMI), "The question who is signed in."),
];

const HASHERS: &[Key] = &[
    key("algorithm", Text, "argon2 or bcrypt. Default: argon2."),
    key(
        "argon2",
        Object(&[
            key("memory", Text, "Memory, for example 19MB or a number of bytes. Default: 19MiB."),
            key("iterations", Integer, "Passes over the memory. Default: 2."),
            key("parallelism", Integer, "Lanes. Default: 1."),
            without_effect("salt_length"),
            without_effect("key_length"),
            without_effect("expected_duration"),
            without_effect("expected_deviation"),
            without_effect("dedicated_memory"),
        ]),
        "Argon2id.",
    ),
    key("bcrypt", Object(&[key("cost", Integer, "Binary logarithm of the rounds. Default: 12.")]), "bcrypt."),
];

const SECRETS_KEYS: &[Key] = &[
    key(
        "cookie",
        SECRETS,
        "Keys what browsers and native clients hold. Default with SQLite: made and kept beside the database.",
    ),
    key(
        "cipher",
        SECRETS,
        "Encrypts stored values; the first encrypts, all decrypt. Default with SQLite: made and kept beside the database.",
    ),
    key("default", SECRETS, "Stands for cookie where that is absent."),
];

const COURIER: &[Key] = &[
    key(
        "smtp",
        Object(&[
            key(
                "connection_uri",
                Secret,
                "smtp://user:password@host:port/ (STARTTLS) or smtps:// (TLS from the start). ?disable_starttls=true sends in the clear, ?skip_ssl_verify=true takes any certificate.",
            ),
            key(
                "from_address",
                Text,
                "The sender's address. Default: no-reply@ and the host of the public address.",
            ),
            key("from_name", Text, "The sender's name."),
            key("headers", MapOf(&Text), "Headers for every mail."),
            key("local_name", Text, "The name with which Sessera greets the mail server."),
        ]),
        "The mail server.",
    ),
    without_effect("templates"),
    without_effect("template_override_path"),
    without_effect("delivery_strategy"),
    without_effect("message_retries"),
    without_effect("http"),
    without_effect("channels"),
    without_effect("worker"),
];

const LOG: &[Key] = &[
    key("level", Text, "error, warn, info, debug or trace. Default: info."),
    key("format", Text, "text or json. Default: text."),
    without_effect("leak_sensitive_values"),
    without_effect("redaction_text"),
];

const OTLP: &[Key] = &[
    key(
        "server_url",
        Text,
        "Where the receiver listens: host:port, or a URL. Without a path it is /v1/traces, as OTLP over HTTP has it.",
    ),
    key(
        "insecure",
        Bool,
        "Whether host:port is spoken to in the clear; a URL says so itself. Default: false.",
    ),
    key("authorization_header", Secret, "What is sent as Authorization. Default: nothing."),
    key(
        "sampling",
        Object(&[key(
            "sampling_ratio",
            Ratio,
            "Which part of the requests that come without a trace is traced. Default: 1.",
        )]),
        "How many requests are traced.",
    ),
];

const TRACING: &[Key] = &[
    key("provider", Text, "otel: traces are sent by OTLP. Nothing else is supported. Default: no traces."),
    key("service_name", Text, "The name of this service in traces. Default: sessera."),
    key("deployment_environment", Text, "The name of the environment in traces. Default: none."),
    key(
        "providers",
        Object(&[
            key("otlp", Object(OTLP), "A receiver of OTLP over HTTP with Protocol Buffers."),
            unsupported("jaeger", NO_PROVIDER),
            unsupported("zipkin", NO_PROVIDER),
        ]),
        "Where traces go.",
    ),
];

/// The whole tree.
pub const ROOT: &[Key] = &[
    key(
        "dsn",
        Secret,
        "The database: sqlite://file or postgres://user:password@host/database. Default: sqlite://sessera.sqlite in the working directory.",
    ),
    key(
        "dsn_read_only",
        Secret,
        "Standbys of the database, postgres://user:password@host1,host2/database, from which sessions may be read while they have every change that this node knows of. Default: none.",
    ),
    key("serve", Object(SERVE), "Where Sessera listens."),
    key("secrets", Object(SECRETS_KEYS), "Secrets."),
    key("log", Object(LOG), "The log."),
    key("tracing", Object(TRACING), "Traces of requests. They count from the next start."),
    key("identity", Object(IDENTITY), "Who signs in."),
    key("selfservice", Object(SELFSERVICE), "What people do themselves."),
    key("session", Object(SESSION), "Sessions and their tokens."),
    key("hashers", Object(HASHERS), "How passwords are hashed."),
    key("courier", Object(COURIER), "How messages are sent."),
    key(
        "dev",
        Bool,
        "Development mode: without a mail server, mails and the codes in them are shown in the log. Default: false.",
    ),
    without_effect("version"),
    without_effect("expose-metrics-port"),
    without_effect("sqa-opt-out"),
    without_effect("ciphers"),
    without_effect("profiling"),
    without_effect("feature_flags"),
    without_effect("oauth2_provider"),
    without_effect("cookies"),
    without_effect("organizations"),
    without_effect("enterprise"),
    without_effect("clients"),
    without_effect("preview"),
    without_effect("revision"),
    without_effect("security"),
    without_effect("watch-courier"),
    without_effect("$schema"),
];

/// Something about a value of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The JSON Pointer of the value (RFC 6901).
    pub pointer: String,
    /// What is wrong and what to do about it.
    pub message: String,
}

/// What a check of a tree found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Keys that are not known.
    pub unknown: Vec<Finding>,
    /// Values of the wrong type.
    pub wrong: Vec<Finding>,
}

/// Checks names and types of a tree.
pub fn check(tree: &Value) -> Findings {
    let mut findings = Findings::default();
    check_value(tree, Object(ROOT), "", &mut findings);
    findings
}

/// A name as a part of a JSON Pointer.
pub fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn check_value(value: &Value, kind: Kind, pointer: &str, findings: &mut Findings) {
    let wanted = match (kind, value) {
        // A key without a value is as good as absent.
        (_, Value::Null) | (Any, _) => return,
        (Text | Secret, Value::String(_)) | (Bool, Value::Bool(_)) => return,
        // YAML reads 1.0 or 10 where a text was meant.
        (Text, Value::Number(_)) => return,
        (Integer, Value::Number(number)) if number.is_i64() || number.is_u64() => return,
        (Ratio, Value::Number(number))
            if number.as_f64().is_some_and(|ratio| (0.0..=1.0).contains(&ratio)) =>
        {
            return;
        }
        (Duration, Value::String(text)) => match text.parse::<sessera_model::GoDuration>() {
            Ok(_) => return,
            Err(error) => error.to_string(),
        },
        (List(inner), Value::Array(items)) => {
            for (at, item) in items.iter().enumerate() {
                check_value(item, *inner, &format!("{pointer}/{at}"), findings);
            }
            return;
        }
        // One token may stand where several may.
        (List(Secret), Value::String(_)) => return,
        (MapOf(inner), Value::Object(members)) => {
            for (name, member) in members {
                check_value(member, *inner, &format!("{pointer}/{}", escape(name)), findings);
            }
            return;
        }
        (Object(keys), Value::Object(members)) => {
            for (name, member) in members {
                let at = format!("{pointer}/{}", escape(name));
                match keys.iter().find(|key| key.name == name) {
                    Some(key) if key.about.starts_with(UNSUPPORTED) && !member.is_null() => {
                        findings.unknown.push(Finding { pointer: at, message: key.about.to_owned() });
                    }
                    Some(key) => check_value(member, key.kind, &at, findings),
                    None => findings.unknown.push(Finding { pointer: at, message: unknown(name, keys) }),
                }
            }
            return;
        }
        (Text | Secret, _) => "a text is expected".into(),
        (Bool, _) => "true or false is expected".into(),
        (Ratio, _) => "a number from 0 to 1 is expected".into(),
        (Integer, _) => "a whole number is expected".into(),
        (Duration, _) => "a duration is expected, for example 10m".into(),
        (List(_), _) => "a list is expected".into(),
        (MapOf(_) | Object(_), _) => "an object is expected".into(),
    };
    findings.wrong.push(Finding { pointer: pointer.to_owned(), message: wanted });
}

fn unknown(name: &str, keys: &[Key]) -> String {
    let nearest = keys
        .iter()
        .map(|key| (strsim::damerau_levenshtein(key.name, name), key.name))
        .min()
        .filter(|(distance, known)| *distance <= known.len().div_ceil(2));
    let short: String = name.chars().take(64).collect();
    match nearest {
        Some((_, known)) => format!("the key \"{short}\" is not known: did you mean \"{known}\"?"),
        None => format!("the key \"{short}\" is not known"),
    }
}

/// The tree with every object that has known names, so that a patch can add to it.
#[must_use]
pub fn materialised(tree: &Value) -> Value {
    let mut tree = tree.clone();
    fill(&mut tree, Object(ROOT));
    tree
}

fn fill(value: &mut Value, kind: Kind) {
    let keys: &[Key] = match kind {
        Object(keys) => keys,
        MapOf(_) => &[],
        _ => return,
    };
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    let Value::Object(members) = value else { return };
    for key in keys {
        if matches!(key.kind, Object(_) | MapOf(_)) {
            fill(members.entry(key.name).or_insert(Value::Null), key.kind);
        }
    }
}

/// The tree without objects that hold nothing.
pub fn prune(tree: &mut Value) {
    prune_value(tree, Object(ROOT));
}

fn prune_value(value: &mut Value, kind: Kind) {
    let (Object(keys), Value::Object(members)) = (kind, value) else { return };
    for key in keys {
        if let Some(member) = members.get_mut(key.name) {
            prune_value(member, key.kind);
            let empty =
                matches!(key.kind, Object(_) | MapOf(_)) && member.as_object().is_some_and(Map::is_empty);
            if empty {
                members.shift_remove(key.name);
            }
        }
    }
}

/// Every key that has a plain value or a list, with its path and type.
pub fn leaves() -> Vec<(Vec<&'static str>, Key)> {
    fn collect(keys: &'static [Key], path: &[&'static str], out: &mut Vec<(Vec<&'static str>, Key)>) {
        for key in keys {
            let mut at = path.to_vec();
            at.push(key.name);
            match key.kind {
                Object(inner) => collect(inner, &at, out),
                _ => out.push((at, *key)),
            }
        }
    }
    let mut out = Vec::new();
    collect(ROOT, &[], &mut out);
    out
}

/// Whether the value at a path is secret.
pub fn is_secret(path: &[&str]) -> bool {
    let mut kind = Object(ROOT);
    for name in path {
        kind = match kind {
            Object(keys) => match keys.iter().find(|key| key.name == *name) {
                Some(key) => key.kind,
                None => return false,
            },
            List(inner) | MapOf(inner) => *inner,
            other => other,
        };
    }
    matches!(kind, Secret | List(Secret))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn unknown_keys_are_told_with_their_neighbour() {
        let findings = check(&json!({"sesion": {}, "session": {"lifespn": "1h", "qqqqqqqqqqqq": 1}}));
        assert_eq!(findings.wrong, []);
        let messages: Vec<&str> = findings.unknown.iter().map(|f| f.message.as_str()).collect();
        assert!(messages[0].contains("\"session\""));
        assert!(messages[1].contains("\"lifespan\""));
        assert!(!messages[2].contains("did you mean"));
        assert_eq!(findings.unknown[1].pointer, "/session/lifespn");
        let findings = check(&json!({"serve": {"public": {"tls": {"cert": {"path": "x"}}}}, "version": "1"}));
        assert_eq!(findings.unknown.len(), 1);
        assert!(findings.unknown[0].message.contains("proxy"));
    }

    #[test]
    fn wrong_types_are_told_with_their_place() {
        let findings = check(
            &json!({"serve": {"public": {"port": "x"}}, "session": {"lifespan": "-5m"}, "identity": []}),
        );
        let places: Vec<&str> = findings.wrong.iter().map(|f| f.pointer.as_str()).collect();
        assert_eq!(places, ["/serve/public/port", "/session/lifespan", "/identity"]);
    }

    #[test]
    fn every_known_object_can_be_there_and_go_again() {
        let mut tree = materialised(&json!({"session": {"lifespan": "1h"}}));
        assert_eq!(tree["session"]["whoami"]["tokenizer"]["templates"], json!({}));
        prune(&mut tree);
        assert_eq!(tree, json!({"session": {"lifespan": "1h"}}));
    }

    #[test]
    fn secrets_are_known() {
        assert!(is_secret(&["secrets", "cipher"]));
        assert!(is_secret(&["secrets", "cipher", "0"]));
        assert!(is_secret(&["courier", "smtp", "connection_uri"]));
        assert!(!is_secret(&["session", "lifespan"]));
    }
}
