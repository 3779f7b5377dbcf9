//! The connection to the upstream. Its addresses are the only ones that are ever called, and redirections are not
//! followed.

use std::error::Error as _;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use axum::http::{HeaderValue, Request, Response, StatusCode, Uri};
use hyper::body::{Body as _, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use sessera_config::UpstreamConfig;
use sessera_issuer::upstream::Unanswered;
use sessera_jose::without_byte_order_mark_in;
use sessera_model::files;
use url::Url;

/// How long a connection that nobody uses is kept. It is less than servers usually keep theirs, because what changes
/// something cannot be sent again when they close one in just that moment.
const IDLE: Duration = Duration::from_secs(20);

/// The largest file with certificates in bytes.
const MAX_CERTIFICATES: u64 = 16 * 1024 * 1024;

/// What to do about a server that shows the certificate of an authority as its own.
const CA_AS_SERVER: &str = ": the certificate that the server shows is one of an authority (CA:TRUE), and no server may show such a one as its own; make it with -addext basicConstraints=critical,CA:FALSE, or let an authority sign another and name that authority's certificate as session.upstream.ca_file";

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The file with certificates cannot be read.
    #[error("session.upstream.ca_file: {file}: {problem}. Name a file with certificates as PEM")]
    Certificates {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// An address of the upstream cannot be called, or a value cannot be sent.
    #[error("session.upstream.{key} cannot be used: {problem}")]
    Unusable {
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

impl ClientError {
    /// The JSON Pointer of the key that is to blame.
    pub fn pointer(&self) -> String {
        match self {
            Self::Certificates { .. } => "/session/upstream/ca_file".into(),
            Self::Unusable { key, .. } => format!("/session/upstream/{key}"),
        }
    }
}

/// One of the two APIs of the upstream.
#[derive(Clone, Debug)]
pub struct Api {
    scheme: Scheme,
    authority: Authority,
    /// The path below which it lies, without a slash at its end.
    path: String,
    /// What is sent as `Authorization`.
    pub authorization: Option<HeaderValue>,
}

impl Api {
    fn new(key: &'static str, url: &Url, authorization: Option<HeaderValue>) -> Result<Self, ClientError> {
        let unusable = |problem: &str| ClientError::Unusable { key, problem: problem.to_owned() };
        let uri: Uri = url.as_str().parse().map_err(|_| unusable("it is no address"))?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(unusable("it is no address"));
        };
        let path = url.path().trim_end_matches('/').to_owned();
        Ok(Self { scheme, authority, path, authorization })
    }

    /// The address of a path, which begins with a slash, with its query. Nothing when it is no path.
    pub fn uri(&self, path_and_query: &str) -> Option<Uri> {
        let path: PathAndQuery = format!("{}{path_and_query}", self.path).parse().ok()?;
        let builder = Uri::builder().scheme(self.scheme.clone()).authority(self.authority.clone());
        builder.path_and_query(path).build().ok()
    }
}

impl fmt::Display for Api {
    /// Its address, in which there is no secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.path)
    }
}

/// The connection to the upstream.
pub struct Client {
    http: HyperClient<HttpsConnector<HttpConnector>, Body>,
    /// Its public API.
    pub public: Api,
    /// Its admin API, where it is known.
    pub admin: Option<Api>,
}

impl Client {
    /// The connection to the upstream of a configuration. Nothing is sent yet.
    pub fn new(config: &UpstreamConfig) -> Result<Self, ClientError> {
        let token = config.admin_token.as_ref().map(|token| {
            let value = HeaderValue::from_str(&format!("Bearer {}", token.expose())).map(|mut value| {
                value.set_sensitive(true);
                value
            });
            value.map_err(|_| ClientError::Unusable {
                key: "admin_token",
                problem: "it has characters that cannot be sent".into(),
            })
        });
        let token = token.transpose()?;
        let admin = config.admin_url.as_ref().map(|url| Api::new("admin_url", url, token)).transpose()?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(config.timeout));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(config.ca_file.as_deref())?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let http = HyperClient::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(config.max_in_flight)
            .build(connector);
        Ok(Self { http, public: Api::new("url", &config.url, None)?, admin })
    }

    /// Sends a request to an address that an [`Api`] made. One that only reads is sent once more when the connection is
    /// closed without an answer, because servers close those that they have kept, also just when a request is on its way
    /// (RFC 9112, section 9.3.1).
    pub async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, Unsent> {
        let again = again(&request);
        let mut answer = self.http.request(request).await;
        if let (Some(again), Err(error)) = (again, &answer)
            && of_connection(error).is_some_and(hyper::Error::is_incomplete_message)
        {
            answer = self.http.request(again).await;
        }
        let answer = answer.map_err(|error| unsent(&error))?;
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(
                Unanswered::new("answered with a change of the protocol, for which nobody asked").into()
            );
        }
        Ok(answer)
    }
}

