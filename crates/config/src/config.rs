//! The configuration that the server runs with, made of the sections.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Map, Value};
use sessera_model::{GoDuration, Secret};
use sessera_rotation::Timing;
use url::Url;

use crate::address::{self, WrittenUrl};
use crate::cookies::{self, CookieScope, SessionCookie};
use crate::courier::{CourierConfig, courier};
use crate::error::ConfigError;
use crate::events::{EventsConfig, events};
use crate::gateway::{GatewayConfig, gateway};
use crate::keys::kind_at;
use crate::loopback::is_loopback;
use crate::problem::{Findings, Problem, dotted};
use crate::reach::Reach;
use crate::requests::request;
use crate::sections::audit::Audit;
use crate::sections::hashers::{ARGON2_KIB_PER_LANE, Hashers};
use crate::sections::hooks::Hook;
use crate::sections::identity::Identity;
use crate::sections::log::Log;
use crate::sections::methods::Password;
use crate::sections::pages::Pages;
use crate::sections::request::Request;
use crate::sections::selfservice::SelfService;
use crate::sections::serve::{Admin, Cors, Public, Timeouts};
use crate::sections::session::{RequiredAal, Session};
use crate::sections::tokenizer::Tokenizer;
use crate::sections::tracing::{Provider, Tracing};
use crate::sections::{FeatureFlags, Sections};
use crate::setting::Setting as _;
use crate::shown::without_secrets;
use crate::stray::judge_too_deep;
use crate::trusted_proxies::Proxies;
use crate::upstream::{Ports, UpstreamConfig, as_it_counts, upstream};
use crate::verdict::way_out;
use crate::{idle, pages, unsupported, unworkable};

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
    /// Where proxies ask, and how their questions are judged.
    pub gateway: GatewayConfig,
    /// How long clients, and the end, may take.
    pub timeouts: Timeouts,
    /// The log.
    pub log: Log,
    /// The record of what happened.
    pub audit: Audit,
    /// Who is told of what happens.
    pub events: EventsConfig,
    /// Where traces of requests go; `None` when there are none.
    pub tracing: Option<OtlpConfig>,
    /// Secrets.
    pub secrets: SecretsConfig,
    /// Identity schemas.
    pub identity: IdentityConfig,
    /// How cookies are made, other than that of the session.
    pub cookies: CookieScope,
    /// Sessions.
    pub session: SessionConfig,
    /// To which addresses requests may lead that this server makes to others.
    pub reach: Reach,
    /// The headers of a request that others are told of.
    pub told_headers: Vec<String>,
    /// Who keeps the sessions; `None` when this server does.
    pub upstream: Option<Box<UpstreamConfig>>,
    /// Tokenizer templates by name, as configured; each is judged on its own.
    pub templates: Map<String, Value>,
    /// What people do themselves.
    pub selfservice: Box<SelfService>,
    /// Whether nobody is told who has an account.
    pub mitigates_enumeration: bool,
    /// How passwords are hashed.
    pub hashers: Hashers,
    /// How messages are sent.
    pub courier: CourierConfig,
    /// The system that still keeps passwords of people who were brought along; `None` when nobody is asked.
    pub migrate_hook: Option<Request>,
    /// How the pages look, and what they say.
    pub pages: Pages,
    /// Choices about how clients are answered.
    pub feature_flags: FeatureFlags,
    /// Whether mails are shown in the log where there is no mail server.
    pub dev: bool,
    /// What its author should know: keys that are not known, and keys without effect.
    pub notes: Vec<Problem>,
    /// Restrictions that do not hold and were accepted.
    pub accepted: Vec<Problem>,
    /// The pointers of values that are wrong, in whose place defaults stand.
    wrong: Vec<String>,
}

/// The public API.
#[derive(Clone, Debug)]
pub struct PublicConfig {
    /// The address under which clients reach it, as configured or made of host and port; ends in a slash.
    pub base_url: String,
    /// The issuer of tokens: that address exactly as it is configured.
    pub issuer: String,
    /// Where it listens.
    pub host: String,
    /// Where it listens.
    pub port: u16,
    /// Requests of other origins.
    pub cors: Cors,
    /// Proxies that are believed.
    pub proxies: Proxies,
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

/// Where traces go: they are sent by OTLP over HTTP.
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
    pub cookie: SessionCookie,
    /// The times by which managed key sets rotate.
    pub timing: Timing,
    /// How long a status list may be good.
    pub status_list_max_age: Duration,
}

