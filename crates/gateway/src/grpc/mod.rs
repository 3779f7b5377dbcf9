//! Questions over gRPC (`envoy.service.auth.v3.Authorization`), with health (`grpc.health.v1`) and reflection beside them.

mod codec;
mod described;
mod messages;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::middleware::{Next, from_fn};
use axum::routing::any;
use envoy_types::ext_authz::v3::pb::CheckRequest;
use opentelemetry::context::FutureExt as _;
use sessera_http::peer::Peer;
use sessera_telemetry::traces::ToldInside;
use tonic::server::Grpc;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::HealthService;
use tower::service_fn;

use crate::asked::CHECK;
use crate::gateway::{Gateway, is_stranger};
use crate::health::SERVICE;
use crate::question::Question;
use crate::{answer, client};
use codec::{Answer, OfChecks};

/// The largest question in bytes. Envoy sends the head of the request, and its body only when it is told to.
const LARGEST: usize = 256 * 1024;

/// Answers a question.
async fn check(gateway: Arc<Gateway>, request: Request<CheckRequest>) -> Result<Response<Answer>, Status> {
    let told_inside = request.extensions().get::<ToldInside>().cloned();
    let Peer(peer) = Peer::of(request.extensions());
    let Some(asked) = messages::CheckQuestion::of(request.into_inner()) else {
        return Err(Status::invalid_argument("The question has no attributes.request.http."));
    };
    let question: Question<'_> = asked.question();
    client::note(&gateway, peer, question.headers);
    let decided = gateway.decide(peer, &question);
    let decision = match told_inside {
        Some(inside) => decided.with_context(inside.begin(question.headers)).await,
        None => decided.await,
    };
    Ok(Response::new(messages::answer(&question, decision)))
}

/// The request of a stranger, who is refused whatever the message says: it is not waited for, and an empty one stands in its place.
fn without_message(request: axum::extract::Request) -> axum::extract::Request {
    let (mut parts, _) = request.into_parts();
    parts.headers.remove("grpc-encoding");
    axum::extract::Request::from_parts(parts, Body::from(codec::frame(&messages::empty())))
}

/// The services. Where they are, nothing but gRPC is answered.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gateway: Gateway) -> Router<S> {
    let health = HealthServer::new(HealthService::from_health_reporter(gateway.health.reporter.clone()));
    // The router clones a handler for each request.
    let gateway = Arc::new(gateway);
    let answered = any(move |request: axum::extract::Request| {
        let gateway = gateway.clone();
        let is_stranger = is_stranger(&(gateway.now)(), Peer::of(request.extensions()).0);
        let request = if is_stranger { without_message(request) } else { request };
        let checked = service_fn(move |request| check(gateway.clone(), request));
        async move {
            Grpc::new(OfChecks)
                .apply_max_message_size_config(Some(LARGEST), None)
                .unary(checked, request)
                .await
        }
    });
    let unknown =
        any(async || Status::unimplemented("The service has the method Check.").into_http::<Body>());
    let router = Router::new()
        .route(CHECK, answered)
        .route(&format!("/{SERVICE}/{{*method}}"), unknown)
        .route_service("/grpc.health.v1.Health/{*method}", health);
    with_reflection(router).route_layer(from_fn(only_grpc))
}

/// Passes requests of gRPC on.
async fn only_grpc(request: axum::extract::Request, next: Next) -> axum::response::Response {
    match answer::no_request_of_grpc(&request) {
        Some(refused) => refused,
        None => next.run(request).await,
    }
}

/// Adds reflection in both of its versions.
fn with_reflection<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .register_file_descriptor_set(described::files())
    };
    let router = match builder().build_v1() {
        Ok(service) => router.route_service("/grpc.reflection.v1.ServerReflection/{*method}", service),
        Err(error) => undescribed(router, &error),
    };
    match builder().build_v1alpha() {
        Ok(service) => router.route_service("/grpc.reflection.v1alpha.ServerReflection/{*method}", service),
        Err(error) => undescribed(router, &error),
    }
}

/// Questions are answered without a description of the service, too.
fn undescribed<S>(router: Router<S>, error: &tonic_reflection::server::Error) -> Router<S> {
    tracing::error!(%error, "gRPC reflection cannot be served");
    router
}
