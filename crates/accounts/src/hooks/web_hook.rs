//! One web hook, and what is sent to it.

use std::fmt;

use serde_json::Value;
use sessera_config::Problem;
use sessera_config::reach::Reach;
use sessera_config::sections::web_hook::{self as written, Answer};

use crate::hooks::caller::HookRequest;
use crate::hooks::request::{NoRequest, Request};

/// A web hook.
#[derive(Clone)]
pub struct WebHook {
    /// What the log calls it: its id, or its place in the configuration.
    pub name: String,
    /// What becomes of its answer.
    pub answer: Answer,
    request: Request,
}

impl fmt::Debug for WebHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebHook")
            .field("name", &self.name)
            .field("answer", &self.answer)
            .finish_non_exhaustive()
    }
}

impl WebHook {
    /// Compiles a web hook. The error is about its program.
    pub fn compile(hook: &written::WebHook, reach: &Reach) -> Result<Self, Problem> {
        let at = &hook.request.at;
        Ok(Self {
            name: hook.id.clone().unwrap_or_else(|| at.trim_end_matches("/config").to_owned()),
            answer: hook.answer,
            request: Request::compile(&hook.request, reach, None)?,
        })
    }

    /// Whether it is called when everything is done, and can keep nothing from being done.
    pub fn is_called_afterwards(&self) -> bool {
        matches!(self.answer, Answer::Ignored | Answer::Awaited)
    }

    /// The request about something that happens, which `context` tells as JSON.
    pub fn request(&self, context: &Value) -> Result<HookRequest, NoRequest> {
        self.request.make(context, self.answer != Answer::Ignored)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
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
        let request = none.request(&json!({})).unwrap();
        assert_eq!((sent(&none), request.headers.len()), (Ok(String::new()), 0));
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
