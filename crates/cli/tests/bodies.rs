//! The memory of the real program while it is sent bodies that do not end.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a condition may take to come true on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much a body has that is nearly sent.
const SENT: usize = 1_000_000;

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself, which the test has found out already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// The memory of the process that is not swapped out, in bytes.
    fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }
}

/// Connections that send a form but for its last bytes.
fn half_sent(address: &str, path: &str, count: usize) -> Vec<TcpStream> {
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

#[cfg(target_os = "linux")]
#[test]
fn half_sent_bodies_cost_what_was_sent_and_a_third_at_the_most() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_sessera"));
    server
        .arg("serve")
        .current_dir(folder.path())
        .env_clear()
        .envs([("SERVE_PUBLIC_PORT", "0"), ("SERVE_ADMIN_PORT", "0"), ("LOG_FORMAT", "json")])
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut server = Running(server.spawn().unwrap());
    let mut log = BufReader::new(server.0.stderr.take().unwrap()).lines().map_while(Result::ok);
    let line = log.find(|line| line.contains("sessera serves")).unwrap();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    let address = |api: &str| line["fields"][api].as_str().unwrap().to_owned();
    let (public, admin, before) = (address("public"), address("admin"), server.memory());
    // What connections and the allocator take beside the bodies.
    let room = 24 * 1024 * 1024;
    // A route that keeps a body until it is there.
    let kept = half_sent(&admin, "/admin/identities", 24);
    let sent = kept.len() * SENT;
    let end = Instant::now() + PATIENCE;
    while server.memory() < before + sent * 9 / 10 {
        assert!(Instant::now() < end, "the bodies are read: {} of {sent}", server.memory() - before);
        std::thread::yield_now();
    }
    let taken = server.memory() - before;
    assert!(taken < sent * 4 / 3 + room, "{taken} bytes for {sent}");
    // A route that needs no such body keeps nothing of it.
    let refused = half_sent(&public, "/oauth2/token", 40);
    let taken = server.memory() - before;
    assert!(
        taken < sent * 4 / 3 + room,
        "{taken} bytes after {} more that are refused",
        refused.len() * SENT
    );
}
