//! The typed configuration, made of the merged tree.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Map, Value};
use sessera_model::{GoDuration, Secret};
use sessera_rotation::Timing;
use url::Url;

use crate::load::ConfigError;

/// The configuration that the server runs with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The database.
    pub dsn: String,
    /// Standbys of the database, from which sessions may be read.
    pub dsn_read_only: Option<String>,
    /// The public API.
    pub public: PublicConfig,
    /// The admin API.
    pub admin: AdminConfig,
    /// How long clients, and the end, may take.
    pub timeouts: Timeouts,
    /// The log.
    pub log: LogConfig,
    /// Traces of requests.
    pub tracing: TracingConfig,
    /// Secrets.
    pub secrets: SecretsConfig,
    /// Identity schemas.
    pub identity: IdentityConfig,
    /// Sessions.
    pub session: SessionConfig,
    /// Tokenizer templates by name, as configured; each is judged on its own.
    pub templates: Map<String, Value>,
    /// Parts that their readers judge: `selfservice`, `hashers`, `courier`.
    pub rest: Value,
}

/// The public API.
#[derive(Clone, Debug)]
pub struct PublicConfig {
    /// The address under which clients reach it, as configured or made of host and port; ends in a slash.
    pub base_url: String,
    /// Where it listens.
    pub host: String,
    /// Where it listens.
    pub port: u16,
    /// Requests of other origins.
    pub cors: CorsConfig,
    /// Proxies that are believed.
    pub trusted_proxies: Vec<String>,
}

/// Requests of other origins.
#[derive(Clone, Debug, Default)]
pub struct CorsConfig {
    /// Whether they are answered.
    pub enabled: bool,
    /// Which origins.
    pub allowed_origins: Vec<String>,
    /// With which methods.
    pub allowed_methods: Vec<String>,
    /// With which headers.
    pub allowed_headers: Vec<String>,
    /// Which headers they may read.
    pub exposed_headers: Vec<String>,
    /// Whether cookies go along.
    pub allow_credentials: bool,
    /// How long a preflight answer is good for.
    pub max_age: Option<Duration>,
}

/// The admin API.
#[derive(Clone, Debug)]
pub struct AdminConfig {
    /// The address under which operators reach it; ends in a slash.
    pub base_url: String,
    /// Where it listens.
    pub host: String,
    /// Where it listens.
    pub port: u16,
    /// Tokens that it asks for; none when empty.
    pub tokens: Vec<Secret>,
    /// Whether it may be served to everybody without a token.
    pub insecure: bool,
}

/// How long clients, and the end, may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// A client to send the head of a request, first or next on a kept connection.
    pub head: Duration,
    /// A client to take an answer.
    pub answer: Duration,
    /// From being told to stop until no new connections are taken. Readiness is red from the beginning.
    pub drain: Duration,
    /// Requests in flight to finish after that.
    pub grace: Duration,
}

/// The log.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// The lowest level that is written.
    pub level: String,
    /// Whether lines are JSON.
    pub json: bool,
}

/// Traces of requests.
#[derive(Clone, Debug)]
pub enum TracingConfig {
    /// There are none.
    Off,
    /// A provider is named that is not supported; there are none.
    Unsupported(String),
    /// They are sent by OTLP over HTTP.
    Otlp(OtlpConfig),
}

/// Where traces go.
#[derive(Clone, Debug)]
pub struct OtlpConfig {
    /// The name of this service.
    pub service_name: String,
    /// The name of the environment.
    pub environment: Option<String>,
    /// The address of the receiver for traces.
    pub url: Url,
    /// What is sent as `Authorization`.
    pub authorization: Option<Secret>,
    /// Which part of the requests that come without a trace is traced, from 0 to 1.
    pub sampling_ratio: f64,
}

/// Secrets, as configured; empty lists stand for those that are kept beside the database.
#[derive(Clone, Debug)]
pub struct SecretsConfig {
    /// Key what clients hold.
    pub cookie: Vec<Secret>,
    /// Encrypt stored values.
    pub cipher: Vec<Secret>,
}

/// Identity schemas.
#[derive(Clone, Debug)]
pub struct IdentityConfig {
    /// The schema of those who sign up.
    pub default_schema_id: String,
    /// Ids and sources.
    pub schemas: Vec<(String, String)>,
}