/// Reads a tree: its sections, and everything that there is to say about its values one by one.
pub fn read(tree: &Value) -> (Sections, Findings) {
    let mut found = Findings::default();
    let sections = Sections::read(tree, &Sections::KIND, "", &mut found).unwrap_or_default();
    judge_too_deep(tree, Sections::KEYS, &mut found);
    (sections, found)
}

impl Config {
    /// The address below which people sign in, ending in a slash. Where nothing is passed on to an upstream it is the
    /// upstream's own.
    pub fn sign_in_base(&self) -> &str {
        match &self.upstream {
            Some(upstream) if !upstream.forward => upstream.url.as_str(),
            _ => &self.public.base_url,
        }
    }

    /// Whether a later judgement may come of a default in place of what is wrong, because it is about the same item of a list,
    /// such as one provider: what is missing there may follow from what is wrong beside it.
    pub fn may_follow_from_what_is_wrong(&self, judgement: &Problem) -> bool {
        let is_place = |(end, _): &(usize, &str)| {
            let (item, _) = judgement.pointer.split_at(*end);
            item.rsplit_once('/').is_some_and(|(_, place)| place.parse::<usize>().is_ok())
        };
        let mut ends = judgement.pointer.match_indices('/').chain([(judgement.pointer.len(), "")]);
        let Some((end, _)) = ends.rfind(is_place) else { return false };
        let item = Problem::new(&judgement.pointer[..end], "");
        self.wrong.iter().any(|wrong| Problem::new(wrong, "").is_about(&item.pointer))
    }

    /// Makes the configuration of a merged tree. The error has everything that is wrong.
    pub fn from_tree(tree: &Value) -> Result<Self, ConfigError> {
        let (config, wrong) = Self::judge(tree);
        if wrong.is_empty() { Ok(config) } else { Err(ConfigError::Invalid(wrong)) }
    }

    /// Makes the configuration of a merged tree, with defaults in place of what is wrong, and names that.
    pub fn judge(tree: &Value) -> (Self, Vec<Problem>) {
        let counts = as_it_counts(tree);
        let (sections, mut found) = read(&counts);
        note_contradictions(&sections, &mut found);
        note_values_without_effect(&sections, &mut found);
        unworkable::note(&sections, &mut found);
        idle::note(&sections, &counts, &mut found);
        pages::check(&sections.pages, &counts, &mut found);
        let upstream = upstream(&sections, tree, &mut found);
        let ports = Ports::defaults(upstream.is_some());
        let public = public(sections.serve.public, ports.public);
        let public_url = Url::parse(&public.base_url).ok();
        let cookies = cookies::general(&sections.cookies, public_url.as_ref(), &mut found);
        let mut session_cookie =
            cookies::of_sessions(&sections.session.cookie, &cookies, public_url.as_ref(), &mut found);
        if let Some(upstream) = &upstream {
            session_cookie.name.clone_from(&upstream.cookie);
            session_cookie.is_of_upstream = true;
        }
        let reach = Reach::new(&sections.clients.http);
        judge_urls(&reach, &sections.selfservice, &mut found);
        let accepted = accepted(&sections.accept_unsupported, &mut found);
        let mut notes = std::mem::take(&mut found.unknown);
        notes.append(&mut found.without_effect);
        found.wrong.append(&mut found.weak);
        let cookie_secrets = sections.secrets.cookie;
        let cookie_secrets =
            if cookie_secrets.is_empty() { sections.secrets.default } else { cookie_secrets };
        let cookie_secrets: Vec<Secret> = cookie_secrets.into_iter().map(Secret::from).collect();
        session_cookie.kratos_secrets.clone_from(&cookie_secrets);
        let schemas = &sections.identity.schemas;
        let schema_ids: BTreeSet<&str> = if schemas.is_empty() {
            ["default"].into()
        } else {
            schemas.iter().map(|schema| schema.id.as_str()).collect()
        };
        let schema_ids = upstream.is_none().then_some(&schema_ids);
        let mut config = Self {
            dsn: sections.dsn.map_or_else(|| "sqlite://sessera.sqlite".into(), |dsn| dsn.expose().to_owned()),
            dsn_read_only: sections.dsn_read_only.map(|dsn| dsn.expose().to_owned()),
            public,
            admin: admin(sections.serve.admin, ports.admin, &mut found),
            gateway: gateway(
                sections.serve.gateway,
                sections.gateway,
                &sections.session.whoami.tokenizer.templates,
                schema_ids,
                &mut found,
            ),
            timeouts: sections.serve.timeouts,
            log: sections.log,
            audit: sections.audit,
            events: events(sections.events, &sections.session.whoami.tokenizer.templates, &reach, &mut found),
            tracing: tracing(sections.tracing, &mut found),
            secrets: SecretsConfig {
                cookie: cookie_secrets,
                cipher: sections.secrets.cipher.into_iter().map(Secret::from).collect(),
            },
            identity: identity(sections.identity, &mut found),
            templates: sections.session.whoami.tokenizer.templates.clone(),
            cookies,
            session: session(sections.session, session_cookie, upstream.as_ref(), &mut found),
            courier: courier(sections.courier, &reach, &mut found),
            migrate_hook: migrate_hook(&sections.selfservice.methods.password, &reach, &mut found),
            reach,
            told_headers: sections.clients.web_hook.header_allowlist,
            upstream: upstream.map(Box::new),
            selfservice: Box::new(sections.selfservice),
            mitigates_enumeration: sections.security.account_enumeration.mitigate,
            hashers: sections.hashers,
            pages: sections.pages,
            feature_flags: sections.feature_flags,
            dev: sections.dev,
            notes,
            accepted,
            wrong: Vec::new(),
        };
        check_lanes(&config.hashers, &mut found);
        check_ports(&config.public, &config.admin, &config.gateway, &mut found);
        config.wrong = found.wrong.iter().map(|problem| problem.pointer.clone()).collect();
        (config, found.wrong)
    }
}

