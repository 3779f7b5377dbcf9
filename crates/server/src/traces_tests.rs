//! Traces as a receiver of OTLP over HTTP gets them.

use std::collections::HashMap;
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValue;
use opentelemetry_proto::tonic::trace::v1::Span as WireSpan;
use prost::Message as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::testing::TestServer;
use sessera_contract::answer::Status;
use sessera_telemetry::traces::{QUEUE, Traces};

const ADA: &str = "ada@example.org";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// What a receiver was sent: headers and message.
type Sent = (HeaderMap, ExportTraceServiceRequest);

/// A receiver that answers with `status`; its address, and what it was sent.
async fn receiver(status: StatusCode) -> (String, UnboundedReceiver<Sent>) {
    async fn take(
        State((status, sender)): State<(StatusCode, UnboundedSender<Sent>)>,
        headers: HeaderMap,
        body: Bytes,
    ) -> StatusCode {
        let _ = sender.send((headers, ExportTraceServiceRequest::decode(body).unwrap()));
        status
    }
    let (sender, received) = unbounded_channel();
    let router = Router::new().route("/v1/traces", post(take)).with_state((status, sender));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async { axum::serve(listener, router).await });
    (address, received)
}

async fn traced(address: &str, more: Value) -> TestServer {
    let key = sessera_jose::generate::key(sessera_jose::Algorithm::Es256, None, 2048).unwrap();
    let keys = sessera_jose::JwkSet::new(vec![key]).unwrap().to_private_json().to_string();
    let base64 = |text: &str| {
        use base64::Engine as _;
        format!("base64://{}", base64::engine::general_purpose::STANDARD.encode(text))
    };
    let mut otlp = json!({"server_url": address, "insecure": true});
    for (name, value) in more.as_object().unwrap() {
        otlp[name] = value.clone();
    }
    let template = |mapper: &str| json!({"jwks_url": base64(&keys), "claims_mapper_url": base64(mapper)});
    let templates =
        json!({"t": template("{ claims: {} }"), "fails": template("{ claims: { a: error 'no' } }")});
    TestServer::configured(json!({
        "tracing": {"provider": "otel", "service_name": "tests", "providers": {"otlp": otlp}},
        "session": {"whoami": {"tokenizer": {"templates": templates}}},
    }))
    .await
}

async fn whoami(server: &TestServer, token: &str, query: &str, flags: &str) -> u16 {
    let parent = format!("00-{TRACE}-{CALLER}-{flags}");
    let headers = [("x-session-token", token), ("traceparent", &parent), ("x-request-id", "proxy-1")];
    server.public("GET", &format!("/sessions/whoami{query}"), &headers, None).await.status
}

/// All spans of the caller's trace.
async fn spans(server: &TestServer, received: UnboundedReceiver<Sent>) -> Vec<WireSpan> {
    let mut spans = all_spans(server, received).await;
    spans.retain(|span| hex::encode(&span.trace_id) == TRACE);
    spans
}