/// Sessions.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// How long they live.
    pub lifespan: Duration,
    /// How long before their end they can be extended; at any time when absent.
    pub earliest_possible_extend: Option<Duration>,
    /// Whether all factors must be proven.
    pub needs_highest_aal: bool,
    /// The most bytes that sessions may take in memory.
    pub cache_max_bytes: u64,
    /// How long sessions in memory are answered when the database cannot be reached.
    pub cache_max_stale: Duration,
    /// The cookie.
    pub cookie: CookieConfig,
    /// The times by which managed key sets rotate.
    pub rotation: Timing,
    /// How long a status list may be good.
    pub status_list_max_age: Duration,
}

/// The session cookie.
#[derive(Clone, Debug)]
pub struct CookieConfig {
    /// Its name.
    pub name: String,
    /// Its domain.
    pub domain: Option<String>,
    /// Its path.
    pub path: String,
    /// Whether it goes along with requests of other sites: `Lax`, `Strict` or `None`.
    pub same_site: &'static str,
    /// Whether it survives the end of the browser.
    pub persistent: bool,
}

/// How many bytes sessions may take in memory when nothing is said.
const CACHE_MAX_BYTES: u64 = 256 << 20;

/// An amount of memory in bytes: `19MiB`, `128MB`, or a number of bytes. `MB` and `MiB` are the same
/// here, as they are in the file's origin.
pub fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => Some(number),
        "k" | "kb" | "kib" => number.checked_mul(1 << 10),
        "m" | "mb" | "mib" => number.checked_mul(1 << 20),
        "g" | "gb" | "gib" => number.checked_mul(1 << 30),
        _ => None,
    }
}

/// Reads values of a tree whose types were checked; collects what is wrong all the same.
#[derive(Debug)]
pub struct Reader<'a> {
    tree: &'a Value,
    /// What is wrong, one sentence each.
    pub problems: Vec<String>,
}

impl<'a> Reader<'a> {
    /// A reader of a tree.
    pub const fn new(tree: &'a Value) -> Self {
        Self { tree, problems: Vec::new() }
    }

    /// The value at a pointer, unless it is null.
    pub fn value(&self, pointer: &str) -> Option<&'a Value> {
        self.tree.pointer(pointer).filter(|value| !value.is_null())
    }

    /// A text that is not empty.
    pub fn text(&self, pointer: &str) -> Option<String> {
        match self.value(pointer)? {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// A flag, or its default.
    pub fn flag(&self, pointer: &str, default: bool) -> bool {
        self.value(pointer).and_then(Value::as_bool).unwrap_or(default)
    }

    /// A whole number.
    pub fn integer(&self, pointer: &str) -> Option<i64> {
        self.value(pointer)?.as_i64()
    }

    /// A duration.
    pub fn duration(&self, pointer: &str) -> Option<Duration> {
        self.text(pointer)?.parse::<GoDuration>().ok().map(GoDuration::get)
    }

    /// An amount of memory in bytes.
    pub fn bytes(&mut self, pointer: &str) -> Option<u64> {
        let text = self.text(pointer)?;
        let bytes = bytes(&text);
        if bytes.is_none() {
            self.problems.push(format!(
                "{pointer}: \"{text}\" is no amount of memory: write a number of bytes, or one with KB, MB or GB"
            ));
        }
        bytes
    }

    /// A list of texts; a single text stands for a list of one.
    pub fn texts(&self, pointer: &str) -> Vec<String> {
        match self.value(pointer) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::String(text)) => vec![text.clone()],
            _ => Vec::new(),
        }
    }

    /// A list of secrets without empty ones.
    pub fn secrets(&self, pointer: &str) -> Vec<Secret> {
        self.texts(pointer).into_iter().filter(|text| !text.is_empty()).map(Secret::new).collect()
    }

    /// An absolute URL; what is none is a problem.
    pub fn url(&mut self, pointer: &str) -> Option<Url> {
        let text = self.text(pointer)?;
        match Url::parse(&text) {
            Ok(url) => Some(url),
            Err(error) => {
                self.problems.push(format!("{pointer}: \"{text}\" is no URL: {error}"));
                None
            }
        }
    }

    fn port(&mut self, pointer: &str, default: u16) -> u16 {
        let Some(port) = self.integer(pointer) else { return default };
        u16::try_from(port).unwrap_or_else(|_| {
            self.problems.push(format!("{pointer}: {port} is no port; use 1 to 65535"));
            default
        })
    }

    /// The configured address, or one made of host and port. It always ends in a slash.
    fn base_url(&mut self, pointer: &str, host: &str, port: u16) -> String {
        let shown = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let url = match self.url(pointer) {
            Some(url) => url.to_string(),
            None => format!("http://{shown}:{port}/"),
        };
        if url.ends_with('/') { url } else { url + "/" }
    }
}

