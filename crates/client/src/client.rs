//! Requests and their answers.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sessera_model::Secret;
use url::Url;

use crate::endpoint::Endpoint;
use crate::error::{ClientError, Refusal};

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// How long to wait for an answer. Making a long RSA key takes seconds.
const ANSWER: Duration = Duration::from_secs(120);

/// Where both ports describe their API, and what the public one calls its own.
const DOCUMENT: &str = "openapi.json";
const PUBLIC_TITLE: &str = "Sessera public API";

/// How much of an answer that is not understood is repeated, in characters.
const SHOWN: usize = 80;

/// A client of one admin API.
#[derive(Clone, Debug)]
pub struct AdminClient {
    http: reqwest::Client,
    endpoint: Endpoint,
    authorization: Option<HeaderValue>,
}

#[derive(Deserialize)]
struct Envelope {
    error: Refusal,
}

impl AdminClient {
    /// Makes a client of the API at `endpoint`. `token` is given when the API asks for one.
    pub fn new(endpoint: Endpoint, token: Option<&Secret>) -> Result<Self, ClientError> {
        let authorization = match token {
            None => None,
            Some(_) if !endpoint.keeps_secrets() => {
                return Err(ClientError::TokenOverPlainHttp { endpoint: endpoint.to_string() });
            }
            Some(token) => {
                let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
                    .map_err(|_| ClientError::UnusableToken)?;
                // This keeps the token out of Debug output.
                value.set_sensitive(true);
                Some(value)
            }
        };
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("sessera/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .timeout(ANSWER);
        if endpoint.is_loopback() {
            // A proxy would see what must stay on this machine.
            builder = builder.no_proxy();
        }
        if !endpoint.is_encrypted() {
            // Redirects are not followed, so nothing is ever encrypted. A machine without certificates, such as a small container,
            // would refuse to make a client otherwise.
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|problem| ClientError::Unreachable {
            endpoint: endpoint.to_string(),
            problem: innermost(&problem),
        })?;
        Ok(Self { http, endpoint, authorization })
    }

    /// Where the API is.
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Whether requests carry a token.
    pub const fn sends_token(&self) -> bool {
        self.authorization.is_some()
    }

    pub(crate) fn request(&self, method: Method, segments: &[&str]) -> RequestBuilder {
        self.request_url(method, self.endpoint.join(segments))
    }

    fn request_url(&self, method: Method, url: Url) -> RequestBuilder {
        let request = self.http.request(method, url);
        match &self.authorization {
            Some(value) => request.header(AUTHORIZATION, value.clone()),
            None => request,
        }
    }

    /// Sends a request and fails unless the server reports success.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.bytes().await.map_err(|error| self.unreachable(&error))?;
        let refused = self.refused(status, &body);
        if refused.is_not_found() && self.is_public().await {
            return Err(ClientError::PublicApi { endpoint: self.endpoint.to_string() });
        }
        Err(refused)
    }

    /// Whether the endpoint is that of a public API. It is told no token.
    async fn is_public(&self) -> bool {
        let Ok(answer) = self.http.get(self.endpoint.join(&[DOCUMENT])).send().await else { return false };
        let document = answer.json::<Value>().await;
        document.is_ok_and(|document| document["info"]["title"] == PUBLIC_TITLE)
    }

    /// What an answer means that reports no success.
    pub(crate) fn refused(&self, status: StatusCode, body: &[u8]) -> ClientError {
        match serde_json::from_slice::<Envelope>(body) {
            Ok(Envelope { mut error }) => {
                error.code = status.as_u16();
                ClientError::Refused(Box::new(error))
            }
            Err(_) => self.not_understood(&format!("status {status}: {}", beginning(body))),
        }
    }

    /// Sends a request and reads the JSON of its answer.
    pub(crate) async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        let response = self.send(request).await?;
        self.read(response).await
    }

    /// Reads the JSON of an answer.
    pub(crate) async fn read<T: DeserializeOwned>(&self, response: Response) -> Result<T, ClientError> {
        let body = response.bytes().await.map_err(|error| self.unreachable(&error))?;
        serde_json::from_slice(&body).map_err(|error| self.not_understood(&error.to_string()))
    }

    pub(crate) fn not_understood(&self, problem: &str) -> ClientError {
        ClientError::NotUnderstood { endpoint: self.endpoint.to_string(), problem: problem.to_owned() }
    }

    pub(crate) fn unreachable(&self, error: &reqwest::Error) -> ClientError {
        ClientError::Unreachable { endpoint: self.endpoint.to_string(), problem: innermost(error) }
    }
}