/// Who is asked for passwords of people who were brought along.
fn migrate_hook(password: &Password, reach: &Reach, found: &mut Findings) -> Option<Request> {
    let hook = &password.config.migrate_hook;
    let at = "/selfservice/methods/password/config/migrate_hook/config";
    let missing = "nobody is asked without it: write the address of the system that keeps the passwords";
    let config = (password.enabled && hook.enabled).then(|| hook.config.clone())?;
    request(config, at, missing, reach, found)
}

/// Names the URLs to which requests go and may not.
fn judge_urls(reach: &Reach, section: &SelfService, found: &mut Findings) {
    let password = &section.methods.password;
    if password.enabled && password.config.haveibeenpwned_enabled {
        let at = "/selfservice/methods/password/config/haveibeenpwned_host";
        if let Some(url) = password.config.haveibeenpwned_url() {
            reach.judge(&url, at, found);
        }
    }
    let oidc = &section.methods.oidc;
    for (place, provider) in oidc.config.providers.iter().enumerate().filter(|_| oidc.enabled) {
        for (name, url) in [("issuer_url", &provider.issuer_url), ("token_url", &provider.token_url)] {
            if let Some(url) = url {
                let at = format!("/selfservice/methods/oidc/config/providers/{place}/{name}");
                reach.judge(url, &at, found);
            }
        }
    }
    for hook in section.flows.web_hooks() {
        reach.judge(&hook.request.url, &format!("{}/url", hook.request.at), found);
    }
}

/// Notes restrictions that another key makes impossible, and keys that exclude each other.
fn note_contradictions(sections: &Sections, found: &mut Findings) {
    let (methods, registration) = (&sections.selfservice.methods, &sections.selfservice.flows.registration);
    if sections.security.account_enumeration.mitigate
        && methods.password.enabled
        && registration.enabled
        && registration.after.says("password", Hook::Session)
    {
        let message = "signing up would tell who has an account, because it signs in those who had none: take the hook \"session\" out of selfservice.flows.registration.after";
        found.restricting.push(Problem::new("/security/account_enumeration/mitigate", message));
    }
    if methods.code.passwordless_enabled && methods.code.mfa_enabled {
        let message = "a code cannot be both what somebody signs in with and their second factor: switch off passwordless_enabled or mfa_enabled";
        found.wrong("/selfservice/methods/code/mfa_enabled", message);
    }
}

/// Notes values of known keys that mean nothing here.
fn note_values_without_effect(sections: &Sections, found: &mut Findings) {
    let return_urls = &sections.selfservice.allowed_return_urls;
    address::note_returns(return_urls, "/selfservice/allowed_return_urls", found);
    let refused = found.restricting.iter().chain(&found.mistaken);
    let refused: Vec<String> = refused.map(|problem| dotted(&problem.pointer)).collect();
    let mut note = |pointer: &str, message: &str| found.without_effect.push(Problem::new(pointer, message));
    if matches!(sections.tracing.provider, Some(Provider::Jaeger | Provider::Zipkin)) {
        note(
            "/tracing/provider",
            "it is not supported, so there are no traces: set otel and tracing.providers.otlp",
        );
    }
    for (place, key) in sections.accept_unsupported.iter().enumerate() {
        let path: Vec<String> = key.split('.').map(str::to_owned).collect();
        let is_known =
            refused.contains(&without_items(key)) || unsupported::is_leaf(&path) || is_declared(&path);
        if !is_known && !is_variable(key) {
            let message = format!("\"{key}\" is no key; write it as the refusal does");
            note(&format!("/accept_unsupported/{place}"), &message);
        }
    }
}

