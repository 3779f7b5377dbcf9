//! The measured server, which is the release build on a core of its own with a database in a temporary
//! folder.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sessera_jose::{Algorithm, JwkSet, generate};
use tempfile::TempDir;

use crate::database::{CIPHER, Database};
use crate::load::Request;
use crate::person::token;
use crate::{Arguments, cores};

/// The mapper of Ory's guide to tokenized sessions.
const MAPPER: &str = "local claims = std.extVar('claims');
local session = std.extVar('session');

{
  claims: {
    iss: claims.iss + \"/additional-component\",
    schema_id: session.identity.schema_id,
    session: session,
  }
}
";

/// A template.
pub(crate) struct Template {
    pub(crate) name: &'static str,
    pub(crate) algorithm: Algorithm,
    /// Whether its mapper looks at something for which it has to run for each token.
    each_time: bool,
    /// What its rate should be at the least, beside that of signatures.
    pub(crate) goal: Option<f64>,
}

/// The templates of each server.
pub(crate) const TEMPLATES: [Template; 4] = [
    Template { name: "ES256", algorithm: Algorithm::Es256, each_time: false, goal: Some(0.66) },
    Template { name: "RS256", algorithm: Algorithm::Rs256, each_time: false, goal: Some(0.93) },
    Template { name: "ES512", algorithm: Algorithm::Es512, each_time: false, goal: Some(0.9) },
    Template { name: "ES256-each-time", algorithm: Algorithm::Es256, each_time: true, goal: None },
];

/// A folder with a database and a configuration.
pub(crate) struct Workspace {
    folder: TempDir,
    pub(crate) database: Database,
    pub(crate) port: u16,
    pub(crate) admin_port: u16,
}

impl Workspace {
    /// Makes a new folder. Members of `more` override the configuration.
    pub(crate) fn new(arguments: &Arguments, more: &Value) -> Result<Self> {
        let folder = match &arguments.folder {
            Some(parent) => TempDir::new_in(parent)?,
            None => tempfile::tempdir()?,
        };
        let database = match &arguments.dsn {
            Some(dsn) => Database::Postgres(dsn.clone()),
            None => Database::Sqlite(folder.path().join("bench.sqlite")),
        };
        database.clear()?;
        let workspace = Self { folder, database, port: free_port()?, admin_port: free_port()? };
        let mut templates = json!({});
        for Template { name, algorithm, each_time, .. } in TEMPLATES {
            let more = if each_time { "id: claims.jti," } else { "" };
            let mapper = MAPPER.replace("claims: {", &format!("claims: {{ {more}"));
            let key = generate::key(algorithm, Some(format!("bench-{name}")), 2048)?;
            let keys = JwkSet::new(vec![key])?.to_private_json().to_string();
            templates[name] = json!({
                "ttl": "10m",
                "jwks_url": format!("base64://{}", STANDARD.encode(keys)),
                "claims_mapper_url": format!("base64://{}", STANDARD.encode(mapper)),
            });
        }
        let mut config = json!({
            "dsn": workspace.database.dsn(),
            "secrets": {"cipher": [CIPHER], "cookie": ["a cookie secret for measuring"]},
            "serve": {"public": {"port": workspace.port}, "admin": {"port": workspace.admin_port}},
            "session": {"whoami": {"tokenizer": {"templates": templates}}},
            "log": {"level": "warn"},
            // Everybody comes from one address.
            "selfservice": {"limits": {"requests_per_minute": 0, "free_failures": 0, "bytes_per_hour": 0}},
        });
        merge(&mut config, more);
        // Its secrets are for nobody else, of which the server would warn.
        let file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(workspace.config());
        file?.write_all(config.to_string().as_bytes())?;
        Ok(workspace)
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("kratos.yml")
    }

    /// Starts the server on so many cores, waits until it is ready and returns how long that took.
    pub(crate) fn start(&self, cores: usize) -> Result<(Server, Duration)> {
        let program = program()?;
        let start = Instant::now();
        let child = cores::of_the_server(cores, || {
            Ok(Command::new(program)
                .arg("serve")
                .arg("--config")
                .arg(self.config())
                .current_dir(self.folder.path())
                .stdin(Stdio::null())
                .spawn()?)
        })?;
        let server = Server { child, address: SocketAddr::from(([127, 0, 0, 1], self.port)) };
        wait_until_it_listens(self.port)?;
        get(self.port, "/health/ready")?;
        Ok((server, start.elapsed()))
    }
}

fn merge(config: &mut Value, more: &Value) {
    match (config, more) {
        (Value::Object(members), Value::Object(more)) => {
            for (name, value) in more {
                merge(members.entry(name).or_insert(Value::Null), value);
            }
        }
        (config, more) => *config = more.clone(),
    }
}

