//! What happens, in numbers: counters and times, shown at `/metrics/prometheus` of the admin API.
//!
//! They are atomic numbers in memory. What a request counts on the way of whoami is looked up once, when
//! the server starts, so nothing there waits, searches or allocates.

use std::time::Duration;

use prometheus::core::Collector as _;
use prometheus::proto::{Metric, MetricFamily};
use prometheus::{
    Encoder as _, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry, TextEncoder,
};

use sessera_accounts::password::PasswordHashing;
use sessera_http::status::Status;
use sessera_issuer::{IssuerMetrics, SessionCache};
use sessera_store::{Change, CommitListener, Outcome, Store};

/// Bounds of times in seconds: from what memory answers to what a client gives up on.
const SECONDS: [f64; 14] =
    [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];

/// What is measured when somebody asks, because nothing counts it.
pub struct Measured<'a> {
    /// Sessions in memory.
    pub cache: &'a SessionCache,
    /// The pool that hashes passwords.
    pub passwords: &'a PasswordHashing,
    /// The store with its connections.
    pub store: &'a dyn Store,
    /// Whether this node may sign with managed keys.
    pub is_lease_held: bool,
}

/// All numbers of a server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    /// Whoami answered from memory: counted apart and shown with the other requests.
    whoami: IntCounter,
    whoami_seconds: Histogram,
    /// Sessions in memory and the making of tokens.
    pub issuer: IssuerMetrics,
    cache_entries: IntGauge,
    cache_bytes: IntGauge,
    store_seconds: HistogramVec,
    store_failures: IntCounterVec,
    /// Operations of the store that have begun and not ended, those that wait for a connection among them.
    pub store_under_way: IntGauge,
    store_connections: IntGaugeVec,
    store_waiting: IntGaugeVec,
    /// People who signed in: sessions that were made.
    pub sign_ins: IntCounter,
    passwords_running: IntGauge,
    passwords_waiting: IntGauge,
    passwords_hashed: IntCounter,
    /// Those of accounts.
    pub accounts: sessera_accounts::Metrics,
    /// Clients that are connected, by API.
    pub connections: IntGaugeVec,
    /// Clients that were sent away because all slots were taken, by API.
    pub connections_refused: IntCounterVec,
    /// Requests whose bodies found no room, by API and by whose room it was.
    pub bodies_refused: IntCounterVec,
    lease_held: IntGauge,
    line_trusted: IntGauge,
    /// Requests with a session cookie of an Ory Kratos from which people moved here.
    pub kratos_cookies: IntCounterVec,
    /// Questions of proxies, by route, dialect and what was decided.
    pub gateway_decisions: IntCounterVec,
    /// Messages to sinks, by sink and by what became of them.
    pub sink_outcomes: IntCounterVec,
    /// Events that wait for sinks.
    pub sink_waiting: IntGaugeVec,
    /// Events that were given up.
    pub sink_given_up: IntGaugeVec,
    /// Spans of traces, by what became of them.
    pub spans: IntCounterVec,
}

