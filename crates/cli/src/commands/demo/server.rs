//! Where the demonstration is played, which is a server in a temporary folder, and how to talk to it.

use std::collections::HashMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use sessera_server::{ConfigOrigin, Server};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A running server in a temporary folder.
pub(super) struct DemoServer {
    folder: TempDir,
    public_url: String,
    admin_url: String,
    http: reqwest::Client,
    stop: CancellationToken,
    server: JoinHandle<()>,
}

/// A word of a command line.
pub(super) enum Word {
    Plain(String),
    /// A word that is shown as a variable of the shell.
    Variable(&'static str, String),
}

/// What a command did.
pub(super) struct Outcome {
    pub(super) good: bool,
    pub(super) printed: String,
    pub(super) said: String,
}

/// A request, shown as curl would send it, and its answer.
pub(super) struct Exchange {
    pub(super) shown: String,
    pub(super) answer: Value,
}

impl DemoServer {
    /// Starts the server on free ports, in front of an upstream where there is one.
    pub(super) async fn open(upstream: Option<&str>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("sessera-demo-").tempdir()?;
        let (public, admin) = free_ports()?;
        let mut environment = HashMap::from([
            ("DSN".to_owned(), format!("sqlite://{}", folder.path().join("sessera.sqlite").display())),
            ("SERVE_PUBLIC_PORT".to_owned(), public.to_string()),
            ("SERVE_ADMIN_PORT".to_owned(), admin.to_string()),
        ]);
        environment.extend(upstream.map(|url| ("SESSION_UPSTREAM_URL".to_owned(), url.to_owned())));
        let server = Server::start(ConfigOrigin { files: Vec::new(), environment }).await?;
        let stop = CancellationToken::new();
        Ok(Self {
            folder,
            public_url: format!("http://127.0.0.1:{public}"),
            admin_url: format!("http://127.0.0.1:{admin}"),
            http: reqwest::Client::builder().timeout(TIMEOUT).no_proxy().build()?,
            server: tokio::spawn(server.run(stop.clone())),
            stop,
        })
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn public_url(&self) -> &str {
        &self.public_url
    }

    pub(super) fn admin_url(&self) -> &str {
        &self.admin_url
    }

    pub(super) fn write(&self, name: &str, content: &str) -> Result<()> {
        std::fs::write(self.folder().join(name), content).with_context(|| format!("cannot write {name}"))
    }

    /// Runs this program with these words, in the folder and against the server.
    pub(super) async fn run(&self, words: &[Word]) -> Result<Outcome> {
        let program = std::env::current_exe().context("the program does not know where its own file is")?;
        let output = tokio::process::Command::new(program)
            .args(words.iter().map(Word::meant))
            .current_dir(self.folder())
            .env("SESSERA_ADMIN_URL", &self.admin_url)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await?;
        Ok(Outcome {
            good: output.status.success(),
            printed: String::from_utf8_lossy(&output.stdout).into_owned(),
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Asks the public API.
    pub(super) async fn get(&self, path: &str, header: Option<(&'static str, &str)>) -> Result<Exchange> {
        let url = format!("{}{path}", self.public_url);
        let mut request = self.http.get(&url);
        let mut shown = format!("curl -s {}", quoted(&url));
        if let Some((name, value)) = header {
            request = request.header(name, value);
            shown = format!("{shown} -H {}", quoted(&format!("{name}: {value}")));
        }
        Ok(Exchange { answer: answer(request).await?, shown })
    }

    /// Sends JSON to the public API.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Exchange> {
        let url = format!("{}{path}", self.public_url);
        let shown = format!(
            "curl -s {} -H 'Content-Type: application/json' \\\n    -d {}",
            quoted(&url),
            quoted(&body.to_string())
        );
        Ok(Exchange { answer: answer(self.http.post(&url).json(body)).await?, shown })
    }

    /// Stops the server and removes the folder.
    pub(super) async fn close(self) -> Result<()> {
        // The server would wait for connections that are kept open.
        drop(self.http);
        // If the server has ended by itself, nobody listens.
        self.stop.cancel();
        self.server.await.context("the server did not end well")?;
        self.folder.close().context("the folder of the demonstration is still there")
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Result<Value> {
    let response = request.send().await?;
    let (url, status) = (response.url().clone(), response.status());
    let body = response.text().await?;
    if !status.is_success() {
        bail!("{url} answers {status}: {body}");
    }
    serde_json::from_str(&body).with_context(|| format!("the answer of {url} is not JSON"))
}

/// Finds two ports on which nobody listens.
fn free_ports() -> Result<(u16, u16)> {
    let listen = || TcpListener::bind("127.0.0.1:0").context("no port is free");
    let (one, other) = (listen()?, listen()?);
    Ok((one.local_addr()?.port(), other.local_addr()?.port()))
}

impl Word {
    fn meant(&self) -> &str {
        match self {
            Self::Plain(text) | Self::Variable(_, text) => text,
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Plain(text) => quoted(text),
            Self::Variable(name, _) => format!("\"${name}\""),
        }
    }
}

/// Shows a command of this program as one types it.
pub(super) fn shown(words: &[Word], file: Option<&str>) -> String {
    let mut line = "sessera".to_owned();
    for word in words {
        line.push(' ');
        line.push_str(&word.shown());
    }
    file.map_or(line.clone(), |file| format!("{line} > {file}"))
}

/// Quotes a word so that a shell reads it back.
fn quoted(word: &str) -> String {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    if !word.is_empty() && word.bytes().all(harmless) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_shown_as_a_shell_reads_them() {
        let words = [
            Word::Plain("verify".into()),
            Word::Variable("TOKEN", "a.b.c".into()),
            Word::Plain("it's".into()),
        ];
        assert_eq!(shown(&words, Some("out")), r#"sessera verify "$TOKEN" 'it'\''s' > out"#);
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("http://127.0.0.1:1/a?b"), "'http://127.0.0.1:1/a?b'");
    }
}
