//! Traces of requests, sent by OTLP over HTTP where that is configured.
//!
//! A trace belongs to the one whose `traceparent` came with the request (W3C Trace Context). Spans go into a
//! bounded queue from which a task sends them. What finds no place there, or cannot be sent, is dropped and
//! counted: whoever takes traces never slows down a request.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use http::{HeaderMap, HeaderValue};
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{
    Span as _, SpanKind, Status as SpanStatus, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, SpanExporter as OtlpExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    Sampler, SdkTracer, SdkTracerProvider, Span, SpanData, SpanExporter as _, SpanProcessor,
};
use prometheus::IntCounterVec;
use sessera_http::status::Status;
use sessera_issuer::tokens::{Step, TokenSteps};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use sessera_config::OtlpConfig;

/// How many spans wait at the most.
pub const QUEUE: usize = 8_192;

/// How many spans are sent at once, and how long the first of them waits for others.
const BATCH: usize = 512;
const GATHER: Duration = Duration::from_millis(500);

/// How long the receiver may take.
const SEND: Duration = Duration::from_secs(10);

/// How long sending what is left may take at the end.
const FLUSH: Duration = Duration::from_secs(5);

/// Why there are no traces.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// The client for the receiver cannot be made.
    #[error("{0}")]
    Client(#[from] reqwest::Error),
    /// The exporter cannot be made.
    #[error("{0}")]
    Exporter(#[from] ExporterBuildError),
}

/// Makes spans and sends them.
pub struct Traces {
    tracer: SdkTracer,
    propagator: TraceContextPropagator,
    /// Ends the task that sends; gone when that was done.
    sending: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces").finish_non_exhaustive()
    }
}

impl Traces {
    /// Begins to send. `spans` counts by what became of them.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn start(config: &OtlpConfig, spans: IntCounterVec) -> Result<Self, TracesError> {
        let mut headers = reqwest::header::HeaderMap::new();
        if let Some(authorization) = &config.authorization
            && let Ok(mut value) = HeaderValue::from_str(authorization.expose())
        {
            value.set_sensitive(true);
            headers.insert(reqwest::header::AUTHORIZATION, value);
        }
        let client = reqwest::Client::builder().timeout(SEND).default_headers(headers).build()?;
        let exporter = OtlpExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(config.url.as_str())
            .with_timeout(SEND)
            .build()?;
        let mut resource = Resource::builder_empty()
            .with_service_name(config.service_name.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
        if let Some(environment) = &config.environment {
            resource =
                resource.with_attribute(KeyValue::new("deployment.environment.name", environment.clone()));
        }
        let resource = resource.build();
        let (queue, waiting) = mpsc::channel(QUEUE);
        let (stop, stopped) = oneshot::channel();
        let sender = Sender { exporter, spans: spans.clone(), works: true };
        let task = tokio::spawn(sender.run(resource.clone(), waiting, stopped));
        let ratio = Sampler::TraceIdRatioBased(config.sampling_ratio);
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(Sampler::ParentBased(Box::new(ratio)))
            .with_span_processor(Queue { queue, spans })
            .build();
        Ok(Self {
            tracer: provider.tracer("sessera"),
            propagator: TraceContextPropagator::new(),
            sending: Mutex::new(Some((stop, task))),
        })
    }

    /// Begins the span of a request, below the one that its headers name.
    pub fn request(
        &self,
        start: Instant,
        headers: &HeaderMap,
        api: &'static str,
        method: &str,
        route: &str,
        id: &HeaderValue,
    ) -> Context {
        // A request begins here, so its span is not below whatever this thread is at.
        let parent = self.propagator.extract_with_context(&Context::new(), &Headers(headers));
        let span = self
            .tracer
            .span_builder(format!("{method} {route}"))
            .with_kind(SpanKind::Server)
            .with_start_time(moment(start))
            .with_attributes([
                KeyValue::new("http.request.method", method.to_owned()),
                KeyValue::new("http.route", route.to_owned()),
                KeyValue::new("sessera.api", api),
                KeyValue::new("request.id", id.to_str().unwrap_or_default().to_owned()),
            ])
            .start_with_context(&self.tracer, &parent);
        parent.with_span(span)
    }

    /// Begins to trace a request that may tell only in its body what its span is below. The span begins when that is known.
    pub fn request_told_inside(
        self: &Arc<Self>,
        start: Instant,
        api: &'static str,
        method: &'static str,
        route: &str,
        id: &HeaderValue,
    ) -> ToldInside {
        let begun = Arc::default();
        ToldInside {
            traces: self.clone(),
            begun,
            start,
            api,
            method,
            route: route.to_owned(),
            id: id.clone(),
        }
    }