impl Default for Metrics {
    /// Numbers that all are zero.
    ///
    /// # Panics
    /// When two of the names below are the same, which a test would show.
    fn default() -> Self {
        let registry = Registry::new();
        let counter = |name: &str, help: &str| IntCounter::with_opts(Opts::new(name, help));
        let counters =
            |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let gauge = |name: &str, help: &str| IntGauge::with_opts(Opts::new(name, help));
        let gauges =
            |name: &str, help: &str, labels: &[&str]| IntGaugeVec::new(Opts::new(name, help), labels);
        let times = |name: &str, help: &str| HistogramOpts::new(name, help).buckets(SECONDS.to_vec());
        let build = || -> prometheus::Result<Self> {
            let requests = counters(
                "sessera_requests_total",
                "Requests by API, route, method and status.",
                &["api", "route", "method", "status"],
            )?;
            let request_seconds = HistogramVec::new(
                times("sessera_request_seconds", "Time from a request's head to its answer."),
                &["api", "route", "status"],
            )?;
            let store_seconds = HistogramVec::new(
                times("sessera_store_seconds", "Time of the store by what it did."),
                &["operation"],
            )?;
            let (whoami, code) = ("/sessions/whoami", Status::DONE.code().to_string());
            let metrics = Self {
                whoami: requests.with_label_values(&["public", whoami, "GET", &code]),
                whoami_seconds: request_seconds.with_label_values(&["public", whoami, Status::DONE.class()]),
                requests,
                request_seconds,
                issuer: IssuerMetrics::new()?,
                cache_entries: gauge("sessera_session_cache_entries", "Sessions in memory.")?,
                cache_bytes: gauge("sessera_session_cache_bytes", "Bytes of sessions in memory.")?,
                store_seconds,
                store_failures: counters(
                    "sessera_store_failures_total",
                    "Operations of the store that failed, by what they did.",
                    &["operation"],
                )?,
                store_under_way: gauge(
                    "sessera_store_under_way",
                    "Operations of the store that have begun and not ended.",
                )?,
                store_connections: gauges(
                    "sessera_store_connections",
                    "Connections to the database by pool and state: in_use, idle, most.",
                    &["pool", "state"],
                )?,
                store_waiting: gauges(
                    "sessera_store_waiting",
                    "Operations that wait for a connection to the database, by pool.",
                    &["pool"],
                )?,
                sign_ins: counter("sessera_sign_ins_total", "Sessions that were made.")?,
                passwords_running: gauge("sessera_passwords_running", "Passwords being hashed now.")?,
                passwords_waiting: gauge("sessera_passwords_waiting", "Passwords that wait to be hashed.")?,
                passwords_hashed: counter(
                    "sessera_passwords_hashed_total",
                    "Hashes that were worked out to store or to check a password.",
                )?,
                accounts: sessera_accounts::Metrics::new()?,
                connections: gauges("sessera_connections", "Clients that are connected, by API.", &["api"])?,
                connections_refused: counters(
                    "sessera_connections_refused_total",
                    "Clients that were sent away because all slots were taken, by API.",
                    &["api"],
                )?,
                bodies_refused: counters(
                    "sessera_bodies_refused_total",
                    "Requests whose bodies found no room, by API and room: share (that of one client), whole (that of all).",
                    &["api", "room"],
                )?,
                lease_held: gauge("sessera_lease_held", "1 while this node may sign with managed keys.")?,
                line_trusted: gauge(
                    "sessera_line_trusted",
                    "1 while this node hears of the changes of others, so that it answers from memory.",
                )?,
                kratos_cookies: counters(
                    "sessera_cookies_of_kratos_total",
                    "Requests with a session cookie that an Ory Kratos has made, by how it is sealed: securecookie, v1.",
                    &["form"],
                )?,
                gateway_decisions: counters(
                    "sessera_gateway_decisions_total",
                    "Questions of proxies by route, dialect and outcome: pass, sign_in, second_factor, forbidden, stranger, unavailable, no_route, fault.",
                    &["route", "dialect", "outcome"],
                )?,
                sink_outcomes: counters(
                    "sessera_sink_messages_total",
                    "Messages to sinks of events by sink and outcome: delivered, refused, given_up.",
                    &["sink", "outcome"],
                )?,
                sink_waiting: gauges(
                    "sessera_sink_waiting",
                    "Events that wait for a sink, as the node counts them that delivers to it.",
                    &["sink"],
                )?,
                sink_given_up: gauges(
                    "sessera_sink_given_up",
                    "Events that a sink did not take and that were given up, as the node counts them that delivers to it.",
                    &["sink"],
                )?,
                spans: counters(
                    "sessera_spans_total",
                    "Spans of traces, by what became of them: sent, dropped.",
                    &["outcome"],
                )?,
                registry: registry.clone(),
            };
            metrics.register()?;
            Ok(metrics)
        };
        build().unwrap_or_else(|error| panic!("a metric is defined wrongly: {error}"))
    }
}

impl Metrics {
    fn register(&self) -> prometheus::Result<()> {
        self.registry.register(Box::new(self.requests.clone()))?;
        self.registry.register(Box::new(self.request_seconds.clone()))?;
        self.registry.register(Box::new(self.store_seconds.clone()))?;
        for counters in [
            &self.store_failures,
            &self.connections_refused,
            &self.bodies_refused,
            &self.gateway_decisions,
            &self.sink_outcomes,
            &self.spans,
            &self.kratos_cookies,
        ] {
            self.registry.register(Box::new(counters.clone()))?;
        }
        for collector in self.accounts.collectors().into_iter().chain(self.issuer.collectors()) {
            self.registry.register(collector)?;
        }
        for gauges in [
            &self.store_connections,
            &self.store_waiting,
            &self.connections,
            &self.sink_waiting,
            &self.sink_given_up,
        ] {
            self.registry.register(Box::new(gauges.clone()))?;
        }
        self.registry.register(Box::new(self.sign_ins.clone()))?;
        for gauge in [
            &self.cache_entries,
            &self.cache_bytes,
            &self.passwords_running,
            &self.passwords_waiting,
            &self.store_under_way,
            &self.lease_held,
            &self.line_trusted,
        ] {
            self.registry.register(Box::new(gauge.clone()))?;
        }
        Ok(())
    }

