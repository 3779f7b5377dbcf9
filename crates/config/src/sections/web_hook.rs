//! Web hooks: somebody elsewhere who is told what happens in a flow, or asked whether it may.

use std::collections::BTreeMap;

use serde_json::Value;
use sessera_model::Secret;
use url::Url;

use crate::problem::{Findings, escape};
use crate::section::{choice, section};
use crate::setting::Setting;

section! {
    /// What stands in the configuration of a web hook.
    pub struct Written {
        /// What the log calls it.
        id: Option<String>,
        /// Whom to call.
        url: Option<Url>,
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

choice! {
    /// The method of a request.
    pub enum Method {
        /// The usual one.
        Post = "POST" | "post",
        /// Another one.
        Get = "GET" | "get",
        /// Another one.
        Put = "PUT" | "put",
        /// Another one.
        Patch = "PATCH" | "patch",
        /// Another one.
        Delete = "DELETE" | "delete",
        /// Another one.
        Options = "OPTIONS" | "options",
        /// Another one.
        Head = "HEAD" | "head",
    }
}

section! {
    /// How a request proves from whom it is.
    pub struct WrittenAuth {
        /// By which means.
        r#type as "type": Option<AuthType>,
        /// What they need.
        config: AuthConfig,
    }
}

choice! {
    /// By which means a request proves from whom it is.
    pub enum AuthType {
        /// A key in a header or a cookie.
        ApiKey = "api_key",
        /// A user and a password.
        BasicAuth = "basic_auth",
    }
}

section! {
    /// What the proof needs.
    pub struct AuthConfig {
        /// The name of the header or the cookie.
        name: Option<String>,
        /// The key.
        value: Option<Secret>,
        /// Where the key stands.
        r#in as "in": KeyPlace,
        /// The user.
        user: Option<String>,
        /// The password.
        password: Option<Secret>,
    }
}

choice! {
    /// Where a key stands.
    pub enum KeyPlace {
        /// In a header.
        Header = "header",
        /// In a cookie.
        Cookie = "cookie",
    }
}

/// How a request proves from whom it is.
#[derive(Clone, Debug)]
pub enum Auth {
    /// By a header with a key.
    Header(String, Secret),
    /// By a cookie with a key.
    Cookie(String, Secret),
    /// By a user and a password.
    Basic(String, Secret),
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
    /// Where it stands in the configuration, as a JSON Pointer.
    pub at: String,
    /// What the log calls it.
    pub id: Option<String>,
    /// Whom to call.
    pub url: Url,
    /// How.
    pub method: Method,
    /// Headers that are sent along.
    pub headers: Vec<(String, Secret)>,
    /// Whether the body is a form rather than JSON.
    pub is_form: bool,
    /// Where the Jsonnet function is that makes the body; without one nothing is sent.
    pub body: Option<String>,
    /// How a request proves from whom it is.
    pub auth: Option<Auth>,
    /// What becomes of the answer.
    pub answer: Answer,
}

/// Headers that belong to the connection, or that follow from the request.
const NOT_TO_BE_SET: &[&str] =
    &["host", "content-length", "connection", "transfer-encoding", "te", "trailer", "upgrade", "keep-alive"];

impl WebHook {
    /// Reads the configuration of a web hook.
    pub(crate) fn read(value: &Value, at: &str, found: &mut Findings) -> Option<Self> {
        let known = found.unknown.len();
        let written = Written::read(value, &Written::KIND, at, found)?;
        // All names are known here, so that any other one was meant to be one of them.
        found.wrong.extend(found.unknown.drain(known..));
        let Some(url) = written.url else {
            // One that cannot be read was named already.
            if value.get("url").is_none_or(|url| url.is_null() || url == "") {
                found
                    .wrong(format!("{at}/url"), "nobody is called without it: write the address of the hook");
            }
            return None;
        };
        if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some()
        {
            found.wrong(
                format!("{at}/url"),
                "a hook is called by http or https, without user and password in its address: those stand in auth, with the type basic_auth",
            );
        }
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
        let is_form = judge_headers(&written.headers, at, found);
        let auth = match written.auth {
            Some(auth) => Some(auth.read_whole(&format!("{at}/auth"), found)?),
            None => None,
        };
        Some(Self {
            at: at.to_owned(),
            id: written.id,
            url,
            method: written.method,
            headers: written.headers.into_iter().collect(),
            is_form,
            body: written.body,
            auth,
            answer,
        })
    }
}

/// Judges headers; whether they say that the body is a form.
fn judge_headers(headers: &BTreeMap<String, Secret>, at: &str, found: &mut Findings) -> bool {
    let mut is_form = false;
    for (name, value) in headers {
        let at = format!("{at}/headers/{}", escape(name));
        judge_header(name, value, &at, found);
        if NOT_TO_BE_SET.iter().any(|known| name.eq_ignore_ascii_case(known)) {
            found.wrong(&at, "this header follows from the request and cannot be chosen: remove it");
        }
        if name.eq_ignore_ascii_case("content-type") {
            let media_type = value.expose().split(';').next().unwrap_or_default().trim();
            is_form = media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded");
            if !is_form && !media_type.eq_ignore_ascii_case("application/json") {
                found.wrong(&at, "a body is application/json or application/x-www-form-urlencoded");
            }
        }
    }
    is_form
}

fn judge_header(name: &str, value: &Secret, at: &str, found: &mut Findings) {
    if !is_token(name) {
        found.wrong(at, "this cannot be the name of a header: use letters, digits and -");
    }
    if !is_line(value.expose()) {
        found.wrong(at, "a header has one line of printable ASCII characters");
    }
}

/// Whether a text can be the name of a header or a cookie (RFC 9110, section 5.6.2).
fn is_token(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_part)
}

/// Whether a text can be the value of a header.
fn is_line(text: &str) -> bool {
    text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

impl WrittenAuth {
    fn read_whole(self, at: &str, found: &mut Findings) -> Option<Auth> {
        let AuthConfig { name, value, r#in, user, password } = self.config;
        let mut missing = |member: &str| {
            found.wrong(format!("{at}/config/{member}"), "this is missing");
            None
        };
        match self.r#type {
            Some(AuthType::ApiKey) => {
                let Some(name) = name else { return missing("name") };
                let Some(value) = value else { return missing("value") };
                judge_header(&name, &value, &format!("{at}/config"), found);
                Some(match r#in {
                    KeyPlace::Header => Auth::Header(name, value),
                    KeyPlace::Cookie => {
                        if value.expose().contains([';', ',', '"', '\\', ' ']) {
                            found.wrong(
                                format!("{at}/config/value"),
                                "the value of a cookie has no blank and none of ; , \" \\: send the key in a header",
                            );
                        }
                        Auth::Cookie(name, value)
                    }
                })
            }
            Some(AuthType::BasicAuth) => {
                let Some(user) = user else { return missing("user") };
                let Some(password) = password else { return missing("password") };
                if user.contains(':') {
                    found.wrong(format!("{at}/config/user"), "the user of basic_auth has no colon");
                }
                Some(Auth::Basic(user, password))
            }
            None => {
                found.wrong(format!("{at}/type"), "write api_key or basic_auth");
                None
            }
        }
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
        assert!(wrong.is_empty() && hook.is_form);
        assert!(!format!("{hook:?}").contains("SECRET"));
    }
}