async fn all_spans(server: &TestServer, mut received: UnboundedReceiver<Sent>) -> Vec<WireSpan> {
    server.app.traces.as_ref().unwrap().close().await;
    let mut spans = Vec::new();
    while let Ok((_, message)) = received.try_recv() {
        for resource in message.resource_spans {
            spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    spans
}

/// A member of a message of Protocol Buffers that is a text or a message itself.
#[cfg(feature = "grpc")]
fn member(number: u64, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encoding::encode_varint(number << 3 | 2, &mut bytes);
    prost::encoding::encode_varint(content.len() as u64, &mut bytes);
    bytes.extend_from_slice(content);
    bytes
}

/// A question of Envoy over gRPC about a request with this header `traceparent`.
#[cfg(feature = "grpc")]
fn question(parent: Option<&str>, about: Option<&str>) -> axum::http::Request<axum::body::Body> {
    let headers = about.map(|about| [member(1, b"traceparent"), member(2, about.as_bytes())].concat());
    let headers = headers.map(|header| member(3, &header)).unwrap_or_default();
    let http = [member(2, b"GET"), headers, member(4, b"/"), member(5, b"app.example")].concat();
    let message = member(1, &member(4, &member(2, &http)));
    let mut framed = vec![0];
    framed.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    framed.extend(message);
    let mut request = axum::http::Request::post(sessera_gateway::port::CHECK)
        .version(axum::http::Version::HTTP_2)
        .header("content-type", "application/grpc")
        .extension(axum::extract::ConnectInfo(std::net::SocketAddr::from(([127, 0, 0, 1], 1))));
    if let Some(parent) = parent {
        request = request.header("traceparent", parent);
    }
    request.body(framed.into()).unwrap()
}

#[cfg(feature = "grpc")]
#[tokio::test]
async fn a_question_over_grpc_goes_on_with_the_trace_of_the_call_or_else_of_the_request_inside() {
    use tower::ServiceExt as _;

    let (address, received) = receiver(StatusCode::OK).await;
    let server = traced(&address, json!({})).await;
    let app = &server.app;
    let router = crate::gateway_port::router(app.gateway.clone(), app.observer(crate::gateway_port::NAME))
        .with_state(crate::app::AppState::from(app.clone()));
    let inside = format!("00-{TRACE}-{CALLER}-01");
    let call = "00-00000000000000000000000000000ca1-000000000000ca11-01";
    for (parent, about) in
        [(None, Some(inside.as_str())), (Some(call), Some(inside.as_str())), (Some(call), None), (None, None)]
    {
        let answer = router.clone().oneshot(question(parent, about)).await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    let mut unreadable = question(None, None);
    *unreadable.body_mut() = vec![0, 0, 0, 0, 0].into();
    router.oneshot(unreadable).await.unwrap();
    let spans = all_spans(&server, received).await;
    let of_requests =
        spans.iter().filter(|span| span.name == format!("POST {}", sessera_gateway::port::CHECK));
    let parents: Vec<_> = of_requests.map(|span| hex::encode(&span.parent_span_id)).collect();
    assert_eq!(parents, [CALLER, "000000000000ca11", "000000000000ca11", "", ""]);
    assert_eq!(spans.iter().filter(|span| hex::encode(&span.trace_id) == TRACE).count(), 1);
}

fn texts(attributes: &[opentelemetry_proto::tonic::common::v1::KeyValue]) -> HashMap<&str, String> {
    let text = |value: &AnyValue| match value {
        AnyValue::StringValue(text) => text.clone(),
        AnyValue::IntValue(number) => number.to_string(),
        other => panic!("{other:?}"),
    };
    attributes
        .iter()
        .map(|a| (a.key.as_str(), text(a.value.as_ref().unwrap().value.as_ref().unwrap())))
        .collect()
}

#[tokio::test]
async fn requests_are_spans_below_their_callers() {
    let (address, received) = receiver(StatusCode::OK).await;
    let server = traced(&address, json!({})).await;
    server.person(ADA).await;
    let (token, _) = server.signed_in(ADA).await;
    assert_eq!(whoami(&server, &token, "?tokenize_as=t", "01").await, 200, "from the store");
    assert_eq!(whoami(&server, &token, "?tokenize_as=t", "01").await, 200, "from memory");
    assert_eq!(whoami(&server, &token, "?tokenize_as=fails", "01").await, 400);
    let spans = spans(&server, received).await;
    let requests: Vec<_> = spans.iter().filter(|span| hex::encode(&span.parent_span_id) == CALLER).collect();
    let tree: Vec<Vec<(&str, bool)>> = requests
        .iter()
        .map(|request| {
            assert_eq!(request.name, "GET /sessions/whoami");
            let attributes = texts(&request.attributes);
            assert_eq!(attributes["request.id"], "proxy-1");
            assert_eq!(attributes["http.route"], "/sessions/whoami");
            let children = spans.iter().filter(|span| span.parent_span_id == request.span_id);
            children
                .map(|child| {
                    assert!(child.start_time_unix_nano <= child.end_time_unix_nano);
                    (child.name.as_str(), child.status.as_ref().is_some_and(|status| status.code == 2))
                })
                .collect()
        })
        .collect();
    assert_eq!(
        tree,
        [
            vec![("store session", false), ("mapper", false), ("sign", false)],
            vec![("sign", false)],
            vec![("mapper", true)],
        ]
    );
    let statuses: Vec<_> =
        requests.iter().map(|span| texts(&span.attributes)["http.response.status_code"].clone()).collect();
    assert_eq!(statuses, ["200", "200", "400"]);
    assert_eq!(spans.len(), 3 + 5, "nothing else belongs to the caller's trace");
}

#[tokio::test]
async fn a_change_belongs_to_its_request_and_the_receiver_learns_who_speaks() {
    let (address, mut received) = receiver(StatusCode::OK).await;
    let server = traced(&address, json!({"authorization_header": "Bearer for-tests"})).await;
    server.person(ADA).await;
    let (headers, message) = received.recv().await.unwrap();
    assert_eq!(headers["authorization"], "Bearer for-tests");
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let resource = &message.resource_spans[0];
    let of_resource = texts(&resource.resource.as_ref().unwrap().attributes);
    assert_eq!(of_resource["service.name"], "tests");
    let spans = &resource.scope_spans[0].spans;
    let request = spans.iter().find(|span| span.name == "POST /admin/identities").unwrap();
    let commit = spans.iter().find(|span| span.name == "store commit").unwrap();
    assert_eq!(commit.parent_span_id, request.span_id);
}

#[tokio::test]
async fn who_is_not_traced_is_left_out() {
    let (address, received) = receiver(StatusCode::OK).await;
    let server = traced(&address, json!({"sampling": {"sampling_ratio": 0}})).await;
    server.person(ADA).await;
    let (token, _) = server.signed_in(ADA).await;
    assert_eq!(whoami(&server, &token, "?tokenize_as=t", "00").await, 200);
    assert_eq!(whoami(&server, &token, "?tokenize_as=t", "00").await, 200);
    assert_eq!(whoami(&server, &token, "", "01").await, 200, "the caller wants it");
    let text = server.admin_text("/metrics/prometheus").await;
    assert_eq!(spans(&server, received).await.len(), 1);
    assert!(!text.contains("outcome=\"dropped\""), "{text}");
}

#[tokio::test]
async fn a_receiver_that_is_gone_hurts_nobody() {
    // The socket is bound but does not listen: nobody answers there, and nobody else is given the port.
    let closed = tokio::net::TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let gone = closed.local_addr().unwrap().to_string();
    let (refusing, _received) = receiver(StatusCode::BAD_REQUEST).await;
    for address in [gone, refusing] {
        let server = traced(&address, json!({})).await;
        server.person(ADA).await;
        let (token, _) = server.signed_in(ADA).await;
        let traces = server.app.traces.as_ref().unwrap();
        // More than the queue holds, while this one thread lets nobody send.
        let headers = HeaderMap::new();
        let id = HeaderValue::from_static("id");
        for _ in 0..QUEUE + 100 {
            Traces::answered(
                &traces.request(Instant::now(), &headers, "public", "GET", "/", &id),
                Status::DONE,
            );
        }
        let dropped = server.app.metrics.spans.with_label_values(&["dropped"]);
        let at_once = dropped.get();
        assert!(at_once >= 100, "{at_once}");
        assert_eq!(whoami(&server, &token, "?tokenize_as=t", "01").await, 200);
        traces.close().await;
        assert_eq!(whoami(&server, &token, "", "01").await, 200, "also after the end");
        assert!(dropped.get() > at_once, "what could not be sent is counted");
        assert_eq!(server.app.metrics.spans.with_label_values(&["sent"]).get(), 0);
    }
}

#[tokio::test]
async fn another_provider_is_no_reason_not_to_start() {
    let server = TestServer::configured(json!({"tracing": {"provider": "jaeger"}})).await;
    assert!(server.app.traces.is_none());
    assert_eq!(server.public("GET", "/health/alive", &[], None).await.status, 200);
}

#[test]
fn an_address_becomes_that_of_the_receiver_for_traces() {
    use sessera_config::Config;
    let url = |otlp: Value| {
        let tree = json!({"tracing": {"provider": "otel", "providers": {"otlp": otlp}}});
        match Config::from_tree(&tree).map(|config| config.tracing) {
            Ok(config) => Ok(config.expect("is configured").url.to_string()),
            Err(error) => Err(error.to_string()),
        }
    };
    let of = |server: &str, insecure: bool| url(json!({"server_url": server, "insecure": insecure})).unwrap();
    assert_eq!(of("collector:4318", false), "https://collector:4318/v1/traces");
    assert_eq!(of("collector:4318", true), "http://collector:4318/v1/traces");
    assert_eq!(of("http://collector:4318", false), "http://collector:4318/v1/traces");
    assert_eq!(of("https://collector/otlp/v1/traces", true), "https://collector/otlp/v1/traces");
    for otlp in [json!({}), json!({"server_url": "ftp://x"}), json!({"server_url": "two words"})] {
        assert!(url(otlp.clone()).unwrap_err().contains("server_url"), "{otlp}");
    }
    let ratio = json!({"server_url": "x:1", "sampling": {"sampling_ratio": 1.5}});
    assert!(url(ratio).unwrap_err().contains("sampling_ratio"));
}
