//! A server in a folder of its own, and the command line that talks to it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_sessera");

/// A password that is good enough.
pub(crate) const PASSWORD: &str = "Zx-long-enough-1234";

/// A running server, which ends with the test.
pub(crate) struct Server {
    child: Child,
    folder: TempDir,
    public: String,
    admin: String,
    gateway: Option<String>,
}

/// How a command ended, and what it wrote.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Outcome {
    /// The output of a command that must not fail.
    #[track_caller]
    pub(crate) fn good(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// What a command that must fail with exit code 1 says.
    #[track_caller]
    pub(crate) fn refused(self) -> String {
        assert_eq!((self.code, self.out.as_str()), (1, ""), "{self:?}");
        self.err
    }

    #[track_caller]
    pub(crate) fn json(self) -> Value {
        let good = self.good();
        serde_json::from_str(&good.out).unwrap_or_else(|error| panic!("{error}: {good:?}"))
    }
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// A server with variables in its environment.
    pub(crate) fn start_with(environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = command(PROGRAM, folder.path())
            .arg("serve")
            .envs([("SERVE_PUBLIC_PORT", "0"), ("SERVE_ADMIN_PORT", "0")])
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let (public, admin, gateway) = loop {
            let Some(Ok(line)) = log.next() else { panic!("the server did not start:\n{said}") };
            let address = |name: &str| Some(line.split_once(name)?.1.split(' ').next()?.to_owned());
            if let (Some(public), Some(admin)) = (address("public="), address("admin=")) {
                break (public, admin, address("gateway="));
            }
            said.push_str(&line);
        };
        // A full pipe would stop the server.
        std::thread::spawn(move || log.for_each(drop));
        let url = |address: String| format!("http://{address}");
        Self { child, folder, public: url(public), admin: url(admin), gateway: gateway.map(url) }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn public_url(&self) -> &str {
        &self.public
    }

    pub(crate) fn admin(&self) -> &str {
        &self.admin
    }

    /// Where proxies ask. The server must have been started so.
    pub(crate) fn gateway(&self) -> &str {
        self.gateway.as_deref().unwrap()
    }

    /// Runs a command in the server's folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_with(&[], arguments)
    }

    /// Runs a command with variables in its environment.
    pub(crate) fn run_with(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Outcome {
        let mut command = command(PROGRAM, self.folder());
        command.env("SESSERA_ADMIN_URL", &self.admin).envs(environment.iter().copied());
        outcome(command.args(arguments).stdin(Stdio::null()).output().unwrap())
    }

    /// Runs a command with something on standard input.
    pub(crate) fn run_input(&self, arguments: &[&str], input: &str) -> Outcome {
        let mut command = command(PROGRAM, self.folder());
        command.env("SESSERA_ADMIN_URL", &self.admin).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that does not read its input closes it early.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        outcome(child.wait_with_output().unwrap())
    }

    /// Runs a script with `sh`, in which `ory` is the program under test.
    pub(crate) fn sh(&self, script: &str) -> Outcome {
        let script = format!("set -e\nory() {{ \"$SESSERA\" \"$@\"; }}\n{script}");
        let mut command = command("sh", self.folder());
        command.env("SESSERA_ADMIN_URL", &self.admin).env("SESSERA", PROGRAM);
        outcome(command.args(["-c", &script]).stdin(Stdio::null()).output().unwrap())
    }

    /// Runs a script with `bash` and variables in its environment.
    pub(crate) fn bash(&self, script: &str, environment: &[(&str, &str)]) -> Outcome {
        let mut command = command("bash", self.folder());
        command
            .env("SESSERA_ADMIN_URL", &self.admin)
            .env("SESSERA", PROGRAM)
            .envs(environment.iter().copied());
        outcome(command.args(["-c", script]).stdin(Stdio::null()).output().unwrap())
    }

    pub(crate) fn write(&self, file: &str, content: &str) {
        std::fs::write(self.folder().join(file), content).unwrap();
    }

    pub(crate) fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.folder().join(file)).unwrap()
    }

    /// Registers somebody through a native flow, signs in and returns the session token.
    pub(crate) async fn register(&self, email: &str) -> String {
        let flow = self.public("/self-service/registration/api", None, None).await;
        let path = format!("/self-service/registration?flow={}", flow["id"].as_str().unwrap());
        let body = json!({"method": "password", "password": PASSWORD, "traits": {"email": email}});
        let registered = self.public(&path, None, Some(body)).await;
        assert_eq!(registered["identity"]["traits"]["email"], email, "{registered}");
        self.login(email).await
    }

    /// Signs in and returns the session token.
    pub(crate) async fn login(&self, email: &str) -> String {
        let flow = self.public("/self-service/login/api", None, None).await;
        let path = format!("/self-service/login?flow={}", flow["id"].as_str().unwrap());
        let body = json!({"method": "password", "password": PASSWORD, "identifier": email});
        let answer = self.public(&path, None, Some(body)).await;
        answer["session_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// The person to whom a session token belongs, or the error.
    pub(crate) async fn whoami(&self, token: &str, query: &str) -> Value {
        self.public(&format!("/sessions/whoami{query}"), Some(token), None).await
    }

    async fn public(&self, path: &str, token: Option<&str>, body: Option<Value>) -> Value {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}{path}", self.public);
        let mut request = match body {
            Some(body) => http.post(url).json(&body),
            None => http.get(url),
        };
        if let Some(token) = token {
            request = request.header("x-session-token", token);
        }
        request.send().await.unwrap().json().await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server has ended already when the test made it end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The command line without a server.
pub(crate) fn alone(arguments: &[&str]) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    outcome(command(PROGRAM, folder.path()).args(arguments).stdin(Stdio::null()).output().unwrap())
}

/// A command that sees nothing of the environment in which the tests run, except where programs are.
fn command(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().current_dir(folder).env("NO_COLOR", "1");
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

fn outcome(output: Output) -> Outcome {
    Outcome {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
