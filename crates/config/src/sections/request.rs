//! A request that this server makes to somebody, as it is configured: to whom, how, with which key.

use std::collections::BTreeMap;

use sessera_model::Secret;
use url::Url;

use crate::problem::{Findings, escape};
use crate::section::{choice, section};
use crate::setting::PrivateUrl;

section! {
    /// What stands in the configuration of a request.
    pub struct WrittenRequest {
        /// To whom.
        url: Option<PrivateUrl>,
        /// How.
        method: Method = "POST",
        /// Headers that are sent along.
        headers: BTreeMap<String, Secret>,
        /// Where the Jsonnet function is that makes the body: `file://` or `base64://`.
        body: Option<String>,
        /// How a request proves from whom it is.
        auth: Option<WrittenAuth>,
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
        /// The user. Some services take their key as the user, so it is a secret too.
        user: Option<Secret>,
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
    Basic(Secret, Secret),
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where it stands in the configuration, as a JSON Pointer.
    pub at: String,
    /// To whom.
    pub url: Url,
    /// How.
    pub method: Method,
    /// Headers that are sent along.
    pub headers: Vec<(String, Secret)>,
    /// Whether the body is a form rather than JSON.
    pub is_form: bool,
    /// Where the Jsonnet function is that makes the body.
    pub body: Option<String>,
    /// How a request proves from whom it is.
    pub auth: Option<Auth>,
}

/// Headers that belong to the connection, or that follow from the request.
const NOT_TO_BE_SET: &[&str] =
    &["host", "content-length", "connection", "transfer-encoding", "te", "trailer", "upgrade", "keep-alive"];

impl WrittenRequest {
    /// Judges what stands there. `missing` is said where there is no address.
    pub(crate) fn read_whole(self, at: &str, missing: &str, found: &mut Findings) -> Option<Request> {
        let Some(PrivateUrl(url)) = self.url else {
            let pointer = format!("{at}/url");
            // One that cannot be read was named already.
            if found.wrong.iter().all(|problem| problem.pointer != pointer) {
                found.wrong(pointer, missing);
            }
            return None;
        };
        if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some()
        {
            found.wrong(
                format!("{at}/url"),
                "it is called by http or https, without user and password in its address: those stand in auth, with the type basic_auth",
            );
        }
        let is_form = judge_headers(&self.headers, at, found);
        let auth = match self.auth {
            Some(auth) => Some(auth.read_whole(&format!("{at}/auth"), found)?),
            None => None,
        };
        Some(Request {
            at: at.to_owned(),
            url,
            method: self.method,
            headers: self.headers.into_iter().collect(),
            is_form,
            body: self.body,
            auth,
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
                if user.expose().contains(':') {
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