/// A server that is stopped when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// The memory of the process in MiB, which is `VmRSS` for the present or `VmHWM` for the most so far.
    pub(crate) fn memory(&self, what: &str) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
        let kib = line.and_then(|line| line.split_whitespace().next()).context("no such line")?;
        Ok(kib.parse::<u64>()? / 1024)
    }

    /// The processor's time that the process has taken so far.
    pub(crate) fn processor_time(&self) -> Result<Duration> {
        processor_time_of(&self.child.id().to_string())
    }
}

/// The processor's time that a process has taken so far, in its own code and in the kernel (proc(5), fields 14 and 15 of
/// `stat`).
pub(crate) fn processor_time_of(process: &str) -> Result<Duration> {
    /// The kernel counts hundredths of a second for programs.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name of the program, in parentheses, may hold spaces.
    let fields = stat.rsplit_once(')').context("no name")?.1;
    let ticks: Vec<f64> =
        fields.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(Duration::from_secs_f64(ticks.iter().sum::<f64>() / TICKS))
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server may have ended by itself, which the client has reported already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Requests of whoami for one person after the other, tokenized by a template or plain.
pub(crate) fn whoami(people: impl Iterator<Item = u64>, template: Option<&str>) -> Vec<Request> {
    let query = template.map(|name| format!("?tokenize_as={name}")).unwrap_or_default();
    people
        .map(|number| Request {
            bytes: format!(
                "GET /sessions/whoami{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Session-Token: {}\r\n\r\n",
                token(number)
            )
            .into_bytes(),
            expected: format!("person-{number}@example.org"),
        })
        .collect()
}

/// The server's program, which is what `SESSERA` names or else the release build.
fn program() -> Result<PathBuf> {
    if let Some(program) = std::env::var_os("SESSERA") {
        // Servers run in folders of their own.
        return Ok(std::path::absolute(program)?);
    }
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let status = Command::new("cargo")
        .args(["build", "--release", "--locked", "-p", "sessera"])
        .current_dir(&workspace)
        .status()?;
    if !status.success() {
        bail!("the server could not be built");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
    Ok(target.join("release/sessera"))
}

/// Finds a port on which nobody listens.
pub(crate) fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Waits until somebody listens on a port.
pub(crate) fn wait_until_it_listens(port: u16) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if Instant::now() > end {
            bail!("nobody listens on port {port} after a minute");
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    Ok(())
}

/// Sends a GET request and returns the body of its answer.
pub(crate) fn get(port: u16, path: &str) -> Result<String> {
    call(port, "GET", path, None)
}

/// The error for an answer without success.
#[derive(Debug)]
struct Refused {
    status: Option<u16>,
    what: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Refused {}

/// The status of an answer without success.
pub(crate) fn status_of(error: &anyhow::Error) -> Option<u16> {
    error.downcast_ref::<Refused>()?.status
}

/// Asks whoami about a session.
pub(crate) fn whoami_of(port: u16, token: &str, template: Option<&str>) -> Result<String> {
    let query = template.map(|name| format!("?tokenize_as={name}")).unwrap_or_default();
    let headers = format!("X-Session-Token: {token}\r\n");
    exchange(port, "GET", &format!("/sessions/whoami{query}"), &headers, "")
}

/// The header of a body in JSON.
pub(crate) const JSON: &str = "Content-Type: application/json\r\n";

/// Calls on a connection of its own and returns the body of a good answer.
pub(crate) fn call(port: u16, method: &str, path: &str, body: Option<&Value>) -> Result<String> {
    let body = body.map(ToString::to_string).unwrap_or_default();
    exchange(port, method, path, JSON, &body)
}

/// Calls the admin API with a token.
pub(crate) fn call_as(
    token: &str,
    port: u16,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Result<String> {
    let body = body.map(ToString::to_string).unwrap_or_default();
    let headers = format!("{JSON}Authorization: Bearer {token}\r\n");
    exchange(port, method, path, &headers, &body)
}

fn exchange(port: u16, method: &str, path: &str, headers: &str, body: &str) -> Result<String> {
    let (status, answer) = heard(send(port, method, path, headers, body)?)?;
    match status {
        Some(200..300) => Ok(answer),
        _ => bail!(Refused { status, what: format!("{method} {path} failed with {status:?}: {answer}") }),
    }
}

/// Sends a request on a connection of its own, whose answer nobody waits for yet.
pub(crate) fn send(port: u16, method: &str, path: &str, headers: &str, body: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\nAccept: application/json\r\n\
         {headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    Ok(stream)
}

/// Waits for an answer and returns its status and its body.
pub(crate) fn heard(mut stream: TcpStream) -> Result<(Option<u16>, String)> {
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    Ok((status.filter(|_| body.is_some()), body.unwrap_or(answer)))
}