    /// Ends the span of a request.
    pub fn answered(request: &Context, status: Status) {
        let span = request.span();
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.code())));
        if status.is_fault() {
            span.set_status(SpanStatus::error(""));
        }
        span.end();
    }

    /// Makes a span of a part that has ended, below `parent` if that is traced.
    pub fn step(&self, parent: &Context, name: &str, step: Step) {
        if !parent.span().span_context().is_sampled() {
            return;
        }
        let start = moment(step.start);
        let builder = self.tracer.span_builder(name.to_owned()).with_start_time(start);
        let mut span = builder.start_with_context(&self.tracer, parent);
        if step.failed {
            span.set_status(SpanStatus::error(""));
        }
        span.end_with_timestamp(start + step.took);
    }

    /// Makes spans of the parts of making a token.
    pub fn token(&self, parent: &Context, steps: TokenSteps) {
        for (name, step) in [("mapper", steps.mapper), ("sign", steps.sign)] {
            if let Some(step) = step {
                self.step(parent, name, step);
            }
        }
    }

    /// Sends what is waiting, as far as that goes in a few seconds.
    pub async fn close(&self) {
        let sending = self.sending.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((stop, task)) = sending {
            // A task that is gone has nothing to send.
            let _ = stop.send(());
            if timeout(FLUSH, task).await.is_err() {
                tracing::warn!("the last traces could not be sent in time");
            }
        }
    }
}

/// A request whose span begins when it is known what that is below.
#[derive(Clone, Debug)]
pub struct ToldInside {
    traces: Arc<Traces>,
    begun: Arc<OnceLock<Context>>,
    start: Instant,
    api: &'static str,
    method: &'static str,
    route: String,
    id: HeaderValue,
}

impl ToldInside {
    /// Whether headers name what a request is below.
    pub fn is_in(headers: &HeaderMap) -> bool {
        headers.contains_key("traceparent")
    }

    /// Begins the span below the one that these headers name, which are those of the request inside.
    pub fn begin(&self, headers: &HeaderMap) -> Context {
        let Self { start, api, method, route, id, .. } = self;
        self.begun.get_or_init(|| self.traces.request(*start, headers, api, method, route, id)).clone()
    }

    /// Ends the span. One that never began, because nobody could read the request, begins and ends here.
    pub fn answered(&self, status: Status) {
        Traces::answered(&self.begin(&HeaderMap::new()), status);
    }
}

/// When an instant was, by the clock.
fn moment(instant: Instant) -> SystemTime {
    let now = SystemTime::now();
    now.checked_sub(instant.elapsed()).unwrap_or(now)
}

/// Headers as traces read them.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

/// Puts spans that have ended into the queue.
#[derive(Debug)]
struct Queue {
    queue: mpsc::Sender<SpanData>,
    spans: IntCounterVec,
}

impl SpanProcessor for Queue {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.queue.try_send(span).is_err() {
            self.spans.with_label_values(&["dropped"]).inc();
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Sends what is in the queue.
struct Sender {
    exporter: OtlpExporter,
    spans: IntCounterVec,
    /// Whether the receiver took what was sent last.
    works: bool,
}

impl Sender {
    async fn run(
        mut self,
        resource: Resource,
        mut waiting: mpsc::Receiver<SpanData>,
        mut stopped: oneshot::Receiver<()>,
    ) {
        self.exporter.set_resource(&resource);
        let mut batch = Vec::with_capacity(BATCH);
        let mut ends = false;
        loop {
            tokio::select! {
                count = waiting.recv_many(&mut batch, BATCH) => if count == 0 { return },
                _ = &mut stopped, if !ends => {
                    ends = true;
                    // What is in it can still be taken out.
                    waiting.close();
                    continue;
                }
            }
            if !ends && batch.len() < BATCH {
                tokio::select! {
                    // Longer only when it is never filled.
                    _ = timeout(GATHER, fill(&mut waiting, &mut batch)) => {}
                    _ = &mut stopped => {
                        ends = true;
                        waiting.close();
                    }
                }
            }
            self.send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))).await;
        }
    }

    async fn send(&mut self, batch: Vec<SpanData>) {
        let count = batch.len() as u64;
        let outcome = self.exporter.export(batch).await;
        self.spans.with_label_values(&[if outcome.is_ok() { "sent" } else { "dropped" }]).inc_by(count);
        // A change is told once, and not again for each batch.
        match (&outcome, self.works) {
            (Err(error), true) => tracing::warn!(
                %error,
                "traces cannot be sent and are dropped; see tracing.providers.otlp.server_url and the receiver's log"
            ),
            (Ok(()), false) => tracing::info!("traces are sent again"),
            _ => {}
        }
        self.works = outcome.is_ok();
    }
}

/// Takes spans until the batch is full or nobody makes any more.
async fn fill(waiting: &mut mpsc::Receiver<SpanData>, batch: &mut Vec<SpanData>) {
    while batch.len() < BATCH {
        if waiting.recv_many(batch, BATCH - batch.len()).await == 0 {
            return;
        }
    }
}
