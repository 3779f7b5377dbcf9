//! `tracing`: where traces of requests go.

use sessera_model::Secret;

use crate::section::{choice, section};

section! {
    /// Traces of requests.
    pub struct Tracing {
        /// otel: traces are sent by OTLP. With jaeger and zipkin there are none: Jaeger, and collectors in front of Zipkin, take OTLP. Default: no traces.
        provider: Option<Provider>,
        /// The name of this service in traces.
        service_name: String = "sessera",
        /// The name of the environment in traces. Default: none.
        deployment_environment: Option<String>,
        /// Where traces go.
        providers: Providers,
    }
}

choice! {
    /// How traces are sent.
    pub enum Provider {
        /// By OTLP over HTTP.
        Otel = "otel",
        /// Not supported.
        Jaeger = "jaeger",
        /// Not supported.
        Zipkin = "zipkin",
    }
}

section! {
    /// Where traces go.
    pub struct Providers {
        /// A receiver of OTLP over HTTP with Protocol Buffers.
        otlp: Otlp,
    }
}

section! {
    /// A receiver of OTLP over HTTP.
    pub struct Otlp {
        /// Where the receiver listens: host:port, or a URL. Without a path it is /v1/traces, as OTLP over HTTP has it.
        server_url: Option<String>,
        /// Whether host:port is spoken to in the clear; a URL says so itself.
        insecure: bool = false,
        /// What is sent as Authorization. Default: nothing.
        authorization_header: Option<Secret>,
        /// How many requests are traced.
        sampling: Sampling,
    }
}

section! {
    /// How many requests are traced.
    pub struct Sampling {
        /// Which part of the requests that come without a trace is traced.
        sampling_ratio: f64 = "1",
    }
}
