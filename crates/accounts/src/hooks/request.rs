//! A request to somebody, and how it is made of what there is to tell.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use sessera_config::Problem;
use sessera_config::reach::{Addresses, Reach};
use sessera_config::sections::request::{self as written, Auth, Method};
use sessera_jsonnet::{Document, ErrorKind, EvalError, Limits, Program};
use sessera_model::Secret;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::hooks::caller::HookRequest;
use crate::schema::source;

/// The name of the argument of a program.
const CONTEXT: &str = "ctx";

/// What a program says in an error that calls the request off.
const CANCEL: &str = "cancel";

/// A request, compiled.
#[derive(Clone)]
pub struct Request {
    url: Url,
    addresses: Addresses,
    method: Method,
    headers: Vec<(String, Secret)>,
    is_form: bool,
    program: Option<Program>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method).finish_non_exhaustive()
    }
}

/// Why there is nothing to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRequest {
    /// The program calls it off.
    CalledOff,
    /// The program fails, or makes something that cannot be sent.
    Broken(String),
}

impl Request {
    /// Compiles a request. `otherwise` is the program where none is named. The error is about the program.
    pub fn compile(
        request: &written::Request,
        reach: &Reach,
        otherwise: Option<&str>,
    ) -> Result<Self, Problem> {
        let wrong = |problem: String| Problem::new(format!("{}/body", request.at), problem);
        let text = match &request.body {
            None => otherwise.map(|text| ("body", text.to_owned())),
            Some(url) => {
                let text = source::read(url).map_err(|error| wrong(error.to_string()))?;
                Some((url.strip_prefix("file://").unwrap_or("body"), text))
            }
        };
        let parsed = text.map(|(name, text)| Program::parse(name, &text));
        let program = parsed.transpose().map_err(|error| wrong(error.to_string()))?;
        let mut headers = request.headers.clone();
        headers.extend(request.auth.as_ref().map(header));
        let has_type = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if program.is_some() && !has_type {
            headers.push(("Content-Type".into(), Secret::from("application/json")));
        }
        Ok(Self {
            url: request.url.clone(),
            addresses: reach.of_written(&request.url),
            method: request.method,
            headers,
            is_form: request.is_form,
            program,
        })
    }

    /// What is sent about something that happens, which `context` tells as JSON.
    pub fn make(&self, context: &Value, is_awaited: bool) -> Result<HookRequest, NoRequest> {
        let body = match &self.program {
            None => Vec::new(),
            Some(program) => {
                let made = evaluate(program, context)?;
                if self.is_form { form(&made)?.into_bytes() } else { made.into_bytes() }
            }
        };
        Ok(HookRequest {
            url: self.url.clone(),
            addresses: self.addresses,
            method: self.method,
            headers: self.headers.clone(),
            body,
            is_awaited,
        })
    }
}

/// The header by which a request proves from whom it is.
fn header(auth: &Auth) -> (String, Secret) {
    match auth {
        Auth::Header(name, value) => (name.clone(), value.clone()),
        Auth::Cookie(name, value) => ("Cookie".into(), Secret::new(format!("{name}={}", value.expose()))),
        Auth::Basic(user, password) => {
            let both = STANDARD.encode(format!("{}:{}", user.expose(), password.expose()));
            ("Authorization".into(), Secret::new(format!("Basic {both}")))
        }
    }
}

/// What a program makes of a context, as JSON.
fn evaluate(program: &Program, context: &Value) -> Result<String, NoRequest> {
    let document = Document::shared(context.to_string().as_bytes());
    let document = document.map_err(|error| NoRequest::Broken(error.to_string()))?;
    let broken = |error: EvalError| match (error.kind(), error.message()) {
        (ErrorKind::Program, CANCEL) => NoRequest::CalledOff,
        _ => NoRequest::Broken(error.to_string()),
    };
    program
        .call(CONTEXT, document, &Limits::default())
        .map(sessera_jsonnet::Output::into_string)
        .map_err(broken)
}

/// An object of texts, numbers and truth values as a form. Members without a value are left out.
fn form(json: &str) -> Result<String, NoRequest> {
    let broken = |what: &str| NoRequest::Broken(format!("a form is made of {what}"));
    let members: Map<String, Value> =
        serde_json::from_str(json).map_err(|_| broken("an object, and the program returns another value"))?;
    let mut form = Serializer::new(String::new());
    for (name, value) in &members {
        match value {
            Value::Null => {}
            Value::String(text) => drop(form.append_pair(name, text)),
            Value::Number(_) | Value::Bool(_) => drop(form.append_pair(name, &value.to_string())),
            Value::Array(_) | Value::Object(_) => {
                return Err(broken(&format!("texts, and \"{name}\" is a list or an object")));
            }
        }
    }
    Ok(form.finish())
}