impl Config {
    /// Makes the typed configuration of a merged tree.
    pub fn from_tree(tree: &Value) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(tree);
        let findings = crate::keys::check(tree);
        reader
            .problems
            .extend(findings.wrong.iter().map(|wrong| format!("{}: {}", wrong.pointer, wrong.message)));
        let public = public(&mut reader);
        let admin = admin(&mut reader);
        let timeouts = timeouts(&mut reader);
        let tracing = tracing(&mut reader);
        let session = session(&mut reader);
        let cookie = reader.secrets("/secrets/cookie");
        let config = Self {
            dsn: reader.text("/dsn").unwrap_or_else(|| "sqlite://sessera.sqlite".into()),
            dsn_read_only: reader.text("/dsn_read_only"),
            public,
            admin,
            timeouts,
            log: LogConfig {
                level: reader.text("/log/level").unwrap_or_else(|| "info".into()),
                json: reader.text("/log/format").is_some_and(|format| format == "json"),
            },
            tracing,
            secrets: SecretsConfig {
                cookie: if cookie.is_empty() { reader.secrets("/secrets/default") } else { cookie },
                cipher: reader.secrets("/secrets/cipher"),
            },
            identity: identity(&mut reader),
            session,
            templates: reader
                .value("/session/whoami/tokenizer/templates")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default(),
            rest: tree.clone(),
        };
        if reader.problems.is_empty() { Ok(config) } else { Err(ConfigError::Invalid(reader.problems)) }
    }
}

fn public(reader: &mut Reader<'_>) -> PublicConfig {
    let host = reader.text("/serve/public/host").unwrap_or_else(|| "127.0.0.1".into());
    let port = reader.port("/serve/public/port", 4433);
    let or = |list: Vec<String>, default: &[&str]| {
        if list.is_empty() { default.iter().map(|text| (*text).to_owned()).collect() } else { list }
    };
    PublicConfig {
        base_url: reader.base_url("/serve/public/base_url", &host, port),
        cors: CorsConfig {
            enabled: reader.flag("/serve/public/cors/enabled", false),
            allowed_origins: reader.texts("/serve/public/cors/allowed_origins"),
            allowed_methods: or(
                reader.texts("/serve/public/cors/allowed_methods"),
                &["POST", "GET", "PUT", "PATCH", "DELETE"],
            ),
            allowed_headers: or(
                reader.texts("/serve/public/cors/allowed_headers"),
                &["Authorization", "Content-Type", "X-Session-Token", "X-CSRF-Token"],
            ),
            exposed_headers: or(reader.texts("/serve/public/cors/exposed_headers"), &["Content-Type"]),
            allow_credentials: reader.flag("/serve/public/cors/allow_credentials", true),
            max_age: reader
                .integer("/serve/public/cors/max_age")
                .and_then(|seconds| u64::try_from(seconds).ok())
                .filter(|seconds| *seconds > 0)
                .map(Duration::from_secs),
        },
        trusted_proxies: reader.texts("/serve/public/trusted_proxies"),
        host: listening(host),
        port,
    }
}

/// An empty host or `0.0.0.0` listens everywhere.
fn listening(host: String) -> String {
    if host.is_empty() { "0.0.0.0".into() } else { host }
}

