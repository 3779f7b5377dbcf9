//! The real program as a server, and a client of both of its ports that takes paths as they are.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use sessera_testing::{Answer, PASSWORD};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_sessera");

/// A running server, which ends with the test.
pub(crate) struct Server {
    child: Child,
    /// Deleted when the test ends.
    _folder: TempDir,
    pub(crate) public: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// Where proxies ask, when the gateway is on.
    pub(crate) gateway: Option<SocketAddr>,
    http: reqwest::Client,
}

/// The program in a folder, with nothing of the environment in which the tests run.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.env_clear().current_dir(folder).env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

impl Server {
    /// A server with a configuration: an object whose members go over those that every test needs.
    pub(crate) fn configured(configuration: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut tree = json!({
            "hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 4}},
            "serve": {"public": {"port": 0}, "admin": {"port": 0}},
        });
        sessera_config::merge::merge(&mut tree, configuration);
        std::fs::write(folder.path().join("sessera.yml"), tree.to_string()).unwrap();
        let mut child = program(folder.path())
            .args(["serve", "-c", "sessera.yml"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let (public, admin, gateway) = loop {
            let Some(Ok(line)) = log.next() else { panic!("the server did not start:\n{said}") };
            let address = |name: &str| line.split_once(name)?.1.split(' ').next()?.parse().ok();
            if let (Some(public), Some(admin)) = (address("public="), address("admin=")) {
                break (public, admin, address("gateway="));
            }
            said += &line;
        };
        // A full pipe would stop the server.
        std::thread::spawn(move || log.for_each(drop));
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Self { child, _folder: folder, public, admin, gateway, http: http.build().unwrap() }
    }

    /// Calls the public API.
    pub(crate) async fn public(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let body = body.map(|body| ("application/json", body.to_string()));
        self.call(self.public, method, path, headers, body).await
    }

    /// Asks the gateway as a proxy does.
    pub(crate) async fn gateway(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.call(self.gateway.expect("the gateway is on"), method, path, headers, None).await
    }

    /// Calls the admin API.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.admin_with(method, path, &[], body).await
    }

    /// Calls the admin API with headers.
    pub(crate) async fn admin_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let body = body.map(|body| ("application/json", body.to_string()));
        self.call(self.admin, method, path, headers, body).await
    }

    /// Sends a form to the public API.
    pub(crate) async fn public_form(&self, path: &str, form: &str) -> Answer {
        self.form(self.public, path, form).await
    }

    /// Sends a form to the admin API.
    pub(crate) async fn admin_form(&self, path: &str, form: &str) -> Answer {
        self.form(self.admin, path, form).await
    }

    async fn form(&self, port: SocketAddr, path: &str, form: &str) -> Answer {
        let form = ("application/x-www-form-urlencoded", form.to_owned());
        self.call(port, "POST", path, &[], Some(form)).await
    }

    async fn call(
        &self,
        port: SocketAddr,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<(&str, String)>,
    ) -> Answer {
        let mut request = self.http.request(method.parse().unwrap(), format!("http://{port}{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some((kind, content)) = body {
            request = request.header("content-type", kind).body(content);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer::new(status, headers, &response.bytes().await.unwrap())
    }

    /// Sends bytes to the public port and reads until the connection ends.
    pub(crate) async fn spoken(&self, said: &str) -> String {
        self.spoken_to(self.public, said).await
    }

    /// Sends bytes to a port and reads until the connection ends.
    pub(crate) async fn spoken_to(&self, port: SocketAddr, said: &str) -> String {
        let mut stream = TcpStream::connect(port).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        let mut heard = Vec::new();
        let heard_all = stream.read_to_end(&mut heard);
        let ended = tokio::time::timeout(Duration::from_secs(60), heard_all).await;
        // A server that refuses a request may close the connection before it has read all of it.
        let _ = ended.expect("the connection ends");
        String::from_utf8_lossy(&heard).into_owned()
    }

    /// A metric without labels, by its name.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let metrics = self.admin("GET", "/metrics/prometheus", None).await.text;
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} in {metrics}")).parse().unwrap()
    }

    /// Creates an identity with [`PASSWORD`] and returns its id.
    pub(crate) async fn person(&self, email: &str) -> String {
        let password = json!({"config": {"password": PASSWORD}});
        let body = json!({
            "schema_id": "default", "traits": {"email": email}, "credentials": {"password": password},
        });
        let answer = self.admin("POST", "/admin/identities", Some(body)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body["id"].as_str().unwrap().to_owned()
    }

    /// Signs in with [`PASSWORD`] through a native flow and returns the session token and the session's id.
    pub(crate) async fn signed_in(&self, email: &str) -> (String, String) {
        let flow = self.public("GET", "/self-service/login/api", &[], None).await;
        let path = format!("/self-service/login?flow={}", flow.body["id"].as_str().unwrap());
        let body = json!({"method": "password", "identifier": email, "password": PASSWORD});
        let answer = self.public("POST", &path, &[], Some(body)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&answer.body["session_token"]), text(&answer.body["session"]["id"]))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
