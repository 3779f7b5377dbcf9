//! A browser that somebody has open at the console: it keeps a cookie, sends forms, and notes when the first byte of an
//! answer came.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// What stands before the token of a form.
const CSRF: &str = "name=\"csrf_token\" value=\"";

/// Somebody at the console of a server on this machine.
pub(crate) struct Browser {
    port: u16,
    cookie: String,
}

/// An answer with success.
pub(crate) struct Answer {
    /// How long the first byte took, from when the request was sent.
    pub(crate) first_byte: Duration,
    /// The answer, with its head.
    pub(crate) text: String,
}

impl Browser {
    /// Somebody who signs in with an admin token.
    pub(crate) fn signed_in(port: u16, token: &str) -> Result<Self> {
        let mut browser = Self { port, cookie: String::new() };
        let page = browser.ask("GET", "/console/sign-in", "", "")?;
        let csrf = page.text.split_once(CSRF).and_then(|(_, rest)| rest.split('"').next());
        let form = format!("csrf_token={}&to=/console&token={token}", csrf.context("no form to sign in")?);
        let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
        browser.ask("POST", "/console/sign-in", kind, &form)?;
        Ok(browser)
    }

    /// Opens a page.
    pub(crate) fn open(&mut self, path: &str) -> Result<Answer> {
        self.ask("GET", path, "", "")
    }

    fn ask(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Result<Answer> {
        let Self { port, cookie } = &*self;
        let mut stream = TcpStream::connect(("127.0.0.1", *port))?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n\
             Connection: close\r\nCookie: {cookie}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let begin = Instant::now();
        stream.write_all(request.as_bytes())?;
        let mut answer = vec![0];
        stream.read_exact(&mut answer)?;
        let first_byte = begin.elapsed();
        stream.read_to_end(&mut answer)?;
        let text = String::from_utf8(answer)?;
        // A page that was moved is none: what is behind it would not be measured.
        let is_good =
            text.starts_with("HTTP/1.1 200") || (method == "POST" && text.starts_with("HTTP/1.1 303"));
        if !is_good {
            bail!("{method} {path} failed: {}", text.get(..2_000).unwrap_or(&text));
        }
        let kept = text.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("set-cookie")
                .then(|| value.split(';').next().unwrap_or_default().to_owned())
        });
        if let Some(kept) = kept {
            self.cookie = kept;
        }
        Ok(Answer { first_byte, text })
    }
}