/// Why there is no answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsent {
    /// The body of the request broke off, or is malformed.
    Body,
    /// There is no answer of which anything could be made.
    Unanswered(Unanswered),
}

impl From<Unanswered> for Unsent {
    fn from(why: Unanswered) -> Self {
        Self::Unanswered(why)
    }
}

/// A copy of a request, to be sent once more, if it only reads and has no body.
fn again(request: &Request<Body>) -> Option<Request<Body>> {
    if !request.method().is_safe() || !request.body().is_end_stream() {
        return None;
    }
    let mut again = Request::new(Body::empty());
    again.method_mut().clone_from(request.method());
    again.uri_mut().clone_from(request.uri());
    *again.version_mut() = request.version();
    again.headers_mut().clone_from(request.headers());
    Some(again)
}

/// What went wrong on a connection that was there.
fn of_connection(error: &hyper_util::client::legacy::Error) -> Option<&hyper::Error> {
    error.source().and_then(|source| source.downcast_ref::<hyper::Error>())
}

/// What a failure means: nobody was reached, or what came back was wrong.
fn unsent(error: &hyper_util::client::legacy::Error) -> Unsent {
    let cause = innermost(error).to_string();
    let what = match of_connection(error) {
        _ if error.is_connect() => "cannot be reached".into(),
        // What a request is made of here is good, except for the body, which comes from its client.
        Some(error) if error.is_user() => return Unsent::Body,
        Some(error) if error.is_parse() => format!("answered with malformed HTTP ({error})").into(),
        Some(error) if error.is_incomplete_message() => "closed the connection without an answer".into(),
        _ => "broke the connection off".into(),
    };
    let hint = if cause.contains("CaUsedAsEndEntity") { CA_AS_SERVER } else { "" };
    Unsent::Unanswered(Unanswered { what, detail: Some(cause + hint) })
}

/// What trusts the system's certificates and those of a file.
fn tls(ca_file: Option<&Path>) -> Result<ClientConfig, ClientError> {
    let mut roots = RootCertStore::empty();
    // A system without certificates is one on which only the file's count.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = ca_file {
        let wrong = |problem: String| ClientError::Certificates { file: file.to_owned(), problem };
        let mut count = 0;
        let pem = files::read(file, MAX_CERTIFICATES).map_err(|error| wrong(error.to_string()))?;
        for certificate in CertificateDer::pem_slice_iter(without_byte_order_mark_in(&pem)) {
            let certificate = certificate.map_err(|error| wrong(innermost(&error).to_string()))?;
            roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
            count += 1;
        }
        if count == 0 {
            return Err(wrong("it has no certificate".into()));
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder =
        builder.map_err(|error| ClientError::Unusable { key: "url", problem: error.to_string() })?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The cause behind all others, which says most.
fn innermost<'e>(error: &'e (dyn std::error::Error + 'static)) -> &'e (dyn std::error::Error + 'static) {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost
}
