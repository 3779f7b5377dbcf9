//! Envoy's messages as questions, and decisions as Envoy's messages.

use std::collections::HashMap;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use bytes::Bytes;
use envoy_types::ext_authz::v3::pb::{
    CheckRequest, CheckResponse, DeniedHttpResponse, HeaderAppendAction, HeaderValue as Value,
    HeaderValueOption, HttpResponse, HttpStatus, OkHttpResponse,
};
use envoy_types::pb::envoy::service::auth::v3::AttributeContext;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{self, HttpRequest};
use envoy_types::pb::google::protobuf::{ListValue, Struct, Value as Member, value::Kind};
use envoy_types::pb::google::rpc;
use prost::encoding::message;
use serde_json::Map;
use sessera_http::values;
use tonic::Code;

use super::codec::Answer;
use crate::answer::{self, Denial};
use crate::decision::{Decision, Fate, Pass};
use crate::dialect::Dialect;
use crate::question::{Question, Target};

/// The context extension that names the route.
const ROUTE: &str = "route";

/// The number of the member `dynamic_metadata` in Envoy's `CheckResponse`.
const DYNAMIC_METADATA: u32 = 4;

/// A question that says nothing.
pub(super) fn empty() -> CheckRequest {
    let request = attribute_context::Request { http: Some(HttpRequest::default()), ..Default::default() };
    let attributes = AttributeContext { request: Some(request), ..Default::default() };
    CheckRequest { attributes: Some(attributes) }
}

/// A question as it came.
pub(super) struct CheckQuestion {
    headers: HeaderMap,
    method: String,
    scheme: String,
    host: String,
    path: String,
    route: Option<String>,
}

impl CheckQuestion {
    /// Reads a question. Nothing when it is about no request of HTTP.
    pub(super) fn of(request: CheckRequest) -> Option<Self> {
        let attributes = request.attributes?;
        let http = attributes.request?.http?;
        let headers = match http.header_map {
            // Headers as Envoy has them, each line by itself.
            Some(raw) => raw.headers.into_iter().filter_map(of_line).collect(),
            None => read(http.headers),
        };
        let route = route(&attributes.context_extensions);
        Some(Self {
            headers,
            method: http.method,
            scheme: http.scheme,
            host: http.host,
            path: http.path,
            route,
        })
    }

    pub(super) fn question(&self) -> Question<'_> {
        // Envoy says itself how its client came. The scheme of the message is what stands in the client's request.
        let told = self.headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
        Question {
            dialect: Dialect::Grpc,
            route: self.route.as_deref(),
            method: &self.method,
            is_method_certain: true,
            headers: &self.headers,
            target: Target {
                scheme: told.or(Some(&self.scheme)),
                host: Some(&self.host),
                path: Some(&self.path),
            },
        }
    }
}

/// The route that context extensions name. Extensions that name none, such as a misspelt `rout`, are themselves taken for the
/// name, of which there is no route, lest the one called default judge in the place of a stricter one.
fn route(extensions: &HashMap<String, String>) -> Option<String> {
    let named = extensions.get(ROUTE).filter(|name| !name.is_empty()).cloned();
    named.or_else(|| extensions.keys().min().map(|name| format!("?{name}")))
}

/// Headers as a map, in which Envoy joins lines of one name.
fn read(headers: HashMap<String, String>) -> HeaderMap {
    headers.into_iter().filter_map(|(name, value)| pair(&name, value.into_bytes())).collect()
}

/// A header; nothing for what is none, such as `:path`.
fn pair(name: &str, value: Vec<u8>) -> Option<(HeaderName, HeaderValue)> {
    let value = HeaderValue::from_maybe_shared(Bytes::from(value)).ok()?;
    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
}

fn of_line(line: Value) -> Option<(HeaderName, HeaderValue)> {
    let value = if line.raw_value.is_empty() { line.value.into_bytes() } else { line.raw_value };
    pair(&line.key, value)
}

/// The answer to a question.
pub(super) fn answer(question: &Question<'_>, decision: Decision) -> Answer {
    match decision {
        Decision::Pass(pass) => passed(pass),
        decision => Answer { message: denied(answer::denied(question, decision)), metadata: None },
    }
}