/// A key as refusals write it: the tables of the documents have a `*` where an item of a list stands.
fn without_items(key: &str) -> String {
    let is_item = |part: &&str| matches!(*part, "*" | "**") || part.parse::<usize>().is_ok();
    key.split('.').filter(|part| !is_item(part)).collect::<Vec<_>>().join(".")
}

/// Whether a name is that of a variable of the environment, which is accepted by its name where nothing reads it.
fn is_variable(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

fn is_declared(path: &[String]) -> bool {
    kind_at(&path.iter().map(String::as_str).collect::<Vec<_>>()).is_some()
}

/// The restrictions that were accepted. Those that were not become errors.
fn accepted(keys: &[String], found: &mut Findings) -> Vec<Problem> {
    let keys: Vec<String> = keys.iter().map(|key| without_items(key)).collect();
    let mut accepted = Vec::new();
    let restricting = std::mem::take(&mut found.restricting).into_iter();
    let mistaken = std::mem::take(&mut found.mistaken).into_iter();
    let advised = restricting.map(|problem| ("Remove the key", problem));
    for (advice, problem) in advised.chain(mistaken.map(|problem| ("Write it as it is meant", problem))) {
        let key = dotted(&problem.pointer);
        if keys.contains(&key) {
            let message = format!("{} (accept_unsupported names it)", problem.message);
            accepted.push(Problem { message, ..problem });
        } else {
            let message = format!("{}. {advice}, {}", problem.message, way_out(&key));
            found.wrong.push(Problem { message, ..problem });
        }
    }
    accepted
}

/// The configured address, or one made of host and port. It always ends in a slash.
fn base_url(configured: Option<&WrittenUrl>, host: &str, port: u16) -> String {
    let shown = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    configured.map_or_else(|| format!("http://{shown}:{port}/"), WrittenUrl::with_slash)
}

fn public(section: Public, default_port: u16) -> PublicConfig {
    let port = section.port.unwrap_or(default_port);
    let host = section.host.0;
    let base_url = base_url(section.base_url.as_ref(), &host, port);
    PublicConfig {
        issuer: section.base_url.map_or_else(|| base_url.clone(), |written| written.text),
        base_url,
        host,
        port,
        cors: section.cors,
        proxies: Proxies { trusted: section.trusted_proxies, headers: section.proxy_headers },
    }
}

fn admin(section: Admin, default_port: u16, found: &mut Findings) -> AdminConfig {
    let port = section.port.unwrap_or(default_port);
    let host = section.host.0;
    let config = AdminConfig {
        base_url: base_url(section.base_url.as_ref(), &host, port),
        tokens: section.token.into_iter().map(Secret::from).collect(),
        insecure: section.insecure,
        host,
        port,
    };
    for (place, token) in config.tokens.iter().enumerate() {
        let text = token.expose();
        if !text.trim().is_empty() && (text.trim() != text || text.contains(char::is_control)) {
            found.wrong(
                format!("/serve/admin/token/{place}"),
                "no client can send it, because blanks at its ends and control characters get lost on the way: write it without them",
            );
        }
    }
    if !is_loopback(&config.host) && config.tokens.is_empty() && !config.insecure {
        found.wrong(
            "/serve/admin/host",
            format!(
                "the admin API would be open to everybody who reaches {}. Set serve.admin.token to a long random text, which clients then send as \"Authorization: Bearer\", listen on 127.0.0.1, or, when the network around protects it, set serve.admin.insecure: true",
                config.host
            ),
        );
    }
    config
}

fn tracing(section: Tracing, found: &mut Findings) -> Option<OtlpConfig> {
    const SERVER: &str = "/tracing/providers/otlp/server_url";
    if section.provider != Some(Provider::Otel) {
        return None;
    }
    let otlp = section.providers.otlp;
    let Some(server) = otlp.server_url else {
        found.wrong(SERVER, "nobody knows where traces go: write the receiver's host:port, or its URL");
        return None;
    };
    let scheme = if otlp.insecure { "http://" } else { "https://" };
    let whole = if server.contains("://") { server.clone() } else { format!("{scheme}{server}") };
    let url = Url::parse(&whole).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(mut url) = url.filter(Url::has_host) else {
        found.wrong(
            SERVER,
            format!(
                "\"{}\" is no address of a receiver: write host:port, or a URL with http or https",
                without_secrets(&server)
            ),
        );
        return None;
    };
    if url.path() == "/" {
        url.set_path("/v1/traces");
    }
    Some(OtlpConfig {
        service_name: section.service_name,
        environment: section.deployment_environment,
        url,
        authorization: otlp.authorization_header,
        sampling_ratio: otlp.sampling.sampling_ratio,
    })
}

fn identity(section: Identity, found: &mut Findings) -> IdentityConfig {
    for (place, schema) in section.schemas.iter().enumerate() {
        let at = format!("/identity/schemas/{place}");
        if schema.id.is_empty() {
            found.wrong(at.as_str(), "a schema needs an \"id\", such as default");
        }
        if schema.url.is_empty() {
            found.wrong(at, "a schema needs a \"url\", which begins with file:// or base64://");
        }
    }
    IdentityConfig {
        default_schema_id: section.default_schema_id,
        schemas: section.schemas.into_iter().map(|schema| (schema.id, schema.url)).collect(),
    }
}

/// With an upstream it asks for second factors itself, and answers are stale by its own setting.
fn session(
    section: Session,
    cookie: SessionCookie,
    upstream: Option<&UpstreamConfig>,
    found: &mut Findings,
) -> SessionConfig {
    let needs_highest_aal = section.whoami.required_aal == RequiredAal::HighestAvailable;
    SessionConfig {
        lifespan: section.lifespan,
        earliest_possible_extend: section.earliest_possible_extend,
        needs_highest_aal: needs_highest_aal && upstream.is_none(),
        timing: timing(&section.whoami.tokenizer, found),
        status_list_max_age: section.whoami.tokenizer.status_list.max_age,
        cache_max_stale: upstream.map_or(section.cache.max_stale, |upstream| upstream.max_stale),
        cache_max_bytes: section.cache.max_bytes.0,
        cookie,
    }
}

fn timing(section: &Tokenizer, found: &mut Findings) -> Timing {
    let times = &section.rotation;
    let timing = Timing {
        lease: GoDuration::new(times.lease),
        skew: GoDuration::new(times.skew),
        max_age: GoDuration::new(times.max_age),
    };
    if let Err(error) = timing.check(GoDuration::new(timing.notice())) {
        found.wrong("/session/whoami/tokenizer/rotation", error.to_string());
    }
    timing
}

/// One port of one address can be listened on once.
fn check_ports(public: &PublicConfig, admin: &AdminConfig, gateway: &GatewayConfig, found: &mut Findings) {
    let address = |host: &str| host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
    let is_everywhere =
        |host: &str| host.is_empty() || address(host).is_some_and(|host| host.is_unspecified());
    let meets = |one: &str, other: &str| {
        let is_local = is_loopback(one) && is_loopback(other) && [one, other].contains(&"localhost");
        let is_same =
            one.eq_ignore_ascii_case(other) || address(one).is_some_and(|one| address(other) == Some(one));
        is_same || is_everywhere(one) || is_everywhere(other) || is_local
    };
    let mut all = vec![("public", &public.host, public.port), ("admin", &admin.host, admin.port)];
    all.extend(gateway.enabled.then_some(("gateway", &gateway.host, gateway.port)));
    for (index, (api, host, port)) in all.iter().enumerate() {
        let is_taken = |(_, before, taken): &&(_, &String, u16)| *taken == *port && meets(before, host);
        if let Some((first, ..)) = all[..index].iter().find(is_taken).filter(|_| *port != 0) {
            found.wrong(
                format!("/serve/{api}/port"),
                format!("port {port} is that of serve.{first}.port: give each of the two a port of its own"),
            );
        }
    }
}

/// Argon2 needs memory for each of its lanes.
fn check_lanes(hashers: &Hashers, found: &mut Findings) {
    let argon2 = &hashers.argon2;
    if argon2.memory.0 / 1024 < u64::from(argon2.parallelism * ARGON2_KIB_PER_LANE) {
        found.wrong(
            "/hashers/argon2/memory",
            format!("{} lanes need at least {ARGON2_KIB_PER_LANE}KiB each", argon2.parallelism),
        );
    }
}

#[cfg(test)]
mod tests;
