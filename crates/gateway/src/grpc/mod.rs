//! Questions over gRPC (`envoy.service.auth.v3.Authorization`), with health (`grpc.health.v1`) and reflection beside them.

mod codec;
mod described;
mod messages;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::any;
use envoy_types::ext_authz::v3::pb::CheckRequest;
use tonic::server::Grpc;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::HealthService;
use tower::service_fn;

use crate::client;
use crate::gateway::Gateway;
use crate::health::SERVICE;
use crate::question::Question;
use codec::{Answer, OfChecks};

/// The largest question in bytes. Envoy sends the head of the request, and its body only when it is told to.
const LARGEST: usize = 256 * 1024;

/// Answers a question.
async fn check(gateway: Arc<Gateway>, request: Request<CheckRequest>) -> Result<Response<Answer>, Status> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|ConnectInfo(address)| address.ip().to_canonical());
    let Some(asked) = messages::Asked::of(request.into_inner()) else {
        return Err(Status::invalid_argument("The question has no attributes.request.http."));
    };
    let question: Question<'_> = asked.question();
    client::note(&gateway, peer, question.headers);
    let decision = gateway.decide(peer, &question).await;
    Ok(Response::new(messages::answer(&question, decision)))
}

/// Adds the services to the routes of the port.
pub(crate) fn add<S: Clone + Send + Sync + 'static>(router: Router<S>, gateway: Gateway) -> Router<S> {
    let health = HealthServer::new(HealthService::from_health_reporter(gateway.health.reporter.clone()));
    // The router clones a handler for each request.
    let gateway = Arc::new(gateway);
    let answered = any(move |request: axum::extract::Request| {
        let gateway = gateway.clone();
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
    let router = router
        .route(&format!("/{SERVICE}/Check"), answered)
        .route(&format!("/{SERVICE}/{{*method}}"), unknown)
        .route_service("/grpc.health.v1.Health/{*method}", health);
    with_reflection(router)
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