fn passed(pass: Pass) -> Answer {
    let mut ok = OkHttpResponse::default();
    for (name, fate) in pass.headers {
        match fate {
            Fate::Set(value) => {
                ok.headers.push(option(&name, &value, HeaderAppendAction::OverwriteIfExistsOrAdd));
            }
            Fate::Remove => ok.headers_to_remove.push(name.as_str().to_owned()),
            Fate::Keep(_) => {}
        }
    }
    let cookies =
        pass.cookies.iter().filter_map(|cookie| HeaderValue::from_maybe_shared(cookie.clone()).ok());
    ok.response_headers_to_add = cookies
        .map(|cookie| option(&header::SET_COOKIE, &cookie, HeaderAppendAction::AppendIfExistsOrAdd))
        .collect();
    let message = CheckResponse {
        status: Some(status(Code::Ok, "")),
        dynamic_metadata: None,
        http_response: Some(HttpResponse::OkResponse(ok)),
    };
    Answer { message, metadata: pass.token.map(|token| token.claims_encoded(metadata)) }
}

fn denied(denial: Denial) -> CheckResponse {
    let code = denial.code();
    let body = denial.body.map(|body| body.to_string()).unwrap_or_default();
    let media_type = (header::CONTENT_TYPE, values::JSON);
    let headers = [media_type, (header::CACHE_CONTROL, values::NO_STORE)].into_iter().chain(denial.headers);
    let set = HeaderAppendAction::OverwriteIfExistsOrAdd;
    CheckResponse {
        status: Some(status(code, "")),
        dynamic_metadata: None,
        http_response: Some(HttpResponse::DeniedResponse(DeniedHttpResponse {
            status: Some(HttpStatus { code: denial.status.code().into() }),
            headers: headers.map(|(name, value)| option(&name, &value, set)).collect(),
            body,
        })),
    }
}

fn status(code: Code, message: &str) -> rpc::Status {
    rpc::Status { code: code.into(), message: message.to_owned(), details: Vec::new() }
}

fn option(name: &HeaderName, value: &HeaderValue, action: HeaderAppendAction) -> HeaderValueOption {
    let (value, raw_value) = match value.to_str() {
        Ok(text) => (text.to_owned(), Vec::new()),
        Err(_) => (String::new(), value.as_bytes().to_vec()),
    };
    HeaderValueOption {
        header: Some(Value { key: name.as_str().to_owned(), value, raw_value }),
        append_action: action.into(),
        ..HeaderValueOption::default()
    }
}

/// Claims as the member `dynamic_metadata` of an answer, encoded with its number and its length.
fn metadata(claims: &Map<String, serde_json::Value>) -> Bytes {
    let mut encoded = Vec::new();
    message::encode(DYNAMIC_METADATA, &fields(claims), &mut encoded);
    encoded.into()
}

/// Claims as Envoy's filters read them.
fn fields(claims: &Map<String, serde_json::Value>) -> Struct {
    Struct { fields: claims.iter().map(|(name, claim)| (name.clone(), member(claim))).collect() }
}

fn member(value: &serde_json::Value) -> Member {
    let kind = match value {
        serde_json::Value::Null => Kind::NullValue(0),
        serde_json::Value::Bool(is_true) => Kind::BoolValue(*is_true),
        serde_json::Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        serde_json::Value::String(text) => Kind::StringValue(text.clone()),
        serde_json::Value::Array(items) => {
            Kind::ListValue(ListValue { values: items.iter().map(member).collect() })
        }
        serde_json::Value::Object(members) => Kind::StructValue(fields(members)),
    };
    Member { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use serde_json::json;

    use super::*;

    #[test]
    fn misspelt_extensions_name_no_route_that_there_is() {
        for (extensions, name) in [
            (&[][..], None),
            (&[("route", "api"), ("a", "b")], Some("api")),
            (&[("route", "")], Some("?route")),
            (&[("rout", "api"), ("other", "x")], Some("?other")),
            (&[("Route", "api")], Some("?Route")),
        ] {
            let extensions =
                extensions.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            assert_eq!(route(&extensions).as_deref(), name, "{extensions:?}");
        }
    }

    #[test]
    fn claims_that_were_encoded_are_read_as_metadata() {
        let claims = json!({"sub": "ada", "roles": ["a", null], "age": 36, "is": {"admin": true}});
        let claims = claims.as_object().unwrap();
        let read = CheckResponse::decode(metadata(claims)).unwrap();
        assert_eq!(
            read,
            CheckResponse { dynamic_metadata: Some(fields(claims)), ..CheckResponse::default() }
        );
    }
}