fn admin(reader: &mut Reader<'_>) -> AdminConfig {
    let host = reader.text("/serve/admin/host").unwrap_or_else(|| "127.0.0.1".into());
    let port = reader.port("/serve/admin/port", 4434);
    let config = AdminConfig {
        base_url: reader.base_url("/serve/admin/base_url", &host, port),
        tokens: reader.secrets("/serve/admin/token"),
        insecure: reader.flag("/serve/admin/insecure", false),
        host: listening(host),
        port,
    };
    if !is_loopback(&config.host) && config.tokens.is_empty() && !config.insecure {
        reader.problems.push(format!(
            "/serve/admin/host: the admin API would be open to everybody who reaches {}. Set serve.admin.token to a long random text, which clients then send as \"Authorization: Bearer\", listen on 127.0.0.1, or, when the network around protects it, set serve.admin.insecure: true",
            config.host
        ));
    }
    config
}

/// Whether only this machine can reach an address.
pub fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn timeouts(reader: &mut Reader<'_>) -> Timeouts {
    let mut time = |name: &str, default: u64, may_be_zero: bool| {
        let pointer = format!("/serve/timeouts/{name}");
        let configured = reader.duration(&pointer).unwrap_or(Duration::from_secs(default));
        if configured.is_zero() && !may_be_zero {
            reader.problems.push(format!("{pointer}: without any time nobody could be answered; write 30s"));
        }
        configured
    };
    Timeouts {
        head: time("head", 30, false),
        answer: time("answer", 30, false),
        drain: time("drain", 0, true),
        grace: time("grace", 20, true),
    }
}

fn tracing(reader: &mut Reader<'_>) -> TracingConfig {
    const SERVER: &str = "/tracing/providers/otlp/server_url";
    match reader.text("/tracing/provider").as_deref() {
        None => return TracingConfig::Off,
        Some("otel") => {}
        Some(other) => return TracingConfig::Unsupported(other.to_owned()),
    }
    let Some(server) = reader.text(SERVER) else {
        reader.problems.push(format!(
            "{SERVER}: nobody knows where traces go: write the receiver's host:port, or its URL"
        ));
        return TracingConfig::Off;
    };
    let scheme = if reader.flag("/tracing/providers/otlp/insecure", false) { "http://" } else { "https://" };
    let whole = if server.contains("://") { server.clone() } else { format!("{scheme}{server}") };
    let url = Url::parse(&whole).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(mut url) = url.filter(Url::has_host) else {
        reader.problems.push(format!(
            "{SERVER}: \"{server}\" is no address of a receiver: write host:port, or a URL with http or https"
        ));
        return TracingConfig::Off;
    };
    if url.path() == "/" {
        url.set_path("/v1/traces");
    }
    let ratio = reader.value("/tracing/providers/otlp/sampling/sampling_ratio").and_then(Value::as_f64);
    TracingConfig::Otlp(OtlpConfig {
        service_name: reader.text("/tracing/service_name").unwrap_or_else(|| "sessera".into()),
        environment: reader.text("/tracing/deployment_environment"),
        url,
        authorization: reader.text("/tracing/providers/otlp/authorization_header").map(Secret::new),
        sampling_ratio: ratio.unwrap_or(1.0),
    })
}

fn identity(reader: &mut Reader<'_>) -> IdentityConfig {
    let mut schemas = Vec::new();
    if let Some(Value::Array(items)) = reader.value("/identity/schemas") {
        for (at, item) in items.iter().enumerate() {
            match (item.get("id").and_then(Value::as_str), item.get("url").and_then(Value::as_str)) {
                (Some(id), Some(url)) => schemas.push((id.to_owned(), url.to_owned())),
                _ => {
                    reader
                        .problems
                        .push(format!("/identity/schemas/{at}: a schema needs \"id\" and \"url\""));
                }
            }
        }
    }
    let default = reader.text("/identity/default_schema_id");
    IdentityConfig { default_schema_id: default.unwrap_or_else(|| "default".into()), schemas }
}

fn rotation(reader: &mut Reader<'_>) -> Timing {
    let time = |name: &str, default: u64| {
        let configured = reader.duration(&format!("/session/whoami/tokenizer/rotation/{name}"));
        configured.map_or(GoDuration::from_secs(default), GoDuration::new)
    };
    let timing = Timing { lease: time("lease", 60), skew: time("skew", 5), max_age: time("max_age", 300) };
    if let Err(error) = timing.check(GoDuration::new(timing.notice())) {
        reader.problems.push(format!("/session/whoami/tokenizer/rotation: {error}"));
    }
    timing
}

