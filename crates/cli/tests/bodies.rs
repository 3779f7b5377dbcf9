//! The real program while it is sent bodies that do not end: its memory, and what it leaves for others.

#![cfg(target_os = "linux")]

use std::convert::Infallible;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::Frame;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::TempDir;
use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long a condition may take to come true on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much a body has that is nearly sent.
const SENT: usize = 1_000_000;

/// A program that ends with the test.
struct Running {
    child: Child,
    public: SocketAddr,
    admin: SocketAddr,
    /// Its files, which are deleted when the test ends.
    _folder: TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself, which the test has found out already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sessera"));
        command
            .arg("serve")
            .current_dir(folder.path())
            .env_clear()
            .envs([("SERVE_PUBLIC_PORT", "0"), ("SERVE_ADMIN_PORT", "0"), ("LOG_FORMAT", "json")])
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let line = log.find(|line| line.contains("sessera serves")).unwrap();
        // A full pipe would stop the server.
        std::thread::spawn(move || log.for_each(drop));
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        let address = |api: &str| line["fields"][api].as_str().unwrap().parse().unwrap();
        Self { child, public: address("public"), admin: address("admin"), _folder: folder }
    }

    /// The memory of the process that is not swapped out, in bytes.
    fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }
}

/// Connections that send a form but for its last bytes.
fn half_sent(address: SocketAddr, path: &str, count: usize) -> Vec<TcpStream> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        SENT + 1
    );
    let body = vec![b' '; SENT];
    let send = |_| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&body).unwrap();
        stream
    };
    (0..count).map(send).collect()
}

#[test]
fn half_sent_bodies_cost_what_was_sent_and_a_third_at_the_most() {
    let server = Running::start();
    let before = server.memory();
    // What connections and the allocator take beside the bodies.
    let room = 24 * 1024 * 1024;
    // A route that keeps a body until it is there.
    let kept = half_sent(server.admin, "/admin/identities", 24);
    let sent = kept.len() * SENT;
    let end = Instant::now() + PATIENCE;
    while server.memory() < before + sent * 9 / 10 {
        assert!(Instant::now() < end, "the bodies are read: {} of {sent}", server.memory() - before);
        std::thread::yield_now();
    }
    let taken = server.memory() - before;
    assert!(taken < sent * 4 / 3 + room, "{taken} bytes for {sent}");
    // A route that needs no such body keeps nothing of it.
    let refused = half_sent(server.public, "/oauth2/token", 40);
    let taken = server.memory() - before;
    assert!(
        taken < sent * 4 / 3 + room,
        "{taken} bytes after {} more that are refused",
        refused.len() * SENT
    );
}

/// How many bodies of the public port one client may have under way.
const SHARE: usize = 128;

/// How many requests one connection may have under way.
const STREAMS: usize = 16;

/// A body that is as good as its word, or never comes.
struct Sent(Option<Bytes>, bool);

impl hyper::body::Body for Sent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.0.take() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None if self.1 => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

/// A connection of a client at an address, over HTTP/2.
async fn connected(from: [u8; 4], to: SocketAddr) -> SendRequest<Sent> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((IpAddr::from(from), 0).into()).unwrap();
    let stream = TokioIo::new(socket.connect(to).await.unwrap());
    let (client, connection) = handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The status of the answer to a submission with a body.
async fn submit(mut client: SendRequest<Sent>, to: SocketAddr, body: Sent) -> u16 {
    let request = hyper::Request::post(format!("http://{to}/self-service/login?flow=none"));
    let request = request.header("content-type", "application/json").body(body).unwrap();
    client.ready().await.unwrap();
    client.send_request(request).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn over_http_2_one_client_takes_the_same_share_however_many_streams_it_opens() {
    let server = Running::start();
    let to = server.public;
    let mut answers = JoinSet::new();
    for _ in 0..=SHARE / STREAMS {
        let client = connected([127, 0, 0, 1], to).await;
        for _ in 0..STREAMS {
            answers.spawn(submit(client.clone(), to, Sent(None, false)));
        }
    }
    // Those are refused that come when the share is taken; all others wait.
    for _ in 0..STREAMS {
        let refused =
            timeout(PATIENCE, answers.join_next()).await.expect("as many are refused as are too many");
        assert_eq!(refused.unwrap().unwrap(), 503);
    }
    assert!(answers.try_join_next().is_none(), "nobody else is refused");
    let whole = || Sent(Some(Bytes::from_static(b"{}")), true);
    assert_eq!(submit(connected([127, 0, 0, 1], to).await, to, whole()).await, 503);
    let other = submit(connected([127, 0, 0, 2], to).await, to, whole()).await;
    assert!((400..500).contains(&other), "another client is answered what it is about: {other}");
}
