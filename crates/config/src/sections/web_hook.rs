//! Web hooks: somebody elsewhere who is told what happens in a flow, or asked whether it may.

use std::collections::BTreeMap;

use serde_json::Value;
use sessera_model::Secret;

use crate::problem::Findings;
use crate::section::section;
use crate::sections::request::{Method, Request, WrittenAuth, WrittenRequest};
use crate::setting::{PrivateUrl, Setting};

section! {
    /// What stands in the configuration of a web hook.
    pub struct Written {
        /// What the log calls it.
        id: Option<String>,
        /// Whom to call.
        url: Option<PrivateUrl>,
        /// How.
        method: Method,
        /// Headers that are sent along.
        headers: BTreeMap<String, Secret>,
        /// Where the Jsonnet function is that makes the body.
        body: Option<String>,
        /// How a request proves from whom it is.
        auth: Option<WrittenAuth>,
        /// What becomes of the answer.
        response: Response,
        /// Whether an answer may stop the flow.
        can_interrupt: bool,
        /// Whether Kratos tells its own traces.
        emit_analytics_event: bool = true,
    }
}

section! {
    /// What becomes of an answer.
    pub struct Response {
        /// Whether nobody waits for it.
        ignore: bool,
        /// Whether it may change the identity and stop the flow.
        parse: bool,
    }
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nobody waits for it.
    Ignored,
    /// It is waited for when everything is done.
    Awaited,
    /// It is waited for before anything is done, and may refuse that.
    MayRefuse,
    /// It is waited for before anything is done, and may refuse or change that.
    MayChange,
}

/// A web hook.
#[derive(Clone, Debug)]
pub struct WebHook {
    /// What the log calls it.
    pub id: Option<String>,
    /// What is sent. Without a body nothing is.
    pub request: Request,
    /// What becomes of the answer.
    pub answer: Answer,
}

impl WebHook {
    /// Reads the configuration of a web hook.
    pub(crate) fn read(value: &Value, at: &str, found: &mut Findings) -> Option<Self> {
        let known = found.unknown.len();
        let written = Written::read(value, &Written::KIND, at, found)?;
        // All names are known here, so that any other one was meant to be one of them.
        found.wrong.extend(found.unknown.drain(known..));
        let Written { url, method, headers, body, auth, .. } = written;
        let request = WrittenRequest { url, method, headers, body, auth };
        let request =
            request.read_whole(at, "nobody is called without it: write the address of the hook", found)?;
        let answer = match (written.response.ignore, written.response.parse, written.can_interrupt) {
            (true, false, false) => Answer::Ignored,
            (true, ..) => {
                found.wrong(
                    format!("{at}/response/ignore"),
                    "an answer that nobody waits for can neither be read nor stop anything: remove this, or response.parse and can_interrupt",
                );
                return None;
            }
            (false, true, _) => Answer::MayChange,
            (false, false, true) => Answer::MayRefuse,
            (false, false, false) => Answer::Awaited,
        };
        Some(Self { id: written.id, request, answer })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(config: Value) -> (Option<WebHook>, Vec<String>) {
        let mut found = Findings::default();
        let hook = WebHook::read(&config, "/h", &mut found);
        (hook, found.wrong.into_iter().map(|problem| problem.pointer).collect())
    }

    fn with(more: Value) -> Value {
        let mut config = json!({"url": "https://hooks.example.org/", "method": "POST"});
        for (name, value) in more.as_object().unwrap() {
            config[name] = value.clone();
        }
        config
    }

    #[test]
    fn what_becomes_of_the_answer_follows_from_three_keys() {
        for (more, answer) in [
            (json!({}), Answer::Awaited),
            (json!({"response": {"ignore": true}}), Answer::Ignored),
            (json!({"response": {"ignore": false, "parse": true}}), Answer::MayChange),
            (json!({"can_interrupt": true}), Answer::MayRefuse),
            (json!({"can_interrupt": true, "response": {"parse": true}}), Answer::MayChange),
        ] {
            let (hook, wrong) = read(with(more.clone()));
            assert_eq!((hook.map(|hook| hook.answer), wrong.len()), (Some(answer), 0), "{more}");
        }
        for more in [
            json!({"response": {"ignore": true, "parse": true}}),
            json!({"response": {"ignore": true}, "can_interrupt": true}),
        ] {
            assert_eq!(read(with(more)).1, ["/h/response/ignore"]);
        }
    }

    #[test]
    fn what_cannot_be_sent_is_refused_at_its_place() {
        for (more, place) in [
            (json!({"url": null}), "/h/url"),
            (json!({"url": "ftp://x/"}), "/h/url"),
            (json!({"url": "https://u:p@x/"}), "/h/url"),
            (json!({"method": "TRACE"}), "/h/method"),
            (json!({"urll": 1}), "/h/urll"),
            (json!({"response": {"parsed": true}}), "/h/response/parsed"),
            (json!({"response": {"ignore": "true"}}), "/h/response/ignore"),
            (json!({"headers": {"A B": "x"}}), "/h/headers/A B"),
            (json!({"headers": {"X-A": "a\r\nX-B: b"}}), "/h/headers/X-A"),
            (json!({"headers": {"Host": "x"}}), "/h/headers/Host"),
            (json!({"headers": {"Content-Type": "text/plain"}}), "/h/headers/Content-Type"),
            (json!({"auth": {"type": "api_key", "config": {"name": "X"}}}), "/h/auth/config/value"),
            (json!({"auth": {"type": "basic_auth", "config": {"user": "u"}}}), "/h/auth/config/password"),
            (json!({"auth": {"type": "oauth2", "config": {}}}), "/h/auth/type"),
            (
                json!({"auth": {"type": "api_key", "config": {"name": "X", "value": "y", "in": "query"}}}),
                "/h/auth/config/in",
            ),
        ] {
            let (_, wrong) = read(with(more.clone()));
            assert!(wrong.iter().any(|at| at == place), "{more}: {wrong:?}");
        }
    }

    #[test]
    fn keys_and_headers_are_never_printed() {
        let (hook, wrong) = read(with(json!({
            "headers": {"X-Key": "SECRET-1", "Content-Type": "application/x-www-form-urlencoded"},
            "auth": {"type": "api_key", "config": {"name": "X", "value": "SECRET-2", "in": "cookie"}},
        })));
        let hook = hook.unwrap();
        assert!(wrong.is_empty() && hook.request.is_form);
        assert!(!format!("{hook:?}").contains("SECRET"));
    }
}