fn status_list_max_age(reader: &mut Reader<'_>) -> Duration {
    const POINTER: &str = "/session/whoami/tokenizer/status_list/max_age";
    let max_age = reader.duration(POINTER).unwrap_or(Duration::from_secs(60));
    if !(Duration::from_secs(10)..=Duration::from_secs(24 * 3600)).contains(&max_age) {
        reader.problems.push(format!(
            "{POINTER}: it must be from 10s, so that lists are not asked for all the time, to 24h"
        ));
    }
    max_age
}

fn session(reader: &mut Reader<'_>) -> SessionConfig {
    let same_site = match reader.text("/session/cookie/same_site").as_deref() {
        None | Some("Lax") => "Lax",
        Some("Strict") => "Strict",
        Some("None") => "None",
        Some(other) => {
            reader
                .problems
                .push(format!("/session/cookie/same_site: \"{other}\" must be Lax, Strict or None"));
            "Lax"
        }
    };
    let needs_highest_aal = match reader.text("/session/whoami/required_aal").as_deref() {
        None | Some("aal1") => false,
        Some("highest_available") => true,
        Some(other) => {
            reader
                .problems
                .push(format!("/session/whoami/required_aal: \"{other}\" must be aal1 or highest_available"));
            false
        }
    };
    SessionConfig {
        lifespan: reader.duration("/session/lifespan").unwrap_or(Duration::from_secs(24 * 3600)),
        earliest_possible_extend: reader.duration("/session/earliest_possible_extend"),
        needs_highest_aal,
        rotation: rotation(reader),
        status_list_max_age: status_list_max_age(reader),
        cache_max_stale: reader.duration("/session/cache/max_stale").unwrap_or_default(),
        cache_max_bytes: reader.bytes("/session/cache/max_bytes").unwrap_or(CACHE_MAX_BYTES),
        cookie: CookieConfig {
            name: reader.text("/session/cookie/name").unwrap_or_else(|| "ory_kratos_session".into()),
            domain: reader.text("/session/cookie/domain"),
            path: reader.text("/session/cookie/path").unwrap_or_else(|| "/".into()),
            same_site,
            persistent: reader.flag("/session/cookie/persistent", true),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn problems(tree: Value) -> String {
        Config::from_tree(&tree).unwrap_err().to_string()
    }

    #[test]
    fn nothing_configured_is_a_server_on_loopback() {
        let config = Config::from_tree(&json!({})).unwrap();
        assert_eq!(config.public.base_url, "http://127.0.0.1:4433/");
        assert_eq!((config.admin.host.as_str(), config.admin.port), ("127.0.0.1", 4434));
        assert_eq!(config.dsn, "sqlite://sessera.sqlite");
        assert_eq!(config.session.cookie.name, "ory_kratos_session");
    }

    #[test]
    fn an_open_admin_api_needs_a_token_or_a_word() {
        let open = json!({"serve": {"admin": {"host": "0.0.0.0"}}});
        assert!(problems(open).contains("serve.admin.token"));
        for more in [json!({"token": ["x"]}), json!({"token": "x"}), json!({"insecure": true})] {
            let mut admin = more.as_object().unwrap().clone();
            admin.insert("host".into(), "0.0.0.0".into());
            assert!(Config::from_tree(&json!({"serve": {"admin": admin}})).is_ok());
        }
        assert!(Config::from_tree(&json!({"serve": {"admin": {"host": "::1"}}})).is_ok());
    }

    #[test]
    fn what_cannot_be_is_named() {
        assert!(problems(json!({"serve": {"public": {"port": 70000}}})).contains("/serve/public/port"));
        assert!(problems(json!({"session": {"cookie": {"same_site": "lax"}}})).contains("same_site"));
        for max_age in ["9s", "25h"] {
            let tree = json!({"session": {"whoami": {"tokenizer": {"status_list": {"max_age": max_age}}}}});
            assert!(problems(tree).contains("status_list/max_age"), "{max_age}");
        }
        assert!(problems(json!({"serve": {"public": {"base_url": "not a url"}}})).contains("base_url"));
        assert!(problems(json!({"serve": {"timeouts": {"head": "0s"}}})).contains("/serve/timeouts/head"));
        assert!(problems(json!({"identity": {"schemas": [{"id": "x"}]}})).contains("/identity/schemas/0"));
    }
}