/// The text of the innermost cause, which is what the operating system says.
fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it takes too long to answer".into();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

fn beginning(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use wiremock::matchers::{header, method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    async fn answering(template: ResponseTemplate) -> MockServer {
        let server = MockServer::start().await;
        Mock::given(method("GET")).and(path("/projects")).respond_with(template).mount(&server).await;
        server
    }

    async fn ask(server: &MockServer, token: Option<&str>) -> Result<Value, ClientError> {
        let client = AdminClient::new(server.uri().parse()?, token.map(Secret::from).as_ref())?;
        client.json(client.request(Method::GET, &["projects"])).await
    }

    #[tokio::test]
    async fn the_token_is_sent_and_stays_out_of_debug_output() {
        let server = MockServer::start().await;
        Mock::given(header("authorization", "Bearer hunter2"))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!([])))
            .mount(&server)
            .await;
        assert_eq!(ask(&server, Some("hunter2")).await.unwrap(), json!([]));
        let token = Secret::from("hunter2");
        let client = AdminClient::new(server.uri().parse().unwrap(), Some(&token)).unwrap();
        assert!(!format!("{client:?}").contains("hunter2"));
    }

    #[test]
    fn the_token_is_not_sent_in_the_clear() {
        let token = Secret::from("hunter2");
        let client = |endpoint: &str| AdminClient::new(endpoint.parse().unwrap(), Some(&token));
        let refused = client("http://admin.example").unwrap_err();
        assert!(matches!(refused, ClientError::TokenOverPlainHttp { .. }));
        assert!(!refused.to_string().contains("hunter2"));
        assert!(client("https://admin.example").is_ok());
        let broken = Secret::from("two\nlines");
        assert!(AdminClient::new("https://admin.example".parse().unwrap(), Some(&broken)).is_err());
    }

    #[tokio::test]
    async fn a_refusal_carries_the_server_s_reason() {
        let envelope =
            json!({"error": {"code": 404, "status": "Not Found", "reason": "Do this.", "message": "No."}});
        let error = ask(&answering(ResponseTemplate::new(404).set_body_json(envelope)).await, None).await;
        let error = error.unwrap_err();
        assert!(error.is_not_found());
        assert_eq!(error.to_string(), "Do this.");
    }

    #[tokio::test]
    async fn what_is_no_admin_api_is_said_to_be_none() {
        for template in [
            ResponseTemplate::new(404).set_body_string("404 page not found"),
            ResponseTemplate::new(200).set_body_string("<html>"),
            ResponseTemplate::new(502),
        ] {
            let error = ask(&answering(template).await, None).await.unwrap_err();
            assert!(matches!(error, ClientError::NotUnderstood { .. }), "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_public_api_is_recognised_where_a_path_is_missing_and_told_no_token() {
        for (title, is_public) in [("Sessera public API", true), ("Sessera admin API", false)] {
            let refused = json!({"error": {"code": 404, "reason": "There is no such path."}});
            let server = answering(ResponseTemplate::new(404).set_body_json(refused)).await;
            Mock::given(path("/openapi.json"))
                .respond_with(ResponseTemplate::new(200).set_body_json(json!({"info": {"title": title}})))
                .mount(&server)
                .await;
            let error = ask(&server, Some("hunter2")).await.unwrap_err();
            assert_eq!(matches!(error, ClientError::PublicApi { .. }), is_public, "{error:?}");
            assert_ne!(error.is_not_found(), is_public);
            let requests = server.received_requests().await.unwrap();
            assert!(!requests[1].headers.contains_key("authorization"), "{requests:?}");
        }
    }

    #[tokio::test]
    async fn redirects_are_not_followed() {
        let elsewhere = answering(ResponseTemplate::new(200).set_body_json(json!([]))).await;
        let location = format!("{}/projects", elsewhere.uri());
        let server = answering(ResponseTemplate::new(307).insert_header("location", location)).await;
        assert!(ask(&server, Some("hunter2")).await.is_err());
        assert!(elsewhere.received_requests().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_unreachable() {
        // The socket is bound but does not listen: nobody answers there, and nobody else is given the port.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let endpoint = format!("http://{}", socket.local_addr().unwrap()).parse().unwrap();
        let client = AdminClient::new(endpoint, None).unwrap();
        let error = client.projects().await.unwrap_err();
        assert!(matches!(error, ClientError::Unreachable { .. }), "{error:?}");
    }
}
