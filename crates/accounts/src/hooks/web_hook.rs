//! One web hook, and what is sent to it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use sessera_config::Problem;
use sessera_config::reach::{Addresses, Reach};
use sessera_config::sections::web_hook::{self as written, Answer, Auth, Method};
use sessera_jsonnet::{Document, ErrorKind, EvalError, Limits, Program};
use sessera_model::Secret;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::hooks::caller::HookRequest;
use crate::schema::source;

/// The name of the argument of a program.
const CONTEXT: &str = "ctx";

/// What a program says in an error that calls the hook off, and lets the flow go on.
const CANCEL: &str = "cancel";

/// A web hook.
#[derive(Clone)]
pub struct WebHook {
    /// What the log calls it: its id, or its place in the configuration.
    pub name: String,
    /// What becomes of its answer.
    pub answer: Answer,
    url: Url,
    addresses: Addresses,
    method: Method,
    headers: Vec<(String, Secret)>,
    is_form: bool,
    program: Option<Program>,
}

impl fmt::Debug for WebHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebHook")
            .field("name", &self.name)
            .field("answer", &self.answer)
            .finish_non_exhaustive()
    }
}

/// Why there is nothing to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRequest {
    /// The program calls the hook off.
    CalledOff,
    /// The program fails, or makes something that cannot be sent.
    Broken(String),
}

impl WebHook {
    /// Compiles a web hook. The error is about its program.
    pub fn compile(hook: &written::WebHook, reach: &Reach) -> Result<Self, Problem> {
        let wrong = |problem: String| Problem::new(format!("{}/body", hook.at), problem);
        let program = match &hook.body {
            None => None,
            Some(url) => {
                let text = source::read(url).map_err(|error| wrong(error.to_string()))?;
                let name = url.strip_prefix("file://").unwrap_or("body");
                Some(Program::parse(name, &text).map_err(|error| wrong(error.to_string()))?)
            }
        };
        let mut headers = hook.headers.clone();
        headers.extend(hook.auth.as_ref().map(header));
        let has_type = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if program.is_some() && !has_type {
            headers.push(("Content-Type".into(), Secret::from("application/json")));
        }
        Ok(Self {
            name: hook.id.clone().unwrap_or_else(|| hook.at.trim_end_matches("/config").to_owned()),
            answer: hook.answer,
            url: hook.url.clone(),
            addresses: reach.of_written(&hook.url),
            method: hook.method,
            headers,
            is_form: hook.is_form,
            program,
        })
    }

    /// Whether it is called when everything is done, and can keep nothing from being done.
    pub fn is_called_afterwards(&self) -> bool {
        matches!(self.answer, Answer::Ignored | Answer::Awaited)
    }

    /// The request about something that happens, which `context` tells as JSON.
    pub fn request(&self, context: &Value) -> Result<HookRequest, NoRequest> {
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
            is_awaited: self.answer != Answer::Ignored,
        })
    }
}

/// The header by which a request proves from whom it is.
fn header(auth: &Auth) -> (String, Secret) {
    match auth {
        Auth::Header(name, value) => (name.clone(), value.clone()),
        Auth::Cookie(name, value) => ("Cookie".into(), Secret::new(format!("{name}={}", value.expose()))),
        Auth::Basic(user, password) => {
            let both = STANDARD.encode(format!("{user}:{}", password.expose()));
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

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sessera_config::Config;

    use super::*;

    /// The first hook before signing in, of a configuration with `config`.
    fn hook(body: &str, more: Value) -> Result<WebHook, Problem> {
        let mut config = json!({
            "url": "https://hooks.example.org/x?key=SECRET",
            "method": "POST",
            "body": format!("base64://{}", STANDARD.encode(body)),
        });
        for (name, value) in more.as_object().unwrap() {
            config[name] = value.clone();
        }
        let hooks = json!([{"hook": "web_hook", "config": config}]);
        let config =
            Config::from_tree(&json!({"selfservice": {"flows": {"login": {"before": {"hooks": hooks}}}}}));
        let config = config.unwrap();
        WebHook::compile(&config.selfservice.flows.web_hooks()[0], &config.reach)
    }

    fn sent(hook: &WebHook) -> Result<String, NoRequest> {
        let request = hook.request(&json!({"flow": {"id": "1", "type": "api"}, "request_method": "GET"}))?;
        Ok(String::from_utf8(request.body).unwrap())
    }

    #[test]
    fn a_body_is_what_its_program_makes_of_the_context() {
        let plain = json!({});
        let body = |source: &str| sent(&hook(source, plain.clone()).unwrap());
        assert_eq!(body("function(ctx) { t: ctx.flow.type }"), Ok(r#"{"t":"api"}"#.into()));
        assert_eq!(body("{ fixed: true }"), Ok(r#"{"fixed":true}"#.into()));
        assert_eq!(body("function(ctx) if true then error 'cancel' else 1"), Err(NoRequest::CalledOff));
        for source in [
            "function(ctx) error 'cancel that'",
            "function(ctx) ctx.identity.id",
            "function(ctx) { local f(x) = f(x + 1), a: f(0) }",
            "function(ctx) std.repeat('x', 3000000)",
            "function(other) 1",
        ] {
            assert!(matches!(body(source), Err(NoRequest::Broken(_))), "{source}");
        }
        for source in ["function(ctx) {", "function(ctx) import '/etc/passwd'"] {
            let told = hook(source, json!({})).unwrap_err();
            assert_eq!(told.pointer, "/selfservice/flows/login/before/hooks/0/config/body");
        }
        let told = hook("", json!({"body": "https://example.org/x.jsonnet"})).unwrap_err();
        assert!(told.message.contains("file://"), "{told}");
        let none = hook("", json!({"body": null})).unwrap();
        assert_eq!((sent(&none), none.headers.len()), (Ok(String::new()), 0));
    }

    #[test]
    fn a_form_is_made_of_an_object_of_scalars() {
        let form = json!({"headers": {"content-type": "application/x-www-form-urlencoded"}});
        let body = |source: &str| sent(&hook(source, form.clone()).unwrap());
        let source = "function(ctx) { a: '3 & 4', b: 1, c: true, d: null, type: ctx.flow.type }";
        assert_eq!(body(source), Ok("a=3+%26+4&b=1&c=true&type=api".into()));
        for source in ["function(ctx) [1]", "function(ctx) { a: {} }", "function(ctx) 'x'"] {
            assert!(matches!(body(source), Err(NoRequest::Broken(_))), "{source}");
        }
    }

    #[test]
    fn requests_prove_from_whom_they_are_and_never_show_how() {
        let key = |place: &str| json!({"auth": {"type": "api_key", "config": {"name": "X-Key", "value": "SECRET", "in": place}}});
        let basic = json!({"auth": {"type": "basic_auth", "config": {"user": "u", "password": "p w"}}});
        for (auth, name, value) in [
            (key("header"), "X-Key", "SECRET"),
            (key("cookie"), "Cookie", "X-Key=SECRET"),
            (basic, "Authorization", "Basic dTpwIHc="),
        ] {
            let hook = hook("{}", auth).unwrap();
            let request = hook.request(&json!({})).unwrap();
            assert_eq!((request.headers[0].0.as_str(), request.headers[0].1.expose()), (name, value));
            assert_eq!(request.headers[1].1.expose(), "application/json");
            assert!(!format!("{hook:?} {request:?}").contains("SECRET"));
        }
    }
}