    /// A request was answered.
    pub fn answered(&self, api: &str, route: &str, method: &str, status: Status, took: Duration) {
        self.requests.with_label_values(&[api, route, method, status.code().to_string().as_str()]).inc();
        self.request_seconds.with_label_values(&[api, route, status.class()]).observe(took.as_secs_f64());
    }

    /// Whoami was answered from memory.
    pub fn answered_from_memory(&self, took: Duration) {
        self.whoami.inc();
        self.whoami_seconds.observe(took.as_secs_f64());
    }

    /// The store did something, or failed to.
    pub fn stored(&self, operation: &str, took: Duration, failed: bool) {
        if failed {
            self.store_failures.with_label_values(&[operation]).inc();
        }
        self.store_seconds.with_label_values(&[operation]).observe(took.as_secs_f64());
    }

    /// What the pictures of the console are drawn of.
    pub fn counted(&self) -> Counted {
        let faults = |metric: &Metric| {
            let status = metric.get_label().iter().find(|label| label.name() == "status");
            status.is_some_and(|status| status.value().starts_with('5'))
        };
        Counted {
            tokens: self.issuer.signing_seconds.get_sample_count(),
            refused_tokens: sum(&self.issuer.refused_tokens, |_| true),
            reused: self.issuer.reused_tokens.get(),
            decisions: sum(&self.gateway_decisions, |_| true),
            sign_ins: self.sign_ins.get(),
            errors: sum(&self.requests, faults),
        }
    }

    /// All numbers as text (the Prometheus text format, version 0.0.4).
    pub fn render(&self, now: &Measured<'_>) -> Result<Vec<u8>, prometheus::Error> {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let cache = now.cache;
        self.cache_entries.set(number(cache.len() as u64));
        self.cache_bytes.set(number(cache.bytes()));
        let (running, waiting) = now.passwords.in_use();
        self.passwords_running.set(number(running as u64));
        self.passwords_waiting.set(number(waiting as u64));
        self.passwords_hashed.inc_by(now.passwords.jobs().saturating_sub(self.passwords_hashed.get()));
        for pool in now.store.pools() {
            for (state, count) in [("in_use", pool.in_use), ("idle", pool.idle), ("most", pool.most)] {
                self.store_connections.with_label_values(&[pool.name, state]).set(number(count as u64));
            }
            if let Some(waiting) = pool.waiting {
                self.store_waiting.with_label_values(&[pool.name]).set(number(waiting as u64));
            }
        }
        self.lease_held.set(i64::from(now.is_lease_held));
        self.line_trusted.set(i64::from(now.store.line().is_trusted()));
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

/// What was counted since the server started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Tokens that were made.
    pub tokens: u64,
    /// Tokens that could not be made.
    pub refused_tokens: u64,
    /// Tokens that were given to a proxy again.
    pub reused: u64,
    /// Questions of proxies that were answered.
    pub decisions: u64,
    /// Sessions that were made.
    pub sign_ins: u64,
    /// Requests that ended in a fault of the server, or of what it needs.
    pub errors: u64,
}

/// The sum of those counters of a family that are wanted.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counters count upwards from 0")]
fn sum(counters: &IntCounterVec, is_wanted: impl Fn(&Metric) -> bool) -> u64 {
    let families = counters.collect();
    let metrics = families.iter().flat_map(MetricFamily::get_metric);
    let sum: f64 =
        metrics.filter(|metric| is_wanted(metric)).map(|metric| metric.get_counter().get_value()).sum();
    sum as u64
}

impl CommitListener for Metrics {
    fn name(&self) -> &'static str {
        "metrics"
    }

    fn told(&self, changes: &[Change], outcome: Outcome) {
        if outcome == Outcome::Committed {
            let made = changes.iter().filter(|change| matches!(change, Change::InsertSession(_)));
            self.sign_ins.inc_by(made.count() as u64);
        }
    }
}
